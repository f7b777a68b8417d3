package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// table writes findings for a terminal as one table, with a list of the rules
// at its end.
type table struct {
	width    int
	style    text.Style
	findings []*finding.Finding
	rules    ruleNumbers
}

// writeFlat writes the table of findings.
func writeFlat(w io.Writer, res *scan.Result, o Options) error {
	t := &table{tableWidth(o), text.Style{Color: o.Color}, findingsInOrder(res, o), numberRules(res.Findings)}
	if len(t.findings) == 0 {
		_, err := fmt.Fprintln(w, phrase.Nothing(res))
		return err
	}
	var b bytes.Buffer
	rows, columns := t.rows()
	if err := text.Table(&b, rows, columns); err != nil {
		return err
	}
	b.WriteByte('\n')
	t.rules.write(&b, t.width)
	_, err := w.Write(b.Bytes())
	return err
}

// tableWidth returns how many columns a table takes.
func tableWidth(o Options) int {
	return min(max(cmp.Or(max(o.Width, 0), 80), MinWidth), MaxWidth)
}

// A table takes at least MinWidth and at most MaxWidth columns.
const (
	MinWidth = 40
	MaxWidth = 250
)

const maxProcessLines = 4 // of a command line in a table

// flatColumn is a column of the table of findings, with what it has of one.
// That of the process has none: it takes the room that the others leave.
type flatColumn struct {
	name string
	cell func(*finding.Finding) string
}

const columnProcess = "process"

// minServerWidth is from how many columns on the table has one for the server,
// and parts of seconds.
const minServerWidth = 110

// columns returns what the table has of findings in its width. The narrowest
// has level and host before the process.
func (t *table) columns() []flatColumn {
	from, to := span(t.findings)
	format := "15:04:05"
	if t.width >= minServerWidth {
		format += ".000"
	}
	format = text.TimeLayout(from, to, format)
	time := flatColumn{"time", func(f *finding.Finding) string { return f.Time.Time().Format(format) }}
	process := flatColumn{name: columnProcess}
	if t.width < narrow {
		return []flatColumn{time, process}
	}
	list := []flatColumn{
		{"host", t.hostName},
		time,
		{"level", func(f *finding.Finding) string { return text.ShortLevel(f.Level) }},
		{"pid", func(f *finding.Finding) string { return fmt.Sprint(f.ProcessID) }},
	}
	if t.width >= minServerWidth {
		list = append(list, flatColumn{"server", serverName})
	}
	return append(list, process, flatColumn{"rules", t.rules.of})
}

// rows returns the rows and columns of the table, which fit the width.
func (t *table) rows() ([][]string, []text.Column) {
	const padding = 2
	list := t.columns()
	columns := make([]text.Column, len(list))
	rows := make([][]string, len(t.findings))
	for i := range rows {
		rows[i] = make([]string, len(list))
	}
	process, room := 0, t.width-padding
	for c, column := range list {
		columns[c] = text.Column{Name: column.name, Width: len(column.name)}
		if column.cell == nil {
			process = c
			continue
		}
		for i, f := range t.findings {
			rows[i][c] = column.cell(f)
			columns[c].Width = max(columns[c].Width, text.Width(rows[i][c]))
			if column.name == "level" {
				rows[i][c] = t.style.Paint(f.Level, rows[i][c])
			}
		}
		room -= columns[c].Width + padding
	}
	columns[process].Width = max(room, columns[process].Width)
	user := ""
	for i, f := range t.findings {
		rows[i][process] = strings.Join(t.process(f, user, columns[process].Width), "\n")
		user = f.User
	}
	return rows, columns
}

// maxShortName is how many columns the name of a host or server takes at most.
const maxShortName = 24

// shortName returns a name that is not trusted for a column.
func shortName(name string, width int) string { return text.Truncate(text.Visible(name), width, "…") }

// hostName returns the short name of a finding's host.
func (t *table) hostName(f *finding.Finding) string {
	host, _, _ := strings.Cut(f.Host, ".")
	return shortName(host, min(t.width/7, maxShortName))
}

// serverName names the server above a finding, "" if there is none.
func serverName(f *finding.Finding) string {
	if f.Session == "" {
		return ""
	}
	return shortName(fmt.Sprintf("%s %d", phrase.Worker(f), f.WorkerProcessID), maxShortName)
}

// span returns the times of the first and last of some findings.
func span(findings []*finding.Finding) (from, to event.Time) {
	from, to = findings[0].Time, findings[0].Time
	for _, f := range findings {
		from, to = min(from, f.Time), max(to, f.Time)
	}
	return from, to
}

// process describes a finding's process: how deep it lies, its command line, as
// whom it ran if that is another than before, and what is out of the ordinary.
func (t *table) process(f *finding.Finding, before string, width int) []string {
	indent := strings.Repeat("> ", min(max(f.Depth-1, 0), 6))
	command := f.CommandLine
	if command == "" {
		command = f.Image
	}
	base := proctree.BaseName(f.Image)
	if base != "" && !strings.Contains(strings.ToLower(command), strings.TrimSuffix(base, ".exe")) {
		command = "[" + base + "] " + command
	}
	if t.width < narrow {
		indent = text.ShortLevel(f.Level) + " " + t.hostName(f) + " " + indent
	}
	lines := text.Wrap(text.Visible(indent+command), width, maxProcessLines)
	var notes []string
	if f.User != before && f.User != "" {
		notes = append(notes, "as "+text.Visible(f.User))
	}
	if f.Link == proctree.LinkTime {
		notes = append(notes, phrase.GuessedParent)
	}
	for _, note := range append(notes, findingNotes(f)...) {
		lines = append(lines, text.Wrap(note, width, 2)...)
	}
	return lines
}

// findingNotes returns what a reader must know of a finding beside its rules.
func findingNotes(f *finding.Finding) []string {
	notes := correlationNotes(f)
	if f.Recovered {
		notes = append(notes, phrase.Recovered)
	}
	if differs := phrase.SecondDecoderDiffers(f); differs != "" {
		notes = append(notes, text.Visible(differs))
	}
	return notes
}

// correlationNotes returns how many processes met each correlation rule that a
// finding completed.
func correlationNotes(f *finding.Finding) []string {
	return phrase.Meetings(f.Correlated)
}
