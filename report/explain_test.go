package report_test

import (
	"bytes"
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
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
