package image

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
)

// Volume is a stretch of a disk that a partition table names, or the whole disk
// if it has no table.
type Volume struct {
	// Number is the volume's place in the table, counted from 1 (logical
	// ones from 5); 0 stands for a disk without a table.
	Number int
	// Name is the partition's name, which GPT has; text of whoever made it.
	Name string
	// Start and Size are in bytes of the disk.
	Start, Size int64
	// Kind says what is in the volume, as far as its first bytes tell:
	// "NTFS", "BitLocker" and so on, "" if they do not, Missing if the disk
	// has not one of them.
	Kind string
	// Service says that the table calls it a partition that serves the
	// machine, as that of UEFI, or that is reserved: no logs are kept
	// there.
	Service bool
}

// Missing is the Kind of a volume that begins behind the end of the disk.
const Missing = "missing"

// serviceTypes are the types of partitions that serve the machine: those of an
// MBR as one byte, and those of a GPT as its entries have them.
var serviceTypes = map[string]bool{
	"\x12": true, // diagnostics
	"\x1B": true, // FAT32, hidden: recovery
	"\x1C": true, // FAT32 with LBA, hidden
	"\x1E": true, // FAT16 with LBA, hidden
	"\x27": true, // recovery, hidden
	"\x82": true, // swap
	"\x84": true, // hibernation, and Intel Rapid Start
	"\xDE": true, // diagnostics of Dell
	"\xEE": true, // a GPT is behind it
	"\xEF": true, // UEFI

	"\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B": true, // UEFI
	"\x16\xE3\xC9\xE3\x5C\x0B\xB8\x4D\x81\x7D\xF9\x2D\xF0\x02\x15\xAE": true, // reserved by Microsoft (MSR)
	"\xA4\xBB\x94\xDE\xD1\x06\x40\x4D\xA1\x6A\xBF\xD5\x01\x79\xD6\xAC": true, // recovery
	"\xAA\xC8\x08\x58\x8F\x7E\xE0\x42\x85\xD2\xE1\xE9\x04\x34\xCF\xB3": true, // data of LDM itself
	"\xDE\xE2\xBF\xD3\xAF\x3D\xDF\x11\xBA\x40\xE3\xA5\x56\xD8\x95\x93": true, // Intel Rapid Start
	"Hah!IdontNeedEFI": true, // BIOS boot
	"\x6D\xFD\x57\x06\xAB\xA4\xC4\x43\x84\xE5\x09\x33\xC8\x4B\x4F\x4F": true, // swap
}

// Limits on partition tables.
const (
	maxGPTEntries = 4096
	maxLogical    = 64
)

// Volumes returns the volumes of a disk, and what is wrong with its table. The
// table is GPT (UEFI, section 5) or MBR; a disk without one is one volume.
// Where the table is lost its copy is used, or else volumes are looked for
// where they begin on most disks.
func Volumes(disk File) ([]Volume, []string) {
	if kind := volumeKind(disk, 0); kind != "" {
		return []Volume{{Size: disk.Size(), Kind: kind}}, nil
	}
	v := &volumes{disk: disk}
	for _, sector := range sectorSizes {
		if v.gpt(sector, sector) {
			return v.found, v.notes
		}
	}
	if begins(disk, 510, "\x55\xAA") { // however odd its entries are
		v.mbr(sectorSizes[0])
	}
	if !v.known() && !v.without() && len(v.found) == 0 {
		v.addNote("no partition table and no known file system")
	}
	return v.found, v.notes
}

// sectorSizes are those that disks have, in bytes.
var sectorSizes = []int64{512, 4096}

// without looks for the volumes of a disk whose table leads to none that is
// known, and reports whether it found any.
func (v *volumes) without() bool {
	if kind := copyKind(v.disk, 0, v.disk.Size()); kind != "" {
		v.found = []Volume{{Size: v.disk.Size(), Kind: kind}}
		v.notes = []string{"the boot sector is damaged; its copy at the end of the volume was used"}
		return true
	}
	for _, sector := range sectorSizes {
		other := &volumes{disk: v.disk}
		if at := lastSector(v.disk.Size(), sector); !other.gpt(at, sector) {
			other.mbr(sector)
		} else {
			other.addNote("the partition table is damaged; its copy at the end of the disk was used")
		}
		if other.known() {
			v.found, v.notes = other.found, other.notes
			return true
		}
	}
	other := &volumes{disk: v.disk}
	other.search()
	v.notes = append(v.notes, other.notes...)
	if other.known() {
		v.found = other.found
	}
	return other.known()
}

// known reports whether a volume was found of which it is known what it is.
func (v *volumes) known() bool {
	return slices.ContainsFunc(v.found, func(f Volume) bool { return f.Kind != "" && f.Kind != Missing })
}

// lastSector returns where the last sector of so many bytes begins.
func lastSector(size, sector int64) int64 { return size/sector*sector - sector }

// copyKind returns the kind of the volume whose boot sector has a copy in its
// last sector, which NTFS keeps; "" if there is none.
func copyKind(disk File, start, size int64) string {
	for _, sector := range sectorSizes {
		if at := start + lastSector(size, sector); at > start && begins(disk, at+3, NTFSSignature) {
			return "NTFS"
		}
	}
	return ""
}

// search looks for boot sectors of NTFS where partitions begin as a rule: at
// each MiB, and in sector 63, as those of Windows XP do.
func (v *volumes) search() {
	const step, old = 1 << 20, 63 * 512
	probes, holes, unpacked := 0, 0, int64(0)
	for at := int64(old); at < v.disk.Size() && len(v.found) < maxSearched; {
		if m, ok := v.disk.(*Image); ok {
			if end := m.Hole(at); end > at && holes < maxProbes {
				holes++
				at = (end + step - 1) / step * step
				continue
			}
			unpacked += m.packed(at)
		}
		if probes++; probes > maxProbes || unpacked > maxProbed {
			v.addNote("volumes without a partition table were looked for up to offset %d only", at)
			break
		}
		if size := v.bootSize(at); size > 0 {
			v.found = append(v.found, Volume{Number: len(v.found) + 1, Start: at, Size: size, Kind: "NTFS"})
			at += size
		}
		at = (at/step + 1) * step
	}
	if len(v.found) > 0 {
		v.addNote("the partition table is lost; %d volumes were found by their boot sectors", len(v.found))
	}
}

const (
	// maxSearched bounds the volumes that are found without a table.
	maxSearched = 128
	// maxProbes bounds the places where they are looked for, each of which
	// costs a disk a movement of its heads: the first of them begins within
	// 4 GiB, and the others behind one that was found.
	maxProbes = 4096
	// maxProbed bounds what is unpacked for that, in bytes.
	maxProbed = 128 << 20
)

// bootSize returns how large the volume is, in bytes, whose boot sector is at
// an offset, as far as the disk has it; 0 if there is none. A boot sector that
// leads to no master file table, nor to the copy of its start, is that of no
// volume: the memory of a computer holds such.
func (v *volumes) bootSize(at int64) int64 {
	if !begins(v.disk, at+3, NTFSSignature) {
		return 0
	}
	b, err := readTable(v.disk, at, 512, 512)
	if err != nil {
		return 0
	}
	sector, sectors := int64(binary.LittleEndian.Uint16(b[11:])), binary.LittleEndian.Uint64(b[40:])
	if !slices.Contains(sectorSizes, sector) || sectors == 0 || sectors > 1<<48 {
		return 0
	}
	cluster := int64(b[13])
	if cluster > 128 {
		cluster = 1 << min(256-cluster, 31)
	}
	if cluster*sector > 2<<20 || !slices.ContainsFunc([]int{48, 56}, func(field int) bool { // MFT and MFTMirr
		place := int64(min(binary.LittleEndian.Uint64(b[field:]), 1<<40))
		return begins(v.disk, at+place*cluster*sector, "FILE")
	}) {
		return 0
	}
	return min((int64(sectors)+1)*sector, v.disk.Size()-at) // one more has the copy
}

// volumes is a search for the volumes of a disk.
type volumes struct {
	disk  File
	found []Volume
	notes []string
}

func (v *volumes) addNote(message string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(message, args...))
}

// add adds a volume as far as the disk has it.
func (v *volumes) add(f Volume) {
	rest := v.disk.Size() - f.Start
	switch {
	case f.Start <= 0 || f.Size <= 0 || rest <= 0:
		v.addNote("partition %d begins at offset %d of a disk of %d bytes", f.Number, f.Start, v.disk.Size())
		if f.Start <= 0 || f.Size <= 0 {
			return
		}
		f.Kind = Missing
	case f.Size > rest:
		v.addNote("partition %d ends %d bytes behind the disk", f.Number, f.Size-rest)
		f.Size = rest
	}
	for _, other := range v.found {
		if other.Start == f.Start {
			return // a table that names a volume twice
		}
	}
	if f.Kind == "" {
		f.Kind = volumeKind(v.disk, f.Start)
	}
	if f.Kind == "" {
		f.Kind = copyKind(v.disk, f.Start, f.Size)
	}
	v.found = append(v.found, f)
}

// kinds are the file systems that the first bytes of a volume show.
var kinds = []struct {
	at         int64
	text, kind string
}{
	{3, NTFSSignature, "NTFS"},
	{3, BitLockerSignature, "BitLocker"},
	{424, BitLockerToGoGUID, "BitLocker"},
	{3, ReFSSignature, "ReFS"},
	{3, ExFATSignature, "exFAT"},
	{82, FAT32Signature, "FAT"},
	{54, FATSignature, "FAT"},
	{512, LVMSignature, "LVM"},
	{0, LUKSSignature, "LUKS"},
	{1080, ExtSignature, "ext"},
	{0, XFSSignature, "XFS"},
	{32, APFSSignature, "APFS"},
}

func volumeKind(disk File, start int64) string {
	for _, k := range kinds {
		if start >= 0 && begins(disk, start+k.at, k.text) {
			return k.kind
		}
	}
	return ""
}

// gpt reads the table whose header is at an offset, for sectors of that size;
// the copy in the last sector if it is damaged. It reports whether there is
// one.
func (v *volumes) gpt(at, sector int64) bool {
	if !begins(v.disk, at, GPTSignature) {
		return false
	}
	header, entries, err := v.gptTable(at, sector)
	if err != nil {
		v.addNote("the partition table: %v", err)
		if h, e, err := v.gptTable(lastSector(v.disk.Size(), sector), sector); err == nil {
			header, entries = h, e
		}
	}
	if entries == nil {
		return true
	}
	size := int64(binary.LittleEndian.Uint32(header[84:]))
	for i := int64(0); (i+1)*size <= int64(len(entries)); i++ {
		e := entries[i*size:]
		if allZero(e[:16]) {
			continue
		}
		first, last := int64(binary.LittleEndian.Uint64(e[32:])), int64(binary.LittleEndian.Uint64(e[40:]))
		if first <= 0 || last < first || last > 1<<53 {
			v.addNote("partition %d has the sectors %d to %d", i+1, uint64(first), uint64(last))
			continue
		}
		v.add(Volume{Number: int(i + 1), Name: partitionName(e[56:128]), Start: first * sector, Size: (last - first + 1) * sector, Service: serviceTypes[string(e[:16])]})
	}
	return true
}

// gptTable reads a header and its entries. The entries are returned with the
// error if only a checksum is wrong.
func (v *volumes) gptTable(at, sector int64) (header, entries []byte, err error) {
	h, err := readTable(v.disk, at, 512, 512)
	if err != nil {
		return nil, nil, err
	}
	n, size := int64(binary.LittleEndian.Uint32(h[80:])), int64(binary.LittleEndian.Uint32(h[84:]))
	lba, length := binary.LittleEndian.Uint64(h[72:]), binary.LittleEndian.Uint32(h[12:])
	if string(h[:8]) != GPTSignature || n > maxGPTEntries || size < 128 || size > 4096 || lba > 1<<53 {
		return nil, nil, fmt.Errorf("%w: %d entries of %d bytes", ErrDamaged, n, size)
	}
	entries, err = readTable(v.disk, int64(lba)*sector, n*size, maxGPTEntries*4096)
	if err != nil {
		return nil, nil, err
	}
	if length < 92 || length > 512 || !gptFits(h[:length]) || crc32.ChecksumIEEE(entries) != binary.LittleEndian.Uint32(h[88:]) {
		err = fmt.Errorf("%w: a checksum is wrong", ErrDamaged)
	}
	return h, entries, err
}

// gptFits reports whether the checksum of a header is right.
func gptFits(h []byte) bool {
	crc := crc32.NewIEEE()
	for _, part := range [][]byte{h[:16], {0, 0, 0, 0}, h[20:]} {
		_, _ = crc.Write(part) // never fails
	}
	return crc.Sum32() == binary.LittleEndian.Uint32(h[16:])
}

func partitionName(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	name, _, _ := strings.Cut(string(utf16.Decode(units)), "\x00")
	return name
}

// mbr reads the table in the first sector, and the chain of extended ones, of a
// disk with sectors of that size.
func (v *volumes) mbr(sector int64) {
	t, err := readTable(v.disk, 0, 512, 512)
	if err != nil {
		v.addNote("the partition table: %v", err)
		return
	}
	logical := 5
	for i := range 4 {
		e := t[446+16*i:]
		start, size := mbrPlace(e, sector)
		switch kind := e[4]; kind {
		case 0:
		case 0x05, 0x0F, 0x85:
			v.extended(start, sector, &logical)
		case 0x42:
			v.addNote("partition %d belongs to a dynamic disk (LDM), which is not read", i+1)
		default:
			v.add(Volume{Number: i + 1, Start: start, Size: size, Service: serviceTypes[string(e[4:5])]})
		}
	}
}

// mbrPlace returns where an entry's partition lies, in bytes.
func mbrPlace(e []byte, sector int64) (start, size int64) {
	return int64(binary.LittleEndian.Uint32(e[8:])) * sector, int64(binary.LittleEndian.Uint32(e[12:])) * sector
}

// extended follows the tables of an extended partition: the first entry of each
// is relative to the table, the second to the partition.
func (v *volumes) extended(base, sector int64, number *int) {
	seen := make(map[int64]bool)
	for at := base; !seen[at]; {
		seen[at] = true
		t, err := readTable(v.disk, at, 512, 512)
		if err != nil || len(seen) > maxLogical || t[510] != 0x55 || t[511] != 0xAA {
			v.addNote("the table of logical partitions at offset %d cannot be followed", at)
			return
		}
		if start, size := mbrPlace(t[446:], sector); t[446+4] != 0 {
			v.add(Volume{Number: *number, Start: at + start, Size: size, Service: serviceTypes[string(t[446+4:446+5])]})
			*number++
		}
		next, _ := mbrPlace(t[462:], sector)
		if t[462+4] == 0 || next == 0 {
			return
		}
		at = base + next
	}
	v.addNote("the tables of logical partitions form a circle")
}

// Section returns a volume of a disk as a file of its own.
func (v Volume) Section(disk File) File { return &section{disk, v.Start, v.Size} }

// section is a stretch of a file.
type section struct {
	file     File
	at, size int64
}

// Size returns the size in bytes.
func (s *section) Size() int64 { return s.size }

// ReadAt implements io.ReaderAt. It reads nothing outside of the stretch.
func (s *section) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	short := int64(len(b)) > s.size-off
	if short {
		b = b[:s.size-off]
	}
	n, err := s.file.ReadAt(b, s.at+off)
	if err == nil && short {
		err = io.EOF
	}
	return n, err
}

// Hole returns the end of the stretch of zeros that takes no room, as
// Image.Hole.
func (s *section) Hole(off int64) int64 {
	if m, ok := s.file.(*Image); ok {
		return min(m.Hole(s.at+off)-s.at, s.size)
	}
	return off
}
