package draw

import (
	"bufio"
	"fmt"
	"strings"
	"unicode"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
)

// maxMermaid is how many processes a Mermaid diagram holds unless more are
// asked for. Mermaid refuses more than 50,000 characters of text and 500 edges
// unless it is configured otherwise
// (https://mermaid.js.org/config/schema-docs/config.html, maxTextSize,
// maxEdges).
const maxMermaid = 100

// Bounds of the texts in a box, in bytes as they are written.
const (
	maxMermaidName    = 90
	maxMermaidCommand = 180
	maxMermaidRules   = 80
)

// mermaidPen writes trees as a Mermaid flowchart: a subgraph for each tree, a
// box for each process.
type mermaidPen struct {
	out     *bufio.Writer
	options *Options
	trees   int
	boxes   int
}

func newMermaidPen(out *bufio.Writer, o *Options) pen {
	return &mermaidPen{out: out, options: o}
}

// line writes a line; errors are kept by the bufio.Writer.
func (m *mermaidPen) line(format string, args ...any) {
	_, _ = fmt.Fprintf(m.out, format+"\n", args...)
}

func (m *mermaidPen) begin() {
	if m.options.Interrupted {
		m.line("%%%% %s", text.Interrupted)
	}
	for _, b := range m.options.Blind {
		m.line("%%%% %s", text.Visible(b))
	}
	m.line("flowchart LR")
	m.line("  classDef found stroke:#c00000,stroke-width:3px")
	m.line("  classDef left stroke-dasharray:4")
}

func (m *mermaidPen) end() {}

// draw draws one tree. Processes that matched rules have a thick red border;
// what was left out stands in a box of its own.
func (m *mermaidPen) draw(t *drawing) {
	m.trees++
	m.line(`  subgraph t%d["%s"]`, m.trees, mermaidText(text.Visible(t.host.Name), maxMermaidName))
	m.line("    direction LR")
	if len(t.items)+len(t.left) == 0 {
		m.line(`    t%dx["#8211;"]:::left`, m.trees)
	}
	first := m.boxes + 1
	for i, it := range t.items {
		b := newBox(it.process, t.repeated[i], m.options)
		class := ""
		if b.rules != "" {
			class = ":::found"
		}
		m.line(`    n%d["%s"]%s`, first+i, mermaidLabel(b), class)
		if it.parent >= 0 {
			m.line("    n%d %s n%d", first+int(it.parent), arrow(phrase.IsGuessed(it.process)), first+i)
		}
		if left, ok := t.left[i]; ok {
			m.line(`    n%dx["%s"]:::left`, first+i, mermaidText(left.text(), maxMermaidCommand))
			m.line("    n%d %s n%dx", first+i, arrow(true), first+i)
		}
	}
	if left, ok := t.left[-1]; ok {
		m.line(`    t%dx["%s"]:::left`, m.trees, mermaidText(left.text(), maxMermaidCommand))
	}
	m.line("  end")
	m.boxes += len(t.items)
}

func arrow(guess bool) string {
	if guess {
		return "-.->"
	}
	return "-->"
}

// mermaidLabel returns the lines of a box.
func mermaidLabel(b box) string {
	lines := []string{mermaidText(b.head, maxMermaidName)}
	if b.about != "" {
		lines = append(lines, mermaidText(b.about, maxMermaidName))
	}
	if b.again != "" {
		lines = append(lines, mermaidText(b.again, maxMermaidName))
	}
	if b.command != "" {
		lines = append(lines, mermaidText(b.command, maxMermaidCommand))
	}
	if b.rules != "" {
		lines = append(lines, mermaidText(b.rules, maxMermaidRules))
	}
	return strings.Join(lines, "<br/>")
}

// mermaidText returns text without control characters for a label in quotes,
// cut visibly. All but letters, digits and spaces are written as entities
// (https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters):
// quotes, brackets and "#" mean something to Mermaid, "<" and "&" to the
// browser, and the rest to its Markdown and its directives. What means
// something even after entities are resolved is parted by a space of no width.
func mermaidText(s string, limit int) string {
	var b strings.Builder
	for i, r := range s {
		if b.Len() > limit {
			b.WriteString("#8230;")
			break
		}
		if r == ' ' || unicode.IsLetter(r) || r <= unicode.MaxASCII && unicode.IsDigit(r) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "#%d;", r)
		if rest := s[i:]; strings.HasPrefix(rest, `\n`) || strings.HasPrefix(rest, "$$") || strings.HasPrefix(rest, ":fa-") {
			b.WriteString("#8203;") // a line break, a formula, an icon
		}
	}
	return b.String()
}
