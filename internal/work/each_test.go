package scan

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// TestShare: each piece of work is done once, and a panic costs that piece only.
func TestShare(t *testing.T) {
	const n = 1000
	for _, workers := range []int{1, 2, 8} {
		var done [n]atomic.Int32
		failures := share(make([]int, workers), n, func(_, i int) {
			done[i].Add(1)
			if i%100 == 7 {
				panic(fmt.Sprintf("piece %d", i))
			}
		})
		for i := range done {
			if got := done[i].Load(); got != 1 {
				t.Fatalf("%d workers: piece %d was done %d times", workers, i, got)
			}
		}
		var failed []int
		for _, f := range failures {
			failed = append(failed, f.index)
			if want := fmt.Sprintf("piece %d (share_test.go:", f.index); !strings.HasPrefix(f.err.Error(), want) {
				t.Errorf("%v, want %q", f.err, want)
			}
		}
		if want := []int{7, 107, 207, 307, 407, 507, 607, 707, 807, 907}; !slices.Equal(failed, want) {
			t.Errorf("%d workers: failures %v, want %v", workers, failed, want)
		}
	}
}
