package draw

import (
	"fmt"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// drawing is the tree of one Top to draw, whatever the format:
// its processes, each after its parent, and how many were left out where.
type drawing struct {
	forest *proctree.Forest
	host   *proctree.Host
	items  []item
	left   map[int]leftOut // by index of the item below which they lie, -1 for none
	// repeated are the items that stand for several processes of one shape.
	repeated map[int]repetition
}

// repetition is how often the shape of an item was seen, and when it was last.
type repetition struct {
	count int
	last  event.Time
}

// text describes it in words, "" for what was seen once.
func (r repetition) text() string {
	if r.count < 2 {
		return ""
	}
	return fmt.Sprintf("%d times, the last at %s", r.count, text.Time(r.last))
}

// item is one process of a drawing.
type item struct {
	process proctree.Process
	parent  int32 // its index in the drawing, -1 for none
	depth   int32 // links below the first process of the drawing
}

// leftOut counts processes that are not drawn, by why. level is the highest of
// those that rules matched.
type leftOut struct {
	time, depth, bound, above, context int
	level                              rules.Level
}

// reasons why a process is not drawn.
const (
	drawn = iota
	byTime
	byDepth
	byBound
)

func (l *leftOut) add(reason uint8, f *finding.Finding) {
	if f != nil {
		l.level = max(l.level, f.Level)
	}
	switch reason {
	case byTime:
		l.time++
	case byDepth:
		l.depth++
	case byBound:
		l.bound++
	}
}

// text describes how many were left out, why, of which level the gravest is,
// and how to see what there was no room for.
func (l leftOut) text() string {
	var parts []string
	for _, p := range []struct {
		n   int
		why string
	}{{l.time, "outside the time asked for"}, {l.depth, "deeper than asked for"}, {l.bound, "beyond the number of processes drawn"}, {l.above, "further above"}, {l.context, "matched by no rule"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.why))
		}
	}
	n := l.time + l.depth + l.bound + l.above + l.context
	if len(parts) == 1 {
		_, parts[0], _ = strings.Cut(parts[0], " ") // the number stands before it
	}
	why := strings.Join(parts, ", ")
	if l.level > rules.LevelNone {
		why += fmt.Sprintf("; the gravest is %s", l.level)
	}
	if l.bound > 0 {
		why += "; --max -1 draws all"
	}
	return plural.Count(n, "process", "processes") + " left out: " + why
}

// maxTreeDepth bounds how many ancestors are drawn, and how far a tree of text
// is indented; what is below is written at that depth.
const maxTreeDepth = 40

// newDrawing chooses what is drawn of a tree: no more than so many processes,
// unless that is 0.
func newDrawing(forest *proctree.Forest, top Top, o *Options, bound int) *drawing {
	d := &drawing{forest: forest, host: &forest.Hosts()[top.Host], left: make(map[int]leftOut)}
	if top.Session != nil {
		d.addSession(top.Session, bound)
		return d
	}
	above := 0
	var starts []proctree.Process
	if top.Process.Exists() {
		above = d.addAncestors(top.Process)
		starts = []proctree.Process{top.Process}
	} else {
		starts = slices.Collect(forest.Roots(top.Host))
	}
	d.addBelow(starts, above)
	if o.Since == 0 && o.Until == 0 && o.Depth == 0 && (bound == 0 || len(d.items) <= bound) {
		return d
	}
	why := make([]uint8, len(d.items))
	d.cutTime(why[above:], above, o)
	room := 0
	for i := above; i < len(d.items); i++ {
		if o.Depth > 0 && why[i] == drawn && int(d.items[i].depth)-above > o.Depth {
			why[i] = byDepth
		}
		if why[i] == drawn {
			room++
		}
	}
	if bound > 0 && room > max(bound-above, 1) {
		d.cutBound(why, above, o, max(bound-above, 1))
	}
	d.drop(why, o)
	return d
}

// addAncestors adds a process's ancestors, the outermost first, and returns how
// many. Of a very long line the uppermost are left out.
func (d *drawing) addAncestors(p proctree.Process) int {
	for at, _ := p.Parent(); at.Exists(); at, _ = at.Parent() {
		if len(d.items) == maxTreeDepth {
			left := d.left[-1]
			left.above++
			d.left[-1] = left
			continue
		}
		d.items = append(d.items, item{process: at})
	}
	slices.Reverse(d.items)
	for i := range d.items {
		d.items[i].parent, d.items[i].depth = int32(i-1), int32(i)
	}
	return len(d.items)
}

// guessed reports whether the parents of all processes, and of more than one,
// are found by process ID and time only.
func (d *drawing) guessed() bool {
	n := 0
	for _, it := range d.items {
		switch _, link := it.process.Parent(); link {
		case proctree.LinkTime:
			n++
		case proctree.LinkNone, proctree.LinkStub:
		default:
			return false
		}
	}
	return n > 1
}

// addSession adds the ancestors of a session's server process and what the
// session shows of its tree: at most bound nodes, unless that is 0.
func (d *drawing) addSession(s *finding.Session, bound int) {
	above := d.addAncestors(s.Worker)
	if bound > 0 {
		bound = max(bound-above, 1)
	}
	tree := s.Tree(finding.Bounds{Nodes: bound})
	if tree == nil {
		return
	}
	d.repeated = make(map[int]repetition)
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		d.items = append(d.items, item{n.Process, int32(above + n.Parent), int32(above + n.Depth)})
		if n.Count > 1 {
			d.repeated[above+i] = repetition{n.Count, n.Last}
		}
		if n.LeftOut+n.LeftOutFound > 0 {
			d.left[above+i] = leftOut{context: n.LeftOut, bound: n.LeftOutFound, level: n.LeftOutLevel}
		}
	}
}

// addBelow adds processes with everything below them, without recursion.
func (d *drawing) addBelow(starts []proctree.Process, above int) {
	todo := make([]item, 0, len(starts))
	for _, p := range slices.Backward(starts) {
		todo = append(todo, item{p, int32(above - 1), int32(above)})
	}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		index := int32(len(d.items))
		d.items = append(d.items, at)
		first := len(todo)
		for child := range at.process.Children() {
			todo = append(todo, item{child, index, at.depth + 1})
		}
		slices.Reverse(todo[first:])
	}
}

// cutTime cuts the processes that did not start in the time asked for, unless
// one below them did. The first process of a tree stays. Children come after
// their parents, so that one pass from the end does it.
func (d *drawing) cutTime(why []uint8, above int, o *Options) {
	if o.Since == 0 && o.Until == 0 {
		return
	}
	for i := range why {
		start := d.items[above+i].process.Start()
		if start < o.Since || o.Until != 0 && start >= o.Until {
			why[i] = byTime
		}
	}
	for i := len(why) - 1; i >= 0; i-- {
		if parent := int(d.items[above+i].parent) - above; parent >= 0 && why[i] == drawn {
			why[parent] = drawn
		}
	}
	if above > 0 {
		why[0] = drawn
	}
}

// cutBound cuts all but so many processes: the gravest are kept, with what lies
// above them, then the others by depth.
func (d *drawing) cutBound(why []uint8, above int, o *Options, room int) {
	list := make([]finding.Branch, len(d.items))
	for i, it := range d.items {
		list[i].Above = int(it.parent)
		switch {
		case i < above:
		case why[i] != drawn:
			list[i].Cost = room + 1
		default:
			list[i].Weight, list[i].Cost = finding.Weight(o.Finding(it.process)), 1
		}
	}
	for i, kept := range finding.KeepGravest(list, room) {
		if !kept && why[i] == drawn {
			why[i] = byBound
		}
	}
}

// drop removes the processes that were cut, and counts them at the nearest
// process above them that is drawn.
func (d *drawing) drop(why []uint8, o *Options) {
	place := make([]int32, len(d.items)) // of each process, or of the nearest one drawn above it
	kept := d.items[:0]
	for i, it := range d.items {
		parent := int32(-1)
		if it.parent >= 0 {
			parent = place[it.parent]
		}
		if why[i] != drawn {
			place[i] = parent
			left := d.left[int(parent)]
			left.add(why[i], o.Finding(it.process))
			d.left[int(parent)] = left
			continue
		}
		place[i] = int32(len(kept))
		it.parent = parent
		kept = append(kept, it)
	}
	d.items = kept
}
