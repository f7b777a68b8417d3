package image

import (
	"encoding/binary"
	"maps"
	"slices"
)

// vhdxEntry is an entry of the log [MS-VHDX 2.3.1].
type vhdxEntry struct {
	at, length, tail int64 // in the log
	sequence         uint64
	flushed          int64 // how long the file was
	body             []byte
}

// vhdxReplay returns the file as it is after its log was replayed, which is
// done in memory [MS-VHDX 2.3.2, 2.3.3].
func vhdxReplay(m *Image, f File, header []byte) File {
	length, at := int64(binary.LittleEndian.Uint32(header[68:])), int64(binary.LittleEndian.Uint64(header[72:]))
	ring, err := readTable(f, at, length, vhdxMaxLog)
	if err != nil || length%vhdxLogSector != 0 {
		m.lose("the log of the VHDX could not be read; what was not yet written from it is missing")
		return f
	}
	entries := vhdxActive(vhdxEntries(ring, header[48:64]))
	if len(entries) == 0 {
		m.addNote("the VHDX was not closed, and its log holds no valid sequence; it was read without")
		return f
	}
	r := &replayed{File: f, sectors: make(map[int64][]byte), size: f.Size()}
	for _, e := range entries {
		r.apply(e)
	}
	if last := entries[len(entries)-1]; f.Size() < last.flushed {
		m.lose("the file is %d bytes long, and was %d when its log was written: its end is missing", f.Size(), last.flushed)
	}
	m.addNote("the VHDX was not closed: its log of %d entries was replayed in memory", len(entries))
	return r
}

// vhdxEntries returns the valid entries in a log, by place.
func vhdxEntries(ring, guid []byte) map[int64]*vhdxEntry {
	found := make(map[int64]*vhdxEntry)
	size := int64(len(ring))
	budget := 4 * size // of bytes whose checksum is taken: entries may overlap
	for at := int64(0); at < size; at += vhdxLogSector {
		h := ring[at : at+64]
		length := int64(binary.LittleEndian.Uint32(h[8:]))
		if string(h[:4]) != "loge" || string(h[32:48]) != string(guid) || length < vhdxLogSector || length > size || length%vhdxLogSector != 0 {
			continue
		}
		if budget -= length; budget < 0 {
			break
		}
		body := make([]byte, length)
		n := copy(body, ring[at:])
		copy(body[n:], ring)
		if !crcFits(body, 4) {
			continue
		}
		found[at] = &vhdxEntry{
			at: at, length: length, tail: int64(binary.LittleEndian.Uint32(h[12:])), sequence: binary.LittleEndian.Uint64(h[16:]),
			flushed: int64(binary.LittleEndian.Uint64(h[48:])), body: body,
		}
	}
	for _, e := range found {
		e.tail %= size
	}
	return found
}

// vhdxActive returns the entries to replay, in their order: of the runs of
// entries with consecutive numbers whose last names a member as its tail, that
// with the highest number.
func vhdxActive(all map[int64]*vhdxEntry) []*vhdxEntry {
	places := slices.Sorted(maps.Keys(all))
	var best []*vhdxEntry
	for _, at := range places {
		run := vhdxRun(all, all[at])
		last := run[len(run)-1]
		if best != nil && last.sequence <= best[len(best)-1].sequence {
			continue
		}
		if i := slices.IndexFunc(run, func(e *vhdxEntry) bool { return e.at == last.tail }); i >= 0 {
			best = run[i:]
		}
	}
	return best
}

// vhdxRun returns the entries that follow one, each right behind the one before
// with the next number.
func vhdxRun(all map[int64]*vhdxEntry, e *vhdxEntry) []*vhdxEntry {
	run := []*vhdxEntry{e}
	for len(run) <= len(all) {
		next := all[e.at+e.length]
		if next == nil { // the ring may begin anew
			next = all[vhdxWrapped(all, e)]
		}
		if next == nil || next.sequence != e.sequence+1 {
			break
		}
		run, e = append(run, next), next
	}
	return run
}

// vhdxWrapped returns where the entry with the next number lies, -1 if nowhere.
func vhdxWrapped(all map[int64]*vhdxEntry, e *vhdxEntry) int64 {
	for at, other := range all {
		if other.sequence == e.sequence+1 && at < e.at {
			return at
		}
	}
	return -1
}

// apply notes what an entry writes.
func (r *replayed) apply(e *vhdxEntry) {
	descriptors := int64(binary.LittleEndian.Uint32(e.body[24:]))
	data := (64 + 32*descriptors + vhdxLogSector - 1) / vhdxLogSector * vhdxLogSector
	for i := range descriptors {
		at := 64 + 32*i
		if at+32 > e.length {
			return
		}
		d := e.body[at : at+32]
		target := int64(binary.LittleEndian.Uint64(d[16:]))
		switch string(d[:4]) {
		case "zero":
			r.zero(target, int64(binary.LittleEndian.Uint64(d[8:])))
		case "desc":
			if data+vhdxLogSector > e.length || target < 0 || target%vhdxLogSector != 0 {
				return
			}
			sector := make([]byte, vhdxLogSector)
			copy(sector, d[8:16])
			copy(sector[8:], e.body[data+8:data+vhdxLogSector-4])
			copy(sector[vhdxLogSector-4:], d[4:8])
			r.put(target, sector)
			data += vhdxLogSector
		}
	}
}

// maxZeroed bounds how many bytes of zeros a log may write: a log writes to
// tables, which are small.
const maxZeroed = 256 << 20

// zero notes a stretch of zeros.
func (r *replayed) zero(at, length int64) {
	if at < 0 || at%vhdxLogSector != 0 || length < 0 || length > maxZeroed {
		return
	}
	zeros := make([]byte, vhdxLogSector)
	for end := at + length; at < end; at += vhdxLogSector {
		r.put(at, zeros)
	}
}

func (r *replayed) put(at int64, sector []byte) {
	r.sectors[at/vhdxLogSector] = sector
	r.size = max(r.size, at+vhdxLogSector)
}
