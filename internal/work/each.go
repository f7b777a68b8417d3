package work

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// Each calls do once for each i from 0 to n-1, on up to goroutines goroutines,
// and returns when all calls have returned. g is the number of the goroutine,
// from 0 to goroutines-1: no two calls with the same g run at the same time, so
// that what belongs to g needs no lock. A panic of do costs that call alone.
// Each returns the panics by index, whatever order the calls ran in.
func Each(goroutines, n int, do func(g, i int)) []*Panic {
	var next atomic.Int64
	var group sync.WaitGroup
	var mu sync.Mutex
	var panics []*Panic
	for g := range min(goroutines, n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if p := recovered(func() { do(g, i) }); p != nil {
					mu.Lock()
					panics = append(panics, &Panic{p.Value, p.Place, i})
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	slices.SortFunc(panics, func(a, b *Panic) int { return cmp.Compare(a.Index, b.Index) })
	return panics
}
