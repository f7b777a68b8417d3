package ntfs

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf16"
)

// Attribute types.
const (
	attrStandard = 0x10
	attrList     = 0x20
	attrName     = 0x30
	attrData     = 0x80
	attrReparse  = 0xC0
	attrLast     = 0x100 // $LOGGED_UTILITY_STREAM
	attrEnd      = 0xFFFFFFFF
)

// Attribute flags.
const (
	flagCompressed = 0x00FF
	flagEncrypted  = 0x4000
)

// record is a file record: what it says of the file, and its streams.
type record struct {
	number    int64
	sequence  uint16
	inUse     bool
	directory bool
	base      int64 // the record that this one goes on, 0 if it is a file's first
	baseSeq   uint16
	modified  uint64 // FILETIME of $STANDARD_INFORMATION
	names     []fileName
	streams   []*Stream
	list      []byte // resident attribute list
	listAt    *Stream
	reparse   uint32
	joined    bool // with the records that go on it
	damaged   bool // an attribute, or the chain of them
}

// fileName is a name of a file in a directory.
type fileName struct {
	parent    int64
	parentSeq uint16
	name      string
	dos       bool
}

// Limits on what one record may hold.
const (
	maxNames   = 64
	maxStreams = 256
)

// parseRecord reads a record whose fix-ups are done. What does not fit ends it:
// what came before is kept.
func parseRecord(b []byte, number int64) (*record, error) {
	flags := binary.LittleEndian.Uint16(b[22:])
	base := binary.LittleEndian.Uint64(b[32:])
	r := &record{
		number: number, sequence: binary.LittleEndian.Uint16(b[16:]), inUse: flags&1 != 0, directory: flags&2 != 0,
		base: int64(base & (1<<48 - 1)), baseSeq: uint16(base >> 48),
	}
	at, used := int(binary.LittleEndian.Uint16(b[20:])), int(binary.LittleEndian.Uint32(b[24:]))
	if used > len(b) {
		used = len(b)
	}
	if at < 42 || at > used {
		return nil, fmt.Errorf("%w: record %d begins its attributes at %d", ErrDamaged, number, at)
	}
	last := uint32(attrStandard)
	for at+16 <= used {
		kind, length := binary.LittleEndian.Uint32(b[at:]), int64(binary.LittleEndian.Uint32(b[at+4:]))
		if kind == attrEnd || length < 24 || length > int64(used-at) || length%8 != 0 {
			break
		}
		// Attributes come in the order of their kinds, which are
		// multiples of 16.
		ok := kind >= last && kind <= attrLast && kind%16 == 0 && r.attribute(kind, b[at:at+int(length)])
		r.damaged = r.damaged || !ok
		last = kind
		at += int(length)
	}
	// The end is marked, and the length of the record counts that: 8 bytes.
	if at+8 != used || binary.LittleEndian.Uint32(b[at:]) != attrEnd {
		r.damaged = true
	}
	return r, nil
}

// attribute parses one attribute, and reports whether it is sound.
func (r *record) attribute(kind uint32, a []byte) bool {
	if a[8] != 0 {
		return r.nonResident(kind, a)
	}
	size, at := int64(binary.LittleEndian.Uint32(a[16:])), int64(binary.LittleEndian.Uint16(a[20:]))
	if at+size > int64(len(a)) {
		return false
	}
	value := a[at : at+size]
	switch kind {
	case attrStandard:
		if len(value) >= 16 {
			r.modified = binary.LittleEndian.Uint64(value[8:])
		}
	case attrList:
		r.list = slices.Clone(value)
	case attrName:
		return r.addName(value)
	case attrReparse:
		if len(value) >= 4 {
			r.reparse = binary.LittleEndian.Uint32(value)
		}
	case attrData:
		name, ok := attributeName(a)
		if ok && len(r.streams) < maxStreams {
			r.streams = append(r.streams, &Stream{name: name, resident: slices.Clone(value), size: size, valid: size})
		}
		return ok
	}
	return true
}

// attributeName returns the name of an attribute, "" if it has none.
func attributeName(a []byte) (string, bool) {
	n, at := int(a[9]), int(binary.LittleEndian.Uint16(a[10:]))
	if n == 0 {
		return "", true
	}
	if at+2*n > len(a) {
		return "", false
	}
	return utf16Text(a[at : at+2*n]), true
}

func utf16Text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// addName parses a $FILE_NAME, and reports whether it is sound.
func (r *record) addName(v []byte) bool {
	const head = 66
	if len(v) < head || len(v) < head+2*int(v[64]) {
		return false
	}
	if len(r.names) >= maxNames {
		return true
	}
	parent := binary.LittleEndian.Uint64(v)
	const dosSpace = 2
	r.names = append(r.names, fileName{int64(parent & (1<<48 - 1)), uint16(parent >> 48), utf16Text(v[head : head+2*int(v[64])]), v[65] == dosSpace})
	return true
}

// nonResident parses an attribute whose value lies in clusters, and reports
// whether it is sound.
func (r *record) nonResident(kind uint32, a []byte) bool {
	if len(a) < 64 || kind != attrData && kind != attrList {
		return len(a) >= 64
	}
	name, ok := attributeName(a)
	at := int(binary.LittleEndian.Uint16(a[32:]))
	if !ok || at > len(a) || len(r.streams) >= maxStreams {
		return ok && at <= len(a)
	}
	flags := binary.LittleEndian.Uint16(a[12:])
	s := &Stream{
		name: name, vcn: int64(min(binary.LittleEndian.Uint64(a[16:]), 1<<53)),
		compressed: flags&flagCompressed != 0, Encrypted: flags&flagEncrypted != 0, unit: uint(a[34]),
	}
	if s.vcn == 0 {
		s.size, s.valid = int64(binary.LittleEndian.Uint64(a[48:])), int64(binary.LittleEndian.Uint64(a[56:]))
	}
	last := int64(min(binary.LittleEndian.Uint64(a[24:]), 1<<53))
	s.runs, s.torn = parseRuns(a[at:], s.vcn, last)
	if s.size < 0 || s.valid < 0 {
		return false
	}
	if kind == attrList {
		r.listAt = s
	} else {
		r.streams = append(r.streams, s)
	}
	return true
}

// run is a stretch of clusters of a stream.
type run struct {
	vcn int64 // its first cluster in the stream
	lcn int64 // in the volume, -1 for a hole
	n   int64
}

// parseRuns reads the runs of an attribute that has the clusters vcn to last of
// a stream, and reports whether they are not what it says.
func parseRuns(b []byte, vcn, last int64) (runs []run, torn bool) {
	var lcn int64
	for len(b) > 0 && b[0] != 0 {
		n, off := int(b[0]&15), int(b[0]>>4)
		if n == 0 || n > 8 || off > 8 || 1+n+off > len(b) {
			return runs, true
		}
		length := signed(b[1:1+n], false)
		if length <= 0 || length > last-vcn+1 {
			return runs, true
		}
		at := int64(-1)
		if off > 0 {
			lcn += signed(b[1+n:1+n+off], true)
			if at = lcn; at < 0 || at > 1<<53 {
				return runs, true
			}
		}
		runs = append(runs, run{vcn, at, length})
		vcn += length
		b = b[1+n+off:]
	}
	return runs, vcn != last+1
}

// signed returns the little-endian number in up to eight bytes.
func signed(b []byte, sign bool) int64 {
	var n uint64
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	if sign && len(b) < 8 && b[len(b)-1]&0x80 != 0 {
		n |= ^uint64(0) << (8 * len(b))
	}
	return int64(n)
}

// stream returns the stream of a name, nil if there is none. Its parts, which
// lie in several records, are joined.
func (r *record) stream(name string) *Stream {
	var parts []*Stream
	for _, s := range r.streams {
		if s.name == name {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	slices.SortStableFunc(parts, func(a, b *Stream) int { return cmp.Compare(a.vcn, b.vcn) })
	joined := *parts[0]
	for _, s := range parts[1:] {
		joined.torn = joined.torn || s.torn || s.vcn != joined.end()
		if s.vcn >= joined.end() {
			joined.runs = append(slices.Clip(joined.runs), s.runs...)
		}
	}
	return &joined
}

// merge adds what a record says that goes on this one.
func (r *record) merge(extra *record) {
	if len(r.names)+len(extra.names) <= maxNames {
		r.names = append(r.names, extra.names...)
	}
	if len(r.streams)+len(extra.streams) <= 16*maxStreams {
		r.streams = append(r.streams, extra.streams...)
	}
}

// listed returns the other records that an attribute list names.
func (v *Volume) listed(r *record) []int64 {
	list := r.list
	if r.listAt != nil {
		const most = 1 << 20
		s := *r.listAt
		s.volume = v
		s.trim()
		list = make([]byte, min(s.size, most))
		n, _ := s.ReadAt(list, 0) // what cannot be read names nothing
		list = list[:n]
	}
	var numbers []int64
	seen := map[int64]bool{r.number: true}
	for len(list) >= 26 {
		length := int(binary.LittleEndian.Uint16(list[4:]))
		if length < 26 || length > len(list) {
			break
		}
		if n := int64(binary.LittleEndian.Uint64(list[16:]) & (1<<48 - 1)); !seen[n] {
			seen[n] = true
			numbers = append(numbers, n)
		}
		list = list[length:]
	}
	return numbers
}
