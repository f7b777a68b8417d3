package evtx

import (
	"bytes"
	"context"
	"errors"
	"io"

	"webshellscan/scan/event"
)

// Chunks returns the reading of single chunks of a file that another reading
// found, in the order given: usually with another selection, for the chunks
// whose times are of interest.
//
// A record whose template definition is lost or in doubt is read at once with
// those of the pool that the readings of all files have filled. If pool is nil,
// it is deferred.
func (rd *Reader) Chunks(f *File, chunks []Chunk, pool *TemplatePool) *Reading {
	return rd.reading(f, pool, func(ctx context.Context, r *Reading) {
		for i := range chunks {
			if r.stopped {
				return
			}
			r.reread(ctx, &chunks[i])
		}
	})
}

// reread reads one chunk again.
func (r *Reading) reread(ctx context.Context, known *Chunk) {
	base := known.Offset
	data := r.reader.block[:max(0, min(ChunkSize, r.file.size-base))]
	n, err := r.read(ctx, data, base)
	if r.stopped {
		return
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.fault(&FormatError{Class: ReadError, What: "file", Offset: base + int64(n), Err: errors.Join(ErrRead, err)})
	}
	if data = data[:n:n]; n < chunkHeaderSize {
		return // the file shrank
	}
	if bytes.HasPrefix(data, []byte(event.ChunkSignature)) {
		r.chunk(data, base)
		return
	}
	end := nextChunk(data, 0, n)
	if known.first < end {
		r.unsigned(data[:end:end], base, known.first)
	}
}
