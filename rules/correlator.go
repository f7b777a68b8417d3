package rules

import (
	"container/list"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"

	"webshellscan/rules/internal/text"
)

// maxSamples bounds the events that a Correlator keeps for all correlations and
// groups; some 50 bytes each.
const maxSamples = 1 << 20

// maxRefs bounds the events that a match names.
const maxRefs = 1000

// Observation is an event on its way into correlation rules.
type Observation struct {
	Time    time.Time
	Matches []Match
	Ref     uint64 // the caller's number of the event, returned in Correlated.Refs
}

// Match is which rules of a set an event matches.
type Match struct {
	Set     int     // index in what Correlate was given
	Rules   []int   // what Matcher.Match gave: indices into Set.Rules
	Subject Subject // the event as the set sees it
}

// Correlated is a match of a correlation rule.
type Correlated struct {
	Rule        *Rule
	Correlation int       // index into Correlations.Rules
	Start, End  time.Time // of the events that make up the match
	Group       []string  // the values of the group-by fields, in order
	Refs        []uint64  // those events, oldest first; the newest 1,000 at most
	Value       float64   // what the condition was asked about: a count, a sum, ...

	// Continued is set if the group matched at its last event too: the
	// match goes on rather than begins.
	Continued bool
}

// Correlator evaluates correlation rules over a stream of events in the order
// of time; an event that is earlier than the one before it is
// taken to be at the same time. It keeps the events of the timespans only and
// no more than a fixed number. It must not be used by several goroutines at
// once.
type Correlator struct {
	of      *Correlations
	seed    maphash.Seed
	states  []planRun
	now     int64
	samples int
	limit   int
	dropped int
	matches []Correlated
}

// planRun is a correlation rule at work.
type planRun struct {
	plan   *correlationPlan
	groups map[string]*list.Element // of *group
	order  *list.List               // least recently used first; for closing plans, opened first
	emits  []occurrence             // of the present event
}

// eventGroup is the events of one combination of eventGroup-by values.
type eventGroup struct {
	key     string
	texts   []string
	window  slidingWindow
	chains  chains
	start   int64 // of the window of a closing plan
	last    occurrence
	matched bool
}

// occurrence is an event as correlations see it: one of the log, or a match of
// a correlation, which has the values of its last event. Sigma correlation
// rules specification, "Ordered Temporal Proximity": a correlation uses only
// its own group-by.
type occurrence struct {
	at     int64
	ref    uint64
	sets   []int // those with rules that it matches
	values map[valueKey]string
}

// valueKey names a value of an event: a field of a set, by its index in
// Set.Fields.
type valueKey struct{ set, field int }

// text returns the value of the n-th of some fields, as the first of the sets
// has it that has one.
func (o *occurrence) text(fields setFields, n int) (string, bool) {
	for _, set := range o.sets {
		if fields[set] == nil {
			continue
		}
		if s, ok := o.values[valueKey{set, fields[set][n]}]; ok {
			return s, true
		}
	}
	return "", false
}

// NewCorrelator returns a Correlator for one stream.
func (c *Correlations) NewCorrelator() *Correlator {
	run := &Correlator{of: c, seed: maphash.MakeSeed(), limit: maxSamples}
	for _, plan := range c.plans {
		run.states = append(run.states, planRun{plan: plan, groups: make(map[string]*list.Element), order: list.New()})
	}
	return run
}

// Dropped returns how many events were forgotten before their timespan was
// over, to stay within bounds.
func (c *Correlator) Dropped() int { return c.dropped }

// Add adds the next event and returns the matches that it completes, and those
// that time has completed since the event before. The slice is valid until the
// next call.
func (c *Correlator) Add(o Observation) []Correlated {
	c.now = max(c.now, o.Time.UnixNano())
	c.matches = c.matches[:0]
	event := c.capture(o)
	for i := range c.states {
		c.step(&c.states[i], o.Matches, &event)
	}
	return c.matches
}

// Flush ends the stream and returns the matches that only its end completes.
func (c *Correlator) Flush() []Correlated {
	c.matches = c.matches[:0]
	for i := range c.states {
		run := &c.states[i]
		run.emits = run.emits[:0]
		c.feedCorrelations(run)
		for run.plan.closing && run.order.Len() > 0 {
			c.close(run, run.order.Front())
		}
	}
	return c.matches
}

// capture copies what correlations may ask of an event, since the subject is
// not kept.
func (c *Correlator) capture(o Observation) occurrence {
	event := occurrence{at: c.now, ref: o.Ref, values: make(map[valueKey]string)}
	var ids []ValueID
	for _, m := range o.Matches {
		own := c.of.sets[m.Set].rules
		if !slices.ContainsFunc(m.Rules, func(i int) bool { return c.of.asked[own[i]] }) {
			continue
		}
		event.sets = append(event.sets, m.Set)
		for _, field := range c.of.fields[m.Set] {
			if ids = m.Subject.Values(ids[:0], field); len(ids) > 0 {
				event.values[valueKey{m.Set, field}] = m.Subject.Text(ids[0])
			}
		}
	}
	return event
}

// step feeds one plan: first what time completes, then the matches of the
// correlations that it refers to, then the event.
func (c *Correlator) step(run *planRun, matches []Match, event *occurrence) {
	run.emits = run.emits[:0]
	c.expire(run)
	c.feedCorrelations(run)
	inputs := make([]*correlationInput, 0, len(run.plan.inputs))
	for i := range run.plan.inputs {
		in := &run.plan.inputs[i]
		if !in.correlation && slices.ContainsFunc(matches, func(m Match) bool { return m.Set == in.set && slices.Contains(m.Rules, in.index) }) {
			inputs = append(inputs, in)
		}
	}
	c.feed(run, inputs, event)
}

// feedCorrelations feeds the present matches of the correlations that a plan
// refers to.
func (c *Correlator) feedCorrelations(run *planRun) {
	for i := range run.plan.inputs {
		in := &run.plan.inputs[i]
		if !in.correlation {
			continue
		}
		emits := c.states[in.index].emits
		for n := range emits {
			c.feed(run, []*correlationInput{in}, &emits[n])
		}
	}
}

// feed adds an event to the groups that its inputs put it in: one group, unless
// aliases make them differ.
func (c *Correlator) feed(run *planRun, inputs []*correlationInput, event *occurrence) {
	for len(inputs) > 0 {
		key, texts, ok := c.groupOf(run, inputs[0], event)
		var places []int
		first := inputs[0]
		inputs = slices.DeleteFunc(inputs, func(in *correlationInput) bool {
			other, _, _ := c.groupOf(run, in, event)
			if in == first || other == key {
				places = append(places, in.place)
				return true
			}
			return false
		})
		if !ok {
			continue // without a value to group by, an event belongs to no group
		}
		s := sample{at: event.at, ref: event.ref}
		if c.measure(run, first, event, &s) {
			c.addToGroup(run, c.group(run, key, texts, event.at), s, places, event)
		}
	}
}

// groupOf returns the key of the group that an event belongs to, with the texts
// of the group-by fields; not ok if one is absent. Texts that differ in case
// only are the same.
func (c *Correlator) groupOf(run *planRun, in *correlationInput, event *occurrence) (key string, texts []string, ok bool) {
	by := run.plan.rule.Correlation.GroupBy
	b := make([]byte, 0, 8*len(by))
	for n := range by {
		value, ok := event.text(in.groupBy, n)
		if !ok {
			return "", nil, false
		}
		texts = append(texts, value)
		b = binary.LittleEndian.AppendUint64(b, maphash.String(c.seed, text.Fold(value)))
	}
	return string(b), texts, true
}

// group returns the group of a key, made if need be, and marks it as used.
func (c *Correlator) group(run *planRun, key string, texts []string, at int64) *eventGroup {
	if e, ok := run.groups[key]; ok {
		if !run.plan.closing {
			run.order.MoveToBack(e)
		}
		return e.Value.(*eventGroup)
	}
	g := &eventGroup{key: key, texts: texts, start: at}
	if run.plan.rule.Correlation.Type == TemporalOrdered {
		g.chains = newChains(len(run.plan.rule.Correlation.Rules))
	}
	c.samples += g.weight()
	run.groups[key] = run.order.PushBack(g)
	return g
}

// measure fills in what a sample counts for: the values of the condition's
// fields. Without one of them, or without a number where one is needed, an
// event does not count.
func (c *Correlator) measure(run *planRun, in *correlationInput, event *occurrence, s *sample) bool {
	kind := run.plan.rule.Correlation.Type
	var h maphash.Hash
	h.SetSeed(c.seed)
	for n := range run.plan.rule.Correlation.Fields {
		value, ok := event.text(in.fields, n)
		if !ok {
			return false
		}
		h.WriteString(text.Fold(value))
		h.WriteByte(0xFF) // not in UTF-8
		number, isNumber := parseFieldNumber(value)
		if !isNumber && run.plan.numeric() {
			return false
		}
		s.number = number.float
	}
	if kind == ValueCount || kind == ValuePercentile {
		s.key = h.Sum64()
	}
	return true
}

// addToGroup adds an event to a group and evaluates the group, unless that
// waits for its window to close.
func (c *Correlator) addToGroup(run *planRun, g *eventGroup, s sample, places []int, event *occurrence) {
	plan := run.plan
	g.last = *event
	if g.chains != nil {
		c.bound(run, g)
		g.chains.add(places, event.at, event.ref)
		best := g.chains.longest(event.at - plan.span)
		c.check(run, g, float64(len(best.refs)), func() []uint64 { return best.refs }, best.start)
		return
	}
	if plan.rule.Correlation.Type == Temporal {
		for _, place := range places {
			s.key = uint64(place)
			if !plan.closing {
				c.samples -= g.window.counts[s.key]
				g.window.dropKey(s.key) // only a rule's last event matters
			}
			c.push(run, g, s)
		}
	} else {
		c.push(run, g, s)
	}
	if !plan.closing {
		c.samples -= g.window.expire(event.at - plan.span)
		c.check(run, g, g.value(plan), g.refs, g.window.all()[0].at)
	}
}

// push adds a sample to a group's window.
func (c *Correlator) push(run *planRun, g *eventGroup, s sample) {
	kind := run.plan.rule.Correlation.Type
	g.window.push(s, kind == ValuePercentile || kind == ValueMedian)
	c.samples++
	if run.plan.enough > 0 && g.window.len() > run.plan.enough {
		g.window.drop()
		c.samples--
	}
	c.bound(run, g)
}

// bound forgets the events of other groups of the plan, the least recently used
// first, and then the oldest of the group itself, until what is kept is within
// bounds.
func (c *Correlator) bound(run *planRun, g *eventGroup) {
	for c.samples > c.limit && run.order.Len() > 1 {
		oldest := run.order.Front()
		if oldest.Value.(*eventGroup) == g {
			oldest = oldest.Next()
		}
		c.dropped += oldest.Value.(*eventGroup).weight()
		c.remove(run, oldest)
	}
	for c.samples > c.limit && g.window.len() > 1 {
		g.window.drop()
		c.samples--
		c.dropped++
	}
}

// weight returns what a group counts for in the bounds.
func (g *eventGroup) weight() int { return g.window.len() + len(g.chains)*len(g.chains) }

// value returns what the condition asks about a group.
func (g *eventGroup) value(plan *correlationPlan) float64 {
	w := &g.window
	switch plan.rule.Correlation.Type {
	case ValueCount, Temporal:
		return float64(len(w.counts))
	case ValueSum:
		return w.sum
	case ValueAvg:
		return w.sum / float64(w.len())
	case ValueMedian:
		return w.percentile(50)
	case ValuePercentile:
		return w.percentile(plan.rule.Correlation.Percentile)
	}
	return float64(w.len())
}

// refs returns the events of a group's window.
func (g *eventGroup) refs() []uint64 {
	samples := g.window.all()
	refs := make([]uint64, 0, min(len(samples), maxRefs))
	for _, s := range samples[max(0, len(samples)-maxRefs):] {
		if len(refs) == 0 || refs[len(refs)-1] != s.ref {
			refs = append(refs, s.ref)
		}
	}
	return refs
}

// check emits a match if the value keeps the plan's bounds.
func (c *Correlator) check(run *planRun, g *eventGroup, value float64, refs func() []uint64, start int64) {
	if !keepsBounds(run.plan.bounds, value) {
		g.matched = false
		return
	}
	c.emit(run, g, Correlated{Value: value, Refs: refs(), Start: time.Unix(0, start).UTC(), End: time.Unix(0, g.last.at).UTC()})
	g.matched = true
}

// emit records a match, for the caller if the rule is reported, and for the
// correlations that refer to it.
func (c *Correlator) emit(run *planRun, g *eventGroup, match Correlated) {
	event := g.last
	event.at = c.now
	run.emits = append(run.emits, event)
	if !c.of.Reported(run.plan.rule) {
		return
	}
	match.Rule, match.Group, match.Continued = run.plan.rule, g.texts, g.matched
	match.Correlation = slices.Index(c.of.plans, run.plan)
	c.matches = append(c.matches, match)
}

// expire removes the groups whose timespan is over, and evaluates those that
// wait for that.
func (c *Correlator) expire(run *planRun) {
	for run.order.Len() > 0 {
		e := run.order.Front()
		g := e.Value.(*eventGroup)
		if run.plan.closing {
			if c.now-g.start < run.plan.span {
				return
			}
			c.close(run, e)
			continue
		}
		if c.now-g.last.at <= run.plan.span {
			return
		}
		c.remove(run, e)
	}
}

// close evaluates a window that is complete and removes its group.
func (c *Correlator) close(run *planRun, e *list.Element) {
	g := e.Value.(*eventGroup)
	correlation := run.plan.rule.Correlation
	switch {
	case g.window.len() == 0:
	case correlation.Type == ValuePercentile && correlation.Percentile < 0:
		c.closePercents(run, g)
	default:
		c.check(run, g, g.value(run.plan), g.refs, g.window.all()[0].at)
	}
	c.remove(run, e)
}

// closePercents evaluates what percentage of a window's events has each value;
// every value that keeps the bounds is a match. Sigma correlation rules
// specification, "Value Percentile": a certain percentage of observed values.
func (c *Correlator) closePercents(run *planRun, g *eventGroup) {
	done := make(map[uint64]bool)
	for i, s := range g.window.all() {
		if done[s.key] {
			continue
		}
		done[s.key] = true
		percent := g.window.percentOf(s.key)
		if !keepsBounds(run.plan.bounds, percent) {
			continue
		}
		match := Correlated{Value: percent, Start: time.Unix(0, s.at).UTC()}
		for _, other := range g.window.all()[i:] {
			if other.key == s.key && len(match.Refs) < maxRefs {
				match.Refs = append(match.Refs, other.ref)
				match.End = time.Unix(0, other.at).UTC()
			}
		}
		c.emit(run, g, match)
	}
}

func (c *Correlator) remove(run *planRun, e *list.Element) {
	g := e.Value.(*eventGroup)
	c.samples -= g.weight()
	delete(run.groups, g.key)
	run.order.Remove(e)
}
