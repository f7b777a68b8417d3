package report_test

import (
	"strings"
	"testing"
	"time"

	"webshellscan/report"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/integrity"
)

// TestSummaryWords: the summary speaks of one thing in the singular.
func TestSummaryWords(t *testing.T) {
	for _, c := range []struct {
		summary scan.Summary
		want    string
	}{
		{scan.Summary{}, "; no copies\n"},
		{scan.Summary{Copies: 1}, "; 1 creation is a copy of another\n"},
		{scan.Summary{Copies: 2}, "; 2 creations are copies of others\n"},
		{scan.Summary{Rules: scan.RuleSummary{Applied: 1, Servers: 1, Filters: 1, Correlated: 1}}, "Rules: 1 applied, 1 identifies servers, 1 only feeds correlation rules, 1 filters others\n"},
		{scan.Summary{Rules: scan.RuleSummary{Applied: 2, Servers: 2, Filters: 2}}, "Rules: 2 applied, 2 identify servers, 2 filter others\n"},
	} {
		var out strings.Builder
		if err := report.Summary(&out, &c.summary); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("no %q in\n%s", c.want, out.String())
		}
	}
}

// TestSpans: of two times the earlier comes first, whichever was written first.
func TestSpans(t *testing.T) {
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	early, late := event.FromTime(start), event.FromTime(start.Add(time.Hour))
	res := &scan.Result{
		Integrity: []*integrity.Finding{{Level: integrity.Alarm, Host: "H", Text: "text", First: late, Last: early}},
		Coverage: []integrity.HostCoverage{{Host: "H", Channels: []integrity.ChannelCoverage{{Channel: "C", Gaps: []integrity.Gap{
			{From: late, To: early, FirstID: 7, LastID: 9}, {From: early, To: late, FirstID: 12, LastID: 12},
		}}}}},
	}
	var out strings.Builder
	if err := report.VerifyFormats.Write(&out, "table", res, report.Options{Width: 200}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"H, 2026-03-02 08:00:00 to 2026-03-02 09:00:00: text\n",
		"missing: record IDs 7 to 9, between 2026-03-02 08:00:00 and 2026-03-02 09:00:00\n",
		"missing: record ID 12, between 2026-03-02 08:00:00 and 2026-03-02 09:00:00\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestLostWords: nothing is lost only of what has no damage that may hide it.
func TestLostWords(t *testing.T) {
	for want, in := range map[string]scan.InputFile{
		"9 bytes, nothing lost, ": {Size: 9},
		"9 bytes, at least 1 record lost, 3 record identifiers missing, ": {Size: 9, Lost: 1, Missing: 3},
		"9 bytes, damaged, ":                {Size: 9, Damaged: true},
		"9 bytes, 2 chunks lost, ":          {Size: 9, LostChunks: 2, Damaged: true},
		"9 bytes, at least 1 record lost, ": {Size: 9, Lost: 1, LostChunks: 2, Damaged: true},
	} {
		var out strings.Builder
		res := &scan.Result{Manifest: scan.Manifest{Inputs: []scan.InputFile{in}}}
		if err := report.VerifyFormats.Write(&out, "table", res, report.Options{Width: 200}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
