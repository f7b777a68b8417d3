package evtx

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"webshellscan/scan/event"
)

// Deferred is a record that waits for a template definition: its own is lost,
// or in doubt because the chunk's checksum does not fit.
type Deferred struct {
	// Offset is where the record begins, Chunk where its chunk does, in
	// bytes from the start of the file.
	Offset, Chunk int64
	size          uint32
	marks         event.Marks
	counted       bool // the record is in the statistics
}

// maxDeferred is how many records of one reading are deferred; any more count
// as lost at once.
const maxDeferred = 1 << 14

// deferRecord defers a record whose chunk is in doubt to Reader.Deferred, and
// reports whether it did.
func (r *Reading) deferRecord(c *chunkWalk, off, size int, marks event.Marks) bool {
	if !r.dec.templates.unsure || r.dec.pool != nil || len(r.Deferred) >= maxDeferred {
		return false
	}
	r.Deferred = append(r.Deferred, Deferred{c.base + int64(off), c.base, uint32(size), marks, true})
	return true
}

// Deferred returns the reading of the deferred records of one file with the
// definitions of a pool. Records that are read by a definition from elsewhere
// are marked as substituted, and each is a fault too, as is a record that
// cannot be read. The reading sorts the records.
func (rd *Reader) Deferred(f *File, records []Deferred, pool *TemplatePool) *Reading {
	if pool == nil {
		pool = new(TemplatePool)
	}
	return rd.reading(f, pool, func(ctx context.Context, r *Reading) {
		slices.SortFunc(records, func(a, b Deferred) int {
			return cmp.Or(cmp.Compare(a.Chunk, b.Chunk), cmp.Compare(a.Offset, b.Offset))
		})
		for rest := records; len(rest) > 0 && !r.stopped; {
			n := 1
			for n < len(rest) && rest[n].Chunk == rest[0].Chunk {
				n++
			}
			r.deferredOfChunk(ctx, rest[:n])
			rest = rest[n:]
		}
	})
}

// deferredOfChunk reads the deferred records of one chunk.
func (r *Reading) deferredOfChunk(ctx context.Context, records []Deferred) {
	base := records[0].Chunk
	data := r.reader.block[:max(0, min(ChunkSize, r.file.size-base))]
	n, err := r.read(ctx, data, base)
	if r.stopped {
		return
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.fault(&FormatError{Class: ReadError, What: "file", Offset: base + int64(n), Err: errors.Join(ErrRead, err)})
	}
	r.Stats.Bytes -= int64(n) // they were counted before
	c := chunkWalk{data: data[:n], base: base}
	r.dec.templates.begin(true)
	for _, o := range records {
		if r.stopped {
			return
		}
		r.resolveDeferred(&c, o)
	}
}

// resolveDeferred reads one deferred record.
func (r *Reading) resolveDeferred(c *chunkWalk, o Deferred) {
	off, size := int(o.Offset-o.Chunk), int(o.size)
	if off+size > len(c.data) || size < minRecord {
		r.Stats.Lost++
		return // the file shrank, which has been reported
	}
	selected, err := r.dec.decode(c, off, size)
	if err != nil {
		r.countLost(c, off, size, o.marks, err)
		return
	}
	ev := &r.dec.ev
	ev.Marks |= o.marks
	r.dec.fillTime(c, off)
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
		r.emitEvent(c, off)
	}
}

// substitute reads the values of a template instance whose definition is lost,
// up to whose definition offset the cursor has come, by a definition of the
// same template id from elsewhere. Where a damaged definition stands in the
// instance, its end is not known: then the values are where a value spec fits
// them, the other and the end of the document.
func (d *Decoder) substitute(cur *cursor, offset int, other *template) (*template, error) {
	start := cur.pos
	fits := func(pos int) bool {
		if d.values(cur.data, pos, cur.end) != nil || !other.fits(len(d.vals)) {
			return false
		}
		end := pos + 4 + 4*len(d.vals)
		for _, v := range d.vals {
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
		at = start + len(other.raw)
	}
	if !fits(at) {
		for at = start + definitionHead; at < cur.end && !fits(at); at++ {
		}
		if at >= cur.end {
			return nil, ErrTemplate
		}
	}
	d.ev.Marks |= event.MarkSubstituted
	return other, nil
}
