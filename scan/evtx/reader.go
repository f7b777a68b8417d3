package evtx

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"

	"webshellscan/scan/event"
)

// blockSize is how many bytes are read at once: several chunks, and still
// within a core's second-level cache when they are walked.
const blockSize = 4 * ChunkSize

// Reader decodes the selected records of files, part by part. It keeps compiled
// template definitions from one part to the next. A Reader is for one goroutine
// at a time.
type Reader struct {
	sel       *Selection
	templates templateCache
	block     []byte

	ev      event.Event
	plain   template // the template-less document at hand
	queue   []document
	vals    []value
	arena   []byte // UTF-16LE text that had to be put together for ev
	scratch []byte
	lister  lister

	// The provider asked for last, since it is mostly the next one too.
	providerName []byte
	provider     *provider

	// Of the record at hand.
	outer  *template // of its own instance, nil if it has none
	end    int       // of its BinXML, from the chunk's start
	jumped int       // bytes that its BinXML steps over

	// Of a call of Whole.
	whole       bool
	substituted int

	recover bool    // also read what is left of earlier uses of a chunk
	donors  *Donors // in a call of Adopt

	// Of the present part.
	ctx       context.Context
	file      *File
	stats     Stats
	hosts     map[string]string       // the keys of stats.Hosts
	origins   map[string]*originCount // by computer, 0, channel
	counted   []*originCount          // those of the part at hand
	used      []*template             // with uses != 0
	irregular []Part
	chunks    []Chunk
	orphans   []Orphan
	carved    int64 // end of the chunk that was carved last
	yield     func(*event.Event, error) bool
	stopped   bool
}

// NewReader returns a Reader that decodes what sel selects.
func NewReader(sel *Selection) *Reader {
	return &Reader{
		sel:       sel,
		templates: templateCache{sel: sel, byKey: make(map[templateKey]*variants), build: compiler{lists: sel.lists}},
		origins:   make(map[string]*originCount),
		lister:    lister{on: sel.lists},
	}
}

// Stats returns what the last call of Records met. The map belongs to the
// caller.
func (r *Reader) Stats() Stats { return r.stats }

// Irregular returns the stretches of the last part, of a chunk's size each,
// that hold data but do not begin with a chunk: Carve reads them. They begin on
// the file's grid of chunks.
func (r *Reader) Irregular() []Part { return r.irregular }

// Chunks returns what the last part's chunks with live records hold, in the
// order of the file. The slice belongs to the caller.
func (r *Reader) Chunks() []Chunk { return r.chunks }

// Records returns the selected records of the chunks in one part of a file, in
// the order of the file. The *event.Event is valid until the next step. A pair
// with a nil event stands for one fault, a *FormatError; the reading goes on
// after it. If the context is cancelled the last pair holds its cause.
func (r *Reader) Records(ctx context.Context, f *File, part Part) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		r.begin(ctx, f, yield)
		defer r.finish()
		r.part(part)
	}
}

func (r *Reader) begin(ctx context.Context, f *File, yield func(*event.Event, error) bool) {
	r.ctx, r.file, r.yield, r.stopped = ctx, f, yield, false
	r.count()
	r.irregular, r.chunks, r.orphans = nil, nil, nil
	if r.block == nil {
		r.block = make([]byte, blockSize)
	}
}

// count begins new statistics.
func (r *Reader) count() {
	r.stats = Stats{Hosts: make(map[string]int)}
	r.hosts = make(map[string]string)
}

// finish takes the uses of templates into the statistics.
func (r *Reader) finish() {
	for _, t := range r.used {
		if s := t.system[sysComputer]; s.kind == sourceLiteral {
			r.stats.sawHost(string(event.AppendUTF16(nil, t.text(s.text))), t.uses)
		}
		t.uses, t.origin = 0, nil
	}
	r.used = r.used[:0]
	r.finishOrigins()
	r.ctx, r.file, r.yield = nil, nil, nil
}

// part reads a part block by block, and chunk by chunk where a block cannot be
// read.
func (r *Reader) part(part Part) {
	end := min(part.End, r.file.size)
	if part.Start == HeaderSize && r.file.size < HeaderSize {
		r.fault(&FormatError{Class: FileTruncated, What: "file header", Need: HeaderSize, Have: r.file.size, Err: ErrTruncated})
	}
	if part.Start == HeaderSize && r.file.first < HeaderSize {
		r.irregular = append(r.irregular, Part{0, min(HeaderSize, r.file.size)}) // a chunk in place of the file header
	}
	for pos := part.Start; pos < end && !r.stopped; {
		if pos == part.Start || r.stats.ZeroChunks > 0 {
			if pos = r.skipHole(pos, end); pos == end {
				break
			}
		}
		want := r.block[:min(blockSize, end-pos)]
		n, err := r.read(want, pos)
		if err != nil && n < len(want) {
			r.salvage(pos, len(want))
			pos += int64(len(want))
			continue
		}
		for b := want; len(b) > 0 && !r.stopped; {
			size := min(len(b), ChunkSize)
			r.slot(b[:size:size], pos)
			b, pos = b[size:], pos+int64(size)
		}
	}
}

// holes is what a source may know besides its bytes: where the file system keeps
// none.
type holes interface {
	// NextData returns the offset of the first byte from off on that may not be
	// zero, or the size of the file.
	NextData(off int64) int64
}

// skipHole returns where to read on from pos: behind the chunks that a sparse
// file does not have, which count as zeros.
func (r *Reader) skipHole(pos, end int64) int64 {
	source, ok := r.file.source.(holes)
	if !ok {
		return pos
	}
	next := min(source.NextData(pos), end)
	chunks := max(next-pos, 0) / ChunkSize
	if next == end {
		chunks = (end - pos + ChunkSize - 1) / ChunkSize
	}
	r.stats.ZeroChunks += int(chunks)
	skipped := min(chunks*ChunkSize, end-pos)
	r.stats.Bytes += skipped
	return pos + skipped
}

// read fills b from the file's offset pos. It returns io.EOF as such.
func (r *Reader) read(b []byte, pos int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		r.emit(nil, context.Cause(r.ctx))
		r.stopped = true
		return 0, err
	}
	n, err := r.file.source.ReadAt(b, pos)
	r.stats.Bytes += int64(n)
	if n == len(b) {
		err = nil
	}
	return n, err
}

// salvage reads size bytes from pos that could not be read in one go: each
// chunk for itself, as far as it can be read.
func (r *Reader) salvage(pos int64, size int) {
	for end := pos + int64(size); pos < end && !r.stopped; pos += ChunkSize {
		want := r.block[:min(ChunkSize, end-pos)]
		n, err := r.read(want, pos)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			r.fault(&FormatError{
				Class: FileTruncated, What: "file shrank while it was read", Offset: pos + int64(n),
				Need: end - pos, Have: int64(n), Err: ErrTruncated,
			})
			end = pos
		case !r.stopped:
			r.fault(&FormatError{Class: ReadError, What: "file", Offset: pos + int64(n), Err: errors.Join(ErrRead, err)})
		}
		if n > 0 && !r.stopped {
			r.slot(want[:n:n], pos)
		}
	}
}

// slot reads what lies at one place of the file's grid of chunks: a chunk,
// nothing, or something else.
func (r *Reader) slot(b []byte, base int64) {
	switch {
	case len(b) >= chunkHeaderSize && string(b[:8]) == chunkSignature:
		if len(b) < ChunkSize {
			r.fault(&FormatError{Class: FileTruncated, What: "chunk", Offset: base, Need: ChunkSize, Have: int64(len(b)), Err: ErrTruncated})
		}
		r.chunk(b, base)
	case base+int64(len(b)) <= r.file.first:
	case allZero(b):
		r.stats.ZeroChunks++
	case len(b) < chunkHeaderSize:
		r.fault(&FormatError{Class: FileTruncated, What: "chunk header", Offset: base, Need: chunkHeaderSize, Have: int64(len(b)), Err: ErrTruncated})
	default:
		r.irregular = append(r.irregular, Part{base, base + int64(len(b))})
	}
}

var zeros [4096]byte

func allZero(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}

// emit hands a pair to the caller and notes when he wants no more.
func (r *Reader) emit(ev *event.Event, err error) {
	if !r.stopped && !r.yield(ev, err) {
		r.stopped = true
	}
}

func (r *Reader) fault(err *FormatError) { r.emit(nil, err) }
