package rules

import (
	"slices"
	"strings"
)

// finish builds what matching needs from what was collected.
func (c *compiler) finish() {
	s := c.set
	s.asked = len(c.builders)
	s.indexes = make([]fieldIndex, s.asked)
	for i, b := range c.builders {
		s.indexes[i] = b.build()
		for _, m := range s.indexes[i].matchers {
			if m.kind == regexpMatcher {
				m.number = s.expressions
				s.expressions++
			}
		}
	}
	s.words = (len(s.predicates) + 63) / 64
	s.deferred = make([]uint64, s.words)
	s.keywords = -1
	if i, ok := s.fieldIDs[""]; ok && i < s.asked {
		s.keywords = i
	}
	for i := range s.predicates {
		if s.isDeferred(i) {
			s.deferred[i>>6] |= 1 << (i & 63)
		}
	}
	c.sortFields()
	c.pivot()
	s.eager = s.early
	if s.keywords >= 0 && slices.ContainsFunc(s.compiled, s.opens) {
		s.eager = append(slices.Clone(s.early), s.keywords)
	}
}

// opens reports whether a rule depends on deferred predicates where no other
// predicate holds.
func (s *Set) opens(r compiledRule) bool {
	return len(r.deferred) > 0 && runAssuming(s.program.code, r.entry, make([]uint64, s.words), s.deferred, true)
}

// sortFields divides the fields into those that are asked early and late. A
// field that some rule asks for whatever the early ones decide, as rules of a
// large collection do, gains nothing by waiting.
func (c *compiler) sortFields() {
	s := c.set
	early := make([]bool, s.asked)
	nothing := make([]uint64, s.words)
	for {
		s.divideFields(func(field int) bool { return !early[field] && s.options.Late[strings.ToLower(s.fields[field])] })
		var always uint64
		for i := range s.compiled {
			if r := &s.compiled[i]; r.late&^always != 0 && runAssuming(s.program.code, r.entry, nothing, s.unasked, true) {
				always |= r.late
			}
		}
		if always == 0 {
			return
		}
		for i, field := range s.late {
			early[field] = early[field] || always>>min(i, 63)&1 != 0
		}
	}
}

// divideFields files each field as early or late, and what follows from that.
func (s *Set) divideFields(isLate func(field int) bool) {
	s.early, s.late = nil, nil
	for i := range s.asked {
		switch {
		case i == s.keywords:
		case isLate(i):
			s.late = append(s.late, i)
		default:
			s.early = append(s.early, i)
		}
	}
	s.unasked = slices.Clone(s.deferred)
	for i := range s.predicates {
		if slices.Contains(s.late, s.predicates[i].field) {
			s.unasked[i>>6] |= 1 << (i & 63)
		}
	}
	for i := range s.compiled {
		s.compiled[i].late = s.lateOf(s.compiled[i].condition)
	}
}

// lateOf returns the late fields that a condition asks for.
func (s *Set) lateOf(e *boolExpr) uint64 {
	var mask uint64
	if e.op == literalExpr {
		if n := slices.Index(s.late, s.predicates[e.predicate].field); n >= 0 {
			mask = 1 << min(n, 63)
		}
	}
	for _, arg := range e.args {
		mask |= s.lateOf(arg)
	}
	return mask
}

// isDeferred reports whether a predicate is asked only when all others leave a
// rule open: those about two fields, whose answer cannot be kept by value, and
// keywords, which need all values of a subject.
func (s *Set) isDeferred(predicate int) bool {
	p := &s.predicates[predicate]
	return p.kind == referencePredicate || p.field == s.keywords
}

// pivot files every rule under predicates of which one must hold for it to
// match, so that a subject's rules are found from the few predicates that hold
// for it.
func (c *compiler) pivot() {
	s := c.set
	costs := s.pivotCosts()
	s.pivots = make([][]int32, len(s.predicates))
	for i := range s.compiled {
		r := &s.compiled[i]
		r.deferred = s.deferredOf(r.condition, nil)
		set, _, ok := r.condition.cover(costs)
		if !ok {
			s.unpivoted = append(s.unpivoted, int32(i))
			continue
		}
		slices.Sort(set)
		for _, p := range slices.Compact(set) {
			s.pivots[p] = append(s.pivots[p], int32(i))
		}
	}
}

// pivotCosts estimates how often each predicate holds: those that many rules
// ask, such as an image of PowerShell, hold often, and so do short texts.
// Predicates that are not known before a rule is looked at cost less than
// nothing: they cannot be used.
func (s *Set) pivotCosts() []float64 {
	costs := make([]float64, len(s.predicates))
	var add func(e *boolExpr)
	add = func(e *boolExpr) {
		if e.op == literalExpr {
			costs[e.predicate]++
		}
		for _, arg := range e.args {
			add(arg)
		}
	}
	for i := range s.compiled {
		add(s.compiled[i].condition)
	}
	for i := range s.predicates {
		p := &s.predicates[i]
		switch {
		case s.isDeferred(i):
			costs[i] = -1
			continue
		case p.kind == absentPredicate:
			costs[i] += 1000
			continue
		case p.item == nil:
			continue
		}
		for j := range p.item.Values {
			costs[i] += 4 / float64(1+len(p.item.Values[j].Text))
		}
	}
	return costs
}

// deferredOf appends the deferred predicates that a condition asks for.
func (s *Set) deferredOf(e *boolExpr, dst []int32) []int32 {
	if e.op == literalExpr && s.isDeferred(e.predicate) && !slices.Contains(dst, int32(e.predicate)) {
		dst = append(dst, int32(e.predicate))
	}
	for _, arg := range e.args {
		dst = s.deferredOf(arg, dst)
	}
	return dst
}
