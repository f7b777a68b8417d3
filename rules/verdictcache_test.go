package rules_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"webshellscan/rules"
)

// TestNewMatchers: matchers that share what they established about values agree
// with one that is alone, at the same time.
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

// numbers is a subject of one field F whose text is made of the letters of its
// number's bits.
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

// letterRules returns a rule for each letter, about field F.
func letterRules(t *testing.T, letters string) *rules.Set {
	t.Helper()
	var text strings.Builder
	for i, c := range letters {
		if i > 0 {
			text.WriteString("---\n")
		}
		text.WriteString(ruleText(field("|contains", string(c))))
	}
	return mustCompile(t, mustParse(t, text.String()), rules.Options{})
}

// TestStoreFull: where there are more values or more verdicts than are kept for
// all matchers, each goes on by itself and finds the same. There are so many
// that a matcher forgets its own too.
func TestStoreFull(t *testing.T) {
	const letters = "abcdefghijklmnopqr"
	set := letterRules(t, letters)
	for name, number := range map[string]func(i rules.ValueID) rules.ValueID{
		"dense":      func(i rules.ValueID) rules.ValueID { return i },
		"sparse":     func(i rules.ValueID) rules.ValueID { return i << 8 }, // four of a page, and beyond the tables
		"marked":     func(i rules.ValueID) rules.ValueID { return i | 1<<56 },
		"not kept":   func(i rules.ValueID) rules.ValueID { return i | rules.Unkept },
		"some again": func(i rules.ValueID) rules.ValueID { return i % 70_001 },
	} {
		matchers, again := set.NewMatchers(2), name == "some again"
		var dst []int
		for i := range rules.ValueID(3 * rules.MaxVerdicts) {
			s := &numbers{number(i), i, letters}
			if again {
				s.mask = s.id // equal numbers mean equal texts
			}
			m := matchers[i%8/7] // the second one now and then
			if i%5 == 0 {
				m.Prefetch(0, s.id, s.Text(s.id))
			}
			dst = m.Match(dst[:0], s)
			var want rules.ValueID
			for _, rule := range dst {
				want |= 1 << rule
			}
			if want != s.mask {
				t.Fatalf("%s: value %b matches %b", name, s.mask, want)
			}
			if _, verdicts, _, _ := m.Kept(); verdicts > rules.MaxVerdicts+1 {
				t.Fatalf("%s: %d verdicts", name, verdicts)
			}
		}
	}
}

// twoFields is a subject of two fields with one value.
type twoFields struct {
	id   rules.ValueID
	text string
}

func (s *twoFields) Values(dst []rules.ValueID, _ int) []rules.ValueID { return append(dst, s.id) }
func (s *twoFields) Text(rules.ValueID) string                         { return s.text }

// TestPagesRunOut: tables take no more memory than they may, what is prefetched
// leaves half of it, and what has no place is found all the same.
func TestPagesRunOut(t *testing.T) {
	set := mustCompile(t, mustParse(t, ruleText("    s:\n        F|contains: x\n        G|contains: y\n    condition: s\n")), rules.Options{})
	matchers := set.NewMatchers(2)
	texts := []string{"x", "y", "xy", "z"}
	for i := range rules.ValueID(1 << 12) {
		for f := range set.Fields() {
			matchers[0].Prefetch(f, i<<10, texts[i%4])
		}
	}
	if pages, _, _, _ := matchers[0].Kept(); pages != rules.MaxPages-rules.KeptPages {
		t.Errorf("prefetching took %d pages", pages)
	}
	for round := range 2 {
		for i := range 1 << 14 {
			got := len(matchers[(i+round)%2].Match(nil, &twoFields{rules.ValueID(i << 8), texts[i>>2%4]})) > 0
			if want := i>>2%4 == 2; got != want {
				t.Fatalf("value %d: %v", i, got)
			}
		}
	}
	if pages, _, _, _ := matchers[0].Kept(); pages != rules.MaxPages {
		t.Errorf("%d pages", pages)
	}
}

// TestEager: keywords are asked of every subject if they can match alone.
func TestEager(t *testing.T) {
	for _, c := range []struct {
		condition string
		want      []string
	}{{"s or k", []string{"F", ""}}, {"s and k", []string{"F"}}, {"s and not k", []string{"F"}}} {
		set := mustCompile(t, mustParse(t, ruleText("    s:\n        F: x\n    k:\n        - y\n    condition: "+c.condition+"\n")), rules.Options{})
		var got []string
		for _, field := range set.EagerFields() {
			got = append(got, set.Fields()[field])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.condition, got, c.want)
		}
	}
}

// TestFieldReferences: one matcher tells many pairs of values apart, and what
// is asked of them.
func TestFieldReferences(t *testing.T) {
	equal := func(f, g string) bool { return strings.EqualFold(f, g) }
	begins := func(f, g string) bool { return strings.HasPrefix(strings.ToLower(f), strings.ToLower(g)) }
	const is, starts = "    s:\n        F|fieldref: G\n    condition: s\n", "    s:\n        F|fieldref|startswith: G\n    condition: s\n"
	var list []string
	for i := range 150 {
		list = append(list, fmt.Sprint("v", i), fmt.Sprint("V", i))
	}
	for _, c := range []struct {
		text string
		fits []func(f, g string) bool
	}{
		{ruleText(is), []func(f, g string) bool{equal}},
		{ruleText(starts), []func(f, g string) bool{begins}},
		{ruleText(is) + "---\n" + ruleText(starts), []func(f, g string) bool{equal, begins}},
	} {
		set := mustCompile(t, mustParse(t, c.text), rules.Options{})
		m, interned := set.NewMatcher(), newTexts()
		for _, f := range list {
			for _, g := range list {
				got := m.Match(nil, newSubject(set, interned, e("F", f, "G", g)))
				for i, fits := range c.fits {
					if slices.Contains(got, i) != fits(f, g) {
						t.Fatalf("rule %d of %d, %s and %s: %v", i, len(c.fits), f, g, got)
					}
				}
			}
		}
	}
}

// TestAutomataKept: the states of many expressions are dropped where they take
// too much memory, and made anew.
func TestAutomataKept(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	var text strings.Builder
	var want []*regexp.Regexp
	for i := range 400 {
		source := fmt.Sprintf(`%c[a-%c]{%d}(?:[b-d][b-d ]){%d}\b[a-%c]|q%dq`, 'a'+i%3, 'c'+i%4, 3+i%2, 3+i%5, 'c'+i%5, i)
		want = append(want, regexp.MustCompile(source))
		text.WriteString("---\n" + ruleText(field("|re", source)))
	}
	set := mustCompile(t, mustParse(t, text.String()), rules.Options{})
	m, dropped, last := set.NewMatcher(), 0, 0
	for n := range rules.ValueID(60) {
		line := make([]byte, 300)
		for i := range line {
			line[i] = "aabbbbccccbbdcb cbe"[random.IntN(19)]
		}
		got := m.Match(nil, &twoFields{n, string(line)})
		for i, re := range want {
			if slices.Contains(got, i) != re.Match(line) {
				t.Fatalf("%s on %q: %v", re, line, !re.Match(line))
			}
		}
		_, _, counted, size := m.Kept()
		if counted != size || size > rules.MaxAutomataSize {
			t.Fatalf("%d bytes of states, counted as %d", size, counted)
		}
		if size < last {
			dropped++
		}
		last = size
	}
	if dropped == 0 {
		t.Errorf("%d bytes, and never dropped", last)
	}
}

// TestPrefetch: a value that has been prefetched is not matched again, by any
// of the matchers.
func TestPrefetch(t *testing.T) {
	set := mustCompile(t, mustParse(t, ruleText(field("|contains", "x"))), rules.Options{})
	matchers := set.NewMatchers(2)
	if !slices.Equal(set.EagerFields(), []int{0}) {
		t.Fatalf("eager fields %v", set.EagerFields())
	}
	matchers[0].Prefetch(0, 7, "axb")
	matchers[0].Prefetch(0, 7, "ab")
	for _, m := range matchers {
		if got := m.Match(nil, &numbers{id: 7, letters: ""}); len(got) != 1 {
			t.Errorf("%v", got)
		}
	}
}
