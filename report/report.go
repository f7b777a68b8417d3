// Package report writes what a scan found. Each format is a Writer: findings
// come one by one and go out as they come. What a log says is an attacker's
// text, so each format escapes it by its own rules.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/scan"
)

// Writer writes one report. Begin comes first, then each finding, then End,
// which says what was read. An error of the destination ends it.
type Writer interface {
	Begin() error
	Finding(f *scan.Finding) error
	End(s *scan.Summary) error
}

// Options say how a report looks.
type Options struct {
	// Width is how many columns a table may take; 0 means 80.
	Width int
	// Color colours a table with terminal sequences.
	Color bool
	// Raw leaves the cells of a CSV as they are: formulas are not guarded.
	Raw bool
}

// formats lists the formats by name.
var formats = []struct {
	name string
	make func(io.Writer, Options) Writer
}{
	{"table", newTable},
	{"csv", newCSV},
	{"jsonl", newJSONL},
}

// Formats returns the names of the formats.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// New returns a Writer of a format that writes to w.
func New(format string, w io.Writer, options Options) (Writer, error) {
	for _, f := range formats {
		if f.name == format {
			return f.make(w, options), nil
		}
	}
	return nil, fmt.Errorf("unknown format %q: one of %s", format, strings.Join(Formats(), ", "))
}

// Write writes a whole result.
func Write(w Writer, res *scan.Result) error {
	if err := w.Begin(); err != nil {
		return err
	}
	for f := range slices.Values(res.Findings) {
		if err := w.Finding(f); err != nil {
			return err
		}
	}
	return w.End(&res.Summary)
}
