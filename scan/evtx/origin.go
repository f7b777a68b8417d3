package evtx

import (
	"bytes"
	"cmp"
	"slices"

	"webshellscan/scan/event"
)

// Origin is where records come from: a channel of a host, both as the log
// spells them.
type Origin struct{ Computer, Channel string }

// OriginStats counts the live records of one Origin, as far as they can be
// read.
type OriginStats struct {
	Records int
	// Periods are those of the records that have a plausible time,
	// ascending.
	Periods []Period

	// doublings is how often their length was doubled, so that there are at
	// most maxPeriods.
	doublings uint8
}

// Period counts the records of a stretch of time that begins at a multiple of
// its length: 29 minutes, or longer where that makes too many. First and Last
// are the earliest and latest times seen in it.
type Period struct {
	First, Last event.Time
	Records     int
}

// periodBits is the least length of a period: so many bits of a time. Of the
// greatest, 20 days, the plausible times have less than maxPeriods.
const (
	periodBits   = 34
	maxDoublings = 10
	maxPeriods   = 4096
)

// number returns which period a time is in.
func (o *OriginStats) number(t event.Time) event.Time { return t >> (periodBits + o.doublings) }

// Span returns the earliest and latest plausible times, zero if there are none.
func (o *OriginStats) Span() (first, last event.Time) {
	if len(o.Periods) == 0 {
		return 0, 0
	}
	return o.Periods[0].First, o.Periods[len(o.Periods)-1].Last
}

// Add adds the counts of other to o.
func (o *OriginStats) Add(other *OriginStats) {
	o.Records += other.Records
	for o.doublings < other.doublings {
		o.double()
	}
	for _, p := range other.Periods {
		o.addPeriod(p)
	}
}

// count counts one record of a time.
func (o *OriginStats) count(t event.Time) {
	o.Records++
	if !t.Plausible() {
		return
	}
	if last := len(o.Periods) - 1; last >= 0 {
		if p := &o.Periods[last]; o.number(p.First) == o.number(t) { // as it mostly is
			p.First, p.Last = min(p.First, t), max(p.Last, t)
			p.Records++
			return
		}
	}
	o.addPeriod(Period{t, t, 1})
}

// addPeriod adds the counts of a period.
func (o *OriginStats) addPeriod(p Period) {
	at, known := slices.BinarySearchFunc(o.Periods, o.number(p.First), func(q Period, number event.Time) int {
		return cmp.Compare(o.number(q.First), number)
	})
	if known {
		o.Periods[at].add(&p)
		return
	}
	o.Periods = slices.Insert(o.Periods, at, p)
	for len(o.Periods) > maxPeriods {
		o.double()
	}
}

// double makes the periods twice as long. What they are in the end does not
// depend on the order in which records were counted.
func (o *OriginStats) double() {
	o.doublings++
	n := 0
	for _, p := range o.Periods {
		if n > 0 && o.number(o.Periods[n-1].First) == o.number(p.First) {
			o.Periods[n-1].add(&p)
			continue
		}
		o.Periods[n] = p
		n++
	}
	o.Periods = o.Periods[:n]
}

// add adds the counts of the same period.
func (p *Period) add(other *Period) {
	p.First, p.Last = min(p.First, other.First), max(p.Last, other.Last)
	p.Records += other.Records
}

// Count counts one record that no Reader read, such as one of an export.
func (s *Stats) Count(computer, channel string, at event.Time) {
	s.Records++
	s.widen(at)
	if s.Hosts == nil {
		s.Hosts, s.Origins = make(map[string]int), make(map[Origin]OriginStats)
	}
	origin := Origin{computer, channel}
	sum, known := s.Origins[origin]
	if !known && len(s.Origins) >= maxHosts {
		s.MoreHosts = true
		return
	}
	s.Hosts[computer]++
	sum.count(at)
	s.Origins[origin] = sum
}

// originCount is an Origin with its counts in the part at hand.
type originCount struct {
	Origin
	OriginStats
}

// keptOrigins is how many origins a reader keeps from part to part, so that
// they need not be made again.
const keptOrigins = 256

// origin returns the counts of an origin, nil if there are too many origins.
func (r *Reading) origin(computer []byte, channel event.Value) *OriginStats {
	r.reader.scratch = event.AppendUTF16(r.reader.scratch[:0], computer)
	split := len(r.reader.scratch)
	r.reader.scratch = channel.AppendText(append(r.reader.scratch, 0))
	o := r.reader.origins[string(r.reader.scratch)]
	if o == nil || o.Records == 0 {
		if len(r.reader.counted) >= maxHosts {
			return nil
		}
		if o == nil {
			o = &originCount{Origin: Origin{string(r.reader.scratch[:split]), string(r.reader.scratch[split+1:])}}
			r.reader.origins[string(r.reader.scratch)] = o
		}
		r.reader.counted = append(r.reader.counted, o)
	}
	return &o.OriginStats
}

// finishOrigins adds the counts to the statistics.
func (r *Reading) finishOrigins() {
	r.Stats.Origins = make(map[Origin]OriginStats, len(r.reader.counted))
	for _, o := range r.reader.counted {
		if first, last := o.Span(); first != 0 {
			r.Stats.widen(first)
			r.Stats.widen(last)
		}
		sum := r.Stats.Origins[o.Origin]
		sum.Add(&o.OriginStats)
		r.Stats.Origins[o.Origin] = sum
		o.OriginStats = OriginStats{Periods: o.Periods[:0]}
	}
	r.reader.counted = r.reader.counted[:0]
	if len(r.reader.origins) > keptOrigins {
		clear(r.reader.origins)
	}
}

// countUse counts a live record of a time and channel for its template, whose
// Computer is a literal. The channel is one that the template takes from the
// record, else the zero Value.
func (r *Reading) countUse(t *template, at event.Time, channel event.Value) {
	if t.uses == 0 {
		r.reader.used = append(r.reader.used, t)
	}
	t.uses++
	if t.origin == nil || t.channel.Type != channel.Type || !bytes.Equal(t.channel.Data, channel.Data) {
		r.setOrigin(t, channel)
	}
	if t.origin == nil {
		r.Stats.widen(at)
		return
	}
	t.origin.count(at)
}

// setOrigin makes t.origin that of a channel.
func (r *Reading) setOrigin(t *template, channel event.Value) {
	t.channel.Type, t.channel.Data = channel.Type, append(t.channel.Data[:0], channel.Data...)
	if t.system[sysChannel].kind == sourceLiteral {
		channel = event.Value{Type: event.TypeString, Data: t.text(t.system[sysChannel].text)}
	}
	t.origin = r.origin(t.text(t.system[sysComputer].text), channel)
}
