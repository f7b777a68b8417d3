package finding

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

const (
	// maxAlone is how many processes of one shape below one parent are
	// nodes of their own, if they have children; more are one node.
	maxAlone = 3
	// maxContext bounds how many nodes of a tree lie on no way to a
	// finding; maxContextBelow those of one parent.
	maxContext      = 24
	maxContextBelow = 6
)

// Bounds limit how much of a session's tree is shown.
type Bounds struct {
	// Nodes bounds the nodes of a tree, the root among them; 0 means no
	// bound but that of context. The gravest are kept, with those above
	// them.
	Nodes int
	// NoContext leaves out the processes that lie on no path to a finding.
	NoContext bool
}

// Tree is the part of a session that is shown: the server process, every
// finding, what lies between, and some of what else ran there. Processes of one
// shape below one parent are one node. Formats only draw it.
type Tree struct {
	// Nodes has the server process first, then each node after its parent,
	// siblings in the order of their start.
	Nodes []TreeNode
	// LeftOut counts the processes below the server process that no node
	// stands for.
	LeftOut int
	// LeftOutImages are the file names of those whose parents have a node,
	// the commonest first.
	LeftOutImages []ImageCount
}

// ImageCount is how many processes have an image of a file name.
type ImageCount struct {
	Name  string
	Count int
}

// TreeNode is a process of a Tree, or several of one shape.
type TreeNode struct {
	Process proctree.Process // the first
	// Findings are those of the processes, in their order: one of each, or
	// none if no rule matched them.
	Findings []*Finding
	OnWay    bool       // it is a finding, or on the way to one
	Count    int        // of the processes
	Last     event.Time // start of the last of them
	Parent   int        // index of the node above, -1 of the first
	Depth    int        // links below the server process
	// LeftOut counts the processes below it that no rule matched and that
	// have no node, nor one between; LeftOutFound the others, for which
	// Bounds left no room. LeftOutLevel is the highest level of those.
	LeftOut, LeftOutFound int
	LeftOutLevel          rules.Level
}

// Finding returns the finding of the first process, nil if no rule matched it.
func (n *TreeNode) Finding() *Finding {
	if len(n.Findings) == 0 {
		return nil
	}
	return n.Findings[0]
}

// Tree decides what of the session is shown. It returns nil if the server
// process is not known.
func (s *Session) Tree(bounds Bounds) *Tree {
	if !s.Worker.Exists() {
		return nil
	}
	t := newTreeBuilder(s, bounds)
	tree := &Tree{LeftOut: s.Processes}
	todo := []nodeGroup{{members: []proctree.Process{s.Worker}, parent: -1, onWay: true}}
	for len(todo) > 0 {
		g := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n := t.node(&g)
		below := t.below(&n, &g, len(tree.Nodes))
		if n.Parent >= 0 {
			tree.LeftOut -= n.Count
		}
		tree.Nodes = append(tree.Nodes, n)
		todo = append(todo, below...)
	}
	if bounds.Nodes > 0 && len(tree.Nodes) > bounds.Nodes {
		t.cut(tree, bounds.Nodes)
	}
	tree.LeftOutImages = t.images()
	return tree
}

// cut removes the nodes of a tree for which there is no room, and counts them
// at the nearest node above them that stays.
func (t *treeBuilder) cut(tree *Tree, room int) {
	kept := KeepGravest(tree.branches(), room)
	kept[0] = true
	place := make([]int, len(tree.Nodes)) // of each node, or of the nearest above it that stays
	nodes := tree.Nodes[:0]
	for i, n := range tree.Nodes {
		if kept[i] {
			place[i] = len(nodes)
			if n.Parent >= 0 {
				n.Parent = place[n.Parent]
			}
			nodes = append(nodes, n)
			continue
		}
		place[i] = place[n.Parent]
		above := &nodes[place[i]]
		above.LeftOut += n.LeftOut
		tree.LeftOut += n.Count
		if n.OnWay {
			above.LeftOutFound += n.Count
			above.LeftOutLevel = max(above.LeftOutLevel, n.level())
			continue
		}
		above.LeftOut += n.Count
		t.hidden[proctree.BaseName(t.texts.Text(n.Process.Image()))] += n.Count
	}
	tree.Nodes = nodes
}

// branches returns the nodes of a tree by how much they matter.
func (t *Tree) branches() []Branch {
	list := make([]Branch, len(t.Nodes))
	for i := range t.Nodes {
		list[i] = Branch{t.Nodes[i].Parent, Weight(t.Nodes[i].Finding()), 1}
	}
	return list
}

// level returns the level of the node's findings, LevelNone without one.
func (n *TreeNode) level() rules.Level {
	if f := n.Finding(); f != nil {
		return f.Level
	}
	return rules.LevelNone
}

// treeBuilder makes the tree of one session.
type treeBuilder struct {
	texts  *proctree.Texts
	fields *proctree.FieldReader
	// onWay has the findings, and what lies above them with nil.
	onWay    map[proctree.Process]*Finding
	commands map[proctree.TextID]int // number of the folded command line of each
	folded   map[string]int
	drawn    map[nodeShape]bool // what has a node for context
	context  int                // nodes left for context
	hidden   map[string]int     // images left out, by file name
}

func newTreeBuilder(s *Session, bounds Bounds) *treeBuilder {
	forest := s.Worker.Forest()
	t := &treeBuilder{
		texts: forest.Texts(), fields: proctree.NewFieldReader(forest), onWay: make(map[proctree.Process]*Finding, len(s.Findings)),
		commands: make(map[proctree.TextID]int), folded: make(map[string]int), drawn: make(map[nodeShape]bool), hidden: make(map[string]int),
		context: maxContext,
	}
	if bounds.NoContext {
		t.context = 0
	}
	for _, f := range s.Findings {
		if !f.Process.Exists() {
			continue
		}
		t.onWay[f.Process] = f
		for p, _ := f.Process.Parent(); p.Exists() && p != s.Worker; p, _ = p.Parent() {
			if _, ok := t.onWay[p]; ok {
				break
			}
			t.onWay[p] = nil
		}
	}
	return t
}

// nodeGroup is processes that become one node.
type nodeGroup struct {
	members       []proctree.Process
	parent, depth int
	onWay         bool
}

// node returns the node of a group.
func (t *treeBuilder) node(g *nodeGroup) TreeNode {
	first := g.members[0]
	n := TreeNode{Process: first, OnWay: g.onWay, Count: len(g.members), Parent: g.parent, Depth: g.depth}
	for _, p := range g.members {
		n.Last = max(n.Last, p.Start())
		if f := t.onWay[p]; f != nil {
			n.Findings = append(n.Findings, f)
		}
	}
	return n
}

// below returns the groups of the children of a group's processes that become
// nodes, the last first: so they are taken from the end in the order of their
// start. Of those that lie on no way to a finding, each shape becomes a node
// once. It counts in n what is left out.
func (t *treeBuilder) below(n *TreeNode, g *nodeGroup, index int) []nodeGroup {
	var groups []nodeGroup
	room := min(maxContextBelow, t.context)
	for _, members := range t.split(g.members) {
		onWay := slices.ContainsFunc(members, func(p proctree.Process) bool {
			_, ok := t.onWay[p]
			return ok
		})
		key := t.shape(members[0])
		switch {
		case !onWay && (room == 0 || t.drawn[key]):
			n.LeftOut += len(members)
			t.hidden[proctree.BaseName(t.texts.Text(members[0].Image()))] += len(members)
			continue
		case !onWay:
			t.drawn[key] = true
			room--
			t.context--
		}
		groups = append(groups, nodeGroup{members, index, g.depth + 1, onWay})
	}
	slices.Reverse(groups)
	return groups
}

// images returns what was left out, the commonest first.
func (t *treeBuilder) images() []ImageCount {
	var list []ImageCount
	for name, n := range t.hidden {
		list = append(list, ImageCount{name, n})
	}
	slices.SortFunc(list, func(a, b ImageCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	return list
}

// nodeShape is what the processes of a node have in common.
type nodeShape struct {
	image, user proctree.TextID
	command     int // number of the folded command line
	// rules are the first of those that matched, moreRules the labels of
	// the others.
	rules     [4]*rules.Rule
	moreRules string
	level     rules.Level
	known     bool
}

func (t *treeBuilder) shape(p proctree.Process) nodeShape {
	s := nodeShape{image: p.Image(), user: t.fields.Field(p, event.User), command: t.command(p.CommandLine())}
	f := t.onWay[p]
	if f == nil {
		return s
	}
	s.level, s.known = f.Level, f.Known
	for _, r := range f.Rules[copy(s.rules[:], f.Rules):] {
		s.moreRules += r.Label() + "\n"
	}
	return s
}

// command returns the number of a folded command line.
func (t *treeBuilder) command(id proctree.TextID) int {
	n, ok := t.commands[id]
	if !ok {
		folded := FoldCommand(t.texts.Text(id))
		if n, ok = t.folded[folded]; !ok {
			n = len(t.folded)
			t.folded[folded] = n
		}
		t.commands[id] = n
	}
	return n
}

// split divides the children of some processes by shape, in the order in which
// each shape comes first. A few processes of one shape that have children of
// their own stay apart, so that it can be seen which did what.
func (t *treeBuilder) split(parents []proctree.Process) [][]proctree.Process {
	index := make(map[nodeShape]int)
	var groups [][]proctree.Process
	for _, parent := range parents {
		for p := range parent.Children() {
			key := t.shape(p)
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
	slices.SortStableFunc(apart, func(a, b []proctree.Process) int { return cmp.Compare(a[0].Start(), b[0].Start()) })
	return apart
}

// staysApart reports whether processes of one shape are nodes of their own.
func staysApart(members []proctree.Process) bool {
	return len(members) > 1 && len(members) <= maxAlone && slices.ContainsFunc(members, hasChildren)
}

func hasChildren(p proctree.Process) bool {
	for range p.Children() {
		return true
	}
	return false
}
