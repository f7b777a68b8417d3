package rules

// SetLimit makes a Correlator keep no more than so many events, for tests.
func (c *Correlator) SetLimit(events int) { c.limit = events }

// Expression is a regular expression as a matcher searches for it, for tests.
type Expression struct {
	bench *scratch
	e     *expression
}

// NewExpression returns nil if Go's engine or this package refuses the
// expression.
func NewExpression(source string) *Expression {
	_, tree, err := parseRegexp(source, &modifierSet{})
	if err != nil {
		return nil
	}
	re, err := compileRegexp(source)
	if err != nil {
		return nil
	}
	return &Expression{&scratch{automata: make([]*automaton, 1)}, &expression{source: source, tree: tree, re: re, filter: newRegexpFilter(tree)}}
}

// Automaton tells what the automaton says, and whether it knows.
func (x *Expression) Automaton(text string) (matches, known bool) {
	x.bench.text.reset(text)
	return x.bench.matchAutomaton(x.e)
}

// Filter tells what the cheap checks say, and whether they know.
func (x *Expression) Filter(text string) (matches, known bool) {
	x.bench.text.reset(text)
	return x.e.filter.decide(&x.bench.text)
}

// Literals are those of which a text must have one.
func (x *Expression) Literals() []string { return requiredLiterals(x.e.tree) }

// States returns how many states the automaton has, and how many it ever made.
func (x *Expression) States() (now, made int) {
	a := x.bench.automata[0]
	return len(a.states), a.made
}

// Forms returns a text as matchers see it: without case, and then with one form
// of dash.
func Forms(s string) (folded, dashes string) {
	var t fieldText
	t.reset(s)
	return string(t.folded), string(t.dashes)
}

// Folded returns a text without case, made rune by rune.
func Folded(text string) string { return fold(text) }

// Searched returns a text as literals are looked for in it.
func Searched(text string) string { return dashed(fold(text)) }

const (
	MaxAutomatonStates = maxAutomatonStates
	Patience           = patience
)

// Kept returns what a matcher keeps: pages of the tables that it shares,
// verdicts of its own, and bytes of states of automata, as counted and as they
// are.
func (m *Matcher) Kept() (pages, verdicts, counted, size int) {
	for i := range m.store.tables {
		if table := m.store.tables[i].Load(); table != nil {
			for j := range table {
				if table[j].Load() != nil {
					pages++
				}
			}
		}
	}
	for _, a := range m.scratch.automata {
		if a != nil {
			size += a.size
		}
	}
	return pages, m.verdicts.len(), m.scratch.automataSize, size
}

const (
	MaxPages        = maxPages
	KeptPages       = keptPages
	MaxVerdicts     = maxVerdicts
	MaxAutomataSize = maxAutomataSize
)
