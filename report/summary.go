package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan"
)

// maxListed is how many entries of a list a summary names; the others are only
// counted.
const maxListed = 10

// maxUnread is how many inputs that were not read are named.
const maxUnread = 100

// Summary writes what a scan read, what it could not read, and what the logs
// could not have shown, for people.
func Summary(w io.Writer, s *scan.Summary) error {
	p := printer{w: w}
	p.line("Read %s, %s, %s in %s",
		plural.Count(s.Files, "EVTX file"), text.Bytes(s.Bytes), plural.Count(s.Records, "record"), plural.Count(s.Chunks, "chunk"))
	if s.First != 0 {
		p.line("  from %s to %s UTC, %s", text.Time(s.First), text.Time(s.Last), plural.Count(len(s.Hosts), "host"))
	}
	e := s.Events
	p.line("Process events: %d Sysmon 1, %d Sysmon 5, %d Security 4688, %d Security 4689; %s",
		e.SysmonCreate, e.SysmonEnd, e.SecurityCreate, e.SecurityEnd, copiesText(s.Copies))
	if s.Recovered > 0 {
		p.line("Recovered: %s, no longer live; of process creations in no live record: %d",
			plural.Count(s.Recovered, "stale record"), s.Events.Recovered)
	}
	p.webLogs(&s.WebLogs)
	if s.OtherFiles > 0 {
		p.line("Left out: %s of other kinds than EVTX", plural.Count(s.OtherFiles, "file"))
	}
	p.list("Left out", s.Skipped, maxListed)
	p.rules(&s.Rules)
	if s.EventsLost > 0 {
		p.line("Note: %s that matched rules or may belong to sessions were not kept: there were too many", plural.Count(s.EventsLost, "event"))
	}
	if len(s.Only) > 0 {
		p.line("Only: %s", text.Visible(strings.Join(s.Only, ", ")))
	}
	p.damage(s)
	p.problems(s)
	for i, b := range s.Blind {
		if i == maxListed {
			p.line("Blind: and %d more", len(s.Blind)-maxListed)
			break
		}
		where := ""
		if b.Host != "" {
			where = text.Visible(b.Host) + ": "
		}
		p.line("Blind: %s%s", where, text.Visible(b.Text))
	}
	return p.err
}

// webLogs prints what was read of the logs of web servers, and what is odd
// about them.
func (p *printer) webLogs(s *scan.WebLogSummary) {
	if s.Found == 0 {
		return
	}
	line := fmt.Sprintf("Read %s, %s", plural.Count(s.Read, "web log"), plural.Count(s.Lines, "line"))
	if left := s.Found - s.Read; left > 0 {
		line += fmt.Sprintf("; not read: %d from hosts without web server sessions or from unknown hosts", left)
	}
	p.line("%s", line)
	p.list("Note", s.Notes, maxListed)
}

// writeScope writes why a report is partial: inputs that were not read, a
// filter, or an interruption.
func writeScope(w io.Writer, s *scan.Summary, width int) error {
	p := printer{w: w}
	if s.Interrupted != nil {
		p.wrapped(width, "", text.Interrupted+".")
	}
	for i, e := range s.Unreadable {
		if i == maxUnread {
			p.line("NOT READ: and %d more", len(s.Unreadable)-maxUnread)
			break
		}
		p.wrapped(width, "NOT READ: ", e.Path+": "+e.Reason())
	}
	if len(s.Only) > 0 {
		p.wrapped(width, "Only: ", strings.Join(s.Only, ", "))
	}
	return p.err
}

// Problems writes only what makes a scan incomplete.
func Problems(w io.Writer, s *scan.Summary) error {
	p := printer{w: w}
	p.problems(s)
	if s.Records == 0 {
		p.line("NOT READ: no event log record in all inputs")
	}
	if s.NoRules() {
		p.failedRules(&s.Rules)
	}
	return p.err
}

// BlindScan writes why nothing could be found on any host.
func BlindScan(w io.Writer, s *scan.Summary) error {
	p := printer{w: w}
	for _, reason := range s.BlindScan() {
		p.line("Blind: %s", text.Visible(reason))
	}
	return p.err
}

// BlindHosts writes the hosts for which the logs cannot show what ran.
func BlindHosts(w io.Writer, s *scan.Summary) error {
	p := printer{w: w}
	for i, b := range s.BlindHosts {
		if i == maxListed {
			p.line("Blind: and %s", plural.Count(len(s.BlindHosts)-maxListed, "more host"))
			break
		}
		p.line("Blind: %s: %s", text.Visible(b.Host), b.Text)
	}
	return p.err
}

func (p *printer) problems(s *scan.Summary) {
	p.list("NOT READ", s.Unreadable, maxUnread)
	p.list("INTERNAL ERROR (please report)", s.Crashes, maxListed)
}

// RuleSummary writes which rules a scan would apply, for people.
func RuleSummary(w io.Writer, sets *scan.RuleSets) error {
	p := printer{w: w}
	s := sets.Summary()
	p.rules(&s)
	return p.err
}

// rules prints how many rules were applied, and names those that failed.
func (p *printer) rules(r *scan.RuleSummary) {
	line := fmt.Sprintf("Rules: %d applied, %s", r.Applied, plural.Count(r.Servers, "identifies servers", "identify servers"))
	for _, part := range []struct {
		n         int
		one, more string
	}{
		{r.Levels, "rates findings", "rate findings"},
		{r.Events, "for other events", "for other events"},
		{r.Correlated, "only feeds correlation rules", "only feed correlation rules"},
		{r.Filters, "filters others", "filter others"},
		{r.NotApplicable, "about other logs", "about other logs"},
		{r.NotSelected, "not selected", "not selected"},
		{r.Failed, "FAILED", "FAILED"},
	} {
		if part.n > 0 {
			line += ", " + plural.Count(part.n, part.one, part.more)
		}
	}
	p.line("%s", line)
	p.failedRules(r)
	for i, ref := range r.Unmatched {
		if i == maxListed {
			break
		}
		p.line("Note: no rule to exclude is called %s", text.Visible(ref))
	}
	if r.Forgotten > 0 {
		p.line("Note: correlation rules had to forget %s before their timespan was over", plural.Count(r.Forgotten, "match", "matches"))
	}
}

func (p *printer) failedRules(r *scan.RuleSummary) {
	for i, err := range r.Errors {
		if i == maxListed {
			p.line("RULE FAILED: and %s (`webshellscan rules check` names all)", plural.Count(len(r.Errors)-maxListed, "more error"))
			break
		}
		p.line("RULE FAILED: %s", text.Visible(err.Error()))
	}
}

func (p *printer) list(title string, errs []scan.FileError, most int) {
	for i, e := range errs {
		if i == most {
			p.line("%s: and %d more", title, len(errs)-most)
			return
		}
		p.line("%s: %s: %s", title, text.Visible(e.Path), text.Visible(e.Reason()))
	}
}

// damage writes the faults of each file: those that may have cost something
// as damage, of the others, around sound content, as notes.
func (p *printer) damage(s *scan.Summary) {
	for _, loss := range []bool{true, false} {
		title, listed, more := "Damaged", 0, 0
		if !loss {
			title = "Note"
		}
		for _, d := range s.Damage {
			var parts []string
			for _, c := range slices.Sorted(maps.Keys(d.Counts)) {
				if c.Loss() == loss {
					parts = append(parts, fmt.Sprintf("%d %s (first at offset %d)", phrase.FaultCount(d, c), c, phrase.FirstOffset(d, c)))
				}
			}
			switch {
			case len(parts) == 0:
			case listed == maxListed:
				more++
			default:
				listed++
				p.line("%s: %s: %s", title, text.Visible(d.Path), strings.Join(parts, ", "))
			}
		}
		if more > 0 {
			p.line("%s: and %s", title, plural.Count(more, "more file"))
		}
	}
	if s.Lost > 0 {
		p.line("Damaged: at least %s lost", plural.Count(s.Lost, "record"))
	}
}

func copiesText(n int) string {
	if n == 0 {
		return "no copies"
	}
	return plural.Count(n, "creation is a copy of another", "creations are copies of others")
}
