package main

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestGCPercent: a small heap may grow by spareHeap, a large one by the usual
// part of its size.
func TestGCPercent(t *testing.T) {
	defer usualGC.Store(usualGC.Swap(100))
	for _, tt := range []struct {
		live    uint64
		usual   int64
		percent int
	}{
		{0, 100, 800},
		{1 << 20, 100, 800},
		{8 << 20, 100, 400},
		{32 << 20, 100, 100},
		{1 << 30, 100, 100},
		{8 << 20, 30, 400},
		{1 << 30, 30, 30},
	} {
		usualGC.Store(tt.usual)
		if got := gcPercent(tt.live); got != tt.percent {
			t.Errorf("%d bytes live, usually %d %%: %d %%, want %d", tt.live, tt.usual, got, tt.percent)
		}
	}
}

// TestAfterCollection: what is to be done after a collection is done after
// each.
func TestAfterCollection(t *testing.T) {
	done := make(chan uint64, 1)
	afterCollection(func(live uint64) {
		select {
		case done <- live:
		default:
		}
	})
	for range 3 {
		runtime.GC()
		select {
		case live := <-done:
			if live == 0 {
				t.Error("nothing is live")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a collection was not told of")
		}
	}
}

// TestCollectAt: a verb's own percentage ends with it, and the environment's
// goes before it.
func TestCollectAt(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	restore := collectAt(30)
	if got := debug.SetGCPercent(30); got != 30 {
		t.Errorf("%d %% meanwhile", got)
	}
	restore()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("%d %% afterwards", got)
	}
	t.Setenv("GOGC", "77")
	collectAt(30)()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("%d %% although the environment says otherwise", got)
	}
}
