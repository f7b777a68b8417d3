// Package ntfstest writes small NTFS volumes for tests: only what a reader of
// the master file table needs, so no operating system would mount them. It
// shares no code with the reader.
package ntfstest

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Cluster is the size of a cluster in bytes.
const Cluster = 4096

const (
	recordSize = 1024
	mftCluster = 4
	mftRecords = 64 // at least
	firstFile  = 24
	rootRecord = 5
)

// File is a file to be written.
type File struct {
	// Path has slashes; folders on the way are made.
	Path string
	// Stream is the name of an alternate data stream, which the file then
	// has beside an empty content.
	Stream string
	Data   []byte
	// Deleted marks the record as no longer in use, and its clusters as
	// free.
	Deleted bool
	// Fragments is how many runs the data have at most; 0 means one.
	Fragments int
	// Compressed stores the data by LZNT1, each unit as literals.
	Compressed bool
	// Resident keeps the data in the record.
	Resident bool
}

// Volume returns the bytes of a volume of so many clusters with these files.
func Volume(clusters int, files ...File) []byte {
	table := tableSize(files)
	v := &volume{data: make([]byte, clusters*Cluster), next: mftCluster + table/Cluster, records: firstFile, folders: map[string]uint64{"": rootRecord}, bitmap: make([]byte, (clusters+7)/8)}
	v.boot()
	for i := range v.next {
		v.bitmap[i/8] |= 1 << (i % 8)
	}
	v.put(rootRecord, record{flags: 3, names: []name{{rootRecord, "."}}})
	for _, f := range files {
		v.add(f)
	}
	mft := runs{{mftCluster, table / Cluster}}
	v.put(0, record{flags: 1, names: []name{{rootRecord, "$MFT"}}, streams: []stream{{runs: mft, size: table}}})
	n := (len(v.bitmap) + Cluster - 1) / Cluster
	at := v.alloc(n)
	copy(v.data[at*Cluster:], v.bitmap)
	v.put(6, record{flags: 1, names: []name{{rootRecord, "$Bitmap"}}, streams: []stream{{runs: runs{{at, n}}, size: len(v.bitmap)}}})
	return v.data
}

// tableSize returns how many bytes of whole clusters the master file table
// needs.
func tableSize(files []File) int {
	folders := make(map[string]bool)
	for _, f := range files {
		for at, c := range f.Path {
			if c == '/' {
				folders[f.Path[:at]] = true
			}
		}
	}
	size := max(mftRecords, firstFile+len(files)+len(folders)) * recordSize
	return (size + Cluster - 1) / Cluster * Cluster
}

type volume struct {
	data    []byte
	next    int // free cluster
	records int // free record
	folders map[string]uint64
	bitmap  []byte
}

type name struct {
	parent uint64
	text   string
}

type runs [][2]int // cluster (-1: hole) and count

type stream struct {
	name       string
	resident   []byte
	runs       runs
	size       int
	compressed bool
}

type record struct {
	flags   uint16
	names   []name
	streams []stream
}

func (v *volume) boot() {
	b := v.data
	copy(b, "\xEB\x52\x90NTFS    ")
	binary.LittleEndian.PutUint16(b[11:], 512)
	b[13] = Cluster / 512
	binary.LittleEndian.PutUint64(b[40:], uint64(len(v.data)/512))
	binary.LittleEndian.PutUint64(b[48:], mftCluster)
	binary.LittleEndian.PutUint64(b[56:], mftCluster)
	b[64] = 0xF6 // 2^10
	b[510], b[511] = 0x55, 0xAA
}

func (v *volume) alloc(n int) int {
	at := v.next
	v.next += n
	for i := at; i < at+n; i++ {
		v.bitmap[i/8] |= 1 << (i % 8)
	}
	return at
}

// folder returns the record of a folder, and makes it.
func (v *volume) folder(path string) uint64 {
	if n, ok := v.folders[path]; ok {
		return n
	}
	above, base := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		above, base = path[:i], path[i+1:]
	}
	parent := v.folder(above)
	n := uint64(v.records)
	v.records++
	v.folders[path] = n
	v.put(int(n), record{flags: 3, names: []name{{parent, base}}})
	return n
}

func (v *volume) add(f File) {
	above, base := "", f.Path
	if i := strings.LastIndexByte(f.Path, '/'); i >= 0 {
		above, base = f.Path[:i], f.Path[i+1:]
	}
	r := record{flags: 1, names: []name{{v.folder(above), base}}}
	if f.Deleted {
		r.flags = 0
	}
	if f.Stream != "" {
		r.streams = append(r.streams, stream{resident: []byte{}})
	}
	s := stream{name: f.Stream, size: len(f.Data), compressed: f.Compressed}
	first := v.next
	switch {
	case f.Resident:
		s.resident = f.Data
	case f.Compressed:
		s.runs = v.compress(f.Data)
	default:
		s.runs = v.store(f.Data, max(1, f.Fragments))
	}
	if f.Deleted {
		for i := first; i < v.next; i++ {
			v.bitmap[i/8] &^= 1 << (i % 8)
		}
	}
	r.streams = append(r.streams, s)
	v.put(v.records, r)
	v.records++
}

// store writes data into so many runs with a free cluster between them.
func (v *volume) store(data []byte, fragments int) runs {
	total := (len(data) + Cluster - 1) / Cluster
	per := max(1, (total+fragments-1)/fragments)
	var list runs
	for done := 0; done < total; done += per {
		n := min(per, total-done)
		at := v.alloc(n)
		copy(v.data[at*Cluster:], data[done*Cluster:min(len(data), (done+n)*Cluster)])
		list = append(list, [2]int{at, n})
		v.next++
	}
	return list
}

// compress writes data in units of 16 clusters: blocks of literals and of one
// repeated byte, which take fewer clusters; a unit of zeros is a hole.
func (v *volume) compress(data []byte) runs {
	const unit = 16 * Cluster
	var list runs
	for len(data) > 0 {
		part := make([]byte, unit)
		n := copy(part, data)
		data = data[n:]
		packed := packUnit(part)
		clusters := (len(packed) + Cluster - 1) / Cluster
		switch {
		case len(strings.Trim(string(part), "\x00")) == 0:
			list = append(list, [2]int{-1, 16})
			continue
		case clusters >= 16:
			packed, clusters = part, 16
		}
		at := v.alloc(clusters)
		copy(v.data[at*Cluster:], packed)
		list = append(list, [2]int{at, clusters})
		if clusters < 16 {
			list = append(list, [2]int{-1, 16 - clusters})
		}
	}
	return list
}

// packUnit compresses blocks of 4,096 bytes: one of a single byte by a
// reference that overlaps itself, others are kept.
func packUnit(unit []byte) []byte {
	var out []byte
	for len(unit) > 0 {
		block := unit[:4096]
		unit = unit[4096:]
		if strings.Trim(string(block), string(block[:1])) == "" {
			// A literal, then a reference one byte back: 12 bits of
			// length at this place.
			const length = 4095 - 3
			out = append(out, 4-1, 0xB0, 0x02, block[0], length&0xFF, length>>8)
			continue
		}
		out = append(out, 0xFF, 0x3F)
		out = append(out, block...)
	}
	return out
}

// put writes a record.
func (v *volume) put(number int, r record) {
	b := v.data[mftCluster*Cluster+number*recordSize:][:recordSize]
	clear(b)
	copy(b, "FILE")
	le := binary.LittleEndian
	le.PutUint16(b[4:], 48)
	le.PutUint16(b[6:], recordSize/512+1)
	le.PutUint16(b[16:], 1)
	le.PutUint16(b[18:], uint16(len(r.names)))
	le.PutUint16(b[20:], 56)
	le.PutUint16(b[22:], r.flags)
	le.PutUint32(b[44:], uint32(number))
	at := 56
	for _, n := range r.names {
		value := make([]byte, 66)
		le.PutUint64(value, n.parent|1<<48)
		units := utf16.Encode([]rune(n.text))
		value[64], value[65] = byte(len(units)), 1
		for _, u := range units {
			value = le.AppendUint16(value, u)
		}
		at += attribute(b[at:], 0x30, stream{resident: value})
	}
	for _, s := range r.streams {
		at += attribute(b[at:], 0x80, s)
	}
	le.PutUint32(b[at:], 0xFFFFFFFF)
	le.PutUint32(b[24:], uint32(at+8))
	le.PutUint32(b[28:], recordSize)
	le.PutUint16(b[48:], 7) // the mark of the fix-ups
	for i := 1; i <= recordSize/512; i++ {
		copy(b[48+2*i:], b[i*512-2:i*512])
		le.PutUint16(b[i*512-2:], 7)
	}
}

// attribute writes an attribute and returns its length.
func attribute(b []byte, kind uint32, s stream) int {
	le := binary.LittleEndian
	units := utf16.Encode([]rune(s.name))
	head := 24
	if s.resident == nil {
		head = 64
	}
	at := head
	for _, u := range units {
		le.PutUint16(b[at:], u)
		at += 2
	}
	at = (at + 7) / 8 * 8
	le.PutUint32(b, kind)
	b[9] = byte(len(units))
	le.PutUint16(b[10:], uint16(head))
	if s.resident != nil {
		le.PutUint32(b[16:], uint32(len(s.resident)))
		le.PutUint16(b[20:], uint16(at))
		at += copy(b[at:], s.resident)
	} else {
		b[8] = 1
		if s.compressed {
			le.PutUint16(b[12:], 1)
			b[34] = 4
		}
		clusters, list := 0, encodeRuns(s.runs)
		for _, r := range s.runs {
			clusters += r[1]
		}
		le.PutUint64(b[24:], uint64(clusters-1))
		le.PutUint16(b[32:], uint16(at))
		le.PutUint64(b[40:], uint64(clusters*Cluster))
		le.PutUint64(b[48:], uint64(s.size))
		le.PutUint64(b[56:], uint64(s.size))
		at += copy(b[at:], list)
	}
	at = (at + 7) / 8 * 8
	le.PutUint32(b[4:], uint32(at))
	return at
}

// encodeRuns writes runs with numbers of four bytes.
func encodeRuns(list runs) []byte {
	var out []byte
	last := 0
	for _, r := range list {
		if r[0] < 0 {
			out = binary.LittleEndian.AppendUint32(append(out, 0x04), uint32(r[1]))
			continue
		}
		out = binary.LittleEndian.AppendUint32(append(out, 0x44), uint32(r[1]))
		out = binary.LittleEndian.AppendUint32(out, uint32(int32(r[0]-last)))
		last = r[0]
	}
	return append(out, 0)
}
