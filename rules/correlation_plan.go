package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"webshellscan/rules/internal/text"
)

// correlationPlan is a compiled correlation rule.
type correlationPlan struct {
	rule    *Rule
	inputs  []correlationInput
	bounds  []Bound
	span    int64 // nanoseconds
	closing bool  // evaluated when a window closes, not at every event
	enough  int   // of event_count: more events than this need not be kept; 0 if all must
}

// numeric reports whether only numbers count.
func (p *correlationPlan) numeric() bool {
	c := p.rule.Correlation
	switch c.Type {
	case ValueSum, ValueAvg, ValueMedian:
		return true
	case ValuePercentile:
		return c.Percentile >= 0
	}
	return false
}

// correlationInput is one rule that a correlation refers to.
type correlationInput struct {
	place       int  // in Correlation.Rules
	correlation bool // index is into Correlations.plans, else into the rules of a set
	set, index  int
	groupBy     setFields // for each group-by
	fields      setFields // the same for the condition's fields
}

// setFields are, by set, the indices in Set.Fields of some fields; nil of a set
// whose events an input does not have. An index is -1 if there is no such
// field.
type setFields [][]int

// captureFields adds the fields that the selected correlation rules ask of the
// set's rules, and of correlation rules that those may feed.
func (c *compiler) captureFields(list []*Rule, selected map[*Rule]bool) {
	for _, r := range list {
		if r.Correlation == nil || !selected[r] {
			continue
		}
		for _, ref := range r.Correlation.Rules {
			for _, target := range c.byRef[strings.ToLower(ref)] {
				if _, ok := c.number[target]; ok || target.Correlation != nil {
					c.capture(r, target)
				}
			}
		}
	}
}

// capture adds the fields that a correlation rule asks of one that it refers
// to.
func (c *compiler) capture(r, target *Rule) {
	s := c.set
	for _, name := range slices.Concat(r.Correlation.GroupBy, r.Correlation.Fields) {
		name = s.capturedField(r, target, c.applicable[target], name)
		if _, ok := s.fieldIDs[name]; !ok {
			s.fieldIDs[name] = len(s.fields)
			s.fields = append(s.fields, name)
		}
	}
}

// capturedField returns the field of the set's subjects that a name in a
// correlation rule, which may be an alias, stands for in the events of a rule
// that it refers to. sc is how that rule is read, nil of a correlation rule.
func (s *Set) capturedField(r, target *Rule, sc *scope, name string) string {
	for _, alias := range r.Correlation.Aliases {
		if alias.Name != name {
			continue
		}
		for _, f := range alias.Fields {
			if target.Goes(f.Rule) {
				name = f.Field
			}
		}
	}
	source := &Source{}
	if sc != nil {
		source = sc.source
	}
	return s.options.fieldName(name, source)
}

// planState is how far the planning of a correlation rule has come.
type planState uint8

const (
	unplanned planState = iota
	planning            // in the middle of it: meeting the rule again is a cycle
	planned
	unusable // with an error, or in need of a rule that is not there
)

// planner orders correlation rules.
type planner struct {
	*compiler
	to      *Correlations
	members map[*Rule]ruleIndex
	state   map[*Rule]planState
	index   map[*Rule]int // planned rules to their place in Correlations.plans
	path    []*Rule
}

// ruleIndex is where a rule is in the sets: the index of its set, and its own.
type ruleIndex struct{ set, rule int }

// plan plans a rule after those that it refers to, and reports whether it can
// be used.
func (p *planner) plan(r *Rule) bool {
	switch p.state[r] {
	case planned:
		return true
	case unusable:
		return false
	case planning:
		names := make([]string, 0, len(p.path)+1)
		for _, on := range append(p.path[slices.Index(p.path, r):], r) {
			names = append(names, text.Quote(on.Label()))
		}
		p.fail(r, r.Correlation.Line, r.Correlation.Column, ErrReference, "correlation refers to itself: %s", strings.Join(names, " to "))
		return false
	}
	p.state[r] = planning
	p.path = append(p.path, r)
	inputs, usable := p.inputs(r)
	p.path = p.path[:len(p.path)-1]
	if !usable || p.failed[r] {
		p.state[r] = unusable
		return false
	}
	p.state[r] = planned
	p.index[r] = len(p.to.plans)
	p.to.plans = append(p.to.plans, newCorrelationPlan(r, inputs))
	return true
}

// inputs resolves what a correlation rule refers to. Sigma correlation rules
// specification, "Related rules": by ID or name.
func (p *planner) inputs(r *Rule) (inputs []correlationInput, usable bool) {
	usable = true
	for place, ref := range r.Correlation.Rules {
		targets := p.byRef[strings.ToLower(ref)]
		if len(targets) == 0 {
			p.fail(r, r.Correlation.Line, r.Correlation.Column, ErrReference, "correlation refers to rule %s, which is not there", text.Quote(ref))
		}
		resolved := 0
		for _, target := range targets {
			in := correlationInput{place: place, correlation: target.Correlation != nil}
			switch {
			case in.correlation && !p.plan(target):
				continue
			case in.correlation:
				in.index = p.index[target]
			default:
				m, ok := p.members[target]
				if !ok {
					continue
				}
				in.set, in.index = m.set, m.rule
			}
			in.groupBy = p.captured(r, target, r.Correlation.GroupBy)
			in.fields = p.captured(r, target, r.Correlation.Fields)
			inputs = append(inputs, in)
			resolved++
		}
		if resolved == 0 && len(targets) > 0 {
			usable = false
			p.unusable(r, ref, targets)
		}
	}
	p.checkAliases(r)
	return inputs, usable
}

// unusable returns why a correlation rule cannot work without a rule that it
// refers to.
func (p *planner) unusable(r *Rule, ref string, targets []*Rule) {
	if p.failed[r] {
		return // that is reported already
	}
	for _, target := range targets {
		if p.hasError(target) || p.state[target] == planning {
			p.fail(r, r.Correlation.Line, r.Correlation.Column, ErrReference, "correlation refers to rule %s, which has an error", text.Quote(ref))
			return
		}
	}
	if !slices.Contains(p.set.notApplicable, r) {
		p.leave(r, fmt.Sprintf("not applied: rule %s, which it refers to, is not either", text.Quote(ref)))
	}
}

// hasError reports whether a rule could not be compiled.
func (p *planner) hasError(r *Rule) bool {
	return p.failed[r] || slices.ContainsFunc(p.to.sets, func(s *Set) bool { return s.failed[r] })
}

// checkAliases refuses aliases for rules that the correlation does not refer
// to.
func (p *planner) checkAliases(r *Rule) {
	for _, alias := range r.Correlation.Aliases {
		for _, f := range alias.Fields {
			meant := slices.ContainsFunc(r.Correlation.Rules, func(ref string) bool {
				return strings.EqualFold(ref, f.Rule) || slices.ContainsFunc(p.byRef[strings.ToLower(ref)], func(t *Rule) bool { return t.Goes(f.Rule) })
			})
			if !meant {
				p.fail(r, r.Correlation.Line, r.Correlation.Column, ErrReference,
					"alias %s names rule %s, which the correlation does not refer to", text.Quote(alias.Name), text.Quote(f.Rule))
			}
		}
	}
}

// captured returns where the sets have the fields that names, which may be
// aliases, stand for in the events of a rule.
func (p *planner) captured(r, target *Rule, names []string) setFields {
	out := make(setFields, len(p.to.sets))
	for i, s := range p.to.sets {
		var sc *scope
		if m, ok := p.members[target]; ok {
			if m.set != i {
				continue
			}
			sc = s.compiled[m.rule].scope
		}
		out[i] = make([]int, len(names))
		for n, name := range names {
			id, ok := s.fieldIDs[s.capturedField(r, target, sc, name)]
			if !ok {
				id = -1
			}
			out[i][n] = id
		}
	}
	return out
}

// newCorrelationPlan decides how a correlation is evaluated.
//
// A condition that only asks for enough (gt, gte) is evaluated at every event
// over the timespan that ends there. One that can also be met by too much (lt,
// lte, eq, neq), and one about shares, would be met by the first event of every
// burst; it is evaluated once, when the timespan that the first event began is
// over.
func newCorrelationPlan(r *Rule, inputs []correlationInput) *correlationPlan {
	c := r.Correlation
	plan := &correlationPlan{rule: r, inputs: inputs, bounds: c.Bounds, span: int64(c.Timespan)}
	if len(plan.bounds) == 0 { // temporal types: every rule
		plan.bounds = []Bound{{Op: "gte", Value: float64(len(c.Rules))}}
	}
	most := 0.0
	for _, b := range plan.bounds {
		if b.Op != "gt" && b.Op != "gte" {
			plan.closing = true
		}
		most = math.Max(most, b.Value)
	}
	if c.Type == ValuePercentile && c.Percentile < 0 {
		plan.closing = true
	}
	if c.Type == TemporalOrdered {
		plan.closing = false // a chain is complete or not; nothing that comes later undoes it
	}
	const least = 256 // as many as are worth showing
	if c.Type == EventCount && !plan.closing && most < 1<<30 {
		plan.enough = max(least, int(most)+2)
	}
	return plan
}
