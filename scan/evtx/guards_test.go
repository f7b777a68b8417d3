package evtx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// swapValues makes the chunk's definition another one of the same template id:
// two texts of it trade places.
func swapValues(t *testing.T, file *evtxtest.File, chunk int) {
	t.Helper()
	definition := file.ChunkData(chunk)[file.Chunks[chunk].Definitions[1].Offset:] // of the payload
	var places []int
	for index := range byte(64) {
		if at := bytes.Index(definition, []byte{0x0D, index, 0, 1}); at >= 0 {
			places = append(places, at+1)
		}
	}
	if len(places) < 2 {
		t.Fatalf("%d texts in the definition", len(places))
	}
	a, b := places[len(places)-2], places[len(places)-1]
	definition[a], definition[b] = definition[b], definition[a]
	file.FixChunk(chunk)
}

// TestSureDefinitionStands: two definitions have one template id, one of them
// in more sound chunks. Where a chunk's checksum does not fit, the other is
// read as it stands if a sound chunk has it too, and gives way if none has.
func TestSureDefinitionStands(t *testing.T) {
	for _, sure := range []bool{true, false} {
		t.Run(fmt.Sprint(sure), func(t *testing.T) {
			var events []evtxtest.Event
			for i, ev := range made(6 * 16) {
				if i%6 == 0 {
					events = append(events, ev)
				}
			}
			file := buildFile(t, evtxtest.Options{RecordsPerChunk: 4}, events)
			last := len(file.Chunks) - 1
			if sure {
				swapValues(t, file, last-1)
			}
			swapValues(t, file, last)
			file.ChunkData(last)[52] ^= 1 // the checksum of the records
			res, err := readLog(t, bytes.NewReader(file.Data), int64(len(file.Data)), everything)
			if err != nil {
				t.Fatal(err)
			}
			substituted := 0
			for _, ev := range res.events {
				if ev.Marks.Has(event.MarkSubstituted) {
					substituted++
				}
			}
			if want := map[bool]int{true: 0, false: 4}[sure]; len(res.events) != 16 || substituted != want {
				t.Errorf("%d events, %d by another definition, want %d", len(res.events), substituted, want)
			}
		})
	}
}

// TestOriginAdd: what two readers counted of one origin is put together.
func TestOriginAdd(t *testing.T) {
	day := event.FromTime(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	late := day + 9000*event.Day
	a := evtx.OriginStats{Records: 3, Periods: []evtx.Period{{day, day + 5, 2}}}
	a.Add(&evtx.OriginStats{Records: 4, Periods: []evtx.Period{{day - 7, day + 2, 3}, {late, late, 1}}})
	want := []evtx.Period{{day - 7, day + 5, 5}, {late, late, 1}}
	if diff := cmp.Diff(want, a.Periods); diff != "" || a.Records != 7 {
		t.Errorf("%+v, want %+v", a, want)
	}
}

// TestPeriodsBounded: of many times some thousand periods are kept, which do
// not depend on the order of the records, and no record is lost.
func TestPeriodsBounded(t *testing.T) {
	const n = 20000
	begin := event.FromTime(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	count := func(order []int) *evtx.OriginStats {
		var all evtx.Stats
		for half := range slices.Chunk(order, n/2) {
			var part evtx.Stats
			for _, i := range half {
				part.Count("WEB01", "Security", begin+event.Time(i)*event.Hour)
			}
			all.Add(&part)
		}
		sum := all.Origins[evtx.Origin{Computer: "WEB01", Channel: "Security"}]
		return &sum
	}
	random := rand.New(rand.NewPCG(1, 2))
	first, again := count(random.Perm(n)), count(random.Perm(n))
	if diff := cmp.Diff(first.Periods, again.Periods); diff != "" {
		t.Errorf("another order gives other periods:\n%.500s", diff)
	}
	records := 0
	for _, p := range first.Periods {
		records += p.Records
	}
	if l := len(first.Periods); records != n || l > 4096 || l < 1024 {
		t.Errorf("%d of %d records in %d periods", records, n, l)
	}
}

// TestLargestEventID: an event ID has all of sixteen bits.
func TestLargestEventID(t *testing.T) {
	for style, o := range map[string]evtxtest.Options{
		"live": {}, "collected": {Style: evtxtest.StyleForwarded}, "plain": {Style: evtxtest.StyleForwarded, Shape: evtxtest.ShapePlain},
	} {
		ev := evtxtest.NewEvent(noon, "WEB01", &evtxtest.ServiceState{})
		ev.ID = 65535
		data := buildFile(t, o, []evtxtest.Event{ev}).Data
		sel := evtx.NewSelection([]event.Key{{Provider: "Service Control Manager", ID: 65535}})
		res, err := readLog(t, bytes.NewReader(data), int64(len(data)), sel)
		if err != nil || len(res.events) != 1 {
			t.Errorf("%s: %d events, %v", style, len(res.events), err)
		}
	}
}

// TestNullIsNoField: a value that a record leaves empty is no field of the
// event.
func TestNullIsNoField(t *testing.T) {
	full := evtxtest.NewEvent(noon, "WEB01", &evtxtest.SysmonImageLoad{ProcessID: 4, Image: `C:\a.exe`})
	empty := full
	empty.Payload.Fields = slices.Clone(full.Payload.Fields)
	i := slices.IndexFunc(empty.Payload.Fields, func(f evtxtest.Field) bool { return f.Name == "Image" })
	empty.Payload.Fields[i].Value = evtxtest.Value{}
	data := buildFile(t, evtxtest.Options{}, []evtxtest.Event{full, empty}).Data
	f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var counts []int
	for ev, err := range evtx.NewReader(everything).Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()}).Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, len(ev.Fields()))
	}
	if len(counts) != 2 || counts[1] != counts[0]-1 {
		t.Errorf("fields %v, want one less in the second event", counts)
	}
}

// TestHeaderWithoutTime: a record header without a time is told of only where
// those around it have their records' times and the next record follows it.
func TestHeaderWithoutTime(t *testing.T) {
	const records = 8
	for name, tt := range map[string]struct {
		options evtxtest.Options
		zero    []int
		gap     int  // the record before which identifiers are missing, 0 for none
		free    int  // the record where the chunk ends by its header, 0 for none
		twin    bool // the first two are of one time
		want    int
	}{
		"in a live log":      {zero: []int{4}, want: 1},
		"twice":              {zero: []int{2, 5}, want: 2},
		"none":               {},
		"of the first":       {zero: []int{0}},
		"of the last":        {zero: []int{records - 1}},
		"of all":             {zero: []int{0, 1, 2, 3, 4, 5, 6, 7}},
		"before a gap":       {zero: []int{4}, gap: 5},
		"behind a gap":       {zero: []int{4}, gap: 4, want: 1},
		"before the end":     {zero: []int{4}, free: 5},
		"of an export's own": {options: evtxtest.Options{Style: evtxtest.StyleExported}, zero: []int{4}},
		"also with twins":    {options: evtxtest.Options{Style: evtxtest.StyleExported}, twin: true, zero: []int{4}},
	} {
		events := made(records)
		for i := range events {
			if tt.gap != 0 && i >= tt.gap {
				events[i].RecordID += 10
			}
		}
		if tt.twin {
			events[1].Time = events[0].Time
		}
		file := buildFile(t, tt.options, events)
		if tt.free != 0 {
			binary.LittleEndian.PutUint32(file.ChunkData(0)[48:], file.Chunks[0].Records[tt.free].ChunkOffset)
		}
		for _, i := range tt.zero {
			clear(file.RecordData(&file.Chunks[0].Records[i])[16:24])
		}
		file.FixChunk(0)
		res, err := readLog(t, bytes.NewReader(file.Data), int64(len(file.Data)), evtx.NewSelection(nil))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, fault := range res.faults {
			if fault.Class == evtx.TimeImplausible {
				got++
			}
		}
		if got != tt.want {
			t.Errorf("%s: %d headers are told of, want %d: %v", name, got, tt.want, res.faults)
		}
	}
}

// TestRecordGap: identifiers that are missing in a chunk are told of; where its
// checksum does not fit, or its end is cut off, only if they are not so many
// that the identifier is the damage.
func TestRecordGap(t *testing.T) {
	const most = 1<<16 - 1
	missing := func(data []byte, what string) int64 {
		t.Helper()
		res, err := readLog(t, bytes.NewReader(data), int64(len(data)), evtx.NewSelection(nil))
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		for _, fault := range res.faults {
			if fault.What == what {
				n += fault.Have
			}
		}
		return n
	}
	ahead := evtxtest.Options{Chunk: func(_ int, h *evtxtest.ChunkHeader) { h.LastID += 5 }}
	if got := missing(buildFile(t, ahead, made(2)).Data, "records"); got != 0 {
		t.Errorf("a whole chunk whose header is ahead: %d missing", got)
	}
	for _, gap := range []uint64{most, most + 1} {
		events := made(2)
		events[1].RecordID = events[0].RecordID + gap
		file := buildFile(t, evtxtest.Options{}, events)
		between, last := int64(gap)-1, int64(gap)
		if got := missing(file.Data, "record identifiers"); got != between {
			t.Errorf("sound chunk, %d further: %d missing", gap, got)
		}
		if gap > most {
			between, last = 0, 0
		}
		if got := missing(file.Data[:file.Chunks[0].Records[1].Offset], "records"); got != last {
			t.Errorf("the last record cut off, %d further: %d missing, want %d", gap, got, last)
		}
		text := file.RecordData(&file.Chunks[0].Records[0])
		text[bytes.Index(text, []byte("c\x00m\x00d\x00"))] = 'x'
		if got := missing(file.Data, "record identifiers"); got != between {
			t.Errorf("damaged chunk, %d further: %d missing, want %d", gap, got, between)
		}
	}
}

// TestChunkNumbers: a chunk tells the identifiers of its first and last event
// where its headers have others, and the times of both.
func TestChunkNumbers(t *testing.T) {
	for name, tt := range map[string]struct {
		options evtxtest.Options
		first   uint64 // in the header of the first record
		last    uint64 // LastRecordID
	}{
		"live":      {evtxtest.Options{}, 5000, 0},
		"exported":  {evtxtest.Options{Style: evtxtest.StyleExported}, 1, 5005},
		"collected": {evtxtest.Options{Style: evtxtest.StyleForwarded}, 1, 5005},
		"the same":  {evtxtest.Options{Style: evtxtest.StyleExported, FirstID: 5000}, 5000, 0},
	} {
		data := buildFile(t, tt.options, made(6)).Data
		f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		reading := evtx.NewReader(everything).Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()})
		for _, err := range reading.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		c := reading.Chunks[0]
		if c.FirstID != tt.first || c.LastID != tt.first+5 || c.FirstRecordID != 5000 || c.LastRecordID != tt.last {
			t.Errorf("%s: records %d to %d of events %d to %d", name, c.FirstID, c.LastID, c.FirstRecordID, c.LastRecordID)
		}
		if first := event.FromTime(noon); c.First != first || c.Last != first+5*event.Second {
			t.Errorf("%s: from %v to %v", name, c.First, c.Last)
		}
	}
}
