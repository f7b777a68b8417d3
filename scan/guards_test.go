package scan_test

import (
	"runtime"
	"testing"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// TestBaselineRaisesNoLevel: what a baseline knows gives a session no level as
// long as it does not know everything.
func TestBaselineRaisesNoLevel(t *testing.T) {
	level := func(known ...bool) rules.Level {
		var findings []*finding.Finding
		for i, is := range known {
			f := madeFinding(1, []string{"grave", "light"}[i])
			f.Level, f.Known = []rules.Level{rules.LevelCritical, rules.LevelMedium}[i], is
			findings = append(findings, f)
		}
		s := &finding.Session{Findings: findings}
		s.Summarize()
		return s.Level
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

// TestHourOfDay: hours count from the midnight before them, also before the
// epoch.
func TestHourOfDay(t *testing.T) {
	for hours, want := range map[event.Time]int{0: 0, 23: 23, 24: 0, 25: 1, 49: 1, 24*365 + 7: 7, -1: 23, -24: 0, -25: 23} {
		if got := scan.HourOfDay(hours); got != want {
			t.Errorf("%d: %d, want %d", hours, got, want)
		}
	}
}

// TestGoroutines: as many as are asked for, within bounds; as the machine has
// if none are.
func TestGoroutines(t *testing.T) {
	for goroutines, want := range map[int]int{3: 3, 1 << 20: 1024, 0: runtime.GOMAXPROCS(0), -1: runtime.GOMAXPROCS(0)} {
		if got := (&scan.Options{Goroutines: goroutines}).GoroutineCount(); got != want {
			t.Errorf("%d: %d, want %d", goroutines, got, want)
		}
	}
}

// TestWantsTime: from since on, and before until.
func TestWantsTime(t *testing.T) {
	for _, tt := range []struct {
		since, until, at event.Time
		want             bool
	}{
		{0, 0, 5, true}, {5, 0, 5, true}, {6, 0, 5, false}, {0, 5, 5, false}, {0, 6, 5, true}, {5, 6, 5, true}, {6, 9, 5, false}, {1, 5, 5, false},
	} {
		if got := (&scan.Options{Since: tt.since, Until: tt.until}).WantsTime(tt.at); got != tt.want {
			t.Errorf("%d to %d: %d is %v", tt.since, tt.until, tt.at, got)
		}
	}
}
