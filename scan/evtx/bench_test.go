package evtx_test

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// BenchmarkReader reads logs in memory with one goroutine, beside taking the
// CRC-32 of the same bytes.
func BenchmarkReader(b *testing.B) {
	for _, bb := range []struct {
		name   string
		stream fleet.StreamOptions
		style  evtxtest.Style
	}{
		{"mixed", fleet.StreamOptions{}, evtxtest.StyleLive},
		{"none", fleet.StreamOptions{Kind: fleet.StreamNone}, evtxtest.StyleLive},
		{"sysmon", fleet.StreamOptions{Kind: fleet.StreamProcess}, evtxtest.StyleLive},
		{"security", fleet.StreamOptions{Kind: fleet.StreamProcess, Audit: true}, evtxtest.StyleLive},
		{"forwarded", fleet.StreamOptions{Kind: fleet.StreamProcess}, evtxtest.StyleForwarded},
		{"forwarded, none", fleet.StreamOptions{Kind: fleet.StreamNone}, evtxtest.StyleForwarded},
	} {
		b.Run(bb.name, func(b *testing.B) {
			data := streamFile(b, bb.stream, bb.style)
			started := time.Now()
			const rounds = 20
			for range rounds {
				crc32.ChecksumIEEE(data)
			}
			floor := float64(time.Since(started).Nanoseconds()) / rounds
			f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				b.Fatal(err)
			}
			r := evtx.NewReader(processEvents)
			var records int
			var text []byte
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				for part := range f.Parts(evtx.DefaultPartSize) {
					reading := r.Records(f, part)
					for ev := range reading.Events(b.Context()) {
						if ev != nil { // one file of several channels has gaps
							text = ev.Value(event.CommandLine).AppendText(text[:0])
						}
					}
					records += reading.Stats.Records
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/floor, "x-crc")
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// streamFile returns a log of 100,000 events.
func streamFile(b testing.TB, o fleet.StreamOptions, style evtxtest.Style) []byte {
	b.Helper()
	file, err := evtxtest.BuildFunc(evtxtest.Options{Style: style}, func(w *evtxtest.Writer) error {
		n := 0
		for _, ev := range fleet.Stream(o) {
			if err := w.Write(ev); err != nil {
				return err
			}
			if n++; n == 100_000 {
				break
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return file.Data
}

// BenchmarkCarve searches for chunks where there are none: in zeros, in text
// and in what looks like nothing, beside taking the CRC-32 of the same bytes.
func BenchmarkCarve(b *testing.B) {
	const size = 32 << 20
	noise := make([]byte, size)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for _, bb := range []struct {
		name string
		data []byte
	}{
		{"zeros", make([]byte, size)},
		{"text", bytes.Repeat([]byte("a line of a file that is no event log\r\n"), size/39)},
		{"stars", bytes.Repeat([]byte("** as records begin **\r\n"), size/24)},
		{"noise", noise},
	} {
		b.Run(bb.name, func(b *testing.B) {
			before := cputime.Used()
			const rounds = 5
			for range rounds {
				crc32.ChecksumIEEE(bb.data)
			}
			floor := (cputime.Used() - before) / rounds
			f := evtx.Raw(bytes.NewReader(bb.data), int64(len(bb.data)))
			r := evtx.NewReader(processEvents)
			b.SetBytes(int64(len(bb.data)))
			b.ReportAllocs()
			before = cputime.Used()
			for b.Loop() {
				reading := r.Carve(f, []evtx.Part{{Start: 0, End: f.Size()}})
				for ev := range reading.Events(b.Context()) {
					if ev != nil { // nil stands for a stretch without a chunk
						b.Fatal("an event")
					}
				}
			}
			used := cputime.Used() - before
			b.ReportMetric(float64(len(bb.data))*float64(b.N)/1e9/used.Seconds(), "GB/cpu-s")
			b.ReportMetric(float64(used)/float64(b.N)/float64(floor), "x-crc")
		})
	}
}
