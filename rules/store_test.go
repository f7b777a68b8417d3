package rules_test

import (
	"slices"
	"strings"
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

// numbers is a subject of one field F whose text is made of the letters of its number's bits.
type numbers struct {
	id, mask rules.ValueID
	letters  string
}

func (n *numbers) Values(dst []rules.ValueID, _ int) []rules.ValueID { return append(dst, n.id) }

func (n *numbers) Text(rules.ValueID) string {
	var b strings.Builder
	for i := range n.letters {
		if n.mask>>i&1 != 0 {
			b.WriteByte(n.letters[i])
		}
	}
	return b.String()
}

// TestStoreFull: where there are more values or more verdicts than are kept for all matchers, each goes on by itself and finds the same.
func TestStoreFull(t *testing.T) {
	const letters = "abcdefghijklmnopq"
	var text strings.Builder
	for i, c := range letters {
		if i > 0 {
			text.WriteString("---\n")
		}
		text.WriteString(ruleText(field("|contains", string(c))))
	}
	set := mustCompile(t, mustParse(t, text.String()), rules.Options{})
	for name, number := range map[string]func(i rules.ValueID) rules.ValueID{
		"dense":      func(i rules.ValueID) rules.ValueID { return i },
		"sparse":     func(i rules.ValueID) rules.ValueID { return i << 8 }, // four of a page, and beyond the tables
		"marked":     func(i rules.ValueID) rules.ValueID { return i | 1<<56 },
		"not kept":   func(i rules.ValueID) rules.ValueID { return i | rules.Unkept },
		"some again": func(i rules.ValueID) rules.ValueID { return i % 70_000 },
	} {
		matchers, again := set.NewMatchers(2), name == "some again"
		var dst []int
		for i := range rules.ValueID(1 << len(letters)) {
			s := &numbers{number(i), i, letters}
			if again {
				s.mask = s.id // equal numbers mean equal texts
			}
			m := matchers[i%2]
			if i%5 == 0 {
				m.Learn(0, s.id, s.Text(s.id))
			}
			dst = m.Match(dst[:0], s)
			var want rules.ValueID
			for _, rule := range dst {
				want |= 1 << rule
			}
			if want != s.mask {
				t.Fatalf("%s: value %b matches %b", name, s.mask, want)
			}
		}
	}
}

// TestLearn: a value that has been learnt is not looked at again, by any of the matchers.
func TestLearn(t *testing.T) {
	set := mustCompile(t, mustParse(t, ruleText(field("|contains", "x"))), rules.Options{})
	matchers := set.NewMatchers(2)
	if !slices.Equal(set.Eager(), []int{0}) {
		t.Fatalf("eager fields %v", set.Eager())
	}
	matchers[0].Learn(0, 7, "axb")
	matchers[0].Learn(0, 7, "ab")
	for _, m := range matchers {
		if got := m.Match(nil, &numbers{id: 7, letters: ""}); len(got) != 1 {
			t.Errorf("%v", got)
		}
	}
}
