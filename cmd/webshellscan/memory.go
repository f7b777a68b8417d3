package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// spareHeap is how many bytes the heap may always grow by before it is
// collected. A scan's live heap is some megabytes for most of its time, so that
// it would be collected whenever it has grown by as much: dozens of times for
// nothing, at a tenth of the CPU.
const spareHeap = 32 << 20

// usualGC is how many per cent of its size a larger heap grows by.
var usualGC atomic.Int64

// collectAt sets usualGC, and returns what sets it back. GOGC in the
// environment goes before it.
func collectAt(percent int64) (restore func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before, now := usualGC.Swap(percent), debug.SetGCPercent(int(percent))
	return func() {
		usualGC.Store(before)
		debug.SetGCPercent(now)
	}
}

// spareCollections has the garbage collector run no more often than spareHeap
// says, unless the environment says how often by GOGC.
func spareCollections() {
	if os.Getenv("GOGC") != "" {
		return
	}
	const goDefault = 100
	usualGC.Store(goDefault)
	debug.SetGCPercent(gcPercent(0))
	afterCollection(func(live uint64) { debug.SetGCPercent(gcPercent(live)) })
}

// gcPercent returns the garbage collector's percentage for a live heap of so
// many bytes.
func gcPercent(live uint64) int {
	const smallest = 4 << 20 // the runtime takes no heap for smaller
	return max(int(usualGC.Load()), int(100*spareHeap/max(live, smallest)))
}

// afterCollection calls do after each collection with the bytes that are live.
func afterCollection(do func(live uint64)) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var wait func(struct{})
	wait = func(struct{}) {
		if metrics.Read(sample); sample[0].Value.Kind() == metrics.KindUint64 {
			do(sample[0].Value.Uint64())
		}
		runtime.AddCleanup(new([64]byte), wait, struct{}{})
	}
	runtime.AddCleanup(new([64]byte), wait, struct{}{})
}
