package evtx

import (
	"encoding/binary"
	"errors"

	"webshellscan/scan/event"
)

// readWhole reads a live record whole. If it was selected the event goes to the
// caller; what is wrong with it goes there too.
func (r *Reading) readWhole(c *chunkWalk, off, size int, marks event.Marks) {
	selected, err := r.dec.decode(c, off, size)
	c.noted = c.noted || err != nil || r.dec.isNoted(selected)
	if err != nil {
		c.forget()
		r.countLost(c, off, size, marks, err)
		return
	}
	ev := &r.dec.ev
	ev.Marks |= marks
	if !r.dec.fillTime(c, off) {
		r.recordFault(c, off, TimeImplausible, "System/TimeCreated", ErrHeader)
	}
	r.countHost()
	r.observeTime(c, off, ev.Time)
	if r.dec.outer == nil {
		c.forget() // a forwarded event's time is that of another clock
	}
	end, jumped, misfit := r.dec.end, r.dec.jumped, r.dec.misfit
	if !r.deferRecord(c, off, size, marks) && selected {
		r.emitEvent(c, off)
	}
	if misfit {
		r.recordFault(c, off, TemplateDamaged, "length of a template definition", ErrSize)
	}
	if jumped > 0 {
		r.fault(&FormatError{
			Class: RecordHidden, What: "data that is jumped over in a record", Offset: c.base + int64(off),
			RecordID: recordID(c.data, off), Have: int64(jumped), From: c.lastTime, To: r.dec.timeAt(c, off+size), Err: ErrHidden,
		})
	}
	if marks&event.MarkHidden == 0 {
		r.surplus(c, off, end, off+size)
	}
}

// isNoted reports whether the event at hand may be of a kind of Want.Noted.
func (d *Decoder) isNoted(selected bool) bool {
	if selected && d.ev.Key < len(d.sel.notedKeys) {
		return d.sel.notedKeys[d.ev.Key]
	}
	return d.sel.isNoted(d.ev.ID)
}

// emitEvent hands the event at hand to the caller.
func (r *Reading) emitEvent(c *chunkWalk, off int) {
	r.Stats.Selected++
	if r.dec.ev.Damaged > 0 {
		r.recordFault(c, off, FieldDamaged, "value", ErrSize)
	} else if r.dec.halves {
		r.recordFault(c, off, FieldDamaged, "half of a character", ErrHeader)
	}
	r.emit(&r.dec.ev, nil)
}

// observeTime compares a live record's time with that of the record before it
// and with the time in the headers of both.
func (r *Reading) observeTime(c *chunkWalk, off int, t event.Time) {
	header := event.Time(binary.LittleEndian.Uint64(c.data[off+16:]))
	switch {
	case header == t:
		c.ownTimes++
	case c.lastHeader == t && t != 0:
		c.nextTimes++
	}
	if header != t && !header.Plausible() && t.Plausible() {
		r.oddHeader(c, off, header)
	}
	c.lastHeader = header
	if uint64(t) <= uint64(c.lastTime)-1 { // also if there is no last one
		c.widen(t)
	}
	if t < c.lastTime-maxDisorder && t.Plausible() {
		r.fault(&FormatError{
			Class: TimeBackwards, What: "record", Offset: c.base + int64(off), RecordID: recordID(c.data, off),
			From: c.lastTime, To: t, Err: ErrOrder,
		})
	}
	c.lastTime = t
}

// oddHeader reports a record whose own time is sound and that of its header is
// not. An export leaves headers without a time where it ends, or took a pause.
func (r *Reading) oddHeader(c *chunkWalk, off int, header event.Time) {
	if header == 0 {
		next := off + int(sizeField(c.data, off))
		if c.ownTimes == 0 || c.nextTimes > 0 || next >= int(c.head.free) || next > len(c.data)-recordHead || recordID(c.data, next) != recordID(c.data, off)+1 {
			return
		}
	}
	r.recordFault(c, off, TimeImplausible, "time in a record header", ErrHeader)
}

// countLost counts a record that cannot be read. If it is its definition that
// is lost, it is put aside: another chunk or file may have the definition.
func (r *Reading) countLost(c *chunkWalk, off, size int, marks event.Marks, err error) {
	if errors.Is(err, ErrTemplate) && r.dec.pool == nil && len(r.Deferred) < maxDeferred {
		r.Deferred = append(r.Deferred, Deferred{c.base + int64(off), c.base, uint32(size), marks, false})
		return
	}
	if r.deferRecord(c, off, size, marks) {
		r.Deferred[len(r.Deferred)-1].counted = false
		return
	}
	if marks.Has(event.MarkRecovered) {
		r.Stats.Discarded++
		return
	}
	r.Stats.Lost++
	class := RecordBad
	switch {
	case errors.Is(err, ErrBudget):
		class = BudgetExceeded
	case errors.Is(err, ErrTemplate):
		class = TemplateLost
	}
	r.recordFault(c, off, class, "record", err)
}

func (r *Reading) recordFault(c *chunkWalk, off int, class Class, what string, err error) {
	r.fault(&FormatError{Class: class, What: what, Offset: c.base + int64(off), RecordID: recordID(c.data, off), Err: err})
}

// countHost counts the record at hand for its host and channel.
func (r *Reading) countHost() {
	ev, t := &r.dec.ev, r.dec.outer
	live := !ev.Marks.Has(event.MarkRecovered)
	if live && t != nil && !t.foreign && t.system[sysComputer].kind == sourceLiteral && t.system[sysChannel].kind != sourceMixed {
		channel := ev.Channel
		if t.system[sysChannel].kind == sourceLiteral {
			channel = event.Value{}
		}
		r.countUse(t, ev.Time, channel)
		return
	}
	if live {
		r.Stats.widen(ev.Time)
		if origin := r.origin(ev.Computer.Data, ev.Channel); origin != nil {
			origin.count(ev.Time)
		}
	}
	if ev.Computer.Type == event.TypeString {
		r.reader.scratch = event.AppendUTF16(r.reader.scratch[:0], ev.Computer.Data)
		host, ok := r.hosts[string(r.reader.scratch)]
		if !ok {
			host = string(r.reader.scratch)
			if len(r.hosts) < maxHosts {
				r.hosts[host] = host
			}
		}
		n := 0 // no live record, but the host is one of the log's
		if live {
			n = 1
		}
		r.Stats.countHost(host, n)
	}
}

// widen widens the span of the chunk's times by a time that is earlier than the
// last one, and by that.
func (c *chunkWalk) widen(t event.Time) {
	for _, t := range [...]event.Time{t, c.lastTime} {
		if !t.Plausible() {
			continue
		}
		if t < c.earliest || c.earliest == 0 {
			c.earliest = t
		}
		c.latest = max(c.latest, t)
	}
}

// forget makes the last record's time one that cannot be compared.
func (c *chunkWalk) forget() {
	c.widen(c.lastTime)
	c.lastTime = 0
}

// maxDisorder is how far the times of records may run against the order of
// their identifiers: events are numbered when they are written, some time after
// they happened.
const maxDisorder = event.Minute
