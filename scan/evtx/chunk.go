package evtx

import (
	"encoding/binary"

	"webshellscan/scan/event"
)

// chunkWalk is the chunk at hand.
type chunkWalk struct {
	data []byte // from the chunk's start; shorter than ChunkSize if the file is cut
	base int64  // of data, in bytes from the file's start
	head chunkHeader

	records  int    // live ones met so far
	firstID  uint64 // of the first record met
	last     int    // offset of the last record met
	lastID   uint64
	pos      int  // where the next record should begin
	noted    bool // it may hold events of kinds that are looked out for
	repaired bool // the frame of the record at hand is damaged, and its size worked out

	first    int        // offset of the first record met
	lastTime event.Time // of the last record met, 0 if it cannot be compared
	// The earliest and latest times of the records before the last one; 0
	// if no other than the last one's has been seen.
	earliest, latest event.Time
	lastHeader       event.Time // in the header of the last record met
	// How many records have their own time in their header, and how many
	// the next record's.
	ownTimes, nextTimes int
}

// chunk reads the records of one chunk.
func (r *Reading) chunk(data []byte, base int64) {
	c := chunkWalk{data: data, base: base, head: parseChunkHeader(data), pos: chunkHeaderSize}
	h := &c.head
	r.dec.templates.begin(!h.dataCRC)
	if h.headerCRC && h.empty() {
		r.Stats.EmptyChunks++
		if _, ok := recordSize(data, chunkHeaderSize, len(data)); ok {
			r.chunkFault(&c, ChunkResetWithData, "emptied chunk holds records", ErrHeader)
			r.stale(&c)
		} else {
			r.slack(&c)
		}
		return
	}
	r.readLive(&c)
	r.addChunk(&c)
	r.checkHeader(&c)
	r.slack(&c)
}

// readLive walks the chunk's live records. Where the header cannot be trusted,
// the records themselves decide how far they reach:
//  1. header and checksums agree: up to the free space offset; a record that
//     begins there and continues the numbering is one that the header hides;
//  2. the header is sound but not the data (a log that was copied while it was
//     written, or damage): up to the free space offset, and on as long as
//     record follows record;
//  3. the header is unsound: as far as there are records. Stale ones, left from
//     the chunk's last use, are older than the chunk's first record, which
//     their lower identifiers show.
//
// A chunk without checksums counts as the first case when the walk meets the
// last record exactly where the header puts it.
func (r *Reading) readLive(c *chunkWalk) {
	h := &c.head
	inRange := h.free >= chunkHeaderSize && int64(h.free) <= int64(len(c.data))
	switch {
	case h.headerCRC && h.dataCRC:
		r.readVerified(c, int(h.free))
		r.readPastEnd(c, true)
	case h.headerCRC && inRange:
		r.readVerified(c, int(h.free))
		r.readPastEnd(c, false)
	default:
		r.readUnverified(c)
	}
}

// readVerified reads records up to end, where the live ones end by the header.
// Between there and a record that is damaged it resynchronises.
func (r *Reading) readVerified(c *chunkWalk, end int) {
	for c.pos < end && !r.stopped {
		size, ok := recordSize(c.data, c.pos, len(c.data))
		if !ok {
			if c.records > 0 && c.lastID == c.head.lastID && allZero(c.data[c.pos:end]) {
				c.pos = end // archived logs count the empty rest as used
				return
			}
			if size, c.repaired = r.resync(c, end); !c.repaired {
				continue
			}
		}
		r.record(c, size)
	}
}

// record reads the sound record at c.pos and steps over it.
func (r *Reading) record(c *chunkWalk, size int) {
	off, before, at := c.pos, c.lastID, c.lastTime
	c.last, c.lastID = off, recordID(c.data, off)
	c.pos = off + size
	if c.records++; c.records == 1 {
		c.firstID, c.first, before = c.lastID, off, c.lastID-1
	}
	r.Stats.Records++
	if r.dec.pool != nil && r.dec.templates.unsure || !r.quick(c, off, size) && !r.quickPlain(c, off, size) {
		r.readWhole(c, off, size, 0)
	} else {
		r.deferRecord(c, off, size, 0)
	}
	c.repaired = false
	if id := recordID(c.data, off); id > before+1 && (c.head.dataCRC || id-before < maxRecordGap) {
		r.fault(&FormatError{
			Class: IDGap, What: "record identifiers", Offset: c.base + int64(off), RecordID: before + 1, LastID: id - 1,
			From: at, To: c.lastTime, Have: int64(min(id-before-1, 1<<62)), Err: ErrOrder,
		})
	}
}

// resync deals with the damaged record at c.pos. It returns the record's size
// if that is known, or steps to the next sound record before end.
func (r *Reading) resync(c *chunkWalk, end int) (int, bool) {
	off := c.pos
	next := nextRecord(c.data, off+1, end)
	if size, ok := repairedSize(c.data, off, next, end); ok {
		r.fault(&FormatError{
			Class: RecordBad, What: "record frame", Offset: c.base + int64(off), RecordID: recordID(c.data, off),
			Need: int64(size), Have: int64(sizeField(c.data, off)), Err: ErrSize,
		})
		return size, true
	}
	r.Stats.Lost++
	r.fault(&FormatError{Class: RecordResync, What: "record", Offset: c.base + int64(off), Have: int64(next - off), Err: ErrSignature})
	c.pos = next
	return 0, false
}

// readPastEnd reads on beyond the end that the header gives, as long as records
// continue the numbering: without a gap (strict), or with one.
func (r *Reading) readPastEnd(c *chunkWalk, strict bool) {
	h := &c.head
	for !r.stopped {
		size, ok := recordSize(c.data, c.pos, len(c.data))
		if !ok {
			return
		}
		id, want := recordID(c.data, c.pos), c.lastID+1
		if c.records == 0 {
			want = h.firstID
		}
		if id != want && (strict || id < want || id-want >= maxRecordGap) {
			return
		}
		r.record(c, size)
	}
}

// maxRecordGap bounds how far identifiers jump from one record to the next
// before the second is taken for something else than its successor.
const maxRecordGap = 1 << 16

// readUnverified reads the records of a chunk whose header is damaged.
func (r *Reading) readUnverified(c *chunkWalk) {
	h := &c.head
	for !r.stopped && c.pos < len(c.data) {
		if c.records > 0 && c.pos == int(h.free) && c.last == int(h.lastRecord) && c.lastID == h.lastID {
			r.readPastEnd(c, true) // the header is right although its checksum is not
			return
		}
		size, ok := recordSize(c.data, c.pos, len(c.data))
		if !ok {
			next := nextRecord(c.data, c.pos+1, len(c.data))
			if (next == len(c.data) && allZero(c.data[c.pos:]) || !c.isNewer(next)) && !c.isNext(c.pos) {
				return
			}
			if size, c.repaired = r.resync(c, len(c.data)); !c.repaired {
				continue
			}
		} else if !c.isNewer(c.pos) && !c.isGapOfOne(c.pos+size) {
			return
		}
		r.record(c, size)
	}
}

// isNewer reports whether the record at off belongs to the chunk's present use
// rather than to an earlier one: by the first record's identifier, or by the
// header's, since either may be damaged.
func (c *chunkWalk) isNewer(off int) bool {
	if c.records == 0 || off >= len(c.data) {
		return c.records == 0
	}
	id, h := recordID(c.data, off), &c.head
	return id > c.firstID || id > h.firstID && id <= h.lastID && h.lastID-h.firstID < maxRecordGap
}

// isGapOfOne reports whether the record at off is the one after the next: then
// the one between has its place though not its identifier.
func (c *chunkWalk) isGapOfOne(off int) bool {
	_, ok := recordSize(c.data, off, len(c.data))
	return ok && c.records > 0 && recordID(c.data, off) == c.lastID+2
}

// isNext reports whether what stands at off begins as the record that comes
// next. Where the file is cut, checkHeader counts what is missing.
func (c *chunkWalk) isNext(off int) bool {
	return c.records > 0 && (len(c.data) == ChunkSize || !c.head.headerCRC) && len(c.data)-off >= recordHead && recordID(c.data, off) == c.lastID+1 &&
		binary.LittleEndian.Uint32(c.data[off:]) == recordSignature
}

// checkHeader compares the chunk's header with what the walk met.
func (r *Reading) checkHeader(c *chunkWalk) {
	h := &c.head
	switch {
	case r.file.header.Flags&flagNoCRC != 0 && !h.headerCRC:
	case !h.headerCRC:
		r.chunkFault(c, ChunkHeaderCRC, "chunk header", ErrChecksum)
	case h.free < chunkHeaderSize || h.free > ChunkSize:
		r.chunkFault(c, ChunkHeaderInconsistent, "free space offset", ErrHeader)
	case !h.dataCRC:
		r.chunkFault(c, ChunkDataCRC, "chunk data", ErrChecksum)
	}
	if n := h.lastID - c.lastID; h.headerCRC && len(c.data) < ChunkSize && c.records > 0 && n > 0 && n < maxRecordGap {
		r.Stats.Lost += int(n)
		r.fault(&FormatError{
			Class: FileTruncated, What: "records", Offset: c.base + int64(c.pos), RecordID: c.lastID + 1, LastID: h.lastID,
			From: c.lastTime, Have: int64(n), Err: ErrTruncated,
		})
	}
	if h.headerCRC && h.dataCRC && c.records > 0 &&
		(c.pos != int(h.free) || c.last != int(h.lastRecord) || c.firstID != h.firstID || c.lastID != h.lastID) {
		r.chunkFault(c, ChunkHeaderInconsistent, "chunk header", ErrHeader)
	}
}

func (r *Reading) chunkFault(c *chunkWalk, class Class, what string, err error) {
	r.fault(&FormatError{Class: class, What: what, Offset: c.base, Err: err})
}
