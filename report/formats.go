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

// formats lists the formats by name, each with the endings of its files.
var formats = []struct {
	name    string
	endings []string
	write   func(io.Writer, *scan.Result, Options) error
}{
	{"table", []string{".txt"}, writeTable},
	{"csv", []string{".csv"}, writeCSV},
	{"jsonl", []string{".jsonl", ".ndjson"}, writeJSONL},
	{"json", []string{".json"}, writeJSON},
	{"html", []string{".html", ".htm"}, writeHTML},
	{"sessions-csv", []string{".sessions.csv"}, writeSessionsCSV},
	{"timesketch", []string{".timesketch.jsonl"}, writeTimesketchJSONL},
	{"timesketch-csv", []string{".timesketch.csv"}, writeTimesketchCSV},
	{"navigator", []string{".navigator.json"}, writeNavigator},
	{"markdown", []string{".md", ".markdown"}, writeMarkdown},
}

// Formats returns the names of the formats.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// CheckFormat returns an error that names the formats if one is not among them.
func CheckFormat(format string, formats []string) error {
	if !slices.Contains(formats, format) {
		return fmt.Errorf("unknown format %q: one of %s", format, strings.Join(formats, ", "))
	}
	return nil
}

// Endings returns the endings of the files of a format, the usual one first.
func Endings(format string) []string {
	for _, f := range formats {
		if f.name == format {
			return f.endings
		}
	}
	return nil
}

// FormatOf returns the format whose files end as a path does, compared without
// case, and "" if there is none. The longest ending counts: x.timesketch.csv is
// no csv.
func FormatOf(path string) string {
	path = strings.ToLower(path)
	name, longest := "", 0
	for _, f := range formats {
		for _, ending := range f.endings {
			if len(ending) > longest && strings.HasSuffix(path, ending) {
				name, longest = f.name, len(ending)
			}
		}
	}
	return name
}

// HasManifest reports whether a format has the manifest, for which inputs are
// hashed.
func HasManifest(format string) bool {
	return format == "jsonl" || format == "json" || format == "html"
}

// Write writes a result in a format. An error of w ends it.
func Write(w io.Writer, format string, res *scan.Result, options Options) error {
	for _, f := range formats {
		if f.name == format {
			return f.write(w, res, options)
		}
	}
	return CheckFormat(format, Formats())
}
