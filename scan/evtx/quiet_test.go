package evtx_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// TestQuiet: a chunk is quiet if none of its records is of a kind that is
// looked out for, however the records are stored and whether they are selected
// or not.
func TestQuiet(t *testing.T) {
	load := func(i int) evtxtest.Source { return &evtxtest.SysmonImageLoad{ProcessID: 4, Image: `C:\a.exe`} }
	flap := func(i int) evtxtest.Source { return &evtxtest.ServiceState{} }
	var events []evtxtest.Event
	for i, source := range []func(int) evtxtest.Source{load, load, load, flap, load, load} {
		ev := evtxtest.NewEvent(time.Date(2026, 3, 2, 12, 0, i, 0, time.UTC), "HOST", source(i))
		ev.RecordID = uint64(1 + i)
		events = append(events, ev)
	}
	sysmon := event.Key{Provider: event.ProviderSysmon, ID: 7}
	services := event.Key{Provider: "Service Control Manager", ID: 7036}
	loud := []bool{true, false, true}
	all := []bool{false, false, false}
	for name, tt := range map[string]struct {
		want  event.Want
		quiet []bool
	}{
		"a kind that is not selected":              {event.Want{Keys: []event.Key{{Provider: "X", ID: 9}}, Noted: []event.Key{services}}, loud},
		"a kind that is selected":                  {event.Want{Keys: []event.Key{services}, Noted: []event.Key{services}}, loud},
		"the ID of a kind that is selected":        {event.Want{Keys: []event.Key{sysmon}, Noted: []event.Key{services, {Provider: "X", ID: 7}}}, loud},
		"the ID of a kind that is not selected":    {event.Want{Keys: []event.Key{services}, Noted: []event.Key{{Provider: "X", ID: 7}}}, all},
		"a kind of a provider that is asked whole": {event.Want{Providers: []string{services.Provider}, Noted: []event.Key{services}}, loud},
	} {
		for _, style := range []evtxtest.Style{evtxtest.StyleLive, evtxtest.StyleForwarded} {
			file := buildFile(t, evtxtest.Options{Style: style, RecordsPerChunk: 2}, events)
			if got := quietOf(t, file.Data, tt.want); !slices.Equal(got, tt.quiet) {
				t.Errorf("%s, style %d: quiet %v, want %v", name, style, got, tt.quiet)
			}
		}
	}
	file := buildFile(t, evtxtest.Options{RecordsPerChunk: 2}, events)
	file.Data[evtx.HeaderSize+600]++ // the chunk's checksum does not fit
	if got := quietOf(t, file.Data, event.Want{Noted: []event.Key{services}}); got[0] {
		t.Error("a chunk that is not sound is quiet")
	}
}

// quietOf reads a log and returns which of its chunks are quiet.
func quietOf(t *testing.T, data []byte, want event.Want) []bool {
	t.Helper()
	f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	r := evtx.NewReader(evtx.Select(want)).Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()})
	for range r.Events(t.Context()) {
	}
	var quiet []bool
	for _, c := range r.Chunks {
		quiet = append(quiet, c.Quiet)
	}
	if len(quiet) != 3 {
		t.Fatal(fmt.Sprint(len(quiet), " chunks"))
	}
	return quiet
}
