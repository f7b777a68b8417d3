package report_test

import (
	"fmt"
	"io"
	"testing"

	"webshellscan/report"
)

const many = 100_000

// BenchmarkFormats writes a result of 100,000 findings of different command
// lines in each format.
func BenchmarkFormats(b *testing.B) {
	res := scanOf(b, shells(many, func(i int) string { return "cmd.exe /c type C:\\data\\" + letters(i) + ".txt" }))
	if len(res.Findings) != many {
		b.Fatalf("%d findings", len(res.Findings))
	}
	for _, format := range report.ScanFormats.Names() {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := report.ScanFormats.Write(io.Discard, format, res, report.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(many)*float64(b.N)/b.Elapsed().Seconds(), "findings/s")
		})
	}
}

// BenchmarkFoldedTable writes the table of 100,000 findings of one shape.
func BenchmarkFoldedTable(b *testing.B) {
	res := scanOf(b, shells(many, func(i int) string { return fmt.Sprintf("cmd.exe /c convert inv%d.pdf", i) }))
	b.ReportAllocs()
	for b.Loop() {
		if err := report.ScanFormats.Write(io.Discard, "table", res, report.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
