package evtx

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"

	"webshellscan/scan/event"
)

// Reread returns the selected records of single chunks of a file that a reader
// has told of (see Chunks), in the order given: mostly with another selection,
// of those chunks whose times are of interest. What the sequence yields is
// described at Records; faults come again.
//
// A record whose template definition is lost or in doubt is read at once with
// those of donors, which Records and Carve gathered from all files. With nil it
// is left to Adopt.
func (r *Reader) Reread(ctx context.Context, f *File, chunks []Chunk, donors *Donors) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		r.begin(ctx, f, yield)
		r.donors = donors
		defer func() { r.donors = nil; r.finish() }()
		for i := range chunks {
			if r.stopped {
				return
			}
			r.reread(&chunks[i])
		}
	}
}

// reread reads one chunk again.
func (r *Reader) reread(known *Chunk) {
	base := known.Offset
	data := r.block[:max(0, min(ChunkSize, r.file.size-base))]
	n, err := r.read(data, base)
	if r.stopped {
		return
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.fault(&FormatError{Class: ReadError, What: "file", Offset: base + int64(n), Err: errors.Join(ErrRead, err)})
	}
	if data = data[:n:n]; n < chunkHeaderSize {
		return // the file shrank
	}
	if bytes.HasPrefix(data, []byte(chunkSignature)) {
		r.chunk(data, base)
		return
	}
	end := nextChunk(data, 0, n)
	if known.first < end {
		r.unsigned(data[:end:end], base, known.first)
	}
}
