package scan_test

import (
	"math/rand/v2"
	"testing"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/evtx"
)

// TestBaselineRaisesNoLevel: what a baseline knows gives a session no level as
// long as it does not know everything.
func TestBaselineRaisesNoLevel(t *testing.T) {
	level := func(known ...bool) rules.Level {
		var findings []*scan.Finding
		for i, is := range known {
			f := madeFinding(1, []string{"grave", "light"}[i])
			f.Level, f.Known = []rules.Level{rules.LevelCritical, rules.LevelMedium}[i], is
			findings = append(findings, f)
		}
		return scan.Summarize(findings).Level
	}
	for _, tt := range []struct {
		grave, light bool
		want         rules.Level
	}{
		{false, false, rules.LevelCritical},
		{false, true, rules.LevelCritical},
		{true, false, rules.LevelMedium},
		{true, true, rules.LevelCritical},
	} {
		if got := level(tt.grave, tt.light); got != tt.want {
			t.Errorf("known: critical %v, medium %v: level %s, want %s", tt.grave, tt.light, got, tt.want)
		}
	}
}

// TestFirstFaults: of many faults of one class the first ones of the file are kept,
// whatever the order in which its parts were read.
func TestFirstFaults(t *testing.T) {
	for seed := range uint64(20) {
		var faults []*evtx.FormatError
		for i := range 60 {
			faults = append(faults,
				&evtx.FormatError{Class: evtx.RecordBad, Offset: int64(i)},
				&evtx.FormatError{Class: evtx.FieldDamaged, Offset: int64(1000 + i)})
		}
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		for i, f := range scan.KeptFaults(faults) {
			want := int64(i)
			if i >= 20 {
				want = int64(1000 + i - 20)
			}
			if f.Offset != want || i >= 40 {
				t.Fatalf("seed %d: fault %d is at offset %d, want %d", seed, i, f.Offset, want)
			}
		}
	}
}
