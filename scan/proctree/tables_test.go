package proctree

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"webshellscan/scan/event"
)

// BenchmarkPIDTable and BenchmarkGUIDTable set the tables written here beside
// Go's map, with what building trees asks of them.
func BenchmarkPIDTable(b *testing.B) {
	pids := make([]uint32, 1<<16)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range pids {
		pids[i] = 4 * random.Uint32N(1<<14)
	}
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t := newPIDTable()
			for i, pid := range pids {
				if t.get(pid) < nodeRef(i) {
					t.set(pid, nodeRef(i+1))
				}
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t := make(map[uint32]nodeRef)
			for i, pid := range pids {
				if t[pid] < nodeRef(i) {
					t[pid] = nodeRef(i + 1)
				}
			}
		}
	})
}

func BenchmarkGUIDTable(b *testing.B) {
	const n = 1 << 16
	guids := make([]event.GUID, n)
	build := &builder{}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range guids {
		binary.LittleEndian.PutUint32(guids[i][4:], 1_700_000_000+uint32(i))
		binary.LittleEndian.PutUint64(guids[i][8:], random.Uint64())
		s := stub{record: creation{guid: guids[i]}}
		s.stub = uint32(i + 1)
		build.tree.stubs = append(build.tree.stubs, s)
	}
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t := newGUIDTable(n)
			for i, guid := range guids {
				t.add(build, guid, nodeRef(i+1))
			}
			for i, guid := range guids {
				if t.find(build, guid) != nodeRef(i+1) {
					b.Fatal("not found")
				}
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t := make(map[event.GUID]nodeRef, n)
			for i, guid := range guids {
				t[guid] = nodeRef(i + 1)
			}
			for i, guid := range guids {
				if t[guid] != nodeRef(i+1) {
					b.Fatal("not found")
				}
			}
		}
	})
}
