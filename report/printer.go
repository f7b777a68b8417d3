package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"webshellscan/report/text"
)

// printer writes lines and keeps the first error. Lines that are longer than so
// many columns are broken, and go on two columns further in; 0 leaves them
// whole.
type printer struct {
	w     io.Writer
	err   error
	width int
}

func (p *printer) line(format string, args ...any) {
	if p.err != nil {
		return
	}
	line := fmt.Sprintf(format, args...)
	if p.width == 0 || text.Width(line) <= p.width {
		_, p.err = fmt.Fprintln(p.w, line)
		return
	}
	rest := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(rest)]
	for i, part := range text.Wrap(rest, max(p.width-len(indent)-2, minPart), math.MaxInt) {
		if i > 0 {
			part = "  " + part
		}
		if p.err == nil {
			_, p.err = fmt.Fprintln(p.w, indent+part)
		}
	}
}

// minPart is how many columns a part of a broken line has at least.
const minPart = 20

// wrapped writes a text in lines of the printer's width, the first after head,
// the others indented by as much.
func (p *printer) wrapped(width int, head, s string) {
	indent := strings.Repeat(" ", len(head))
	for i, line := range text.Wrap(text.Visible(s), max(width-len(head), 20), maxSentenceLines) {
		if i > 0 {
			head = indent
		}
		p.line("%s", strings.TrimRight(head+line, " "))
	}
}

// maxSentenceLines bounds a sentence that holds text from a log.
const maxSentenceLines = 12
