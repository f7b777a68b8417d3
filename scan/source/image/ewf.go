package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"

	"webshellscan/scan/source/inflate"
)

// libyal/libewf, "Expert Witness Compression Format (EWF)".
const (
	ewfHeaderSize  = 13
	ewfSectionSize = 76
	ewfMaxSections = 1 << 20
	ewfMaxSegments = 14_971 // E01 to ZZZ
	ewfMaxChunk    = 64 << 20
	ewfPacked      = 1 << 31 // of a table's entry
)

func isEWF(f File) bool { return begins(f, 0, EWFSignature) }

// ewf is an open E01 image.
type ewf struct {
	image  *Image
	chunk  int64 // bytes of the disk in a chunk
	sector int64 // in bytes
	chunks []ewfChunk
	gaps   []int // numbers of chunks before which others may be missing
}

// ewfChunk is where a chunk lies in a segment.
type ewfChunk struct {
	file   File // nil if it is missing
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
	set, err := m.ewfSegments(f, o)
	if err != nil {
		return nil, err
	}
	e := &ewf{image: m}
	if err := e.readSegments(set); err != nil {
		return nil, err
	}
	e.finish()
	return m, nil
}

// segment reads the sections of one segment, and reports whether it ends the
// image.
func (e *ewf) segment(f File) (bool, error) {
	at := int64(ewfHeaderSize)
	var data *ewfSection // whose table was not read yet
	var failed error     // why the last table could not be read; its copy may follow
	for range ewfMaxSections {
		s, err := e.section(f, at)
		if err != nil {
			if data != nil {
				e.withoutTable(f, data)
			}
			return false, errors.Join(failed, err)
		}
		if failed != nil && s.kind != "table2" {
			if data == nil || !e.withoutTable(f, data) {
				e.gap("%v", failed)
			}
			failed, data = nil, nil
		}
		switch s.kind {
		case "done", "next":
			return s.kind == "done", nil
		case "sectors":
			data = s
		case "table", "table2":
			if s.kind == "table2" && failed == nil {
				break // the copy of a table that was read
			}
			if failed = e.table(f, s, data); failed == nil {
				data = nil
			} else {
				e.image.addNote("%v", failed)
			}
		default:
			if err := e.other(f, s); err != nil {
				return false, err
			}
		}
		if s.next <= at {
			return false, errors.Join(failed, fmt.Errorf("%w: section %q at offset %d leads back to %d", ErrDamaged, s.kind, at, s.next))
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
		e.image.addNote("the checksum of the section at offset %d is wrong", at)
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
		return e.errors(f, s)
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
	e.chunk, e.sector = perChunk*sector, sector
	e.image.size = sectors * sector
	return nil
}

// table adds the chunks of a table.
func (e *ewf) table(f File, s, data *ewfSection) error {
	if err := e.readTable(f, s, data); err != nil {
		return fmt.Errorf("the table at offset %d: %w", s.at, err)
	}
	return nil
}

// readTable reads the places of chunks. Their data lie in the sectors section
// before, in old images in the table itself.
func (e *ewf) readTable(f File, s, data *ewfSection) error {
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
// one with the data. In segments beyond 2 GiB the offsets use all bits, and
// nothing is compressed from there on.
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
		m.lose("the image ends at offset %d of a disk of %d bytes", have, m.size)
		m.size = have
	}
	m.joinUnread(e.sector)
	m.cache = newBlockCache(e.chunk, e.unpack)
	m.locate = func(off int64) (extent, error) {
		n, in := off/e.chunk, off%e.chunk
		return extent{length: e.chunk - in, packed: true, block: n, skip: in}, nil
	}
}

// unpack reads a chunk, and compares its checksum. The last one of a disk may
// be shorter than the others.
func (e *ewf) unpack(n int64, dst []byte) error {
	c := &e.chunks[n]
	if c.file == nil {
		return fmt.Errorf("%w: chunk %d is missing", ErrDamaged, n)
	}
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

// plain reads a chunk that is not compressed. Behind its bytes is their
// checksum.
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
