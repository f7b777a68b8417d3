package evtx

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"webshellscan/scan/event"
)

// Carve returns the reading of stretches of a file that Reading.Irregular
// named: chunks that lost their signature, that lie beside the file's grid
// because bytes were inserted or cut out, or that bytes of something else
// surround. The stretches must be those of one file, in its order.
func (rd *Reader) Carve(f *File, stretches []Part) *Reading {
	return rd.reading(f, nil, func(ctx context.Context, r *Reading) {
		r.carved = -1
		for rest := stretches; len(rest) > 0 && !r.stopped; {
			run := rest[0]
			for rest = rest[1:]; len(rest) > 0 && rest[0].Start == run.End; rest = rest[1:] {
				run.End = rest[0].End
			}
			r.carve(ctx, run)
		}
	})
}

// carve searches one stretch for chunks and records. It holds a window on the
// file that reaches a chunk's size before and two behind the place that it has
// come to, because a chunk may begin a little before the stretch.
func (r *Reading) carve(ctx context.Context, run Part) {
	for pos := run.Start; pos < run.End && !r.stopped; {
		w := r.window(ctx, pos)
		if w.data == nil {
			return
		}
		here := int(pos - w.start)
		end := min(here+ChunkSize, len(w.data))
		signed := nextChunk(w.data, here, end)
		first := nextRecord(w.data[:min(len(w.data), signed)], here, min(end, signed))
		switch base := w.base(first, here); {
		case first < min(end, signed) && bytes.HasPrefix(w.data[base:], []byte(event.ChunkSignature)):
			pos = r.found(w, base)
		case first < min(end, signed):
			pos = r.headless(w, base, first, signed)
		case signed < end:
			pos = r.found(w, signed)
		default:
			r.fault(&FormatError{Class: ChunkLost, What: "no chunk", Offset: pos, Have: int64(end - here), Err: ErrSignature})
			pos += int64(end - here)
		}
	}
}

// window is a stretch of the file in memory.
type window struct {
	data  []byte
	start int64 // of data, in bytes from the file's start
}

// window reads the surroundings of a place. Its data is nil if there is nothing
// or it cannot be read, which has then been reported.
func (r *Reading) window(ctx context.Context, pos int64) window {
	first := int64(HeaderSize)
	if r.file.first < HeaderSize {
		first = 0
	}
	start := max(first, pos-ChunkSize)
	want := r.reader.block[:min(blockSize, pos+2*ChunkSize-start, r.file.size-start)]
	n, err := r.read(ctx, want, start)
	if err != nil && !errors.Is(err, io.EOF) && !r.stopped {
		r.fault(&FormatError{Class: ReadError, What: "file", Offset: start + int64(n), Err: errors.Join(ErrRead, err)})
	}
	if r.stopped || start+int64(n) <= pos {
		return window{}
	}
	return window{want[:n], start}
}

// found reads the chunk that begins at base of the window, off the grid, and
// returns where in the file to go on.
func (r *Reading) found(w window, base int) int64 {
	at := w.start + int64(base)
	switch header := base - HeaderSize; {
	case at == r.carved: // the next one of a run
	case header >= 0 && bytes.HasPrefix(w.data[header:], []byte(event.FileSignature)):
		r.fault(&FormatError{Class: FileHeaderBad, What: "file within the file", Offset: at - HeaderSize, Err: ErrSignature})
	default:
		r.fault(&FormatError{Class: ChunkBadMagic, What: "chunk beside the grid of chunks", Offset: at, Err: ErrSignature})
	}
	r.carved = at + ChunkSize
	data := w.data[base:min(base+ChunkSize, len(w.data))]
	if len(data) < chunkHeaderSize {
		r.fault(&FormatError{Class: FileTruncated, What: "chunk header", Offset: at, Need: chunkHeaderSize, Have: int64(len(data)), Err: ErrTruncated})
	} else {
		r.chunk(data, at)
	}
	return at + ChunkSize
}

// headless reads the records from first on, whose chunk begins at base without
// a signature and ends before the next one that has its signature. It returns
// where in the file to go on.
func (r *Reading) headless(w window, base, first, signed int) int64 {
	end := min(base+ChunkSize, len(w.data), signed)
	at := w.start + int64(base)
	r.fault(&FormatError{Class: ChunkBadMagic, What: "chunk header", Offset: at, Err: ErrSignature})
	r.unsigned(w.data[base:end:end], at, first-base)
	return w.start + int64(end)
}

// unsigned reads a chunk without a signature that lies at base of the file,
// from its first record on, an offset in data.
func (r *Reading) unsigned(data []byte, base int64, first int) {
	c := chunkWalk{data: data, base: base, pos: first}
	if c.pos == chunkHeaderSize && len(data) >= chunkHeaderSize {
		c.head = parseChunkHeader(c.data)
	}
	r.dec.templates.begin(true)
	r.readUnverified(&c)
	r.addChunk(&c)
	r.slack(&c)
}

// nextChunk returns the offset of the next chunk signature in [from, end) of b
// that a header of the right size follows, or len(b).
func nextChunk(b []byte, from, end int) int {
	for from < end {
		i := bytes.Index(b[from:min(len(b), end+len(event.ChunkSignature)-1)], []byte(event.ChunkSignature))
		if i < 0 {
			break
		}
		if from += i; len(b)-from >= headerUsed && binary.LittleEndian.Uint32(b[from+40:]) == headerUsed {
			return from
		}
		from++
	}
	return len(b)
}

// base returns where the chunk of the records from first on begins. A
// definition that stands in a record says so to the byte, since the record
// gives its offset in the chunk; without one the grid is taken, or what the
// first record of a chunk would make of it. here is the place on the grid.
func (w window) base(first, here int) int {
	for off := first; off+ChunkSize > first && off < min(first+ChunkSize, len(w.data)); {
		size, ok := recordSize(w.data, off, len(w.data))
		if !ok {
			break
		}
		if at := off + recordHead + 14; size > recordHead+14+definitionHead+recordTail &&
			binary.LittleEndian.Uint32(w.data[off+recordHead:]) == fragmentHeader &&
			binary.LittleEndian.Uint32(w.data[off+recordHead+6:]) == binary.LittleEndian.Uint32(w.data[at+definitionGUID:]) {
			base := int64(at) - int64(binary.LittleEndian.Uint32(w.data[off+recordHead+10:]))
			if base >= 0 && base <= int64(first-chunkHeaderSize) && base > int64(first-ChunkSize) {
				return int(base)
			}
		}
		off += size
	}
	if first-here >= chunkHeaderSize || first < chunkHeaderSize {
		return here
	}
	return first - chunkHeaderSize
}
