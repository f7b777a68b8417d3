package rules

import (
	"slices"

	"webshellscan/rules/internal/text"
)

// fieldIndex answers all predicates of one field at once. It is immutable once
// built.
type fieldIndex struct {
	matchers []*valueMatcher

	equals   map[string]int32 // folded text to matcher
	prefixes *text.AffixTable
	suffixes *text.AffixTable
	literals *text.LiteralIndex
	uses     [][]literalUse // by literal
	always   []int32        // matchers for which nothing can be looked up

	groups groupLists     // by matcher: the groups it belongs to
	about  []matcherGroup // by group

	absent []uint32 // predicates that hold if the field is absent, ascending

	noNumber bool // no predicate holds for a text of nothing but digits
}

// matcherGroup is a value of an item, of which one matcher has to fit.
type matcherGroup struct {
	predicate uint32
	needs     int32 // how many groups the predicate has; it holds if all are met
}

// groupLists has a list of groups for each matcher, one after the other.
type groupLists struct {
	starts []int32 // by matcher, and the end of the last
	groups []int32
}

// of returns the groups of a matcher.
func (l *groupLists) of(matcher int32) []int32 {
	return l.groups[l.starts[matcher]:l.starts[matcher+1]]
}

// literalUse files a matcher under a literal that it requires. If it is exact,
// the literal is all that the matcher asks for; if there are dashes, it is, but
// for which dashes they are, as the index takes all for the same.
type literalUse struct {
	matcher int32
	exact   bool
	dashes  text.DashSet
}

// fieldIndexBuilder collects the matchers and predicates of one field.
type fieldIndexBuilder struct {
	index     fieldIndex
	groups    [][]int32 // by matcher
	byKey     map[string]int32
	byLiteral map[string]int32
	literals  []string
	affixes   [2]struct { // prefixes, suffixes
		literals []string
		matchers []int32
	}
}

func newFieldIndexBuilder() *fieldIndexBuilder {
	return &fieldIndexBuilder{byKey: make(map[string]int32), byLiteral: make(map[string]int32)}
}

// addPredicate adds a predicate that holds for a text if, of each group of
// matchers, one fits.
func (b *fieldIndexBuilder) addPredicate(predicate uint32, groups [][]*valueMatcher) {
	j := &b.index
	for _, matchers := range groups {
		number := int32(len(j.about))
		j.about = append(j.about, matcherGroup{predicate, int32(len(groups))})
		for _, m := range matchers {
			n := b.addMatcher(m)
			if in := b.groups[n]; len(in) == 0 || in[len(in)-1] != number {
				b.groups[n] = append(in, number)
			}
		}
	}
}

// addMatcher returns the number of a matcher, the same for those that match
// alike.
func (b *fieldIndexBuilder) addMatcher(m *valueMatcher) int32 {
	if n, ok := b.byKey[m.key]; ok {
		return n
	}
	n := int32(len(b.index.matchers))
	b.byKey[m.key] = n
	b.index.matchers = append(b.index.matchers, m)
	b.groups = append(b.groups, nil)
	b.file(m, n)
	return n
}

// file stores a matcher where a text will find it.
func (b *fieldIndexBuilder) file(m *valueMatcher, n int32) {
	switch {
	case m.kind == regexpMatcher:
		if len(m.regexp.literals) == 0 {
			b.index.always = append(b.index.always, n)
		}
		for _, s := range m.regexp.literals {
			b.use(s, literalUse{matcher: n})
		}
		return
	case m.kind != patternMatcher:
		b.index.always = append(b.index.always, n)
		return
	}
	p := &m.pattern
	literal := p.Literal()
	if !p.Cased && !p.Dashes {
		switch p.Shape {
		case text.Equals:
			if b.index.equals == nil {
				b.index.equals = make(map[string]int32)
			}
			b.index.equals[literal] = n
			return
		case text.Prefix, text.Suffix:
			side := &b.affixes[p.Shape-text.Prefix]
			side.literals, side.matchers = append(side.literals, literal), append(side.matchers, n)
			return
		}
	}
	if literal == "" {
		b.index.always = append(b.index.always, n)
		return
	}
	use := literalUse{matcher: n, exact: p.Shape == text.Contains && !p.Cased}
	if use.exact && !p.Dashes {
		use.dashes = text.DashesOf(literal)
		use.exact = use.dashes == 0
	}
	b.use(text.Dashed(text.Fold(literal)), use)
}

// use files a matcher under a literal.
func (b *fieldIndexBuilder) use(literal string, u literalUse) {
	n, ok := b.byLiteral[literal]
	if !ok {
		n = int32(len(b.literals))
		b.byLiteral[literal] = n
		b.literals = append(b.literals, literal)
		b.index.uses = append(b.index.uses, nil)
	}
	b.index.uses[n] = append(b.index.uses[n], u)
}

// build returns the index; the builder must not be used afterwards.
func (b *fieldIndexBuilder) build() fieldIndex {
	j := b.index
	j.prefixes = text.NewAffixTable(b.affixes[0].literals, b.affixes[0].matchers, false)
	j.suffixes = text.NewAffixTable(b.affixes[1].literals, b.affixes[1].matchers, true)
	if len(b.literals) > 0 {
		j.literals = text.NewLiteralIndex(b.literals)
	}
	for _, list := range b.groups {
		j.groups.starts = append(j.groups.starts, int32(len(j.groups.groups)))
		j.groups.groups = append(j.groups.groups, list...)
	}
	j.groups.starts = append(j.groups.starts, int32(len(j.groups.groups)))
	slices.Sort(j.absent)
	j.noNumber = !slices.ContainsFunc(j.matchers, (*valueMatcher).mayMatchNumber)
	return j
}

// scratch is one goroutine's working memory for matching texts. The marks are
// what was met in the present text: an entry counts if it equals mark.
type scratch struct {
	text     text.Forms
	mark     uint32
	literals []uint32 // marks by literal
	matchers []uint32 // marks by matcher
	groups   []uint32 // marks by group
	counts   []groupCount
	found    []int32
	holds    []uint32

	automata     []*text.Automaton // by expression; nil if there is none yet
	automataSize int               // bytes of all their states
}

// maxAutomataSize bounds the bytes of the states of all automata of a matcher.
// When it is reached, all are dropped and made anew.
const maxAutomataSize = 8 << 20

// groupCount counts the groups of a predicate of which a matcher fits.
type groupCount struct {
	mark  uint32
	count int32
}

// newScratch returns the memory to evaluate texts by any of some field indexes,
// which have so many predicates and regular expressions.
func newScratch(indexes []fieldIndex, predicates, expressions int) *scratch {
	var literals, matchers, groups int
	for i := range indexes {
		j := &indexes[i]
		literals, matchers, groups = max(literals, len(j.uses)), max(matchers, len(j.matchers)), max(groups, len(j.about))
	}
	return &scratch{
		literals: make([]uint32, literals),
		matchers: make([]uint32, matchers),
		groups:   make([]uint32, groups),
		counts:   make([]groupCount, predicates),
		automata: make([]*text.Automaton, expressions),
	}
}

// evaluate returns the predicates of the field that hold for s, ascending. The
// slice is valid until the next call.
func (w *scratch) evaluate(j *fieldIndex, s string) []uint32 {
	if w.mark++; w.mark == 0 { // after 2^32 texts, old marks would be taken for new ones
		clear(w.literals)
		clear(w.matchers)
		clear(w.groups)
		clear(w.counts)
		w.mark = 1
	}
	w.holds = w.holds[:0]
	t := &w.text
	t.Reset(s)
	if n, ok := j.equals[string(t.Folded)]; ok {
		w.fits(j, n)
	}
	for _, table := range [...]*text.AffixTable{j.prefixes, j.suffixes} {
		if table == nil {
			continue
		}
		w.found = table.Find(w.found[:0], t.Folded)
		for _, n := range w.found {
			w.fits(j, n)
		}
	}
	for _, n := range j.always {
		if w.match(j.matchers[n]) {
			w.fits(j, n)
		}
	}
	if j.literals != nil {
		w.found = j.literals.Scan(w.found[:0], t.Dashes, w.literals, w.mark)
		for _, literal := range w.found {
			w.evaluateUses(j, j.uses[literal])
		}
	}
	slices.Sort(w.holds)
	return w.holds
}

// evaluateUses evaluates the matchers of a literal that was found.
func (w *scratch) evaluateUses(j *fieldIndex, uses []literalUse) {
	for _, u := range uses {
		switch {
		case w.matchers[u.matcher] == w.mark:
		case u.exact || u.dashes != 0 && u.dashes == w.text.OnlyDash:
			w.matchers[u.matcher] = w.mark
			w.fits(j, u.matcher)
		case u.dashes != 0 && (w.text.OnlyDash != 0 || u.dashes&text.OtherDash != 0 && w.text.ASCII):
			// The text has no such dashes.
		default:
			w.matchers[u.matcher] = w.mark
			if w.match(j.matchers[u.matcher]) {
				w.fits(j, u.matcher)
			}
		}
	}
}

// fits records that a matcher fits the text: each of its groups is met, and a
// predicate holds once all of its groups are. It is called once for a matcher
// and text.
func (w *scratch) fits(j *fieldIndex, matcher int32) {
	for _, g := range j.groups.of(matcher) {
		if w.groups[g] == w.mark {
			continue
		}
		w.groups[g] = w.mark
		about := j.about[g]
		if about.needs > 1 {
			c := &w.counts[about.predicate]
			if c.mark != w.mark {
				*c = groupCount{mark: w.mark}
			}
			if c.count++; c.count < about.needs {
				continue
			}
		}
		w.holds = append(w.holds, about.predicate)
	}
}

// match reports whether the text fits a matcher.
func (w *scratch) match(m *valueMatcher) bool {
	if m.kind != regexpMatcher {
		return m.match(&w.text)
	}
	if matches, known := m.regexp.filter.Decide(&w.text); known {
		return matches
	}
	if matches, known := w.matchAutomaton(m); known {
		return matches
	}
	return m.regexp.search(w.text.Raw)
}

// matchAutomaton runs the automaton of a matcher's expression.
func (w *scratch) matchAutomaton(m *valueMatcher) (matches, known bool) {
	a := w.automata[m.number]
	if a == nil {
		a = text.NewAutomaton(m.regexp.program())
		w.automata[m.number] = a
	}
	if a.Hopeless() {
		return false, false
	}
	before := a.Size
	matches, known = a.Match(w.text.Raw)
	a.GiveUp()
	if w.automataSize += a.Size - before; w.automataSize > maxAutomataSize {
		for _, a := range w.automata {
			if a != nil {
				a.Forget()
			}
		}
		w.automataSize = 0
	}
	return matches, known
}
