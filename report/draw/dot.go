package draw

import (
	"bufio"
	"fmt"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
)

// dotPen writes trees in the DOT language, for Graphviz: a cluster for each
// tree, a box for each process.
type dotPen struct {
	out     *bufio.Writer
	options *Options
	trees   int
	boxes   int
}

func newDOTPen(out *bufio.Writer, o *Options) pen { return &dotPen{out: out, options: o} }

// line writes a line; errors are kept by the bufio.Writer.
func (d *dotPen) line(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

func (d *dotPen) begin() {
	if d.options.Interrupted {
		d.line("// %s", text.Interrupted)
	}
	for _, b := range d.options.Blind {
		d.line("// %s", text.Visible(b))
	}
	d.line("digraph webshellscan {")
	d.line("  graph [rankdir=LR, charset=\"UTF-8\", fontname=\"Helvetica\"];")
	d.line("  node [shape=box, fontname=\"Helvetica\", fontsize=10];")
}

func (d *dotPen) end() { d.line("}") }

// draw draws one tree. Processes that matched rules have a thick red border;
// what was left out stands in a box of its own.
func (d *dotPen) draw(t *drawing) {
	d.trees++
	d.line("  subgraph cluster_%d {", d.trees)
	d.line("    label=%s;", dotText(text.Visible(t.host.Name)))
	first := d.boxes + 1
	for i, it := range t.items {
		b := newBox(it.process, t.repeated[i], d.options)
		style := ""
		if b.rules != "" {
			style = `, color="#c00000", penwidth=2`
		}
		d.line("    n%d [label=%s%s];", first+i, dotText(d.lines(b)...), style)
		if it.parent >= 0 {
			d.line("    n%d -> n%d%s;", first+int(it.parent), first+i, dashed(phrase.IsGuessed(it.process)))
		}
		if left, ok := t.left[i]; ok {
			d.line("    n%dx [label=%s, style=dashed];", first+i, dotText(left.text()))
			d.line("    n%d -> n%dx%s;", first+i, first+i, dashed(true))
		}
	}
	if left, ok := t.left[-1]; ok {
		d.line("    t%dx [label=%s, style=dashed];", d.trees, dotText(left.text()))
	}
	d.line("  }")
	d.boxes += len(t.items)
}

// lines returns the lines of a box.
func (d *dotPen) lines(b box) []string {
	const width, height = 70, 4
	lines := []string{b.head}
	if b.about != "" {
		lines = append(lines, b.about)
	}
	if b.again != "" {
		lines = append(lines, b.again)
	}
	if b.command != "" {
		lines = append(lines, text.Wrap(b.command, width, height)...)
	}
	if b.rules != "" {
		lines = append(lines, text.Wrap("<== "+b.rules, width, height)...)
	}
	return lines
}

func dashed(yes bool) string {
	if yes {
		return " [style=dashed]"
	}
	return ""
}

// dotEscapes make a text mean itself in a label: a quoted string, in which a
// backslash begins an escape (https://graphviz.org/docs/attr-types/escString/),
// and "&" a character of HTML (https://graphviz.org/doc/char.html).
var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;")

// dotText returns lines of text without control characters as a label, lines to
// the left.
func dotText(lines ...string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, line := range lines {
		b.WriteString(dotEscapes.Replace(line))
		if len(lines) > 1 {
			b.WriteString(`\l`)
		}
	}
	b.WriteByte('"')
	return b.String()
}
