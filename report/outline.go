package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"webshellscan/report/draw"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

const (
	// maxAlone is how many processes of one shape below one parent are drawn one by
	// one, if they have children; more are drawn as one.
	maxAlone = 3
	// maxContext bounds how many lines of a session are for processes without a finding
	// that lie on no way to one; maxContextBelow those of one parent.
	maxContext      = 24
	maxContextBelow = 6
	// minOutlineDepth and maxOutlineDepth bound how far lines are indented, depending on
	// the width; what is below is written at that depth.
	minOutlineDepth, maxOutlineDepth = 2, 16
)

// entry is one line of a session's tree: a process, or several of one shape.
type entry struct {
	process proctree.Process
	finding *scan.Finding // the first; nil for a process without one
	needed  bool          // it is a finding, or on the way to one
	count   int
	last    event.Time // start of the last
	// first and below are what is drawn before the entry's first line and before
	// those that continue it.
	first, below string
}

// outliner makes the trees of sessions. It folds processes of one shape below one
// parent, and remembers shapes by the numbers of texts.
type outliner struct {
	forest   *proctree.Forest
	fields   *proctree.FieldReader
	branches draw.Branches
	maxDepth int
	findings map[proctree.Process]*scan.Finding
	commands map[proctree.TextID]string // folded

	needed  map[proctree.Process]bool // on the way from the session's worker to a finding
	context int                       // lines left for other processes
	drawn   map[shape]bool            // what other processes have been drawn
	shown   int                       // processes drawn
	hidden  map[string]int            // images left out, by file name, without what is below them
}

func newOutliner(res *scan.Result, branches draw.Branches, width int) *outliner {
	// Half of what a line has beside time, level, process ID and rules.
	depth := min(max((width-44)/(2*text.Width(branches.Blank)), minOutlineDepth), maxOutlineDepth)
	o := &outliner{branches: branches, maxDepth: depth, findings: make(map[proctree.Process]*scan.Finding)}
	if res.Forest != nil {
		o.forest, o.fields = res.Forest, proctree.NewFieldReader(res.Forest)
	}
	o.commands = make(map[proctree.TextID]string)
	for _, s := range res.Sessions {
		for _, f := range s.Findings {
			if f.Process.Exists() {
				o.findings[f.Process] = f
			}
		}
	}
	return o
}

// group is processes that are drawn as one entry.
type group struct {
	members []proctree.Process
	needed  bool
	prefix  string
	depth   int
	last    bool // of its siblings
}

// session returns the tree below a session's worker, in the order in which it is
// drawn, and how many processes were left out. Of those that lie on no way to a
// finding, each shape is drawn once.
func (o *outliner) session(s *scan.Session) (entries []entry, hidden int) {
	o.needed, o.drawn, o.hidden = make(map[proctree.Process]bool), make(map[shape]bool), make(map[string]int)
	o.context, o.shown = maxContext, 0
	for _, f := range s.Findings {
		for p := f.Process; p.Exists() && p != s.Worker && !o.needed[p]; p, _ = p.Parent() {
			o.needed[p] = true
		}
	}
	todo := o.below([]proctree.Process{s.Worker}, "", 0)
	for len(todo) > 0 {
		g := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		stem := g.prefix
		if g.depth < o.maxDepth {
			stem += o.stem(g.last)
		}
		below := o.below(g.members, stem, g.depth+1)
		entries = append(entries, o.entry(&g, stem, len(below) > 0))
		todo = append(todo, below...)
	}
	return entries, s.Processes - o.shown
}

// stem is what continues the lines below a group.
func (o *outliner) stem(last bool) string {
	if last {
		return o.branches.Blank
	}
	return o.branches.Through
}

// entry draws a group.
func (o *outliner) entry(g *group, stem string, hasBelow bool) entry {
	branch := o.branches.Child
	if g.last {
		branch = o.branches.Last
	}
	below := stem
	if hasBelow && g.depth < o.maxDepth {
		below += o.branches.Through
	} else {
		below += o.branches.Blank
	}
	o.shown += len(g.members)
	e := entry{process: g.members[0], finding: o.findings[g.members[0]], needed: g.needed, count: len(g.members), first: g.prefix + branch, below: below}
	for _, p := range g.members {
		e.last = max(e.last, p.Start())
	}
	return e
}

// below returns the groups of the children of some processes, the last first: so
// they are taken from the end in the order of their start.
func (o *outliner) below(parents []proctree.Process, prefix string, depth int) []group {
	var groups []group
	room := min(maxContextBelow, o.context)
	for _, members := range o.split(parents) {
		needed := slices.ContainsFunc(members, func(p proctree.Process) bool { return o.needed[p] })
		if !needed {
			key := o.shape(members[0])
			if room == 0 || o.drawn[key] {
				o.hidden[proctree.BaseName(o.forest.Texts().Text(members[0].Image()))] += len(members)
				continue
			}
			o.drawn[key] = true
			room--
			o.context--
		}
		groups = append(groups, group{members: members, needed: needed, prefix: prefix, depth: depth})
	}
	if n := len(groups); n > 0 {
		groups[n-1].last = true
	}
	slices.Reverse(groups)
	return groups
}

// shape is what the processes of a group have in common.
type shape struct {
	image, user proctree.TextID
	command     string
	rules       string
	known       bool
}

// split divides the children of some processes by shape, in the order in which
// each shape comes first. A few processes of one shape that have children of
// their own stay apart, so that it can be seen which did what.
func (o *outliner) split(parents []proctree.Process) [][]proctree.Process {
	index := make(map[shape]int)
	var groups [][]proctree.Process
	for _, parent := range parents {
		for p := range parent.Children() {
			key := o.shape(p)
			i, ok := index[key]
			if !ok {
				i = len(groups)
				index[key] = i
				groups = append(groups, nil)
			}
			groups[i] = append(groups[i], p)
		}
	}
	if !slices.ContainsFunc(groups, staysApart) {
		return groups
	}
	var apart [][]proctree.Process
	for _, members := range groups {
		if !staysApart(members) {
			apart = append(apart, members)
			continue
		}
		for _, p := range members {
			apart = append(apart, []proctree.Process{p})
		}
	}
	slices.SortStableFunc(apart, func(a, b []proctree.Process) int { return int(sign(a[0].Start() - b[0].Start())) })
	return apart
}

func sign(t event.Time) event.Time { return max(-1, min(1, t)) }

func staysApart(members []proctree.Process) bool {
	return len(members) > 1 && len(members) <= maxAlone && slices.ContainsFunc(members, hasChildren)
}

// hiddenNames says what was left out of the last session: the commonest images.
func (o *outliner) hiddenNames() string {
	names := slices.SortedFunc(maps.Keys(o.hidden), func(a, b string) int {
		return cmp.Or(cmp.Compare(o.hidden[b], o.hidden[a]), strings.Compare(a, b))
	})
	var parts []string
	for _, name := range names[:min(len(names), maxNamed)] {
		parts = append(parts, fmt.Sprintf("%d %s", o.hidden[name], text.Visible(name)))
	}
	return strings.Join(parts, ", ")
}

func hasChildren(p proctree.Process) bool {
	for range p.Children() {
		return true
	}
	return false
}

func (o *outliner) shape(p proctree.Process) shape {
	id := p.CommandLine()
	command, ok := o.commands[id]
	if !ok {
		command = scan.FoldCommand(o.forest.Texts().Text(id))
		o.commands[id] = command
	}
	s := shape{image: p.Image(), user: o.fields.Field(p, event.User), command: command}
	if f := o.findings[p]; f != nil {
		s.rules, s.known = strings.Join(ruleNames(f.Rules), " "), f.Known
	}
	return s
}
