package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan/event"
	"webshellscan/scan/integrity"
)

// integrity writes integrity findings.
func (p *printer) integrity(list []*integrity.Finding, width int) {
	for _, i := range list {
		p.integrityFinding(i, width)
	}
}

// integritySection ends a table: with what is graver than a notice, if anything
// is.
func integritySection(w io.Writer, list []*integrity.Finding, width int) error {
	n := 0
	for n < len(list) && list[n].Level > integrity.Notice {
		n++
	}
	if n == 0 {
		return nil
	}
	p := printer{w: w}
	p.line("\nIntegrity of the logs")
	p.integrity(list[:min(n, maxListed)], width)
	if rest := len(list) - min(n, maxListed); rest > 0 {
		p.line("  and %d more: see webshellscan verify", rest)
	}
	return p.err
}

func (p *printer) integrityFinding(i *integrity.Finding, width int) {
	var about []string
	if i.Host != "" {
		about = append(about, i.Host)
	}
	if i.First != 0 {
		about = append(about, spanOf(i.First, i.Last))
	}
	head := fmt.Sprintf("  %-8s", strings.ToUpper(i.Level.String()))
	s := i.Text
	if i.Times > 1 {
		s += fmt.Sprintf(" (%d times)", i.Times)
	}
	if len(about) > 0 {
		s = strings.Join(about, ", ") + ": " + s
	}
	p.wrapped(width, head, s)
	p.wrapped(width, "          ", i.Meaning)
	switch {
	case len(i.Evidence) > 0:
		e := &i.Evidence[0]
		s := fmt.Sprintf("event %d, record %d at offset %d of %s", e.EventID, e.RecordID, e.Offset, e.File)
		if marks := phrase.Marks(e); marks != "" {
			s += " (" + marks + ")"
		}
		p.wrapped(width, "          ", s)
	case i.File != "":
		p.wrapped(width, "          ", "in "+i.File)
	}
}

// spanOf writes a time, or two, the earlier first: where a clock was set back
// the record that comes first is the later one.
func spanOf(first, last event.Time) string { return text.JoinTimes(first, last, " to ") }

// coverage writes what the logs of each host could have shown.
func (p *printer) coverage(list []integrity.HostCoverage, width int) {
	for i := range list {
		c := &list[i]
		p.line("  %s", text.Visible(c.Host))
		p.wrapped(width, "    ", processCoverage(c))
		for _, g := range c.Silences {
			p.wrapped(width, "    ", "no process creation from "+spanOf(g.From, g.To))
		}
		for j := range c.Channels {
			p.channel(&c.Channels[j], width)
		}
	}
}

// processCoverage describes which process creations a host's logs have.
func processCoverage(c *integrity.HostCoverage) string {
	if c.Blind != "" {
		return c.Blind + ": what ran here cannot be seen"
	}
	var parts []string
	if c.Sysmon1 > 0 {
		parts = append(parts, fmt.Sprintf("%d Sysmon 1 (%d fields)", c.Sysmon1, c.SysmonFields))
	}
	if n := c.Security4688; n > 0 {
		parts = append(parts, fmt.Sprintf("%d Security 4688, %s with command lines, %s with the parent's image",
			n, text.Percent(float64(c.CommandLines)/float64(n)), text.Percent(float64(c.ParentNames)/float64(n))))
	}
	if c.Unusable > 0 {
		parts = append(parts, fmt.Sprintf("%d unusable", c.Unusable))
	}
	if c.Dropped > 0 {
		parts = append(parts, fmt.Sprintf("%d dropped by Sysmon", c.Dropped))
	}
	line := fmt.Sprintf("%s; %s, %s of %s", strings.Join(parts, "; "), spanOf(c.First, c.Last), text.Percent(c.Covered), spanOf(c.From, c.Until))
	strays := 0
	for _, s := range c.Strays {
		strays += s.Records
	}
	if strays > 0 {
		line += ", without " + plural.Count(strays, "record") + " of times far from all others"
	}
	return line
}

func (p *printer) channel(c *integrity.ChannelCoverage, width int) {
	p.wrapped(width, "    ", fmt.Sprintf("%s: %s in %s, %s", c.Channel, plural.Count(c.Records, "record"), plural.Count(c.Files, "file"), spanOf(c.First, c.Last)))
	for _, g := range c.Gaps {
		p.wrapped(width, "      ", "missing: "+recordIDs(g.FirstID, g.LastID)+", "+text.Between(g.From, g.To))
	}
	if c.GapsLeft > 0 {
		p.line("      and %s", plural.Count(c.GapsLeft, "more gap"))
	}
}

// recordIDs names the identifiers of records.
func recordIDs(first, last uint64) string {
	if first == last {
		return fmt.Sprintf("record ID %d", first)
	}
	return fmt.Sprintf("record IDs %d to %d", first, last)
}

// Integrity writes, for the end of a scan, the alarms among the integrity
// findings, and how many others there are.
func Integrity(w io.Writer, list []*integrity.Finding) error {
	p := printer{w: w}
	var counts [integrity.Alarm + 1]int
	for _, i := range list {
		if counts[i.Level]++; i.Level != integrity.Alarm || counts[i.Level] > maxListed {
			continue
		}
		where := cmp.Or(i.Host, i.File)
		if i.First != 0 {
			where += ", " + spanOf(i.First, i.Last)
		}
		p.line("ALARM: %s: %s", text.Visible(where), text.Visible(i.Text))
	}
	if len(list) > 0 {
		p.line("Integrity of the logs: %s, %s, %s (webshellscan verify explains)",
			plural.Count(counts[integrity.Alarm], "alarm"), plural.Count(counts[integrity.Warning], "warning"), plural.Count(counts[integrity.Notice], "notice"))
	}
	return p.err
}
