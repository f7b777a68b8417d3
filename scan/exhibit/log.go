package exhibit

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"webshellscan/internal/work"
	"webshellscan/scan/binxml"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// errTooLong: a record does not fit into a chunk with all that it needs.
var errTooLong = errors.New("the record and what it needs are larger than a chunk")

// Sizes and places of the format (libevtx format documentation,
// docs/FORMAT.md).
const (
	chunkHead  = 512
	recordHead = 24
	recordTail = 4
	// usedChunk is how much of a chunk several records may use: libevtx
	// does not see one that ends where its chunk does.
	usedChunk = evtx.ChunkSize - 64

	recordSignature = "**\x00\x00"
	maxChunks       = 1<<16 - 1 // the file header counts them in a word
)

// log writes an event log as Windows exports one: records are numbered from 1
// on, and keep the EventRecordID that they say themselves.
type log struct {
	out     io.WriteSeeker
	chunk   binxml.Chunk
	first   uint64 // number of the chunk's first record
	next    uint64 // of the record to come
	last    int    // where the chunk's last record begins
	written int    // chunks
}

// newLog returns a log that is written to a new file. Its header comes last.
func newLog(out io.WriteSeeker) (*log, error) {
	l := &log{out: out, first: 1, next: 1}
	l.chunk.Reset(chunkHead)
	_, err := out.Write(make([]byte, evtx.HeaderSize))
	return l, err
}

// add appends a record with the time of its header, and returns its number.
func (l *log) add(doc *binxml.Document, written uint64) (uint64, error) {
	mark, at := l.chunk.Mark(), len(l.chunk.Data)
	if crash := work.Guard(func() { l.record(doc, written) }); crash != nil {
		l.chunk.Restore(mark) // the records before it are sound
		panic(crash)
	}
	if alone := l.next == l.first; len(l.chunk.Data) > evtx.ChunkSize || !alone && len(l.chunk.Data) > usedChunk {
		l.chunk.Restore(mark)
		if alone {
			return 0, errTooLong
		}
		if err := l.flush(); err != nil {
			return 0, err
		}
		return l.add(doc, written)
	}
	l.last = at
	l.next++
	return l.next - 1, nil
}

// record appends a record's bytes.
func (l *log) record(doc *binxml.Document, written uint64) {
	c, le := &l.chunk, binary.LittleEndian
	at := len(c.Data)
	c.Data = append(c.Data, make([]byte, recordHead)...)
	c.Write(doc)
	for (len(c.Data)-at+recordTail)%8 != 0 {
		c.Data = append(c.Data, 0)
	}
	size := uint32(len(c.Data) - at + recordTail)
	c.Data = le.AppendUint32(c.Data, size)
	copy(c.Data[at:], recordSignature)
	le.PutUint32(c.Data[at+4:], size)
	le.PutUint64(c.Data[at+8:], l.next)
	le.PutUint64(c.Data[at+16:], written)
}

// flush writes the chunk, and begins another one.
func (l *log) flush() error {
	if l.written == maxChunks {
		return errors.New("the log has as many chunks as it can have")
	}
	c, le := &l.chunk, binary.LittleEndian
	free := len(c.Data)
	copy(c.Data, event.ChunkSignature)
	le.PutUint64(c.Data[8:], l.first)
	le.PutUint64(c.Data[16:], l.next-1)
	le.PutUint64(c.Data[24:], l.first)
	le.PutUint64(c.Data[32:], l.next-1)
	le.PutUint32(c.Data[40:], 128) // of the header without its tables
	le.PutUint32(c.Data[44:], uint32(l.last))
	le.PutUint32(c.Data[48:], uint32(free))
	le.PutUint32(c.Data[52:], crc32.ChecksumIEEE(c.Data[chunkHead:]))
	le.PutUint32(c.Data[120:], 1) // as nearly every chunk of Windows has
	c.PutTables()
	sum := crc32.ChecksumIEEE(c.Data[:120])
	le.PutUint32(c.Data[124:], crc32.Update(sum, crc32.IEEETable, c.Data[128:chunkHead]))
	_, err := l.out.Write(append(c.Data, make([]byte, evtx.ChunkSize-free)...))
	l.written++
	l.first = l.next
	c.Reset(chunkHead)
	return err
}

// close writes the rest and the header.
func (l *log) close() error {
	if l.next > l.first {
		if err := l.flush(); err != nil {
			return err
		}
	}
	head, le := make([]byte, evtx.HeaderSize), binary.LittleEndian
	copy(head, event.FileSignature)
	le.PutUint64(head[16:], uint64(max(l.written, 1)-1)) // the chunk written last
	le.PutUint64(head[24:], l.next)
	le.PutUint32(head[32:], 128) // of the header that says something
	le.PutUint16(head[36:], 1)   // version 3.1
	le.PutUint16(head[38:], 3)
	le.PutUint16(head[40:], evtx.HeaderSize)
	le.PutUint16(head[42:], uint16(l.written))
	le.PutUint32(head[124:], crc32.ChecksumIEEE(head[:120]))
	if _, err := l.out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := l.out.Write(head)
	return err
}
