package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"webshellscan/scan/source/pieces"
)

// The end record of a zip archive. APPNOTE 4.3.14 to 4.3.16.
const (
	zipEndSize       = 22
	zipMaxComment    = 1<<16 - 1
	zip64EndSize     = 56
	zip64EndMark     = "PK\x06\x06"
	zip64LocatorSize = 20
	zip64LocatorMark = "PK\x06\x07"
	zipEntrySize     = 46
	zipEntryMark     = "PK\x01\x02"
	inZip64          = 1<<32 - 1 // the value is in a zip64 record
)

// zipEnd is what the end of an archive states of the files that it consists of.
type zipEnd struct {
	disk          int // number of the last file, from 0
	directoryDisk int // that its directory begins in
	offset, size  int64
	at            int64 // of the record in the last file
}

// findZipEnd finds the end record at the end of a file, or, if it may have a
// comment or something else behind it, in as many bytes as the longest comment
// takes.
func findZipEnd(f File, behind bool) (e zipEnd, ok bool) {
	e, ok = zipEndIn(f, zipEndSize)
	if !ok && behind {
		e, ok = zipEndIn(f, zipEndSize+zipMaxComment)
	}
	return e, ok
}

// zipEndIn returns the last end record in the last bytes of a file.
func zipEndIn(f File, window int64) (e zipEnd, ok bool) {
	window = min(window, f.Size())
	tail := make([]byte, window)
	if n, _ := f.ReadAt(tail, f.Size()-window); n < len(tail) {
		return e, false
	}
	for i := len(tail); ; {
		i = bytes.LastIndex(tail[:i], []byte(ZipEndSignature))
		if i < 0 {
			return e, false
		}
		if r := tail[i:]; len(r) >= zipEndSize && int(binary.LittleEndian.Uint16(r[20:])) <= len(r)-zipEndSize {
			e = zipEnd{
				disk: int(binary.LittleEndian.Uint16(r[4:])), directoryDisk: int(binary.LittleEndian.Uint16(r[6:])),
				size: int64(binary.LittleEndian.Uint32(r[12:])), offset: int64(binary.LittleEndian.Uint32(r[16:])), at: f.Size() - window + int64(i),
			}
			return e, true
		}
	}
}

// FormatOfFile returns the format of a file of a name, whose first bytes, up to
// 512, are given: also of a zip archive that begins with something else, as one
// that unpacks itself does, or the last file of one that is in several. Of a
// program the end is searched only if deep is set; else its last bytes are
// looked at.
func FormatOfFile(f File, head []byte, name string, deep bool) Format {
	if format := FormatOf(head); format != None {
		return format
	}
	called := strings.EqualFold(path.Ext(name), ".zip")
	if !called && !bytes.HasPrefix(head, []byte(programMark)) {
		return None
	}
	if e, ok := findZipEnd(f, deep || called); ok && (e.disk > 0 && called || e.leads(f)) {
		return Zip
	}
	return None
}

// programMark begins a Windows program.
const programMark = "MZ"

// leads reports whether there is a directory before the record.
func (e *zipEnd) leads(f File) bool {
	mark := make([]byte, 4)
	at := e.at - e.size
	if e.size == inZip64 || e.offset == inZip64 {
		n, _ := f.ReadAt(mark, e.at-zip64LocatorSize) // before the file is none
		return n == len(mark) && string(mark) == zip64LocatorMark
	}
	n, _ := f.ReadAt(mark, at) // before the file is none
	return n == len(mark) && string(mark) == zipEntryMark
}

// ZipParts returns the names of the files that a zip archive consists of, whose
// last file is given with its name: X.z01, X.z02 and so on, and X.zip itself.
// It returns nil for an archive that is one file.
func ZipParts(f File, name string) []string {
	const mostDisks = 1 << 12
	ext := path.Ext(name)
	if !strings.EqualFold(ext, ".zip") {
		return nil
	}
	e, ok := findZipEnd(f, true)
	if !ok || e.disk == 0 || e.disk > mostDisks {
		return nil
	}
	var names []string
	for i := range e.disk {
		names = append(names, fmt.Sprintf("%s%c%02d", name[:len(name)-3], ext[1], i+1))
	}
	return append(names, name)
}

// ZipOfPart returns the name of the last file of the zip archive that a file of
// a name is a part of, which is called X.z01; ok is false if it is called as
// none.
func ZipOfPart(name string) (last string, ok bool) {
	ext := path.Ext(name)
	if len(ext) < 4 || len(ext) > 5 || ext[1] != 'z' && ext[1] != 'Z' || strings.Trim(ext[2:], "0123456789") != "" {
		return "", false
	}
	ending := "zip"
	if ext[1] == 'Z' {
		ending = "ZIP"
	}
	return name[:len(name)-len(ext)+1] + ending, true
}

// JoinZip returns the archive that consists of several files, of which nil ones
// are missing and the last is not. Its directory counts offsets from the start
// of the file that a member begins in: another one is put behind it, as of an
// archive in one file.
func JoinZip(files []pieces.File) (File, error) {
	joined := pieces.Of(files...)
	last := files[len(files)-1]
	e, ok := findZipEnd(last, true)
	if !ok {
		return nil, fmt.Errorf("%w: no end record", ErrDamaged)
	}
	if err := e.zip64(last, joined); err != nil {
		return nil, err
	}
	if e.directoryDisk >= len(files) || e.offset < 0 || e.size < 0 {
		return nil, fmt.Errorf("%w: its directory begins in file %d of %d", ErrDamaged, e.directoryDisk+1, len(files))
	}
	at := joined.Start(e.directoryDisk)
	if e.offset > joined.Size()-at || e.size > joined.Size()-at-e.offset || e.size > maxZipDirectory {
		return nil, fmt.Errorf("%w: a directory of %d bytes at offset %d of file %d", ErrDamaged, e.size, e.offset, e.directoryDisk+1)
	}
	old := make([]byte, e.size)
	if n, err := joined.ReadAt(old, at+e.offset); n < len(old) {
		return nil, fmt.Errorf("%w: its directory cannot be read: %w", ErrDamaged, err)
	}
	directory, count, err := movedDirectory(old, joined, len(files))
	if err != nil {
		return nil, err
	}
	return pieces.Of(joined, bytes.NewReader(append(directory, zip64End(joined.Size(), int64(len(directory)), count)...))), nil
}

// maxZipDirectory bounds a directory that is moved: that of as many members as
// an archive may have.
const maxZipDirectory = 256 << 20

// zip64 reads what does not fit into the end record from those of zip64 before
// it.
func (e *zipEnd) zip64(last File, joined *pieces.Joined) error {
	locator := make([]byte, zip64LocatorSize)
	if n, _ := last.ReadAt(locator, e.at-zip64LocatorSize); n < len(locator) || string(locator[:4]) != zip64LocatorMark {
		return nil
	}
	disk, at := int(binary.LittleEndian.Uint32(locator[4:])), binary.LittleEndian.Uint64(locator[8:])
	r := make([]byte, zip64EndSize)
	if disk > e.disk || at > 1<<62 {
		return fmt.Errorf("%w: a zip64 end record at offset %d of file %d", ErrDamaged, at, disk+1)
	}
	if n, err := joined.ReadAt(r, joined.Start(disk)+int64(at)); n < len(r) || string(r[:4]) != zip64EndMark {
		return fmt.Errorf("%w: no zip64 end record at offset %d of file %d: %w", ErrDamaged, at, disk+1, errors.Join(err, io.ErrUnexpectedEOF))
	}
	e.directoryDisk = int(binary.LittleEndian.Uint32(r[20:]))
	e.size, e.offset = int64(binary.LittleEndian.Uint64(r[40:])), int64(binary.LittleEndian.Uint64(r[48:]))
	return nil
}

// movedDirectory returns a directory whose offsets count from the start of the
// first file, and how many members it has.
func movedDirectory(old []byte, joined *pieces.Joined, disks int) (directory []byte, count int64, err error) {
	for len(old) > 0 {
		if len(old) < zipEntrySize || string(old[:4]) != zipEntryMark {
			return nil, 0, fmt.Errorf("%w: its directory has no entry after %d members", ErrDamaged, count)
		}
		name := int(binary.LittleEndian.Uint16(old[28:]))
		extra := int(binary.LittleEndian.Uint16(old[30:]))
		comment := int(binary.LittleEndian.Uint16(old[32:]))
		end := zipEntrySize + name + extra + comment
		if end > len(old) {
			return nil, 0, fmt.Errorf("%w: its directory is cut off after %d members", ErrDamaged, count)
		}
		p := zipPlace{
			size: uint64(binary.LittleEndian.Uint32(old[24:])), packed: uint64(binary.LittleEndian.Uint32(old[20:])),
			offset: uint64(binary.LittleEndian.Uint32(old[42:])), disk: uint32(binary.LittleEndian.Uint16(old[34:])),
		}
		others := p.zip64(old[zipEntrySize+name : zipEntrySize+name+extra])
		if int64(p.disk) >= int64(disks) {
			p.disk, p.offset = 0, 1<<62 // the member is named: it lies behind the archive
		}
		p.offset += uint64(joined.Start(int(p.disk)))
		directory = p.append(directory, old[:zipEntrySize+name], others, old[end-comment:end])
		old = old[end:]
		count++
	}
	return directory, count, nil
}

// zipPlace is where a member lies.
type zipPlace struct {
	size, packed, offset uint64
	disk                 uint32
}

// zip64 reads from a member's extra field what does not fit into its entry, and
// returns the other parts of it. APPNOTE 4.5.3.
func (p *zipPlace) zip64(extra []byte) (others []byte) {
	const id, noDisk = 1, 1<<16 - 1
	for len(extra) >= 4 {
		n := int(binary.LittleEndian.Uint16(extra[2:]))
		if n > len(extra)-4 {
			break
		}
		b := extra[4 : 4+n]
		if binary.LittleEndian.Uint16(extra) != id {
			others = append(others, extra[:4+n]...)
			extra = extra[4+n:]
			continue
		}
		for _, field := range []*uint64{&p.size, &p.packed, &p.offset} {
			if *field == inZip64 && len(b) >= 8 {
				*field, b = binary.LittleEndian.Uint64(b), b[8:]
			}
		}
		if p.disk == noDisk && len(b) >= 4 {
			p.disk = binary.LittleEndian.Uint32(b)
		}
		extra = extra[4+n:]
	}
	return others
}

// append adds the entry of a member, whose head with its name, other extra
// fields and comment are given. What may not fit is in a zip64 field.
func (p *zipPlace) append(directory, head, others, comment []byte) []byte {
	const fieldSize = 4 + 3*8
	at := len(directory)
	directory = append(directory, head...)
	entry := directory[at:]
	for _, field := range []int{20, 24, 42} {
		binary.LittleEndian.PutUint32(entry[field:], inZip64)
	}
	if len(others) > 1<<16-1-fieldSize {
		others = nil
	}
	binary.LittleEndian.PutUint16(entry[30:], uint16(fieldSize+len(others)))
	binary.LittleEndian.PutUint16(entry[34:], 0)
	directory = append(directory, 1, 0, fieldSize-4, 0)
	for _, v := range []uint64{p.size, p.packed, p.offset} {
		directory = binary.LittleEndian.AppendUint64(directory, v)
	}
	return append(append(directory, others...), comment...)
}

// zip64End returns the end records of an archive in one file, whose directory
// lies at an offset.
func zip64End(at, size, count int64) []byte {
	r := append([]byte(zip64EndMark), make([]byte, zip64EndSize-4)...)
	binary.LittleEndian.PutUint64(r[4:], zip64EndSize-12)
	for field, v := range map[int]int64{24: count, 32: count, 40: size, 48: at} {
		binary.LittleEndian.PutUint64(r[field:], uint64(v))
	}
	locator := append([]byte(zip64LocatorMark), make([]byte, zip64LocatorSize-4)...)
	binary.LittleEndian.PutUint64(locator[8:], uint64(at+size))
	binary.LittleEndian.PutUint32(locator[16:], 1)
	end := append([]byte(ZipEndSignature), make([]byte, zipEndSize-4)...)
	for field := 8; field < 20; field++ {
		end[field] = 0xFF // it is in the record of zip64
	}
	return bytes.Join([][]byte{r, locator, end}, nil)
}
