package rules

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
	"unsafe"
)

// Gate rules out, by the values of a few fields, that any of its rules matches,
// so that a subject need not be made. It is immutable; goroutines may share it.
type Gate struct {
	fields []string
	tests  []gateTest
	rules  [][]int32 // by rule: the tests that must all be met for it to match
}

// gateTest is met if a value of a field fits.
type gateTest struct {
	field int
	index fieldIndex
	// predicates is how many there are in the index, of which one must
	// hold. cost is how likely that is.
	predicates int
	cost       float64
	rules      int  // how many rules ask for it
	optional   bool // a subject without the field may have it from elsewhere
}

// GateRule is a rule of a Set, by its index in Set.Rules.
type GateRule struct {
	Set  *Set
	Rule int
}

// maxGateTests bounds the tests of a gate: where there are more, a Matcher is
// faster.
const maxGateTests = 32

// NewGate returns the gate of some rules, nil if they cannot be ruled out by
// fields that are usable: those of which a subject has one value at most, and
// which a caller of GateMatcher.Admits has. Of a field that is optional,
// absence means nothing; optional may be nil.
func NewGate(list []GateRule, usable, optional func(field string) bool) *Gate {
	b := gateBuilder{gate: new(Gate), usable: usable, optional: optional, known: make(map[string]int32), costs: make(map[*Set][]float64)}
	for _, r := range list {
		tests := b.rule(r)
		if len(tests) == 0 || len(b.gate.tests) > maxGateTests {
			return nil
		}
		b.gate.rules = append(b.gate.rules, tests)
		for _, n := range tests {
			b.gate.tests[n].rules++
		}
	}
	b.gate.sort()
	return b.gate
}

// sort sorts the tests of each rule in the order in which they are made: those
// that others share first, then those that are the least likely to be met.
func (g *Gate) sort() {
	for _, tests := range g.rules {
		slices.SortStableFunc(tests, func(x, y int32) int {
			a, b := &g.tests[x], &g.tests[y]
			return cmp.Or(-cmp.Compare(a.rules, b.rules), cmp.Compare(a.cost, b.cost))
		})
	}
}

// Fields returns the names of the fields whose values are asked for. The caller
// must not change the slice.
func (g *Gate) Fields() []string { return g.fields }

type gateBuilder struct {
	gate   *Gate
	usable func(field string) bool
	// optional reports whether the absence of a field means nothing.
	optional func(field string) bool
	known    map[string]int32 // tests by what they ask
	costs    map[*Set][]float64
}

// rule returns the tests that a rule asks to be met, ascending.
func (b *gateBuilder) rule(r GateRule) []int32 {
	costs := b.costsOf(r.Set)
	condition := r.Set.compiled[r.Rule].condition
	args := []*boolExpr{condition}
	if condition.op == andExpr {
		args = condition.args
	}
	var tests []int32
	for _, arg := range args {
		cover, cost, ok := arg.cover(costs)
		if !ok || len(cover) == 0 {
			continue
		}
		if n, ok := b.test(r.Set, cover, cost); ok {
			tests = append(tests, n)
		}
	}
	slices.Sort(tests)
	return slices.Compact(tests)
}

// costsOf estimates how often the predicates of a set hold, as Set.pivotCosts
// does. Whole texts are mostly those of fields that have few, so that they hold
// often. What a gate cannot ask costs less than nothing.
func (b *gateBuilder) costsOf(s *Set) []float64 {
	if costs, ok := b.costs[s]; ok {
		return costs
	}
	costs := make([]float64, len(s.predicates))
	b.costs[s] = costs
	for i := range s.predicates {
		p := &s.predicates[i]
		if p.kind != valuePredicate || s.isDeferred(i) || p.item == nil || !p.item.plainTexts() || !b.usable(s.fields[p.field]) {
			costs[i] = -1
			continue
		}
		for j := range p.item.Values {
			costs[i] += 1 / float64(1+len(p.item.Values[j].Text))
		}
		if p.item.spec.place == wholeField {
			costs[i] += 100
		}
	}
	return costs
}

// textClasses are the classes of modifiers beside which an item asks for texts,
// with or without wildcards.
const textClasses = placeClass | windashClass | encodingClass | casedClass | expandClass

// plainTexts reports whether an item asks for texts, with or without wildcards.
func (item *Item) plainTexts() bool {
	return !slices.ContainsFunc(item.Modifiers, func(name string) bool { return name != "all" && classOf[name]&textClasses == 0 })
}

// test returns the number of the test that one of some predicates holds, and
// whether there is one: they have to be about one field.
func (b *gateBuilder) test(s *Set, predicates []int, cost float64) (int32, bool) {
	field := s.predicates[predicates[0]].field
	builder := newFieldIndexBuilder()
	key := s.fields[field]
	for n, i := range predicates {
		p := &s.predicates[i]
		groups, err := p.item.matchers(s.options.Placeholders)
		if err != nil || p.field != field {
			return 0, false
		}
		builder.addPredicate(uint32(n), groups)
		key += "\x00" + s.describe(i) + "\x00" + groupsKey(groups)
	}
	if n, ok := b.known[key]; ok {
		return n, true
	}
	at := slices.Index(b.gate.fields, s.fields[field])
	if at < 0 {
		at = len(b.gate.fields)
		b.gate.fields = append(b.gate.fields, s.fields[field])
	}
	n := int32(len(b.gate.tests))
	b.known[key] = n
	b.gate.tests = append(b.gate.tests, gateTest{field: at, index: builder.build(), predicates: len(predicates), cost: cost, optional: b.optional != nil && b.optional(s.fields[field])})
	return n, true
}

// groupsKey returns a text that is the same for groups that match alike.
func groupsKey(groups [][]*valueMatcher) string {
	keys := make([]string, len(groups))
	for i, group := range groups {
		names := make([]string, len(group))
		for j, m := range group {
			names[j] = m.key
		}
		keys[i] = joinKeys(names)
	}
	return joinKeys(keys)
}

// GateSubject is what a gate is asked about.
type GateSubject interface {
	// GateText appends the text of a field, by its index in Gate.Fields,
	// and reports whether there is one.
	GateText(dst []byte, field int) ([]byte, bool)
}

// GateMatcher evaluates a Gate. It is for one goroutine.
type GateMatcher struct {
	gate    *Gate
	scratch *scratch
	texts   []gateText                 // by field
	answers []*[gateAnswers]gateAnswer // by test, nil of one that was not asked
	seed    maphash.Seed
	subject GateSubject
	mark    uint32
}

// gateText is the text of a field of the subject with that mark.
type gateText struct {
	mark   uint32
	exists bool
	text   []byte
	hash   uint64
}

// gateAnswer caches whether a test was met by a text, since texts come again:
// the last of those that fall to its place.
type gateAnswer struct {
	asked bool
	met   bool
	text  []byte
}

const (
	gateAnswers   = 16      // of a test
	maxAnswerText = 1 << 10 // bytes; answers about longer texts are not kept
)

// NewMatcher returns a matcher for one goroutine.
func (g *Gate) NewMatcher() *GateMatcher {
	indexes := make([]fieldIndex, len(g.tests))
	predicates := 0
	for i := range g.tests {
		indexes[i] = g.tests[i].index
		predicates = max(predicates, g.tests[i].predicates)
	}
	return &GateMatcher{
		gate: g, scratch: newScratch(indexes, predicates, 0), texts: make([]gateText, len(g.fields)),
		answers: make([]*[gateAnswers]gateAnswer, len(g.tests)), seed: maphash.MakeSeed(),
	}
}

// Admits reports whether one of the gate's rules may match the subject. It does
// not keep the subject. Once its buffers have grown it allocates nothing.
func (m *GateMatcher) Admits(subject GateSubject) bool {
	m.subject = subject
	if m.mark++; m.mark == 0 {
		clear(m.texts)
		m.mark = 1
	}
	for _, tests := range m.gate.rules {
		if m.meetsAll(tests) {
			return true
		}
	}
	return false
}

func (m *GateMatcher) meetsAll(tests []int32) bool {
	for _, n := range tests {
		if !m.meets(n) {
			return false
		}
	}
	return true
}

// meets reports whether the subject at hand meets a test.
func (m *GateMatcher) meets(n int32) bool {
	t := &m.gate.tests[n]
	text := m.text(t.field)
	switch {
	case !text.exists:
		return t.optional
	case len(text.text) > maxAnswerText:
		return m.evaluate(t, text.text)
	case m.answers[n] == nil:
		m.answers[n] = new([gateAnswers]gateAnswer)
	}
	a := &m.answers[n][text.hash%gateAnswers]
	if !a.asked || !bytes.Equal(a.text, text.text) {
		a.asked, a.text = true, append(a.text[:0], text.text...)
		a.met = m.evaluate(t, text.text)
	}
	return a.met
}

// evaluate reports whether a text meets a test.
func (m *GateMatcher) evaluate(t *gateTest, text []byte) bool {
	return len(m.scratch.evaluate(&t.index, unsafe.String(unsafe.SliceData(text), len(text)))) > 0
}

// text returns the text of a field of the subject at hand.
func (m *GateMatcher) text(field int) *gateText {
	t := &m.texts[field]
	if t.mark != m.mark {
		t.mark = m.mark
		t.text, t.exists = m.subject.GateText(t.text[:0], field)
		t.hash = maphash.Bytes(m.seed, t.text)
	}
	return t
}
