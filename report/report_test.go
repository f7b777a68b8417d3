package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// correlated returns a finding that a correlation rule gave.
func correlated(s string) *finding.Finding {
	f := reporttest.Finding(s)
	rule := &rules.Rule{Name: s, Level: rules.LevelHigh, Correlation: &rules.Correlation{GroupBy: []string{"User"}}}
	f.Correlated = []*finding.Correlation{{Rule: rule, Group: []string{s}, Value: 2, Total: 4, TotalEvents: 1, Processes: []finding.CorrelatedProcess{
		{Host: s, Time: reporttest.Noon, ProcessID: 1, Image: s, File: s, RecordID: 9}, {Host: s, Time: reporttest.Noon + event.Second, ProcessID: 2},
	}, Events: []finding.CorrelatedEvent{{Host: s, Time: reporttest.Noon - event.Second, Channel: s, EventID: 11, ProcessID: 3, Image: s, File: s, RecordID: 10}}}, {Rule: rule, Value: 1, Total: 1, Processes: []finding.CorrelatedProcess{}}}
	return f
}

func TestCorrelated(t *testing.T) {
	csv := write(t, "csv", report.Options{}, correlated("here"))
	if !strings.Contains(csv, `,"here=here/1@2026-03-02T12:00:00.1234567Z,here/2@2026-03-02T12:00:01.1234567Z,here/here#10@2026-03-02T11:59:59.1234567Z;here=",`) {
		t.Errorf("CSV: %s", csv)
	}
	want := `"correlated":[{"rule":"here","group":{"User":"here"},"value":2,"total":4,"processes":[` +
		`{"host":"here","time":"2026-03-02T12:00:00.1234567Z","process_id":1,"image":"here","file":"here","record_id":9},` +
		`{"host":"here","time":"2026-03-02T12:00:01.1234567Z","process_id":2,"image":"","file":"","record_id":0}],` +
		`"events":[{"host":"here","time":"2026-03-02T11:59:59.1234567Z","channel":"here","event_id":11,"process_id":3,"image":"here","file":"here","record_id":10}]},` +
		`{"rule":"here","group":{},"value":1,"total":1,"processes":[],"events":[]}],`
	if got := write(t, "jsonl", report.Options{}, correlated("here")); !strings.Contains(got, want) {
		t.Errorf("JSON: %s", got)
	}
	for _, s := range reporttest.Worst {
		for line := range strings.Lines(write(t, "table", report.Options{}, correlated(s))) {
			if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("control character in %q", line)
			}
		}
	}
	if table := write(t, "table", report.Options{Width: 120}, correlated("here")); !strings.Contains(table, "here: 3 processes and 1 event since 2026-03-02 11:59:59") {
		t.Errorf("table: %s", table)
	}
}

func write(t *testing.T, format string, o report.Options, findings ...*finding.Finding) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.ScanFormats.Write(&b, format, reporttest.Result(findings...), o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTableIsHarmless: whatever a log says, a terminal gets printable
// characters and the colours that the table itself sets.
func TestTableIsHarmless(t *testing.T) {
	for _, o := range tableOptions() {
		for _, s := range reporttest.Worst {
			below, known := reporttest.Finding(s), reporttest.Finding(s)
			below.Session, known.Known = "", true
			checkTerminal(t, s, o, write(t, "table", o, reporttest.Finding(s), below, known))
		}
	}
}

// tableOptions returns the ways in which a table can look.
func tableOptions() []report.Options {
	var list []report.Options
	for _, flat := range []bool{false, true} {
		for _, color := range []bool{false, true} {
			for _, width := range []int{0, 20, 50, 60, 80, 200, 400} {
				list = append(list, report.Options{Width: width, Color: color, Flat: flat, ASCII: width == 200})
			}
		}
	}
	return list
}

// checkTerminal fails if a table that has a text in it holds what a terminal
// would obey, or lines that are too long.
func checkTerminal(t *testing.T, s string, o report.Options, out string) {
	t.Helper()
	if o.Color {
		for _, own := range []string{"\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[1;31m", "\x1b[0m"} {
			out = strings.ReplaceAll(out, own, "")
		}
	}
	for _, r := range strings.ReplaceAll(out, "\n", "") {
		if !unicode.IsPrint(r) && r != '\u200C' && r != '\u200D' {
			t.Fatalf("%+v: %.40q: %q in\n%s", o, s, r, out)
		}
	}
	narrow := &runewidth.Condition{StrictEmojiNeutral: true}
	for line := range strings.Lines(out) {
		if w := narrow.StringWidth(strings.TrimRight(line, "\n")); w > min(max(o.Width, 40, 80*(1-min(o.Width, 1))), 250) {
			t.Errorf("%+v: %.40q: a line of %d columns:\n%s", o, s, w, line)
		}
	}
}

// TestCSV: every cell comes back as it was, but for the apostrophe before what
// a spreadsheet would take for a formula.
func TestCSV(t *testing.T) {
	for _, raw := range []bool{false, true} {
		for _, s := range reporttest.Worst {
			out := write(t, "csv", report.Options{Raw: raw}, reporttest.Finding(s))
			if strings.Count(out, "\r\n") < 2 || !strings.HasSuffix(out, "\r\n") {
				t.Fatalf("%q: lines do not end with CR LF: %q", s, out)
			}
			// encoding/csv takes CR LF within cells for LF, so
			// those are compared without.
			rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
			if err != nil || len(rows) != 4 {
				t.Fatalf("%q: %d rows, want a finding and two events: %v", s, len(rows), err)
			}
			want := s
			if !raw && s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
				want = "'" + s
			}
			summary := slices.Index(rows[0], "summary")
			for i, session := range []string{"session", ""} {
				event := rows[i+2]
				if event[summary] != strings.ReplaceAll(want, "\r\n", "\n") || event[summary-1] != "file_event" || event[slices.Index(rows[0], "session")] != session {
					t.Errorf("%q: an event is %q", s, event)
				}
			}
			if got := rows[1][5]; rows[0][5] != "command_line" || got != strings.ReplaceAll(want, "\r\n", "\n") {
				t.Errorf("%q: %s is %q", s, rows[0][5], got)
			}
			if !strings.Contains(out, strings.ReplaceAll(want, `"`, `""`)) {
				t.Errorf("%q is not in the file as it was: %q", want, out)
			}
		}
	}
}

// TestSessionsCSV: the same holds for the CSV of sessions.
func TestSessionsCSV(t *testing.T) {
	for _, s := range reporttest.Worst {
		out := write(t, "csv", report.Options{Sessions: true}, reporttest.Finding(s))
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%q: %d rows, %v", s, len(rows), err)
		}
		want := s
		if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
			want = "'" + s
		}
		for i, name := range rows[0] {
			got := rows[1][i]
			if s != "" && name == "first_command" && got != strings.ReplaceAll(want, "\r\n", "\n") || got != "" && strings.Contains("=+-@\t\r", got[:1]) {
				t.Errorf("%q: %s is %q", s, name, got)
			}
		}
	}
}

// TestJSONLines: every line is one object, and every text comes back as it was.
func TestJSONLines(t *testing.T) {
	var findings []*finding.Finding
	for _, s := range reporttest.Worst {
		findings = append(findings, reporttest.Finding(s))
	}
	lines := strings.Split(strings.TrimSuffix(write(t, "jsonl", report.Options{}, findings...), "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, `{"kind":"finding",`) })
	if len(lines) != len(reporttest.Worst) {
		t.Fatalf("%d lines of %d", len(lines), len(reporttest.Worst))
	}
	for i, line := range lines {
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("control character in %q", line)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"host", "image", "command_line", "user", "parent_image", "worker_command_line", "file", "channel"} {
			if got[key] != reporttest.Worst[i] {
				t.Errorf("%s: %q, want %q", key, got[key], reporttest.Worst[i])
			}
		}
	}
}

// TestKeys: the keys of JSON Lines are those of CSV, in the same order; a
// program that reads them relies on that.
func TestKeys(t *testing.T) {
	const keys = "host time level rules image command_line process_id process_guid user integrity_level parent_image " +
		"parent_command_line parent_process_id worker_image worker_process_id worker_command_line server_role depth ancestors link " +
		"channel event_id record_id file offset evidence crosscheck session recovered correlated decoded_command known level_reasons " +
		"logon_id hashes current_directory original_file_name techniques analytics countermeasures"
	checkKeys(t, "finding", keys, ",category,summary", report.Options{})
	checkKeys(t, "session", "session host level raised first last product application server_role worker_image worker_process_id worker_command_line "+
		"worker_user worker_start worker_end processes findings commands enumeration burst burst_start first_command users "+
		"integrity_levels link known shape_count level_reasons", "", report.Options{Sessions: true})
}

// checkKeys holds the columns of a CSV and the keys of the objects of a kind to
// a list. Objects begin with their kind, and sessions end with their shapes and
// their story; lines end with why a host is blind, which JSON says of the host,
// and with what only events have.
func checkKeys(t *testing.T, kind, keys, more string, o report.Options) {
	t.Helper()
	header, _, _ := strings.Cut(write(t, "csv", o), "\r\n")
	if diff := cmp.Diff(strings.ReplaceAll(keys, " ", ",")+",blind"+more, header); diff != "" {
		t.Errorf("CSV columns of a %s (-want +got):\n%s", kind, diff)
	}
	var line string
	for l := range strings.Lines(write(t, "jsonl", report.Options{}, reporttest.Finding("x"))) {
		if strings.HasPrefix(l, `{"kind":"`+kind+`",`) {
			line = l
		}
	}
	got := slices.DeleteFunc(topKeys(line), func(key string) bool { return key == "kind" })
	if i := slices.Index(got, "shapes"); i >= 0 {
		got = got[:i]
	}
	if diff := cmp.Diff(strings.Fields(keys), got); diff != "" {
		t.Errorf("JSON keys of a %s (-want +got):\n%s", kind, diff)
	}
}

// topKeys returns the keys of a JSON object, in their order.
func topKeys(object string) []string {
	dec := json.NewDecoder(strings.NewReader(object))
	var keys []string
	depth, isKey := 0, false
	for {
		token, err := dec.Token()
		if err != nil {
			return keys
		}
		delim, isDelim := token.(json.Delim)
		switch {
		case isDelim && (delim == '{' || delim == '['):
			depth++
			isKey = depth == 1
			continue
		case isDelim:
			depth--
		case depth == 1 && isKey:
			keys = append(keys, token.(string))
			isKey = false
			continue
		}
		if depth == 1 {
			isKey = true
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := report.ScanFormats.Write(nil, "xml", &scan.Result{}, report.Options{}); err == nil || !strings.Contains(err.Error(), "table, csv, jsonl, json") {
		t.Errorf("%v", err)
	}
}
