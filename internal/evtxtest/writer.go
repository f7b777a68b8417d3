package evtxtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong is returned for a record that does not fit into a chunk of its
// own.
var ErrTooLong = errors.New("evtxtest: record does not fit into a chunk")

// Writer writes an EVTX file chunk by chunk. It is not safe for concurrent use.
// Errors of the underlying io.Writer are returned once more by every later
// call.
type Writer struct {
	out     io.Writer
	options Options
	b       Builder
	err     error

	templates map[string]*Template // by key of their definitions
	key       []byte
	values    []Value        // outer substitution array
	fields    []Value        // inner substitution array
	event     *Event         // the event that encode writes
	recordID  uint64         // its EventRecordID
	encoder   func(*Builder) // encode
	payload   Value          // embeds what writePayload writes
	inner     *Template

	previous []byte // the chunk before this one, if slack is kept
	slack    [][]byte
	layout   *[]Chunk // nil unless the layout is wanted
	records  []Record // of the current chunk

	chunks     int
	header     ChunkHeader // of the current chunk
	count      int         // records in it
	full       bool        // the next record begins a new chunk
	lastOffset int         // of the last record in the chunk, 0 if its time is not to be changed
	lastRecord uint64      // its EventRecordID
	lastID     uint64      // its header identifier
	lastNumber uint64
	started    bool   // at least one record has been written
	firstNext  uint64 // the identifier after the first chunk's last
}

// NewWriter returns a Writer and writes the file's header. If w is an
// io.WriteSeeker, [Writer.Close] goes back and puts the header's counts right;
// otherwise they stay those of a log that was never closed, and the dirty flag
// is set.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	e := &Writer{out: w, options: o, templates: map[string]*Template{}}
	e.b.chunk = newChunk()
	e.b.filler = o.Filler
	e.encoder = e.encode
	e.payload = BinXML(e.writePayload)
	h := e.fileHeader()
	if _, ok := w.(io.WriteSeeker); !ok {
		h.Flags |= FlagDirty
	}
	_, e.err = w.Write(h.bytes())
	return e, e.err
}

// Write appends one event. It does not keep ev.
func (w *Writer) Write(ev *Event) error {
	record := ev.RecordID
	if record == 0 {
		record = w.lastRecord + 1
	}
	id, written := record, ev.Time
	switch w.options.Style {
	case StyleExported:
		id, written = w.nextID(), 0
	case StyleForwarded:
		id = w.nextID()
	}
	if ev.HeaderID != 0 {
		id = ev.HeaderID
	}
	if ev.HeaderTime != 0 {
		written = ev.HeaderTime
	}
	w.patchTime(ev.Time)
	w.event, w.recordID = ev, record
	err := w.record(id, written, w.encoder)
	w.event, w.recordID = nil, 0
	if err == nil {
		w.lastRecord = record
	}
	if ev.HeaderTime != 0 {
		w.lastOffset = 0
	}
	return err
}

// WriteRaw appends a record whose BinXML body writes. See [Builder] for how
// body is called.
func (w *Writer) WriteRaw(id uint64, written FileTime, body func(*Builder)) error {
	w.patchTime(written)
	err := w.record(id, written, body)
	w.lastOffset = 0
	return err
}

// EndChunk makes the next record begin a new chunk.
func (w *Writer) EndChunk() { w.full = w.count > 0 }

// Slack writes stale bytes, mostly a whole record of this or another log,
// behind the last record of the current chunk when the chunk is finished. What
// does not fit is left out.
func (w *Writer) Slack(stale []byte) { w.slack = append(w.slack, stale) }

// nextID returns the next header identifier of logs that number their records
// themselves.
func (w *Writer) nextID() uint64 {
	if !w.started {
		return max(w.options.FirstID, 1)
	}
	return w.lastID + 1
}

// patchTime sets the header time of the last record in exported logs, which is
// that of the next event.
func (w *Writer) patchTime(next FileTime) {
	if w.options.Style == StyleExported && w.lastOffset != 0 {
		binary.LittleEndian.PutUint64(w.b.buf[w.lastOffset+16:], uint64(next))
	}
}

// record writes a record, in a new chunk if it does not fit into this one.
func (w *Writer) record(id uint64, written FileTime, body func(*Builder)) error {
	if w.err != nil {
		return w.err
	}
	if w.full || w.options.RecordsPerChunk > 0 && w.count == w.options.RecordsPerChunk {
		if err := w.flush(); err != nil {
			return err
		}
	}
	for !w.fits(id, written, body) {
		if w.count == 0 {
			return fmt.Errorf("%w: record ID %d", ErrTooLong, id)
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// fits writes a record to the current chunk and reports true, or leaves the
// chunk as it is and reports false.
func (w *Writer) fits(id uint64, written FileTime, body func(*Builder)) bool {
	b := &w.b
	mark, start := b.mark(), len(b.buf)
	b.open, b.instances = b.open[:0], nil
	b.inTemplate, b.terminate, b.level, b.text = false, false, 0, 0
	b.U32(recordMagic)
	b.U32(0)
	b.U64(id)
	b.U64(uint64(written))
	body(b)
	if tail := (len(b.buf) - start + recordTail) % 8; tail != 0 {
		b.fill(8 - tail)
	}
	size := uint32(len(b.buf) - start + recordTail)
	b.U32(size)
	b.PutU32(uint32(start+4), size)
	if len(b.buf) > chunkSize {
		b.rollback(mark)
		return false
	}
	w.countRecord(start, id, size)
	return true
}

// countRecord does the book-keeping of a record that has been written.
func (w *Writer) countRecord(start int, id uint64, size uint32) {
	switch {
	case w.started:
		w.lastNumber++
	case w.options.FirstNumber != 0:
		w.lastNumber = w.options.FirstNumber
	default:
		w.lastNumber = id
	}
	if w.count == 0 {
		w.header.FirstNumber, w.header.FirstID = w.lastNumber, id
	}
	w.header.LastNumber, w.header.LastID = w.lastNumber, id
	w.header.LastRecord = uint32(start)
	w.count++
	w.started = true
	w.lastOffset, w.lastID = start, id
	if w.layout != nil {
		w.records = append(w.records, Record{
			Offset: w.chunkOffset() + int64(start), ChunkOffset: uint32(start), Size: size, ID: id,
			EventRecordID: w.recordID, Instances: w.b.instances,
		})
	}
}

func (w *Writer) chunkOffset() int64 { return fileHeaderSize + int64(w.chunks)*chunkSize }

// flush finishes the current chunk, writes it and begins the next.
func (w *Writer) flush() error {
	free := len(w.b.buf)
	w.b.buf = w.b.buf[:chunkSize]
	w.fillSlack(w.b.buf[free:], free)
	h := w.header
	h.FreeSpace, h.Flags = uint32(free), 1
	if w.options.Style == StyleArchived {
		h.FreeSpace = chunkSize
	}
	if w.options.Chunk != nil {
		w.options.Chunk(w.chunks, &h)
	}
	w.b.put(&h)
	if w.layout != nil {
		w.addChunk(uint32(free))
	}
	_, w.err = w.out.Write(w.b.buf)
	if w.options.KeepSlack {
		w.previous = append(w.previous[:0], w.b.buf...)
	}
	if w.chunks == 0 {
		w.firstNext = w.lastID + 1
	}
	w.b.reset()
	w.header, w.count, w.full, w.lastOffset = ChunkHeader{}, 0, false, 0
	w.chunks++
	return w.err
}

// fillSlack fills the rest of the chunk, which begins at offset free.
func (w *Writer) fillSlack(rest []byte, free int) {
	clear(rest)
	if w.previous != nil {
		copy(rest, w.previous[free:])
	}
	for _, stale := range w.slack {
		if len(stale) <= len(rest) {
			copy(rest, stale)
			rest = rest[len(stale):]
		}
	}
	w.slack = nil
}

// fileHeader returns the header for what has been written so far.
func (w *Writer) fileHeader() FileHeader {
	h := FileHeader{
		NextRecordID: w.lastID + 1, HeaderSize: 128, Minor: max(w.options.Minor, 1), Major: 3,
		BlockSize: fileHeaderSize, Chunks: uint16(w.chunks), Flags: w.options.Flags,
	}
	if w.chunks > 0 {
		h.LastChunk = uint64(w.chunks - 1)
	}
	if w.options.StaleHeader {
		h.LastChunk, h.Chunks, h.NextRecordID = 0, 1, w.firstNext
		h.Flags |= FlagDirty
	}
	if w.options.Header != nil {
		w.options.Header(&h)
	}
	return h
}

// Close writes the last chunk, the preallocated ones and, where that is
// possible, the file header with the right counts. It does not close the
// underlying writer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if w.count > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	zero := make([]byte, chunkSize)
	for range w.options.ZeroChunks {
		if _, w.err = w.out.Write(zero); w.err != nil {
			return w.err
		}
	}
	s, ok := w.out.(io.WriteSeeker)
	if !ok {
		return nil
	}
	end, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		w.err = err
		return err
	}
	size := fileHeaderSize + int64(w.chunks+w.options.ZeroChunks)*chunkSize
	if _, w.err = s.Seek(end-size, io.SeekStart); w.err != nil {
		return w.err
	}
	h := w.fileHeader()
	if _, w.err = w.out.Write(h.bytes()); w.err != nil {
		return w.err
	}
	_, w.err = s.Seek(end, io.SeekStart)
	return w.err
}
