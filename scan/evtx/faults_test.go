package evtx_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest/faults"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// allOfBase selects every kind of event that the base of the fault matrix has.
var allOfBase = evtx.NewSelection(keysOfBase)

var keysOfBase = []event.Key{
	{Provider: "Microsoft-Windows-Sysmon", ID: 1},
	{Provider: "Microsoft-Windows-Sysmon", ID: 5},
	{Provider: "Microsoft-Windows-Security-Auditing", ID: 4688},
	{Provider: "Microsoft-Windows-Security-Auditing", ID: 4689},
	{Provider: "Service Control Manager", ID: 7036},
}

// readEvent is an event with what says how it was read.
type readEvent struct {
	Event  truthEvent
	Marks  event.Marks
	Offset int64 // in the file
}

// bare returns the event without its place.
func (e readEvent) bare() readEvent {
	e.Event.Chunk, e.Event.OffsetInChunk, e.Event.RecordHeaderID, e.Offset = 0, 0, 0, 0
	return e
}

// logReading is all that a log gave.
type logReading struct {
	events []readEvent
	faults []*evtx.FormatError
	stats  evtx.Stats
}

// readLog reads a log as a scan does: what is on the grid of chunks, what is
// beside it, what lost its definition, and what comparing the chunks shows.
func readLog(t testing.TB, source io.ReaderAt, size int64, sel *evtx.Selection) (logReading, error) {
	t.Helper()
	var res logReading
	f, err := evtx.Search(t.Context(), source, size)
	if err != nil {
		return res, err
	}
	r := evtx.NewReader(sel)
	var irregular []evtx.Part
	var deferred []evtx.Deferred
	var chunks []evtx.Chunk
	take := func(reading *evtx.Reading) {
		for ev, err := range reading.Events(t.Context()) {
			if ev != nil {
				checkLists(t, ev)
				res.events = append(res.events, readEvent{asTruth("", ev), ev.Marks, ev.Place.Offset})
				continue
			}
			fault, ok := errors.AsType[*evtx.FormatError](err)
			if !ok {
				t.Fatal(err)
			}
			res.faults = append(res.faults, fault)
		}
		res.stats.Add(&reading.Stats)
		irregular, deferred, chunks = append(irregular, reading.Irregular...), append(deferred, reading.Deferred...), append(chunks, reading.Chunks...)
	}
	for part := range f.Parts(evtx.DefaultPartSize) {
		take(r.Records(f, part))
	}
	odd := irregular
	take(r.Carve(f, odd))
	var pool evtx.TemplatePool
	pool.Merge(r)
	take(r.Deferred(f, slices.Clone(deferred), &pool))
	res.faults = append(res.faults, f.Faults(chunks, &res.stats)...)
	res.faults = append(res.faults, evtx.CheckOrder(chunks)...)
	slices.SortStableFunc(res.faults, func(a, b *evtx.FormatError) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Class, b.Class))
	})
	return res, nil
}

// TestFaults reads every log of the fault matrix: exactly the records come out
// that must, as they are, and exactly that is said of the damage which there is
// to say.
func TestFaults(t *testing.T) {
	sound := faults.Base().Data
	truth, err := readLog(t, bytes.NewReader(sound), int64(len(sound)), allOfBase)
	if err != nil || len(truth.faults) > 0 {
		t.Fatal(err, truth.faults)
	}
	for _, row := range faults.Rows() {
		t.Run(row.ID, func(t *testing.T) {
			log := row.Log()
			got, err := readLog(t, bytes.NewReader(log.Data), int64(len(log.Data)), evtx.Select(event.Want{Keys: keysOfBase, Recovered: log.Recover}))
			if log.Open != "" || err != nil {
				if err == nil || log.Open == "" || !strings.Contains(err.Error(), log.Open) {
					t.Errorf("%s: open: %v, want %q", row.Name, err, log.Open)
				}
				return
			}
			if diff := gocmp.Diff(wantEvents(log, truth.events), gotEvents(log, got.events)); diff != "" {
				t.Errorf("%s: events (-want +got):\n%s", row.Name, diff)
			}
			if diff := gocmp.Diff(wantFaults(log), gotFaults(log, got.faults)); diff != "" {
				t.Errorf("%s: faults (-want +got):\n%s", row.Name, diff)
			}
		})
	}
}

// wantEvents returns the events that must come out of a log, by identifier. Of
// those whose content changed only identifier and marks are known.
func wantEvents(log *faults.Log, truth []readEvent) []readEvent {
	byID := make(map[uint64]readEvent)
	for _, ev := range truth {
		byID[ev.Event.EventRecordID] = ev.bare()
	}
	var list []readEvent
	for _, id := range log.IDs {
		ev := byID[id]
		if slices.Contains(log.Changed, id) {
			ev = readEvent{Event: truthEvent{EventRecordID: id}}
		}
		for marks, ids := range map[event.Marks][]uint64{
			event.MarkHidden: log.Hidden, event.MarkRecovered: log.Recovered, event.MarkSubstituted: log.Substituted,
		} {
			if slices.Contains(ids, id) {
				ev.Marks |= marks
			}
		}
		list = append(list, ev)
	}
	slices.SortFunc(list, func(a, b readEvent) int { return cmp.Compare(a.Event.EventRecordID, b.Event.EventRecordID) })
	return list
}

func gotEvents(log *faults.Log, events []readEvent) []readEvent {
	var list []readEvent
	copies := slices.ContainsFunc(log.Faults, func(f faults.Fault) bool { return f.Class == string(evtx.ChunkDuplicate) })
	seen := make(map[uint64]bool)
	for _, ev := range events {
		if log.Loose && ev.Event.EventRecordID >= faults.Hostile || copies && seen[ev.Event.EventRecordID] {
			continue
		}
		seen[ev.Event.EventRecordID] = true
		ev = ev.bare()
		if slices.Contains(log.Changed, ev.Event.EventRecordID) {
			ev = readEvent{Event: truthEvent{EventRecordID: ev.Event.EventRecordID}, Marks: ev.Marks}
		}
		list = append(list, ev)
	}
	slices.SortStableFunc(list, func(a, b readEvent) int { return cmp.Compare(a.Event.EventRecordID, b.Event.EventRecordID) })
	return list
}

func wantFaults(log *faults.Log) []string {
	var list []string
	want := slices.Clone(log.Faults)
	slices.SortStableFunc(want, func(a, b faults.Fault) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Class, b.Class))
	})
	for _, f := range want {
		list = append(list, faultLine(log, f.Class, f.Offset))
	}
	if log.Loose {
		slices.Sort(list)
	}
	return list
}

func gotFaults(log *faults.Log, found []*evtx.FormatError) []string {
	var list []string
	for _, f := range found {
		line := faultLine(log, string(f.Class), f.Offset)
		if log.Loose && (slices.Contains(list, line) || f.Class == evtx.IDGap) {
			continue
		}
		if i := slices.IndexFunc(log.Faults, func(w faults.Fault) bool {
			return w.Class == string(f.Class) && w.Offset == f.Offset && w.Have != 0 && w.Have != f.Have
		}); i >= 0 && !log.Loose {
			line += fmt.Sprintf(" have %d", f.Have)
		}
		list = append(list, line)
	}
	if log.Loose {
		slices.Sort(list)
	}
	return list
}

func faultLine(log *faults.Log, class string, offset int64) string {
	if log.Loose {
		return class
	}
	return fmt.Sprintf("%s@%d", class, offset)
}

// TestTimesOfOthers: times that cannot be are told of records too that nobody
// selects.
func TestTimesOfOthers(t *testing.T) {
	for _, row := range faults.Rows() {
		if !strings.HasPrefix(row.ID, "F44") {
			continue
		}
		data := row.Log().Data
		res, err := readLog(t, bytes.NewReader(data), int64(len(data)), evtx.NewSelection(nil))
		if err != nil || len(res.faults) != 1 || res.faults[0].Class != evtx.TimeImplausible {
			t.Errorf("%s: %v, faults %v", row.Name, err, res.faults)
		}
	}
}
