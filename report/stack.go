package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// stackRow is a kind of session, or something that moved between hosts.
type stackRow struct {
	what        string // session, or what moved
	kind        *finding.Kind
	value, name string
	first, last event.Time
	hosts       []string // in the order of time
}

// ofKind returns a cell that only kinds of session have.
func ofKind(cell func(k *finding.Kind) string) func(r *stackRow) string {
	return func(r *stackRow) string {
		if r.kind == nil {
			return ""
		}
		return cell(r.kind)
	}
}

// stackColumns are the columns of a stack.
var stackColumns = []csvColumn[stackRow]{
	{"type", func(r *stackRow) string { return r.what }},
	{"level", ofKind(func(k *finding.Kind) string { return k.Level.String() })},
	{"product", ofKind(func(k *finding.Kind) string { return k.Product })},
	{"server_role", ofKind(func(k *finding.Kind) string { return string(k.ServerRole) })},
	{"known", ofKind(func(k *finding.Kind) string { return strconv.FormatBool(k.Known) })},
	{"ran", ofKind(ranCell)},
	{"value", func(r *stackRow) string { return r.value }},
	{"name", func(r *stackRow) string { return r.name }},
	{"hosts", func(r *stackRow) string { return strconv.Itoa(len(r.hosts)) }},
	{"first_host", func(r *stackRow) string { return r.hosts[0] }},
	{"first", func(r *stackRow) string { return r.first.String() }},
	{"last", func(r *stackRow) string { return r.last.String() }},
	{"sessions", ofKind(func(k *finding.Kind) string { return strconv.Itoa(len(k.Sessions)) })},
	{"findings", ofKind(func(k *finding.Kind) string { return strconv.Itoa(k.Findings) })},
	{"host", hostsCell},
	{"blind", func(_ *stackRow) string { return "" }},
}

// Bounds of the cells of a stack: a spreadsheet takes 32,767 characters.
const (
	maxStackHosts    = 1000
	maxStackCommands = 100
	maxStackCell     = 30_000 // bytes
	maxStackText     = 4_000  // characters of one text
)

// ranCell lists what ran, as many commands as there is room for.
func ranCell(k *finding.Kind) string {
	commands := make([]string, 0, min(len(k.Ran), maxStackCommands))
	for _, f := range k.Ran[:min(len(k.Ran), maxStackCommands)] {
		commands = append(commands, phrase.Command(f.Image, f.CommandLine))
	}
	return boundedCell(commands, len(k.Ran))
}

// hostsCell lists the hosts, as many as there is room for.
func hostsCell(r *stackRow) string {
	return boundedCell(r.hosts[:min(len(r.hosts), maxStackHosts)], len(r.hosts))
}

// boundedCell joins the first texts of a list of so many, and adds how many it
// leaves out.
func boundedCell(list []string, total int) string {
	size := 0
	shown := make([]string, 0, len(list))
	for _, s := range list {
		s = text.Clip(s, maxStackText)
		if size += len(s) + 1; size > maxStackCell {
			break
		}
		shown = append(shown, s)
	}
	list = shown
	cell := joined(list)
	if more := total - len(list); more > 0 {
		cell += fmt.Sprintf(";... (%d more)", more)
	}
	return cell
}

// stackRows returns the rows of a stack: the kinds of session, then what moved.
func stackRows(stack *finding.Stack) []stackRow {
	rows := make([]stackRow, 0, len(stack.Kinds)+len(stack.Moved))
	for i := range stack.Kinds {
		k := &stack.Kinds[i]
		rows = append(rows, stackRow{what: "session", kind: k, first: k.First().First, last: k.Last(), hosts: k.Hosts})
	}
	for _, m := range stack.Moved {
		r := stackRow{what: string(m.Kind), value: text.Clip(m.Value, maxStackText), name: m.Name, first: m.Sightings[0].Time}
		for _, s := range m.Sightings {
			r.hosts, r.last = append(r.hosts, s.Host), max(r.last, s.Time)
		}
		rows = append(rows, r)
	}
	return rows
}

// writeStack writes the kinds of session and what moved between hosts as CSV.
func writeStack(w io.Writer, res *scan.Result, o Options) error {
	c := newCSVWriter(w, o)
	if err := writeColumns(c, stackRows(finding.NewStack(res.Sessions)), stackColumns, func(r stackRow) stackRow { return r }); err != nil {
		return err
	}
	if err := writeBlind(c, stackColumns, blindLines(res)); err != nil {
		return err
	}
	return c.interrupted(&res.Summary, len(stackColumns))
}

// Bounds of a stack in a report for people; the CSV has all.
const (
	maxKinds    = 40
	maxMoved    = 20
	maxRan      = 3 // commands of a kind
	maxMovedTo  = 3 // hosts of what moved
	hostColumn  = 16
	kindIndent  = 8
	maxRanLines = 2
)

// stack names the kinds of session, one a line with what ran below it, and what
// moved between hosts.
func (t *sessionTable) stack(stack *finding.Stack) {
	t.lines("", plural.Count(len(stack.Kinds), "kind")+" of session, the rarest of a level first", 2)
	header := fmt.Sprintf(" %-5s  %5s  %-16s  %-*s  %s", "LEVEL", "HOSTS", "FIRST", hostColumn, "ON", "SERVER, AND WHAT RAN")
	fmt.Fprintf(t.out, "\n%s\n", text.Truncate(header, t.width, "…"))
	for i := range stack.Kinds[:min(len(stack.Kinds), maxKinds)] {
		t.kind(&stack.Kinds[i])
	}
	if more := len(stack.Kinds) - maxKinds; more > 0 {
		fmt.Fprintf(t.out, " and %d more: the format stack has all\n", more)
	}
	if len(stack.Moved) == 0 {
		return
	}
	t.lines("", "\nWhat moved between hosts, in the order of time", 2)
	for i := range stack.Moved[:min(len(stack.Moved), maxMoved)] {
		t.lines("  ", text.Visible(movedLine(&stack.Moved[i])), 3)
	}
	if more := len(stack.Moved) - maxMoved; more > 0 {
		fmt.Fprintf(t.out, "  and %d more: the format stack has all\n", more)
	}
}

// kind writes one kind of session.
func (t *sessionTable) kind(k *finding.Kind) {
	first := k.First()
	level := t.style.Paint(k.Level, fmt.Sprintf("%-5s", text.ShortLevel(k.Level)))
	if k.Known {
		level = t.style.Dim("known")
	}
	host := overviewHost(first)
	line := fmt.Sprintf("%5d  %s  %s%s  %s", len(k.Hosts), first.First.Time().Format("2006-01-02 15:04"), host,
		strings.Repeat(" ", max(hostColumn-text.Width(host), 0)), text.Visible(phrase.KindServer(k)))
	fmt.Fprintf(t.out, " %s  %s\n", level, text.Truncate(line, t.width-kindIndent, "…"))
	commands, more := phrase.Ran(k, maxRan)
	ran := strings.Join(commands, "; ")
	if more > 0 {
		ran += fmt.Sprintf("; and %d more", more)
	}
	t.lines(strings.Repeat(" ", kindIndent), text.Visible(ran), maxRanLines)
}

// movedLine describes what moved, when and where it was first, and where then.
// It may hold text from a log.
func movedLine(m *finding.Movement) string {
	return text.Time(m.Sightings[0].Time) + "  " + phrase.Plain(phrase.MovedText(m)) + ": " + phrase.Plain(phrase.Way(m, maxMovedTo))
}
