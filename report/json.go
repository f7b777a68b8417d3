package report

import (
	"bufio"
	"io"

	"webshellscan/scan"
)

// writeJSON writes one JSON document: the objects of JSON Lines, one a line,
// the manifest by itself and the others in a list for each kind. It is written
// as it is made.
func writeJSON(w io.Writer, res *scan.Result, _ Options) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := newEncoder(out)
	// An error stays with the bufio.Writer until it is flushed.
	put := func(s string) { _, _ = out.WriteString(s) }
	put("{\n")
	all := jsonSections(true)
	for i, s := range all {
		put(`"` + s.key + `": `)
		single := s.key == kindManifest
		if !single {
			put("[")
		}
		n := 0
		err := s.each(res, func(o any) error {
			if n++; n > 1 {
				put(",")
			}
			return enc.Encode(o)
		})
		if err != nil {
			return err
		}
		if !single {
			put("]")
		}
		if i < len(all)-1 {
			put(",\n")
		}
	}
	put("}\n")
	return out.Flush()
}
