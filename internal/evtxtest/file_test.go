package evtxtest_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
)

var (
	le16 = binary.LittleEndian.Uint16
	le32 = binary.LittleEndian.Uint32
	le64 = binary.LittleEndian.Uint64
)

// manyEvents returns n events a second apart, with EventRecordIDs from 5001 on,
// of several kinds, two hosts and texts of varying length.
func manyEvents(n int) []evtxtest.Event {
	sources := allSources()
	events := make([]evtxtest.Event, n)
	for i := range events {
		computer := host
		if i%5 == 4 {
			computer = "MAIL01.harbor.example"
		}
		events[i] = evtxtest.NewEvent(at.Add(time.Duration(i)*time.Second), computer, sources[i%len(sources)].source)
		events[i].RecordID = uint64(5001 + i)
	}
	return events
}

// TestStyles: identifiers and times in record and chunk headers.
func TestStyles(t *testing.T) {
	events := manyEvents(200)
	events[7].HeaderTime = 1
	for _, tt := range []struct {
		name    string
		options evtxtest.Options
		id      func(i int) uint64
		written func(i int) evtxtest.FileTime
	}{
		{
			"live",
			evtxtest.Options{},
			func(i int) uint64 { return uint64(5001 + i) },
			func(i int) evtxtest.FileTime { return events[i].Time },
		},
		{
			"archived",
			evtxtest.Options{Style: evtxtest.StyleArchived},
			func(i int) uint64 { return uint64(5001 + i) },
			func(i int) evtxtest.FileTime { return events[i].Time },
		},
		{
			"exported",
			evtxtest.Options{Style: evtxtest.StyleExported, RecordsPerChunk: 11},
			func(i int) uint64 { return uint64(1 + i) },
			func(i int) evtxtest.FileTime {
				if i+1 == len(events) {
					return 0
				}
				return events[i+1].Time
			},
		},
		{
			"forwarded",
			evtxtest.Options{Style: evtxtest.StyleForwarded, FirstID: 77, FirstNumber: 3},
			func(i int) uint64 { return uint64(77 + i) },
			func(i int) evtxtest.FileTime { return events[i].Time },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := evtxtest.Build(tt.options, events)
			if err != nil {
				t.Fatal(err)
			}
			first := tt.options.FirstNumber
			if first == 0 {
				first = tt.id(0)
			}
			i := checkHeaders(t, f, first, tt.id, func(i int) evtxtest.FileTime {
				if i == 7 {
					return 1
				}
				return tt.written(i)
			})
			if i != len(events) {
				t.Errorf("%d records, want %d", i, len(events))
			}
			if next := le64(f.Data[24:]); next != tt.id(i-1)+1 {
				t.Errorf("next record id %d, want %d", next, tt.id(i-1)+1)
			}
		})
	}
}

// checkHeaders compares identifiers, numbers and times in all headers and
// returns the number of records. first is the number of the first record.
func checkHeaders(t *testing.T, f *evtxtest.File, first uint64, id func(int) uint64, written func(int) evtxtest.FileTime) int {
	t.Helper()
	i := 0
	for n := range f.Chunks {
		c := f.ChunkData(n)
		last := i + len(f.Chunks[n].Records) - 1
		got := []uint64{le64(c[8:]), le64(c[16:]), le64(c[24:]), le64(c[32:])}
		want := []uint64{first + uint64(i), first + uint64(last), id(i), id(last)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("chunk %d, numbers and identifiers (-want +got):\n%s", n, diff)
		}
		for k := range f.Chunks[n].Records {
			r := f.RecordData(&f.Chunks[n].Records[k])
			if le64(r[8:]) != id(i) || evtxtest.FileTime(le64(r[16:])) != written(i) {
				t.Errorf("record %d: id %d, time %d; want %d, %d", i, le64(r[8:]), le64(r[16:]), id(i), written(i))
			}
			i++
		}
	}
	return i
}

// TestStructure checks everything in a file that has a rule: sizes, copies,
// checksums, both tables with their chains, and that the layout names the
// places of it all.
func TestStructure(t *testing.T) {
	for _, o := range []evtxtest.Options{
		{},
		{Style: evtxtest.StyleExported},
		{Style: evtxtest.StyleForwarded, Filler: []byte("*x")},
		{Style: evtxtest.StyleArchived, KeepSlack: true, RecordsPerChunk: 20},
	} {
		f, err := evtxtest.Build(o, manyEvents(500))
		if err != nil {
			t.Fatal(err)
		}
		if le32(f.Data[124:]) != crc32.ChecksumIEEE(f.Data[:120]) || int(le16(f.Data[42:])) != len(f.Chunks) ||
			len(f.Data) != 4096+65536*len(f.Chunks) || string(f.Data[:8]) != "ElfFile\x00" {
			t.Errorf("bad file header")
		}
		for i := range f.Chunks {
			checkChunk(t, f, i, o.Style == evtxtest.StyleArchived)
		}
	}
}

func checkChunk(t *testing.T, f *evtxtest.File, n int, archived bool) {
	t.Helper()
	c, chunk := f.ChunkData(n), &f.Chunks[n]
	free := le32(c[48:])
	sum := crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:512])
	if le32(c[52:]) != crc32.ChecksumIEEE(c[512:free]) || le32(c[124:]) != sum || le32(c[120:]) != 1 {
		t.Errorf("chunk %d: bad checksums or flags", n)
	}
	want := chunk.FreeSpace
	if archived {
		want = 65536
	}
	if free != want {
		t.Errorf("chunk %d: free space offset %d", n, free)
	}
	offset := 512
	for k := range chunk.Records {
		r := &chunk.Records[k]
		data := f.RecordData(r)
		size := le32(data[4:])
		if int(r.ChunkOffset) != offset || r.Offset != chunk.Offset+int64(offset) || le32(data) != 0x2A2A ||
			size != r.Size || size%8 != 0 || le32(data[size-4:]) != size || le64(data[8:]) != r.ID {
			t.Fatalf("chunk %d: bad record at %d", n, offset)
		}
		checkInstances(t, c, r)
		offset += int(size)
	}
	if uint32(offset) != chunk.FreeSpace || le32(c[44:]) != chunk.Records[len(chunk.Records)-1].ChunkOffset {
		t.Errorf("chunk %d: records end at %d", n, offset)
	}
	names := map[uint32]bool{}
	for i := range 64 {
		for at := le32(c[128+4*i:]); at != 0; at = le32(c[at:]) {
			names[at] = true
			if int(le16(c[at+4:]))%64 != i {
				t.Errorf("name at %#x in bucket %d", at, i)
			}
		}
	}
	for _, name := range chunk.Names {
		text := c[name.Offset+8:][:2*le16(c[name.Offset+6:])]
		if !names[name.Offset] || decodeUTF16(text) != name.Name {
			t.Errorf("name %q is not at %#x", name.Name, name.Offset)
		}
	}
	definitions := 0
	for i := range 32 {
		for at := le32(c[384+4*i:]); at != 0; at = le32(c[at:]) {
			definitions++
		}
	}
	if len(names) != len(chunk.Names) || definitions != len(chunk.Definitions) {
		t.Errorf("chunk %d: tables hold %d names, %d definitions", n, len(names), definitions)
	}
	for _, d := range chunk.Definitions {
		if string(c[d.Offset+4:d.Offset+20]) != string(d.GUID[:]) {
			t.Errorf("definition %s is not at %#x", d.GUID, d.Offset)
		}
	}
}

// checkInstances compares the layout of a record with what the walker finds.
func checkInstances(t *testing.T, chunk []byte, r *evtxtest.Record) {
	t.Helper()
	for i, in := range r.Instances {
		w := &walker{chunk: chunk, at: int(in.Offset)}
		found := w.instance()
		if w.err != nil || in.Level != i || in.Definition != le32(chunk[in.Offset+6:]) ||
			in.Inline != (in.Definition == in.Offset+10) || int(le32(chunk[in.Spec:])) != len(found.values) {
			t.Errorf("record %d: bad instance %d at %#x", r.ID, i, in.Offset)
			return
		}
		for k, v := range found.values {
			if in.Values[k] != uint32(v.at) || int(le16(chunk[in.SpecOf(k):])) != len(v.data) || chunk[in.SpecOf(k)+2] != v.typ {
				t.Errorf("record %d: bad value %d of instance %d", r.ID, k, i)
			}
		}
	}
}

// TestHeaders: file headers that are wrong on purpose.
func TestHeaders(t *testing.T) {
	events := manyEvents(100)
	type header struct {
		oldest, last, next  uint64
		minor, block, count uint16
		flags               uint32
	}
	read := func(b []byte) header {
		if le32(b[124:]) != crc32.ChecksumIEEE(b[:120]) {
			t.Error("bad checksum")
		}
		return header{le64(b[8:]), le64(b[16:]), le64(b[24:]), le16(b[36:]), le16(b[40:]), le16(b[42:]), le32(b[120:])}
	}
	for _, tt := range []struct {
		name string
		o    evtxtest.Options
		want header
	}{
		{"right", evtxtest.Options{RecordsPerChunk: 30}, header{0, 3, 5101, 1, 4096, 4, 0}},
		{"3.2 and full", evtxtest.Options{RecordsPerChunk: 30, Minor: 2, Flags: evtxtest.FlagFull}, header{0, 3, 5101, 2, 4096, 4, 2}},
		{"stale", evtxtest.Options{RecordsPerChunk: 30, StaleHeader: true}, header{0, 0, 5031, 1, 4096, 1, 1}},
		{
			"changed",
			evtxtest.Options{RecordsPerChunk: 30, Header: func(h *evtxtest.FileHeader) { h.BlockSize, h.Chunks = 0, 65535 }},
			header{0, 3, 5101, 1, 0, 65535, 0},
		},
	} {
		f, err := evtxtest.Build(tt.o, events)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(f.Data); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	f, err := evtxtest.Build(evtxtest.Options{RecordsPerChunk: 30, ZeroChunks: 2, Chunk: func(i int, h *evtxtest.ChunkHeader) {
		if i == 1 {
			h.FreeSpace = 512
		}
	}}, events)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Data) != 4096+6*65536 || !bytes.Equal(f.Data[4096+4*65536:], make([]byte, 2*65536)) || le16(f.Data[42:]) != 4 {
		t.Error("no zero chunks at the end")
	}
	c := f.ChunkData(1)
	if le32(c[48:]) != 512 || le32(c[52:]) != 0 {
		t.Error("the chunk header was not changed")
	}
}

func TestRotate(t *testing.T) {
	f, err := evtxtest.Build(evtxtest.Options{RecordsPerChunk: 25}, manyEvents(100))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := evtxtest.Rotate(f.Data, 3)
	if err != nil {
		t.Fatal(err)
	}
	if le64(ring[8:]) != 3 || le64(ring[16:]) != 2 || le32(ring[124:]) != crc32.ChecksumIEEE(ring[:120]) {
		t.Errorf("oldest %d, last %d", le64(ring[8:]), le64(ring[16:]))
	}
	for i := range 4 {
		if !bytes.Equal(ring[4096+65536*((i+3)%4):][:65536], f.ChunkData(i)) {
			t.Errorf("chunk %d is not at %d", i, (i+3)%4)
		}
	}
	if _, err := evtxtest.Rotate(f.Data, 4); err == nil {
		t.Error("rotated 4 chunks by 4")
	}
}

// TestSlack: stale records behind the live ones.
func TestSlack(t *testing.T) {
	events := manyEvents(60)
	foreign, err := evtxtest.Build(evtxtest.Options{}, events[:3])
	if err != nil {
		t.Fatal(err)
	}
	stale := foreign.RecordData(&foreign.Chunks[0].Records[2])
	f, err := evtxtest.BuildFunc(evtxtest.Options{RecordsPerChunk: 30}, func(w *evtxtest.Writer) error {
		for i := range events {
			if i == 30 {
				w.Slack(make([]byte, 65536)) // does not fit
				w.Slack(stale)
				w.Slack(stale)
			}
			if err := w.Write(&events[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	behind := func(f *evtxtest.File, chunk int) []byte { return f.ChunkData(chunk)[f.Chunks[chunk].FreeSpace:] }
	if got := behind(f, 0); !bytes.HasPrefix(got, append(bytes.Clone(stale), stale...)) {
		t.Error("no stale records in the first chunk")
	}
	if got := behind(f, 1); !bytes.Equal(got, make([]byte, len(got))) {
		t.Error("stale records in the second chunk")
	}
	f, err = evtxtest.Build(evtxtest.Options{RecordsPerChunk: 45, KeepSlack: true}, events)
	if err != nil {
		t.Fatal(err)
	}
	from := f.Chunks[1].FreeSpace
	if !bytes.Equal(behind(f, 1), f.ChunkData(0)[from:]) {
		t.Error("the second chunk does not hold the rest of the first")
	}
}

// TestWriter writes to writers that cannot seek, or fail.
func TestWriter(t *testing.T) {
	events := manyEvents(300)
	want, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	write := func(w io.Writer) error {
		e, err := evtxtest.NewWriter(w, evtxtest.Options{})
		if err != nil {
			return err
		}
		for i := range events {
			if err := e.Write(&events[i]); err != nil {
				return err
			}
		}
		return e.Close()
	}
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes()[4096:], want.Data[4096:]) || le32(out.Bytes()[120:]) != evtxtest.FlagDirty {
		t.Error("the stream differs in more than its header")
	}
	for n := range 4 {
		if err := write(&failing{n}); !errors.Is(err, errFull) {
			t.Errorf("after %d writes: error %v", n, err)
		}
	}
	long := events[0]
	long.Payload.Fields = []evtxtest.Field{{Name: "x", Value: evtxtest.Binary(make([]byte, 65000))}}
	if _, err := evtxtest.Build(evtxtest.Options{}, []evtxtest.Event{events[1], long}); !errors.Is(err, evtxtest.ErrTooLong) {
		t.Errorf("error %v for a record that is too long", err)
	}
}

var errFull = errors.New("disk full")

// failing fails after so many writes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errFull
	}
	f.left--
	return len(p), nil
}
