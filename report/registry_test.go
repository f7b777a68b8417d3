package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/report"
	"webshellscan/report/draw"
	"webshellscan/report/reporttest"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
)

// kind is one list of formats with what writes a content in each.
type kind struct {
	formatSet
	name  string
	write func(w io.Writer, format string) error
}

func newKind[C any](name string, f report.Formats[C], content C) kind {
	return kind{f, name, func(w io.Writer, format string) error { return f.Write(w, format, content, report.Options{}) }}
}

// builtinRules returns the built-in rules, which are read once.
var builtinRules = sync.OnceValues(func() (*scan.RuleSets, error) { return scan.LoadRules(context.Background(), scan.RuleOptions{}, 0) })

// kindsOf returns all lists of formats with contents whose texts are the given
// one, beside the processes of a scan.
func kindsOf(t *testing.T, res *scan.Result, s string) []kind {
	t.Helper()
	built, err := builtinRules()
	if err != nil {
		t.Fatal(err)
	}
	hostile, sets := reporttest.Hostile(s), *built
	sets.Loaded = append(sets.Loaded[:9:9], hostile.Findings[0].Rules...)
	p := res.Findings[0].Process
	return []kind{
		newKind("scan", report.ScanFormats, hostile),
		newKind("verify", report.VerifyFormats, hostile),
		newKind("tree", report.TreeFormats, &draw.Trees{Forest: res.Forest, Tops: []draw.Top{{}}}),
		newKind("rules list", report.RuleListFormats, &sets),
		newKind("rules check", report.RuleCheckFormats, []report.Problem{{ParseError: &rules.ParseError{File: s, Line: 1, Reason: s}, Kind: report.ProblemError}}),
		newKind("rules show", report.RuleShowFormats, report.ShownRules{Sets: &sets, Rules: hostile.Findings[0].Rules}),
		newKind("explain", report.ExplainFormats, report.Explanations{Result: res, Processes: []report.Explained{{Process: p, Rules: res.Explain(p, nil)}}, All: true}),
		newKind("find", report.FindFormats, report.Matches{Result: res, List: []scan.Match{{Host: s, Session: s, Process: p, Fields: []scan.MatchedField{{Name: "image", Value: s}}}}}),
		newKind("diff", report.DiffFormats, []report.Difference{{
			Change: "changed", Kind: "finding", Time: s, Host: s, Level: s, Title: s, Fields: []report.ChangedField{{Name: "image", Old: s, New: s}},
		}}),
	}
}

// hostileLog scans a log of a server below which processes with the worst texts
// ran.
func hostileLog(t *testing.T) *scan.Result {
	t.Helper()
	at := reporttest.Noon.Time()
	created := func(pid, parent uint64, image, command string) evtxtest.Event {
		at = at.Add(time.Second)
		return evtxtest.NewEvent(at, "WEB01", &evtxtest.ProcessCreated{NewProcessID: pid, NewProcessName: image, ProcessID: parent, CommandLine: command})
	}
	events := []evtxtest.Event{created(400, 4, `C:\Windows\System32\inetsrv\w3wp.exe`, "w3wp.exe")}
	for i, s := range reporttest.HostileTexts {
		events = append(events, created(uint64(1000+4*i), 400, `C:\`+s+".exe", "cmd /c "+s))
	}
	file, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "Security.evtx")
	if err := os.WriteFile(path, file.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}})
	if err != nil || len(res.Findings) == 0 {
		t.Fatalf("%d findings, %v", len(res.Findings), err)
	}
	return res
}

// TestWorstTexts: in every format of every kind the worst texts leave what
// programs read as it must be, and nothing that a terminal or an editor obeys.
func TestWorstTexts(t *testing.T) {
	res := hostileLog(t)
	for _, s := range reporttest.HostileTexts {
		for _, k := range kindsOf(t, res, s) {
			for _, format := range k.Names() {
				var b bytes.Buffer
				if err := k.write(&b, format); err != nil {
					t.Fatalf("%s, %s: %v", k.name, format, err)
				}
				if problem := problemOf(k.Endings(format)[0], b.String()); problem != "" {
					t.Errorf("%s, %s of %.40q: %s", k.name, format, s, problem)
				}
			}
		}
	}
}

// problemOf returns what is wrong with a file, by how its name ends; "" if
// nothing is.
func problemOf(ending, file string) string {
	parts := strings.Split(ending, ".")
	switch parts[len(parts)-1] {
	case "json":
		if !json.Valid([]byte(file)) {
			return "no JSON"
		}
	case "jsonl":
		for line := range strings.Lines(file) {
			if !json.Valid([]byte(line)) {
				return "no JSON: " + line
			}
		}
	case "csv":
		rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
		if err != nil {
			return err.Error()
		}
		for _, cell := range slices.Concat(rows...) {
			if cell != "" && strings.Contains("=+-@\t\r", cell[:1]) {
				return "a formula: " + cell
			}
		}
	default:
		if parts[len(parts)-1] == "html" {
			file = strings.ReplaceAll(file, "\t", " ") // of its own style and script
		}
		if at := strings.IndexFunc(file, func(r rune) bool { return r != '\n' && text.Visible(string(r)) != string(r) }); at >= 0 {
			return fmt.Sprintf("%q", file[max(0, at-40):min(len(file), at+40)])
		}
	}
	return ""
}

// TestFullDestination: an error of the destination ends every format of every
// kind.
func TestFullDestination(t *testing.T) {
	for _, k := range kindsOf(t, reporttest.Shipped(t, "..", 0), "x") {
		for _, format := range k.Names() {
			var whole bytes.Buffer
			if err := k.write(&whole, format); err != nil {
				t.Fatal(err)
			}
			for _, room := range []int{0, 1, whole.Len() / 2, whole.Len() - 1} {
				if err := k.write(&reporttest.Full{Room: room}, format); err == nil {
					t.Errorf("%s, %s: room for %d of %d bytes, and no error", k.name, format, room, whole.Len())
				}
			}
		}
	}
}

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
	for _, set := range kindsOf(t, reporttest.Shipped(t, "..", 0), "x") {
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
