package finding_test

import (
	"slices"
	"testing"

	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// TestMatchedRules: rules are listed in one order, whatever found them first.
func TestMatchedRules(t *testing.T) {
	rule := func(name string, level rules.Level, file string, line int) *rules.Rule {
		return &rules.Rule{Name: name, Level: level, File: file, Line: line}
	}
	want := []*rules.Rule{
		rule("z", rules.LevelCritical, "b.yml", 1), rule("a", rules.LevelHigh, "a.yml", 9), rule("a", rules.LevelHigh, "b.yml", 2),
		rule("a", rules.LevelHigh, "b.yml", 3), rule("b", rules.LevelHigh, "a.yml", 1), rule("a", rules.LevelLow, "a.yml", 1),
	}
	given := slices.Clone(want)
	for range given {
		given = append(given[1:], given[0])
		backward := slices.Clone(given)
		slices.Reverse(backward)
		if got := finding.MatchedRules([]*finding.Finding{{Rules: given[:3]}, {Rules: given}, {Rules: backward}}); !slices.Equal(got, want) {
			t.Fatalf("of %v: %v", given, got)
		}
	}
}
