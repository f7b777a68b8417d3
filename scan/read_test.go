package scan

import (
	"sync/atomic"
	"testing"
)

// TestKeepsWhatMayHaveAStory: where processes start, what was unpacked is kept
// for the story.
func TestKeepsWhatMayHaveAStory(t *testing.T) {
	for path, want := range map[string]int32{
		"../testdata/logs/WEB01":             1,
		"../testdata/logs/WEB01/System.evtx": 0,
	} {
		options := Options{Paths: []string{path}, Goroutines: 1}
		found, err := options.find(t.Context())
		if err != nil || len(found.Inputs) == 0 {
			t.Fatal(path, len(found.Inputs), "inputs,", err)
		}
		r := newFirstPass(&found, &options)
		var told atomic.Int32
		r.keep = func() { told.Add(1) }
		r.number()
		r.planEvents(startLoading(t.Context(), &options, func() {}), false)
		r.collect(t.Context())
		if told.Load() != want {
			t.Errorf("%s: told %d times, want %d", path, told.Load(), want)
		}
	}
}
