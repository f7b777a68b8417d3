package story

import (
	"net/netip"
	"strings"

	"webshellscan/scan/event"
)

// machineAddress reads an address of a machine, and reports whether text is
// one: no loopback, and none that stands for many or for none.
func machineAddress(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	a = a.Unmap()
	ok := err == nil && !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
	return a, ok
}

// reach is a connection that a process of a session began: from which address,
// and when.
type reach struct {
	from netip.Addr
	at   event.Time
}

// addReach records a connection that a process below the server began.
func (s *Story) addReach(e *kept) {
	if from, ok := reachedFrom(e); ok {
		s.reached = append(s.reached, reach{from, e.record.Time})
	}
}

// reachedFrom returns the address from which a process below the server began a
// connection, if the event is one of that.
func reachedFrom(e *kept) (netip.Addr, bool) {
	if e.kind.category != NetworkConnection || e.tie.server || !outgoing(e.record) {
		return netip.Addr{}, false
	}
	return machineAddress(e.record.first("SourceIp", "SourceAddress"))
}

// reachSlack is how far from a connection's event what came of it on the other
// host may be: clocks differ, and a logon follows its connection.
const reachSlack = event.Minute

// byAddress returns the session of another host that reached out from the
// address which an event names as where it came from, at that time; -1 if there
// is none.
func (x *Index) byAddress(stories []*Story, e *kept) int {
	if e.kind.from == "" {
		return -1
	}
	from, ok := machineAddress(e.record.Get(e.kind.from))
	if !ok {
		return -1
	}
	for i, s := range stories {
		if x.sessions[i].Server.HostIndex() == e.host {
			continue
		}
		for _, r := range s.reached {
			if r.from == from && e.record.Time >= r.at-reachSlack && e.record.Time <= r.at+reachSlack {
				return i
			}
		}
	}
	return -1
}
