package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/scan"
	"webshellscan/scan/event"
)

// TestAllocationsPerEvent bounds what each further event of a log costs a scan
// in allocations, as long as nothing is found: next to none. Allocations are
// counted, and not time: they are the same on every machine.
func TestAllocationsPerEvent(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stream fleet.StreamOptions
		style  evtxtest.Style
		most   float64
	}{
		{"nothing of interest", fleet.StreamOptions{Kind: fleet.StreamNone}, evtxtest.StyleLive, 0.04},
		{"nothing of interest, forwarded", fleet.StreamOptions{Kind: fleet.StreamNone}, evtxtest.StyleForwarded, 0.08},
		{"a busy server", fleet.StreamOptions{}, evtxtest.StyleLive, 0.06},
		{"a busy server, forwarded", fleet.StreamOptions{}, evtxtest.StyleForwarded, 0.1},
		{"Sysmon process events", fleet.StreamOptions{Kind: fleet.StreamProcess}, evtxtest.StyleLive, 0.2},
		{"Security process events", fleet.StreamOptions{Kind: fleet.StreamProcess, Audit: true}, evtxtest.StyleLive, 0.2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const few, many = 10_000, 30_000
			per := (scanAllocations(t, tt.stream, tt.style, many) - scanAllocations(t, tt.stream, tt.style, few)) / (many - few)
			if per > tt.most {
				t.Errorf("%.3f allocations an event, at most %g are allowed", per, tt.most)
			}
			t.Logf("%.3f allocations an event", per)
		})
	}
}

// scanAllocations returns the allocations of a scan of logs with so many
// events.
func scanAllocations(t *testing.T, stream fleet.StreamOptions, style evtxtest.Style, events int) float64 {
	t.Helper()
	folder := t.TempDir()
	logs := make(map[string]*evtxtest.Writer)
	n := 0
	for channel, ev := range fleet.Stream(stream) {
		if style == evtxtest.StyleForwarded {
			channel = "ForwardedEvents"
		}
		if logs[channel] == nil {
			logs[channel] = newLog(t, filepath.Join(folder, strings.ReplaceAll(channel, "/", "%4")+".evtx"), style)
		}
		if err := logs[channel].Write(ev); err != nil {
			t.Fatal(err)
		}
		if n++; n == events {
			break
		}
	}
	for _, w := range logs {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Nothing that began so late is there: findings are not made.
	options := scan.Options{Paths: []string{folder}, Goroutines: 1, Since: event.FromUnix(1 << 32)}
	return testing.AllocsPerRun(1, func() { mustScan(t, options) })
}

// newLog returns a writer of a log at a path.
func newLog(t *testing.T, path string, style evtxtest.Style) *evtxtest.Writer {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	w, err := evtxtest.NewWriter(file, evtxtest.Options{Style: style})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestAllocationsPerFile bounds what each further file of a folder costs that
// is nothing to a scan: it is opened once, and nothing of it is kept.
func TestAllocationsPerFile(t *testing.T) {
	const few, many, most = 100, 600, 45
	of := func(files int) float64 {
		folder := t.TempDir()
		for i := range files {
			write(t, folder, fmt.Sprintf("note%d.txt", i), []byte("some text of no interest"))
		}
		return testing.AllocsPerRun(1, func() {
			if res := mustScan(t, scan.Options{Paths: []string{folder}, Goroutines: 1}); res.Summary.OtherFiles != files {
				t.Fatalf("%d of %d files are of another kind", res.Summary.OtherFiles, files)
			}
		})
	}
	per := (of(many) - of(few)) / (many - few)
	if per > most {
		t.Errorf("%.1f allocations a file, at most %d are allowed", per, most)
	}
	t.Logf("%.1f allocations a file", per)
}
