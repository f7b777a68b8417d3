package evtx_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// TestExportGap: identifiers of events that an export leaves out are counted,
// though the headers of its records are numbered without a hole.
func TestExportGap(t *testing.T) {
	exported := evtxtest.Options{Style: evtxtest.StyleExported, RecordsPerChunk: 10}
	mixed := evtxtest.Options{Style: evtxtest.StyleExported, RecordsPerChunk: 10, FirstID: 3}
	id := func(i int) uint64 { return uint64(5000 + i) }
	for name, tt := range map[string]struct {
		options evtxtest.Options
		id      func(i int) uint64
		missing int64
		from    int // record
		to      int
	}{
		"whole":          {exported, id, 0, 0, 0},
		"live log":       {evtxtest.Options{RecordsPerChunk: 10}, id, 0, 0, 0},
		"in a chunk":     {exported, func(i int) uint64 { return id(i + 3*(i/15)) }, 3, 10, 19},
		"between chunks": {mixed, func(i int) uint64 { return id(i + 7*(i/20)) }, 7, 19, 29},
		"several":        {exported, func(i int) uint64 { return id(2 * i) }, 29, 0, 29},
		"two logs":       {exported, func(i int) uint64 { return id(i%20 + 7*i/20) }, 0, 0, 0},
		"forwarded":      {evtxtest.Options{Style: evtxtest.StyleForwarded, RecordsPerChunk: 10}, func(i int) uint64 { return id(2 * i) }, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			events := made(30)
			for i := range events {
				events[i].RecordID = tt.id(i)
			}
			data := buildFile(t, tt.options, events).Data
			res, err := readLog(t, bytes.NewReader(data), int64(len(data)), evtx.NewSelection(nil))
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(res.faults, func(f *evtx.FormatError) bool { return f.Class == evtx.ExportGap })
			if i < 0 {
				if tt.missing != 0 {
					t.Errorf("nothing is said: %v", res.faults)
				}
				return
			}
			f := res.faults[i]
			if f.Have != tt.missing || f.From != event.Time(events[tt.from].Time) || f.To != event.Time(events[tt.to].Time) {
				t.Errorf("%v, want %d missing", f, tt.missing)
			}
		})
	}
}

// TestDisorder: a record may be a minute earlier than the one before it, and no
// more.
func TestDisorder(t *testing.T) {
	for early, want := range map[time.Duration]int{time.Minute: 0, time.Minute + 100: 1} {
		events := made(2)
		events[1].Time = evtxtest.FileTimeOf(noon.Add(-early))
		data := buildFile(t, evtxtest.Options{}, events).Data
		res, err := readLog(t, bytes.NewReader(data), int64(len(data)), evtx.NewSelection(nil))
		if err != nil || len(res.faults) != want || want > 0 && res.faults[0].Class != evtx.TimeBackwards {
			t.Errorf("%s early: %v, faults %v, want %d", early, err, res.faults, want)
		}
	}
}
