// Package shadow reads the volume shadow copies of an NTFS volume: what the
// volume was like when Windows took a snapshot of it, put together from the
// blocks that were saved since.
//
// Facts about the format come from libyal/libvshadow, "Volume Shadow Snapshot
// (VSS) format". What the volume holds may be an intruder's: chains are
// followed once, and places are compared with the volume.
package shadow

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"webshellscan/scan/event"
)

// ErrDamaged is wrapped by errors about inconsistent structures.
var ErrDamaged = errors.New("shadow copy structures are damaged")

// Source is a volume. Goroutines may read it at once.
type Source interface {
	io.ReaderAt
	Size() int64 // in bytes
}

const (
	// identifier begins every structure: the GUID
	// 3808876B-C176-4E48-B7AE-04046E6CC752.
	identifier = "\x6B\x87\x08\x38\x76\xC1\x48\x4E\xB7\xAE\x04\x04\x6E\x6C\xC7\x52"

	headerOffset = 0x1E00
	blockSize    = 16 << 10
	blockHead    = 128
	sectorSize   = 512

	kindCatalog = 2
	kindList    = 3
	kindStore   = 4
	kindBitmap  = 6

	// maxStores is how many snapshots Windows keeps of a volume at most.
	maxStores = 512
)

// Snapshot is the volume as it was. Goroutines may read it at once.
type Snapshot struct {
	// Time is when the snapshot was taken.
	Time event.Time
	// ID is the GUID of its store.
	ID event.GUID
	// Notes are what is wrong with it, a sentence each. Fault is why what
	// it saved is not known as a whole, nil if it is.
	Notes []string
	Fault error

	volume Source
	newer  *Snapshot // nil of the newest
	size   int64
	blocks map[int64]descriptor // by original offset
	// overlays are writes into the snapshot itself.
	overlays map[int64][]descriptor
	free     []byte // bitmap of blocks that were free, if it counts
}

// descriptor is where a block of the snapshot is.
type descriptor struct {
	original, relative, data int64
	flags                    uint32
	bitmap                   uint32 // of an overlay: its sectors
}

const (
	flagForward = 1
	flagOverlay = 2
	flagIgnore  = 4
)

// entry is the catalog's entry of a store.
type entry struct {
	id                        event.GUID
	size                      int64
	time                      event.Time
	list, header, bitmap, old int64
	described, placed         bool
}

// Open returns the snapshots of a volume, the newest first, and what could not
// be read of them, a sentence each. A volume without any has none. Where its
// header is damaged, the catalog is looked for at the offset file, which is
// where the file of the catalog begins; 0 if there is none.
func Open(volume Source, file int64) ([]*Snapshot, []string) {
	catalog, how, notes := findCatalog(volume, file)
	if catalog == 0 {
		return nil, notes
	}
	entries, err := readCatalog(volume, catalog)
	if err != nil {
		notes = append(notes, fmt.Sprintf("the catalog of shadow copies: %v", err))
	}
	slices.SortStableFunc(entries, func(a, b *entry) int { return cmp.Compare(b.time, a.time) })
	var list []*Snapshot
	var newer *Snapshot
	for _, e := range entries {
		if !e.described || !e.placed {
			notes = append(notes, fmt.Sprintf("the shadow copy %v is not in the catalog as a whole", e.id))
			continue
		}
		s := &Snapshot{Time: e.time, ID: e.id, volume: volume, newer: newer, size: volume.Size(), blocks: make(map[int64]descriptor), overlays: make(map[int64][]descriptor)}
		if how != "" {
			s.Notes = append(s.Notes, how)
		}
		s.Fault = s.read(e)
		list = append(list, s)
		newer = s
	}
	return list, notes
}

// findCatalog returns where the catalog begins, 0 if there is none, and how it
// was found, if not by a sound header.
func findCatalog(volume Source, file int64) (catalog int64, how string, notes []string) {
	isCatalog := func(at int64) bool {
		_, err := readBlock(volume, at, kindCatalog)
		return err == nil
	}
	b := make([]byte, blockHead)
	n, err := volume.ReadAt(b, headerOffset)
	sound := n == len(b) && string(b[:16]) == identifier
	catalog = int64(binary.LittleEndian.Uint64(b[48:]))
	switch {
	case sound && catalog == 0:
		return 0, "", nil
	case sound && isCatalog(catalog) && !bytes.Equal(b[64:80], b[80:96]):
		return 0, "", []string{"the shadow copies of this volume are stored on another one, and are not read"}
	case sound && isCatalog(catalog):
		return catalog, "", nil
	case file > 0 && isCatalog(file):
		return file, "the header of the shadow copies is damaged: their catalog was found by its file", nil
	case sound:
		return catalog, "", nil // what is wrong with it is reported when it is read
	case resembles(b) && isCatalog(catalog):
		return catalog, "the header of the shadow copies is damaged: what it says of their catalog is right", nil
	case file > 0, resembles(b):
		return 0, "", []string{"the header and the catalog of the shadow copies are damaged: none of them is read"}
	case n < len(b) && volume.Size() > headerOffset+blockHead:
		return 0, "", []string{fmt.Sprintf("the header of the shadow copies cannot be read: %v", err)}
	}
	return 0, "", nil
}

// resembles reports whether a header has half of the identifier, at least,
// which nothing has by chance.
func resembles(b []byte) bool {
	same := 0
	for i := range len(identifier) {
		if b[i] == identifier[i] {
			same++
		}
	}
	return same >= len(identifier)/2
}

// chain calls each with the bodies of the blocks of one kind that are linked
// with each other, from an offset on.
func chain(volume Source, at int64, kind uint32, each func(body []byte)) error {
	seen := make(map[int64]bool)
	for at != 0 {
		if seen[at] {
			return fmt.Errorf("%w: the blocks at offset %d form a circle", ErrDamaged, at)
		}
		seen[at] = true
		b, err := readBlock(volume, at, kind)
		if err != nil {
			return err
		}
		each(b[blockHead:])
		at = int64(binary.LittleEndian.Uint64(b[40:]))
	}
	return nil
}

// readBlock reads the block of a kind at an offset.
func readBlock(volume Source, at int64, kind uint32) ([]byte, error) {
	if at < 0 || at > volume.Size()-blockSize {
		return nil, fmt.Errorf("%w: a block at offset %d of a volume of %d bytes", ErrDamaged, at, volume.Size())
	}
	b := make([]byte, blockSize)
	if n, err := volume.ReadAt(b, at); n < len(b) {
		return nil, fmt.Errorf("offset %d: %w", at, err)
	}
	if string(b[:16]) != identifier || binary.LittleEndian.Uint32(b[20:]) != kind {
		return nil, fmt.Errorf("%w: no block of kind %d at offset %d", ErrDamaged, kind, at)
	}
	return b, nil
}

// readCatalog returns the stores in the catalog. What is known of a store is in
// two entries, which its GUID joins.
func readCatalog(volume Source, at int64) ([]*entry, error) {
	byID := make(map[event.GUID]*entry)
	var list []*entry
	find := func(b []byte) *entry {
		id := event.GUID(b)
		if byID[id] == nil && len(list) < maxStores {
			byID[id] = &entry{id: id}
			list = append(list, byID[id])
		}
		return byID[id]
	}
	err := chain(volume, at, kindCatalog, func(body []byte) {
		const size = 128
		for ; len(body) >= size; body = body[size:] {
			number := func(at int) int64 { return int64(binary.LittleEndian.Uint64(body[at:])) }
			switch number(0) {
			case 2:
				if e := find(body[16:32]); e != nil {
					e.described, e.size, e.time = true, number(8), event.Time(number(48))
				}
			case 3:
				if e := find(body[16:32]); e != nil {
					e.placed, e.list, e.header, e.bitmap, e.old = true, number(8), number(32), number(48), number(72)
				}
			}
		}
	})
	return list, err
}

// read reads the store of a snapshot.
func (s *Snapshot) read(e *entry) error {
	if _, err := readBlock(s.volume, e.header, kindStore); err != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("the header of its store: %v", err))
	}
	resolve := make(map[int64]int64) // by where a forwarder leads: its block
	err := chain(s.volume, e.list, kindList, func(body []byte) {
		const size = 32
		for ; len(body) >= size; body = body[size:] {
			d := descriptor{
				int64(binary.LittleEndian.Uint64(body)), int64(binary.LittleEndian.Uint64(body[8:])), int64(binary.LittleEndian.Uint64(body[16:])),
				binary.LittleEndian.Uint32(body[24:]), binary.LittleEndian.Uint32(body[28:]),
			}
			if d != (descriptor{}) && d.flags&flagIgnore == 0 && d.original >= 0 && d.original%blockSize == 0 {
				s.add(d, resolve)
			}
		}
	})
	if err != nil {
		return err
	}
	if s.newer == nil {
		s.readBitmaps(e)
	}
	return nil
}

// add adds one descriptor. A block that a forwarder leads to, and that was
// saved later, is the forwarder's block.
func (s *Snapshot) add(d descriptor, resolve map[int64]int64) {
	if d.flags&flagOverlay != 0 {
		s.overlays[d.original] = append(s.overlays[d.original], d)
		return
	}
	if block, ok := resolve[d.original]; ok {
		delete(resolve, d.original)
		delete(s.blocks, block)
		d.original = block
	}
	if d.flags&flagForward != 0 {
		if d.relative == d.original {
			return
		}
		resolve[d.relative] = d.original
	}
	s.blocks[d.original] = d
}

// readBitmaps reads which blocks were free when the snapshot was taken: they
// were not saved, and read as zeros.
func (s *Snapshot) readBitmaps(e *entry) {
	s.free = s.readBitmap(e.bitmap)
	if e.old == 0 || s.free == nil {
		return
	}
	old := s.readBitmap(e.old)
	for i := range s.free {
		if i < len(old) {
			s.free[i] &= old[i]
		} else {
			s.free[i] = 0
		}
	}
}

// readBitmap reads a bitmap of the volume's blocks, nil if it cannot be read.
func (s *Snapshot) readBitmap(at int64) []byte {
	if at == 0 {
		return nil
	}
	var bits []byte
	most := int(s.size/blockSize/8 + blockSize)
	err := chain(s.volume, at, kindBitmap, func(body []byte) {
		if len(bits) < most {
			bits = append(bits, body...)
		}
	})
	if err != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("the list of blocks that were free: %v", err))
		return nil
	}
	return bits
}

// Size returns the size of the volume in bytes.
func (s *Snapshot) Size() int64 { return s.size }

// Changed reports whether a stretch of the volume was other than in the next
// newer snapshot, or is on the volume. Only what the store has blocks for is
// read.
func (s *Snapshot) Changed(start, end int64) bool {
	if s.Fault != nil {
		return true
	}
	then, since := make([]byte, blockSize), make([]byte, blockSize)
	for at := start / blockSize * blockSize; at < end; at += blockSize {
		if _, saved := s.blocks[at]; !saved && len(s.overlays[at]) == 0 && !s.wasFree(at) {
			continue
		}
		from, to := max(start, at), min(end, at+blockSize, s.size)
		if from >= to {
			continue
		}
		n := to - from
		if s.block(then[:n], at, from-at, true, 0) != nil || s.below(since[:n], at, from-at, 0) != nil || !bytes.Equal(then[:n], since[:n]) {
			return true
		}
	}
	return false
}

func (s *Snapshot) wasFree(block int64) bool {
	n := block / blockSize
	return n/8 < int64(len(s.free)) && s.free[n/8]>>(n%8)&1 != 0
}

// ReadAt implements io.ReaderAt for the volume as it was.
func (s *Snapshot) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("shadow: negative offset %d", off)
	}
	read := 0
	for read < len(b) {
		if off >= s.size {
			return read, io.EOF
		}
		in := off % blockSize
		n := int(min(int64(len(b)-read), blockSize-in, s.size-off))
		if err := s.block(b[read:read+n], off-in, in, true, 0); err != nil {
			return read, err
		}
		read += n
		off += int64(n)
	}
	return read, nil
}

// block reads from one block as a snapshot shows it. An overlay and the list of
// free blocks count for the snapshot itself only, not for older ones that fall
// through to it.
func (s *Snapshot) block(b []byte, block, in int64, own bool, depth int) error {
	if depth > maxStores {
		return fmt.Errorf("%w: the blocks of offset %d lead in a circle", ErrDamaged, block)
	}
	d, saved := s.blocks[block]
	var err error
	switch {
	case saved && d.flags&flagForward != 0:
		err = s.below(b, d.relative, in, depth)
	case saved:
		err = s.fromVolume(b, d.data+in)
	case own && s.wasFree(block):
		clear(b)
	default:
		err = s.below(b, block, in, depth)
	}
	if err != nil || !own {
		return err
	}
	return s.overlay(b, block, in)
}

// below reads from a block of the next newer snapshot, or of the volume.
func (s *Snapshot) below(b []byte, block, in int64, depth int) error {
	if block < 0 || block%blockSize != 0 {
		return fmt.Errorf("%w: a block at offset %d", ErrDamaged, block)
	}
	if s.newer != nil {
		return s.newer.block(b, block, in, false, depth+1)
	}
	return s.fromVolume(b, block+in)
}

func (s *Snapshot) fromVolume(b []byte, at int64) error {
	if at < 0 || at > s.volume.Size()-int64(len(b)) {
		return fmt.Errorf("%w: a saved block at offset %d of a volume of %d bytes", ErrDamaged, at, s.volume.Size())
	}
	if n, err := s.volume.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("offset %d: %w", at, err)
	}
	return nil
}

// overlay copies over a block the sectors that were written into the snapshot.
func (s *Snapshot) overlay(b []byte, block, in int64) error {
	for _, d := range s.overlays[block] {
		for i := in / sectorSize; i*sectorSize < in+int64(len(b)); i++ {
			if d.bitmap>>i&1 == 0 {
				continue
			}
			from, to := max(i*sectorSize, in), min((i+1)*sectorSize, in+int64(len(b)))
			if err := s.fromVolume(b[from-in:to-in], d.data+from); err != nil {
				return err
			}
		}
	}
	return nil
}
