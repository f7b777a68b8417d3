package rules

import (
	"slices"
	"strings"
)

// Correlations are the correlation rules of a collection, compiled, over the
// rules of some sets. They are immutable; any number of goroutines may share
// them.
type Correlations struct {
	sets          []*Set
	plans         []*correlationPlan
	fields        [][]int        // by set: those that are asked for, by index in Set.Fields
	asked         map[*Rule]bool // detection rules that they refer to
	unreported    map[*Rule]bool
	notApplicable []*Rule
	reasons       map[*Rule]string // by rule of notApplicable
	notSelected   []*Rule
	failed        int
}

// Correlate compiles the correlation rules of a list that options select. They
// may refer to each other and to the rules of the sets, which Compile made of
// the same rules, the correlation rules among them. One that cannot be compiled
// is left out and costs itself only; each such error is a *ParseError.
func Correlate(list []*Rule, options Options, sets ...*Set) (*Correlations, []error) {
	c := newCompiler(options)
	c.collect(list)
	selected := c.choose(list)
	to := &Correlations{sets: sets, asked: make(map[*Rule]bool), unreported: make(map[*Rule]bool)}
	p := planner{compiler: c, to: to, members: membersOf(sets), state: make(map[*Rule]planState), index: make(map[*Rule]int)}
	for _, r := range list {
		if selected[r] && r.Correlation != nil {
			p.plan(r)
		}
	}
	for r := range selected {
		if !options.selects(r) {
			to.unreported[r] = true
		}
	}
	to.mark(c.byRef)
	to.gatherFields()
	to.notApplicable, to.reasons, to.failed = c.set.notApplicable, c.set.reasons, len(c.failed)
	to.notSelected = slices.DeleteFunc(c.set.notSelected, func(r *Rule) bool { return r.Correlation == nil })
	slices.SortStableFunc(c.errs, compareErrors)
	return to, c.errs
}

// membersOf returns where the rules of some sets are.
func membersOf(sets []*Set) map[*Rule]ruleIndex {
	members := make(map[*Rule]ruleIndex)
	for i, s := range sets {
		for n, r := range s.rules {
			members[r] = ruleIndex{i, n}
		}
	}
	return members
}

// mark marks the rules that the plans refer to. Those are not reported unless
// asked for: Sigma correlation rules specification, "Generate".
func (c *Correlations) mark(byRef map[string][]*Rule) {
	generated := make(map[*Rule]bool)
	for _, plan := range c.plans {
		for _, in := range plan.inputs {
			if !in.correlation {
				c.asked[c.sets[in.set].rules[in.index]] = true
			}
		}
		if plan.rule.Correlation.Generate {
			for _, r := range plan.refersTo(byRef) {
				generated[r] = true
			}
		}
	}
	for _, plan := range c.plans {
		for _, r := range plan.refersTo(byRef) {
			if !generated[r] {
				c.unreported[r] = true
			}
		}
	}
}

// gatherFields gathers the fields that the plans ask for.
func (c *Correlations) gatherFields() {
	c.fields = make([][]int, len(c.sets))
	for set := range c.fields {
		for _, plan := range c.plans {
			for _, in := range plan.inputs {
				c.fields[set] = append(append(c.fields[set], in.groupBy[set]...), in.fields[set]...)
			}
		}
		slices.Sort(c.fields[set])
		c.fields[set] = slices.DeleteFunc(slices.Compact(c.fields[set]), func(field int) bool { return field < 0 })
	}
}

// refersTo returns the rules that a plan's rule refers to, by what they are
// called in lower case.
func (p *correlationPlan) refersTo(byRef map[string][]*Rule) []*Rule {
	var list []*Rule
	for _, ref := range p.rule.Correlation.Rules {
		list = append(list, byRef[strings.ToLower(ref)]...)
	}
	return list
}

// Rules returns the correlation rules that apply, each after those that it
// refers to. The caller must not change the slice.
func (c *Correlations) Rules() []*Rule {
	out := make([]*Rule, len(c.plans))
	for i, plan := range c.plans {
		out[i] = plan.rule
	}
	return out
}

// Fields returns the fields of which a Correlator may ask the events of a set,
// by their index in Set.Fields. The caller must not change the slice.
func (c *Correlations) Fields(set int) []int { return c.fields[set] }

// Asks reports whether a correlation rule asks for the matches of a rule.
func (c *Correlations) Asks(r *Rule) bool { return c.asked[r] }

// Reported reports whether matches of a rule are findings of their own. It is
// not if correlation rules need the rule and none of them says `generate:
// true`, or if it is there only because one needs it. Sigma correlation rules
// specification, "Generate".
func (c *Correlations) Reported(r *Rule) bool { return !c.unreported[r] }

// NotApplicable returns the correlation rules that need a rule which is in none
// of the sets.
func (c *Correlations) NotApplicable() []*Rule { return c.notApplicable }

// WhyNotApplicable returns why one of NotApplicable is; "" for any other rule.
func (c *Correlations) WhyNotApplicable(r *Rule) string { return c.reasons[r] }

// NotSelected returns the correlation rules that Options leave out.
func (c *Correlations) NotSelected() []*Rule { return c.notSelected }

// Failed returns how many correlation rules could not be compiled.
func (c *Correlations) Failed() int { return c.failed }
