package story

import (
	"cmp"
	"net/netip"
	"slices"

	"webshellscan/scan/event"
)

// arrival is an event that nothing but the address where it came from may tie
// to a session of another host. Most are logons, which busy servers have by the
// million: they are noted, and those that may be of a session are read again.
type arrival struct {
	at     event.Time
	offset int64
	file   uint32
	from   uint32 // among the addresses of the collector
	host   int32
}

// arrive records an event that came from another machine.
func (c *Collector) arrive(ev *event.Event, k *kind, host int) {
	from, ok := machineAddress(eventFields{ev}.value(k.from).String())
	if !ok {
		return
	}
	n, known := c.addressIDs[from]
	if !known {
		if c.addressIDs == nil {
			c.addressIDs = make(map[netip.Addr]uint32)
		}
		n = uint32(len(c.addresses))
		c.addressIDs[from], c.addresses = n, append(c.addresses, from)
	}
	c.arrivals = append(c.arrivals, arrival{ev.Time, ev.Place.Offset, ev.Place.File, n, int32(host)})
}

// departure is a connection that a process of a session began: when, and on
// which host.
type departure struct {
	at   event.Time
	host int32
}

// Arrived returns where the noted events lie that came from an address from
// which a session of another host reached out at that time: by file, in bytes
// from its start, ascending. They are the events to read once more, after
// Collector.Only.
func (x *Index) Arrived(collectors []*Collector) map[uint32][]int64 {
	leaving := make(map[netip.Addr][]departure)
	for _, c := range collectors {
		for _, e := range c.kept {
			if from, ok := reachedFrom(e); ok {
				leaving[from] = append(leaving[from], departure{e.record.Time, int32(x.sessions[e.tie.session].Server.HostIndex())})
			}
		}
	}
	for _, list := range leaving {
		slices.SortFunc(list, func(a, b departure) int { return cmp.Compare(a.at, b.at) })
	}
	places := make(map[uint32][]int64)
	for _, c := range collectors {
		for i := range c.arrivals {
			if a := &c.arrivals[i]; a.follows(leaving[c.addresses[a.from]]) {
				places[a.file] = append(places[a.file], a.offset)
			}
		}
		c.arrivals, c.addresses, c.addressIDs = nil, nil, nil
	}
	for _, offsets := range places {
		slices.Sort(offsets)
	}
	return places
}

// follows reports whether one of some departures, in the order of time, is of
// another host and of the arrival's time.
func (a *arrival) follows(list []departure) bool {
	first, _ := slices.BinarySearchFunc(list, a.at-min(a.at, reachSlack), func(d departure, at event.Time) int { return cmp.Compare(d.at, at) })
	for _, d := range list[first:] {
		if d.at > a.at+reachSlack {
			return false
		}
		if d.host != a.host {
			return true
		}
	}
	return false
}

// Only has the collector take no more events but those at some places, by file,
// in bytes from its start, ascending. They may be tied by where they came from.
func (c *Collector) Only(places map[uint32][]int64) { c.only = places }

// among reports whether an event of the file at hand is one of those that are
// taken, at an offset.
func (c *Collector) among(offset int64) bool {
	_, ok := slices.BinarySearch(c.only[c.file], offset)
	return ok
}
