package rules

import (
	"slices"
)

// fieldJudge answers all predicates of one field at once. It is immutable once built.
type fieldJudge struct {
	matchers []*matcher

	equals   map[string]int32 // folded text to matcher
	prefixes *affixTable
	suffixes *affixTable
	literals *literalIndex
	uses     [][]literalUse // by literal
	always   []int32        // matchers for which nothing can be looked up

	groups    [][]int32 // by matcher: the groups it belongs to
	predicate []uint32  // by group: its predicate
	needs     []int32   // by group: how many groups its predicate has

	absent []uint32 // predicates that hold if the field is absent, ascending
}

// literalUse is a matcher that a literal in the text speaks for. If it is exact, the literal is all that the matcher asks for.
type literalUse struct {
	matcher int32
	exact   bool
}

// judgeBuilder collects the matchers and predicates of one field.
type judgeBuilder struct {
	judge     fieldJudge
	byKey     map[string]int32
	byLiteral map[string]int32
	literals  []string
	affixes   [2]struct { // prefixes, suffixes
		literals []string
		matchers []int32
	}
}

func newJudgeBuilder() *judgeBuilder {
	return &judgeBuilder{byKey: make(map[string]int32), byLiteral: make(map[string]int32)}
}

// addPredicate adds a predicate that holds for a text if, of each group of matchers, one fits.
func (b *judgeBuilder) addPredicate(predicate uint32, groups [][]*matcher) {
	j := &b.judge
	for _, group := range groups {
		number := int32(len(j.predicate))
		j.predicate = append(j.predicate, predicate)
		j.needs = append(j.needs, int32(len(groups)))
		for _, m := range group {
			n := b.addMatcher(m)
			if in := j.groups[n]; len(in) == 0 || in[len(in)-1] != number {
				j.groups[n] = append(in, number)
			}
		}
	}
}

// addMatcher returns the number of a matcher, the same for those that judge alike.
func (b *judgeBuilder) addMatcher(m *matcher) int32 {
	if n, ok := b.byKey[m.key]; ok {
		return n
	}
	n := int32(len(b.judge.matchers))
	b.byKey[m.key] = n
	b.judge.matchers = append(b.judge.matchers, m)
	b.judge.groups = append(b.judge.groups, nil)
	b.file(m, n)
	return n
}

// file puts a matcher where a text will find it.
func (b *judgeBuilder) file(m *matcher, n int32) {
	switch {
	case m.kind == regexpMatcher:
		literals := requiredLiterals(m.tree)
		m.tree = nil
		if len(literals) == 0 {
			b.judge.always = append(b.judge.always, n)
		}
		for _, s := range literals {
			b.use(s, literalUse{matcher: n})
		}
		return
	case m.kind != patternMatcher:
		b.judge.always = append(b.judge.always, n)
		return
	}
	p := &m.pattern
	literal := p.literal()
	if !p.cased && !p.dashes {
		switch p.shape {
		case equalsShape:
			if b.judge.equals == nil {
				b.judge.equals = make(map[string]int32)
			}
			b.judge.equals[literal] = n
			return
		case prefixShape, suffixShape:
			side := &b.affixes[p.shape-prefixShape]
			side.literals, side.matchers = append(side.literals, literal), append(side.matchers, n)
			return
		}
	}
	if literal == "" {
		b.judge.always = append(b.judge.always, n)
		return
	}
	filed := dashed(fold(literal))
	exact := p.shape == containsShape && !p.cased && (p.dashes || !containsDash(filed))
	b.use(filed, literalUse{n, exact})
}

// containsDash tells whether a literal in the form of text.dashes has a dash, so that finding it does not say which one is meant.
func containsDash(s string) bool {
	return slices.Contains([]byte(s), '-')
}

// use files a matcher under a literal.
func (b *judgeBuilder) use(literal string, u literalUse) {
	n, ok := b.byLiteral[literal]
	if !ok {
		n = int32(len(b.literals))
		b.byLiteral[literal] = n
		b.literals = append(b.literals, literal)
		b.judge.uses = append(b.judge.uses, nil)
	}
	b.judge.uses[n] = append(b.judge.uses[n], u)
}

// build returns the judge; the builder must not be used afterwards.
func (b *judgeBuilder) build() fieldJudge {
	j := b.judge
	j.prefixes = newAffixTable(b.affixes[0].literals, b.affixes[0].matchers, false)
	j.suffixes = newAffixTable(b.affixes[1].literals, b.affixes[1].matchers, true)
	if len(b.literals) > 0 {
		j.literals = newLiteralIndex(b.literals)
	}
	slices.Sort(j.absent)
	return j
}

// bench is one goroutine's working memory for judging texts. The marks say what was met in the present text: an entry counts if it
// equals mark.
type bench struct {
	text     text
	mark     uint32
	literals []uint32 // marks by literal
	matchers []uint32 // marks by matcher
	groups   []uint32 // marks by group
	counts   []groupCount
	found    []int32
	holds    []uint32
}

// groupCount counts the groups of a predicate of which a matcher fits.
type groupCount struct {
	mark  uint32
	count int32
}

// newBench returns the memory to judge texts by any of the judges, with so many predicates in all.
func newBench(judges []fieldJudge, predicates int) *bench {
	var literals, matchers, groups int
	for i := range judges {
		j := &judges[i]
		literals, matchers, groups = max(literals, len(j.uses)), max(matchers, len(j.matchers)), max(groups, len(j.predicate))
	}
	return &bench{
		literals: make([]uint32, literals),
		matchers: make([]uint32, matchers),
		groups:   make([]uint32, groups),
		counts:   make([]groupCount, predicates),
	}
}

// judge returns the predicates of the field that hold for s, ascending. The slice is valid until the next call.
func (w *bench) judge(j *fieldJudge, s string) []uint32 {
	if w.mark++; w.mark == 0 { // after 2^32 texts, old marks would be taken for new ones
		clear(w.literals)
		clear(w.matchers)
		clear(w.groups)
		clear(w.counts)
		w.mark = 1
	}
	w.holds = w.holds[:0]
	t := &w.text
	t.reset(s)
	if n, ok := j.equals[string(t.folded)]; ok {
		w.fits(j, n)
	}
	for _, table := range [...]*affixTable{j.prefixes, j.suffixes} {
		if table == nil {
			continue
		}
		w.found = table.find(w.found[:0], t.folded)
		for _, n := range w.found {
			w.fits(j, n)
		}
	}
	for _, n := range j.always {
		if j.matchers[n].match(t) {
			w.fits(j, n)
		}
	}
	if j.literals != nil {
		w.found = j.literals.scan(w.found[:0], t.dashes, w.literals, w.mark)
		for _, literal := range w.found {
			w.judgeUses(j, j.uses[literal])
		}
	}
	slices.Sort(w.holds)
	return w.holds
}

// judgeUses takes up the matchers of a literal that was found.
func (w *bench) judgeUses(j *fieldJudge, uses []literalUse) {
	for _, u := range uses {
		switch {
		case w.matchers[u.matcher] == w.mark:
		case u.exact:
			w.matchers[u.matcher] = w.mark
			w.fits(j, u.matcher)
		default:
			w.matchers[u.matcher] = w.mark
			if j.matchers[u.matcher].match(&w.text) {
				w.fits(j, u.matcher)
			}
		}
	}
}

// fits notes that a matcher fits the text: each of its groups is met, and a predicate holds once all of its groups are. It is
// called once for a matcher and text.
func (w *bench) fits(j *fieldJudge, matcher int32) {
	for _, g := range j.groups[matcher] {
		if w.groups[g] == w.mark {
			continue
		}
		w.groups[g] = w.mark
		p := j.predicate[g]
		if j.needs[g] > 1 {
			c := &w.counts[p]
			if c.mark != w.mark {
				*c = groupCount{mark: w.mark}
			}
			if c.count++; c.count < j.needs[g] {
				continue
			}
		}
		w.holds = append(w.holds, p)
	}
}
