package evtx

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"slices"

	"webshellscan/scan/event"
)

// Orphan is a record whose template definition is lost, or in doubt because the
// chunk's checksum does not fit.
type Orphan struct {
	// Offset is where the record begins, Chunk where its chunk does, in bytes from
	// the start of the file.
	Offset, Chunk int64
	size          uint32
	marks         event.Marks
	counted       bool // the record is in the statistics
}

// maxOrphans is how many orphans of one part are put aside; any more count as
// lost at once.
const maxOrphans = 1 << 14

// Orphans returns the records of the last part whose template definition is
// lost or in doubt: only Adopt gives their events. They are not counted as lost
// before that. The slice belongs to the caller.
func (r *Reader) Orphans() []Orphan { return r.orphans }

// putAside notes down a record whose chunk is in doubt for Adopt, and reports
// whether it did.
func (r *Reader) putAside(c *chunk, off, size int, marks event.Marks) bool {
	if !r.templates.unsure || r.donors != nil || len(r.orphans) >= maxOrphans {
		return false
	}
	r.orphans = append(r.orphans, Orphan{c.base + int64(off), c.base, uint32(size), marks, true})
	return true
}

// Adopt returns the selected records among the orphans of one file that can be
// read with the definitions of donors, marked as substituted. What the sequence
// yields is described at Records: a record that was read by a borrowed
// definition is a fault too, as is one that has to be given up. The sequence
// sorts the orphans.
func (r *Reader) Adopt(ctx context.Context, f *File, orphans []Orphan, donors *Donors) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		r.begin(ctx, f, yield)
		if r.donors = donors; donors == nil {
			r.donors = new(Donors)
		}
		defer func() { r.donors = nil; r.finish() }()
		slices.SortFunc(orphans, func(a, b Orphan) int {
			return cmp.Or(cmp.Compare(a.Chunk, b.Chunk), cmp.Compare(a.Offset, b.Offset))
		})
		for len(orphans) > 0 && !r.stopped {
			n := 1
			for n < len(orphans) && orphans[n].Chunk == orphans[0].Chunk {
				n++
			}
			r.adoptChunk(orphans[:n])
			orphans = orphans[n:]
		}
	}
}

// adoptChunk reads the orphans of one chunk.
func (r *Reader) adoptChunk(orphans []Orphan) {
	base := orphans[0].Chunk
	data := r.block[:max(0, min(ChunkSize, r.file.size-base))]
	n, err := r.read(data, base)
	if r.stopped {
		return
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.fault(&FormatError{Class: ReadError, What: "file", Offset: base + int64(n), Err: errors.Join(ErrRead, err)})
	}
	r.stats.Bytes -= int64(n) // they were counted before
	c := chunk{data: data[:n], base: base}
	r.templates.begin(true)
	for _, o := range orphans {
		if r.stopped {
			return
		}
		r.adopt(&c, o)
	}
}

// adopt reads one orphan.
func (r *Reader) adopt(c *chunk, o Orphan) {
	off, size := int(o.Offset-o.Chunk), int(o.size)
	if off+size > len(c.data) || size < minRecord {
		r.stats.Lost++
		return // the file shrank, which has been reported
	}
	selected, err := r.decode(c, off, size)
	if err != nil {
		r.lost(c, off, size, o.marks, err)
		return
	}
	ev := &r.ev
	ev.Marks |= o.marks
	r.mendTime(c, off)
	if o.marks.Has(event.MarkRecovered) {
		r.recovered(off, size, selected)
		return
	}
	if !o.counted {
		r.countHost()
	}
	if ev.Marks.Has(event.MarkSubstituted) {
		r.recordFault(c, off, TemplateSubstituted, "record read by a definition from elsewhere", ErrTemplate)
	}
	if selected {
		r.give(c, off)
	}
}

// borrow reads the values of a template instance whose definition is lost, up to
// whose definition offset the cursor has come, by a definition of the same
// template id from elsewhere. Where a damaged definition stands in the instance,
// its end is not known: then the values are where a value spec fits them, the
// lender and the end of the document.
func (r *Reader) borrow(cur *cursor, offset int, lender *template) (*template, error) {
	start := cur.pos
	fits := func(pos int) bool {
		if r.values(cur.data, pos, cur.end) != nil || !lender.fits(len(r.vals)) {
			return false
		}
		end := pos + 4 + 4*len(r.vals)
		for _, v := range r.vals {
			end += int(v.size)
		}
		if cur.end-end > maxFiller+1 {
			return false
		}
		cur.pos = end
		return true
	}
	at := start
	if offset == start {
		at = start + len(lender.raw)
	}
	if !fits(at) {
		for at = start + definitionHead; at < cur.end && !fits(at); at++ {
		}
		if at >= cur.end {
			return nil, ErrTemplate
		}
	}
	r.ev.Marks |= event.MarkSubstituted
	return lender, nil
}
