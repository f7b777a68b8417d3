package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"webshellscan/internal/evtxtest"
)

// FileSpec is what a file holds and how.
type FileSpec struct {
	// Path is the name of the file below the folder of logs, with slashes.
	Path string
	// Logs are the logs in it; events of several are put in the order of
	// their times.
	Logs []*Log
	// From and To bound the times of the events; zero means no bound.
	From, To time.Time
	// Options are how the file is written. For forwarded logs,
	// Options.FirstID is the collector's first number.
	Options evtxtest.Options
	// Ring, if not 0, makes the file a ring that has wrapped: only the
	// newest Ring chunks are kept, and the oldest of them stands at
	// position RingStart.
	Ring, RingStart int
	// Delay is how long events take to the collector of a forwarded log.
	Delay time.Duration
}

// File is a written log.
type File struct {
	Path    string
	Data    []byte
	Records int
}

// Write writes a file. Processes whose start or end is in it, or what they did,
// get a reference to the record.
func (f *Fleet) Write(s FileSpec) (File, error) {
	events := merge(s)
	built, err := evtxtest.BuildFunc(s.Options, func(w *evtxtest.Writer) error {
		for i := range events {
			ev := events[i].event
			s.prepare(&ev)
			if err := w.Write(&ev); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return File{}, fmt.Errorf("fleet: %s: %w", s.Path, err)
	}
	dropped := 0
	if s.Ring > 0 {
		dropped, err = s.wrap(built)
		if err != nil {
			return File{}, err
		}
	}
	for _, e := range events[dropped:] {
		ref := RecordRef{s.Path, e.event.ID, e.event.RecordID}
		if e.cause != nil {
			e.cause.Traces = append(e.cause.Traces, ref)
		}
		if e.process != nil {
			e.process.Records = append(e.process.Records, ref)
		}
	}
	return File{Path: s.Path, Data: built.Data, Records: len(events) - dropped}, nil
}

// merge returns the events of all logs of a file, by time where there are
// several.
func merge(s FileSpec) []logged {
	if len(s.Logs) == 1 {
		return s.Logs[0].between(s.From, s.To)
	}
	var events []logged
	for _, l := range s.Logs {
		events = append(events, l.between(s.From, s.To)...)
	}
	slices.SortStableFunc(events, func(a, b logged) int { return cmp.Compare(a.event.Time, b.event.Time) })
	return events
}

// prepare makes of an event what the file holds of it.
func (s *FileSpec) prepare(ev *evtxtest.Event) {
	if s.Options.Style == evtxtest.StyleForwarded {
		ev.HeaderTime = ev.Time.Add(s.Delay)
	}
}

// wrap keeps the newest chunks as a ring and returns how many records are gone.
func (s *FileSpec) wrap(built *evtxtest.File) (dropped int, err error) {
	first := len(built.Chunks) - s.Ring
	if first < 0 {
		return 0, fmt.Errorf("fleet: %s has %d chunks, cannot keep %d", s.Path, len(built.Chunks), s.Ring)
	}
	for _, c := range built.Chunks[:first] {
		dropped += len(c.Records)
	}
	kept := append(slices.Clone(built.Data[:4096]), built.ChunkData(first)...)
	for i := first + 1; i < len(built.Chunks); i++ {
		kept = append(kept, built.ChunkData(i)...)
	}
	kept[42], kept[43] = byte(s.Ring), byte(s.Ring>>8)
	built.Data, err = evtxtest.Rotate(kept, s.RingStart)
	return dropped, err
}
