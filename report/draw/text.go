package draw

import (
	"bufio"
	"cmp"
	"fmt"
	"math"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Branches are the strings that draw a tree as text, all of one width: before a
// child, before the last one, and before the lines of what is below either.
type Branches struct{ Child, Last, Through, Blank string }

// BoxBranches are of box-drawing characters, ASCIIBranches of ASCII.
var (
	BoxBranches   = Branches{"├─ ", "└─ ", "│  ", "   "}
	ASCIIBranches = Branches{"|- ", "`- ", "|  ", "   "}

	narrowBox   = Branches{"├", "└", "│", " "}
	narrowASCII = Branches{"|", "`", "|", " "}
)

// narrow is the width in columns below which branches take one column each.
const narrow = 60

// textPen draws trees for reading. Errors are kept by the bufio.Writer.
type textPen struct {
	out     *bufio.Writer
	options *Options
	lines   Branches
	depth   int // how far lines are indented; what is below is written there
	// guessed is set if all parents of a tree are found by process ID and
	// time only, which is written once then.
	guessed bool
}

func newTextPen(out *bufio.Writer, o *Options) pen {
	t := &textPen{out: out, options: o, depth: maxTreeDepth}
	switch thin := o.Width > 0 && o.Width < narrow; {
	case o.ASCII && thin:
		t.lines = narrowASCII
	case o.ASCII:
		t.lines = ASCIIBranches
	case thin:
		t.lines = narrowBox
	default:
		t.lines = BoxBranches
	}
	if o.Width > 0 { // two more stand before lines that are continued
		t.depth = min(t.depth, (o.Width-minTextWidth)/text.Width(t.lines.Blank)-2)
	}
	return t
}

func (t *textPen) begin() {
	if t.options.Interrupted {
		t.line(text.Interrupted)
	}
}

func (t *textPen) end() {
	for _, b := range t.options.Blind {
		t.wrapped(text.Visible(b), "", t.lines.Blank)
	}
}

// line writes texts as one line.
func (t *textPen) line(texts ...string) {
	for _, s := range texts {
		_, _ = t.out.WriteString(s)
	}
	_ = t.out.WriteByte('\n')
}

// draw draws a tree below its host's name. What was left out below a process is
// drawn as its last child.
func (t *textPen) draw(d *drawing) {
	head := text.Visible(d.host.Name)
	if t.guessed = d.guessed(); t.guessed {
		head += "  [each " + phrase.GuessedParent + "]"
	}
	t.wrapped(head, "", t.lines.Blank)
	last := make(map[int32]int) // the last child of each
	for i, it := range d.items {
		last[it.parent] = i
	}
	prefixes := []string{""} // by depth: what stands before the Branches
	var open []int           // the way down to the process before
	for i, it := range d.items {
		for len(open) > 0 && int32(open[len(open)-1]) != it.parent {
			t.leftOut(d, open[len(open)-1], prefixes[len(open)])
			open = open[:len(open)-1]
		}
		_, more := d.left[int(it.parent)]
		isLast := last[it.parent] == i && !more
		prefix, stem, branch := prefixes[len(open)], t.lines.Through, t.lines.Child
		if isLast {
			stem, branch = t.lines.Blank, t.lines.Last
		}
		_, has := last[int32(i)]
		if _, more := d.left[i]; more {
			has = true
		}
		t.process(it.process, d.repeated[i], prefix+branch, prefix+stem, has)
		open = append(open, i)
		if len(open) > t.depth {
			stem = ""
		}
		prefixes = append(prefixes[:len(open)], prefix+stem)
	}
	for n := len(open) - 1; n >= 0; n-- {
		t.leftOut(d, open[n], prefixes[n+1])
	}
	t.leftOut(d, -1, "")
}

// leftOut writes what was left out below a process.
func (t *textPen) leftOut(d *drawing, index int, prefix string) {
	if left, ok := d.left[index]; ok {
		t.wrapped("["+left.text()+"]", prefix+t.lines.Last, prefix+t.lines.Blank)
	}
}

// process draws one process: its name, what is known of it, and its command
// line below.
func (t *textPen) process(p proctree.Process, again repetition, before, below string, hasChildren bool) {
	texts := p.Forest().Texts()
	name := cmp.Or(proctree.BaseName(texts.Text(p.Image())), "(unknown)")
	line := fmt.Sprintf("%s (%d)", text.Visible(name), p.PID())
	if start := p.Start(); start != 0 {
		line += "  " + text.Time(start)
	}
	if user := texts.KnownText(p.Field(event.User)); user != "" {
		line += "  " + text.Visible(user)
	}
	if s := again.text(); s != "" {
		line += "  [" + s + "]"
	}
	if p.Stub() {
		line += "  [its start is not in the logs]"
	}
	if phrase.IsGuessed(p) && !t.guessed {
		line += "  [" + phrase.GuessedParent + "]"
	}
	if mark := t.options.mark(p); mark != "" {
		line += "  <== " + mark
	}
	stem := t.lines.Blank
	if hasChildren {
		stem = t.lines.Through
	}
	t.wrapped(line, before, below+stem)
	if command := strings.TrimSpace(texts.KnownText(p.CommandLine())); command != "" {
		t.wrapped(text.Visible(command), below+stem, below+stem)
	}
}

// minTextWidth is how many columns a text keeps beside the branches of its
// tree, however deep it lies.
const minTextWidth = 20

// wrapped writes a text behind what stands before its first line, and before
// the others if it is broken.
func (t *textPen) wrapped(content, first, others string) {
	if t.options.Width == 0 {
		t.line(first, content)
		return
	}
	room := max(t.options.Width-text.Width(others), minTextWidth)
	for _, part := range text.Wrap(content, room, math.MaxInt) {
		t.line(first, part)
		first = others
	}
}
