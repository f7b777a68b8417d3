package story

import (
	"maps"
	"net/netip"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Matcher matches events against rules. process is the one that the event is
// tied to, the zero Process if none is known. A Matcher is for one goroutine.
type Matcher interface {
	Match(ev *event.Event, process proctree.Process) []*rules.Rule
	// Look returns the fields to examine in events of an Event.Key: those
	// that it does not admit match no rule.
	Look(key int) event.Look
}

// Bounds of what is kept of one piece of the evidence, those that rules match
// and others each by itself. They are reported where they take effect.
const (
	// maxKept bounds the events that are tied, by session and category.
	maxKept = MaxEvents
	// maxWaiting bounds the events that may turn out to be a session's.
	maxWaiting = 2 * MaxEvents
)

// Collector keeps the events that belong to sessions. It is for one goroutine.
type Collector struct {
	index   *Index
	matcher Matcher
	hit     func(event.Place) bool

	recorder
	file    uint32 // at hand
	kept    []*kept
	waiting []*kept
	room    []kept // for what is kept next
	// unit and waits count what is kept of the piece at hand, by bound.
	unit  map[unitKey][2]int
	waits [2]int
	// dropped counts the events that the bounds left out, by session; those
	// that nothing ties yet under -1.
	dropped map[int]int
	hosts   map[string]int // by spelling of Computer
	// arrivals are those that may have come from a session of another host,
	// addresses where they came from, with their IDs.
	arrivals   []arrival
	addresses  []netip.Addr
	addressIDs map[netip.Addr]uint32
	only       map[uint32][]int64 // nil: all events are taken
	sites      map[int]map[string]bool
}

// unitKey is what the events of one piece are counted by: a flood of one
// category must not push out the others.
type unitKey struct {
	session  int
	category Category
}

// kept is an event, and what ties it so far.
type kept struct {
	record *Record
	kind   *kind
	host   int
	tie    tie
	rules  []*rules.Rule
	fixed  bool      // its process is known to be in no session
	copies []Ref     // the same record elsewhere, and the parts of a script
	parts  []*Record // of a script block, but the first that was read
}

// NewCollector returns a Collector. matcher may be nil: then no event matches a
// rule. hit reports whether a rule may match the event at a place, although it
// is of no session; it may be nil.
func NewCollector(x *Index, matcher Matcher, hit func(event.Place) bool) *Collector {
	return &Collector{index: x, matcher: matcher, hit: hit, unit: make(map[unitKey][2]int), dropped: make(map[int]int), hosts: make(map[string]int)}
}

// host returns the index of a host by its name, -1 if it is none of the
// forest's.
func (c *Collector) host(computer string) int {
	host, ok := c.hosts[computer]
	if !ok {
		host = c.index.Host(computer)
		if len(c.hosts) < maxSpellings {
			c.hosts[strings.Clone(computer)] = host
		}
	}
	return host
}

// maxSpellings bounds the names of computers that a collector remembers.
const maxSpellings = 1 << 16

// Begin begins another piece of the evidence, of a file by its number: bounds
// count by pieces, so that it does not matter which collector is given which.
func (c *Collector) Begin(file uint32) {
	c.file = file
	clear(c.unit)
	c.waits = [2]int{}
}

// Add adds an event, which is valid for the call only.
func (c *Collector) Add(ev *event.Event) {
	if c.only != nil && !c.among(ev.Place.Offset) {
		return
	}
	hit := c.hit != nil && c.matcher != nil && c.hit(ev.Place)
	k, host := kindOfEvent(ev), c.host(ev.Computer.String())
	if k == nil {
		k = &otherKind
	}
	if !hit && (host < 0 || k == &otherKind) {
		return
	}
	if host < 0 || len(c.index.hosts[host].sessions) == 0 {
		c.elsewhere(ev, k, host, hit)
		return
	}
	h := &c.index.hosts[host]
	if !hit && ev.Time < h.since-min(h.since, earlySlack) {
		return
	}
	t, named := c.index.early(h, k, eventFields{ev}, ev.Time)
	switch {
	case t.session >= 0:
		c.keep(ev, k, host, t)
	default:
		c.wait(ev, kept{kind: k, host: host, tie: t, fixed: named || !k.later()}, !named && c.came(ev, k, host), hit)
	}
}

// otherKind is the kind of events that only rules ask for.
var otherKind = kind{category: "other"}

// came reports whether an event may be of what came from the session of another
// host.
func (c *Collector) came(ev *event.Event, k *kind, host int) bool {
	return c.mayCome(k, host) && c.cameFrom(eventFields{ev}.value(k.from), ev.Time)
}

// cameFrom reports whether an event came from another machine, while there were
// sessions.
func (c *Collector) cameFrom(from event.Value, at event.Time) bool {
	if from.IsNull() || at < c.index.since-min(c.index.since, earlySlack) {
		return false
	}
	_, ok := machineAddress(from.String())
	return ok
}

// elsewhere adds an event of a host without sessions.
func (c *Collector) elsewhere(ev *event.Event, k *kind, host int, hit bool) {
	t := tie{session: -1, pid: processID(k, eventFields{ev})}
	c.wait(ev, kept{kind: k, host: host, tie: t, fixed: true}, host >= 0 && c.came(ev, k, host), hit)
}

// earlySlack is how long before a session's web server process began an event
// may still be its: stamps of one moment differ between logs.
const earlySlack = event.Minute

// keep keeps an event of a session, unless it is the web server's own business.
func (c *Collector) keep(ev *event.Event, k *kind, host int, t tie) {
	e := kept{kind: k, host: host, tie: t}
	if c.matcher != nil {
		e.rules = c.matcher.Match(ev, t.process)
	}
	if t.server && k.category == WebError {
		c.addSite(t.session, ev)
	}
	if t.server && !k.own && len(e.rules) == 0 && !c.index.wroteProgram(t.session, k, ev) {
		return
	}
	of := unitKey{t.session, k.category}
	counts, n := c.unit[of], bound(e.rules)
	if counts[n] == maxKept {
		c.dropped[t.session]++
		return
	}
	counts[n]++
	c.unit[of] = counts
	c.kept = append(c.kept, c.put(ev, &e))
}

// put returns what is kept of an event, with its record. Hundreds of thousands
// may be: they are allocated many at a time, and never moved.
func (c *Collector) put(ev *event.Event, e *kept) *kept {
	const many = 256
	if len(c.room) == 0 {
		c.room = make([]kept, many)
	}
	to := &c.room[0]
	c.room = c.room[1:]
	*to = *e
	to.record = c.recorder.record(ev)
	return to
}

// bound returns which of the two bounds an event counts for: those that rules
// match have one of their own, so that nothing can bury them.
func bound(matched []*rules.Rule) int { return min(len(matched), 1) }

// wait keeps an event until all is read, if a rule matches it or something may
// tie it then. Of one that nothing may but where it came from, the place is
// enough.
func (c *Collector) wait(ev *event.Event, e kept, came, hit bool) {
	if hit {
		e.rules = c.matcher.Match(ev, e.tie.process)
	}
	n := bound(e.rules)
	if n == 0 && e.fixed && came && c.only == nil {
		c.arrive(ev, e.kind, e.host)
		return
	}
	if e.fixed = e.fixed && !came; n == 0 && e.fixed {
		return
	}
	if c.waits[n] == maxWaiting {
		c.dropped[-1]++
		return
	}
	c.waits[n]++
	c.waiting = append(c.waiting, c.put(ev, &e))
}

// addSite records the site of IIS that an error of a web server process names:
// its application's domain is such as /LM/W3SVC/1/ROOT-1-134169445131.
func (c *Collector) addSite(session int, ev *event.Event) {
	rest, ok := strings.CutPrefix(eventFields{ev}.text(DataName(9)), "/LM/W3SVC/")
	id, _, _ := strings.Cut(rest, "/")
	if !ok || id == "" || strings.Trim(id, "0123456789") != "" {
		return
	}
	if c.sites == nil {
		c.sites = make(map[int]map[string]bool)
	}
	if c.sites[session] == nil {
		c.sites[session] = make(map[string]bool)
	}
	c.sites[session][id] = true
}

// Sites returns, by session, the numbers of the sites of IIS that events of its
// web server process name.
func (x *Index) Sites(collectors []*Collector) []map[string]bool {
	list := make([]map[string]bool, len(x.sessions))
	for i := range list {
		list[i] = make(map[string]bool)
	}
	for _, c := range collectors {
		for session, numbers := range c.sites {
			maps.Copy(list[session], numbers)
		}
	}
	return list
}

// IsOfStory reports whether an event is of a kind that stories have.
func IsOfStory(ev *event.Event) bool { return kindOfEvent(ev) != nil }

// MayBeOfStory reports whether an event may be of the story of a session of its
// host, whichever of the index's sessions there will be: what ties an event to
// a session only gets less with fewer sessions.
func (x *Index) MayBeOfStory(ev *event.Event) bool {
	k, host := kindOfEvent(ev), x.Host(ev.Computer.String())
	if k == nil || host < 0 || len(x.hosts[host].sessions) == 0 {
		return false
	}
	h := &x.hosts[host]
	if ev.Time < h.since-min(h.since, earlySlack) {
		return false
	}
	f := eventFields{ev}
	if k.guid != "" {
		if o, ok := h.named().guids[f.guid(k.guid)]; ok {
			return x.mayTellOf(k, o, ev)
		}
	}
	if pid := processID(k, f); pid != 0 {
		for _, o := range h.named().pids[pid] {
			if o.session >= 0 && o.at(ev.Time) && x.mayTellOf(k, o, ev) {
				return true
			}
		}
	}
	return k.later() || x.claimed(h, k, f, ev.Time)
}

// mayTellOf reports whether an event of a process of a session is of its story:
// of a server's own ones few are.
func (x *Index) mayTellOf(k *kind, o owner, ev *event.Event) bool {
	return !o.server || k.own || k.category == WebError || k.later() || o.session >= 0 && x.wroteProgram(o.session, k, ev)
}

// claimed reports whether a session may be the one whose logon session or
// account an event names.
func (x *Index) claimed(h *hostIndex, k *kind, f fields, at event.Time) bool {
	var claims []claim
	if k.logon != "" {
		if id, ok := f.uint(k.logon); ok && id != 0 {
			claims = append(claims, h.named().logons[id]...)
		}
	}
	for _, account := range accounts(k, f) {
		claims = append(claims, h.named().users[account]...)
	}
	for _, c := range claims {
		if c.session >= 0 && at >= c.from-min(c.from, slack) && (c.to == forever || at <= c.to+slack) {
			return true
		}
	}
	return false
}

// at reports whether an owner may have run at a time.
func (o *owner) at(t event.Time) bool {
	return o.from-min(o.from, slack) <= t && (o.to == forever || t <= o.to+slack)
}

// CameKeys returns the kinds of event that name where another host came from,
// and the fields in which they do.
func CameKeys() (keys []event.Key, names []string) {
	for _, k := range kinds {
		if k.kind.from == "" {
			continue
		}
		for _, id := range k.ids {
			keys = append(keys, event.Key{Provider: k.provider, ID: id})
		}
		names = append(names, k.kind.from)
	}
	return keys, names
}

// CameFrom reports whether a text is an address that another host may have.
func CameFrom(text string) bool {
	_, ok := machineAddress(text)
	return ok
}
