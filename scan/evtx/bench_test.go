package evtx_test

import (
	"bytes"
	"hash/crc32"
	"testing"
	"time"

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
