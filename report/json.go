package report

import (
	"bufio"
	"io"

	"webshellscan/scan"
)

// writeJSON writes one JSON document: the objects of JSON Lines, one a line, the
// manifest by itself and the others in a list for each kind. It is written as it is
// made.
func writeJSON(w io.Writer, res *scan.Result, _ Options) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := newEncoder(out)
	// An error stays with the bufio.Writer until it is flushed.
	text := func(s string) { _, _ = out.WriteString(s) }
	text("{\n")
	all := sections(true)
	for i, s := range all {
		text(`"` + s.key + `": `)
		single := s.key == kindManifest
		if !single {
			text("[")
		}
		n := 0
		err := s.each(res, func(o any) error {
			if n++; n > 1 {
				text(",")
			}
			return enc.Encode(o)
		})
		if err != nil {
			return err
		}
		if !single {
			text("]")
		}
		if i < len(all)-1 {
			text(",\n")
		}
	}
	text("}\n")
	return out.Flush()
}
