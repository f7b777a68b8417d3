package report

import (
	"fmt"

	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Bounds of the trees of an HTML report.
const (
	maxTreeFound   = 400  // processes of a session that were found or lead to such
	maxTreeContext = 200  // other processes of a session
	maxTreeAll     = 8000 // processes of all sessions
	maxTreeSame    = 3    // findings of one shape
	maxTreeBenign  = 8    // other children of one process
	maxTreeLevels  = 60
)

// treeNode is a process in the tree of a session.
type treeNode struct {
	Record             int // number of its record
	Image, CommandLine string
	PID                uint32
	Start              event.Time
	User               string // if it is not its parent's
	Finding            *scan.Finding
	Stub, Guess        bool // not in the logs; parent by process ID and time only
	Recovered          bool // only records that are no longer live speak of it
	Children           []*treeNode
	Notes              []string // what was left out below it
	Open               bool     // something below it was found
}

// Dim reports whether the process is only context.
func (n *treeNode) Dim() bool { return n.Finding == nil }

// treeBuilder makes the trees of sessions, within bounds.
type treeBuilder struct {
	data *htmlData
	left int // processes that may still be shown

	// Of the session in hand:
	found         map[proctree.Process]*scan.Finding
	hidden        map[proctree.Process]bool // found, but like others that are shown
	path          map[proctree.Process]bool // ancestors of what is shown
	room, roomDim int                       // processes that may still be shown, and others
}

func newTreeBuilder(data *htmlData) *treeBuilder { return &treeBuilder{data: data, left: maxTreeAll} }

// session returns the tree of a session: its worker, what was found, what lies
// between, and some of what else ran there. It returns nil if the processes are
// not known or there is no room left.
func (b *treeBuilder) session(s *scan.Session) *treeNode {
	if !s.Worker.Exists() || b.left <= 0 {
		return nil
	}
	b.found, b.hidden = make(map[proctree.Process]*scan.Finding), make(map[proctree.Process]bool)
	b.path = make(map[proctree.Process]bool)
	b.room, b.roomDim = min(maxTreeFound, b.left), min(maxTreeContext, b.left/2)
	for _, shape := range s.Shapes {
		for i, f := range shape.Findings {
			b.hidden[f.Process] = i >= maxTreeSame
		}
	}
	for _, f := range s.Findings {
		if !f.Process.Exists() {
			continue
		}
		b.found[f.Process] = f
		if b.hidden[f.Process] {
			continue
		}
		for p, _ := f.Process.Parent(); p.Exists() && !b.path[p]; p, _ = p.Parent() {
			b.path[p] = true
			if p == s.Worker {
				break
			}
		}
	}
	return b.node(s.Worker, "", maxTreeLevels)
}

// node returns a process with what is shown below it. user is its parent's.
func (b *treeBuilder) node(p proctree.Process, user string, levels int) *treeNode {
	texts := p.Forest().Texts()
	_, link := p.Parent()
	n := &treeNode{
		Record: b.data.context(p), Image: texts.Text(p.Image()), CommandLine: texts.KnownText(p.CommandLine()), PID: p.PID(), Start: p.Start(),
		Finding: b.found[p], Stub: p.Stub(), Guess: link == proctree.LinkTime, Recovered: p.Recovered(), Open: b.path[p],
	}
	own := texts.KnownText(p.Field(event.User))
	if own != user {
		n.User = own
	}
	b.left--
	b.children(n, p, own, levels-1)
	return n
}

// children fills in what is shown below a process.
func (b *treeBuilder) children(n *treeNode, p proctree.Process, user string, levels int) {
	same, benign, room, shown := 0, 0, 0, 0
	for child := range p.Children() {
		isFound := b.found[child] != nil
		switch {
		case b.path[child] || isFound && !b.hidden[child]:
			if b.room <= 0 || b.left <= 0 || levels <= 0 {
				room++
				continue
			}
			b.room--
		case isFound:
			same++
			continue
		default:
			if b.roomDim <= 0 || b.left <= 0 || levels <= 0 || shown == maxTreeBenign {
				benign++
				continue
			}
			shown++
			b.roomDim--
		}
		n.Children = append(n.Children, b.node(child, user, levels))
	}
	if same > 0 {
		n.Notes = append(n.Notes, fmt.Sprintf("%s like those shown", text.Count(same, "more finding")))
	}
	if benign > 0 {
		n.Notes = append(n.Notes, fmt.Sprintf("%d more below it that no rule matched", benign))
	}
	if room > 0 {
		n.Notes = append(n.Notes, fmt.Sprintf("%d more left out here for room: see the findings", room))
	}
}
