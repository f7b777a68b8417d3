package scan

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"webshellscan/scan/guard"
)

// failure is a piece of work that panicked.
type failure struct {
	index int
	err   error
}

// share runs do for 0 to n-1, each on whichever of the workers is free. A panic
// of do costs that piece of work; the failures are returned in their order.
func share[W any](workers []W, n int, do func(w W, i int)) []failure {
	var next atomic.Int64
	var group sync.WaitGroup
	var mu sync.Mutex
	var failures []failure
	for _, w := range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := guard.Run(func() { do(w, i) }); err != nil {
					mu.Lock()
					failures = append(failures, failure{i, err})
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	slices.SortFunc(failures, func(a, b failure) int { return cmp.Compare(a.index, b.index) })
	return failures
}
