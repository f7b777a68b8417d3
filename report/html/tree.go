package html

import (
	"fmt"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Bounds of the trees of an HTML report.
const (
	maxTreeNodes  = 600  // of a session
	maxTreeAll    = 8000 // of all sessions
	maxTreeLevels = 60   // what is below is shown at that level
	maxNodeEvents = 6    // of a process
)

// treeNode is a process in the tree of a session, or several of one shape.
type treeNode struct {
	*finding.TreeNode
	Record             int // number of the record of the first process
	Image, CommandLine string
	User               string // if it is not its parent's
	Guess              string // phrase.GuessedParent, if it is one
	Because, Hash      string // why the level is what it is, and the program's own hash
	Events             []*finding.Event
	EventsMore         int
	Children           []*treeNode
	Notes              []string // what was left out below it
	Open               bool     // something below it was found
	Unprinted          bool     // it is in the file only
}

// Dim reports whether the process is only context.
func (n *treeNode) Dim() bool { return n.Finding() == nil }

// PID is the process ID of the first process.
func (n *treeNode) PID() uint32 { return n.Process.PID() }

// Start is when the first process started.
func (n *treeNode) Start() event.Time { return n.Process.Start() }

// Stub reports whether the start of the first process is not in the logs.
func (n *treeNode) Stub() bool { return n.Process.Stub() }

// Recovered reports whether only records that are no longer live have the first
// process.
func (n *treeNode) Recovered() bool { return n.Process.Recovered() }

// Repeated describes how often the shape was seen, "" if once.
func (n *treeNode) Repeated() string {
	if n.Count < 2 {
		return ""
	}
	return fmt.Sprintf("%d times, the last at %s", n.Count, rowTime(n.Last))
}

// treeBuilder makes the trees of sessions, within the room of a page.
type treeBuilder struct {
	data *pageData
	left int // nodes that may still be shown

	events map[proctree.Process][]*finding.Event // of the session
}

// session adds its tree to the view of a session, none if its processes are not
// known or there is no room left.
func (b *treeBuilder) session(v *sessionView) {
	s := v.Session
	if b.left <= 0 {
		return
	}
	tree := s.Tree(finding.Bounds{Nodes: min(maxTreeNodes, b.left)})
	if tree == nil {
		return
	}
	b.left -= len(tree.Nodes)
	b.events = phrase.NodeEvents(s)
	nodes := make([]*treeNode, len(tree.Nodes))
	below := make([]int, len(nodes)) // the node that shows what is below each
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		below[i] = i
		if n.Parent < 0 {
			nodes[i] = b.node(n, "")
			continue
		}
		nodes[i] = b.node(n, userOf(tree.Nodes[n.Parent].Process))
		if n.Depth >= maxTreeLevels {
			below[i] = below[n.Parent]
		}
		above := nodes[below[n.Parent]]
		above.Children = append(above.Children, nodes[i])
	}
	for i := range tree.Nodes {
		for at := i; tree.Nodes[i].Finding() != nil && tree.Nodes[at].Parent >= 0 && !nodes[tree.Nodes[at].Parent].Open; {
			at = tree.Nodes[at].Parent
			nodes[at].Open = true
		}
	}
	v.Tree, v.Unprinted = nodes[0], putOnPaper(nodes, v.paperRoom())
}

// node returns a node without what is below it. user is its parent's.
func (b *treeBuilder) node(n *finding.TreeNode, user string) *treeNode {
	texts := n.Process.Forest().Texts()
	shown := &treeNode{
		TreeNode: n, Record: b.data.context(n.Process), Image: texts.Text(n.Process.Image()), CommandLine: texts.KnownText(n.Process.CommandLine()),
	}
	shown.Events, shown.EventsMore = phrase.Heaviest(b.events[n.Process], maxNodeEvents)
	if f := n.Finding(); f != nil {
		shown.Because, shown.Hash = phrase.Because(f), phrase.OwnHash(f)
	}
	if phrase.IsGuessed(n.Process) {
		shown.Guess = phrase.GuessedParent
	}
	if own := userOf(n.Process); own != user {
		shown.User = own
	}
	if n.LeftOut > 0 {
		shown.Notes = append(shown.Notes, fmt.Sprintf("%s below it that no rule matched", plural.Count(n.LeftOut, "more process", "more processes")))
	}
	if n.LeftOutFound > 0 {
		shown.Notes = append(shown.Notes, fmt.Sprintf("%d more left out here for room%s: see the findings", n.LeftOutFound, phrase.GravestOf(n.LeftOutLevel)))
	}
	return shown
}

// userOf returns whom a process ran as, "" if not known.
func userOf(p proctree.Process) string { return p.Forest().Texts().KnownText(p.Field(event.User)) }
