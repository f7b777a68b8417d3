package phrase

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// MaxEventLines bounds how many events without a session reports for people
// list; JSON Lines and CSV have all of them.
const MaxEventLines = 50

// maxEventLine bounds one of those lines, in bytes of the event's own text.
const maxEventLine = 300

// Nothing returns the sentence that no process was found, and not more than
// that if events were.
func Nothing(res *scan.Result) string {
	if n := len(EventsAlone(res)); n > 0 {
		return "No process is a finding, but " + plural.Count(n, "event matches a rule", "events match rules") + "."
	}
	if len(res.Traces) > 0 {
		return "No process is a finding, and what ran cannot be seen everywhere; other events are evidence of web servers."
	}
	return "No findings."
}

// EventsAlone returns the events that match rules and belong to no session, the
// gravest first.
func EventsAlone(res *scan.Result) []*finding.Event {
	var list []*finding.Event
	for _, e := range res.Events {
		if e.Session == nil && len(e.Rules) > 0 {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b *finding.Event) int { return cmp.Compare(b.Level(), a.Level()) })
	return list
}

// RuleTitle is what people call a rule.
func RuleTitle(r *rules.Rule) string { return cmp.Or(r.Title, r.Label()) }

// EventFindings returns a line for each event that matches rules and belongs to
// no session, the gravest first, up to a bound that the last line states.
func EventFindings(res *scan.Result) []string {
	var lines []string
	list := EventsAlone(res)
	for i, e := range list {
		if i == MaxEventLines {
			lines = append(lines, fmt.Sprintf("and %d more, of level %s at most: CSV and JSON Lines have all of them", len(list)-i, e.Level()))
			break
		}
		line := fmt.Sprintf("%s  %s  %s: %s (%s)", strings.ToUpper(e.Level().String()), text.Time(e.Time), text.Visible(e.Host),
			text.Clip(text.Visible(e.Summary), maxEventLine), text.Clip(text.Visible(RuleTitle(e.Rules[0])), maxEventLine))
		if e.Count > 1 {
			line += fmt.Sprintf(", %d times", e.Count)
		}
		for _, met := range Meetings(e.Correlated) {
			line += ", " + text.Clip(met, maxEventLine)
		}
		lines = append(lines, line)
	}
	return lines
}
