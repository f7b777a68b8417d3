package report

import (
	"fmt"
	"io"
	"strings"

	"webshellscan/report/text"
)

// printer writes lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

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
