package evtx

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"webshellscan/scan/event"
)

// The sizes of the format (libevtx documentation "File header", "Chunk").
const (
	HeaderSize      = 4096  // the header block, before the first chunk
	ChunkSize       = 65536 // a chunk with its header
	chunkHeaderSize = 512
	headerUsed      = 128 // bytes of the header block that carry data
)

// Flags of a file header.
const (
	flagDirty = 1 << 0 // the log was not closed
	flagNoCRC = 1 << 2 // checksums are not kept
)

// Header is a file's header block. It is reported, never relied on: live logs
// are copied before it is written.
type Header struct {
	// Present is set if the header's signature is there.
	Present bool
	// OldestChunk and LastChunk number chunks from 0. OldestChunk is
	// greater where the ring has wrapped.
	OldestChunk, LastChunk uint64
	NextRecordID           uint64
	Major, Minor           uint16
	// BlockSize is the size of the header block in bytes, always 4096.
	BlockSize uint16
	// Chunks is how many chunks the header claims. The field is 32 bits
	// wide though older documentation gives it 16.
	Chunks uint32
	Flags  uint32
	// ChecksumOK is set if the CRC-32 of the first 120 bytes is the stored
	// one.
	ChecksumOK bool
}

// Dirty reports whether the log was not closed, so that counts may be stale.
func (h Header) Dirty() bool { return h.Flags&flagDirty != 0 }

// parseHeader reads a header block of at least headerUsed bytes.
func parseHeader(b []byte) Header {
	le := binary.LittleEndian
	return Header{
		Present:      string(b[:8]) == event.FileSignature,
		OldestChunk:  le.Uint64(b[8:]),
		LastChunk:    le.Uint64(b[16:]),
		NextRecordID: le.Uint64(b[24:]),
		Minor:        le.Uint16(b[36:]),
		Major:        le.Uint16(b[38:]),
		BlockSize:    le.Uint16(b[40:]),
		Chunks:       le.Uint32(b[42:]),
		Flags:        le.Uint32(b[120:]),
		ChecksumOK:   le.Uint32(b[124:]) == crc32.ChecksumIEEE(b[:120]),
	}
}

// faults compares the header with the file that it stands in and returns what
// does not fit. chunks are those with live records that the file was found to
// have.
func (h Header) faults(chunks []Chunk) []*FormatError {
	bad := func(class Class, what string, need, have int64, err error) *FormatError {
		return &FormatError{Class: class, What: what, Need: need, Have: have, Err: err}
	}
	if !h.Present {
		return []*FormatError{bad(FileHeaderBad, "file header", 0, 0, ErrSignature)}
	}
	var list []*FormatError
	if !h.ChecksumOK && h.Flags&flagNoCRC == 0 {
		list = append(list, bad(FileHeaderBad, "file header", 0, 0, ErrChecksum))
	}
	if h.BlockSize != HeaderSize {
		list = append(list, bad(FileHeaderBad, "header block size", HeaderSize, int64(h.BlockSize), ErrHeader))
	}
	if h.Major != 3 || h.Minor != 1 && h.Minor != 2 {
		list = append(list, bad(FileVersion, "format version (major)", 3, int64(h.Major), ErrHeader))
	}
	m := h.Missing(chunks)
	if n := len(chunks); m.Chunks > 0 {
		list = append(list, bad(ChunksMissing, "chunk count", int64(h.Chunks), int64(n), ErrTruncated))
	} else if int64(h.Chunks) != int64(n) && !(h.Chunks == 1 && n == 0) {
		list = append(list, bad(FileHeaderStale, "chunk count", int64(n), int64(h.Chunks), ErrHeader))
	}
	if m.Records > 0 {
		behind := bad(RecordsMissing, "next record identifier", 0, int64(min(m.Records, math.MaxInt64)), ErrTruncated)
		behind.RecordID, behind.LastID = m.FirstID, h.NextRecordID-1
		list = append(list, behind)
	}
	return list
}

// chunkHeader is a chunk's header.
type chunkHeader struct {
	firstNumber, lastNumber uint64
	firstID, lastID         uint64
	lastRecord              uint32 // offset from the chunk's start
	free                    uint32 // where the free space begins, from the chunk's start
	flags                   uint32
	signature               bool
	headerCRC, dataCRC      bool // whether they fit
}

// parseChunkHeader reads the header of a chunk and checks its checksums. The
// chunk may be cut, but has the whole header.
func parseChunkHeader(b []byte) chunkHeader {
	le := binary.LittleEndian
	h := chunkHeader{
		signature:   string(b[:8]) == event.ChunkSignature,
		firstNumber: le.Uint64(b[8:]),
		lastNumber:  le.Uint64(b[16:]),
		firstID:     le.Uint64(b[24:]),
		lastID:      le.Uint64(b[32:]),
		lastRecord:  le.Uint32(b[44:]),
		free:        le.Uint32(b[48:]),
		flags:       le.Uint32(b[120:]),
	}
	sum := crc32.ChecksumIEEE(b[:120])
	h.headerCRC = crc32.Update(sum, crc32.IEEETable, b[128:chunkHeaderSize]) == le.Uint32(b[124:])
	if h.free >= chunkHeaderSize && int64(h.free) <= int64(len(b)) {
		h.dataCRC = crc32.ChecksumIEEE(b[chunkHeaderSize:h.free]) == le.Uint32(b[52:])
	}
	return h
}

// empty reports whether the header is that of a chunk that holds no records:
// a fresh or a reset one.
func (h *chunkHeader) empty() bool {
	return h.free == chunkHeaderSize && h.lastNumber == 1<<64-1 && h.firstID == 1<<64-1 && h.lastID == 1<<64-1
}

// Missing is what a file header counts and the file does not hold.
type Missing struct {
	// Records counts the records behind the last one: up to the one before
	// the header's next record identifier. FirstID is the identifier of the
	// first of them.
	Records, FirstID uint64
	// Chunks counts the chunks. It is 0 for a log that was not closed,
	// whose header may be of another time than its chunks.
	Chunks int
}

// Missing compares the header with the chunks with live records that the file
// was found to hold. In 899 of 899 sound logs the next record identifier is the
// last record's plus one, and the number of chunks is that of the file. It is
// empty for a header that is itself damaged.
//
// A next identifier below the last record's, or too few chunks, do not mean
// that something is missing: the header was written before the chunks were.
func (h Header) Missing(chunks []Chunk) Missing {
	var m Missing
	if !h.Present || !h.ChecksumOK {
		return m
	}
	var last uint64
	for i := range chunks {
		last = max(last, chunks[i].LastID)
	}
	if len(chunks) > 0 && last < 1<<64-1 && h.NextRecordID > last+1 {
		m.FirstID, m.Records = last+1, h.NextRecordID-last-1
	}
	empty := h.Chunks == 1 && len(chunks) == 0 // a log that holds nothing has one all the same
	if !h.Dirty() && int64(h.Chunks) > int64(len(chunks)) && !empty {
		m.Chunks = int(int64(h.Chunks) - int64(len(chunks)))
	}
	return m
}
