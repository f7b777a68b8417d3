package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// table writes findings for a terminal: a table for each worker, with what is
// the same for all its findings above it, and a list of the rules at the end.
type table struct {
	out    io.Writer
	width  int
	style  text.Style
	groups map[string]*workerGroup
	order  []*workerGroup
	rules  ruleNumbers
	// nothing is what is said if there are no findings.
	nothing string
}

// workerGroup is the findings below one worker, or of one host below none.
type workerGroup struct {
	first    *scan.Finding
	findings []*scan.Finding
}

// writeFlat writes the table of findings.
func writeFlat(w io.Writer, res *scan.Result, o Options) error {
	t := &table{out: w, width: tableWidth(o), style: text.Style{Color: o.Color}, groups: make(map[string]*workerGroup), rules: numberRules(res.Findings), nothing: phrase.Nothing(res)}
	for _, f := range res.Findings {
		t.add(f)
	}
	return t.write()
}

// tableWidth returns how many columns a table takes.
func tableWidth(o Options) int { return max(cmp.Or(max(o.Width, 0), 80), minTableWidth) }

const (
	minTableWidth   = 60
	maxProcessLines = 4 // of a command line in a table
)

// add puts a finding into its group.
func (t *table) add(f *scan.Finding) {
	key := f.Session
	if key == "" {
		key = f.Host + "/"
	}
	g := t.groups[key]
	if g == nil {
		g = &workerGroup{first: f}
		t.groups[key] = g
		t.order = append(t.order, g)
	}
	g.findings = append(g.findings, f)
}

func (t *table) write() error {
	if len(t.order) == 0 {
		_, err := fmt.Fprintln(t.out, t.nothing)
		return err
	}
	for _, g := range t.order {
		if err := t.writeGroup(g); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	t.rules.write(&b)
	_, err := t.out.Write(b.Bytes())
	return err
}

// writeGroup writes one worker's heading and table.
func (t *table) writeGroup(g *workerGroup) error {
	var b bytes.Buffer
	for _, line := range t.heading(g) {
		b.WriteString(line + "\n")
	}
	rows, columns := t.rows(g)
	if err := text.Table(&b, rows, columns); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := t.out.Write(b.Bytes())
	return err
}

// heading says which worker the findings of a group hang from.
func (t *table) heading(g *workerGroup) []string {
	f, host := g.first, text.Visible(g.first.Host)
	head := host + ": below no server"
	command := ""
	if f.Session != "" {
		head = fmt.Sprintf("%s: %s (PID %d)", host, text.Visible(phrase.Worker(f)), f.WorkerProcessID)
		if product := phrase.Product(f.Product, f.ServerRole); product != "" {
			head += ", " + text.Visible(product)
		}
		if f.WorkerStart != 0 {
			head += ", started " + text.Time(f.WorkerStart)
		} else {
			head += ", started before these logs"
		}
		command = cmp.Or(f.WorkerCommandLine, f.WorkerImage)
	}
	lines := text.Wrap(head, t.width, 3)
	if rest, ok := strings.CutPrefix(lines[0], host); ok {
		lines[0] = t.style.Bold(host) + rest
	}
	const indent = "  "
	for _, s := range []string{text.Visible(command), g.about()} {
		if s == "" {
			continue
		}
		for _, line := range text.Wrap(s, t.width-len(indent), 3) {
			lines = append(lines, indent+line)
		}
	}
	return lines
}

// about says what is the same for all findings of a group.
func (g *workerGroup) about() string {
	from, to := g.span()
	about := fmt.Sprintf("%s, %s", text.Count(len(g.findings), "finding"), text.Time(from))
	if to != from {
		about += " to " + text.Time(to)
	}
	about += " UTC"
	if user := g.first.User; user != "" {
		about += ", as " + text.Visible(user)
	}
	if g.allByTime() {
		about += "; parents by process ID and time only, since these logs do not name them"
	}
	return about
}

// allByTime reports whether every finding hangs on the weakest kind of link.
func (g *workerGroup) allByTime() bool {
	return !slices.ContainsFunc(g.findings, func(f *scan.Finding) bool { return f.Link != proctree.LinkTime })
}

// span returns the times of the group's first and last finding.
func (g *workerGroup) span() (from, to event.Time) {
	from, to = g.first.Time, g.first.Time
	for _, f := range g.findings {
		from, to = min(from, f.Time), max(to, f.Time)
	}
	return from, to
}

// rows returns the group's rows and columns, which fit the width.
func (t *table) rows(g *workerGroup) ([][]string, []text.Column) {
	from, to := g.span()
	format := text.TimeLayout(from, to, "15:04:05.000")
	columns := []text.Column{{Name: "time", Width: len(format)}, {Name: "level", Width: 5}, {Name: "pid", Width: 3}, {Name: "process"}, {Name: "rules", Width: 5}}
	rows := make([][]string, len(g.findings))
	for i, f := range g.findings {
		rows[i] = []string{f.Time.Time().Format(format), text.ShortLevel(f.Level), fmt.Sprint(f.ProcessID), "", t.rules.of(f)}
		for c := range columns {
			columns[c].Width = max(columns[c].Width, len(rows[i][c]))
		}
	}
	const padding = 2
	process := t.width
	for _, c := range columns {
		process -= c.Width + padding
	}
	columns[3].Width = process + columns[3].Width
	for i, f := range g.findings {
		rows[i][3] = strings.Join(t.process(f, g, columns[3].Width), "\n")
		rows[i][1] = t.style.Paint(f.Level, rows[i][1])
	}
	return rows, columns
}

// process describes a finding's process: how deep it lies, its command line,
// and what is out of the ordinary.
func (t *table) process(f *scan.Finding, g *workerGroup, width int) []string {
	indent := strings.Repeat("> ", min(max(f.Depth-1, 0), 6))
	command := f.CommandLine
	if command == "" {
		command = f.Image
	}
	base := proctree.BaseName(f.Image)
	if base != "" && !strings.Contains(strings.ToLower(command), strings.TrimSuffix(base, ".exe")) {
		command = "[" + base + "] " + command
	}
	lines := text.Wrap(text.Visible(indent+command), width, maxProcessLines)
	if f.User != g.first.User && f.User != "" {
		lines = append(lines, text.Wrap("as "+text.Visible(f.User), width, 1)...)
	}
	if f.Link == proctree.LinkTime && !g.allByTime() {
		lines = append(lines, text.Wrap(phrase.GuessedParent, width, 1)...)
	}
	for _, note := range correlationNotes(f) {
		lines = append(lines, text.Wrap(note, width, 1)...)
	}
	if f.Recovered {
		lines = append(lines, text.Wrap(phrase.Recovered, width, 1)...)
	}
	if f.Crosscheck.State == crosscheck.Differs {
		lines = append(lines, text.Wrap("second decoder differs: "+text.Visible(f.Crosscheck.Reason), width, 2)...)
	}
	return lines
}

// correlationNotes says of each correlation rule that a finding completed how
// many processes met it together.
func correlationNotes(f *scan.Finding) []string {
	var notes []string
	for _, c := range f.Correlated {
		notes = append(notes, text.Visible(c.Rule.Label())+": "+phrase.Meeting(c))
	}
	return notes
}
