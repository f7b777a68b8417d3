package report_test

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// manyHosts returns a result of one session on each of so many hosts: the last
// has a command of its own.
func manyHosts(n int) *scan.Result {
	res := &scan.Result{Summary: scan.Summary{Records: n, Files: 1}}
	for i := range n {
		host := fmt.Sprintf("WEB%04d", i)
		f := reporttest.Finding(`C:\x\tool.exe /all`)
		f.Host, f.Session, f.DecodedCommand, f.User, f.Level, f.Time = host, host, "", "", rules.LevelCritical, reporttest.Noon+event.Time(i)*event.Minute
		if f.Product = "IIS"; i == n-1 {
			f.CommandLine = "planted | command"
		}
		findings := []*finding.Finding{f}
		res.Findings = append(res.Findings, f)
		res.Sessions = append(res.Sessions, &finding.Session{
			Key: host, Host: host, Product: "IIS", ServerRole: finding.ServerWeb, Level: f.Level, First: f.Time, Last: f.Time,
			Findings: findings, Shapes: finding.Fold(findings), Commands: 1,
		})
	}
	return res
}

// TestStackBegins: reports for people begin with the kinds of session once
// there are more than a reader reads.
func TestStackBegins(t *testing.T) {
	for format, marks := range map[string][]string{
		"table":    {"2 kinds of session", "planted | command", "20  2026-03-02 12:00  WEB0000", "What moved between hosts", `command C:\x\tool.exe /all`, "20 hosts", "CRITICAL"},
		"markdown": {"## 2 kinds of session", "planted", "&#124;", "command", "| 20 |", "## What moved between hosts", `2026-03-02 12:00:00: command`, "20 hosts, first `WEB0000`", "Read: "},
		"html":     {"2 kinds of session", "planted | command", "<strong>20</strong>", "What moved between hosts", `C:\x\tool.exe /all`, "20 hosts, first <code>WEB0000</code>", "What happened"},
	} {
		page := writeResult(t, format, manyHosts(21))
		at := 0
		for _, mark := range marks {
			i := strings.Index(page[at:], mark)
			if i < 0 {
				t.Errorf("%s: %q is missing behind the one before", format, mark)
				break
			}
			at += i
		}
		if few := writeResult(t, format, manyHosts(20)); strings.Contains(few, "kinds of session") {
			t.Errorf("%s: 20 sessions are stacked", format)
		}
	}
}

// TestScreen: a terminal shows of many sessions the first of each kind, and how
// to see the others; a file has them all.
func TestScreen(t *testing.T) {
	table := func(sessions int, screen bool) string {
		var b strings.Builder
		if err := report.ScanFormats.Write(&b, "table", manyHosts(sessions), report.Options{Screen: screen}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, tt := range []struct {
		sessions int
		screen   bool
		want     int
		told     string
	}{
		{21, false, 21, ""}, {20, true, 20, ""}, {21, true, 2, "And 19 more sessions: -o report.txt has them all"},
	} {
		page := table(tt.sessions, tt.screen)
		if got := strings.Count(page, "CRITICAL  WEB"); got != tt.want || strings.Contains(page, "more session") != (tt.told != "") || !strings.Contains(page, tt.told) {
			t.Errorf("%d sessions, screen %v: %d shown, want %d and %q in\n%s", tt.sessions, tt.screen, got, tt.want, tt.told, page)
		}
	}
}

// TestScreenBelowNone: a terminal shows the findings below no server of some
// hosts, and how to see the others.
func TestScreenBelowNone(t *testing.T) {
	res := manyHosts(23)
	res.Sessions = nil
	for _, f := range res.Findings {
		f.Session = ""
	}
	for screen, told := range map[bool]string{false: "", true: "And findings below no server on 3 more hosts: -o report.txt"} {
		var b strings.Builder
		if err := report.ScanFormats.Write(&b, "table", res, report.Options{Screen: screen}); err != nil {
			t.Fatal(err)
		}
		if page := b.String(); strings.Contains(page, "more host") != screen || !strings.Contains(page, told) {
			t.Errorf("screen %v: want %q in\n%s", screen, told, page)
		}
	}
}

// TestNarrowOverview: where there is little room, it goes to the worker of a
// session.
func TestNarrowOverview(t *testing.T) {
	var b strings.Builder
	if err := report.ScanFormats.Write(&b, "table", manyHosts(2), report.Options{Width: 40}); err != nil {
		t.Fatal(err)
	}
	if page := b.String(); !strings.Contains(page, "\n LEVEL  FIRST        HOST     WORKER\n crit   03-02 12:00  WEB0000  ") {
		t.Errorf("%s", page)
	}
}

// TestStackCSV: a line for each kind of session and for what moved, whose cells
// a spreadsheet can hold.
func TestStackCSV(t *testing.T) {
	lines, err := csv.NewReader(strings.NewReader(writeResult(t, "stack", manyHosts(3001)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	cell := func(line int, name string) string { return lines[line][slices.Index(lines[0], name)] }
	if len(lines) != 4 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, want := range [][4]string{
		{"1", "session", "1", "planted | command"}, {"2", "session", "3000", `C:\x\tool.exe /all`}, {"3", "command", "3000", ""},
	} {
		line := int(want[0][0] - '0')
		if cell(line, "type") != want[1] || cell(line, "hosts") != want[2] || !strings.Contains(cell(line, "ran"), want[3]) {
			t.Errorf("line %d is %.300q, want %q", line, lines[line], want)
		}
	}
	if cell(3, "value") != `C:\x\tool.exe /all` || cell(3, "first_host") != "WEB0000" || !strings.HasSuffix(cell(2, "host"), ";WEB0999;... (2000 more)") {
		t.Errorf("line 3 is %.300q; of line 2 the hosts end in %q", lines[3], cell(2, "host")[len(cell(2, "host"))-40:])
	}
	for i, line := range lines {
		for _, c := range line {
			if len(c) > 32_767 {
				t.Errorf("line %d has a cell of %d bytes", i, len(c))
			}
		}
	}
}
