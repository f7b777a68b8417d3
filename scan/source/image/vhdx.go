package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode/utf16"
)

// [MS-VHDX]. GUIDs are in the byte order in which they lie on disk.
const (
	vhdxUnit       = 1 << 20
	vhdxLogSector  = 4096
	vhdxMaxBlock   = 256 << 20
	vhdxMaxLog     = 256 << 20
	vhdxMaxEntries = 2047

	vhdxBAT      = "\x66\x77\xC2\x2D\x23\xF6\x00\x42\x9D\x64\x11\x5E\x9B\xFD\x4A\x08"
	vhdxMetadata = "\x06\xA2\x7C\x8B\x90\x47\x9A\x4B\xB8\xFE\x57\x5F\x05\x0F\x88\x6E"

	vhdxFileParameters = "\x37\x67\xA1\xCA"
	vhdxDiskSize       = "\x24\x42\xA5\x2F"
	vhdxSectorSize     = "\x1D\xBF\x41\x81"
	vhdxParentLocator  = "\x2D\x5F\xD3\xA8"
)

// States of a block [MS-VHDX 2.5.1.1].
const (
	vhdxNotPresent = 0
	vhdxUndefined  = 1
	vhdxZero       = 2
	vhdxUnmapped   = 3
	vhdxPresent    = 6
	vhdxPartly     = 7
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func isVHDX(f File) bool { return begins(f, 0, VHDXSignature) }

// vhdx is an open VHDX image.
type vhdx struct {
	file    File // with the log replayed
	bat     []byte
	block   int64
	sector  int64
	ratio   int64 // blocks for each sector bitmap
	parents bool
	above   *Image
}

func openVHDX(f File, o Options) (*Image, error) {
	m := &Image{Format: "VHDX"}
	header, err := vhdxHeader(f)
	if err != nil {
		return nil, err
	}
	v := &vhdx{file: f}
	if !allZero(header[48:64]) {
		v.file = vhdxReplay(m, f, header)
	}
	regions, err := v.regions(m)
	if err != nil {
		return nil, err
	}
	parent, err := v.metadata(m, regions[vhdxMetadata])
	if err != nil {
		return nil, err
	}
	v.ratio = (1 << 23) * v.sector / v.block
	blocks := (m.size + v.block - 1) / v.block
	entries := blocks + blocks/v.ratio + 1
	bat := regions[vhdxBAT]
	if entries*8 > bat.length {
		entries = bat.length / 8
	}
	if v.bat, err = readTable(v.file, bat.at, entries*8, maxTable); err != nil {
		return nil, err
	}
	if v.parents {
		if v.above, err = m.parent(o, parent); err != nil {
			return nil, err
		}
	}
	m.locate = v.locate
	return m, nil
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// vhdxHeader returns the header whose checksum is right and whose sequence
// number is the higher one [MS-VHDX 2.2.2].
func vhdxHeader(f File) ([]byte, error) {
	var best []byte
	for _, at := range []int64{64 << 10, 128 << 10} {
		h, err := readTable(f, at, 4096, 4096)
		if err != nil || string(h[:4]) != "head" || !crcFits(h, 4) {
			continue
		}
		if best == nil || binary.LittleEndian.Uint64(h[8:]) > binary.LittleEndian.Uint64(best[8:]) {
			best = h
		}
	}
	if best == nil {
		return nil, fmt.Errorf("%w: neither header of the VHDX is valid", ErrDamaged)
	}
	if version := binary.LittleEndian.Uint16(best[66:]); version != 1 {
		return nil, fmt.Errorf("%w: version %d of VHDX", ErrUnsupported, version)
	}
	return best, nil
}

// crcFits reports whether the CRC-32C at an offset is that of the bytes with it
// zeroed.
func crcFits(b []byte, at int) bool {
	crc := crc32.Update(0, castagnoli, b[:at])
	crc = crc32.Update(crc, castagnoli, []byte{0, 0, 0, 0})
	crc = crc32.Update(crc, castagnoli, b[at+4:])
	return crc == binary.LittleEndian.Uint32(b[at:])
}

// region is a stretch of the file.
type region struct{ at, length int64 }

// regions reads the region table, or its copy [MS-VHDX 2.2.3].
func (v *vhdx) regions(m *Image) (map[string]region, error) {
	var reason error
	for i, at := range []int64{192 << 10, 256 << 10} {
		t, err := readTable(v.file, at, 64<<10, 64<<10)
		if err == nil && (string(t[:4]) != "regi" || !crcFits(t, 4)) {
			err = fmt.Errorf("%w: the region table at offset %d is not valid", ErrDamaged, at)
		}
		if err != nil {
			reason = err
			continue
		}
		if i > 0 {
			m.addNote("the first region table is damaged; its copy was used")
		}
		return regionsOf(t)
	}
	return nil, reason
}

// regionsOf reads the entries of a region table.
func regionsOf(t []byte) (map[string]region, error) {
	n := int(min(binary.LittleEndian.Uint32(t[8:]), vhdxMaxEntries))
	found := make(map[string]region)
	for i := range n {
		e := t[16+32*i:]
		guid := string(e[:16])
		if guid != vhdxBAT && guid != vhdxMetadata {
			if binary.LittleEndian.Uint32(e[28:])&1 != 0 {
				return nil, fmt.Errorf("%w: a required region of an unknown kind", ErrUnsupported)
			}
			continue
		}
		found[guid] = region{int64(binary.LittleEndian.Uint64(e[16:])), int64(binary.LittleEndian.Uint32(e[24:]))}
	}
	if len(found) != 2 {
		return nil, fmt.Errorf("%w: the block table or the metadata are missing", ErrDamaged)
	}
	return found, nil
}

// metadata reads the sizes, and of a differencing image the name of its parent
// [MS-VHDX 2.6].
func (v *vhdx) metadata(m *Image, r region) (parent string, err error) {
	t, err := readTable(v.file, r.at, 64<<10, 64<<10)
	if err != nil {
		return "", err
	}
	if string(t[:8]) != "metadata" {
		return "", fmt.Errorf("%w: no metadata at offset %d", ErrDamaged, r.at)
	}
	for i := range int(min(binary.LittleEndian.Uint16(t[10:]), vhdxMaxEntries)) {
		e := t[32+32*i:]
		at, n := r.at+int64(binary.LittleEndian.Uint32(e[16:])), int64(binary.LittleEndian.Uint32(e[20:]))
		b, err := readTable(v.file, at, n, vhdxUnit)
		if err != nil {
			return "", err
		}
		switch id := string(e[:4]); {
		case id == vhdxFileParameters && n >= 8:
			v.block = int64(binary.LittleEndian.Uint32(b))
			v.parents = b[4]&2 != 0
		case id == vhdxDiskSize && n >= 8:
			m.size = int64(binary.LittleEndian.Uint64(b))
		case id == vhdxSectorSize && n >= 4:
			v.sector = int64(binary.LittleEndian.Uint32(b))
		case id == vhdxParentLocator:
			parent = vhdxParent(b)
		}
	}
	if v.sector != 512 && v.sector != 4096 || v.block < vhdxUnit || v.block > vhdxMaxBlock || v.block&(v.block-1) != 0 || m.size <= 0 || m.size > 64<<40 {
		return "", fmt.Errorf("%w: a disk of %d bytes in blocks of %d, sectors of %d", ErrDamaged, m.size, v.block, v.sector)
	}
	return parent, nil
}

// vhdxParent returns the file name in a parent locator, without its folder
// [MS-VHDX 2.6.2.6].
func vhdxParent(b []byte) string {
	if len(b) < 20 {
		return ""
	}
	names := make(map[string]string)
	for i := range int(binary.LittleEndian.Uint16(b[18:])) {
		at := 20 + 12*i
		if at+12 > len(b) {
			break
		}
		key := utf16At(b, int64(binary.LittleEndian.Uint32(b[at:])), int64(binary.LittleEndian.Uint16(b[at+8:])))
		names[key] = utf16At(b, int64(binary.LittleEndian.Uint32(b[at+4:])), int64(binary.LittleEndian.Uint16(b[at+10:])))
	}
	for _, key := range []string{"relative_path", "absolute_win32_path", "volume_path"} {
		if name := names[key]; name != "" {
			return baseName(strings.TrimRight(name, "\x00"))
		}
	}
	return ""
}

// utf16At returns n bytes of UTF-16 at an offset; "" if they are not there.
func utf16At(b []byte, at, n int64) string {
	if at+n > int64(len(b)) {
		return ""
	}
	units := make([]uint16, n/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[at+int64(2*i):])
	}
	return string(utf16.Decode(units))
}

func (v *vhdx) locate(off int64) (extent, error) {
	n, in := off/v.block, off%v.block
	rest := v.block - in
	entry := v.entry(n + n/v.ratio)
	at := int64(entry>>20) * vhdxUnit
	switch entry & 7 {
	case vhdxPresent:
		return extent{length: rest, from: v.file, at: at + in}, nil
	case vhdxPartly:
		return v.partly(n, in, at)
	case vhdxNotPresent:
		return fromParent(v.above, off, rest)
	}
	return extent{length: rest}, nil
}

// entry returns an entry of the block table, 0 where it has none.
func (v *vhdx) entry(i int64) uint64 {
	if i*8+8 > int64(len(v.bat)) {
		return 0
	}
	return binary.LittleEndian.Uint64(v.bat[i*8:])
}

// partly returns the extent of a sector in a block that the parent has in part:
// a bitmap says which sectors are here [MS-VHDX 2.5.1.2].
func (v *vhdx) partly(n, in, at int64) (extent, error) {
	length := v.sector - in%v.sector
	bitmap := v.entry((n/v.ratio+1)*(v.ratio+1) - 1)
	if bitmap&7 != vhdxPresent {
		return fromParent(v.above, n*v.block+in, length)
	}
	bit := n%v.ratio*(v.block/v.sector) + in/v.sector
	b := make([]byte, 1)
	if err := readFull(v.file, b, int64(bitmap>>20)*vhdxUnit+bit/8); err != nil {
		return extent{}, err
	}
	if b[0]>>(bit%8)&1 == 0 {
		return fromParent(v.above, n*v.block+in, length)
	}
	return extent{length: length, from: v.file, at: at + in}, nil
}

// replayed is a file whose sectors of 4,096 bytes the log has newer versions
// of.
type replayed struct {
	File
	sectors map[int64][]byte // by offset / 4096
	size    int64
}

// Size returns the size of the file after the replay.
func (r *replayed) Size() int64 { return r.size }

// ReadAt implements io.ReaderAt.
func (r *replayed) ReadAt(b []byte, off int64) (int, error) {
	read := 0
	for read < len(b) {
		at := off + int64(read)
		if at >= r.size {
			return read, io.EOF
		}
		in := at % vhdxLogSector
		n := int(min(int64(len(b)-read), vhdxLogSector-in, r.size-at))
		if s, ok := r.sectors[at/vhdxLogSector]; ok {
			copy(b[read:read+n], s[in:])
			read += n
			continue
		}
		for read+n < len(b) && at+int64(n) < r.size {
			if _, ok := r.sectors[(at+int64(n))/vhdxLogSector]; ok {
				break
			}
			n += int(min(int64(len(b)-read-n), vhdxLogSector, r.size-at-int64(n)))
		}
		got, err := r.File.ReadAt(b[read:read+n], at)
		if got < n {
			if at+int64(got) < r.File.Size() {
				return read + got, err
			}
			clear(b[read+got : read+n]) // the log made the file longer
		}
		read += n
	}
	return read, nil
}
