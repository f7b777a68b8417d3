package fleet_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/fleet"
)

// TestStream counts what streams are made of.
func TestStream(t *testing.T) {
	const events = 60_000
	for _, tt := range []struct {
		name     string
		options  fleet.StreamOptions
		low, top float64 // share of process events
		channels int
	}{
		{"mixed", fleet.StreamOptions{}, 0.02, 0.05, 5},
		{"mixed, 4688", fleet.StreamOptions{Audit: true}, 0.02, 0.05, 5},
		{"process", fleet.StreamOptions{Kind: fleet.StreamProcess}, 1, 1, 1},
		{"process, 4688", fleet.StreamOptions{Kind: fleet.StreamProcess, Audit: true}, 1, 1, 1},
		{"none", fleet.StreamOptions{Kind: fleet.StreamNone}, 0, 0, 5},
		{"distinct", fleet.StreamOptions{Kind: fleet.StreamProcess, Distinct: true}, 1, 1, 1},
	} {
		channels := map[string]uint64{}
		process, creations, n := 0, 0, 0
		commands := map[string]bool{}
		for channel, ev := range fleet.Stream(tt.options) {
			if channels[channel] != 0 && ev.RecordID != channels[channel]+1 {
				t.Fatalf("%s: record %d of %s follows %d", tt.name, ev.RecordID, channel, channels[channel])
			}
			channels[channel] = ev.RecordID
			switch {
			case channel == fleet.ChannelSysmon && ev.ID == 1, channel == fleet.ChannelSecurity && ev.ID == 4688:
				creations++
				process++
				commands[commandLine(ev)] = true
			case channel == fleet.ChannelSysmon && ev.ID == 5, channel == fleet.ChannelSecurity && ev.ID == 4689:
				process++
			}
			if n++; n == events {
				break
			}
		}
		if share := float64(process) / events; share < tt.low || share > tt.top || len(channels) != tt.channels {
			t.Errorf("%s: %.3f process events, channels %v", tt.name, share, channels)
		}
		if distinct := len(commands) == creations; distinct != tt.options.Distinct && creations > 0 {
			t.Errorf("%s: %d command lines of %d creations", tt.name, len(commands), creations)
		}
	}
}

// commandLine returns an event's command line in a form that can be compared.
func commandLine(ev *evtxtest.Event) string {
	for _, f := range ev.Payload.Fields {
		if f.Name == "CommandLine" {
			return fmt.Sprint(f.Value)
		}
	}
	return ""
}

// TestStreamIsDeterministic holds that a stream depends on its options alone.
func TestStreamIsDeterministic(t *testing.T) {
	sum := func(o fleet.StreamOptions) (s [sha256.Size]byte) {
		hash := sha256.New()
		w, err := evtxtest.NewWriter(hash, evtxtest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, ev := range fleet.Stream(o) {
			if err := w.Write(ev); err != nil {
				t.Fatal(err)
			}
			if n++; n == 5000 {
				break
			}
		}
		return [sha256.Size]byte(hash.Sum(nil))
	}
	first := sum(fleet.StreamOptions{})
	if sum(fleet.StreamOptions{}) != first {
		t.Error("two streams of the same options differ")
	}
	if sum(fleet.StreamOptions{Seed: 2}) == first || sum(fleet.StreamOptions{Host: 2}) == first {
		t.Error("streams of different seeds or hosts are equal")
	}
}

func benchmarkStream(b *testing.B, o fleet.StreamOptions) {
	var written counter
	w, err := evtxtest.NewWriter(&written, evtxtest.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for _, ev := range fleet.Stream(o) {
		if !b.Loop() {
			break
		}
		n++
		if err := w.Write(ev); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(written) / int64(n))
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkStreamMixed(b *testing.B) { benchmarkStream(b, fleet.StreamOptions{}) }

func BenchmarkStreamSysmon(b *testing.B) {
	benchmarkStream(b, fleet.StreamOptions{Kind: fleet.StreamProcess})
}

func BenchmarkStreamAudit(b *testing.B) {
	benchmarkStream(b, fleet.StreamOptions{Kind: fleet.StreamProcess, Audit: true})
}

func BenchmarkStreamNone(b *testing.B) {
	benchmarkStream(b, fleet.StreamOptions{Kind: fleet.StreamNone})
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
