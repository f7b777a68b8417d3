package rules_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"webshellscan/rules"
)

// texts interns texts, as a caller of the package does.
type texts struct {
	ids  map[string]rules.ValueID
	list []string
}

func newTexts() *texts { return &texts{ids: make(map[string]rules.ValueID)} }

func (t *texts) id(s string) rules.ValueID {
	id, ok := t.ids[s]
	if !ok {
		id = rules.ValueID(len(t.list))
		t.ids[s] = id
		t.list = append(t.list, s)
	}
	return id
}

// subject is an event with its values interned.
type subject struct {
	set    *rules.Set
	texts  *texts
	values [][]rules.ValueID // by field of the set
	flags  rules.ValueID     // added to every ID
}

// newSubject prepares an event for a set.
func newSubject(set *rules.Set, t *texts, e event) *subject {
	s := &subject{set: set, texts: t, values: make([][]rules.ValueID, len(set.Fields()))}
	for i, field := range set.Fields() {
		contents := e[field]
		if field == "" {
			contents = nil
			for _, name := range slices.Sorted(maps.Keys(e)) {
				contents = append(contents, e[name]...)
			}
		}
		for _, content := range contents {
			s.values[i] = append(s.values[i], t.id(content))
		}
	}
	return s
}

func (s *subject) Values(dst []rules.ValueID, field int) []rules.ValueID {
	for _, id := range s.values[field] {
		dst = append(dst, id|s.flags)
	}
	return dst
}

func (s *subject) Text(id rules.ValueID) string {
	return s.texts.list[id&^(rules.Unkept|rules.Number|highID)]
}

// highID makes a number that is too high for tables.
const highID rules.ValueID = 1 << 40

// numbered marks the values that are numbers.
type numbered struct{ *subject }

func (n numbered) Values(dst []rules.ValueID, field int) []rules.ValueID {
	first := len(dst)
	dst = n.subject.Values(dst, field)
	for i, id := range dst[first:] {
		if text := n.Text(id); text != "" && strings.Trim(text, "0123456789") == "" {
			dst[first+i] |= rules.Number
		}
	}
	return dst
}

// bundled has all fields from one thing, and says so every other time.
type bundled struct {
	*subject
	asked int
}

func (b *bundled) Bundle(int) rules.ValueID {
	b.asked++
	return rules.ValueID(b.asked / 2 % 2)
}

// grouped returns the values of all fields in two groups.
type grouped struct{ *subject }

func (g *grouped) Values(dst []rules.ValueID, field int) []rules.ValueID {
	if g.set.Fields()[field] == "" && len(g.values[field]) > 0 {
		return append(dst, rules.Grouped, rules.Grouped|1)
	}
	return g.subject.Values(dst, field)
}

func (g *grouped) Members(dst []rules.ValueID, group rules.ValueID) []rules.ValueID {
	all := g.values[slices.Index(g.set.Fields(), "")]
	if group == rules.Grouped {
		return append(dst, all[:len(all)/2]...)
	}
	return append(dst, all[len(all)/2:]...)
}

// mustParse parses rules that have to be right.
func mustParse(t testing.TB, text string) []*rules.Rule {
	t.Helper()
	list, errs := rules.Parse("test.yml", []byte(text))
	for _, err := range errs {
		t.Fatalf("Parse: %v\n%s", err, text)
	}
	return list
}

// lateFields are asked late in tests, some of those that are so in a scan.
var lateFields = map[string]bool{"commandline": true, "parentcommandline": true, "ancestorimage": true, "hashes": true, "processid": true}

// mustCompile compiles rules that have to be right.
func mustCompile(t testing.TB, list []*rules.Rule, options rules.Options) *rules.Set {
	t.Helper()
	if options.Late == nil {
		options.Late = lateFields
	}
	set, errs := rules.Compile(list, options)
	for _, err := range errs {
		t.Fatalf("Compile: %v", err)
	}
	return set
}

// ruleText returns a rule around a detection, which is indented already by four
// blanks.
func ruleText(detection string) string {
	return "title: Test\nname: test\nlogsource:\n    category: process_creation\n    product: windows\ndetection:\n" +
		strings.TrimRight(detection, "\n") + "\n"
}

// labels returns what the rules with those indices are called.
func labels(set *rules.Set, indices []int) []string {
	out := []string{}
	for _, i := range indices {
		out = append(out, set.Rules()[i].Label())
	}
	return out
}

// allFields returns the indices of all fields of a set.
func allFields(set *rules.Set) []int {
	fields := make([]int, len(set.Fields()))
	for i := range fields {
		fields[i] = i
	}
	return fields
}

// prefetched returns a matcher that has all values of a subject cached before
// it is asked.
func prefetched(set *rules.Set, s *subject) *rules.Matcher {
	matchers := set.NewMatchers(2)
	for _, field := range set.EagerFields() {
		for _, id := range s.values[field] {
			matchers[0].Prefetch(field, id, s.Text(id))
		}
	}
	return matchers[1]
}

// checkRule holds the matcher, its explanation and the slow evaluator to the
// same answer for the first rule of a set.
func checkRule(t testing.TB, set *rules.Set, e event, placeholders map[string][]string) bool {
	t.Helper()
	rule := set.Rules()[0]
	interned := newTexts()
	sub := newSubject(set, interned, e)
	m := set.NewMatcher()
	fast := len(m.Match(nil, sub)) > 0
	if again := len(m.Match(nil, sub)) > 0; again != fast {
		t.Errorf("a second look gives %v, the first %v: %s", again, fast, describeCase(rule, e))
	}
	sub.flags = rules.Unkept
	if unkept := len(m.Match(nil, sub)) > 0; unkept != fast {
		t.Errorf("values that are not kept give %v, others %v: %s", unkept, fast, describeCase(rule, e))
	}
	sub.flags = highID
	if high := len(m.Match(nil, sub)) > 0; high != fast {
		t.Errorf("values of high numbers give %v, others %v: %s", high, fast, describeCase(rule, e))
	}
	sub.flags = 0
	if prefetched := len(prefetched(set, sub).Match(nil, sub)) > 0; prefetched != fast {
		t.Errorf("values prefetched before give %v, others %v: %s", prefetched, fast, describeCase(rule, e))
	}
	if number := len(set.NewMatcher().Match(nil, numbered{sub})) > 0; number != fast {
		t.Errorf("marked numbers give %v, others %v: %s", number, fast, describeCase(rule, e))
	}
	inBundle, bundler := set.NewMatcher(allFields(set)), &bundled{subject: sub}
	for range 3 {
		if bundled := len(inBundle.Match(nil, bundler)) > 0; bundled != fast {
			t.Errorf("fields in a bundle give %v, others %v: %s", bundled, fast, describeCase(rule, e))
		}
	}
	if together := len(set.NewMatchers(2)[1].Match(nil, &grouped{sub})) > 0; together != fast {
		t.Errorf("values in groups give %v, others %v: %s", together, fast, describeCase(rule, e))
	}
	if explained := m.Explain(&grouped{sub}, 0).Matched; explained != fast {
		t.Errorf("explanation of values in groups gives %v, the matcher %v: %s", explained, fast, describeCase(rule, e))
	}
	sub.flags = rules.Unkept
	if slow := evaluate(rule.Detection, e, placeholders); slow != fast {
		t.Errorf("slow evaluation gives %v, the matcher %v: %s\nsimplified: %s", slow, fast, describeCase(rule, e), set.Simplified(0))
	}
	if explained := m.Explain(sub, 0).Matched; explained != fast {
		t.Errorf("explanation gives %v, the matcher %v: %s", explained, fast, describeCase(rule, e))
	}
	if fast {
		checkGate(t, set, e)
	}
	return fast
}

// checkGate holds the gate of the first rule of a set to admitting an event
// that the rule matches.
func checkGate(t testing.TB, set *rules.Set, e event) {
	t.Helper()
	g := rules.NewGate([]rules.GateRule{{Set: set}}, func(field string) bool { return len(e[field]) <= 1 }, nil)
	if g == nil {
		return
	}
	values := make(map[string]string)
	for name, list := range e {
		if len(list) == 1 {
			values[name] = list[0]
		}
	}
	if !g.NewMatcher().Admits(gateEvent{g, values}) {
		t.Errorf("the gate does not admit what matches: %s", describeCase(set.Rules()[0], e))
	}
}

func describeCase(r *rules.Rule, e event) string {
	var b strings.Builder
	for _, s := range r.Detection.Searches {
		for _, g := range s.Groups {
			for _, item := range g.Items {
				fmt.Fprintf(&b, "%s: %s|%s %+v; ", s.Name, item.Field, strings.Join(item.Modifiers, "|"), item.Values)
			}
		}
	}
	for _, c := range r.Detection.Conditions {
		fmt.Fprintf(&b, "condition: %s; ", c.Text)
	}
	fmt.Fprintf(&b, "event: %q", e)
	return b.String()
}
