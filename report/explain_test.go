package report_test

import (
	"bytes"
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/report/text"
	"webshellscan/scan/proctree"
)

// TestExplainBriefly: what is said of a process is at most ten lines, unless
// all is asked for.
func TestExplainBriefly(t *testing.T) {
	const most = 10
	res := reporttest.Shipped(t, "..", 0)
	longest := 0
	for _, session := range res.Sessions {
		processes := append([]proctree.Process{session.Worker}, session.Members...)
		for _, p := range processes[:min(len(processes), 5)] {
			e := report.Explained{Process: p, Rules: res.Explain(p, nil)}
			var out bytes.Buffer
			x := report.Explanations{Result: res, Processes: []report.Explained{e}}
			if err := report.ExplainFormats.Write(&out, "text", x, report.Options{}); err != nil {
				t.Fatal(err)
			}
			n := strings.Count(out.String(), "\n")
			if longest = max(longest, n); n > most {
				t.Errorf("%d lines:\n%s", n, out.String())
			}
		}
	}
	if longest < most {
		t.Errorf("none has more than %d lines: the shipped logs have graver ones", longest)
	}
}

// TestExplainFitsWidth: lines are broken at the width that is asked for, and
// left whole without one.
func TestExplainFitsWidth(t *testing.T) {
	res := reporttest.Shipped(t, "..", 0)
	p := res.Sessions[0].Members[0]
	for _, width := range []int{0, 40, 80} {
		wide := 0
		for _, x := range []report.Explanations{{}, {All: true}} {
			x.Result, x.Processes = res, []report.Explained{{Process: p, Rules: res.Explain(p, nil)}}
			var out bytes.Buffer
			if err := report.ExplainFormats.Write(&out, "text", x, report.Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				wide = max(wide, text.Width(strings.TrimSuffix(line, "\n")))
			}
		}
		if width > 0 && wide > width || width == 0 && wide < 120 {
			t.Errorf("%d columns where %d are asked for", wide, width)
		}
	}
}

// TestExplainUnknownWorker: of a worker that only the account of its children
// shows, neither a name nor a process ID is made up.
func TestExplainUnknownWorker(t *testing.T) {
	res := scanOf(t, []process{{200, 100, system32 + "cmd.exe", `C:\Tomcat9\bin\tomcat9.exe`, "cmd /c whoami", "other"}})
	if len(res.Sessions) != 1 {
		t.Fatalf("%d sessions, want 1", len(res.Sessions))
	}
	p := res.Sessions[0].Worker
	var out bytes.Buffer
	x := report.Explanations{Result: res, Processes: []report.Explained{{Process: p, Rules: res.Explain(p, nil)}}}
	if err := report.ExplainFormats.Write(&out, "text", x, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "\n  web server: (unknown), 1 link above\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in:\n%s", want, out.String())
	}
}
