package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	markdowntext "github.com/yuin/goldmark/text"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
)

// resultOf returns a result of one session of a finding whose texts all are the
// given one, with everything else that a summary tells.
func resultOf(s string) *scan.Result {
	f := reporttest.Finding(s)
	f.DecodedCommand = s
	f.Rules = []*rules.Rule{{Name: s, Title: s, Level: rules.LevelHigh, Tags: []string{"attack.t1505.003", s}}}
	return &scan.Result{
		Findings: []*finding.Finding{f},
		Sessions: []*finding.Session{{
			Key: s, Host: s, Product: s, Application: s, ServerRole: finding.ServerWeb, Level: rules.LevelHigh, Raised: []string{s}, First: reporttest.Noon, Last: reporttest.Noon,
			Findings: []*finding.Finding{f}, Users: []string{s, s}, Shapes: []finding.Shape{{Findings: []*finding.Finding{f}}, {Findings: []*finding.Finding{f, f}, Known: true}},
		}},
		Integrity: []*integrity.Finding{{Host: s, File: s, Text: s, Meaning: s}},
		Manifest:  scan.Manifest{Version: s},
		Summary: scan.Summary{
			Blind:      []scan.Blind{{Host: s, Text: s}, {Text: s}},
			Unreadable: []scan.FileError{{Path: s, Err: fmt.Errorf("%s", s)}}, Crashes: []scan.FileError{{Path: s, Err: fmt.Errorf("%s", s)}},
			Damage: []scan.FileFaults{{Path: s, Counts: map[evtx.Class]int{evtx.FileTruncated: 1}}},
		},
	}
}

func writeResult(t testing.TB, format string, res *scan.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.ScanFormats.Write(&b, format, res, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// outline returns the block structure of Markdown with the dialect of GitHub,
// and the text of its table cells and code spans.
func outline(t *testing.T, source string) (kinds, texts []string) {
	t.Helper()
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote), goldmark.WithParserOptions(parser.WithAttribute()))
	data := []byte(source)
	err := ast.Walk(md.Parser().Parse(markdowntext.NewReader(data)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n.Kind() {
		case ast.KindLink, ast.KindImage, ast.KindAutoLink, ast.KindRawHTML, ast.KindHTMLBlock, ast.KindBlockquote, ast.KindCodeBlock,
			ast.KindFencedCodeBlock, ast.KindThematicBreak, extast.KindStrikethrough, extast.KindTaskCheckBox, extast.KindFootnoteLink:
			t.Errorf("%s in\n%s", n.Kind(), source)
		case ast.KindCodeSpan:
			var b strings.Builder
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				b.Write(c.(*ast.Text).Segment.Value(data))
			}
			texts = append(texts, b.String())
			return ast.WalkSkipChildren, nil
		case ast.KindText, ast.KindString:
		default:
			kinds = append(kinds, n.Kind().String())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kinds, texts
}

// TestMarkdown: whatever a log says, the summary has the same structure as with
// a harmless text, without a link, an image or HTML, and shows the text.
func TestMarkdown(t *testing.T) {
	harmless, _ := outline(t, writeResult(t, "markdown", resultOf("x.y")))
	for _, s := range reporttest.WorstMarkup {
		if strings.TrimSpace(s) == "" {
			continue // sentences and cells without any text differ in nothing but it
		}
		source := writeResult(t, "markdown", resultOf(s))
		kinds, texts := outline(t, source)
		if diff := cmp.Diff(harmless, kinds); diff != "" {
			t.Errorf("%q: structure (-harmless +got):\n%s\n%s", s, diff, source)
		}
		shown := text.Visible(s)
		if len(shown) < 300 && !strings.Contains(strings.Join(texts, "\n"), shown) {
			t.Errorf("%q is not shown:\n%q", shown, texts)
		}
	}
}

// FuzzMarkdown: no text changes the structure of a summary.
func FuzzMarkdown(f *testing.F) {
	for _, s := range reporttest.WorstMarkup {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(text.Visible(s)) == "" {
			t.Skip()
		}
		harmless, _ := outline(t, writeResult(t, "markdown", resultOf("x.y")))
		kinds, _ := outline(t, writeResult(t, "markdown", resultOf(s)))
		if diff := cmp.Diff(harmless, kinds); diff != "" {
			t.Errorf("%q: structure (-harmless +got):\n%s", s, diff)
		}
	})
}

// TestTimesketch: every event has the fields that Timesketch needs, in CSV all
// times in one form, and every text comes back as it was.
func TestTimesketch(t *testing.T) {
	for _, s := range reporttest.WorstMarkup {
		var event map[string]any
		lines := strings.SplitAfter(write(t, "timesketch", report.Options{}, reporttest.Finding(s)), "\n")
		if err := json.Unmarshal([]byte(lines[0]), &event); err != nil || len(lines) != 5 {
			t.Fatalf("%q: %v in %q", s, err, lines)
		}
		checkTimesketchStory(t, s, lines[1:4])
		rows, err := csv.NewReader(strings.NewReader(write(t, "timesketch-csv", report.Options{Raw: true}, reporttest.Finding(s)))).ReadAll()
		if err != nil || len(rows) != 5 {
			t.Fatalf("%q: %d rows, %v", s, len(rows), err)
		}
		cells := make(map[string]string)
		for i, name := range rows[0] {
			cells[name] = rows[1][i]
		}
		at, err := time.Parse(time.RFC3339, event["datetime"].(string))
		if err != nil || !at.Equal(reporttest.Noon.Time().Truncate(time.Microsecond)) || event["timestamp"] != float64(at.UnixMicro()) || event["timestamp_desc"] != "Start Time" {
			t.Errorf("%v, %v, %v", event["datetime"], event["timestamp"], event["timestamp_desc"])
		}
		if cells["datetime"] != "2026-03-02T12:00:00.123456+00:00" || cells["timestamp"] != "1772452800123456" || cells["time"] != "2026-03-02T12:00:00.1234567Z" {
			t.Errorf("%v, %v, %v", cells["datetime"], cells["timestamp"], cells["time"])
		}
		var tags []string
		if err := json.Unmarshal([]byte(cells["tag"]), &tags); err != nil || len(tags) != 2 || tags[1] != "high" {
			t.Errorf("tags %q, %v", cells["tag"], err)
		}
		if message := event["message"].(string); message != text.Visible(message) || message != cells["message"] {
			t.Errorf("message %q, in CSV %q", message, cells["message"])
		}
		for _, key := range []string{"host", "image", "command_line", "user", "worker_command_line", "file"} {
			if event[key] != s || cells[key] != strings.ReplaceAll(s, "\r\n", "\n") {
				t.Errorf("%s: %q, in CSV %q, want %q", key, event[key], cells[key], s)
			}
		}
	}
}

// checkTimesketchStory: a request and two events, of the session and of none,
// are events of Timesketch too.
func checkTimesketchStory(t *testing.T, s string, lines []string) {
	t.Helper()
	for i, want := range [][3]string{{"Request Time", "web_request", "session"}, {"Recorded Time", "file_event", "session"}, {"Recorded Time", "file_event", ""}} {
		var event map[string]any
		if err := json.Unmarshal([]byte(lines[i]), &event); err != nil {
			t.Fatal(err)
		}
		if got := [3]string{event["timestamp_desc"].(string), event["category"].(string), event["session"].(string)}; got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
		if message := event["message"].(string); message != text.Visible(message) || !strings.Contains(event["summary"].(string), s) {
			t.Errorf("%q: message %q, summary %q", s, message, event["summary"])
		}
	}
}

// TestNavigator: a layer counts each technique once a finding, opens those of
// which sub-techniques were found, and keeps to the documented format.
func TestNavigator(t *testing.T) {
	for _, s := range reporttest.WorstMarkup {
		one, two := reporttest.Finding(s), reporttest.Finding("x")
		one.Rules = []*rules.Rule{
			{Name: "a", Tags: []string{"attack.t1505.003", "attack.persistence", "attack.s0154", s}},
			{Name: "b", Tags: []string{"attack.T1505.003", "attack.t1059"}},
		}
		two.Rules = []*rules.Rule{{Name: "b", Tags: []string{"attack.t1059", "attack.t10590", "attack.t1059.01", "attack.t1x59"}}}
		var layer struct {
			Name, Domain string
			Versions     struct{ Layer, Navigator string }
			Techniques   []struct {
				TechniqueID, Comment string
				Score                *int
				ShowSubtechniques    bool
			}
			Gradient struct {
				Colors             []string
				MinValue, MaxValue int
			}
		}
		dec := json.NewDecoder(strings.NewReader(writeResult(t, "navigator", &scan.Result{Findings: []*finding.Finding{one, two}})))
		if err := dec.Decode(&layer); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tech := range layer.Techniques {
			score := "-"
			if tech.Score != nil {
				score = fmt.Sprint(*tech.Score)
			}
			got = append(got, fmt.Sprintf("%s %s %v", tech.TechniqueID, score, tech.ShowSubtechniques))
			if tech.Comment != text.Visible(tech.Comment) {
				t.Errorf("comment %q", tech.Comment)
			}
		}
		if diff := cmp.Diff([]string{"T1059 2 false", "T1505 - true", "T1505.003 1 false"}, got); diff != "" {
			t.Errorf("%q: techniques (-want +got):\n%s", s, diff)
		}
		if layer.Name == "" || layer.Domain != "enterprise-attack" || layer.Versions.Layer != "4.5" || layer.Gradient.MaxValue <= layer.Gradient.MinValue || len(layer.Gradient.Colors) < 2 {
			t.Errorf("%+v", layer)
		}
	}
	empty := writeResult(t, "navigator", &scan.Result{})
	if !strings.Contains(empty, `"techniques": []`) || !strings.Contains(empty, `"maxValue": 1`) {
		t.Errorf("a layer of nothing: %s", empty)
	}
}

// TestFormatOf: the longest ending counts, and case does not.
func TestFormatOf(t *testing.T) {
	tests := map[string]string{
		"a.csv": "csv", "a.CSV": "csv", "a.timesketch.csv": "timesketch-csv", "A.Timesketch.JSONL": "timesketch", "a.jsonl": "jsonl", "a.sessions.csv": "sessions-csv",
		"dir.csv/a.md": "markdown", "a.navigator.json": "navigator", "a.txt": "table", "a": "", "a.evtx": "", "csv": "", "": "",
	}
	for path, want := range tests {
		if got := report.ScanFormats.OfPath(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// TestTimesketchIntegrity: a finding about log integrity is an event too,
// if it has a time.
func TestTimesketchIntegrity(t *testing.T) {
	res := &scan.Result{Integrity: []*integrity.Finding{
		{Kind: "log-cleared", Level: integrity.Alarm, Host: "H", First: reporttest.Noon, Last: reporttest.Noon, Text: "cleared", Meaning: "Gone."},
		{Kind: "file-truncated", Level: integrity.Warning, File: "a.evtx", Text: "cut", Meaning: "Lost."},
	}}
	want := `{"message":"[alarm] log-cleared: cleared. Gone.","datetime":"2026-03-02T12:00:00.123456+00:00",`
	if got := writeResult(t, "timesketch", res); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 || !strings.Contains(got, `"tag":["webshellscan","integrity","alarm"]`) {
		t.Errorf("%s", got)
	}
	if got := writeResult(t, "timesketch-csv", res); strings.Count(got, "\r\n") != 2 || !strings.Contains(got, "Log Integrity") {
		t.Errorf("%s", got)
	}
}
