package evtxtest_test

import (
	"io"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
)

// benchmarkWriter measures writing one event again and again, filled in anew
// each time.
func benchmarkWriter(b *testing.B, o evtxtest.Options, s evtxtest.Source) {
	var written counter
	w, err := evtxtest.NewWriter(&written, o)
	if err != nil {
		b.Fatal(err)
	}
	ev := evtxtest.Event{Computer: host, Time: evtxtest.FileTimeOf(at)}
	records := 0
	b.ReportAllocs()
	for b.Loop() {
		ev.Time += 10_000
		s.Put(&ev)
		if err := w.Write(&ev); err != nil {
			b.Fatal(err)
		}
		records++
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(written) / int64(records))
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)

func BenchmarkSysmon1(b *testing.B) {
	p := processCreate(evtxtest.Sysmon22)
	p.Hashes = "SHA1=CE8E487CB76704FE5FBB821A78A1E969EFBE71F9,MD5=A27A24553B2C36E139647F88DF738C35," +
		"SHA256=8F16A431C919A0AA7C9466EC1CDC1E721F30EB5C8182835585A1B74ABECB1920,IMPHASH=0EB64EACA8C951D760EEA1A941A2A3F7"
	benchmarkWriter(b, evtxtest.Options{}, p)
}

func Benchmark4688(b *testing.B) {
	benchmarkWriter(b, evtxtest.Options{}, processCreated(evtxtest.ProcessCreatedV2))
}

func Benchmark4624Exported(b *testing.B) {
	benchmarkWriter(b, evtxtest.Options{Style: evtxtest.StyleExported}, logon(2))
}

func BenchmarkSysmon1Forwarded(b *testing.B) {
	benchmarkWriter(b, evtxtest.Options{Style: evtxtest.StyleForwarded}, processCreate(evtxtest.Sysmon22))
}

func BenchmarkFixChunk(b *testing.B) {
	events := make([]evtxtest.Event, 60)
	for i := range events {
		events[i] = evtxtest.NewEvent(at.Add(time.Duration(i)*time.Second), host, processCreate(evtxtest.Sysmon22))
	}
	f, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		b.Fatal(err)
	}
	chunk := f.ChunkData(0)
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		evtxtest.FixChunk(chunk)
	}
}

// TestAllocations holds that writing records does not allocate once the
// templates are known.
func TestAllocations(t *testing.T) {
	var written counter
	w, err := evtxtest.NewWriter(&written, evtxtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := processCreate(evtxtest.Sysmon22)
	ev := evtxtest.Event{Computer: host, Time: evtxtest.FileTimeOf(at)}
	write := func() {
		p.Put(&ev)
		if err := w.Write(&ev); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		write()
	}
	if n := testing.AllocsPerRun(1000, write); n > 0 {
		t.Errorf("%v allocations a record", n)
	}
}
