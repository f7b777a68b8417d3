package report

import (
	"fmt"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/draw"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// minOutlineDepth and maxOutlineDepth bound how far lines are indented,
// depending on the width; what is below is written at that depth.
const minOutlineDepth, maxOutlineDepth = 2, 16

// entry is one line of a session's tree: a process, or several of one shape.
type entry struct {
	process proctree.Process
	finding *finding.Finding // the first; nil for a process without one
	onWay   bool             // it is a finding, or on the way to one
	count   int
	last    event.Time  // start of the last
	level   rules.Level // the highest of those it stands for, if they differ
	hosts   []string    // it ran on, if the table is of several hosts
	// first and below are what is drawn before the entry's first line and
	// before those that continue it.
	first, below string
}

// outlineDepth returns how deep lines of a width are indented: half of what a
// line has beside time, level, process ID and rules.
func outlineDepth(width int, branches draw.Branches) int {
	return min(max((width-44)/(2*text.Width(branches.Blank)), minOutlineDepth), maxOutlineDepth)
}

// outlineOf returns the lines of a tree, that of the server process left out,
// with what draws the tree before them.
func outlineOf(tree *finding.Tree, branches draw.Branches, maxDepth int) []entry {
	nodes := tree.Nodes
	last := make([]int, len(nodes)) // the last node below each, 0 for none
	for i := 1; i < len(nodes); i++ {
		last[nodes[i].Parent] = i
	}
	stems := make([]string, len(nodes)) // what is drawn before the lines below each
	entries := make([]entry, 0, len(nodes)-1)
	for i := 1; i < len(nodes); i++ {
		n := &nodes[i]
		branch, through := branches.Child, branches.Through
		if last[n.Parent] == i {
			branch, through = branches.Last, branches.Blank
		}
		prefix := stems[n.Parent]
		stems[i] = prefix
		below := branches.Blank
		if n.Depth <= maxDepth {
			stems[i] += through
			if last[i] > 0 {
				below = branches.Through
			}
		}
		entries = append(entries, entry{
			process: n.Process, finding: n.Finding(), onWay: n.OnWay, count: n.Count, last: n.Last, first: prefix + branch, below: stems[i] + below,
		})
	}
	return entries
}

// leftOutText returns how many processes a tree leaves out, and of which images
// most are; "" if it leaves out none.
func leftOutText(tree *finding.Tree) string {
	if tree.LeftOut <= 0 {
		return ""
	}
	var parts []string
	for _, c := range tree.LeftOutImages[:min(len(tree.LeftOutImages), maxNamed)] {
		parts = append(parts, fmt.Sprintf("%d %s", c.Count, text.Visible(c.Name)))
	}
	s := fmt.Sprintf("and %s without a finding", plural.Count(tree.LeftOut, "more process", "more processes"))
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s
}
