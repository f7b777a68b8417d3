package evtx_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/faults"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// maxChunkTime is what a chunk may cost at most, whatever is in it
// (docs/FORMAT.md, "Budgets"), of CPU time and with room for a slow machine.
const maxChunkTime = 2 * time.Second

// everything selects the events of made, and some more.
var everything = evtx.NewSelection(everythingKeys)

// everythingListed is everything with all fields, stale records too.
var everythingListed = evtx.Select(event.Want{Keys: everythingKeys, AllFields: true, Recovered: true})

// everythingRecovered is everything with stale records.
var everythingRecovered = evtx.Select(event.Want{Keys: everythingKeys, Recovered: true})

var everythingKeys = []event.Key{
	{Provider: "Microsoft-Windows-Sysmon", ID: 1},
	{Provider: "Microsoft-Windows-Sysmon", ID: 7},
	{Provider: "Service Control Manager", ID: 7036},
	{Provider: "Microsoft-Windows-Kernel-General", ID: 1},
	{Provider: "EventLog", ID: 6005},
	{Provider: "Microsoft-Windows-Security-Auditing", ID: 4688},
	{Provider: "Microsoft-Windows-Security-Auditing", ID: 4689},
	{Provider: "Microsoft-Windows-Sysmon", ID: 5},
}

// fuzzBases are the sound files that the fuzz targets damage: 2 chunks each.
func fuzzBases(t testing.TB) [][]byte {
	var list [][]byte
	for _, o := range []evtxtest.Options{
		{RecordsPerChunk: 12},
		{RecordsPerChunk: 12, Shape: evtxtest.ShapeProvider},
		{RecordsPerChunk: 12, Style: evtxtest.StyleForwarded},
		{RecordsPerChunk: 12, Style: evtxtest.StyleExported},
	} {
		list = append(list, buildFile(t, o, made(24)).Data)
	}
	return list
}

// readHostile reads whatever it is given, in all the ways there are: it must
// end, within its time, and all that comes out must be in order.
func readHostile(t *testing.T, data []byte) {
	var res logReading
	var err error
	chunks := len(data)/evtx.ChunkSize + 1
	cputime.Bound(t, time.Duration(chunks)*maxChunkTime, func() {
		res, err = readLog(t, bytes.NewReader(data), int64(len(data)), everythingRecovered)
	})
	if err != nil {
		return
	}
	listed, err := readLog(t, bytes.NewReader(data), int64(len(data)), everythingListed)
	if err != nil || len(listed.events) < len(res.events) && listed.stats.Discarded == res.stats.Discarded {
		t.Fatalf("%d events with lists of their fields, %d without, %v", len(listed.events), len(res.events), err)
	}
	if n := res.stats.Records; n > 2*chunks*evtx.ChunkSize/28 {
		t.Fatalf("%d records in %d chunks", n, chunks)
	}
	for _, ev := range res.events {
		if ev.Offset < 0 || ev.Offset >= int64(len(data)) {
			t.Fatalf("event at %d of %d", ev.Offset, len(data))
		}
		for name, text := range ev.Event.EventData {
			if len(text) > 8*evtx.ChunkSize {
				t.Fatalf("%s has %d bytes", name, len(text))
			}
		}
	}
}

// checkLists checks that the lists of an event are within their limits.
func checkLists(t testing.TB, ev *event.Event) {
	total := 0
	for _, f := range slices.Concat(ev.System(), ev.Payload()) {
		if total += len(f.Value.Data); len(f.Name) > 2*event.MaxName+2 {
			t.Fatalf("a name of %d bytes", len(f.Name))
		}
	}
	if total > event.MaxListedBytes || len(ev.System()) > event.MaxListed || len(ev.Payload()) > event.MaxListed {
		t.Fatalf("%d and %d fields, %d bytes", len(ev.System()), len(ev.Payload()), total)
	}
}

// readWhole reads each record of a chunk by itself.
func readWhole(t *testing.T, chunk []byte) {
	r := evtx.NewDecoder(everything)
	for off := 0; off < len(chunk); {
		j := bytes.Index(chunk[off:], []byte{0x2A, 0x2A, 0, 0})
		if j < 0 {
			return
		}
		if ev, err := r.Whole(chunk, off+j); (ev == nil) == (err == nil) {
			t.Fatalf("event %v, error %v", ev, err)
		}
		off += j + 1
	}
}

// FuzzPatch overwrites part of a sound file and reads it, and each record of it
// by itself. With checksums mended the damage looks intended.
func FuzzPatch(f *testing.F) {
	bases := fuzzBases(f)
	for i := range bases {
		f.Add(uint8(i), uint32(evtx.HeaderSize+512+4), []byte{0, 0, 0, 0}, true)
		f.Add(uint8(i), uint32(evtx.HeaderSize+48), []byte{0, 2, 0, 0}, true)
		f.Add(uint8(i), uint32(evtx.HeaderSize+512+38), []byte{0xFF, 0xFF, 0xFF, 0xFF}, false)
		f.Add(uint8(i), uint32(evtx.HeaderSize+512+34), []byte{0x26, 0x02, 0, 0}, false)
		f.Add(uint8(i), uint32(0), bytes.Repeat([]byte{0x2A}, 300), false)
	}
	f.Fuzz(func(t *testing.T, base uint8, at uint32, patch []byte, mend bool) {
		data := slices.Clone(bases[int(base)%len(bases)])
		copy(data[int(at)%len(data):], patch)
		if mend {
			for i := evtx.HeaderSize; i+evtx.ChunkSize <= len(data); i += evtx.ChunkSize {
				evtxtest.FixChunk(data[i : i+evtx.ChunkSize])
			}
		}
		readHostile(t, data)
		for i := evtx.HeaderSize; i+evtx.ChunkSize <= len(data); i += evtx.ChunkSize {
			readWhole(t, data[i:i+evtx.ChunkSize])
		}
	})
}

// FuzzChunk reads arbitrary bytes as a chunk behind a sound one, which lends
// its definitions: as they are, and with checksums mended.
func FuzzChunk(f *testing.F) {
	for _, row := range faults.Rows() {
		if data := row.Log().Data; len(data) >= evtx.HeaderSize+2*evtx.ChunkSize {
			f.Add(bytes.TrimRight(data[evtx.HeaderSize+evtx.ChunkSize:][:evtx.ChunkSize], "\x00"), row.ID < "F5")
		}
	}
	sound := faults.Base().Data[:evtx.HeaderSize+evtx.ChunkSize]
	f.Fuzz(func(t *testing.T, chunk []byte, mend bool) {
		data := append(slices.Clone(sound), make([]byte, evtx.ChunkSize)...)
		chunk = data[len(sound) : len(sound)+copy(data[len(sound):], chunk)]
		if mend && len(chunk) > 512 {
			copy(chunk, "ElfChnk\x00")
			evtxtest.FixChunk(data[len(sound):])
		}
		readHostile(t, data)
		readWhole(t, data[len(sound):])
	})
}

// FuzzTemplate reads arbitrary bytes as the body of a definition, and others as
// its value spec and values.
func FuzzTemplate(f *testing.F) {
	base := faults.Base()
	chunk := base.ChunkData(1)
	for _, d := range base.Chunks[1].Definitions {
		body := chunk[d.Offset+24:][:binary.LittleEndian.Uint32(chunk[d.Offset+20:])]
		f.Add(body, []byte{1, 0, 0, 0, 4, 0, 8, 0, 1, 2, 3, 4})
	}
	for _, value := range []string{"\xff\xff\xff\xff", "\x00\x5a\x62\x02", "\x01\x00\x00\x00\xff\xff\x01\x00"} {
		f.Add([]byte{0x0F, 1, 1, 0, 0x0D, 0, 0, 1, 0}, []byte(value))
	}
	f.Fuzz(func(t *testing.T, body, values []byte) {
		if len(body)+len(values) > 40_000 {
			return
		}
		file, err := evtxtest.BuildFunc(evtxtest.Options{}, func(w *evtxtest.Writer) error {
			return w.WriteRaw(1, evtxtest.FileTimeOf(noon), func(b *evtxtest.Builder) {
				b.FragmentHeader()
				b.InstanceHeader(0x11111111, b.Offset()+10)
				b.U32(0)
				b.Bytes(bytes.Repeat([]byte{0x11}, 16)...)
				b.U32(uint32(len(body)))
				b.Bytes(body...)
				b.Bytes(values...)
			})
		})
		if err != nil {
			t.Skip(err)
		}
		readHostile(t, file.Data)
		readWhole(t, file.ChunkData(0))
	})
}

// FuzzFile reads arbitrary bytes as a file, behind a sound header or none.
func FuzzFile(f *testing.F) {
	for _, base := range fuzzBases(f) {
		f.Add(base[:evtx.HeaderSize+evtx.ChunkSize])
		f.Add(base[evtx.HeaderSize:][:2000])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		readHostile(t, data)
		header := make([]byte, evtx.HeaderSize)
		copy(header, "ElfFile\x00")
		readHostile(t, append(header, data...))
	})
}

// FuzzBinXML puts arbitrary bytes behind a record's header: as the record's own
// BinXML, and as the value of type BinXML of an instance.
func FuzzBinXML(f *testing.F) {
	f.Add([]byte{0x0F, 1, 1, 0, 0x0C, 1, 1, 2, 3, 4, 0x26, 2, 0, 0}, []byte{0})
	f.Add([]byte{0x0F, 1, 1, 0, 0x41, 0, 0, 0, 0, 0x23, 2, 0, 0}, []byte{0x08, 0x26, 0})
	f.Add([]byte{0x0A, 0, 0, 0, 0, 0x0B, 2, 0, 'a', 0, 'b', 0, 0}, []byte{0x0B, 0xFF, 0xFF})
	body := &evtxtest.Template{GUID: evtxtest.MustGUID("{11111111-2222-3333-4444-555555555555}")}
	body.Body = func(b *evtxtest.Builder) {
		b.Start("Event")
		b.End()
		b.Substitution(0, evtxtest.TypeBinXML)
		b.Substitution(1, evtxtest.TypeBinXML)
		b.Close()
	}
	f.Fuzz(func(t *testing.T, record, value []byte) {
		if len(record) > 20_000 || len(value) > 20_000 {
			return
		}
		file, err := evtxtest.BuildFunc(evtxtest.Options{}, func(w *evtxtest.Writer) error {
			if err := w.WriteRaw(1, evtxtest.FileTimeOf(noon), func(b *evtxtest.Builder) { b.Bytes(record...) }); err != nil {
				return err
			}
			return w.WriteRaw(2, evtxtest.FileTimeOf(noon), func(b *evtxtest.Builder) {
				b.FragmentHeader()
				v := evtxtest.BinXML(func(b *evtxtest.Builder) { b.Bytes(value...) })
				b.Instance(body, v, v)
				b.EOF()
			})
		})
		if err != nil {
			t.Skip(err)
		}
		readHostile(t, file.Data)
		readWhole(t, file.ChunkData(0))
	})
}
