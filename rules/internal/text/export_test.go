package text

import "regexp/syntax"

// Expression is a regular expression as matchers search for it.
type Expression struct {
	tree      *syntax.Regexp
	filter    RegexpFilter
	automaton *Automaton
	forms     Forms
}

// NewExpression returns nil if Go's engine or this package refuses the
// expression.
func NewExpression(source string) *Expression {
	_, tree, err := ParseRegexp(source, "", false, false)
	if err != nil {
		return nil
	}
	x := &Expression{tree: tree, filter: NewRegexpFilter(tree)}
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		prog = nil
	}
	x.automaton = NewAutomaton(prog)
	return x
}

// Automaton returns the automaton's verdict, and whether it has one.
func (x *Expression) Automaton(text string) (matches, known bool) {
	if x.automaton.Hopeless() {
		return false, false
	}
	matches, known = x.automaton.Match(text)
	x.automaton.GiveUp()
	return matches, known
}

// Filter returns the verdict of the cheap checks, and whether they have one.
func (x *Expression) Filter(text string) (matches, known bool) {
	x.forms.Reset(text)
	return x.filter.Decide(&x.forms)
}

// Literals are those of which a text must have one.
func (x *Expression) Literals() []string { return RequiredLiterals(x.tree) }

// States returns how many states the automaton has, and how many it ever made.
func (x *Expression) States() (now, made int) {
	return len(x.automaton.states), x.automaton.made
}

// Searched returns a text as literals are looked for in it.
func Searched(text string) string { return Dashed(Fold(text)) }

const (
	MaxAutomatonStates = maxAutomatonStates
	Patience           = patience
)
