package work_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"webshellscan/internal/work"
)

// TestEach: each call is made once, a panic costs that call only, and no two
// calls of one goroutine run at the same time.
func TestEach(t *testing.T) {
	const n = 1000
	for _, goroutines := range []int{1, 2, 8} {
		var done [n]atomic.Int32
		busy := make([]atomic.Bool, goroutines)
		panics := work.Each(goroutines, n, func(g, i int) {
			if busy[g].Swap(true) {
				t.Errorf("%d goroutines: two calls of goroutine %d at once", goroutines, g)
			}
			defer busy[g].Store(false)
			done[i].Add(1)
			if i%100 == 7 {
				panic(fmt.Sprintf("piece %d", i))
			}
		})
		for i := range done {
			if got := done[i].Load(); got != 1 {
				t.Fatalf("%d goroutines: piece %d was done %d times", goroutines, i, got)
			}
		}
		var failed []int
		for _, f := range panics {
			failed = append(failed, f.Index)
			if want := fmt.Sprintf("piece %d (each_test.go:", f.Index); !strings.HasPrefix(f.Error(), want) {
				t.Errorf("%v, want %q", f, want)
			}
		}
		if want := []int{7, 107, 207, 307, 407, 507, 607, 707, 807, 907}; !slices.Equal(failed, want) {
			t.Errorf("%d goroutines: panics %v, want %v", goroutines, failed, want)
		}
	}
}

// TestEachOfNothing: nothing to do calls nothing.
func TestEachOfNothing(t *testing.T) {
	if panics := work.Each(4, 0, func(_, i int) { t.Errorf("called with %d", i) }); panics != nil {
		t.Errorf("panics %v", panics)
	}
}
