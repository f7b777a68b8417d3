package report_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
)

// formatSet is what all lists of formats answer.
type formatSet interface {
	Names() []string
	Check(name string) error
	Endings(name string) []string
	OfPath(path string) string
	Needs(name string) report.Needs
}

// TestFormatLists: within a list each name and each ending stands for one
// format.
func TestFormatLists(t *testing.T) {
	for _, set := range []formatSet{
		report.ScanFormats, report.VerifyFormats, report.TreeFormats, report.RuleListFormats, report.RuleCheckFormats, report.RuleShowFormats, report.ExplainFormats,
	} {
		names := set.Names()
		if len(names) == 0 || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
			t.Errorf("names %q", names)
		}
		for _, name := range names {
			if set.Check(name) != nil || len(set.Endings(name)) == 0 {
				t.Errorf("%s: %v, endings %q", name, set.Check(name), set.Endings(name))
			}
			for _, ending := range set.Endings(name) {
				if got := set.OfPath("a.b" + strings.ToUpper(ending)); got != name {
					t.Errorf("a file that ends with %s is %q, want %s", ending, got, name)
				}
			}
		}
		if err := set.Check("xml"); err == nil || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
			t.Errorf("of an unknown format: %v", err)
		}
		if set.OfPath("a.xml") != "" || set.Endings("xml") != nil || set.Needs("xml") != (report.Needs{}) {
			t.Error("something is known of an unknown format")
		}
	}
	if err := report.ScanFormats.Write(io.Discard, "xml", reporttest.Result(), report.Options{}); err == nil {
		t.Error("no error for an unknown format")
	}
}

// TestNeeds: a format that shows inputs or raw events asks the scan for them.
func TestNeeds(t *testing.T) {
	const hash = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"
	res := reporttest.Marked()
	res.Manifest.Inputs[0].SHA256 = hash
	for _, name := range report.ScanFormats.Names() {
		page := writeResult(t, name, res)
		needs := report.ScanFormats.Needs(name)
		if shown := strings.Contains(page, hash); shown != needs.Manifest {
			t.Errorf("%s shows hashes: %v, needs them: %v", name, shown, needs.Manifest)
		}
		if shown := strings.Contains(page, `"EventRecordID":`); shown != (needs.RawEvents > 0) {
			t.Errorf("%s shows raw events: %v, needs %d", name, shown, needs.RawEvents)
		}
	}
}
