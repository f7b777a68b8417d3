package report

import (
	"bufio"
	"io"

	"webshellscan/scan"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
)

// writeJSONL writes JSON Lines: one object a line, that of the manifest first,
// then hosts, sessions, findings and log integrity.
func writeJSONL(w io.Writer, res *scan.Result, _ Options) error {
	return writeObjects(w, res, jsonSections(false))
}

// writeObjects writes the objects of some sections, one a line.
func writeObjects(w io.Writer, res *scan.Result, sections []jsonSection) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := newEncoder(out)
	for _, section := range sections {
		if err := section.each(res, func(o any) error { return enc.Encode(o) }); err != nil {
			return err
		}
	}
	return out.Flush()
}

// jsonSection is the objects of one kind.
type jsonSection struct {
	key  string // in the JSON document
	each func(*scan.Result, func(any) error) error
}

// jsonSections returns all objects, in the order in which they are written. raw
// is set if findings have the raw event.
func jsonSections(raw bool) []jsonSection {
	return []jsonSection{
		{"manifest", func(r *scan.Result, write func(any) error) error { return write(newManifest(r)) }},
		{"hosts", func(r *scan.Result, write func(any) error) error {
			return every(r.Coverage, write, func(h *integrity.HostCoverage) hostObject { return newHost(r, h) })
		}},
		{"sessions", func(r *scan.Result, write func(any) error) error {
			return every(r.Sessions, write, func(s **finding.Session) sessionObject { return newSession(*s) })
		}},
		{"findings", func(r *scan.Result, write func(any) error) error {
			return every(r.Findings, write, func(f **finding.Finding) findingObject { return newFinding(*f, raw) })
		}},
		{"events", func(r *scan.Result, write func(any) error) error {
			return every(r.Events, write, func(e **finding.Event) eventObject { return newEvent(*e) })
		}},
		{"requests", func(r *scan.Result, write func(any) error) error {
			return every(r.Requests, write, func(q **finding.Request) requestObject { return newRequest(*q) })
		}},
		{"integrity", func(r *scan.Result, write func(any) error) error {
			return every(r.Integrity, write, func(in **integrity.Finding) integrityObject { return newIntegrity(*in) })
		}},
	}
}

// every writes the objects of a list.
func every[T, O any](list []T, write func(any) error, object func(*T) O) error {
	var o O // the same memory for all
	for i := range list {
		o = object(&list[i])
		if err := write(&o); err != nil {
			return err
		}
	}
	return nil
}
