package rules

import (
	"maps"
	"slices"
	"strings"
)

// ValueID is the caller's number of a text. Equal IDs mean equal texts. What is
// established about IDs below 1<<22 is kept in tables that all matchers share,
// which takes least time and memory; for the others each matcher has a cache.
type ValueID uint64

// Unkept marks IDs whose texts hardly ever come again, such as numbers of high
// cardinality: what is established about them is not kept.
const Unkept ValueID = 1 << 63

// Grouped marks IDs that stand for several values which often come together, as
// those of a Grouper. What is established about a group is kept by its ID, so
// that its members are looked up once.
const Grouped ValueID = 1 << 62

// Number marks IDs whose texts are decimal digits and nothing else. If no rule
// asks for such a text, none is read.
const Number ValueID = 1 << 61

// Grouper is a Subject that may give IDs marked as Grouped for the field "",
// which has the values of all fields.
type Grouper interface {
	Subject

	// Members appends the values that a group stands for, none of them a
	// group, and returns the extended slice. Equal IDs mean equal values.
	Members(dst []ValueID, group ValueID) []ValueID
}

// Subject is what rules are matched against: one event, or a process with what
// is known of its ancestors.
type Subject interface {
	// Values appends the values of a field, by its index in Set.Fields, and
	// returns the extended slice. No value means that the field is absent,
	// which is Sigma's null. A field with several values, such as one of
	// all ancestors, matches an item if any one of its values does. The
	// field "" has the values of all fields; keywords are looked for in it.
	Values(dst []ValueID, field int) []ValueID

	// Text returns the text of a value.
	Text(id ValueID) string
}

// Bundler is a Subject that has the values of some fields from one thing, which
// it shares with many others: a process has a dozen from its image. What is
// established about them is kept by the thing's ID, so that it is looked up
// once.
type Bundler interface {
	Subject

	// Bundle returns an ID of the thing from which the subject has the
	// fields of a bundle, by the bundle's index in the argument of
	// NewMatchers: subjects with equal IDs have equal values in them. 0
	// means that there is no such thing; each field is then asked for.
	Bundle(bundle int) ValueID
}

// Set is a compiled set of rules. It is immutable; any number of goroutines may
// share it.
type Set struct {
	options Options
	fields  []string // those that rules ask for, then those that only correlation rules do
	asked   int      // how many of fields rules ask for

	rules       []*Rule
	compiled    []compiledRule
	program     program
	indexes     []fieldIndex // by field
	expressions int          // regular expressions of all indexes
	fieldIDs    map[string]int

	predicates []fieldPredicate
	words      int       // of a bitset over predicates
	keywords   int       // the field "", -1 if no rule asks for it
	deferred   []uint64  // bitset: predicates that are asked only when a rule depends on them
	early      []int     // fields that are asked of every subject
	eager      []int     // the same, and the field "" if it is asked of nearly every subject
	late       []int     // fields that are asked of a subject only if the early ones leave a rule open that asks for them
	unasked    []uint64  // bitset: predicates about late fields, and deferred ones
	pivots     [][]int32 // by predicate: rules to look at when it holds, ascending
	unpivoted  []int32   // rules to look at always, ascending

	notApplicable []*Rule
	reasons       map[*Rule]string // by rule of notApplicable
	notSelected   []*Rule
	filters       []*Rule
	failed        map[*Rule]bool
}

// compiledRule is what is kept of a rule beside its code.
type compiledRule struct {
	entry     int32   // of its program
	deferred  []int32 // predicates
	late      uint64  // fields of Set.late: bit i for the i-th, bit 63 for all from there on
	condition *boolExpr
	scope     *scope
	filters   []*Rule
}

// fieldPredicate is one question about a subject: about one text of a field,
// about a field's absence, or about two fields.
type fieldPredicate struct {
	field int
	kind  predicateKind
	item  *Item // the first item that asks

	other int // of referencePredicate: the field to compare with
	place placement
	cased bool
}

// predicateKind is what a predicate asks.
type predicateKind uint8

const (
	valuePredicate     predicateKind = iota // does a value fit the item
	absentPredicate                         // is there no value
	referencePredicate                      // does a value fit one of another field
)

// Fields returns the names of the fields that the set's rules ask for; a
// field's index is what Subject.Values gets. "" stands for keywords. The caller
// must not change the slice.
func (s *Set) Fields() []string { return s.fields }

// EagerFields returns the fields, by their index in Fields, that Matchers ask
// of every subject, or of nearly every one. What there is to know of their
// values can be prefetched. The caller must not change the slice.
func (s *Set) EagerFields() []int { return s.eager }

// Rules returns the detection rules that apply, in the order in which they were
// given to Compile. Match's results are indices into it. The caller must not
// change the slice.
func (s *Set) Rules() []*Rule { return s.rules }

// Filters returns the filters that tune at least one rule.
func (s *Set) Filters() []*Rule { return s.filters }

// NotApplicable returns the detection rules that are about other log sources.
func (s *Set) NotApplicable() []*Rule { return s.notApplicable }

// WhyNotApplicable returns why one of NotApplicable is; "" for any other rule.
func (s *Set) WhyNotApplicable(r *Rule) string { return s.reasons[r] }

// NotSelected returns the rules that Options leave out, but for correlation
// rules.
func (s *Set) NotSelected() []*Rule { return s.notSelected }

// FiltersOf returns the filters that tune a rule, given by its index. The
// caller must not change the slice.
func (s *Set) FiltersOf(rule int) []*Rule { return s.compiled[rule].filters }

// Failed returns the rules and filters that could not be compiled, in no order.
func (s *Set) Failed() []*Rule { return slices.Collect(maps.Keys(s.failed)) }

// Simplified returns what a rule, given by its index, was compiled to: its
// condition over items, with searches expanded and everything known folded
// away.
func (s *Set) Simplified(rule int) string {
	var b strings.Builder
	s.compiled[rule].condition.render(&b, s.describe)
	return b.String()
}

// describe renders a predicate for people.
func (s *Set) describe(n int) string {
	p := &s.predicates[n]
	switch p.kind {
	case absentPredicate:
		return s.fields[p.field] + ": null"
	case referencePredicate:
		return itemName(p.item) + ": " + s.fields[p.other]
	}
	name := s.fields[p.field]
	modifiers := slices.DeleteFunc(slices.Clone(p.item.Modifiers), func(m string) bool { return m == "neq" })
	if len(modifiers) > 0 {
		name += "|" + strings.Join(modifiers, "|")
	}
	if name == "" {
		name = "keywords"
	}
	const most = 5
	var b strings.Builder
	b.WriteString(name + ": ")
	for i := range p.item.Values {
		if i == most {
			b.WriteString(", ...")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(describeValue(&p.item.Values[i]))
	}
	return b.String()
}
