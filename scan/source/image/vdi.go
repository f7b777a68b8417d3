package image

import (
	"encoding/binary"
	"fmt"
)

// The VirtualBox disk image, version 1.1: the layout is that of VirtualBox's
// Storage/VDICore.h.
const (
	vdiDynamic = 1
	vdiFixed   = 2
	vdiFree    = 0xFFFFFFFF
	vdiZero    = 0xFFFFFFFE
)

func isVDI(f File) bool { return begins(f, 64, VDISignature) }

func openVDI(f File, _ Options) (*Image, error) {
	h, err := readTable(f, 0, 512, 512)
	if err != nil {
		return nil, err
	}
	if version := binary.LittleEndian.Uint32(h[68:]); version>>16 != 1 {
		return nil, fmt.Errorf("%w: version %d.%d of VDI", ErrUnsupported, version>>16, version&0xFFFF)
	}
	if kind := binary.LittleEndian.Uint32(h[76:]); kind != vdiDynamic && kind != vdiFixed {
		return nil, fmt.Errorf("%w: a VDI of type %d, which needs another image", ErrUnsupported, kind)
	}
	m := &Image{Format: "VDI", size: int64(binary.LittleEndian.Uint64(h[368:]))}
	block, blocks := int64(binary.LittleEndian.Uint32(h[376:])), int64(binary.LittleEndian.Uint32(h[384:]))
	data, extra := int64(binary.LittleEndian.Uint32(h[344:])), int64(binary.LittleEndian.Uint32(h[380:]))
	if block < 512 || block&(block-1) != 0 || block > 256<<20 || m.size < 0 {
		return nil, fmt.Errorf("%w: VDI blocks of %d bytes, a disk of %d", ErrDamaged, block, m.size)
	}
	table, err := readTable(f, int64(binary.LittleEndian.Uint32(h[340:])), blocks*4, maxTable)
	if err != nil {
		return nil, err
	}
	m.size = min(m.size, blocks*block)
	m.locate = func(off int64) (extent, error) {
		n, in := off/block, off%block
		entry := binary.LittleEndian.Uint32(table[n*4:])
		if entry == vdiFree || entry == vdiZero {
			return extent{length: block - in}, nil
		}
		return extent{length: block - in, from: f, at: data + int64(entry)*(block+extra) + extra + in}, nil
	}
	return m, nil
}
