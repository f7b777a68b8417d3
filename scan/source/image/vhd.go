package image

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Microsoft Virtual Hard Disk Image Format Specification 1.0. All numbers are
// big-endian.
const (
	vhdFooterSize  = 512
	vhdFixed       = 2
	vhdDynamic     = 3
	vhdDiffering   = 4
	vhdAbsent      = 0xFFFFFFFF
	vhdSector      = 512
	vhdMaxBlock    = 256 << 20
	vhdHeaderBytes = 1024
)

func isVHD(f File) bool {
	return begins(f, f.Size()-vhdFooterSize, VHDSignature) || begins(f, f.Size()-vhdFooterSize+1, VHDSignature) || begins(f, 0, VHDSignature)
}

// vhdFooter returns the footer of a VHD: that at the end, else its copy at the
// start.
func vhdFooter(f File, m *Image) ([]byte, error) {
	for i, at := range []int64{f.Size() - vhdFooterSize, 0, f.Size() - vhdFooterSize + 1} {
		if !begins(f, at, VHDSignature) {
			continue
		}
		b := make([]byte, vhdFooterSize)
		if err := readFull(f, b[:min(vhdFooterSize, f.Size()-at)], at); err != nil {
			continue
		}
		if vhdChecksum(b, 64) != binary.BigEndian.Uint32(b[64:]) {
			m.addNote("the checksum of the VHD footer at offset %d is wrong", at)
			if i == 0 && begins(f, 0, VHDSignature) {
				continue
			}
		}
		return b, nil
	}
	return nil, fmt.Errorf("%w: no footer of a VHD is whole", ErrDamaged)
}

// vhdChecksum returns the checksum of a structure whose own checksum is at an
// offset.
func vhdChecksum(b []byte, at int) uint32 {
	var sum uint32
	for i, c := range b {
		if i < at || i >= at+4 {
			sum += uint32(c)
		}
	}
	return ^sum
}

// openVHD opens a fixed, dynamic or differencing VHD.
func openVHD(f File, o Options) (*Image, error) {
	m := &Image{Format: "VHD"}
	footer, err := vhdFooter(f, m)
	if err != nil {
		return nil, err
	}
	m.size = int64(binary.BigEndian.Uint64(footer[48:]))
	m.contentID = fmt.Sprintf("%x", footer[68:84])
	if m.size < 0 {
		return nil, fmt.Errorf("%w: a VHD of %d bytes", ErrDamaged, uint64(m.size))
	}
	switch kind := binary.BigEndian.Uint32(footer[60:]); kind {
	case vhdFixed:
		m.size = min(m.size, f.Size())
		m.locate = func(off int64) (extent, error) { return extent{length: m.size - off, from: f, at: off}, nil }
		return m, nil
	case vhdDynamic, vhdDiffering:
		return m, m.openVHDTable(f, o, int64(binary.BigEndian.Uint64(footer[16:])), kind == vhdDiffering)
	default:
		return nil, fmt.Errorf("%w: a VHD of type %d", ErrUnsupported, kind)
	}
}

// openVHDTable reads the dynamic header at an offset, and the table of blocks.
func (m *Image) openVHDTable(f File, o Options, at int64, differing bool) error {
	header, err := readTable(f, at, vhdHeaderBytes, vhdHeaderBytes)
	if err != nil {
		return err
	}
	if string(header[:8]) != "cxsparse" {
		return fmt.Errorf("%w: no dynamic header of a VHD at offset %d", ErrDamaged, at)
	}
	if vhdChecksum(header, 36) != binary.BigEndian.Uint32(header[36:]) {
		m.addNote("the checksum of the dynamic header of the VHD is wrong")
	}
	entries, block := int64(binary.BigEndian.Uint32(header[28:])), int64(binary.BigEndian.Uint32(header[32:]))
	if block < vhdSector || block > vhdMaxBlock || block&(block-1) != 0 {
		return fmt.Errorf("%w: VHD blocks of %d bytes", ErrDamaged, block)
	}
	table, err := readTable(f, int64(binary.BigEndian.Uint64(header[16:])), entries*4, maxTable)
	if err != nil {
		return err
	}
	m.size = min(m.size, entries*block)
	var above *Image
	if differing {
		if above, err = m.parent(o, vhdParent(header)); err != nil {
			return err
		}
		if want := fmt.Sprintf("%x", header[40:56]); above.contentID != want {
			m.lose("the parent image has the ID %q, not %s: it is another one, and what comes from it may be, too", above.contentID, want)
		}
	}
	m.locate = vhdLocate(f, table, block, above)
	return nil
}

// vhdParent returns the file name of the parent that a dynamic header names,
// without its folder.
func vhdParent(header []byte) string {
	var units []uint16
	for i := 64; i < 64+512; i += 2 {
		u := binary.BigEndian.Uint16(header[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return baseName(string(utf16.Decode(units)))
}

// baseName returns what follows the last separator of any system.
func baseName(name string) string { return name[strings.LastIndexAny(name, `/\`)+1:] }

// vhdLocate returns the map of a dynamic VHD: a block begins with a bitmap of
// its sectors, which says of a differencing image what is not the parent's.
func vhdLocate(f File, table []byte, block int64, above *Image) func(int64) (extent, error) {
	bitmapSize := (block/vhdSector/8 + vhdSector - 1) / vhdSector * vhdSector
	return func(off int64) (extent, error) {
		n, in := off/block, off%block
		entry := binary.BigEndian.Uint32(table[n*4:])
		if entry == vhdAbsent {
			return fromParent(above, off, block-in)
		}
		data := int64(entry) * vhdSector
		if above == nil {
			return extent{length: block - in, from: f, at: data + bitmapSize + in}, nil
		}
		bit := make([]byte, 1)
		sector := in / vhdSector
		if err := readFull(f, bit, data+sector/8); err != nil {
			return extent{}, err
		}
		length := vhdSector - in%vhdSector
		if bit[0]>>(7-sector%8)&1 == 0 {
			return fromParent(above, off, length)
		}
		return extent{length: length, from: f, at: data + bitmapSize + in}, nil
	}
}

// fromParent returns the extent of a parent image; zeros if there is none, or
// where it ends before.
func fromParent(above *Image, off, length int64) (extent, error) {
	if above == nil || off >= above.size {
		return extent{length: length}, nil
	}
	return extent{length: min(length, above.size-off), from: above, at: off}, nil
}
