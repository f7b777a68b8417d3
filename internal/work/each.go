package work

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// Failure is a piece of work that panicked.
type Failure struct {
	Index int
	Err   error // a *Panic
}

// Each calls do once for each i from 0 to n-1, on up to goroutines goroutines,
// and returns when all calls have returned. g is the number of the goroutine,
// from 0 to goroutines-1: no two calls with the same g run at the same time, so
// that what belongs to g needs no lock. A panic of do costs that call alone.
// Each returns the failures by index, whatever order the calls ran in.
func Each(goroutines, n int, do func(g, i int)) []Failure {
	var next atomic.Int64
	var group sync.WaitGroup
	var mu sync.Mutex
	var failures []Failure
	for g := range min(goroutines, n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := Guard(func() { do(g, i) }); err != nil {
					mu.Lock()
					failures = append(failures, Failure{i, err})
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	slices.SortFunc(failures, func(a, b Failure) int { return cmp.Compare(a.Index, b.Index) })
	return failures
}
