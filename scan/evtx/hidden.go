package evtx

import (
	"bytes"
	"encoding/binary"

	"webshellscan/scan/event"
)

// maxFiller is how many bytes may follow a record's BinXML before the copy of
// its size: they fill it up to a multiple of 8. Of 58,802 real records 5 had
// more, four of them in logs that were edited.
const maxFiller = 7

// surplus checks what stands between the end at of the BinXML of the record at
// off and the record's end. Tools that delete a record add its size to that of
// the record before it, so that readers step over it: there it is found, or, if
// it was overwritten, the room that it took.
func (r *Reading) surplus(c *chunkWalk, off, at, end int) {
	if end-recordTail-at <= maxFiller {
		return
	}
	fault := FormatError{
		Class: RecordHidden, What: "record within a record", Offset: c.base + int64(off), RecordID: recordID(c.data, off),
		From: c.lastTime, Err: ErrHidden,
	}
	found := false
	for !r.stopped && end-at >= minRecord {
		inner := hiddenRecord(c.data, at, end)
		if inner < 0 {
			break
		}
		found = true
		size := int(sizeField(c.data, inner))
		c.lastID = recordID(c.data, inner)
		c.records++
		r.Stats.Records++
		r.Stats.Hidden++
		r.dec.end = inner + size
		r.readWhole(c, inner, size, event.MarkHidden)
		at = max(min(r.dec.end, inner+size), inner+recordHead)
		if inner+size < end {
			at = inner + size
		}
		f := fault
		f.Offset, f.RecordID, f.Have, f.To = c.base+int64(inner), c.lastID, int64(size), r.dec.timeAt(c, end)
		r.fault(&f)
	}
	if !found && !c.repaired && !r.stopped {
		fault.What = "record longer than its event"
		fault.Have, fault.To = int64(end-recordTail-at), r.dec.timeAt(c, end)
		r.fault(&fault)
	}
}

// hiddenRecord returns the offset of the first record in [at, end) that ends
// there or in a copy of its own size, -1 if there is none.
func hiddenRecord(data []byte, at, end int) int {
	for at < end {
		i := bytes.Index(data[at:end], []byte{0x2A, 0x2A, 0, 0})
		if i < 0 {
			return -1
		}
		at += i
		size := int(sizeField(data[:end], at))
		if size > minRecord && size%8 == 0 && (at+size == end || size < end-at && sizeCopy(data, at+size) == size) {
			return at
		}
		at++
	}
	return -1
}

// timeAt returns the time of the record at off, 0 if there is none. The event
// at hand is lost.
func (d *Decoder) timeAt(c *chunkWalk, off int) event.Time {
	if !d.peek(c, off) || !d.ev.Time.Plausible() {
		return 0
	}
	return d.ev.Time
}

// peek reads the System values of the record at off into the reader's event,
// and reports whether there is one. Nothing is counted.
func (d *Decoder) peek(c *chunkWalk, off int) bool {
	size, ok := recordSize(c.data, off, len(c.data))
	if !ok {
		return false
	}
	d.ev.Reset()
	d.arena = d.arena[:0]
	d.outer, d.queue = nil, d.queue[:0]
	return d.peekPlain(c.data, off, size) || d.document(c, document{pos: off + recordHead, end: off + size - recordTail}) == nil
}

// peekPlain is peek for a record without a template of the usual shape:
// compiling two of them in each chunk took a tenth of the time of a log of
// forwarded events.
func (d *Decoder) peekPlain(chunk []byte, off, size int) bool {
	s, ok := d.readPlain(chunk, off, size)
	if ok {
		d.ev.Time, _ = event.Value{Type: event.TypeString, Data: s.time}.Time()
		d.ev.RecordID, _ = event.Value{Type: event.TypeString, Data: s.recordID}.Uint()
	}
	return ok
}

// sizeCopy is the copy of a record's size before end.
func sizeCopy(data []byte, end int) int {
	return int(binary.LittleEndian.Uint32(data[end-recordTail:]))
}
