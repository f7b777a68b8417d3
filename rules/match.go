package rules

import (
	"slices"

	"webshellscan/rules/internal/text"
)

// Limits on what a Matcher remembers beside the values' verdicts. When one is
// reached, everything is forgotten and computed anew.
const (
	maxTupleSize  = 1 << 20 // verdicts in all tuples of subjects; 4 MiB
	maxResultSize = 1 << 20 // rules in the results of all tuples; 4 MiB
	maxUnions     = 1 << 16 // pairs of verdicts
)

// Matcher matches subjects against a Set. It remembers what it established
// about values and about subjects, within fixed bounds, so it must not be used
// by several goroutines at once, and not with two numberings of values.
type Matcher struct {
	set     *Set
	scratch *scratch
	shared  *verdictCache

	values   valueCache // of values that shared has no place for
	verdicts tupleTable // that shared has no place for; their numbers are marked as own
	unions   map[uint64]uint32
	absent   []uint32 // by field: the verdict if there is no value

	columns []tupleColumn // of a tuple: the early fields in bundles or alone, then the late fields
	tuples  tupleTable    // by subject's tuple: a verdict for each column
	results []tupleResult // by tuple
	gates   tupleTable    // by tuple in which the late columns have verdict 0
	needs   []uint64      // by gate: the late fields that some rule depends on, by index in Set.late
	ruleIDs []int32       // of all results
	opens   []openRule    // of all results

	keywordsAsked  bool   // of the present subject
	keywordVerdict uint32 // if so

	ids      []ValueID // scratch for Subject.Values
	otherIDs []ValueID
	members  []ValueID
	tuple    []uint32
	bits     []uint64 // predicates that hold for the subject
	ruleSeen []uint32 // by rule: mark
	ruleMark uint32
	maybe    []int32 // rules to look at
	pair     [2]text.Forms
	pairs    [pairSlots]pairSlot
}

// tupleResult is which rules match all subjects of one tuple, and which depend
// on deferred predicates, so that the subject itself has to be asked: ranges of
// Matcher.ruleIDs and Matcher.opens, ascending.
type tupleResult struct {
	start, end         uint32
	openStart, openEnd uint32
}

// openRule is a rule that, for the subjects of one tuple, depends on deferred
// predicates.
type openRule struct {
	rule      int32
	deferred  int32 // the only such predicate, or -1 if there are several
	matchesIf bool  // what the only one must be for the rule to match
}

// tupleColumn is a place in a subject's tuple: that of a field, or of a bundle
// of them.
type tupleColumn struct {
	fields []int
	bundle int // -1 for a single field
}

// NewMatchers returns n matchers, one for each goroutine, which share what they
// establish about values: equal values must have the same ID for all. Bundles
// are lists of fields, by their index in Set.Fields, each of which a subject
// that is a Bundler may have from one thing; a field must not be in two of
// them.
func (s *Set) NewMatchers(n int, bundles ...[]int) []*Matcher {
	matchers := make([]*Matcher, n)
	shared := newVerdictCache(s.asked + len(bundles) + 1)
	for i := range matchers {
		matchers[i] = s.newMatcher(shared, bundles)
	}
	return matchers
}

// NewMatcher returns a matcher for one goroutine. Bundles are those of
// NewMatchers.
func (s *Set) NewMatcher(bundles ...[]int) *Matcher {
	return s.NewMatchers(1, bundles...)[0]
}

func (s *Set) newMatcher(shared *verdictCache, bundles [][]int) *Matcher {
	columns := s.columns(bundles)
	m := &Matcher{
		set:      s,
		scratch:  newScratch(s.indexes, len(s.predicates), s.expressions),
		shared:   shared,
		values:   newValueCache(s.options.CacheSize),
		verdicts: newTupleTable(),
		tuples:   newTupleTable(),
		gates:    newTupleTable(),
		unions:   make(map[uint64]uint32),
		absent:   make([]uint32, s.asked),
		columns:  columns,
		tuple:    make([]uint32, len(columns)),
		bits:     make([]uint64, s.words),
		ruleSeen: make([]uint32, len(s.rules)),
	}
	m.forget()
	return m
}

// columns returns the columns of a subject's tuple.
func (s *Set) columns(bundles [][]int) []tupleColumn {
	var columns []tupleColumn
	single := slices.Clone(s.early)
	for n, bundle := range bundles {
		c := tupleColumn{bundle: n}
		single = slices.DeleteFunc(single, func(field int) bool {
			bundled := slices.Contains(bundle, field)
			if bundled {
				c.fields = append(c.fields, field)
			}
			return bundled
		})
		if len(c.fields) > 1 {
			columns = append(columns, c)
		} else {
			single = append(single, c.fields...)
		}
	}
	for _, field := range slices.Concat(single, s.late) {
		columns = append(columns, tupleColumn{[]int{field}, -1})
	}
	return columns
}

// forget empties all that the matcher remembers.
func (m *Matcher) forget() {
	m.values.clear()
	m.verdicts.clear()
	clear(m.unions)
	for i := range m.set.indexes {
		m.absent[i] = m.intern(m.set.indexes[i].absent)
	}
	m.forgetTuples()
}

func (m *Matcher) forgetTuples() {
	m.tuples.clear()
	m.gates.clear()
	m.needs = m.needs[:0]
	m.results, m.ruleIDs, m.opens = m.results[:0], m.ruleIDs[:0], m.opens[:0]
}

// Match appends the indices of the rules that match the subject, ascending, and
// returns the extended slice. It does not keep the subject. Once the subject's
// values are known it allocates nothing.
func (m *Matcher) Match(dst []int, subject Subject) []int {
	if m.verdicts.len() > maxVerdicts || m.verdicts.size() > maxVerdictSize || len(m.unions) > maxUnions {
		m.forget()
	}
	m.keywordsAsked = false
	m.fillTuple(subject)
	hash := tupleHash(m.tuple)
	n, ok := m.tuples.find(m.tuple, hash)
	if !ok {
		n = m.decide(hash)
	}
	r := m.results[n]
	before := len(dst)
	for _, rule := range m.ruleIDs[r.start:r.end] {
		dst = append(dst, int(rule))
	}
	if r.openStart < r.openEnd {
		dst = m.decideOpen(dst, subject, m.opens[r.openStart:r.openEnd])
		slices.Sort(dst[before:])
	}
	return dst
}

// Prefetch evaluates a value of a field ahead of Match, and keeps the result
// for all matchers that were made together with this one, as far as there is
// room. They may match meanwhile.
func (m *Matcher) Prefetch(field int, id ValueID, text string) {
	place := m.shared.place(field, id, keptPages)
	if place == nil || place.Load() != 0 {
		return
	}
	holds := m.scratch.evaluate(&m.set.indexes[field], text)
	if verdict, ok := m.shared.intern(holds, tupleHash(holds)); ok {
		place.Store(verdict + 1)
	}
}

// fillTuple fills the tuple with the verdicts of the subject. Fields whose
// values hardly repeat are read last, and only if some rule still depends on
// them.
func (m *Matcher) fillTuple(subject Subject) {
	early := len(m.columns) - len(m.set.late)
	bundler, _ := subject.(Bundler)
	for i := range m.columns[:early] {
		if c := &m.columns[i]; c.bundle < 0 {
			m.tuple[i] = m.verdict(subject, c.fields[0])
		} else {
			m.tuple[i] = m.bundleVerdict(subject, bundler, c)
		}
	}
	late := m.tuple[early:]
	if len(late) == 0 {
		return
	}
	clear(late)
	needs := m.need()
	for i, field := range m.set.late {
		if needs>>min(i, 63)&1 != 0 {
			late[i] = m.verdict(subject, field)
		}
	}
}

// need returns the late fields that some rule depends on, given the verdicts of
// the early ones in the tuple: bit i stands for field i of Set.late, bit 63 for
// all from there on.
func (m *Matcher) need() uint64 {
	hash := tupleHash(m.tuple)
	if n, ok := m.gates.find(m.tuple, hash); ok {
		return m.needs[n]
	}
	if m.gates.size()+len(m.tuple) > maxTupleSize {
		m.forgetTuples()
	}
	m.setBits()
	needs := uint64(0)
	for i := range m.set.compiled {
		if c := &m.set.compiled[i]; c.late&^needs != 0 && runAssuming(m.set.program.code, c.entry, m.bits, m.set.unasked, true) {
			needs |= c.late
		}
	}
	m.clearBits()
	m.gates.add(m.tuple, hash)
	m.needs = append(m.needs, needs)
	return needs
}

// bundleVerdict returns the verdict of a bundle: what holds for any of its
// fields. There may be no bundler.
func (m *Matcher) bundleVerdict(subject Subject, bundler Bundler, c *tupleColumn) uint32 {
	id := ValueID(0)
	if bundler != nil {
		id = bundler.Bundle(c.bundle)
	}
	about := m.set.asked + c.bundle
	if id != 0 {
		if verdict, ok := m.known(about, id); ok {
			return verdict
		}
	}
	verdict := uint32(0)
	for _, field := range c.fields {
		verdict = m.union(verdict, m.verdict(subject, field))
	}
	if id != 0 {
		m.keep(about, id, verdict)
	}
	return verdict
}

// known returns the verdict of a value, if it is known. What it is about is a
// field, a bundle counted on from there, or, last, a group.
func (m *Matcher) known(about int, id ValueID) (verdict uint32, ok bool) {
	if verdict, ok = m.shared.get(about, id); ok {
		return verdict, true
	}
	return m.values.get(id, uint32(about)+1)
}

// keep keeps the verdict of a value that is not known yet.
func (m *Matcher) keep(about int, id ValueID, verdict uint32) {
	if verdict&ownVerdict != 0 || !m.shared.put(about, id, verdict) {
		m.values.add(valueSlot{id, uint32(about) + 1, verdict})
	}
}

// verdict returns the verdict of a field of the subject: what holds for any of
// its values.
func (m *Matcher) verdict(subject Subject, field int) uint32 {
	m.ids = subject.Values(m.ids[:0], field)
	if len(m.ids) == 0 {
		return m.absent[field]
	}
	verdict := m.valueVerdict(subject, field, m.ids[0])
	for _, id := range m.ids[1:] {
		verdict = m.union(verdict, m.valueVerdict(subject, field, id))
	}
	return verdict
}

// valueVerdict returns the verdict of one value.
func (m *Matcher) valueVerdict(subject Subject, field int, id ValueID) uint32 {
	if id&Number != 0 && m.set.indexes[field].noNumber {
		return 0
	}
	if id&Unkept != 0 {
		return m.intern(m.scratch.evaluate(&m.set.indexes[field], subject.Text(id)))
	}
	if id&Grouped != 0 {
		if grouper, ok := subject.(Grouper); ok {
			return m.groupVerdict(grouper, field, id)
		}
	}
	if verdict, ok := m.known(field, id); ok {
		return verdict
	}
	verdict := m.intern(m.scratch.evaluate(&m.set.indexes[field], subject.Text(id)))
	m.keep(field, id, verdict)
	return verdict
}

// groupVerdict returns the verdict of a group: what holds for any of its
// values.
func (m *Matcher) groupVerdict(subject Grouper, field int, id ValueID) uint32 {
	about := len(m.shared.tables) - 1
	if verdict, ok := m.known(about, id&^Grouped); ok {
		return verdict
	}
	m.members = subject.Members(m.members[:0], id)
	verdict := uint32(0)
	for _, member := range m.members {
		verdict = m.union(verdict, m.valueVerdict(subject, field, member))
	}
	m.keep(about, id&^Grouped, verdict)
	return verdict
}

// ownVerdict marks verdicts that only this matcher numbers.
const ownVerdict = 1 << 31

// intern returns the verdict that consists of the predicates, which are
// ascending.
func (m *Matcher) intern(predicates []uint32) uint32 {
	hash := tupleHash(predicates)
	if n, ok := m.shared.intern(predicates, hash); ok {
		return n
	}
	if n, ok := m.verdicts.find(predicates, hash); ok {
		return n | ownVerdict
	}
	return m.verdicts.add(predicates, hash) | ownVerdict
}

// at returns the predicates of a verdict. The slice must not be changed.
func (m *Matcher) at(verdict uint32) []uint32 {
	switch {
	case verdict == 0:
		return nil
	case verdict&ownVerdict != 0:
		return m.verdicts.at(verdict &^ ownVerdict)
	}
	return m.shared.at(verdict)
}

// union returns the verdict of what holds in either of two.
func (m *Matcher) union(a, b uint32) uint32 {
	if a == b || b == 0 {
		return a
	}
	if a == 0 {
		return b
	}
	key := uint64(min(a, b))<<32 | uint64(max(a, b))
	if v, ok := m.unions[key]; ok {
		return v
	}
	merged := slices.Concat(m.at(a), m.at(b))
	slices.Sort(merged)
	v := m.intern(slices.Compact(merged))
	m.unions[key] = v
	return v
}

// decide finds out which rules match the present tuple, keeps that, and returns
// its number.
func (m *Matcher) decide(hash uint32) uint32 {
	if m.tuples.size()+len(m.tuple) > maxTupleSize || len(m.ruleIDs)+len(m.opens) > maxResultSize {
		m.forgetTuples()
	}
	m.setBits()
	r := tupleResult{start: uint32(len(m.ruleIDs)), openStart: uint32(len(m.opens))}
	code := m.set.program.code
	m.maybe = m.candidates(m.maybe[:0])
	for _, rule := range m.maybe {
		c := &m.set.compiled[rule]
		switch {
		case len(c.deferred) == 0:
			if runProgram(code, c.entry, m.bits) {
				m.ruleIDs = append(m.ruleIDs, rule)
			}
		case runAssuming(code, c.entry, m.bits, m.set.deferred, false):
			m.ruleIDs = append(m.ruleIDs, rule)
		case runAssuming(code, c.entry, m.bits, m.set.deferred, true):
			m.opens = append(m.opens, m.openRule(rule, c))
		}
	}
	m.clearBits()
	r.end, r.openEnd = uint32(len(m.ruleIDs)), uint32(len(m.opens))
	m.results = append(m.results, r)
	return m.tuples.add(m.tuple, hash)
}

// openRule finds out on what a rule depends for the present tuple, whose bits
// are set.
func (m *Matcher) openRule(rule int32, c *compiledRule) openRule {
	if len(c.deferred) > 1 {
		return openRule{rule: rule, deferred: -1}
	}
	p := c.deferred[0]
	m.bits[p>>6] |= 1 << (p & 63)
	matchesIf := runProgram(m.set.program.code, c.entry, m.bits)
	m.bits[p>>6] &^= 1 << (p & 63)
	return openRule{rule, p, matchesIf}
}

// candidates appends the rules that the predicates of the present tuple do not
// rule out, ascending.
func (m *Matcher) candidates(dst []int32) []int32 {
	if m.ruleMark++; m.ruleMark == 0 {
		clear(m.ruleSeen)
		m.ruleMark = 1
	}
	dst = append(dst, m.set.unpivoted...)
	for _, verdict := range m.tuple {
		for _, p := range m.at(verdict) {
			for _, rule := range m.set.pivots[p] {
				if m.ruleSeen[rule] != m.ruleMark {
					m.ruleSeen[rule] = m.ruleMark
					dst = append(dst, rule)
				}
			}
		}
	}
	slices.Sort(dst)
	return dst
}

// setBits sets the bits of the predicates that hold for the present tuple.
func (m *Matcher) setBits() {
	for _, verdict := range m.tuple {
		for _, p := range m.at(verdict) {
			m.bits[p>>6] |= 1 << (p & 63)
		}
	}
}

func (m *Matcher) clearBits() {
	for _, verdict := range m.tuple {
		for _, p := range m.at(verdict) {
			m.bits[p>>6] = 0
		}
	}
}

// decideOpen appends those of the open rules that match.
func (m *Matcher) decideOpen(dst []int, subject Subject, open []openRule) []int {
	for _, o := range open {
		matches := false
		if o.deferred >= 0 {
			matches = m.holds(subject, o.deferred) == o.matchesIf
		} else {
			matches = m.decideDeferred(subject, &m.set.compiled[o.rule])
		}
		if matches {
			dst = append(dst, int(o.rule))
		}
	}
	return dst
}

// decideDeferred evaluates a rule with several deferred predicates.
func (m *Matcher) decideDeferred(subject Subject, c *compiledRule) bool {
	m.setBits()
	for _, p := range c.deferred {
		if m.holds(subject, p) {
			m.bits[p>>6] |= 1 << (p & 63)
		}
	}
	matches := runProgram(m.set.program.code, c.entry, m.bits)
	for _, p := range c.deferred {
		m.bits[p>>6] &^= 1 << (p & 63)
	}
	m.clearBits()
	return matches
}

// holds evaluates a deferred predicate on the subject.
func (m *Matcher) holds(subject Subject, predicate int32) bool {
	p := &m.set.predicates[predicate]
	if p.kind == referencePredicate {
		return m.refers(subject, p)
	}
	if !m.keywordsAsked {
		m.keywordsAsked, m.keywordVerdict = true, m.verdict(subject, m.set.keywords)
	}
	_, found := slices.BinarySearch(m.at(m.keywordVerdict), uint32(predicate))
	return found
}
