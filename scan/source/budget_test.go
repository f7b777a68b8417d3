package source

import "testing"

// TestBlocksGiveWay: blocks of images take what is free, and give it back as soon as
// something else needs it.
func TestBlocksGiveWay(t *testing.T) {
	b := newBudget(100)
	for range 9 {
		if !b.take(10) {
			t.Fatal("there was room for a block")
		}
	}
	if b.take(11) {
		t.Error("there was no room for a block")
	}
	if _, err := b.acquire(10); err != nil || b.used != 100 {
		t.Errorf("beside the blocks: %v, %d used", err, b.used)
	}
	b.release(10)
	if _, err := b.acquire(50); err != nil || b.used != 50 || b.kept != 0 {
		t.Errorf("in place of the blocks: %v, %d used, %d by blocks", err, b.used, b.kept)
	}
	if b.take(1) {
		t.Error("blocks took room that others had needed")
	}
}
