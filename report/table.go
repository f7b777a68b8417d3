package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"webshellscan/rules"
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
	style  style
	groups map[string]*workerGroup
	order  []*workerGroup
	rules  ruleNumbers
}

// workerGroup is the findings below one worker, or of one host below none.
type workerGroup struct {
	first    *scan.Finding
	findings []*scan.Finding
}

// writeFlat writes the table of findings.
func writeFlat(w io.Writer, res *scan.Result, o Options) error {
	t := &table{out: w, width: tableWidth(o), style: style{o.Color}, groups: make(map[string]*workerGroup), rules: numberRules(res.Findings)}
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
		_, err := fmt.Fprintln(t.out, "No findings.")
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
	if err := renderTrimmed(&b, rows, columns); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := t.out.Write(b.Bytes())
	return err
}

// heading says which worker the findings of a group hang from.
func (t *table) heading(g *workerGroup) []string {
	f, host := g.first, Visible(g.first.Host)
	head := host + ": below no server"
	command := ""
	if f.Session != "" {
		head = fmt.Sprintf("%s: %s (PID %d)", host, Visible(workerName(f)), f.WorkerProcessID)
		if product := productName(f.Product, f.ServerRole); product != "" {
			head += ", " + Visible(product)
		}
		if f.WorkerStart != 0 {
			head += ", started " + shortTime(f.WorkerStart)
		} else {
			head += ", started before these logs"
		}
		command = cmp.Or(f.WorkerCommandLine, f.WorkerImage)
	}
	lines := wrap(head, t.width, 3)
	if rest, ok := strings.CutPrefix(lines[0], host); ok {
		lines[0] = t.style.bold(host) + rest
	}
	const indent = "  "
	for _, s := range []string{Visible(command), g.about()} {
		if s == "" {
			continue
		}
		for _, line := range wrap(s, t.width-len(indent), 3) {
			lines = append(lines, indent+line)
		}
	}
	return lines
}

// about says what is the same for all findings of a group.
func (g *workerGroup) about() string {
	from, to := g.span()
	about := fmt.Sprintf("%s, %s", count(len(g.findings), "finding"), shortTime(from))
	if to != from {
		about += " to " + shortTime(to)
	}
	about += " UTC"
	if user := g.first.User; user != "" {
		about += ", as " + Visible(user)
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

// timeFormat returns how a table shows times from one to another: with the date
// unless they are of one day, for which the format is given, and with the year
// unless they are of one year.
func timeFormat(from, to event.Time, ofDay string) string {
	switch a, b := from.Time(), to.Time(); {
	case a.Year() != b.Year():
		return "2006-01-02 15:04:05"
	case a.YearDay() != b.YearDay():
		return "01-02 15:04:05"
	}
	return ofDay
}

func shortTime(t event.Time) string { return t.Time().Format("2006-01-02 15:04:05") }

// count writes a number of things; their plural is given unless it takes an s.
func count(n int, what string, plural ...string) string {
	switch {
	case n == 1:
		return "1 " + what
	case len(plural) > 0:
		return fmt.Sprintf("%d %s", n, plural[0])
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// column is one column of a table: its heading and how wide its content may be.
type column struct {
	name  string
	width int
}

// rows returns the group's rows and columns, which fit the width.
func (t *table) rows(g *workerGroup) ([][]string, []column) {
	from, to := g.span()
	format := timeFormat(from, to, "15:04:05.000")
	columns := []column{{"time", len(format)}, {"level", 5}, {"pid", 3}, {"process", 0}, {"rules", 5}}
	rows := make([][]string, len(g.findings))
	for i, f := range g.findings {
		rows[i] = []string{f.Time.Time().Format(format), shortLevel(f.Level), fmt.Sprint(f.ProcessID), "", t.rules.of(f)}
		for c := range columns {
			columns[c].width = max(columns[c].width, len(rows[i][c]))
		}
	}
	const padding = 2
	process := t.width
	for _, c := range columns {
		process -= c.width + padding
	}
	columns[3].width = process + columns[3].width
	for i, f := range g.findings {
		rows[i][3] = strings.Join(t.process(f, g, columns[3].width), "\n")
		rows[i][1] = t.style.paint(f.Level, rows[i][1])
	}
	return rows, columns
}

// process describes a finding's process: how deep it lies, its command line, and
// what is out of the ordinary.
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
	lines := wrap(Visible(indent+command), width, maxProcessLines)
	if f.User != g.first.User && f.User != "" {
		lines = append(lines, wrap("as "+Visible(f.User), width, 1)...)
	}
	if f.Link == proctree.LinkTime && !g.allByTime() {
		lines = append(lines, wrap("parent by process ID and time only", width, 1)...)
	}
	for _, note := range correlationNotes(f) {
		lines = append(lines, wrap(note, width, 1)...)
	}
	if f.Recovered {
		lines = append(lines, wrap(recoveredNote, width, 1)...)
	}
	if f.Crosscheck.State == crosscheck.Differs {
		lines = append(lines, wrap("second decoder differs: "+Visible(f.Crosscheck.Reason), width, 2)...)
	}
	return lines
}

// correlationNotes says of each correlation rule that a finding completed how many
// processes met it together.
func correlationNotes(f *scan.Finding) []string {
	var notes []string
	for _, c := range f.Correlated {
		notes = append(notes, Visible(c.Rule.Label())+": "+meetingText(c))
	}
	return notes
}

// meetingText says how many processes met a correlation rule together, and since
// when.
func meetingText(c *scan.Correlation) string {
	s := count(c.Total, "process", "processes")
	if start := meetingStart(c); start != 0 {
		s += " since " + shortTime(start)
	}
	return s
}

// meetingStart returns when the first of those processes started, 0 if that is not
// known.
func meetingStart(c *scan.Correlation) event.Time {
	if len(c.Processes) == 0 {
		return 0
	}
	return c.Processes[0].Time
}

// wrap breaks a text into lines of a width, at spaces where there are some near
// the end, and cuts it visibly after so many lines.
func wrap(s string, width, lines int) []string {
	var list []string
	for widths.StringWidth(s) > width {
		if len(list) == lines-1 {
			rest := fmt.Sprintf("… (+%d)", len([]rune(s))-width+8)
			return append(list, widths.Truncate(s, max(width-widths.StringWidth(rest), 0), "")+rest)
		}
		line := widths.Truncate(s, width, "")
		if line == "" {
			break // one character is wider than the column
		}
		if i := strings.LastIndexByte(line, ' '); i > len(line)*2/3 {
			line = line[:i+1]
		}
		s = s[len(line):]
		list = append(list, strings.TrimRight(line, " "))
	}
	return append(list, s)
}

// renderTrimmed draws a table without blanks at the ends of lines.
func renderTrimmed(w io.Writer, rows [][]string, columns []column) error {
	var drawn, b bytes.Buffer
	if err := render(&drawn, rows, columns); err != nil {
		return err
	}
	for line := range bytes.Lines(drawn.Bytes()) {
		b.Write(bytes.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// render draws a table without lines between the columns.
func render(w io.Writer, rows [][]string, columns []column) error {
	fixTableWidths()
	widths := tw.NewMapper[int, int]()
	header := make([]string, len(columns))
	for i, c := range columns {
		widths.Set(i, c.width+2)
		header[i] = strings.ToUpper(c.name)
	}
	plain := tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off}
	left := tw.CellAlignment{Global: tw.AlignLeft}
	out := tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleASCII),
			Settings: tw.Settings{
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off, ShowHeader: tw.On},
				Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowTop: tw.Off, ShowBottom: tw.Off},
			},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header:   tw.CellConfig{Formatting: plain, Alignment: left},
			Row:      tw.CellConfig{Formatting: plain, Alignment: left},
			Widths:   tw.CellWidth{PerColumn: widths},
			Behavior: tw.Behavior{TrimSpace: tw.Off},
		}),
	)
	out.Header(header)
	for _, row := range rows {
		if err := out.Append(row); err != nil {
			return err
		}
	}
	return out.Render()
}

func shortLevel(l rules.Level) string {
	switch l {
	case rules.LevelCritical:
		return "crit"
	case rules.LevelMedium:
		return "med"
	case rules.LevelInformational:
		return "info"
	}
	return l.String()
}
