package html_test

import (
	"io"
	"testing"

	"webshellscan/report/html"
	"webshellscan/report/reporttest"
)

// BenchmarkHTML writes pages of so many findings.
func BenchmarkHTML(b *testing.B) {
	for _, bench := range []struct {
		name string
		n    int
	}{{"10000", 10_000}, {"100000", 100_000}} {
		b.Run(bench.name, func(b *testing.B) {
			res := reporttest.Many(bench.n)
			size := &counter{}
			for b.Loop() {
				size.n = 0
				if err := html.Write(size, res, html.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size.n)/1e6, "MB")
			b.ReportMetric(float64(bench.n)*float64(b.N)/b.Elapsed().Seconds(), "findings/s")
		})
	}
}

// counter counts what is written.
type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return io.Discard.Write(p)
}
