package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"strings"

	"webshellscan/scan/source/inflate"
)

// VMware, "Virtual Disk Format 5.0"; libyal/libvmdk, "VMWare Virtual Disk
// (VMDK) format". Sizes and places are in sectors of 512 bytes.
const (
	vmdkSector     = 512
	vmdkPacked     = 1 << 16 // flag: grains are compressed
	vmdkRedundant  = 1 << 1  // flag: there is a second directory
	vmdkAtEnd      = 1<<64 - 1
	vmdkZeroGrain  = 1
	vmdkMaxText    = 1 << 20
	vmdkMaxExtents = 8192
)

// isSparseVMDK reports whether a file has its disk, or a part of it, in itself.
func isSparseVMDK(f File) bool { return begins(f, 0, VMDKSignature) }

// isVMDK reports whether a file is a VMDK of another kind: a text that names
// extents, or an extent of a snapshot.
func isVMDK(f File) bool {
	if begins(f, 0, COWDSignature) || begins(f, 0, SESparseSignature) {
		return true
	}
	head := make([]byte, min(128, f.Size()))
	return readFull(f, head, 0) == nil && IsDescriptor(head)
}

// IsDescriptor reports whether a file whose first bytes are given is the text
// that describes a VMDK.
func IsDescriptor(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte("\n"))
	words := strings.Join(strings.Fields(strings.TrimLeft(string(line), "#")), " ")
	return bytes.HasPrefix(line, []byte("#")) && strings.EqualFold(words, "Disk DescriptorFile")
}

func openVMDK(f File, o Options) (*Image, error) {
	switch {
	case begins(f, 0, COWDSignature):
		return nil, fmt.Errorf("%w: a COWD extent of an ESX snapshot", ErrUnsupported)
	case begins(f, 0, SESparseSignature):
		return nil, fmt.Errorf("%w: a seSparse extent of an ESX snapshot", ErrUnsupported)
	}
	m := &Image{Format: "VMDK"}
	if !begins(f, 0, VMDKSignature) {
		text, err := readTable(f, 0, min(f.Size(), vmdkMaxText), vmdkMaxText)
		if err != nil {
			return nil, err
		}
		return m, m.openVMDKExtents(parseVMDK(string(text)), o)
	}
	s, err := openSparse(m, f)
	if err != nil {
		return nil, err
	}
	var above *Image
	if d := s.descriptor(); d.hasParent() {
		if above, err = m.parent(o, baseName(d.parent)); err != nil {
			return nil, err
		}
		d.checkParent(m, above)
	}
	m.size = s.capacity
	m.joinExtents([]vmdkPart{{size: s.capacity, sparse: s}}, above)
	return m, nil
}

// vmdkText is what a descriptor says.
type vmdkText struct {
	cid, parentCID, parent string
	extents                []vmdkExtent
}

// vmdkExtent is an extent as a descriptor names it.
type vmdkExtent struct {
	sectors int64
	kind    string
	name    string
	offset  int64 // in sectors
}

func (d *vmdkText) hasParent() bool {
	return d.parent != "" && d.parentCID != "" && !strings.EqualFold(d.parentCID, "ffffffff")
}

// checkParent says so if the parent has changed since the image was made.
func (d *vmdkText) checkParent(m, above *Image) {
	if above.contentID != "" && !strings.EqualFold(above.contentID, d.parentCID) {
		m.lose("the parent image has the content ID %s, not %s: it has changed since, and what comes from it may be of another time", above.contentID, d.parentCID)
	}
}

// parseVMDK reads a descriptor.
func parseVMDK(text string) *vmdkText {
	d := &vmdkText{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimRight(line, "\x00\r\n"))
		if e, ok := parseVMDKExtent(line); ok {
			if len(d.extents) < vmdkMaxExtents {
				d.extents = append(d.extents, e)
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "cid":
			d.cid = value
		case "parentcid":
			d.parentCID = value
		case "parentfilenamehint":
			d.parent = value
		}
	}
	return d
}

// parseVMDKExtent reads a line such as `RW 4192256 SPARSE "disk-s001.vmdk" 0`.
func parseVMDKExtent(line string) (e vmdkExtent, ok bool) {
	var access string
	rest := line
	if i := strings.IndexByte(line, '"'); i >= 0 {
		name, after, closed := strings.Cut(line[i+1:], `"`)
		if !closed {
			return e, false
		}
		e.name, rest = name, line[:i]
		_, _ = fmt.Sscan(after, &e.offset) // there need not be one
	}
	if n, _ := fmt.Sscan(rest, &access, &e.sectors, &e.kind); n != 3 || e.sectors < 0 || e.sectors > 1<<53 || e.offset < 0 || e.offset > 1<<53 {
		return e, false
	}
	return e, access == "RW" || access == "RDONLY" || access == "NOACCESS"
}

// vmdkPart is an extent that is open.
type vmdkPart struct {
	size   int64
	flat   File // of a flat extent
	at     int64
	sparse *sparse
	reason error // why it cannot be read
}

// openVMDKExtents opens the extents that a descriptor names.
func (m *Image) openVMDKExtents(d *vmdkText, o Options) error {
	m.contentID = d.cid
	var above *Image
	if d.hasParent() {
		var err error
		if above, err = m.parent(o, baseName(d.parent)); err != nil {
			return err
		}
		d.checkParent(m, above)
	}
	var parts []vmdkPart
	for _, e := range d.extents {
		p := m.openVMDKExtent(e, o)
		if p.reason != nil {
			m.lose("extent %q: %v", e.name, p.reason)
		}
		m.size += p.size
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return fmt.Errorf("%w: a VMDK descriptor without extents", ErrDamaged)
	}
	m.joinExtents(parts, above)
	return nil
}

// openVMDKExtent opens one extent. Of one that cannot be read the reason is
// kept, and its stretch of the disk fails.
func (m *Image) openVMDKExtent(e vmdkExtent, o Options) vmdkPart {
	p := vmdkPart{size: e.sectors * vmdkSector, at: e.offset * vmdkSector}
	kind := strings.ToUpper(e.kind)
	if kind == "ZERO" {
		return p
	}
	f, err := o.sibling(e.name)
	if err != nil {
		p.reason = err
		return p
	}
	m.Parts = append(m.Parts, e.name)
	switch kind {
	case "FLAT", "VMFS":
		p.flat = f
	case "SPARSE":
		p.sparse, p.reason = openSparse(m, f)
	default:
		p.reason = fmt.Errorf("%w: an extent of the type %s", ErrUnsupported, kind)
	}
	return p
}

// joinExtents makes the disk of extents that follow each other.
func (m *Image) joinExtents(parts []vmdkPart, above *Image) {
	ends := make([]int64, len(parts))
	var end int64
	for i, p := range parts {
		end += p.size
		ends[i] = end
	}
	if len(parts) == 1 && parts[0].sparse != nil && parts[0].sparse.packed {
		m.cache = newBlockCache(parts[0].sparse.grain, parts[0].sparse.unpack)
	}
	m.locate = func(off int64) (extent, error) {
		i := sort.Search(len(ends), func(i int) bool { return ends[i] > off })
		if i == len(ends) {
			return extent{}, fmt.Errorf("%w: offset %d lies behind the last extent", ErrDamaged, off)
		}
		p := &parts[i]
		in, rest := off-(ends[i]-p.size), ends[i]-off
		switch {
		case p.reason != nil:
			return extent{}, fmt.Errorf("%w: the extent is missing: %w", ErrDamaged, p.reason)
		case p.sparse != nil:
			return p.sparse.locate(in, off, rest, above)
		case p.flat != nil:
			return extent{length: rest, from: p.flat, at: p.at + in}, nil
		}
		return extent{length: rest}, nil
	}
}

// sparse is a sparse extent.
type sparse struct {
	file     File
	capacity int64 // in bytes
	grain    int64 // in bytes
	perTable int64
	packed   bool
	tables   []uint32 // place of each grain, in sectors
	text     *vmdkText
}

// openSparse reads the header and the tables of a sparse extent.
func openSparse(m *Image, f File) (*sparse, error) {
	h, err := readTable(f, 0, vmdkSector, vmdkSector)
	if err != nil {
		return nil, err
	}
	if string(h[:4]) != VMDKSignature {
		return nil, fmt.Errorf("%w: no sparse extent", ErrDamaged)
	}
	s := &sparse{file: f, text: &vmdkText{}}
	s.readText(h)
	m.contentID = s.text.cid
	directory := binary.LittleEndian.Uint64(h[56:])
	if directory == vmdkAtEnd { // the footer has the place
		footer, err := readTable(f, f.Size()-2*vmdkSector, vmdkSector, vmdkSector)
		if err != nil || string(footer[:4]) != VMDKSignature {
			return nil, fmt.Errorf("%w: the stream ends before its directory", ErrDamaged)
		}
		h = footer
		directory = binary.LittleEndian.Uint64(h[56:])
	}
	flags := binary.LittleEndian.Uint32(h[8:])
	s.packed = flags&vmdkPacked != 0 && binary.LittleEndian.Uint16(h[77:]) == 1
	capacity, grain := binary.LittleEndian.Uint64(h[12:]), binary.LittleEndian.Uint64(h[20:])
	s.perTable = int64(binary.LittleEndian.Uint32(h[44:]))
	if capacity > 1<<44 || grain == 0 || grain > 1<<14 || grain&(grain-1) != 0 || s.perTable <= 0 || s.perTable > 1<<16 {
		return nil, fmt.Errorf("%w: a VMDK of %d sectors, grains of %d, %d in a table", ErrDamaged, capacity, grain, s.perTable)
	}
	s.capacity, s.grain = int64(capacity)*vmdkSector, int64(grain)*vmdkSector
	err = s.readTables(directory)
	if err != nil && flags&vmdkRedundant != 0 {
		m.addNote("the grain directory is damaged (%v); the redundant one was used", err)
		err = s.readTables(binary.LittleEndian.Uint64(h[48:]))
	}
	return s, err
}

// readText reads the descriptor that an extent may hold.
func (s *sparse) readText(h []byte) {
	at, n := binary.LittleEndian.Uint64(h[28:]), binary.LittleEndian.Uint64(h[36:])
	if at == 0 || n == 0 || at > 1<<40 || n > vmdkMaxText/vmdkSector {
		return
	}
	if b, err := readTable(s.file, int64(at)*vmdkSector, int64(n)*vmdkSector, vmdkMaxText); err == nil {
		s.text = parseVMDK(string(bytes.TrimRight(b, "\x00")))
	}
}

func (s *sparse) descriptor() *vmdkText { return s.text }

// readTables reads the directory at a sector and the tables that it names.
func (s *sparse) readTables(directory uint64) error {
	grains := (s.capacity + s.grain - 1) / s.grain
	n := (grains + s.perTable - 1) / s.perTable
	if directory > 1<<40 || n > maxTable/4 {
		return fmt.Errorf("%w: a grain directory at sector %d", ErrDamaged, directory)
	}
	d, err := readTable(s.file, int64(directory)*vmdkSector, n*4, maxTable)
	if err != nil {
		return err
	}
	if n*s.perTable*4 > maxTable {
		return fmt.Errorf("%w: %d grains", ErrUnsupported, grains)
	}
	s.tables = make([]uint32, n*s.perTable)
	for i := range n {
		at := binary.LittleEndian.Uint32(d[i*4:])
		if at == 0 {
			continue
		}
		t, err := readTable(s.file, int64(at)*vmdkSector, s.perTable*4, maxTable)
		if err != nil {
			return err
		}
		for j := range s.perTable {
			s.tables[i*s.perTable+j] = binary.LittleEndian.Uint32(t[j*4:])
		}
	}
	return nil
}

// locate returns where the bytes at an offset of the extent lie. Those that it
// does not have are the parent's, at an offset of the disk.
func (s *sparse) locate(in, off, rest int64, above *Image) (extent, error) {
	n, skip := in/s.grain, in%s.grain
	length := min(s.grain-skip, rest)
	switch at := s.tables[n]; {
	case at == 0:
		return fromParent(above, off, length)
	case at == vmdkZeroGrain:
		return extent{length: length}, nil
	case s.packed:
		return extent{length: length, packed: true, block: n, skip: skip}, nil
	default:
		return extent{length: length, from: s.file, at: int64(at)*vmdkSector + skip}, nil
	}
}

// unpack inflates a compressed grain: the sector of the disk that it begins at,
// its size, and zlib data.
func (s *sparse) unpack(n int64, dst []byte) error {
	at := int64(s.tables[n]) * vmdkSector
	head, err := readTable(s.file, at, 12, 12)
	if err != nil {
		return err
	}
	read := 0
	err = withPacked(s.file, at+12, int64(binary.LittleEndian.Uint32(head[8:])), 2*s.grain+4096, func(packed []byte) (err error) {
		read, err = inflate.Zlib(dst, packed)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: the grain at offset %d: %w", ErrDamaged, at, err)
	}
	if want := min(int64(len(dst)), s.capacity-n*s.grain); int64(read) < want {
		return fmt.Errorf("%w: the grain at offset %d has %d bytes of %d", ErrDamaged, at, read, want)
	}
	return nil
}
