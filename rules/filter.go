package rules

import (
	"slices"
	"strings"

	"webshellscan/rules/internal/text"
)

// Tunes reports whether a filter is meant for a rule: it is about the rule's
// log source, and names the rule or none. Sigma filters specification, "Log
// source" and "Relative rules".
func (r *Rule) Tunes(target *Rule) bool {
	if r.Filter == nil || !target.LogSource.within(r.LogSource) {
		return false
	}
	return len(r.Filter.Rules) == 0 || slices.ContainsFunc(r.Filter.Rules, target.Goes)
}

// FilterOf returns a copy of a filter with those names only that named reports.
// The filter must have one of them, or none at all: one without names tunes all
// rules of its log source.
func (r *Rule) FilterOf(named func(ref string) bool) *Rule {
	own, filter := *r, *r.Filter
	filter.Rules = slices.DeleteFunc(slices.Clone(filter.Rules), func(ref string) bool { return !named(ref) })
	own.Filter = &filter
	return &own
}

// SamePlace reports whether two rules, or copies of them, were read from one
// place of a file.
func (r *Rule) SamePlace(other *Rule) bool { return r.File == other.File && r.Line == other.Line }

// filter returns what a filter adds to the condition of a rule that is read in
// the given scope.
//
// The specification's example has `condition: selection` and suppresses what
// the selection matches; SigmaHQ's documentation and pySigma have `condition:
// not selection`, joined by AND, for the same. Both mean that events which no
// search of the filter matches are left alone, so that decides: a condition
// that holds for such events is joined as it is, one that does not is negated.
// Sigma filters specification, "Introduction" and "Examples".
func (c *compiler) filter(f *Rule, sc *scope) *boolExpr {
	if c.failed[f] {
		return exprTrue
	}
	own := *sc
	own.rule = f
	condition := c.detection(f.Filter.Detection, &own)
	if c.failed[f] {
		return exprTrue
	}
	if f.Filter.keepsOthers() {
		return condition
	}
	return not(condition)
}

// keepsOthers reports whether the filter's condition holds for events that none
// of its searches matches, so that it is about what to keep rather than what to
// suppress.
func (f *Filter) keepsOthers() bool {
	for _, c := range f.Detection.Conditions {
		if c.expr.over(func(int) *boolExpr { return exprFalse }) == exprTrue {
			return true
		}
	}
	return false
}

// checkFilters reports what filters refer to in vain, and keeps those that tune
// a rule.
func (c *compiler) checkFilters() {
	used := make(map[*Rule]bool)
	for i := range c.set.compiled {
		for _, f := range c.set.compiled[i].filters {
			used[f] = true
		}
	}
	for _, f := range c.filters {
		if used[f] && !c.failed[f] {
			c.set.filters = append(c.set.filters, f)
		}
		for _, ref := range f.Filter.Rules {
			targets := c.byRef[strings.ToLower(ref)]
			fits := len(targets) == 0
			for _, target := range targets {
				fits = fits || target.Correlation != nil || target.LogSource.within(f.LogSource)
			}
			switch {
			case len(targets) == 0:
				c.fail(f, f.Filter.Line, f.Filter.Column, ErrReference, "filter refers to rule %s, which is not there", text.Quote(ref))
			case !fits:
				c.fail(f, f.Filter.Line, f.Filter.Column, ErrReference, "filter refers to rule %s, whose log source is another", text.Quote(ref))
			}
		}
	}
}
