// Package eventrule matches rules about other events than the creation of
// processes: which events of a log rules ask for, which of those need not be
// decoded since no rule can match them, which rules match one, and which
// processes events show to be servers.
//
// It knows the log sources of Sigma and the fields of events. What a process
// is, and what its tree says, it asks Trees, once there are some; before, rules
// that ask for a tree only may match. It reads no logs and makes no findings.
//
// Compile the rules that are about no processes, and make a Plan of the sets. A
// Reading says what to select while logs are read first, and makes a Watcher
// for each goroutine, which keeps the places of events that rules match, and
// Signs of servers. A Matcher then says of events that are read again which
// rules match.
package eventrule

import (
	"slices"

	"webshellscan/rules"
	"webshellscan/scan/event"
)

// Set is the rules about the events of one log source: it matches those only.
type Set struct {
	*rules.Set
	source *logSource
}

// Compile compiles those rules of a list that are about events and not about
// processes, by log source, with the filters of the list that tune them and
// what its correlation rules ask of them. It returns which rules and filters
// failed, and why.
func Compile(list []*rules.Rule, o rules.Options) (sets []Set, failed []*rules.Rule, errs []error) {
	correlations := slices.DeleteFunc(slices.Clone(list), func(r *rules.Rule) bool { return r.Correlation == nil })
	filters := slices.DeleteFunc(slices.Clone(list), func(r *rules.Rule) bool { return r.Filter == nil })
	for i := range logSources {
		source := &logSources[i]
		var about []*rules.Rule
		for _, r := range list {
			if r.Detection != nil && source.covers(r.LogSource) {
				about = append(about, r)
			}
		}
		if len(about) == 0 {
			continue
		}
		own := filtersOf(filters, about)
		about = slices.Concat(about, correlations, own)
		o.Sources, o.Also = []rules.Source{{LogSource: source.LogSource}}, nil
		set, wrong := rules.Compile(about, o)
		errs, failed = append(errs, wrong...), append(failed, set.Failed()...)
		if len(set.Rules()) > 0 {
			sets = append(sets, Set{set, source})
		}
		// Each error of a filter is reported once.
		filters = slices.DeleteFunc(filters, func(f *rules.Rule) bool { return slices.ContainsFunc(failed, f.SamePlace) })
	}
	return sets, failed, errs
}

// filtersOf returns those filters that tune a rule of a list, without the names
// of other rules.
func filtersOf(filters, list []*rules.Rule) []*rules.Rule {
	var own []*rules.Rule
	for _, f := range filters {
		if slices.ContainsFunc(list, f.Tunes) {
			own = append(own, f.FilterOf(func(ref string) bool {
				return slices.ContainsFunc(list, func(r *rules.Rule) bool { return r.Goes(ref) && f.Tunes(r) })
			}))
		}
	}
	return own
}

// RulesOf returns the rules of some sets.
func RulesOf(sets []Set) []*rules.Rule {
	var list []*rules.Rule
	for _, e := range sets {
		list = append(list, e.Set.Rules()...)
	}
	return list
}

// covers reports whether a rule's log source is this one.
func (l *logSource) covers(rule rules.LogSource) bool {
	return l.Category == rule.Category && l.Service == rule.Service && (rule.Product == "" || rule.Product == l.Product)
}

// nameOf returns what the source's events call a field of rules.
func (l *logSource) nameOf(field string) string {
	if own, ok := l.names[event.FoldName(field)]; ok {
		return own
	}
	return field
}
