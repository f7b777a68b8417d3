package evtxtest

import (
	"encoding/binary"
	"hash/crc32"
)

const fileMagic = "ElfFile\x00"

// Flags of the file header.
const (
	FlagDirty = 1 // not closed properly; the counts may be out of date
	FlagFull  = 2
	FlagNoCRC = 4 // checksums are not kept
)

// FileHeader is the part of the file header that carries data.
type FileHeader struct {
	OldestChunk  uint64 // number of the chunk with the oldest records
	LastChunk    uint64 // number of the chunk written last
	NextRecordID uint64
	HeaderSize   uint32 // 128
	Minor, Major uint16 // 3.1, or 3.2 from Windows 10 2004 on
	BlockSize    uint16 // 4096: where the first chunk begins
	Chunks       uint16 // number of chunks, modulo 65,536
	Flags        uint32
}

// bytes returns the header block with its checksum.
func (h *FileHeader) bytes() []byte {
	b := make([]byte, fileHeaderSize)
	copy(b, fileMagic)
	binary.LittleEndian.PutUint64(b[8:], h.OldestChunk)
	binary.LittleEndian.PutUint64(b[16:], h.LastChunk)
	binary.LittleEndian.PutUint64(b[24:], h.NextRecordID)
	binary.LittleEndian.PutUint32(b[32:], h.HeaderSize)
	binary.LittleEndian.PutUint16(b[36:], h.Minor)
	binary.LittleEndian.PutUint16(b[38:], h.Major)
	binary.LittleEndian.PutUint16(b[40:], h.BlockSize)
	binary.LittleEndian.PutUint16(b[42:], h.Chunks)
	binary.LittleEndian.PutUint32(b[120:], h.Flags)
	FixFile(b)
	return b
}

// FixFile recomputes the checksum of a file's header, bytes 0 to 119. It leaves
// the chunks alone.
func FixFile(file []byte) {
	binary.LittleEndian.PutUint32(file[124:], crc32.ChecksumIEEE(file[:120]))
}
