package image

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"path"
	"slices"
	"strings"

	"webshellscan/scan/source/inflate"
)

// libyal/libewf, "Expert Witness Compression Format (EWF)".
const (
	ewfMagic       = "EVF\x09\x0D\x0A\xFF\x00"
	ewfHeaderSize  = 13
	ewfSectionSize = 76
	ewfMaxSections = 1 << 20
	ewfMaxSegments = 14_971 // E01 to ZZZ
	ewfMaxChunk    = 64 << 20
	ewfPacked      = 1 << 31 // of a table's entry
)

func isEWF(f File) bool { return begins(f, 0, ewfMagic) }

// ewf is an open E01 image.
type ewf struct {
	image  *Image
	chunk  int64 // bytes of the disk in a chunk
	chunks []ewfChunk
}

// ewfChunk is where a chunk lies in a segment.
type ewfChunk struct {
	file   File
	at     int64
	length int64 // as stored, with its checksum
	packed bool
}

// ewfSection is a section of a segment.
type ewfSection struct {
	kind     string
	at, next int64
	size     int64 // with its head
}

func openEWF(f File, o Options) (*Image, error) {
	m := &Image{Format: "E01"}
	e := &ewf{image: m}
	set := []File{f}
	for n := 1; n < ewfMaxSegments && o.Sibling != nil; n++ {
		name, ok := ewfSegmentName(o.Name, n)
		if !ok {
			break
		}
		next, err := o.sibling(name)
		if err != nil {
			break
		}
		if !isEWF(next) {
			m.note("%s is no segment of an E01 image", name)
			break
		}
		set = append(set, next)
		m.Parts = append(m.Parts, name)
	}
	if err := e.orderSegments(set); err != nil {
		return nil, err
	}
	done := false
	for i, segment := range set {
		ended, err := e.segment(segment)
		if err != nil {
			if i == 0 && e.chunk == 0 {
				return nil, err
			}
			m.note("segment %d: %v", i+1, err)
		}
		done = done || ended
	}
	if e.chunk == 0 {
		return nil, fmt.Errorf("%w: an E01 image without a volume section", ErrDamaged)
	}
	if !done {
		m.note("the last segment of the image is missing")
	}
	e.finish()
	return m, nil
}

// orderSegments puts the segments in the order of the numbers in them.
func (e *ewf) orderSegments(set []File) error {
	type numbered struct {
		file   File
		number uint16
	}
	list := make([]numbered, len(set))
	for i, f := range set {
		h, err := readTable(f, 0, ewfHeaderSize, ewfHeaderSize)
		if err != nil {
			return err
		}
		list[i] = numbered{f, binary.LittleEndian.Uint16(h[9:])}
	}
	slices.SortStableFunc(list, func(a, b numbered) int { return cmp.Compare(a.number, b.number) })
	for i, n := range list {
		set[i] = n.file
	}
	if list[0].number != 1 {
		e.image.note("the first segment that is there has the number %d", list[0].number)
	}
	return nil
}

// ewfSegmentName returns the name of the segment that comes n after the first:
// E01 to E99, then EAA to EZZ, FAA to ZZZ.
func ewfSegmentName(first string, n int) (string, bool) {
	ext := path.Ext(first)
	if len(ext) != 4 || !strings.EqualFold(ext[2:], "01") {
		return "", false
	}
	stem, letter, n := first[:len(first)-3], ext[1], n+1
	base := byte('A')
	if letter >= 'a' {
		base = 'a'
	}
	if n <= 99 {
		return fmt.Sprintf("%s%c%02d", stem, letter, n), true
	}
	n -= 100
	major := int(letter) + n/(26*26)
	if major > int(base)+25 {
		return "", false
	}
	return fmt.Sprintf("%s%c%c%c", stem, major, base+byte(n/26%26), base+byte(n%26)), true
}

// segment reads the sections of one segment, and reports whether it ends the image.
func (e *ewf) segment(f File) (bool, error) {
	at := int64(ewfHeaderSize)
	var data *ewfSection
	tables := 0
	for range ewfMaxSections {
		s, err := e.section(f, at)
		if err != nil {
			return false, err
		}
		switch s.kind {
		case "done":
			return true, nil
		case "next":
			return false, nil
		case "sectors":
			data, tables = s, 0
		case "table":
			if err := e.table(f, s, data); err == nil {
				tables++
			} else {
				e.image.note("the table at offset %d: %v", s.at, err)
			}
		case "table2":
			if tables == 0 {
				if err := e.table(f, s, data); err != nil {
					return false, err
				}
			}
		default:
			if err := e.other(f, s); err != nil {
				return false, err
			}
		}
		if s.next <= at {
			return false, fmt.Errorf("%w: section %q at offset %d leads back to %d", ErrDamaged, s.kind, at, s.next)
		}
		at = s.next
	}
	return false, fmt.Errorf("%w: more than %d sections", ErrDamaged, ewfMaxSections)
}

// section reads the head of the section at an offset.
func (e *ewf) section(f File, at int64) (*ewfSection, error) {
	b, err := readTable(f, at, ewfSectionSize, ewfSectionSize)
	if err != nil {
		return nil, err
	}
	kind := string(bytes.TrimRight(b[:16], "\x00"))
	if adler32.Checksum(b[:72]) != binary.LittleEndian.Uint32(b[72:]) {
		e.image.note("the checksum of the section at offset %d is wrong", at)
	}
	s := &ewfSection{kind, at, int64(binary.LittleEndian.Uint64(b[16:])), int64(binary.LittleEndian.Uint64(b[24:]))}
	if s.size == 0 {
		s.size = s.next - at
	}
	if kind != "done" && kind != "next" && (s.size < ewfSectionSize || s.size > f.Size()-at) {
		s.size = min(max(s.next-at, ewfSectionSize), f.Size()-at)
	}
	return s, nil
}

// other reads the sections that describe the disk.
func (e *ewf) other(f File, s *ewfSection) error {
	body := s.size - ewfSectionSize
	switch s.kind {
	case "volume", "disk", "data":
		if e.chunk != 0 || body < 94 {
			return nil
		}
		b, err := readTable(f, s.at+ewfSectionSize, min(body, 1052), 1052)
		if err != nil {
			return err
		}
		return e.volume(b)
	case "hash", "digest":
		const md5Size, sha1Size = 16, 20
		b, err := readTable(f, s.at+ewfSectionSize, min(body, md5Size+sha1Size), md5Size+sha1Size)
		if err != nil || len(b) < md5Size {
			return err
		}
		e.image.store("MD5", b[:md5Size])
		if s.kind == "digest" && len(b) == md5Size+sha1Size {
			e.image.store("SHA-1", b[md5Size:])
		}
	case "error2":
		if body < 4 {
			return nil
		}
		b, err := readTable(f, s.at+ewfSectionSize, 4, 4)
		if err != nil {
			return err
		}
		if n := binary.LittleEndian.Uint32(b); n > 0 {
			e.image.note("the acquisition could not read %d ranges of sectors; they are zero in the image", n)
		}
	}
	return nil
}

// volume reads the size of the disk and of its chunks.
func (e *ewf) volume(b []byte) error {
	perChunk, sector := int64(binary.LittleEndian.Uint32(b[8:])), int64(binary.LittleEndian.Uint32(b[12:]))
	sectors := int64(binary.LittleEndian.Uint32(b[16:]))
	if len(b) >= 1052 {
		sectors = int64(binary.LittleEndian.Uint64(b[16:]))
	}
	if perChunk <= 0 || sector <= 0 || sector > 1<<16 || perChunk > ewfMaxChunk/sector || sectors < 0 || sectors > 1<<62/sector {
		return fmt.Errorf("%w: %d sectors of %d bytes, %d in a chunk", ErrDamaged, sectors, sector, perChunk)
	}
	e.chunk = perChunk * sector
	e.image.size = sectors * sector
	return nil
}

// table reads the places of chunks. Their data lie in the sectors section before,
// in old images in the table itself.
func (e *ewf) table(f File, s, data *ewfSection) error {
	head, err := readTable(f, s.at+ewfSectionSize, 24, 24)
	if err != nil {
		return err
	}
	if adler32.Checksum(head[:20]) != binary.LittleEndian.Uint32(head[20:]) {
		return fmt.Errorf("%w: the checksum of its head is wrong", ErrDamaged)
	}
	count, base := int64(binary.LittleEndian.Uint32(head)), int64(binary.LittleEndian.Uint64(head[8:]))
	if count*4 > s.size-ewfSectionSize-24 {
		return fmt.Errorf("%w: %d entries in a section of %d bytes", ErrDamaged, count, s.size)
	}
	entries, err := readTable(f, s.at+ewfSectionSize+24, count*4, maxTable)
	if err != nil {
		return err
	}
	if sum := make([]byte, 4); readFull(f, sum, s.at+ewfSectionSize+24+count*4) == nil &&
		binary.LittleEndian.Uint32(sum) != adler32.Checksum(entries) && data != nil && s.kind == "table" {
		return fmt.Errorf("%w: the checksum of its entries is wrong", ErrDamaged)
	}
	end := s.at + s.size
	if data != nil {
		end = data.at + data.size
	}
	e.entries(f, entries, base, end)
	return nil
}

// entries adds the chunks of a table. Each ends where the next begins, the last
// one with the data. In segments beyond 2 GiB the offsets use all bits, and nothing
// is compressed from there on.
func (e *ewf) entries(f File, entries []byte, base, end int64) {
	first := len(e.chunks)
	wide := false
	var last int64
	for i := 0; i < len(entries); i += 4 {
		raw := binary.LittleEndian.Uint32(entries[i:])
		at := int64(raw &^ ewfPacked)
		if !wide && at < last {
			wide = true
		}
		if wide {
			at = int64(raw)
		}
		last = at
		e.chunks = append(e.chunks, ewfChunk{file: f, at: base + at, packed: !wide && raw&ewfPacked != 0})
	}
	for i := first; i < len(e.chunks); i++ {
		next := end
		if i+1 < len(e.chunks) {
			next = e.chunks[i+1].at
		}
		e.chunks[i].length = next - e.chunks[i].at
	}
}

// finish makes the disk of the chunks that were found.
func (e *ewf) finish() {
	m := e.image
	if have := int64(len(e.chunks)) * e.chunk; have < m.size {
		m.note("the image ends at offset %d of a disk of %d bytes", have, m.size)
		m.size = have
	}
	m.cache = newBlockCache(e.chunk, e.unpack)
	m.locate = func(off int64) (extent, error) {
		n, in := off/e.chunk, off%e.chunk
		return extent{length: e.chunk - in, packed: true, block: n, skip: in}, nil
	}
}

// unpack reads a chunk, and compares its checksum. The last one of a disk may be
// shorter than the others.
func (e *ewf) unpack(n int64, dst []byte) error {
	c := &e.chunks[n]
	want := min(int64(len(dst)), e.image.size-n*e.chunk)
	read := 0
	var err error
	if !c.packed && c.length >= want {
		if c.length >= int64(len(dst))+4 {
			want = int64(len(dst)) // the last one may be filled up
		}
		read, err = c.plain(dst[:want])
	} else {
		err = withPacked(c.file, c.at, c.length, 2*e.chunk+4096, func(packed []byte) (err error) {
			read, err = inflate.Zlib(dst, packed)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("%w: chunk %d, at offset %d of its segment: %w", ErrDamaged, n, c.at, err)
	}
	if int64(read) < want {
		return fmt.Errorf("%w: chunk %d, at offset %d of its segment, has %d bytes of %d", ErrDamaged, n, c.at, read, want)
	}
	return nil
}

// plain reads a chunk that is not compressed. Behind its bytes is their checksum.
func (c *ewfChunk) plain(dst []byte) (int, error) {
	if err := readFull(c.file, dst, c.at); err != nil {
		return 0, err
	}
	if c.length < int64(len(dst))+4 {
		return len(dst), nil // there is no room for one
	}
	sum := make([]byte, 4)
	if err := readFull(c.file, sum, c.at+int64(len(dst))); err != nil {
		return 0, err
	}
	if stored, actual := binary.LittleEndian.Uint32(sum), adler32.Checksum(dst); stored != actual {
		return 0, fmt.Errorf("the checksum is %08x, that of the bytes is %08x", stored, actual)
	}
	return len(dst), nil
}
