package evtx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// noon is when the made events happened.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456700, time.UTC)

// made returns n events of one host, of several providers, a second apart:
// every third is a Sysmon 1, and of the others some have the event ID 1 too.
func made(n int) []evtxtest.Event {
	var list []evtxtest.Event
	for i := range n {
		at := noon.Add(time.Duration(i) * time.Second)
		var source evtxtest.Source
		switch i % 6 {
		case 0, 3:
			source = &evtxtest.SysmonProcessCreate{
				ProcessID: uint32(1000 + 4*i), Image: `C:\Windows\System32\cmd.exe`, CommandLine: fmt.Sprintf(`cmd /c "echo %d é日本 <&>"`, i),
				User: `IIS APPPOOL\shop`, LogonID: 0x3e7, IntegrityLevel: "High", ParentProcessID: 4000,
				ProcessGUID: evtxtest.MustGUID("{365ABB72-4A01-5CE7-0000-0010EE9DAC00}"),
			}
		case 1:
			source = &evtxtest.SysmonImageLoad{ProcessID: 4, Image: `C:\a.exe`}
		case 2:
			source = &evtxtest.ServiceState{}
		case 4:
			source = &evtxtest.KernelTimeChanged{}
		case 5:
			source = &evtxtest.EventlogStarted{}
		}
		ev := evtxtest.NewEvent(at, "WEB01.corp.example", source)
		ev.RecordID = uint64(5000 + i)
		list = append(list, ev)
	}
	return list
}

func buildFile(t testing.TB, o evtxtest.Options, events []evtxtest.Event) *evtxtest.File {
	t.Helper()
	f, err := evtxtest.Build(o, events)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestStyles reads the same events from every kind of file that Windows writes.
func TestStyles(t *testing.T) {
	events := made(200)
	styles := map[string]evtxtest.Options{
		"live":             {},
		"manifest only":    {Shape: evtxtest.ShapeManifest},
		"provider only":    {Shape: evtxtest.ShapeProvider},
		"forwarded":        {Style: evtxtest.StyleForwarded, FirstID: 77},
		"forwarded, mixed": {Style: evtxtest.StyleForwarded, MixedShapes: true},
		"entities":         {Style: evtxtest.StyleForwarded, Entities: evtxtest.EntityAll},
		"exported":         {Style: evtxtest.StyleExported},
		"archived":         {Style: evtxtest.StyleArchived, RecordsPerChunk: 7},
		"filler":           {Filler: []byte{0xEE, 0x2A}},
		"slack":            {KeepSlack: true, RecordsPerChunk: 5, ZeroChunks: 3},
		"stale header":     {StaleHeader: true, Flags: 1},
		"version 3.2":      {Minor: 2},
	}
	for name, o := range styles {
		t.Run(name, func(t *testing.T) {
			file := buildFile(t, o, events)
			var got []truthEvent
			res := readAll(t, file.Data, processEvents, func(ev *event.Event) { got = append(got, asTruth("", ev)) })
			if res.stats.Records != len(events) || len(res.faults) != 0 {
				t.Errorf("%d records of %d, faults %v", res.stats.Records, len(events), res.faults)
			}
			if diff := cmp.Diff(map[string]int{"WEB01.corp.example": len(events)}, res.stats.Hosts); diff != "" {
				t.Errorf("hosts (-want +got):\n%s", diff)
			}
			if first, last := res.stats.First.Time(), res.stats.Last.Time(); !first.Equal(noon) || !last.Equal(noon.Add(199*time.Second)) {
				t.Errorf("from %s to %s", first, last)
			}
			checkMade(t, got, events)
		})
	}
}

// checkMade compares what was read with the Sysmon 1 events of made.
func checkMade(t *testing.T, got []truthEvent, events []evtxtest.Event) {
	t.Helper()
	i := 0
	for k, ev := range events {
		if k%3 != 0 {
			continue
		}
		if i == len(got) {
			t.Fatalf("%d events read, more were written", len(got))
		}
		g := got[i]
		i++
		want := map[string]string{
			"ProcessId": fmt.Sprint(1000 + 4*k), "CommandLine": fmt.Sprintf(`cmd /c "echo %d é日本 <&>"`, k),
			"User": `IIS APPPOOL\shop`, "LogonId": "0x3e7", "ProcessGuid": "{365ABB72-4A01-5CE7-0000-0010EE9DAC00}",
		}
		for name, value := range want {
			if g.EventData[name] != value {
				// Forwarded events spell GUIDs in lower case.
				a, ok1 := event.ParseGUID([]byte(g.EventData[name]))
				b, ok2 := event.ParseGUID([]byte(value))
				if !ok1 || !ok2 || a != b {
					t.Errorf("record %d: %s is %q, want %q", ev.RecordID, name, g.EventData[name], value)
				}
			}
		}
		at := noon.Add(time.Duration(k) * time.Second).Format("2006-01-02T15:04:05.0000000Z")
		if g.EventRecordID != ev.RecordID || g.SystemTime != at || g.Computer != "WEB01.corp.example" ||
			g.Provider != "Microsoft-Windows-Sysmon" || g.Channel != "Microsoft-Windows-Sysmon/Operational" || len(g.EventData) != 22 {
			t.Errorf("record %d: %+v", ev.RecordID, g)
		}
	}
	if i != len(got) {
		t.Errorf("%d events read, %d written", len(got), i)
	}
}

// TestRing: the chunks of a wrapped log are all read, in the order of the file.
func TestRing(t *testing.T) {
	file := buildFile(t, evtxtest.Options{RecordsPerChunk: 10}, made(60))
	data, err := evtxtest.Rotate(file.Data, 2)
	if err != nil {
		t.Fatal(err)
	}
	var ids []uint64
	res := readAll(t, data, processEvents, func(ev *event.Event) { ids = append(ids, ev.RecordID) })
	if res.stats.Records != 60 || len(res.faults) != 0 || slices.IsSorted(ids) {
		t.Errorf("%d records, %v, ids %v", res.stats.Records, res.faults, ids)
	}
}

// TestSelection: whatever is selected, exactly its events come out, and all
// records are counted.
func TestSelection(t *testing.T) {
	events := made(120)
	keys := []event.Key{
		{Provider: "Microsoft-Windows-Sysmon", ID: 1},
		{Provider: "Microsoft-Windows-Sysmon", ID: 7},
		{Provider: "Service Control Manager", ID: 7036},
		{Provider: "Microsoft-Windows-Kernel-General", ID: 1},
		{Provider: "EventLog", ID: 6005},
		{Provider: "microsoft-windows-SYSMON", ID: 255},
		{Provider: "Nobody", ID: 1},
	}
	want := []int{40, 20, 20, 20, 20, 0, 0}
	for _, o := range []evtxtest.Options{{}, {Style: evtxtest.StyleForwarded}, {Shape: evtxtest.ShapeProvider}} {
		file := buildFile(t, o, events)
		for pick := range 1 << len(keys) {
			var chosen []event.Key
			total := 0
			for i, k := range keys {
				if pick&(1<<i) != 0 {
					chosen = append(chosen, k)
					total += want[i]
				}
			}
			n := 0
			res := readAll(t, file.Data, evtx.NewSelection(chosen), func(ev *event.Event) {
				n++
				if k := chosen[ev.Key]; k.ID != ev.ID {
					t.Errorf("event %d came as %v", ev.ID, k)
				}
			})
			if n != total || res.stats.Records != len(events) || res.stats.Selected != total {
				t.Fatalf("%v: %d events, want %d; %+v", chosen, n, total, res.stats)
			}
		}
	}
}

// TestParts: a file gives the same events however it is divided.
func TestParts(t *testing.T) {
	file := buildFile(t, evtxtest.Options{RecordsPerChunk: 3}, made(90))
	read := func(size int64) (list []truthEvent, stats evtx.Stats) {
		f, err := evtx.Open(bytes.NewReader(file.Data), int64(len(file.Data)))
		if err != nil {
			t.Fatal(err)
		}
		for part := range f.Parts(size) {
			r := evtx.NewReader(processEvents)
			reading := r.Records(f, part)
			for ev, err := range reading.Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, asTruth("", ev))
			}
			stats.Add(&reading.Stats)
		}
		return list, stats
	}
	want, wantStats := read(1 << 40)
	for _, size := range []int64{1, evtx.ChunkSize, 3*evtx.ChunkSize - 1, evtx.DefaultPartSize} {
		got, stats := read(size)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parts of %d (-whole +parts):\n%s", size, diff)
		}
		if diff := cmp.Diff(wantStats, stats, cmpopts.IgnoreUnexported(evtx.Stats{}, evtx.OriginStats{})); diff != "" {
			t.Errorf("parts of %d: counts (-whole +parts):\n%s", size, diff)
		}
	}
}

// TestOpen: what counts as an EVTX file, and what is said of what does not.
func TestOpen(t *testing.T) {
	file := buildFile(t, evtxtest.Options{}, made(3)).Data
	noHeader := slices.Clone(file)
	copy(noHeader, "XXXXXXXX")
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"sound", file, nil},
		{"header only", file[:evtx.HeaderSize], nil},
		{"header lost", noHeader, nil},
		{"empty", nil, evtx.ErrEmpty},
		{"cut in the header", file[:100], evtx.ErrTruncated},
		{"three bytes of a header", file[:3], evtx.ErrTruncated},
		{"text", bytes.Repeat([]byte("text "), 2000), evtx.ErrNotEVTX},
		{"short text", []byte("text"), evtx.ErrNotEVTX},
		{"log of Windows XP", append([]byte{0x30, 0, 0, 0, 'L', 'f', 'L', 'e'}, make([]byte, 5000)...), evtx.ErrNotEVTX},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := evtx.Open(bytes.NewReader(tt.data), int64(len(tt.data))); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// badSource fails to read a stretch of a file.
type badSource struct {
	io.ReaderAt
	from, to int64
}

var errDisk = errors.New("disk says no")

func (s badSource) ReadAt(b []byte, off int64) (int, error) {
	if off < s.to && off+int64(len(b)) > s.from {
		n := max(0, s.from-off)
		m, err := s.ReaderAt.ReadAt(b[:n], off)
		if err != nil {
			return m, err
		}
		return m, errDisk
	}
	return s.ReaderAt.ReadAt(b, off)
}

// TestReadError: a stretch that cannot be read costs the records in it and is
// reported; those before and behind are read.
func TestReadError(t *testing.T) {
	file := buildFile(t, evtxtest.Options{RecordsPerChunk: 20}, made(200))
	bad := file.Chunks[4].Records[10]
	source := badSource{bytes.NewReader(file.Data), bad.Offset, bad.Offset + 1}
	f, err := evtx.Open(source, int64(len(file.Data)))
	if err != nil {
		t.Fatal(err)
	}
	r := evtx.NewReader(processEvents)
	var faults []error
	records := 0
	for part := range f.Parts(evtx.DefaultPartSize) {
		reading := r.Records(f, part)
		for _, err := range reading.Events(t.Context()) {
			if err != nil {
				faults = append(faults, err)
			}
		}
		records += reading.Stats.Records
	}
	if records != 190 {
		t.Errorf("%d records, want 190", records)
	}
	if !slices.ContainsFunc(faults, func(err error) bool { return errors.Is(err, errDisk) && errors.Is(err, evtx.ErrRead) }) {
		t.Errorf("faults %v", faults)
	}
}

// TestCancel: a cancelled context ends the sequence with its cause.
func TestCancel(t *testing.T) {
	file := buildFile(t, evtxtest.Options{RecordsPerChunk: 2}, made(400))
	f, err := evtx.Open(bytes.NewReader(file.Data), int64(len(file.Data)))
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	n := 0
	for ev, err := range evtx.NewReader(processEvents).Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()}).Events(ctx) {
		if ev != nil {
			n++
			cancel(cause)
		}
		last = err
	}
	if !errors.Is(last, cause) || n == 0 || n > 10 {
		t.Errorf("%d events, then %v", n, last)
	}
	for range evtx.NewReader(processEvents).Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()}).Events(t.Context()) {
		break // leaving the loop early must do no harm
	}
}

// TestSkippedRecordsAllocateNothing: reading on costs no allocation, whatever
// the number of records.
func TestSkippedRecordsAllocateNothing(t *testing.T) {
	allocations := func(n int) float64 {
		file := buildFile(t, evtxtest.Options{RecordsPerChunk: 60}, made(n))
		f, err := evtx.Open(bytes.NewReader(file.Data), int64(len(file.Data)))
		if err != nil {
			t.Fatal(err)
		}
		r := evtx.NewReader(evtx.NewSelection([]event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 255}}))
		read := func() {
			for range r.Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()}).Events(t.Context()) {
			}
		}
		read()
		return testing.AllocsPerRun(20, read)
	}
	few, many := allocations(60), allocations(1800)
	if many-few > 2 {
		t.Errorf("%g allocations for 60 records, %g for 1800", few, many)
	}
}

// TestSelectedRecordsAllocateNothing: neither do selected ones, with templates
// or without.
func TestSelectedRecordsAllocateNothing(t *testing.T) {
	for _, style := range []evtxtest.Style{evtxtest.StyleLive, evtxtest.StyleExported, evtxtest.StyleForwarded} {
		file := buildFile(t, evtxtest.Options{Style: style}, made(600))
		f, err := evtx.Open(bytes.NewReader(file.Data), int64(len(file.Data)))
		if err != nil {
			t.Fatal(err)
		}
		r := evtx.NewReader(processEvents)
		n := 0
		read := func() {
			for ev := range r.Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()}).Events(t.Context()) {
				if !ev.Value(event.CommandLine).IsNull() {
					n++
				}
			}
		}
		read()
		if got := testing.AllocsPerRun(20, read); n == 0 || got > 30 { // those of a reading, whatever it holds
			t.Errorf("style %d: %g allocations for 200 events", style, got)
		}
	}
}
