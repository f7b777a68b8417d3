package scan

import (
	"testing"

	"webshellscan/scan/event"
)

// TestFirstPlaces: of more events than correlation rules can see the first ones
// are kept, and the others are counted.
func TestFirstPlaces(t *testing.T) {
	at := make(map[event.Place]bool)
	for i := range 10 {
		at[event.Place{File: uint32(i / 5), Offset: int64(100 - i)}] = true
	}
	if first, lost := firstPlaces(at, 10); len(first) != 10 || lost != 0 {
		t.Errorf("of 10: %d, %d lost", len(first), lost)
	}
	first, lost := firstPlaces(at, 6)
	if len(first) != 6 || lost != 4 || !first[event.Place{File: 0, Offset: 96}] || !first[event.Place{File: 1, Offset: 91}] {
		t.Errorf("of 6: %v, %d lost", first, lost)
	}
}
