package evtx

import (
	"encoding/binary"
	"testing"
)

// TestHasHalfPair: half of a pair is damage, but where text was cut.
func TestHasHalfPair(t *testing.T) {
	const high, low = 0xD83D, 0xDE00
	for _, tt := range []struct {
		units []uint16
		want  bool
	}{
		{nil, false},
		{[]uint16{'a', 0xD7FF, 0xE000, 'b', 0xFFFF, 'c'}, false},
		{[]uint16{high, low}, false},
		{[]uint16{'a', 'b', 'c', high, low, 'd', 'e', high, low, high, low}, false},
		{[]uint16{low, 'a', 'b', 'c', 'd'}, false},
		{[]uint16{low}, false},
		{[]uint16{'a', 'b', 'c', 'd', high}, false},
		{[]uint16{'a', high, 0, 0}, false},
		{[]uint16{high, 'a'}, true},
		{[]uint16{high, high, low}, true},
		{[]uint16{'a', 'b', 'c', 'd', 'e', low, 'f'}, true},
		{[]uint16{low, low, 'a'}, true},
		{[]uint16{high, low, low}, true},
		{[]uint16{'a', 'b', 'c', 'd', high, 'e', 'f', 'g', 'h'}, true},
		{[]uint16{high, 0, 'a', 0}, true},
	} {
		var text []byte
		for _, u := range tt.units {
			text = binary.LittleEndian.AppendUint16(text, u)
		}
		if got := hasHalfPair(text); got != tt.want {
			t.Errorf("%x: %v", tt.units, got)
		}
		if got := hasHalfPair(append(text, 'x')); got != tt.want && len(tt.units) > 0 && tt.units[len(tt.units)-1] != high && tt.units[len(tt.units)-1] != 0 {
			t.Errorf("%x and a byte: %v", tt.units, got)
		}
	}
}
