package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

func storyResult() *scan.Result {
	const at = 133_500_000_000_000_000
	s := &finding.Session{Key: "k", Host: "WEB1", First: at, Last: at}
	s.Indicators.Addresses = []story.Indicator{{Value: "203.0.113.9", First: at, Last: at + event.Hour, Sources: []string{"entry point"}}}
	s.Indicators.Files = []story.Indicator{{Value: `C:\it's\a.exe`, First: at, Last: at}}
	q := &finding.Request{Host: "WEB1", Session: s, Entry: true, Confidence: story.ConfidenceLikely}
	q.Time, q.Method, q.URI, q.Client = at, "POST", "/x.aspx", "203.0.113.9"
	e := &finding.Event{Event: &story.Event{Time: at, Category: story.FileEvent, Summary: "wrote x", Record: &story.Record{}}, Host: "WEB1", Session: s}
	return &scan.Result{Sessions: []*finding.Session{s}, Events: []*finding.Event{e}, Requests: []*finding.Request{q}}
}

// TestTimeline: of one time, a request stands before what it may have caused.
func TestTimeline(t *testing.T) {
	var b bytes.Buffer
	if err := writeTimeline(&b, storyResult(), Options{}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][2] != kindRequest || rows[2][2] != kindEvent {
		t.Errorf("%v, %q", err, rows)
	}
}

// TestSTIX: a file that is named so holds STIX, with quotes escaped in
// patterns, and the same in every run.
func TestSTIX(t *testing.T) {
	var a, b bytes.Buffer
	for _, out := range []*bytes.Buffer{&a, &b} {
		if err := writeIndicators(out, storyResult(), Options{Path: "X.STIX.json"}); err != nil {
			t.Fatal(err)
		}
	}
	var bundle stixBundle
	if err := json.Unmarshal(a.Bytes(), &bundle); err != nil || len(bundle.Objects) != 2 || a.String() != b.String() {
		t.Fatalf("%v: %s", err, a.String())
	}
	const want = `[file:name = 'a.exe' AND file:parent_directory_ref.path = 'C:\\it\'s']`
	if got := bundle.Objects[0].Pattern; got != want || !strings.HasPrefix(bundle.ID, "bundle--") || bundle.ID[len("bundle--")+14] != '5' {
		t.Errorf("%s, %s", bundle.ID, got)
	}
}
