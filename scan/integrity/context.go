package integrity

import (
	"cmp"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
)

// logContext is what stands around events and faults of one file: starts of the
// system, by record ID, and changes of the clock.
type logContext struct {
	starts []systemStart
	clocks []logEvent
}

// systemStart is a record that Windows writes while it starts.
type systemStart struct {
	recordID uint64
	offset   int64
	at       event.Time
}

// nearRecords is how many records after a stop of the event log service the
// system's start may stand, and nearBytes how far from a step of time what
// explains it: a start writes some 15 records of less than a kilobyte.
const (
	nearRecords = 32
	nearBytes   = 32 << 10
)

// contextsOf returns the contexts by file. Starts of the system show in events,
// and in the processes that start first.
func contextsOf(events []logEvent, first [][]proctree.Record) map[uint32]*logContext {
	contexts := make(map[uint32]*logContext)
	of := func(file uint32) *logContext {
		if contexts[file] == nil {
			contexts[file] = new(logContext)
		}
		return contexts[file]
	}
	for _, e := range events {
		switch e.kind {
		case watchBoot:
			c := of(e.place.File)
			c.starts = append(c.starts, systemStart{e.recordID, e.place.Offset, e.at})
		case watchClock:
			c := of(e.place.File)
			c.clocks = append(c.clocks, e)
		}
	}
	for _, r := range slices.Concat(first...) {
		c := of(r.Place().File)
		c.starts = append(c.starts, systemStart{r.RecordID(), r.Place().Offset, r.Time()})
	}
	for _, c := range contexts {
		slices.SortFunc(c.starts, func(a, b systemStart) int { return cmp.Compare(a.recordID, b.recordID) })
	}
	return contexts
}

// startAfter returns when the system started, if it did within the next
// records.
func (c *logContext) startAfter(recordID uint64) (at event.Time, ok bool) {
	if c == nil {
		return 0, false
	}
	i, _ := slices.BinarySearchFunc(c.starts, recordID+1, func(s systemStart, id uint64) int { return cmp.Compare(s.recordID, id) })
	if i == len(c.starts) || c.starts[i].recordID-recordID > nearRecords {
		return 0, false
	}
	return c.starts[i].at, true
}

// explains reports whether a start of the system or a change of the clock
// stands beside a place where time runs backwards.
func (c *logContext) explains(f *evtx.FormatError) bool {
	if c == nil {
		return false
	}
	beside := func(offset int64) bool { return max(offset-f.Offset, f.Offset-offset) <= nearBytes }
	return slices.ContainsFunc(c.starts, func(s systemStart) bool { return beside(s.offset) }) ||
		slices.ContainsFunc(c.clocks, func(e logEvent) bool { return e.after < e.before && beside(e.place.Offset) })
}

// setsBack reports whether an event records that the clock was set back from
// about the one time to about the other.
func (e *logEvent) setsBack(f *evtx.FormatError) bool {
	return e.kind == watchClock && e.after < e.before && e.before >= f.From-event.Minute && e.after <= f.To+event.Minute
}
