package evtx

import (
	"cmp"
	"math"
	"slices"

	"webshellscan/scan/event"
)

// Chunk describes the live records of one chunk, for checks that compare
// chunks.
type Chunk struct {
	// Offset is where the chunk begins, in bytes from the start of the
	// file.
	Offset  int64
	Records int
	// FirstID and LastID are the identifiers in the headers of the first
	// and last record, FirstRecordID the first one's System/EventRecordID,
	// First and Last their times; all as far as they can be read.
	FirstID, LastID uint64
	FirstRecordID   uint64
	// LastRecordID is the last record's System/EventRecordID. It is 0 where
	// FirstRecordID is FirstID: identifiers are those of the headers then.
	LastRecordID uint64
	First, Last  event.Time
	// Earliest and Latest are the earliest and latest plausible times of
	// all its records, 0 if there are none. They lie beyond First and Last
	// where records were forwarded or the clock was set.
	Earliest, Latest event.Time
	// Forwarded is set if the first record is stored without a template, as
	// collectors store what comes from elsewhere.
	Forwarded bool
	// Quiet is set if the chunk is sound and holds no event of a kind of
	// Want.Noted.
	Quiet bool
	// OwnTimes counts the records whose header has their own time,
	// NextTimes those whose header has that of the record after them: an
	// export writes it so.
	OwnTimes, NextTimes int

	first int // offset of its first record, from the chunk's start
}

// addChunk counts a chunk that was read.
func (r *Reading) addChunk(c *chunkWalk) {
	if c.records == 0 {
		r.Stats.EmptyChunks++
		return
	}
	r.Stats.Chunks++
	n := Chunk{
		Offset: c.base, Records: c.records, FirstID: c.firstID, LastID: c.lastID,
		OwnTimes: c.ownTimes, NextTimes: c.nextTimes, first: c.first, Quiet: !c.noted && c.head.headerCRC && c.head.dataCRC,
	}
	c.widen(c.lastTime)
	n.Earliest, n.Latest = c.earliest, c.latest
	if r.dec.peek(c, c.first) {
		n.FirstRecordID, n.First, n.Forwarded = r.dec.ev.RecordID, r.dec.ev.Time, r.dec.outer == nil
	}
	n.Last = c.lastTime
	if renumbered := n.FirstRecordID != n.FirstID; (n.Last == 0 || renumbered) && r.dec.peek(c, c.last) {
		n.Last = r.dec.ev.Time
		if renumbered {
			n.LastRecordID = r.dec.ev.RecordID
		}
	}
	if r.Chunks == nil {
		r.Chunks = make([]Chunk, 0, 64)
	}
	r.Chunks = append(r.Chunks, n)
}

// CheckOrder compares the chunks of one file, as Reader.Chunks has them, and
// returns the faults that show that way: chunks that are there twice,
// identifiers that are missing between chunks, times that run backwards from
// one chunk to the next, and the marks of an export. The slice is sorted by
// identifiers.
func CheckOrder(chunks []Chunk) []*FormatError {
	slices.SortFunc(chunks, func(a, b Chunk) int {
		return cmp.Or(cmp.Compare(a.FirstID, b.FirstID), cmp.Compare(a.LastID, b.LastID), cmp.Compare(a.Offset, b.Offset))
	})
	var list []*FormatError
	var own, next, renumbered int
	for i := range chunks {
		c := &chunks[i]
		own += c.OwnTimes
		next += c.NextTimes
		if c.FirstRecordID != c.FirstID {
			renumbered++
		}
		if i > 0 {
			if fault := follows(&chunks[i-1], c); fault != nil {
				list = append(list, fault)
			}
		}
	}
	if renumbered > 0 {
		if fault := leftOut(chunks); fault != nil {
			list = append(list, fault)
		}
	}
	if next > own && renumbered > 0 {
		list = append(list, &FormatError{
			Class: ExportFingerprint, What: "times in record headers", Have: int64(next), Err: ErrOrder,
		})
	}
	return list
}

// Faults returns the contradictions between the header and the chunks of the
// file, and stretches of zeros where chunks were. chunks are those with live
// records that the file was found to have, in the order of their offsets, and s
// is of all of its parts.
func (f *File) Faults(chunks []Chunk, s *Stats) []*FormatError {
	list := f.header.faults(chunks)
	if f.header.Missing(chunks).Chunks > 0 {
		return list // which says it already
	}
	if hole := s.hole(chunks); hole != nil {
		list = append(list, hole)
	}
	return list
}

// hole returns the fault of zeros with a chunk behind them, nil if there are
// none: Windows fills a log from its beginning, so there were records once.
func (s *Stats) hole(chunks []Chunk) *FormatError {
	i := slices.IndexFunc(chunks, func(c Chunk) bool { return c.Offset > s.FirstZero })
	if s.FirstZero == 0 || i < 0 {
		return nil
	}
	return &FormatError{Class: ChunkLost, What: "zeros", Offset: s.FirstZero, Have: chunks[i].Offset - s.FirstZero, Err: ErrSignature}
}

// leftOut returns how many identifiers the records of an export leave out:
// their headers are numbered anew, the events are not. It returns nil if there
// are none, or if the events are not in the order of one log.
func leftOut(chunks []Chunk) *FormatError {
	fault := &FormatError{Class: ExportGap, What: "event record identifiers", Err: ErrOrder}
	var last uint64
	var before event.Time
	for i := range chunks {
		c := &chunks[i]
		width := c.LastRecordID - c.FirstRecordID + 1
		if c.Forwarded || c.FirstRecordID == 0 || c.LastRecordID < c.FirstRecordID || width < uint64(c.Records) || last >= c.FirstRecordID {
			return nil
		}
		from, missing := c.First, width-uint64(c.Records)
		if last > 0 && c.FirstRecordID > last+1 {
			from, missing = before, missing+c.FirstRecordID-last-1
		}
		if missing > 0 {
			if fault.Have == 0 {
				fault.From, fault.Offset = from, c.Offset
			}
			fault.Have, fault.To = fault.Have+int64(min(missing, 1<<48)), c.Last
		}
		last, before = c.LastRecordID, c.Last
	}
	if fault.Have == 0 {
		return nil
	}
	return fault
}

// follows compares a chunk with the one before it by identifiers.
func follows(before, c *Chunk) *FormatError {
	fault := &FormatError{What: "chunk", Offset: c.Offset, RecordID: c.FirstID, From: before.Last, To: c.First, Err: ErrOrder}
	switch {
	case before.FirstID == c.FirstID && before.LastID == c.LastID && before.First == c.First && before.Last == c.Last:
		fault.Class, fault.LastID, fault.Have = ChunkDuplicate, c.LastID, int64(c.Records)
		fault.From, fault.To = c.First, c.Last
	case c.FirstID > before.LastID && c.FirstID-before.LastID > 1:
		fault.Class, fault.What = IDGap, "record identifiers"
		fault.RecordID, fault.LastID = before.LastID+1, c.FirstID-1
		fault.Have = int64(min(c.FirstID-before.LastID-1, math.MaxInt64))
	case c.FirstID == before.LastID+1 && !c.Forwarded && !before.Forwarded &&
		before.Last.Plausible() && c.First.Plausible() && c.First < before.Last-maxDisorder:
		fault.Class = TimeBackwards
	default:
		return nil
	}
	return fault
}
