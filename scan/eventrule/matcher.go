package eventrule

import (
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Trees is what rules about events may ask once there are trees.
type Trees struct {
	Servers   Servers
	Processes *Processes
	// Blind are the hosts whose traces are reported, by name.
	Blind map[string]bool
	// WebRoot returns the folder that a site shows around a file of a
	// computer, "" if there is none. Goroutines may share it.
	WebRoot func(computer, file string) string
	// Completed returns the correlation rules that were met by the event at
	// a place (HitPlace). Goroutines may share it.
	Completed func(event.Place) []*rules.Rule
}

// Servers knows which processes are servers, and shows processes to rules.
// Goroutines may share it.
type Servers interface {
	// Role returns which kind of server a process is, "" for none.
	Role(p proctree.Process) string
	// Subject returns what shows processes to a set of rules, for one
	// goroutine.
	Subject(set *rules.Set) ProcessSubject
}

// ProcessSubject shows a process to rules.
type ProcessSubject interface {
	rules.Subject
	// Show puts a process before the rules.
	Show(p proctree.Process)
}

// Matcher matches events against the sets of a plan. It is for one goroutine.
type Matcher struct {
	plan     *Plan
	keys     []event.Key
	sets     [][]int // by Event.Key
	matchers []*rules.Matcher
	subjects []subject
	roles    *ImageRoles
	trees    *Trees // nil before there are any: then traces of all hosts match
	matches  []int
	observed []rules.Match
	// waiting are, by set, the rules that cannot be decided yet.
	waiting [][]undecided

	texts   textIDs
	scratch []byte
}

// NewMatcher returns a matcher of the events of a selection. trees is nil
// before there are any.
func NewMatcher(p *Plan, want *event.Want, trees *Trees) *Matcher {
	m := &Matcher{plan: p, keys: want.Keys, sets: p.setsOf(want), roles: NewImageRoles(p.servers), trees: trees}
	for _, e := range p.sets {
		s := subject{matcher: m}
		if trees == nil {
			m.waiting = append(m.waiting, newUndecided(e))
		} else if s.fromTree = treeOf(e.Set); s.fromTree != nil {
			s.tree = trees.Servers.Subject(e.Set)
		}
		for _, name := range e.Fields() {
			s.getters = append(s.getters, getterOf(e.source.nameOf(name)))
		}
		m.subjects, m.matchers = append(m.subjects, s), append(m.matchers, e.NewMatcher())
	}
	return m
}

// Match implements story.Matcher. Before there are trees it also returns the
// rules that may match once there are, and those that only correlation rules
// ask for; then, the correlation rules that the event completed.
func (m *Matcher) Match(ev *event.Event, process proctree.Process) []*rules.Rule {
	var found []*rules.Rule
	for _, i := range m.setsOf(ev) {
		own := m.plan.sets[i].Set.Rules()
		for _, rule := range m.matchSet(i, ev, process) {
			if r := own[rule]; m.trees == nil || m.plan.correlations.Reported(r) {
				found = append(found, r)
			}
		}
		if m.waiting != nil {
			found = decidedLater(found, m.waiting[i], ev)
		}
	}
	if m.trees != nil {
		found = append(found, m.trees.Completed(HitPlace(ev.Place))...)
	}
	return found
}

// Observe returns what correlation rules may ask of an event once there are
// trees: its matches by set of the plan, valid until the next call.
func (m *Matcher) Observe(ev *event.Event) []rules.Match {
	m.observed = m.observed[:0]
	for _, i := range m.setsOf(ev) {
		own := m.plan.sets[i].Set.Rules()
		matches := m.matchSet(i, ev, proctree.Process{})
		if slices.ContainsFunc(matches, func(rule int) bool { return m.plan.correlations.Asks(own[rule]) }) {
			m.observed = append(m.observed, rules.Match{Set: i, Rules: slices.Clone(matches), Subject: &m.subjects[i]})
		}
	}
	return m.observed
}

// matchSet returns the indices of the rules of a set that match an event. The
// slice is valid until the next call.
func (m *Matcher) matchSet(set int, ev *event.Event, process proctree.Process) []int {
	s := &m.subjects[set]
	s.event, s.process, s.texts = ev, process, s.texts[:0]
	if s.tree != nil {
		s.shown = m.ProcessOf(ev, process)
		s.tree.Show(s.shown)
	}
	m.matches = m.matchers[set].Match(m.matches[:0], s)
	if m.trees != nil && !m.trees.Blind[ev.Computer.String()] {
		own := m.plan.sets[set].Set.Rules()
		m.matches = slices.DeleteFunc(m.matches, func(rule int) bool { return own[rule].Role == builtin.RoleTrace })
	}
	return m.matches
}

// ProcessOf returns the process that an event is tied to, else the one that it
// names.
func (m *Matcher) ProcessOf(ev *event.Event, process proctree.Process) proctree.Process {
	if process.Exists() || m.trees == nil {
		return process
	}
	return m.trees.Processes.of(ev)
}

// setsOf returns the indices of the sets that ask for an event.
func (m *Matcher) setsOf(ev *event.Event) []int {
	sets := m.sets[ev.Key]
	if len(m.plan.channels) == 0 {
		return sets
	}
	channel := ev.Channel.String()
	for name, more := range m.plan.channels {
		if strings.EqualFold(name, channel) {
			sets = slices.Concat(sets, more)
			slices.Sort(sets)
			sets = slices.Compact(sets)
		}
	}
	return sets
}

// role returns which kind of server an event's process is: by the trees, else
// by its image.
func (m *Matcher) role(ev *event.Event, process proctree.Process) string {
	if m.trees != nil && process.Exists() {
		if role := m.trees.Servers.Role(process); role != "" {
			return role
		}
	}
	m.scratch = imageOf(ev).AppendText(m.scratch[:0])
	return m.roles.of(m.scratch)
}

// Look implements story.Matcher.
func (m *Matcher) Look(key int) event.Look {
	switch {
	case key >= len(m.keys):
		return event.Look{}
	case len(m.sets[key]) == 0 && len(m.plan.channels) == 0:
		return event.Look{Admits: func(*event.Preview) bool { return false }}
	}
	return m.plan.look(m.keys[key])
}
