package evtx

import (
	"math/rand/v2"
	"testing"

	"webshellscan/scan/event"
)

// manyIDs returns the keys of n event IDs of a provider.
func manyIDs(n int) []event.Key {
	random := rand.New(rand.NewPCG(1, 2))
	keys := make([]event.Key, n)
	for i, id := range random.Perm(1 << 16)[:n] {
		keys[i] = event.Key{Provider: "P", ID: uint16(id)}
	}
	return keys
}

// TestSelectedIDs: each event ID has the key that selects it, and no other has
// one, however many there are.
func TestSelectedIDs(t *testing.T) {
	for _, n := range []int{1, 2, 3, 80, 1 << 16} {
		keys := manyIDs(n)
		want := make(map[uint16]int, n)
		for i, k := range keys {
			want[k.ID] = i
		}
		p := NewSelection(keys).providers[0]
		for id := range 1 << 16 {
			key, selected := p.key(uint16(id))
			if i, ok := want[uint16(id)]; ok != selected || ok && i != key {
				t.Fatalf("%d IDs: %d has key %d, %t, want %d, %t", n, id, key, selected, i, ok)
			}
		}
	}
}

// BenchmarkSelectedIDs sets the table of a provider's event IDs beside Go's
// map, with what quick asks of it: mostly IDs that are not selected.
func BenchmarkSelectedIDs(b *testing.B) {
	keys := manyIDs(80)
	p := NewSelection(keys).providers[0]
	ids := make(map[uint16]int, len(keys))
	for i, k := range keys {
		ids[k.ID] = i
	}
	asked := append(manyIDs(1000)[500:], keys...)
	found := 0
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, k := range asked {
				if _, ok := p.key(k.ID); ok {
					found++
				}
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, k := range asked {
				if _, ok := ids[k.ID]; ok {
					found++
				}
			}
		}
	})
}
