package html_test

import (
	"fmt"
	"strings"
	"testing"

	"webshellscan/scan"
	"webshellscan/scan/integrity"
)

// TestHTMLWarnings: the overview names the alarms about the logs and the first
// warnings, and how much it leaves out.
func TestHTMLWarnings(t *testing.T) {
	tests := []struct {
		alarms, warnings, notices int
		heading, link             string
		named                     int
	}{
		{0, 0, 3, "", "", 0},
		{0, 2, 0, "The logs themselves give a warning", "All of it under Integrity", 2},
		{0, 9, 1, "The logs themselves give a warning", "5 more under Integrity", 5},
		{2, 1, 0, "The logs themselves raise an alarm", "All of it under Integrity", 3},
		{2, 9, 0, "The logs themselves raise an alarm", "6 more under Integrity", 5},
		{12, 9, 0, "The logs themselves raise an alarm", "11 more under Integrity", 10},
	}
	for _, tt := range tests {
		res := &scan.Result{}
		for _, part := range []struct {
			n     int
			level integrity.Level
		}{{tt.alarms, integrity.Alarm}, {tt.warnings, integrity.Warning}, {tt.notices, integrity.Notice}} {
			for range part.n {
				res.Integrity = append(res.Integrity, &integrity.Finding{Level: part.level, Text: fmt.Sprintf("thing %d", len(res.Integrity)), Meaning: "of it"})
			}
		}
		overview, _, _ := strings.Cut(render(t, res), `<section id="sessions"`)
		if n := strings.Count(overview, ". of it</li>"); n != tt.named {
			t.Errorf("%+v: %d are named", tt, n)
		}
		if !strings.Contains(overview, tt.heading) || !strings.Contains(overview, tt.link) || tt.named == 0 && strings.Contains(overview, "The logs themselves") {
			t.Errorf("%+v: the overview says\n%s", tt, overview)
		}
	}
}
