package story

import (
	"strings"

	"webshellscan/scan/event"
)

// Look implements event.Gate: an event that only its process can tie to a session
// is decoded only if what it says of that is a session's.
func (c *Collector) Look(key int, computer string) event.Look {
	k := &otherKind
	if key < len(kindsInOrder) {
		k = kindsInOrder[key]
	}
	host := c.host(computer)
	there := host >= 0 && len(c.index.hosts[host].sessions) > 0
	switch {
	case k == &otherKind, host < 0, !there && !c.mayCome(k, host):
		return event.Look{Admits: func(g *event.Glance) bool { return c.hitAt(g.Offset) }}
	case !there, k.later(), c.mayCome(k, host), !k.plain():
		return event.Look{}
	}
	l := &kindLook{collector: c, host: &c.index.hosts[host], kind: k}
	return event.Look{Fields: l.fields(), Admits: l.admits}
}

// hitAt reports whether a rule matched the event at an offset of the file at hand.
func (c *Collector) hitAt(offset int64) bool {
	return c.hit != nil && c.judge != nil && c.hit(event.Place{File: c.file, Offset: offset})
}

// mayCome reports whether events of a kind may tell of what came from the session
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

// kindLook looks at the events of one kind of a host with sessions.
type kindLook struct {
	collector *Collector
	host      *hostIndex
	kind      *kind
}

// fields returns what is looked at: the GUID, the process ID and the logon ID, as
// far as the kind has them, then the accounts.
func (l *kindLook) fields() []event.LookField {
	var list []event.LookField
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

// admits reports whether one of the values that Index.early asks for is one of the
// host's sessions.
func (l *kindLook) admits(g *event.Glance) bool {
	if h := l.host; g.Time < h.since-min(h.since, earlySlack) {
		return l.collector.hitAt(g.Offset)
	}
	values := g.Values
	next := func(has bool) event.Value {
		if !has {
			return event.Value{}
		}
		v := values[0]
		values = values[1:]
		return v
	}
	guid, pid, logonID := next(l.kind.guid != ""), next(l.kind.pid != ""), next(l.kind.logon != "")
	if l.hasGUID(guid) || l.hasPID(pid) || l.hasLogon(logonID) {
		return true
	}
	for range l.kind.users {
		if l.hasUser(next(true)) {
			return true
		}
	}
	return l.hasPID(next(l.kind.writer)) || l.hasUser(next(l.kind.userID)) || l.collector.hitAt(g.Offset)
}

func (l *kindLook) hasGUID(v event.Value) bool {
	guid, ok := v.GUID()
	if !ok {
		return false
	}
	_, ok = l.host.guids[guid]
	return ok
}

func (l *kindLook) hasPID(v event.Value) bool {
	n, ok := numberOf(v)
	return ok && n <= 1<<32-1 && len(l.host.pids[uint32(n)]) > 0
}

func (l *kindLook) hasLogon(v event.Value) bool {
	n, ok := numberOf(v)
	return ok && len(l.host.logons[n]) > 0
}

func (l *kindLook) hasUser(v event.Value) bool {
	return !v.IsNull() && len(l.host.users[strings.ToLower(v.String())]) > 0
}

// numberOf returns a value as a number.
func numberOf(v event.Value) (uint64, bool) {
	if v.Type == event.TypeString {
		return number(v.String())
	}
	return v.Uint()
}
