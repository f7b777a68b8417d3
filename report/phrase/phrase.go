// Package phrase is what several formats call what was found: servers, records
// with their marks, correlations, the reasons of a level, what tags of rules
// name. One thing has one name in all of them.
//
// It depends on no format: what it returns may hold text from a log, which the
// format makes visible and escapes.
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
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// SessionKind is what sessions are called together: nothing says yet that a web
// server's is more than that.
func SessionKind(sessions []*finding.Session) string {
	if slices.ContainsFunc(sessions, func(s *finding.Session) bool { return !s.Known && s.ServerRole != finding.ServerWeb }) {
		return "server session"
	}
	return "web server session"
}

// Worker is the file name of a finding's worker.
func Worker(f *finding.Finding) string {
	return cmp.Or(proctree.BaseName(f.WorkerImage), "(unknown)")
}

// Product is what runs in a server. It says so of one that serves no web.
func Product(product string, role finding.ServerRole) string {
	if role == finding.ServerOther && product != "" {
		return product + " (no web server)"
	}
	return product
}

// Reasons are the reasons of a level as reports have them.
func Reasons(reasons []finding.LevelReason) []string {
	list := make([]string, len(reasons))
	for i, r := range reasons {
		list[i] = r.String()
	}
	return list
}

// ReasonTexts returns reasons for a level as people read them.
func ReasonTexts(reasons []finding.LevelReason) []string {
	list := make([]string, len(reasons))
	for i, r := range reasons {
		list[i] = r.Text()
	}
	return list
}

// Meeting describes how many processes and events met a correlation rule
// together, and since when.
func Meeting(c *finding.Correlation) string {
	s := MeetingCount(c)
	if first := c.First(); first != 0 {
		s += " since " + text.Time(first)
	}
	return s
}

// MeetingCount describes how many they are.
func MeetingCount(c *finding.Correlation) string {
	processes, events := plural.Count(c.Total-c.TotalEvents, "process", "processes"), plural.Count(c.TotalEvents, "event")
	switch c.TotalEvents {
	case 0:
		return processes
	case c.Total:
		return events
	}
	return processes + " and " + events
}

// MaxMeetings is how many correlation rules a line names.
const MaxMeetings = 3

// Meetings describes the correlation rules that were met, each as a text that
// is safe to show.
func Meetings(list []*finding.Correlation) []string {
	var texts []string
	for i, c := range list {
		if i == MaxMeetings {
			return append(texts, "and "+plural.Count(len(list)-i, "more correlation"))
		}
		texts = append(texts, text.Visible(RuleTitle(c.Rule))+": "+Meeting(c))
	}
	return texts
}

// Blind returns a sentence with the number of hosts on which what ran cannot be
// seen; "" if there are none.
func Blind(s *scan.Summary) string {
	n := len(s.BlindHosts)
	if n == 0 {
		return ""
	}
	return plural.Count(n, "host has", "hosts have") + " no process creations: what ran there cannot be seen."
}

// FaultCount returns how many faults of a class a file has, or how many records
// identifiers or chunks are missing by them.
func FaultCount(d scan.FileFaults, class evtx.Class) int {
	if class == evtx.IDGap {
		return d.Missing
	}
	n := d.Counts[class]
	for _, f := range d.First {
		if f.Class == class {
			n = max(n, f.Missing())
		}
	}
	return n
}

// FirstOffset returns where in a file the first fault of a class lies, in
// bytes.
func FirstOffset(d scan.FileFaults, class evtx.Class) int64 {
	for _, f := range d.First {
		if f.Class == class {
			return f.Offset
		}
	}
	return 0
}

// The marks of a piece of evidence, spelled as JSON has them.
const (
	markRecovered   = "recovered"
	markSubstituted = "template_substituted"
	markHidden      = "hidden"
)

// Recovered is the note on a process that only stale records have.
const Recovered = "recovered from an unused part of a log"

// Marks names the marks of a record, joined by spaces; "" if it was read
// as it stands.
func Marks(e *finding.Evidence) string {
	var marks []string
	for _, m := range []struct {
		has  bool
		name string
	}{{e.Recovered, markRecovered}, {e.Substituted, markSubstituted}, {e.Hidden, markHidden}} {
		if m.has {
			marks = append(marks, m.name)
		}
	}
	return strings.Join(marks, " ")
}

// Record is where a record lies within its file, for people, with its marks.
func Record(e *finding.Evidence) string {
	return strings.TrimSuffix(fmt.Sprintf("record %d, offset %d, %s", e.RecordID, e.Offset, Marks(e)), ", ")
}

// GuessedParent is the note on a process of which IsGuessed is true.
const GuessedParent = "parent by process ID and time only"

// IsGuessed reports whether the link to a process's parent rests on process ID
// and time only.
func IsGuessed(p proctree.Process) bool {
	_, link := p.Parent()
	return link == proctree.LinkTime
}

// GravestOf describes the level of the gravest of what is left out, "" if none
// of it has a level.
func GravestOf(level rules.Level) string {
	if level == rules.LevelNone {
		return ""
	}
	return fmt.Sprintf(", the gravest of them %s", level)
}
