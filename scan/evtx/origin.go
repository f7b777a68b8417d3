package evtx

import (
	"webshellscan/scan/event"
)

// Origin is where records come from: a channel of a host, both as the log spells
// them.
type Origin struct{ Computer, Channel string }

// OriginStats counts the live records of one Origin. Of logs that are no
// collector's it is exact to a chunk: a chunk's records count for the origin of
// its first one.
type OriginStats struct {
	Records int
	// First and Last are the earliest and latest plausible times seen.
	First, Last event.Time
}

// Add adds the counts of other to o.
func (o *OriginStats) Add(other *OriginStats) { o.add(other.Records, other.First, other.Last) }

// add takes n records into account, of which times are known.
func (o *OriginStats) add(n int, times ...event.Time) {
	o.Records += n
	for _, t := range times {
		if !t.Plausible() {
			continue
		}
		if o.First == 0 || t < o.First {
			o.First = t
		}
		o.Last = max(o.Last, t)
	}
}

// originCount is an Origin with its counts in the part at hand.
type originCount struct {
	Origin
	OriginStats
}

// keptOrigins is how many origins a reader keeps from part to part, so that they
// need not be made again.
const keptOrigins = 256

// origin returns the counts of the event at hand's origin, nil if there are too
// many origins.
func (r *Reader) origin() *OriginStats {
	r.scratch = event.AppendUTF16(r.scratch[:0], r.ev.Computer.Data)
	split := len(r.scratch)
	r.scratch = r.ev.Channel.AppendText(append(r.scratch, 0))
	o := r.origins[string(r.scratch)]
	if o == nil || o.Records == 0 {
		if len(r.counted) >= maxHosts {
			return nil
		}
		if o == nil {
			o = &originCount{Origin: Origin{string(r.scratch[:split]), string(r.scratch[split+1:])}}
			r.origins[string(r.scratch)] = o
		}
		r.counted = append(r.counted, o)
	}
	return &o.OriginStats
}

// finishOrigins takes the counts into the statistics.
func (r *Reader) finishOrigins() {
	r.stats.Origins = make(map[Origin]OriginStats, len(r.counted))
	for _, o := range r.counted {
		sum := r.stats.Origins[o.Origin]
		sum.Add(&o.OriginStats)
		r.stats.Origins[o.Origin] = sum
		o.OriginStats = OriginStats{}
	}
	r.counted = r.counted[:0]
	if len(r.origins) > keptOrigins {
		clear(r.origins)
	}
}
