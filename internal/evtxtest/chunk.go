package evtxtest

import (
	"encoding/binary"
	"hash/crc32"
)

// Sizes and offsets of [MS-EVEN6] 2.2.12 and the libevtx format documentation;
// offsets count from the start of the structure they name.
const (
	fileHeaderSize  = 4096 // what precedes the first chunk; 128 bytes of it carry data
	chunkSize       = 65536
	chunkHeader     = 512 // header of 128 bytes, then the two tables
	nameTable       = 128 // 64 offsets of name nodes
	templateTable   = 384 // 32 offsets of template definitions
	nameBuckets     = 64
	templateBuckets = 32

	recordTail = 4 // copy of the size at the end of a record
)

const (
	chunkMagic  = "ElfChnk\x00"
	recordMagic = 0x00002A2A
)

// nameHashFactor is the factor of [MS-EVEN6] NameHash: h·65599 + c over the
// UTF-16 units.
const nameHashFactor = 65599

// chunk is the chunk under construction: its bytes and what has been defined in
// it so far.
type chunk struct {
	// buf holds the chunk from its first byte on; the header part is filled
	// in when the chunk is closed. It may grow beyond chunkSize while a
	// record is being written that turns out not to fit.
	buf []byte

	names       map[string]uint32
	nameHeads   [nameBuckets]uint32
	nameLog     []nameUndo
	definitions map[GUID]uint32
	defHeads    [templateBuckets]uint32
	defLog      []definitionUndo
}

// nameUndo is what undoing the definition of a name takes.
type nameUndo struct {
	name   string
	bucket int
	head   uint32
}

// definitionUndo is what undoing a template definition takes.
type definitionUndo struct {
	guid   GUID
	bucket int
	head   uint32
	offset uint32
}

// chunkMark is a state of the chunk that a record which does not fit is rolled
// back to.
type chunkMark struct{ size, names, definitions int }

func newChunk() chunk {
	return chunk{
		buf:         make([]byte, chunkHeader, 2*chunkSize),
		names:       make(map[string]uint32, 128),
		definitions: make(map[GUID]uint32, 32),
	}
}

// reset empties the chunk for the next one.
func (c *chunk) reset() {
	c.buf = c.buf[:chunkHeader]
	clear(c.names)
	clear(c.definitions)
	c.nameHeads = [nameBuckets]uint32{}
	c.defHeads = [templateBuckets]uint32{}
	c.nameLog = c.nameLog[:0]
	c.defLog = c.defLog[:0]
}

func (c *chunk) mark() chunkMark {
	return chunkMark{len(c.buf), len(c.nameLog), len(c.defLog)}
}

// rollback forgets everything written since m was taken.
func (c *chunk) rollback(m chunkMark) {
	for i := len(c.nameLog) - 1; i >= m.names; i-- {
		u := &c.nameLog[i]
		c.nameHeads[u.bucket] = u.head
		delete(c.names, u.name)
	}
	for i := len(c.defLog) - 1; i >= m.definitions; i-- {
		u := &c.defLog[i]
		c.defHeads[u.bucket] = u.head
		delete(c.definitions, u.guid)
	}
	c.buf = c.buf[:m.size]
	c.nameLog = c.nameLog[:m.names]
	c.defLog = c.defLog[:m.definitions]
}

// name appends a reference to name and, where the chunk has no node of it yet,
// the node itself: next u32, hash u16, length u16, characters, NUL. New nodes
// come first in their bucket's chain, as in real chunks.
func (c *chunk) name(name string) {
	if at, ok := c.names[name]; ok {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, at)
		return
	}
	at := uint32(len(c.buf)) + 4
	c.buf = binary.LittleEndian.AppendUint32(c.buf, at)
	c.buf = append(c.buf, 0, 0, 0, 0, 0, 0, 0, 0)
	c.buf = appendUTF16(c.buf, name)
	units := c.buf[at+8:]
	hash := nameHash(units)
	bucket := int(hash % nameBuckets)
	binary.LittleEndian.PutUint32(c.buf[at:], c.nameHeads[bucket])
	binary.LittleEndian.PutUint16(c.buf[at+4:], uint16(hash))
	binary.LittleEndian.PutUint16(c.buf[at+6:], uint16(len(units)/2))
	c.buf = append(c.buf, 0, 0)
	c.nameLog = append(c.nameLog, nameUndo{name, bucket, c.nameHeads[bucket]})
	c.nameHeads[bucket] = at
	c.names[name] = at
}

// nameHash is [MS-EVEN6] NameHash over UTF-16LE units; nodes store the low 16
// bits.
func nameHash(units []byte) uint32 {
	h := uint32(0)
	for i := 0; i+1 < len(units); i += 2 {
		h = h*nameHashFactor + uint32(binary.LittleEndian.Uint16(units[i:]))
	}
	return h
}

// define records that the definition of guid begins at the end of the chunk and
// returns the offset that the bucket's chain goes on with.
func (c *chunk) define(guid GUID) (next uint32) {
	at, bucket := uint32(len(c.buf)), guid.bucket()
	next = c.defHeads[bucket]
	c.defLog = append(c.defLog, definitionUndo{guid, bucket, next, at})
	c.defHeads[bucket] = at
	c.definitions[guid] = at
	return next
}

// ChunkHeader is the part of a chunk's header that is about its records.
type ChunkHeader struct {
	FirstNumber, LastNumber uint64 // numbers of the records in this file
	FirstID, LastID         uint64 // identifiers in the record headers
	LastRecord              uint32 // offset of the last record in the chunk
	FreeSpace               uint32 // offset of the first byte behind the last record
	Flags                   uint32 // 1 in 1,578 of 1,579 sample chunks
}

// put writes the header with both tables and checksums into c.buf, which must
// be chunkSize long.
func (c *chunk) put(h *ChunkHeader) {
	b := c.buf
	clear(b[:chunkHeader])
	copy(b, chunkMagic)
	binary.LittleEndian.PutUint64(b[8:], h.FirstNumber)
	binary.LittleEndian.PutUint64(b[16:], h.LastNumber)
	binary.LittleEndian.PutUint64(b[24:], h.FirstID)
	binary.LittleEndian.PutUint64(b[32:], h.LastID)
	binary.LittleEndian.PutUint32(b[40:], 128)
	binary.LittleEndian.PutUint32(b[44:], h.LastRecord)
	binary.LittleEndian.PutUint32(b[48:], h.FreeSpace)
	binary.LittleEndian.PutUint32(b[120:], h.Flags)
	for i, at := range c.nameHeads {
		binary.LittleEndian.PutUint32(b[nameTable+4*i:], at)
	}
	for i, at := range c.defHeads {
		binary.LittleEndian.PutUint32(b[templateTable+4*i:], at)
	}
	FixChunk(b)
}

// FixChunk recomputes both checksums of a chunk of 65,536 bytes: that of the
// records, bytes 512 to the free space offset (taken as the end of the chunk
// where it lies outside of it), then that of the header, bytes 0 to 119 and 128
// to 511.
func FixChunk(data []byte) {
	free := min(binary.LittleEndian.Uint32(data[48:]), uint32(len(data)))
	records := data[chunkHeader:max(free, chunkHeader)]
	binary.LittleEndian.PutUint32(data[52:], crc32.ChecksumIEEE(records))
	sum := crc32.ChecksumIEEE(data[:120])
	sum = crc32.Update(sum, crc32.IEEETable, data[nameTable:chunkHeader])
	binary.LittleEndian.PutUint32(data[124:], sum)
}
