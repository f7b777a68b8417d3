// Package imagetest writes small disk images for tests. It shares no code with
// the reader, and checks nothing, so that damaged ones can be written.
package imagetest

import (
	"encoding/binary"
	"hash/adler32"
	"slices"
)

// The sizes of an EWF image in bytes.
const (
	EWFChunk  = 32 << 10
	EWFSector = 512
)

// EWF is a segment of an E01 image that is being written.
type EWF struct{ Bytes []byte }

// NewEWF begins the segment of a number, from 1.
func NewEWF(number byte) *EWF {
	return &EWF{[]byte("EVF\x09\x0D\x0A\xFF\x00\x01" + string([]byte{number}) + "\x00\x00\x00")}
}

// Sealed returns bytes with their Adler-32 behind them.
func Sealed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(b), adler32.Checksum(b))
}

// Section writes a section; "done" and "next" are the last ones of a segment.
func (w *EWF) Section(kind string, body []byte) {
	head := make([]byte, 76)
	copy(head, kind)
	next := len(w.Bytes)
	if kind != "done" && kind != "next" {
		next += len(head) + len(body)
	}
	binary.LittleEndian.PutUint64(head[16:], uint64(next))
	binary.LittleEndian.PutUint64(head[24:], uint64(len(head)+len(body)))
	binary.LittleEndian.PutUint32(head[72:], adler32.Checksum(head[:72]))
	w.Bytes = append(append(w.Bytes, head...), body...)
}

// Volume writes the size of the disk in bytes: in the section "volume" of the
// first segment, and in "data" of the others.
func (w *EWF) Volume(kind string, size int) {
	b := make([]byte, 1048)
	binary.LittleEndian.PutUint32(b[4:], uint32((size+EWFChunk-1)/EWFChunk))
	binary.LittleEndian.PutUint32(b[8:], EWFChunk/EWFSector)
	binary.LittleEndian.PutUint32(b[12:], EWFSector)
	binary.LittleEndian.PutUint64(b[16:], uint64(size/EWFSector))
	w.Section(kind, Sealed(b))
}

// Chunks writes a part of the disk, each chunk as pack packs it, and its table.
// The mark 1<<31 says that they are compressed.
func (w *EWF) Chunks(disk []byte, mark uint32, pack func(chunk []byte) []byte) {
	var data, entries []byte
	base := len(w.Bytes)
	for part := range slices.Chunk(disk, EWFChunk) {
		entries = binary.LittleEndian.AppendUint32(entries, uint32(76+len(data))|mark)
		data = append(data, pack(part)...)
	}
	w.Section("sectors", data)
	table := make([]byte, 20)
	binary.LittleEndian.PutUint32(table, uint32(len(entries)/4))
	binary.LittleEndian.PutUint64(table[8:], uint64(base))
	w.Section("table", slices.Concat(Sealed(table), Sealed(entries)))
}

// Unread writes the list of sectors that could not be acquired: the first one
// and how many, in turn.
func (w *EWF) Unread(sectors ...uint32) {
	head := make([]byte, 4+512)
	binary.LittleEndian.PutUint32(head, uint32(len(sectors)/2))
	var b []byte
	for _, n := range sectors {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	w.Section("error2", slices.Concat(Sealed(head), Sealed(b)))
}
