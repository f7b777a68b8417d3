package proctree_test

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"webshellscan/scan/proctree"
)

// TestInternerAll: every text is there once, under its number, while others are
// added.
func TestInternerAll(t *testing.T) {
	in := proctree.NewInterner()
	want := make(map[proctree.TextID]string)
	for i := range 5000 {
		text := fmt.Sprint("text ", i)
		if i == 0 {
			text = ""
		}
		want[in.InternString(text)] = text
	}
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 5000 {
			in.InternString(fmt.Sprint("other ", i))
		}
	})
	seen := make(map[proctree.TextID]string)
	for id, text := range in.All() {
		if _, twice := seen[id]; twice || text != in.Text(id) {
			t.Errorf("%d: %q", id, text)
		}
		seen[id] = text
	}
	group.Wait()
	maps.DeleteFunc(seen, func(id proctree.TextID, _ string) bool { _, ours := want[id]; return !ours })
	if !maps.Equal(seen, want) {
		t.Errorf("%d of %d texts", len(seen), len(want))
	}
	if got := maps.Collect(in.All()); len(got) != 10_000 {
		t.Errorf("%d texts", len(got))
	}
	for range in.All() {
		break
	}
}
