package evtx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/event"
)

// shapes are logs of the shapes that a quick look knows: with templates, of the
// host's own and collected events, and without.
func shapes(t *testing.T) map[string]*evtxtest.File {
	t.Helper()
	sources := []evtxtest.Source{
		&evtxtest.SysmonImageLoad{ProcessID: 4, Image: `C:\a.exe`}, &evtxtest.ServiceState{}, &evtxtest.EventlogStarted{},
		&evtxtest.ProcessCreated{NewProcessID: 8, NewProcessName: `C:\b.exe`}, &evtxtest.KernelTimeChanged{},
		&evtxtest.SysmonImageLoad{ProcessID: 8, Image: `C:\b.exe`},
	}
	var events []evtxtest.Event
	for i, source := range sources {
		ev := evtxtest.NewEvent(time.Date(2026, 3, 2, 12, 0, i, 0, time.UTC), fmt.Sprintf("HOST-%d", i%2), source)
		ev.RecordID = uint64(70 + i)
		events = append(events, ev)
	}
	files := make(map[string]*evtxtest.File)
	for name, o := range map[string]evtxtest.Options{
		"live": {}, "collected": {Style: evtxtest.StyleForwarded}, "plain": {Style: evtxtest.StyleForwarded, Shape: evtxtest.ShapePlain},
	} {
		file, err := evtxtest.Build(o, events)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return files
}

// TestQuickTakesTheUsual: records of the usual shapes that nobody asks for are
// looked at quickly, and those that are asked for are not.
func TestQuickTakesTheUsual(t *testing.T) {
	sel := Select(event.Want{Keys: []event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 7}}})
	for name, file := range shapes(t) {
		f, err := Open(bytes.NewReader(file.Data), int64(len(file.Data)))
		if err != nil {
			t.Fatal(err)
		}
		var passed []uint64
		r := NewReader(sel).reading(f, nil, nil)
		r.run = func(context.Context, *Reading) {
			data := file.ChunkData(0)
			c := &chunkWalk{data: data, base: HeaderSize, head: parseChunkHeader(data), pos: chunkHeaderSize}
			r.dec.templates.begin(false)
			for _, rec := range file.Chunks[0].Records {
				if off, size := int(rec.ChunkOffset), int(rec.Size); r.quick(c, off, size) || r.quickPlain(c, off, size) {
					passed = append(passed, rec.EventRecordID)
				}
			}
		}
		for _, err := range r.Events(t.Context()) {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]uint64{71, 72, 73, 74}, passed); diff != "" {
			t.Errorf("%s: passed over quickly (-want +got):\n%s", name, diff)
		}
	}
}

// account reads a log and returns what is said of it: the events of the
// selected keys, faults and counts, but for those of values that are only
// decoded where a record is read whole.
func account(t *testing.T, rd *Reader, data []byte) string {
	t.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	r := rd.Records(f, Part{HeaderSize, int64(len(data))})
	for ev, err := range r.Events(t.Context()) {
		fault, _ := errors.AsType[*FormatError](err)
		switch {
		case err == nil && ev.Key == 0:
			fmt.Fprintln(&said, ev.Place, ev.Time)
		case err != nil && fault.What != "value":
			fmt.Fprintln(&said, err)
		}
	}
	r.Stats.Bytes, r.Stats.Selected = 0, 0
	fmt.Fprintf(&said, "%+v\n%+v\n%d deferred", r.Stats, r.Chunks, len(r.Deferred))
	return said.String()
}

// TestQuickSaysTheSame: whatever byte of a record before its payload is another
// one, a quick look says of it what reading the whole does.
func TestQuickSaysTheSame(t *testing.T) {
	keys := []event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 7}}
	channels := []string{"Application", "Security", "System", "Microsoft-Windows-Sysmon/Operational"}
	block := make([]byte, blockSize)
	newReader := func(want event.Want) *Reader {
		rd := NewReader(Select(want))
		rd.block = block
		return rd
	}
	for name, file := range shapes(t) {
		chunk := file.ChunkData(0)
		for _, rec := range file.Chunks[0].Records[1:4] {
			end := rec.ChunkOffset + rec.Size - recordTail
			if len(rec.Instances) > 1 {
				end = rec.Instances[1].Offset - 4 // where the payload begins, which a quick look leaves alone
			}
			for at := rec.ChunkOffset + recordHead; at < end; at++ {
				old := chunk[at]
				for _, b := range []byte{old + 1, old ^ 0x40} {
					chunk[at] = b
					evtxtest.FixChunk(chunk)
					quick := account(t, newReader(event.Want{Keys: keys}), file.Data)
					whole := account(t, newReader(event.Want{Keys: keys, Channels: channels}), file.Data)
					if len(rec.Instances) > 1 && strings.Contains(whole, "Lost:1") {
						continue // the payload may be what cannot be read
					}
					if diff := cmp.Diff(whole, quick); diff != "" {
						t.Fatalf("%s: record %d, byte %d %02X for %02X (-whole +quick):\n%s", name, rec.EventRecordID, at-rec.ChunkOffset, b, old, diff)
					}
				}
				chunk[at] = old
			}
		}
	}
}

// TestPeekPlainSaysTheSame: whatever byte of a record without a template is
// another one, a look at its System says what compiling it does.
func TestPeekPlainSaysTheSame(t *testing.T) {
	chunk := shapes(t)["plain"].ChunkData(0)
	d := NewDecoder(Select(event.Want{}))
	looked := 0
	for _, rec := range shapes(t)["plain"].Chunks[0].Records {
		off, size := int(rec.ChunkOffset), int(rec.Size)
		for at := off + recordHead; at < off+size-recordTail; at++ {
			old := chunk[at]
			for _, b := range []byte{old, old + 1, old ^ 0x40} {
				chunk[at] = b
				d.templates.begin(false)
				d.ev.Reset()
				if !d.peekPlain(chunk, off, size) {
					continue
				}
				looked++
				when, id := d.ev.Time, d.ev.RecordID
				d.ev.Reset()
				d.arena, d.queue = d.arena[:0], d.queue[:0]
				err := d.document(&chunkWalk{data: chunk}, document{pos: off + recordHead, end: off + size - recordTail})
				if err != nil || d.ev.Time != when || d.ev.RecordID != id {
					t.Fatalf("byte %d %02X for %02X: looked at %v, %d; compiled %v, %d, %v", at-off, b, old, when, id, d.ev.Time, d.ev.RecordID, err)
				}
			}
			chunk[at] = old
		}
	}
	if looked == 0 {
		t.Error("no record is of the usual shape")
	}
}

// TestPlainLookSaysTheSame: whatever byte of a record without a template is
// another one, the values that a gate is shown are those that decoding gives.
func TestPlainLookSaysTheSame(t *testing.T) {
	file := shapes(t)["plain"]
	chunk := file.ChunkData(0)
	d := NewDecoder(Select(event.Want{Keys: []event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 7}}, AllFields: true}))
	look := &plainLook{names: []string{"image", "processid", "imageloaded", "rulename", "missing"}}
	looked := 0
	for _, rec := range file.Chunks[0].Records {
		off, size := int(rec.ChunkOffset), int(rec.Size)
		for at := off + recordHead; at < off+size-recordTail; at++ {
			old := chunk[at]
			for _, b := range []byte{old, old + 1, old ^ 0x40, old ^ 0x20, 0x07, 0x08, 0x09} {
				chunk[at] = b
				d.templates.begin(false)
				s, ok := d.readPlain(chunk, off, size)
				values := make([]event.Value, len(look.names))
				if !ok || !look.read(chunk, &s, &d.templates.build.names, values) {
					continue
				}
				selected, err := d.decode(&chunkWalk{data: chunk}, off, size)
				if err != nil {
					t.Fatalf("byte %d %02X for %02X: shown, and not decoded: %v", at-off, b, old, err)
				}
				if !selected {
					continue
				}
				looked++
				for i, name := range look.names {
					if want := payloadValue(d.ev.Payload(), name); values[i].String() != want.String() {
						t.Fatalf("byte %d %02X for %02X: %s is shown as %q, decoded as %q", at-off, b, old, name, values[i], want)
					}
				}
			}
			chunk[at] = old
		}
	}
	if looked == 0 {
		t.Error("no record was shown")
	}
}

// payloadValue returns the first value of a name, compared without case.
func payloadValue(list event.FieldList, name string) event.Value {
	for _, f := range list {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return event.Value{}
}
