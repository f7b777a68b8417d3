package rules

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkValueCache and BenchmarkTupleTable set the tables written here
// beside Go's map, with what a scan asks of them: what was kept is looked up
// many times.
func BenchmarkValueCache(b *testing.B) {
	const values, fields, rounds = 1 << 14, 8, 4
	type key struct {
		id    ValueID
		field uint32
	}
	ids := make([]key, values)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range ids {
		ids[i] = key{ValueID(random.Uint64N(1 << 40)), 1 + random.Uint32N(fields)}
	}
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := newValueCache(0)
			for range rounds {
				for _, k := range ids {
					if _, ok := c.get(k.id, k.field); !ok {
						c.add(valueSlot{k.id, k.field, 7})
					}
				}
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c := make(map[key]uint32)
			for range rounds {
				for _, k := range ids {
					if _, ok := c[k]; !ok {
						c[k] = 7
					}
				}
			}
		}
	})
}

func BenchmarkTupleTable(b *testing.B) {
	const tuples, rounds = 1 << 12, 8
	list := make([][]uint32, tuples)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range list {
		for range 12 {
			list[i] = append(list[i], random.Uint32N(1<<10))
		}
	}
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			t := newTupleTable()
			for range rounds {
				for _, tuple := range list {
					hash := tupleHash(tuple)
					if _, ok := t.find(tuple, hash); !ok {
						t.add(tuple, hash)
					}
				}
			}
		}
	})
	b.Run("map", func(b *testing.B) { // a slice is no key: its bytes are
		b.ReportAllocs()
		for b.Loop() {
			t := make(map[string]uint32)
			var key []byte
			for range rounds {
				for _, tuple := range list {
					key = key[:0]
					for _, n := range tuple {
						key = append(key, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
					}
					if _, ok := t[string(key)]; !ok {
						t[string(key)] = uint32(len(t))
					}
				}
			}
		}
	})
}
