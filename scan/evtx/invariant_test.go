package evtx_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/faults"
	"webshellscan/scan/evtx"
)

// stretch is a stretch of a file, in bytes from its start.
type stretch struct{ from, to int64 }

// reference holds which bytes of a log each record needs. Given which were
// damaged, it returns which records must still be read; it reads no log itself.
type reference struct {
	file   *evtxtest.File
	truth  map[uint64]readEvent
	copies map[evtxtest.GUID][][]stretch // of each definition: its own bytes and its names'
}

func newReference(t *testing.T, file *evtxtest.File) *reference {
	res, err := readLog(t, bytes.NewReader(file.Data), int64(len(file.Data)), allOfBase)
	if err != nil || len(res.faults) > 0 {
		t.Fatal(err, res.faults)
	}
	ref := &reference{file, make(map[uint64]readEvent), make(map[evtxtest.GUID][][]stretch)}
	for _, ev := range res.events {
		ref.truth[ev.Event.EventRecordID] = ev.bare()
	}
	for i := range file.Chunks {
		for _, d := range file.Chunks[i].Definitions {
			ref.copies[d.GUID] = append(ref.copies[d.GUID], ref.needs(i, d))
		}
	}
	return ref
}

// needs returns what a definition is made of: its own bytes, and the name nodes
// that it refers to.
func (ref *reference) needs(chunk int, d evtxtest.Definition) []stretch {
	data, base := ref.file.ChunkData(chunk), ref.file.Chunks[chunk].Offset
	end := d.Offset + 24 + binary.LittleEndian.Uint32(data[d.Offset+20:])
	list := []stretch{{base + int64(d.Offset), base + int64(end)}}
	for _, n := range ref.file.Chunks[chunk].Names {
		if bytes.Contains(data[d.Offset:end], binary.LittleEndian.AppendUint32(nil, n.Offset)) {
			list = append(list, stretch{base + int64(n.Offset), base + int64(n.Offset) + 10 + 2*int64(len(n.Name))})
		}
	}
	return list
}

// survivors returns the identifiers of the records that must be read although
// the bytes for which damaged says so are damaged or gone.
func (ref *reference) survivors(damaged func(stretch) bool) []uint64 {
	// A definition that was damaged may look sound. It is known by the
	// checksum of its chunk; where none is good, by the copies that
	// outnumber it.
	sound := make(map[evtxtest.GUID]int)
	for guid, copies := range ref.copies {
		for _, c := range copies {
			base := c[0].from - (c[0].from-evtx.HeaderSize)%evtx.ChunkSize
			switch {
			case !damaged(stretch{base, base + evtx.ChunkSize}):
				sound[guid] += 1000
			case slices.ContainsFunc(c, damaged):
				sound[guid]--
			default:
				sound[guid]++
			}
		}
	}
	var list []uint64
	for i := range ref.file.Chunks {
		guids := make(map[uint32]evtxtest.GUID)
		for _, d := range ref.file.Chunks[i].Definitions {
			guids[d.Offset] = d.GUID
		}
		for _, r := range ref.file.Chunks[i].Records {
			if !damaged(stretch{r.Offset, r.Offset + int64(r.Size)}) &&
				!slices.ContainsFunc(r.Instances, func(in evtxtest.Instance) bool { return sound[guids[in.Definition]] <= 0 }) {
				list = append(list, r.EventRecordID)
			}
		}
	}
	return list
}

// check reads a damaged log: the survivors must be there, unchanged, and what
// is missing must be told of.
func (ref *reference) check(t *testing.T, data []byte, damaged func(stretch) bool, what string, moved bool) {
	t.Helper()
	res, err := readLog(t, bytes.NewReader(data), int64(len(data)), allOfBase)
	survivors := ref.survivors(damaged)
	if err != nil {
		if len(survivors) > 0 {
			t.Fatalf("%s: %v, and %d records lost", what, err, len(survivors))
		}
		return
	}
	got := make(map[uint64]readEvent)
	places := make(map[int64]bool)
	for _, ev := range res.events {
		places[ev.Offset] = true
		if old, ok := got[ev.Event.EventRecordID]; !ok || cmp.Diff(ref.truth[ev.Event.EventRecordID], old) != "" {
			ev.Marks = 0
			got[ev.Event.EventRecordID] = ev.bare()
		}
	}
	for _, id := range survivors {
		if diff := cmp.Diff(ref.truth[id], got[id]); diff != "" {
			t.Fatalf("%s: record %d (-want +got):\n%s\nfaults %v", what, id, diff, res.faults)
		}
	}
	if moved {
		return
	}
	for i := range ref.file.Chunks {
		for _, r := range ref.file.Chunks[i].Records {
			if !places[r.Offset] && !reported(res.faults, ref.file.Chunks[i].Offset, r.ID) {
				t.Fatalf("%s: record %d is lost, and nothing is said of it: %v", what, r.EventRecordID, res.faults)
			}
		}
	}
}

// reported reports whether a fault tells of a record that is missing: in its
// chunk, or by its identifier.
func reported(list []*evtx.FormatError, chunk int64, id uint64) bool {
	return slices.ContainsFunc(list, func(f *evtx.FormatError) bool {
		within := f.Offset >= chunk && f.Offset < chunk+evtx.ChunkSize
		return f.Class == evtx.FileHeaderStale || f.Class == evtx.ChunksMissing || within && f.Class.Loss() || within && slices.Contains(unsound, f.Class) ||
			(f.Class == evtx.IDGap || f.Class == evtx.RecordsMissing) && f.RecordID <= id && id <= f.LastID || f.Class == evtx.FileTruncated && f.Offset <= chunk
	})
}

// seeds is how many random damages a test tries: WEBSHELLSCAN_SEEDS, or some.
func seeds(some int) int {
	if n, err := strconv.Atoi(os.Getenv("WEBSHELLSCAN_SEEDS")); err == nil {
		return n
	}
	return some
}

// TestInvariantFlips: a record is lost only if its own bytes, or every copy of
// its definition, were damaged; under 1, 10 and 100 flipped bytes a chunk.
func TestInvariantFlips(t *testing.T) {
	ref := newReference(t, faults.Base())
	for _, flips := range []int{1, 10, 100} {
		for seed := range seeds(60) {
			random := rand.New(rand.NewPCG(uint64(flips), uint64(seed)))
			data := slices.Clone(ref.file.Data)
			var hit []int64
			for i := range ref.file.Chunks {
				used := int(ref.file.Chunks[i].FreeSpace)
				for range flips {
					at := ref.file.Chunks[i].Offset + int64(random.IntN(used))
					data[at] ^= byte(1 + random.IntN(255))
					hit = append(hit, at)
				}
			}
			slices.Sort(hit)
			damaged := func(s stretch) bool {
				i, _ := slices.BinarySearch(hit, s.from)
				return i < len(hit) && hit[i] < s.to
			}
			ref.check(t, data, damaged, strconv.Itoa(flips)+" flips, seed "+strconv.Itoa(seed), false)
		}
	}
}

// TestInvariantTruncation: the same of a log that is cut at any place.
func TestInvariantTruncation(t *testing.T) {
	ref := newReference(t, faults.Base())
	step := max(1, len(ref.file.Data)/seeds(400))
	if testing.Short() {
		step *= 10
	}
	for size := 1; size < len(ref.file.Data); size += step {
		ref.check(t, ref.file.Data[:size], func(s stretch) bool { return s.to > int64(size) }, "cut at "+strconv.Itoa(size), false)
	}
}

// TestInvariantShuffle: the same of a log whose chunks stand in another order,
// some twice, some not at all, with bytes in between.
func TestInvariantShuffle(t *testing.T) {
	ref := newReference(t, faults.Base())
	for seed := range seeds(60) {
		random := rand.New(rand.NewPCG(7, uint64(seed)))
		data := slices.Clone(ref.file.Data[:evtx.HeaderSize])
		there := make(map[int]bool)
		for range 1 + random.IntN(6) {
			if random.IntN(3) == 0 {
				junk := make([]byte, random.IntN(3000))
				for i := range junk {
					junk[i] = byte(random.Uint32())
				}
				data = append(data, junk...)
			}
			i := random.IntN(len(ref.file.Chunks))
			data = append(data, ref.file.ChunkData(i)...)
			there[i] = true
		}
		damaged := func(s stretch) bool { return !there[int((s.from-evtx.HeaderSize)/evtx.ChunkSize)] }
		ref.check(t, data, damaged, "shuffle "+strconv.Itoa(seed), true)
	}
}

// unsound are the faults that say of a chunk that its content is not what was
// written: a record of it may have become one that is not looked for.
var unsound = []evtx.Class{evtx.ChunkDataCRC, evtx.ChunkHeaderCRC, evtx.ChunkBadMagic}
