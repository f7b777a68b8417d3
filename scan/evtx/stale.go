package evtx

import "webshellscan/scan/event"

// slack reads the stale records behind the live ones, if they are wanted.
func (r *Reading) slack(c *chunkWalk) {
	if r.dec.sel.recovered {
		r.stale(c)
	}
}

// stale reads the stale records from c.pos on.
func (r *Reading) stale(c *chunkWalk) {
	end := len(c.data)
	for c.pos = nextRecord(c.data, c.pos, end); c.pos < end && !r.stopped; c.pos = nextRecord(c.data, c.pos, end) {
		size, _ := recordSize(c.data, c.pos, end)
		off := c.pos
		c.pos += size
		selected, err := r.dec.decode(c, off, size)
		r.dec.ev.Marks |= event.MarkRecovered
		if err != nil {
			r.countLost(c, off, size, event.MarkRecovered, err)
			continue
		}
		r.recovered(off, size, selected)
	}
}

// recovered checks the stale record at hand and emits it if it was selected. A
// record that was partly overwritten shows it: by a time that cannot be, a
// value that does not fit its type, or an end in the wrong place.
func (r *Reading) recovered(off, size int, selected bool) {
	ev := &r.dec.ev
	rest := off + size - recordTail - r.dec.end
	if !ev.Time.Plausible() || ev.Damaged > 0 || r.dec.jumped > 0 || rest < 0 || rest > maxFiller {
		r.Stats.Discarded++
		return
	}
	r.Stats.Recovered++
	if !selected {
		return
	}
	r.countHost()
	r.emit(ev, nil)
}
