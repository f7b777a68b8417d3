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
	return writeDocument(w, res, jsonSections(true))
}

// writeDocument writes one JSON document with the objects of some sections.
func writeDocument(w io.Writer, res *scan.Result, sections []jsonSection) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := newEncoder(out)
	// An error stays with the bufio.Writer until it is flushed.
	put := func(s string) { _, _ = out.WriteString(s) }
	put("{\n")
	for i, s := range sections {
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
		if i < len(sections)-1 {
			put(",\n")
		}
	}
	put("}\n")
	return out.Flush()
}
