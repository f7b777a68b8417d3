package phrase_test

import (
	"strings"
	"testing"

	"webshellscan/report/phrase"
	"webshellscan/report/reporttest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// TestEventFindings: events come the gravest first, and the last line says of
// those that have none how many there are, and of which level.
func TestEventFindings(t *testing.T) {
	for level, want := range map[rules.Level]string{
		rules.LevelNone:   "and 2 more, of level informational at most: CSV and JSON Lines have all of them",
		rules.LevelMedium: "and 2 more, of level medium at most: CSV and JSON Lines have all of them",
	} {
		res := &scan.Result{}
		for i := range phrase.MaxEventLines + 2 {
			r := &rules.Rule{Title: "A rule", Level: level}
			if i > phrase.MaxEventLines {
				r.Level = rules.LevelHigh
			}
			res.Events = append(res.Events, &finding.Event{
				Evidence: []finding.Evidence{{File: "Sec.evtx"}}, Event: &story.Event{Rules: []*rules.Rule{r}, Count: 1, Time: reporttest.Noon},
			})
		}
		lines := phrase.EventFindings(res)
		if len(lines) != phrase.MaxEventLines+1 || !strings.HasPrefix(lines[0], "HIGH ") || lines[len(lines)-1] != want {
			t.Errorf("%d lines, the first %q, the last %q, want %q", len(lines), lines[0], lines[len(lines)-1], want)
		}
	}
}

// TestMeetings: what met a correlation rule is counted by kind, in the line of
// the event that completed it, and of many rules the first are told.
func TestMeetings(t *testing.T) {
	rule := &rules.Rule{Title: "Many", Level: rules.LevelHigh, Correlation: &rules.Correlation{}}
	processes := []finding.CorrelatedProcess{{Time: reporttest.Noon + event.Minute}}
	events := []finding.CorrelatedEvent{{Time: reporttest.Noon}}
	list := []*finding.Correlation{
		{Rule: rule, Total: 3, Processes: processes},
		{Rule: rule, Total: 2, TotalEvents: 2, Events: events},
		{Rule: rule, Total: 3, TotalEvents: 1, Processes: processes, Events: events},
		{Rule: rule},
		{Rule: rule},
	}
	e := &finding.Event{
		Evidence: []finding.Evidence{{File: "Sec.evtx"}}, Host: "A", Correlated: list,
		Event: &story.Event{Rules: []*rules.Rule{rule}, Count: 1, Time: reporttest.Noon, Summary: "logged on"},
	}
	want := "HIGH  2026-03-02 12:00:00  A: logged on (Many), Many: 3 processes since 2026-03-02 12:01:00, " +
		"Many: 2 events since 2026-03-02 12:00:00, Many: 2 processes and 1 event since 2026-03-02 12:00:00, and 2 more correlations"
	if got := phrase.EventFindings(&scan.Result{Events: []*finding.Event{e}}); len(got) != 1 || got[0] != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestGravestOf: what has no level is not called the gravest of anything.
func TestGravestOf(t *testing.T) {
	for level, want := range map[rules.Level]string{rules.LevelNone: "", rules.LevelHigh: ", the gravest of them high"} {
		if got := phrase.GravestOf(level); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
