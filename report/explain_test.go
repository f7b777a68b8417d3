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
