package scan_test

import (
	"testing"

	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// TestBaselineRaisesNoLevel: what a baseline knows gives a session no level as
// long as it does not know everything.
func TestBaselineRaisesNoLevel(t *testing.T) {
	level := func(known ...bool) rules.Level {
		var findings []*finding.Finding
		for i, is := range known {
			f := madeFinding(1, []string{"grave", "light"}[i])
			f.Level, f.Known = []rules.Level{rules.LevelCritical, rules.LevelMedium}[i], is
			findings = append(findings, f)
		}
		s := &finding.Session{Findings: findings}
		s.Summarize()
		return s.Level
	}
	for _, tt := range []struct {
		grave, light bool
		want         rules.Level
	}{
		{false, false, rules.LevelCritical},
		{false, true, rules.LevelCritical},
		{true, false, rules.LevelMedium},
		{true, true, rules.LevelCritical},
	} {
		if got := level(tt.grave, tt.light); got != tt.want {
			t.Errorf("known: critical %v, medium %v: level %s, want %s", tt.grave, tt.light, got, tt.want)
		}
	}
}
