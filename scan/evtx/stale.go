package evtx

import "webshellscan/scan/event"

// RecoverStale makes the reader also read records that are no longer live: what
// lies behind the live records of a chunk, left from its last use or, in exports,
// from other memory, and what lies in emptied chunks. Such events have
// MarkRecovered, are not among Stats.Records, and come only if nothing about
// them is in doubt. They may be copies of live ones.
func (r *Reader) RecoverStale() { r.recover = true }

// slack reads the stale records behind the live ones, if they are wanted.
func (r *Reader) slack(c *chunk) {
	if r.recover {
		r.stale(c)
	}
}

// stale reads the stale records from c.pos on.
func (r *Reader) stale(c *chunk) {
	end := len(c.data)
	for c.pos = nextRecord(c.data, c.pos, end); c.pos < end && !r.stopped; c.pos = nextRecord(c.data, c.pos, end) {
		size, _ := recordSize(c.data, c.pos, end)
		off := c.pos
		c.pos += size
		selected, err := r.decode(c, off, size)
		r.ev.Marks |= event.MarkRecovered
		if err != nil {
			r.lost(c, off, size, event.MarkRecovered, err)
			continue
		}
		r.recovered(off, size, selected)
	}
}

// recovered judges the stale record at hand and gives it to the caller if it was
// selected. A record that was partly overwritten shows it: by a time that cannot
// be, a value that does not fit its type, or an end in the wrong place.
func (r *Reader) recovered(off, size int, selected bool) {
	ev := &r.ev
	rest := off + size - recordTail - r.end
	if !ev.Time.Plausible() || ev.Damaged > 0 || r.jumped > 0 || rest < 0 || rest > maxFiller {
		r.stats.Discarded++
		return
	}
	r.stats.Recovered++
	if !selected {
		return
	}
	r.countHost()
	r.emit(ev, nil)
}
