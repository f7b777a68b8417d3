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
const blockSize = 8 * ChunkSize

// Reader reads files, stretch by stretch. It keeps compiled template
// definitions from one to the next. A Reader is for one goroutine and one
// Reading at a time.
type Reader struct {
	dec     *Decoder
	block   []byte
	scratch []byte

	origins map[string]*originCount // by computer, 0, channel
	plain   map[string]*plainOrigin // of the reading at hand, by computer, 0, channel in UTF-16
	counted []*originCount          // those of the reading at hand
	used    []*template             // with uses != 0
}

// NewReader returns a Reader that decodes what sel selects.
func NewReader(sel *Selection) *Reader {
	return &Reader{dec: NewDecoder(sel), origins: make(map[string]*originCount), plain: make(map[string]*plainOrigin)}
}

// Reading is the reading of some stretch of a file: a part, stretches without
// chunks, single chunks or single records. Events reads it; the exported fields
// are complete when that has ended, and belong to the caller.
type Reading struct {
	// Stats counts what was met.
	Stats Stats
	// Irregular are the stretches of a part, of a chunk's size each, that
	// hold data but do not begin with a chunk: Reader.Carve reads them.
	// They begin on the file's grid of chunks.
	Irregular []Part
	// Chunks describe the chunks with live records, in the order of the
	// file.
	Chunks []Chunk
	// Deferred are the records whose template definition is lost or in
	// doubt: only Reader.Deferred gives their events. They are not counted
	// as lost before that.
	Deferred []Deferred

	reader *Reader
	dec    *Decoder
	file   *File
	pool   *TemplatePool // for records whose definition is lost, nil to defer them
	run    func(ctx context.Context, r *Reading)

	hosts   map[string]string // the keys of Stats.Hosts
	carved  int64             // end of the chunk that was carved last
	yield   func(*event.Event, error) bool
	stopped bool
}

// Records returns the reading of the chunks in one part of a file.
func (rd *Reader) Records(f *File, part Part) *Reading {
	return rd.reading(f, nil, func(ctx context.Context, r *Reading) { r.part(ctx, part) })
}

// reading returns a reading that run does.
func (rd *Reader) reading(f *File, pool *TemplatePool, run func(context.Context, *Reading)) *Reading {
	return &Reading{reader: rd, dec: rd.dec, file: f, pool: pool, run: run}
}

// Events reads, and returns the selected records in the order of the file. The
// *event.Event is valid until the next step. A pair with a nil event stands for
// one fault, a *FormatError; the reading goes on after it. If the context is
// cancelled the last pair holds its cause. The sequence can be used once.
func (r *Reading) Events(ctx context.Context) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		r.yield = yield
		r.Stats, r.hosts = Stats{Hosts: make(map[string]int)}, make(map[string]string)
		if r.reader.block == nil {
			r.reader.block = make([]byte, blockSize)
		}
		r.dec.pool = r.pool
		defer r.finish()
		r.run(ctx, r)
	}
}

// finish adds the uses of templates to the statistics.
func (r *Reading) finish() {
	for _, t := range r.reader.used {
		if s := t.system[sysComputer]; s.kind == sourceLiteral {
			r.Stats.countHost(string(event.AppendUTF16(nil, t.text(s.text))), t.uses)
		}
		t.uses, t.origin = 0, nil
	}
	r.reader.used = r.reader.used[:0]
	r.finishPlain()
	r.finishOrigins()
	r.dec.pool, r.yield = nil, nil
}

// part reads a part block by block, and chunk by chunk where a block cannot be
// read.
func (r *Reading) part(ctx context.Context, part Part) {
	end := min(part.End, r.file.size)
	if part.Start == HeaderSize && r.file.size < HeaderSize {
		r.fault(&FormatError{Class: FileTruncated, What: "file header", Need: HeaderSize, Have: r.file.size, Err: ErrTruncated})
	}
	if part.Start == HeaderSize && r.file.first < HeaderSize {
		r.Irregular = append(r.Irregular, Part{0, min(HeaderSize, r.file.size)}) // a chunk in place of the file header
	}
	if part.Start == HeaderSize && r.file.beheaded {
		r.fault(&FormatError{Class: ChunkLost, What: "no chunk", Offset: HeaderSize, Have: r.file.first - HeaderSize, Err: ErrSignature})
	}
	for pos := part.Start; pos < end && !r.stopped; {
		if pos == part.Start || r.Stats.ZeroChunks > 0 {
			if pos = r.skipHole(pos, end); pos == end {
				break
			}
		}
		want := r.reader.block[:min(blockSize, end-pos)]
		n, err := r.read(ctx, want, pos)
		if err != nil && n < len(want) {
			r.salvage(ctx, pos, len(want))
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

// holes is what a source may know besides its bytes: where the file system
// keeps none.
type holes interface {
	// NextData returns the offset of the first byte from off on that may
	// not be zero, or the size of the file.
	NextData(off int64) int64
}

// skipHole returns where to read on from pos: behind the chunks that a sparse
// file does not have, which count as zeros.
func (r *Reading) skipHole(pos, end int64) int64 {
	source, ok := r.file.source.(holes)
	if !ok {
		return pos
	}
	next := min(source.NextData(pos), end)
	chunks := max(next-pos, 0) / ChunkSize
	if next == end {
		chunks = (end - pos + ChunkSize - 1) / ChunkSize
	}
	r.Stats.ZeroChunks += int(chunks)
	if chunks > 0 {
		r.Stats.zeroAt(pos)
	}
	skipped := min(chunks*ChunkSize, end-pos)
	r.Stats.Bytes += skipped
	return pos + skipped
}

// read fills b from the file's offset pos. It returns io.EOF as such.
func (r *Reading) read(ctx context.Context, b []byte, pos int64) (int, error) {
	if err := ctx.Err(); err != nil {
		r.emit(nil, context.Cause(ctx))
		r.stopped = true
		return 0, err
	}
	n, err := r.file.source.ReadAt(b, pos)
	r.Stats.Bytes += int64(n)
	if n == len(b) {
		err = nil
	}
	return n, err
}

// salvage reads size bytes from pos that could not be read in one go: each
// chunk for itself, as far as it can be read.
func (r *Reading) salvage(ctx context.Context, pos int64, size int) {
	for end := pos + int64(size); pos < end && !r.stopped; pos += ChunkSize {
		want := r.reader.block[:min(ChunkSize, end-pos)]
		n, err := r.read(ctx, want, pos)
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
func (r *Reading) slot(b []byte, base int64) {
	switch {
	case len(b) >= chunkHeaderSize && string(b[:8]) == event.ChunkSignature:
		if len(b) < ChunkSize {
			r.fault(&FormatError{Class: FileTruncated, What: "chunk", Offset: base, Need: ChunkSize, Have: int64(len(b)), Err: ErrTruncated})
		}
		r.chunk(b, base)
	case base+int64(len(b)) <= r.file.first:
	case allZero(b):
		r.Stats.ZeroChunks++
		r.Stats.zeroAt(base)
	case len(b) < chunkHeaderSize:
		r.fault(&FormatError{Class: FileTruncated, What: "chunk header", Offset: base, Need: chunkHeaderSize, Have: int64(len(b)), Err: ErrTruncated})
	default:
		r.Irregular = append(r.Irregular, Part{base, base + int64(len(b))})
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

// emit yields a pair to the caller and records whether the iteration goes on.
func (r *Reading) emit(ev *event.Event, err error) {
	if !r.stopped && !r.yield(ev, err) {
		r.stopped = true
	}
}

func (r *Reading) fault(err *FormatError) { r.emit(nil, err) }
