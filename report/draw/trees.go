package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// TreeOptions say what of trees is drawn, and how.
type TreeOptions struct {
	// ASCII draws with ASCII characters only.
	ASCII bool
	// Mark, if not nil, returns what is to be noted of a process: the names of the
	// rules that it matched.
	Mark func(proctree.Process) []string
	// InputPath, if not nil, returns the path of an input by its number in an
	// event.Place; without it JSON has no evidence.
	InputPath func(file uint32) string
	// Since and Until leave out processes that did not start from Since on and before
	// Until, unless one below them did. Zero means no bound.
	Since, Until event.Time
	// Depth leaves out processes that lie more links below the first one of a tree; 0
	// means no bound.
	Depth int
	// Max bounds the processes of all trees together: those that Mark tells of come
	// first, then those that lie highest. 0 means the format's own bound, a negative
	// number none.
	Max int
	// Interrupted marks trees of logs that were not all read.
	Interrupted bool
}

// TreeTop is what a tree is drawn of: one process with its ancestors and
// everything below it, or, if Process is the zero Process, all of a host.
type TreeTop struct {
	// Host is the host's index in Forest.Hosts.
	Host    int
	Process proctree.Process
}

// treePen writes trees in a format.
type treePen interface {
	begin()
	draw(*drawing)
	end()
}

// treeFormats lists the formats of trees by name, each with the endings of its
// files and how many processes it holds unless more are asked for.
var treeFormats = []struct {
	name    string
	endings []string
	comment string // what begins a line that is no part of the trees, if there may be such
	max     int
	pen     func(*bufio.Writer, *TreeOptions) treePen
}{
	{"text", []string{".txt"}, "", 0, newTextPen},
	{"json", []string{".json"}, "", 0, newJSONPen},
	{"dot", []string{".dot", ".gv"}, "// ", 1000, newDOTPen},
	{"mermaid", []string{".mmd", ".mermaid"}, "%% ", maxMermaid, newMermaidPen},
}

// TreeFormats returns the names of the formats of trees.
func TreeFormats() []string {
	var names []string
	for _, f := range treeFormats {
		names = append(names, f.name)
	}
	return names
}

// TreeEndings returns the endings of the files of a tree format, the usual one
// first.
func TreeEndings(format string) []string {
	for _, f := range treeFormats {
		if f.name == format {
			return f.endings
		}
	}
	return nil
}

// TreeFormatOf returns the tree format whose files end as a path does, compared
// without case, and "" if there is none.
func TreeFormatOf(path string) string {
	for _, f := range treeFormats {
		if slices.ContainsFunc(f.endings, func(e string) bool { return strings.HasSuffix(strings.ToLower(path), e) }) {
			return f.name
		}
	}
	return ""
}

// WriteTrees writes trees in a format. An error of w ends it.
func WriteTrees(w io.Writer, format string, forest *proctree.Forest, tops []TreeTop, o TreeOptions) error {
	if o.Mark == nil {
		o.Mark = func(proctree.Process) []string { return nil }
	}
	for _, f := range treeFormats {
		if f.name != format {
			continue
		}
		if o.Max == 0 {
			o.Max = f.max
		}
		out := bufio.NewWriterSize(w, 1<<16)
		pen := f.pen(out, &o)
		if o.Interrupted && f.name != "json" {
			_, _ = out.WriteString(f.comment + interruptedText + "\n") // an error stays until the writer is flushed
		}
		pen.begin()
		room := o.Max
		for i, top := range tops {
			share := 0 // no bound
			if o.Max > 0 {
				share = max(room/(len(tops)-i), 1)
			}
			d := newDrawing(forest, top, &o, share)
			room -= len(d.items)
			pen.draw(d)
		}
		pen.end()
		return out.Flush()
	}
	return fmt.Errorf("unknown format %q: one of %s", format, strings.Join(TreeFormats(), ", "))
}
