package story

import (
	"bytes"
	"strings"

	"webshellscan/scan/event"
)

// Look implements event.Gate: an event that only its process can tie to a
// session is decoded only if the process that it names is a session's.
func (c *Collector) Look(key int, computer string) event.Look {
	if c.only != nil {
		return event.Look{Admits: func(g *event.Preview) bool { return c.among(g.Offset) }}
	}
	k := &otherKind
	if key < len(kindsInOrder) {
		k = kindsInOrder[key]
	}
	host := c.host(computer)
	there := host >= 0 && len(c.index.hosts[host].sessions) > 0
	comes := host >= 0 && c.mayCome(k, host)
	switch {
	case k == &otherKind, !there && !comes:
		return event.Look{Admits: func(g *event.Preview) bool { return c.hitAt(g.Offset) }}
	case there && (k.later() || !k.plain()):
		return event.Look{}
	}
	l := &kindLook{collector: c, host: &c.index.hosts[host], kind: k, comes: comes}
	if c.matcher != nil {
		l.rules = c.matcher.Look(key)
	} else {
		l.rules = event.Look{Admits: func(*event.Preview) bool { return false }}
	}
	own := l.fields()
	l.own = len(own)
	return event.Look{Fields: append(own, l.rules.Fields...), Admits: l.admits}
}

// hitAt reports whether a rule matched the event at an offset of the file at
// hand.
func (c *Collector) hitAt(offset int64) bool {
	return c.hit != nil && c.matcher != nil && c.hit(event.Place{File: c.file, Offset: offset})
}

// mayCome reports whether events of a kind may be of what came from the session
// of another host.
func (c *Collector) mayCome(k *kind, host int) bool { return k.from != "" && c.index.othersThan(host) }

// plain reports whether the values that tie an event of a kind have names, and
// nothing else ties it.
func (k *kind) plain() bool {
	for _, name := range append([]string{k.guid, k.pid, k.logon}, k.users...) {
		if _, numbered := DataNumber(name); numbered {
			return false
		}
	}
	return k.pid != exchangeProcess && k.category != ApplicationCrash && k.category != WebError
}

// kindLook filters the events of one kind of a host that has sessions, or to
// which sessions of other hosts may have come.
type kindLook struct {
	collector *Collector
	host      *hostIndex
	kind      *kind
	comes     bool       // the event may be of a session of another host
	rules     event.Look // that of the Matcher
	own       int        // how many of the fields, the first ones, are not for rules

	user     []byte // the account that was asked for last, as the record has it
	userType event.ValueType
	userHas  bool // what came of it
}

// fields returns what is looked at: where the event came from, the GUID, the
// process ID and the logon ID, as far as they count, then the accounts.
func (l *kindLook) fields() []event.LookField {
	var list []event.LookField
	if l.comes {
		list = append(list, event.LookField{Name: l.kind.from})
	}
	for _, name := range []string{l.kind.guid, l.kind.pid, l.kind.logon} {
		if name != "" {
			list = append(list, event.LookField{Name: name})
		}
	}
	for _, name := range l.kind.users {
		list = append(list, event.LookField{Name: name})
	}
	if l.kind.writer {
		list = append(list, event.LookField{Name: "Execution/@ProcessID", System: true})
	}
	if l.kind.userID {
		list = append(list, event.LookField{Name: "Security/@UserID", System: true})
	}
	return list
}

// admits reports whether one of the values that Index.early asks for is one of
// the host's sessions, or the event came from another machine.
func (l *kindLook) admits(g *event.Preview) bool {
	if l.comes && l.collector.cameFrom(g.Values[0], g.Time) {
		return true
	}
	if h := l.host; len(h.sessions) == 0 || g.Time < h.since-min(h.since, earlySlack) {
		return l.collector.hitAt(g.Offset)
	}
	values := g.Values
	if l.comes {
		values = values[1:]
	}
	next := func(has bool) event.Value {
		if !has {
			return event.Value{}
		}
		v := values[0]
		values = values[1:]
		return v
	}
	guid, pid, logonID := next(l.kind.guid != ""), next(l.kind.pid != ""), next(l.kind.logon != "")
	if o, ok := l.owner(guid); ok { // whoever it is, nothing less ties the event
		return o.session >= 0 && l.wants(&o, g) || l.collector.hitAt(g.Offset)
	}
	if l.hasPID(pid, guid, g) || l.hasLogon(logonID) {
		return true
	}
	for range l.kind.users {
		if l.hasUser(next(true)) {
			return true
		}
	}
	return l.hasPID(next(l.kind.writer), guid, g) || l.hasUser(next(l.kind.userID)) || l.collector.hitAt(g.Offset)
}

// wants reports whether an event of a session's process is wanted. Of what a
// web server process does itself, which is most of it, only what rules match is
// kept, and what it wrote.
func (l *kindLook) wants(o *owner, g *event.Preview) bool {
	if !o.server || l.kind.own || l.rules.Admits == nil || l.kind.category.WritesContent() {
		return true
	}
	own := *g
	own.Values = g.Values[l.own:]
	return l.rules.Admits(&own)
}

// owner returns the process of a GUID, if a session had it or another process
// whose ID one had.
func (l *kindLook) owner(v event.Value) (owner, bool) {
	guid, ok := v.GUID()
	if !ok {
		return owner{}, false
	}
	o, ok := l.host.named().guids[guid]
	return o, ok
}

// hasPID reports whether a process ID was that of a process of a session whose
// events are wanted, and the event gives its process no other GUID. Process IDs
// are few: most of those that a session had, others had before and after it.
func (l *kindLook) hasPID(v, ofEvent event.Value, g *event.Preview) bool {
	n, ok := numberOf(v)
	if !ok || n == 0 || n > 1<<32-1 {
		return false
	}
	o, ok := l.host.byPID(uint32(n), g.Time)
	if !ok || o.session < 0 {
		return false
	}
	if guid, _ := ofEvent.GUID(); !guid.IsZero() {
		if own := o.process.GUID(); !own.IsZero() && own != guid {
			return false
		}
	}
	return l.wants(&o, g)
}

func (l *kindLook) hasLogon(v event.Value) bool {
	n, ok := numberOf(v)
	return ok && len(l.host.named().logons[n]) > 0
}

// hasUser reports whether an account is that of a session. Accounts are few,
// and one event after the other names the same.
func (l *kindLook) hasUser(v event.Value) bool {
	if v.IsNull() {
		return false
	}
	if v.Type != l.userType || !bytes.Equal(v.Data, l.user) {
		l.userHas = len(l.host.named().users[strings.ToLower(v.String())]) > 0
		l.user, l.userType = append(l.user[:0], v.Data...), v.Type
	}
	return l.userHas
}

// numberOf returns a value as a number.
func numberOf(v event.Value) (uint64, bool) {
	if v.Type == event.TypeString {
		return number(v.String())
	}
	return v.Uint()
}
