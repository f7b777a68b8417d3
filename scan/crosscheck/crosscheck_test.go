package crosscheck_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/faults"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/evtx"
)

// noon is the time of the made events.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 123456700, time.UTC)

func sysmonCreate(recordID uint64) evtxtest.Event {
	ev := evtxtest.NewEvent(noon, "WEB01", &evtxtest.SysmonProcessCreate{
		ProcessID: 4242, Image: `C:\Windows\System32\cmd.exe`, CommandLine: `cmd.exe /c "whoami & echo é日本"`,
		User: `IIS APPPOOL\shop`, LogonID: 0x3e7, IntegrityLevel: "High", Hashes: "SHA1=00",
		ProcessGUID:     evtxtest.MustGUID("{365ABB72-4A01-5CE7-0000-0010EE9DAC00}"),
		ParentProcessID: 4000, ParentImage: `C:\Windows\System32\inetsrv\w3wp.exe`,
	})
	ev.RecordID = recordID
	return ev
}

func securityCreate(recordID uint64) evtxtest.Event {
	ev := evtxtest.NewEvent(noon, "WEB01", &evtxtest.ProcessCreated{
		NewProcessID: 4242, NewProcessName: `C:\Windows\System32\cmd.exe`, ProcessID: 4000, CommandLine: "cmd.exe",
		Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "WEB01$", Domain: "CORP", LogonID: 0x3e7},
	})
	ev.RecordID = recordID
	return ev
}

func build(t testing.TB, o evtxtest.Options, events ...evtxtest.Event) *evtxtest.File {
	t.Helper()
	file, err := evtxtest.Build(o, events)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func check(chunk []byte, offset int, recordID uint64) crosscheck.Result {
	c := crosscheck.New()
	c.Chunk(chunk)
	return c.Check(offset, recordID)
}

// TestConfirmed: in every shape that a record can have, both decoders read the
// same.
func TestConfirmed(t *testing.T) {
	shapes := map[string]evtxtest.Options{
		"manifest": {Shape: evtxtest.ShapeManifest}, "provider": {Shape: evtxtest.ShapeProvider},
		"plain": {Style: evtxtest.StyleForwarded}, "exported": {Style: evtxtest.StyleExported},
	}
	for name, o := range shapes {
		t.Run(name, func(t *testing.T) {
			file := build(t, o, sysmonCreate(1001), securityCreate(1002), sysmonCreate(1003))
			for _, r := range file.Chunks[0].Records {
				got := check(file.ChunkData(0), int(r.ChunkOffset), r.EventRecordID)
				if got.State != crosscheck.Confirmed {
					t.Errorf("record %d: %s: %s", r.EventRecordID, got.State, got.Reason)
				}
			}
		})
	}
}

// TestGuard: records that golang-evtx must not see are not given to it, and
// what it cannot read is no confirmation.
func TestGuard(t *testing.T) {
	tests := []struct {
		name   string
		damage func(f *evtxtest.File, r *evtxtest.Record)
		want   crosscheck.State
		reason string
	}{
		{"value sizes beyond the record", func(f *evtxtest.File, r *evtxtest.Record) {
			at := r.Instances[0].SpecOf(17)
			copy(f.ChunkData(0)[at:], []byte{0xFF, 0xFF})
		}, crosscheck.Unconfirmed, "not sound"},
		{"definition elsewhere", func(f *evtxtest.File, r *evtxtest.Record) {
			at := r.Instances[0].Offset + 6
			copy(f.ChunkData(0)[at:], []byte{0xF0, 0xFF, 0, 0})
		}, crosscheck.Unconfirmed, "not sound"},
		{"a type of wrong size", func(f *evtxtest.File, r *evtxtest.Record) {
			f.ChunkData(0)[r.Instances[1].SpecOf(4)+2] = byte(evtxtest.TypeSystemTime)
		}, crosscheck.Unconfirmed, "not sound"},
		{"another record", func(f *evtxtest.File, r *evtxtest.Record) { r.EventRecordID++ }, crosscheck.Unconfirmed, "changed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := build(t, evtxtest.Options{}, sysmonCreate(1001), sysmonCreate(1002))
			r := &file.Chunks[0].Records[1]
			tt.damage(file, r)
			got := check(file.ChunkData(0), int(r.ChunkOffset), r.EventRecordID)
			if got.State != tt.want || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s: %q, want %s: %q", got.State, got.Reason, tt.want, tt.reason)
			}
		})
	}
}

// TestHostileTemplates: definitions that would take golang-evtx's stack or
// memory are refused. One that holds itself would end the process.
func TestHostileTemplates(t *testing.T) {
	self := &evtxtest.Template{GUID: evtxtest.MustGUID("{11111111-2222-3333-4444-555555555555}")}
	self.Body = func(b *evtxtest.Builder) {
		b.Start("Event")
		b.End()
		b.InstanceHeader(0x11111111, 512+24+14)
		b.Values()
		b.Close()
	}
	laugh := &evtxtest.Template{GUID: evtxtest.MustGUID("{21111111-2222-3333-4444-555555555555}")}
	laugh.Body = func(b *evtxtest.Builder) {
		b.Start("a")
		b.End()
		for range 10 {
			b.Substitution(0, evtxtest.TypeBinXML)
		}
		b.Close()
	}
	var nest func(depth int) evtxtest.Value
	nest = func(depth int) evtxtest.Value {
		return evtxtest.BinXML(func(b *evtxtest.Builder) {
			b.FragmentHeader()
			if depth == 0 {
				b.Start("x")
				b.CloseEmpty()
			} else {
				b.Instance(laugh, nest(depth-1))
			}
			b.EOF()
		})
	}
	bodies := map[string]func(b *evtxtest.Builder){
		"holds itself":     func(b *evtxtest.Builder) { b.FragmentHeader(); b.Instance(self); b.EOF() },
		"laughs":           func(b *evtxtest.Builder) { b.FragmentHeader(); b.Instance(laugh, nest(14)); b.EOF() },
		"hides in a value": func(b *evtxtest.Builder) { b.FragmentHeader(); b.Instance(laugh, nest(3)); b.EOF() },
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			file, err := evtxtest.BuildFunc(evtxtest.Options{}, func(w *evtxtest.Writer) error {
				return w.WriteRaw(1, evtxtest.FileTimeOf(noon), body)
			})
			if err != nil {
				t.Fatal(err)
			}
			cputime.Bound(t, 2*time.Second, func() {
				got := check(file.ChunkData(0), 512, 1)
				if got.State != crosscheck.Unconfirmed || got.Raw != nil {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// TestFaults shows the second decoder every record of every log of the fault
// matrix, through the guard: it must neither end the process nor take long, and
// must not read anything else than we do.
func TestFaults(t *testing.T) {
	for _, row := range faults.Rows() {
		t.Run(row.ID, func(t *testing.T) {
			data := row.Log().Data
			cputime.Bound(t, 10*time.Second, func() { checkLog(t, data) })
		})
	}
}

// checkLog has the second decoder decode each record of a log of the fault
// matrix.
func checkLog(t *testing.T, data []byte) {
	t.Helper()
	c, decoder := crosscheck.New(), evtx.NewDecoder(evtx.NewSelection(nil))
	for base := evtx.HeaderSize; base < len(data); base += evtx.ChunkSize {
		chunk := data[base:min(base+evtx.ChunkSize, len(data))]
		c.Chunk(chunk)
		for off := 0; off < len(chunk); off++ {
			i := bytes.Index(chunk[off:], []byte{0x2A, 0x2A, 0, 0})
			if i < 0 {
				break
			}
			off += i
			id := uint64(0)
			if ev, err := decoder.Whole(chunk, off); err == nil {
				id = ev.RecordID
			}
			got := c.Check(off, id)
			if ours := id >= faults.FirstID && id < faults.FirstID+1000; ours && got.State == crosscheck.Differs {
				t.Errorf("record at %d: %s: %s", base+off, got.State, got.Reason)
			}
		}
	}
}

// TestCorpus checks every process event of the real logs.
func TestCorpus(t *testing.T) {
	const corpus = "../../../shared/corpus"
	f, err := os.Open(filepath.Join(corpus, "truth/process_events.jsonl"))
	if err != nil {
		t.Skipf("no real logs at %s: this test decodes them", corpus)
	}
	defer f.Close()
	files := make(map[string][]byte)
	c := crosscheck.New()
	n := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var l struct {
			File          string
			EventRecordID uint64 `json:"event_record_id"`
			Chunk         int
			OffsetInChunk int `json:"offset_in_chunk"`
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if files[l.File] == nil {
			if files[l.File], err = os.ReadFile(filepath.Join(corpus, l.File)); err != nil {
				t.Fatal(err)
			}
		}
		chunk := files[l.File][evtx.HeaderSize+l.Chunk*evtx.ChunkSize:]
		c.Chunk(chunk[:min(len(chunk), evtx.ChunkSize)])
		got := c.Check(l.OffsetInChunk, l.EventRecordID)
		if got.State != crosscheck.Confirmed {
			t.Errorf("%s, record %d: %s: %s", l.File, l.EventRecordID, got.State, got.Reason)
		}
		n++
	}
	if n == 0 {
		t.Error("no events in the truth")
	}
}

func BenchmarkCheck(b *testing.B) {
	file := build(b, evtxtest.Options{}, sysmonCreate(1), sysmonCreate(2), sysmonCreate(3))
	r := file.Chunks[0].Records[2]
	c := crosscheck.New()
	c.Chunk(file.ChunkData(0))
	b.ReportAllocs()
	for b.Loop() {
		if got := c.Check(int(r.ChunkOffset), r.EventRecordID); got.State != crosscheck.Confirmed {
			b.Fatal(got)
		}
	}
}
