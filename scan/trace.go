package scan

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Trace is other evidence of the web servers of a host whose logs have no
// process creations: the events of one kind. It is no finding.
type Trace struct {
	Host string
	// What describes the events: it is the title of a rule of the role
	// trace.
	What string
	// Count is how many there are, First and Last are the times of the
	// first and last. Example is the first of them.
	Count       int
	First, Last event.Time
	Example     *finding.Event
}

// splitTraces returns the rules of the role trace, and the others.
func splitTraces(matched []*rules.Rule) (traces, others []*rules.Rule) {
	return builtin.SplitRole(matched, builtin.RoleTrace)
}

// blindNames returns the names of the hosts whose logs have no process
// creations.
func blindNames(hosts []proctree.Host) map[string]bool {
	names := make(map[string]bool)
	for _, h := range hosts {
		for _, name := range h.Names {
			if h.Events.Blind() {
				names[name] = true
			}
		}
	}
	return names
}

// addTraced adds what one goroutine kept.
func (r *firstPass) addTraced(list map[string]*eventrule.Traced) {
	for computer, t := range list {
		all := r.traced[computer]
		if all == nil {
			all = new(eventrule.Traced)
			r.traced[computer] = all
		}
		all.Places, all.Lost = append(all.Places, t.Places...), all.Lost+t.Lost
	}
}

// addTraceHits adds the events of traces to the hits of hosts without process
// creations.
func (r *firstPass) addTraceHits(blind map[string]bool) {
	for computer, t := range r.traced {
		if !blind[computer] {
			continue
		}
		for _, place := range t.Places {
			r.hits[place] = true
		}
		r.hitsLost += t.Lost
	}
}

// traceKey identifies the traces of one kind on one host.
type traceKey struct{ host, what string }

// addTrace counts an event that only rules of the role trace match.
func (res *Result) addTrace(e *finding.Event, what string) {
	key := traceKey{e.Host, what}
	i, ok := res.traceAt[key]
	if !ok {
		i = len(res.Traces)
		res.traceAt[key] = i
		res.Traces = append(res.Traces, Trace{Host: e.Host, What: what, First: e.Time, Example: e})
	}
	t := &res.Traces[i]
	t.Count += e.Count
	for _, at := range e.Evidence {
		t.Last = max(t.Last, at.Time)
	}
}

// addFound adds an event that belongs to no session.
func (res *Result) addFound(e *finding.Event, o *Options) {
	traces, others := splitTraces(e.Rules)
	e.Rules = others
	switch {
	case len(others) > 0 && o.wantsEvent(e):
		res.Events = append(res.Events, e)
	case len(others) == 0 && o.wantsTime(e.Time) && proctree.MatchesHost(o.Hosts, []string{e.Host}):
		for _, what := range titlesOf(traces) {
			res.addTrace(e, what)
		}
	}
}

// titlesOf returns the titles of some rules, each once.
func titlesOf(list []*rules.Rule) []string {
	var titles []string
	for _, r := range list {
		titles = append(titles, r.Title)
	}
	slices.Sort(titles)
	return slices.Compact(titles)
}

// sortTraces orders traces by host and, within one, as they began.
func (res *Result) sortTraces() {
	slices.SortStableFunc(res.Traces, func(a, b Trace) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), cmp.Compare(a.First, b.First), strings.Compare(a.What, b.What))
	})
}
