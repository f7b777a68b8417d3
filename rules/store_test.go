package rules_test

import (
	"slices"
	"sync"
	"testing"

	"webshellscan/rules"
)

// TestNewMatchers: matchers that share what they found out about values agree with one that is alone, at the same time.
func TestNewMatchers(t *testing.T) {
	events := realEvents(t)
	set := mustCompile(t, creationRules(t), rules.Options{})
	all := subjects(set, newTexts(), events)
	alone := set.NewMatcher()
	want := make([][]int, len(all))
	for i, s := range all {
		want[i] = alone.Match(nil, s)
	}
	var group sync.WaitGroup
	for n, m := range set.NewMatchers(4) {
		group.Go(func() {
			for i := range all {
				i = (i + n*len(all)/4) % len(all)
				if got := m.Match(nil, all[i]); !slices.Equal(got, want[i]) {
					t.Errorf("matcher %d, event %d: %v, alone %v", n, i, got, want[i])
					return
				}
			}
		})
	}
	group.Wait()
}

// TestMatcherSharesWhatFits: another matcher's findings are used, though the two number them differently.
func TestMatcherSharesWhatFits(t *testing.T) {
	set := mustCompile(t, mustParse(t, ruleText(field("|contains", "x"))), rules.Options{})
	interned := newTexts()
	first, second := newSubject(set, interned, e("F", "axb")), newSubject(set, interned, e("F", "ab"))
	matchers := set.NewMatchers(2)
	for _, order := range [][]*subject{{first, second}, {second, first}} {
		for i, s := range order {
			if got := len(matchers[i].Match(nil, s)) > 0; got != (s == first) {
				t.Errorf("matcher %d: %v", i, got)
			}
		}
	}
}
