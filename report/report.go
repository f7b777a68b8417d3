// Package report writes what a scan found, in several formats. What a log says
// is an attacker's text, so each format escapes it by its own rules.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/scan"
)

// Options say how a report looks.
type Options struct {
	// Width is how many columns a table may take; 0 means 80.
	Width int
	// Color colours a table with terminal sequences.
	Color bool
	// ASCII draws trees with ASCII characters only.
	ASCII bool
	// Flat makes a table of all findings instead of sessions with their trees.
	Flat bool
	// Sessions makes a CSV of sessions instead of findings.
	Sessions bool
	// Raw leaves the cells of a CSV as they are: formulas are not guarded.
	Raw bool
}

// formats lists the formats by name, each with the ending of its files.
var formats = []struct {
	name, ending string
	write        func(io.Writer, *scan.Result, Options) error
}{
	{"table", ".txt", writeTable},
	{"csv", ".csv", writeCSV},
	{"jsonl", ".jsonl", writeJSONL},
	{"json", ".json", writeJSON},
}

// Formats returns the names of the formats.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// CheckFormat returns an error that names the formats if there is none of that
// name.
func CheckFormat(format string) error { return checkFormat(format, Formats()) }

func checkFormat(format string, formats []string) error {
	if !slices.Contains(formats, format) {
		return fmt.Errorf("unknown format %q: one of %s", format, strings.Join(formats, ", "))
	}
	return nil
}

// Write writes a result in a format. An error of w ends it.
func Write(w io.Writer, format string, res *scan.Result, options Options) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(w, res, options)
		}
	}
	return CheckFormat(format)
}
