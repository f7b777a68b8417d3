package report_test

import (
	"strings"
	"testing"
	"time"

	"webshellscan/report"
	"webshellscan/report/reporttest"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// at returns a finding of a time.
func at(when time.Time, command string) *finding.Finding {
	f := reporttest.Finding(command)
	f.Time, f.DecodedCommand, f.Crosscheck.Reason = event.FromTime(when), "", ""
	return f
}

// TestTableTimes: tables show as much of a date as it takes to tell times
// apart.
func TestTableTimes(t *testing.T) {
	start := time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)
	tests := []struct {
		later time.Duration
		first string // in either table
		last  string
	}{
		{time.Minute, " 23:00:00", " 23:01:00"},
		{-24 * time.Hour, " 12-31 23:00:00", " 12-30 23:00:00"},
		{2 * time.Hour, " 2025-12-31 23:00:00", " 2026-01-01 01:00:00"},
		{365 * 24 * time.Hour, " 2025-12-31 23:00:00", " 2026-12-31 23:00:00"},
	}
	for _, tt := range tests {
		for _, o := range []report.Options{{}, {Flat: true}} {
			out := write(t, "table", o, at(start, "one"), at(start.Add(tt.later), "two"))
			before := "\n "
			if o.Flat {
				before = "  " // the column of the host
			}
			for _, want := range []string{before + strings.TrimPrefix(tt.first, " "), before + strings.TrimPrefix(tt.last, " ")} {
				if !strings.Contains(out, want) {
					t.Errorf("%+v, %s later: no %q in\n%s", o, tt.later, want, out)
				}
			}
		}
	}
	// One line for many times.
	out := write(t, "table", report.Options{}, at(start, "one"), at(start.Add(48*time.Hour), "one"))
	for _, want := range []string{"\n 2025-12-31 23:00:00 ", "2 times, the last at 2026-01-02\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
