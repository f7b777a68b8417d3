package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// TreeOptions say how a tree looks.
type TreeOptions struct {
	// ASCII draws with ASCII characters only.
	ASCII bool
	// Mark, if not nil, returns what is to be noted of a process, such as the
	// rules that it matched.
	Mark func(proctree.Process) string
}

// branches are the strings that draw a tree.
type branches struct{ child, last, through, blank string }

var (
	boxBranches   = branches{"├─ ", "└─ ", "│  ", "   "}
	asciiBranches = branches{"|- ", "`- ", "|  ", "   "}
)

// maxTreeDepth bounds how far a tree is indented; what is below is written at
// that depth.
const maxTreeDepth = 40

// treeWriter draws processes.
type treeWriter struct {
	out     *bufio.Writer
	forest  *proctree.Forest
	options TreeOptions
	draw    branches
}

// pending is a process that is still to be drawn.
type pending struct {
	process proctree.Process
	prefix  string // before its branch
	depth   int
	last    bool // of its siblings
}

// Tree draws a process with everything below it, under the line of its
// ancestors.
func Tree(w io.Writer, p proctree.Process, o TreeOptions) error {
	t := newTreeWriter(w, p.Forest(), o)
	fmt.Fprintln(t.out, Visible(p.Host().Name))
	var above []proctree.Process
	for at, _ := p.Parent(); at.Exists() && len(above) < maxTreeDepth; at, _ = at.Parent() {
		above = append(above, at)
	}
	prefix := ""
	for i := len(above) - 1; i >= 0; i-- {
		t.process(pending{above[i], prefix, 0, true})
		prefix += t.draw.blank
	}
	t.subtree(pending{p, prefix, len(above), true})
	return t.out.Flush()
}

// HostTree draws all processes of a host, by its index in Forest.Hosts.
func HostTree(w io.Writer, forest *proctree.Forest, host int, o TreeOptions) error {
	t := newTreeWriter(w, forest, o)
	fmt.Fprintln(t.out, Visible(forest.Hosts()[host].Name))
	var roots []pending
	for root := range forest.Roots(host) {
		roots = append(roots, pending{root, "", 0, false})
	}
	for i, root := range roots {
		root.last = i == len(roots)-1
		t.subtree(root)
	}
	return t.out.Flush()
}

func newTreeWriter(w io.Writer, forest *proctree.Forest, o TreeOptions) *treeWriter {
	t := &treeWriter{out: bufio.NewWriter(w), forest: forest, options: o, draw: boxBranches}
	if o.ASCII {
		t.draw = asciiBranches
	}
	return t
}

// subtree draws a process and everything below it, without recursion.
func (t *treeWriter) subtree(top pending) {
	todo := []pending{top}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		t.process(at)
		prefix := at.prefix
		if at.depth < maxTreeDepth {
			prefix += t.stem(at)
		}
		first := len(todo)
		for child := range at.process.Children() {
			todo = append(todo, pending{child, prefix, at.depth + 1, false})
		}
		if len(todo) > first {
			todo[len(todo)-1].last = true
		}
		reverse(todo[first:])
	}
}

func reverse(list []pending) {
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
}

// stem is what continues the lines below a process.
func (t *treeWriter) stem(at pending) string {
	if at.last {
		return t.draw.blank
	}
	return t.draw.through
}

// process draws one process: its name, what is known of it, and its command
// line below.
func (t *treeWriter) process(at pending) {
	p, texts := at.process, t.forest.Texts()
	branch := t.draw.child
	if at.last {
		branch = t.draw.last
	}
	name := cmp.Or(proctree.BaseName(texts.Text(p.Image())), "(unknown)")
	line := fmt.Sprintf("%s%s%s (%d)", at.prefix, branch, Visible(name), p.PID())
	if start := p.Start(); start != 0 {
		line += "  " + shortTime(start)
	}
	if user := texts.Text(p.Field(event.User)); user != "" {
		line += "  " + Visible(user)
	}
	if p.Stub() {
		line += "  [its start is not in the logs]"
	}
	if _, link := p.Parent(); link == proctree.LinkTime {
		line += "  [parent by process ID and time only]"
	}
	if t.options.Mark != nil {
		if mark := t.options.Mark(p); mark != "" {
			line += "  <== " + Visible(mark)
		}
	}
	fmt.Fprintln(t.out, line)
	if command := strings.TrimSpace(texts.Text(p.CommandLine())); command != "" {
		below := t.draw.blank
		for range p.Children() {
			below = t.draw.through
			break
		}
		fmt.Fprintln(t.out, at.prefix+t.stem(at)+below+Visible(command))
	}
}
