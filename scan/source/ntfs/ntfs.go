// Package ntfs reads the files of an NTFS volume that may be event logs,
// without mounting it: one walk over the master file table gives all of them,
// those that were deleted and alternate data streams too.
//
// Facts about the format come from libyal/libfsntfs, "New Technologies File
// System (NTFS)", and from Russon and Fledel, "NTFS Documentation". Everything
// on the volume may be an intruder's: sizes and places are compared with the
// volume, lists are followed once, and no name is used as a path.
package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrDamaged is wrapped by errors about inconsistent structures.
var ErrDamaged = errors.New("NTFS structures are damaged")

// Source is a volume. Goroutines may read it at once.
type Source interface {
	io.ReaderAt
	Size() int64 // in bytes
}

// Volume is an open NTFS volume. Goroutines may use it at once.
type Volume struct {
	// Notes are what is wrong with the volume, a sentence each.
	Notes []string
	// Lost is what of the master file table could not be read, a sentence
	// each: files may be missing.
	Lost []string
	// Also selects files that Walk yields besides logs; nil: none.
	Also *Also

	source     Source
	size       int64
	cluster    int64 // in bytes
	clusters   int64
	recordSize int64
	sector     int64
	mft        *Stream
	bitmap     *Stream // clusters in use; nil if it could not be read
	root       []*File // of the root directory, from the last Walk
	catalog    int64   // where the catalog of shadow copies lies, from the last Walk
}

// Open reads the boot sector and the first record of the master file table.
func Open(source Source) (*Volume, error) {
	v := &Volume{source: source}
	if err := v.boot(); err != nil {
		return nil, err
	}
	return v, v.openMFT()
}

// boot reads the boot sector, or its copy in the last sector, which has 512 or
// 4,096 bytes.
func (v *Volume) boot() error {
	b := make([]byte, 512)
	var reason error
	size := v.source.Size()
	for _, at := range []int64{0, size/512*512 - 512, size/4096*4096 - 4096} {
		if _, reason = v.source.ReadAt(b, max(at, 0)); reason != nil && !errors.Is(reason, io.EOF) {
			continue
		}
		if string(b[3:11]) != "NTFS    " {
			reason = fmt.Errorf("%w: no boot sector of NTFS", ErrDamaged)
			continue
		}
		if reason = v.geometry(b); reason == nil {
			if at > 0 {
				v.addNote("the boot sector is damaged; its copy was used")
			}
			return nil
		}
	}
	return reason
}

// geometry reads the sizes from a boot sector.
func (v *Volume) geometry(b []byte) error {
	v.sector = int64(binary.LittleEndian.Uint16(b[11:]))
	perCluster := int64(b[13])
	if perCluster > 128 {
		perCluster = 1 << min(256-perCluster, 31)
	}
	if v.sector < 256 || v.sector > 4096 || v.sector&(v.sector-1) != 0 || perCluster == 0 || perCluster&(perCluster-1) != 0 || v.sector*perCluster > 2<<20 {
		return fmt.Errorf("%w: sectors of %d bytes, %d in a cluster", ErrDamaged, v.sector, perCluster)
	}
	v.cluster = v.sector * perCluster
	sectors := binary.LittleEndian.Uint64(b[40:])
	if sectors == 0 || sectors > 1<<53 {
		return fmt.Errorf("%w: a volume of %d sectors", ErrDamaged, sectors)
	}
	v.size = min(int64(sectors)*v.sector, v.source.Size())
	v.clusters = (v.size + v.cluster - 1) / v.cluster
	if n := int8(b[64]); n < 0 {
		v.recordSize = 1 << min(-int(n), 30)
	} else {
		v.recordSize = int64(n) * v.cluster
	}
	if v.recordSize < 512 || v.recordSize > 64<<10 || v.recordSize&(v.recordSize-1) != 0 {
		return fmt.Errorf("%w: records of %d bytes", ErrDamaged, v.recordSize)
	}
	place := func(at int) int64 { return int64(min(binary.LittleEndian.Uint64(b[at:]), 1<<40)) * v.cluster }
	v.mft = &Stream{volume: v, runs: []run{{0, place(48) / v.cluster, 1}}, size: v.recordSize * 16, valid: v.recordSize * 16}
	v.bitmap = &Stream{volume: v, runs: []run{{0, place(56) / v.cluster, 1}}, size: v.recordSize * 4, valid: v.recordSize * 4} // MFTMirr, until the MFT is open
	return nil
}

// openMFT makes the stream of the master file table from its own first record,
// or from the copy of that.
func (v *Volume) openMFT() error {
	first, mirror := v.mft, v.bitmap
	v.bitmap = nil
	buf := make([]byte, v.recordSize)
	var reason error
	for i, s := range []*Stream{first, mirror} {
		if reason = v.readRecordAt(buf, s.runs[0].lcn*v.cluster); reason != nil {
			continue
		}
		if reason = v.useMFT(buf); reason == nil {
			if i > 0 {
				v.addNote("the first record of the master file table is damaged; its copy was used")
			}
			break
		}
	}
	if reason != nil {
		return fmt.Errorf("the master file table: %w", reason)
	}
	const bitmapRecord = 6
	if f, err := v.record(bitmapRecord); err == nil && f.stream("") != nil {
		v.bitmap = f.stream("")
		v.bitmap.volume = v
		v.bitmap.trim()
	}
	return nil
}

// useMFT finds the master file table by its first record. Where an attribute
// list names further records, those are read by what is known of the table so
// far.
func (v *Volume) useMFT(b []byte) error {
	f, err := parseRecord(b, 0)
	if err != nil {
		return err
	}
	s := f.stream("")
	if s == nil || len(s.runs) == 0 {
		return fmt.Errorf("%w: it has no data", ErrDamaged)
	}
	s.volume = v
	s.trim()
	v.mft = s
	for _, n := range v.listed(f) {
		if extra, err := v.record(n); err == nil {
			f.merge(extra)
		}
	}
	s = f.stream("")
	s.volume = v
	s.trim()
	v.mft = s
	return nil
}

func (v *Volume) addNote(format string, args ...any) {
	const most = 32
	if len(v.Notes) < most {
		v.Notes = append(v.Notes, fmt.Sprintf(format, args...))
	}
}

// readRecordAt reads the record at an offset of the volume.
func (v *Volume) readRecordAt(b []byte, at int64) error {
	if n, err := v.source.ReadAt(b, at); n < len(b) {
		return fmt.Errorf("%w: a record at offset %d: %w", ErrDamaged, at, err)
	}
	return v.fixUp(b)
}

// record reads and parses the record of a number.
func (v *Volume) record(n int64) (*record, error) {
	b := make([]byte, v.recordSize)
	if read, err := v.mft.ReadAt(b, n*v.recordSize); read < len(b) {
		return nil, fmt.Errorf("%w: record %d: %w", ErrDamaged, n, err)
	}
	if err := v.fixUp(b); err != nil {
		return nil, err
	}
	return parseRecord(b, n)
}

// fixUp restores the last two bytes of each 512, which hold a mark that shows
// torn writes.
func (v *Volume) fixUp(b []byte) error {
	if string(b[:4]) != "FILE" {
		return fmt.Errorf("%w: no record", ErrDamaged)
	}
	const stride = 512
	at, count := int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	if count != len(b)/stride+1 || at < 42 || at+2*count > stride-2 {
		return fmt.Errorf("%w: %d fix-ups at %d", ErrDamaged, count, at)
	}
	for i := 1; i < count; i++ {
		end := b[i*stride-2 : i*stride]
		if end[0] != b[at] || end[1] != b[at+1] {
			return fmt.Errorf("%w: a record that was written in part", ErrDamaged)
		}
		copy(end, b[at+2*i:at+2*i+2])
	}
	return nil
}
