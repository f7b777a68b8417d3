package finding_test

import (
	"fmt"
	"testing"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/finding"
)

// TestFoldedOnce: command lines of enumeration programs are folded as often as
// others are, however many there are.
func TestFoldedOnce(t *testing.T) {
	const n = 1000
	allocations := func(measure string) float64 {
		rule := &rules.Rule{Name: "rule", Custom: map[string]string{"measure": measure}}
		findings := make([]*finding.Finding, n)
		for i := range findings {
			findings[i] = &finding.Finding{
				Image: `C:\Windows\System32\net.exe`, CommandLine: fmt.Sprintf("net user u-%d /domain {3F2504E0-4F89-11D3-9A0C-0305E82C3301}", i),
				Rules: []*rules.Rule{rule},
			}
		}
		if got := summarized(findings).Enumeration; got != 0 && measure == "" || got != 1 && measure != "" {
			t.Errorf("%d enumeration commands with measure %q", got, measure)
		}
		return testing.AllocsPerRun(5, func() { summarized(findings) })
	}
	plain, enumeration := allocations(""), allocations(builtin.MeasureEnumeration)
	if extra := (enumeration - plain) / n; extra > 0.5 {
		t.Errorf("%.1f allocations more for each enumeration command than the %.1f for any other", extra, plain/n)
	}
}

// summarized returns a session of findings with what they alone say.
func summarized(findings []*finding.Finding) *finding.Session {
	s := &finding.Session{Findings: findings}
	s.Summarize()
	return s
}
