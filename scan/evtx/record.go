package evtx

import (
	"bytes"
	"encoding/binary"
)

// The layout of a record: signature (u32), size (u32), identifier (u64),
// FILETIME (u64), BinXML, filler of 0 to 7 bytes, copy of the size (u32)
// (libevtx documentation "Event record").
const (
	recordSignature = 0x00002A2A
	recordHead      = 24
	recordTail      = 4
	minRecord       = recordHead + recordTail
)

// recordSize returns the size of the record at an offset of a chunk whose
// records end at end, and whether the record's frame is sound: signature,
// size, and the copy of the size at its end.
func recordSize(chunk []byte, off, end int) (int, bool) {
	if end-off < minRecord || end > len(chunk) {
		return 0, false
	}
	head := chunk[off : off+8]
	size := int(binary.LittleEndian.Uint32(head[4:]))
	if binary.LittleEndian.Uint32(head) != recordSignature || size < minRecord || size > end-off || size%8 != 0 {
		return 0, false
	}
	return size, int(binary.LittleEndian.Uint32(chunk[off+size-recordTail:])) == size
}

// repairedSize returns the size of the record at off whose frame is damaged,
// and whether it is certain:
//   - only the signature is wrong: size and copy agree;
//   - only the copy of the size is wrong: the size leads to the next record or
//     to the end of the records;
//   - the size is wrong: the copy before the next sound record, or before the
//     end of the records, says how far away this record began;
//   - the record's end was overwritten: its size is possible, and the bytes
//     behind it belong to no sound record.
//
// next is the offset of the next sound record, or end.
func repairedSize(chunk []byte, off, next, end int) (int, bool) {
	if end-off < minRecord {
		return 0, false
	}
	signed := binary.LittleEndian.Uint32(chunk[off:]) == recordSignature
	size := int(sizeField(chunk, off))
	gap := next - off
	possible := size > minRecord && size <= end-off && size%8 == 0
	switch {
	case possible && int(binary.LittleEndian.Uint32(chunk[off+size-recordTail:])) == size:
		return size, true
	case signed && possible && size == gap:
		return size, true
	case signed && gap >= minRecord && int(binary.LittleEndian.Uint32(chunk[next-recordTail:])) == gap:
		return gap, true
	case signed && possible && size < gap:
		return size, true
	}
	return 0, false
}

// nextRecord returns the offset of the first sound record at or after from, or
// end if there is none. A sound frame of a record in the middle of another's
// data cannot be distinguished from a real one.
func nextRecord(chunk []byte, from, end int) int {
	signature := []byte{0x2A, 0x2A, 0, 0}
	for from < end {
		i := bytes.Index(chunk[from:end], signature)
		if i < 0 {
			return end
		}
		from += i
		if _, ok := recordSize(chunk, from, end); ok {
			return from
		}
		from++
	}
	return end
}

func recordID(chunk []byte, off int) uint64 { return binary.LittleEndian.Uint64(chunk[off+8:]) }

func sizeField(chunk []byte, off int) uint32 {
	if len(chunk)-off < 8 {
		return 0
	}
	return binary.LittleEndian.Uint32(chunk[off+4:])
}
