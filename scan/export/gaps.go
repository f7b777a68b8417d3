package export

import (
	"cmp"
	"slices"

	"webshellscan/scan/event"
)

// Gap is how many identifiers the records of one log leave out.
type Gap struct {
	Computer, Channel string
	// Missing is how many identifiers between the lowest and the highest no
	// record has.
	Missing uint64
	// From and To are the earliest and the latest time of the records
	// beside what is missing; 0 if they are not known.
	From, To event.Time
}

// maxOrigins bounds the logs that are looked at: each record of a hostile
// export may name one of its own.
const maxOrigins = 1 << 10

// gaps compares the identifiers of records with those before them. The zero
// value is ready for use.
type gaps struct {
	of   map[origin]*sequence
	last *sequence // of the record before
	from origin    // whose it is
}

type origin struct{ computer, channel string }

// sequence is what is known of the identifiers of one log.
type sequence struct {
	records          uint64
	first, last      uint64 // the lowest and the highest
	before           uint64 // that of the record before
	at               event.Time
	earliest, latest event.Time // beside what is missing
}

// add adds a record. One without an identifier changes nothing.
func (g *gaps) add(r *Record) {
	if r.Event.RecordID == 0 {
		return
	}
	if o := (origin{r.Computer, r.Channel}); g.last == nil || o != g.from {
		g.last, g.from = g.sequence(o), o
	}
	if g.last != nil {
		g.last.add(r.Event.RecordID, r.Event.Time)
	}
}

// sequence returns that of a log, nil if there are too many.
func (g *gaps) sequence(o origin) *sequence {
	s := g.of[o]
	if s == nil && len(g.of) < maxOrigins {
		if g.of == nil {
			g.of = make(map[origin]*sequence)
		}
		s = new(sequence)
		g.of[o] = s
	}
	return s
}

// add adds an identifier and its time. Exports run forwards or backwards.
func (s *sequence) add(id uint64, at event.Time) {
	if s.records++; s.records == 1 {
		s.first, s.last, s.before, s.at = id, id, id, at
		return
	}
	if max(id, s.before)-min(id, s.before) > 1 {
		s.widen(s.at)
		s.widen(at)
	}
	s.first, s.last = min(s.first, id), max(s.last, id)
	s.before, s.at = id, at
}

// widen widens the time span of what is missing.
func (s *sequence) widen(at event.Time) {
	if !at.Plausible() {
		return
	}
	if s.earliest == 0 || at < s.earliest {
		s.earliest = at
	}
	s.latest = max(s.latest, at)
}

// list returns what is missing of each log.
func (g *gaps) list() []Gap {
	var list []Gap
	for o, s := range g.of {
		if span := s.last - s.first; span >= s.records {
			list = append(list, Gap{o.computer, o.channel, span - s.records + 1, s.earliest, s.latest})
		}
	}
	slices.SortFunc(list, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Computer, b.Computer), cmp.Compare(a.Channel, b.Channel))
	})
	return list
}
