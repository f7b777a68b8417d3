package main

import (
	"fmt"
	"path/filepath"

	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/exhibit"
)

// evidence is the folder that --evidence writes to; nil if there is none.
type evidence struct {
	folder *exhibit.Folder
	dir    string
}

// openEvidence makes the folder of --evidence, if it is asked for, and lets the
// scan write to it.
func (o *scanOptions) openEvidence(options *scan.Options, inputs []string) (*evidence, error) {
	if o.evidence == "" {
		return nil, nil
	}
	if err := checkFolder("--evidence", o.evidence, inputs); err != nil {
		return nil, err
	}
	folder, err := exhibit.Create(o.evidence, version())
	if err != nil {
		return nil, fmt.Errorf("--evidence: %w", err)
	}
	options.Hash = options.Hash || !o.noHash
	options.Found = func(r *scan.FoundRecord) error {
		return folder.Add(&exhibit.Record{Host: r.Host, Evidence: r.Evidence, Session: r.Session, Rules: r.Labels(), Chunk: r.Chunk, Err: r.Err})
	}
	return &evidence{folder, o.evidence}, nil
}

// discard removes the folder unless it was finished.
func (e *evidence) discard() {
	if e != nil {
		e.folder.Discard()
	}
}

// finish writes the manifest. It reports whether there is every record.
func (e *evidence) finish(o *scanOptions, res *scan.Result) (whole bool, err error) {
	if e == nil {
		return true, nil
	}
	var inputs []exhibit.Input
	for _, in := range res.Manifest.Inputs {
		inputs = append(inputs, exhibit.Input{Path: in.Path, Size: in.Size, SHA256: in.SHA256})
	}
	m, err := e.folder.Close(exhibit.Ending{Inputs: inputs, Interrupted: res.Summary.Interrupted != nil, Crashed: len(res.Summary.Crashes) > 0})
	if err != nil {
		return false, &outputError{e.dir, err}
	}
	missing := m.Missing()
	if missing > 0 {
		_, _ = fmt.Fprintf(o.stderr, "NOT CUT OUT: %d of %d records, see %s\n", missing, len(m.Records), text.Visible(filepath.Join(e.dir, exhibit.ManifestName)))
	} else if !o.quiet {
		_, _ = fmt.Fprintf(o.stderr, "%d records written to %s\n", len(m.Records), text.Visible(e.dir))
	}
	if m.XMLLeft > 0 {
		_, _ = fmt.Fprintf(o.stderr, "NO XML of %d of %d records, which the logs have: there is too much of it\n", m.XMLLeft, len(m.Records))
	}
	return missing == 0, nil
}
