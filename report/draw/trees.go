// Package draw draws process trees: as text, JSON, DOT and Mermaid. A format is
// a pen, which is given what to draw of each tree and decides only how.
//
// It depends on processes, but not on what was found: its caller passes which
// rules a process matched, and which records it has.
package draw

import (
	"bufio"
	"io"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Trees are what is drawn.
type Trees struct {
	Forest *proctree.Forest
	Tops   []Top
	Options
}

// Top is what a tree is drawn of: one process with its ancestors and
// everything below it, or, if Process is the zero Process, all of a host.
type Top struct {
	// Host is the host's index in Forest.Hosts.
	Host    int
	Process proctree.Process
	// Session, if not nil, makes Process the server process of a session,
	// of whose tree is drawn what the session itself has
	// (finding.Session.Tree). Of the limits of Options only Max counts
	// then.
	Session *finding.Session
}

// Options are what of trees is drawn, and how. The zero Options draw
// everything, as far as the format has room.
type Options struct {
	// ASCII draws with ASCII characters only.
	ASCII bool
	// Finding, if not nil, returns the finding that a process is, nil if
	// no rule matched it.
	Finding func(proctree.Process) *finding.Finding
	// Evidence, if not nil, returns the records of a process's creation;
	// without it JSON has none.
	Evidence func(proctree.Process) []finding.Evidence
	// Since and Until leave out processes that did not start from Since on
	// and before Until, unless one below them did. Zero means no bound.
	Since, Until event.Time
	// Depth leaves out processes that lie more links below the first one of
	// a tree; 0 means no bound.
	Depth int
	// Max bounds the processes of all trees together: the gravest findings
	// come first, with those above them, then what lies highest. 0 means
	// the format's own bound, a negative number none.
	Max int
	// Width breaks the lines of text that are longer than so many columns,
	// with the branches of the tree before each part; 0 leaves them whole.
	Width int
	// Interrupted marks trees of logs that were not all read.
	Interrupted bool
	// Blind names the hosts of which nothing that ran can be seen, each
	// with the reason.
	Blind []string
}

// pen writes trees in a format.
type pen interface {
	begin()
	draw(*drawing)
	end()
}

// Text draws trees for reading.
func Text(w io.Writer, t *Trees) error { return write(w, t, 0, newTextPen) }

// JSON writes trees as one JSON document.
func JSON(w io.Writer, t *Trees) error { return write(w, t, 0, newJSONPen) }

// DOT writes trees in the language of Graphviz: at most 1000 processes, unless
// Options.Max says otherwise.
func DOT(w io.Writer, t *Trees) error {
	const most = 1000
	return write(w, t, most, newDOTPen)
}

// Mermaid writes trees as a Mermaid flowchart: at most 100 processes, unless
// Options.Max says otherwise.
func Mermaid(w io.Writer, t *Trees) error { return write(w, t, maxMermaid, newMermaidPen) }

// write draws trees with a pen that has room for so many processes unless more
// are asked for, 0 for any number. An error of w ends it.
func write(w io.Writer, t *Trees, room int, newPen func(*bufio.Writer, *Options) pen) error {
	o := t.Options
	if o.Finding == nil {
		o.Finding = func(proctree.Process) *finding.Finding { return nil }
	}
	if o.Max != 0 {
		room = o.Max
	}
	out := bufio.NewWriterSize(w, 1<<16)
	p := newPen(out, &o)
	p.begin()
	bounded := room > 0
	for i, top := range t.Tops {
		most := 0 // no bound
		if bounded {
			most = max(room/(len(t.Tops)-i), 1)
		}
		d := newDrawing(t.Forest, top, &o, most)
		room -= len(d.items)
		p.draw(d)
	}
	p.end()
	return out.Flush()
}
