package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/internal/nearest"
	"webshellscan/report/draw"
	"webshellscan/report/html"
	"webshellscan/scan"
)

// ScanFormats are the formats of what a scan found.
var ScanFormats = Formats[*scan.Result]{[]Format[*scan.Result]{
	{"table", []string{".txt"}, Needs{}, "flat sort+flat width", writeTable},
	{"csv", []string{".csv"}, Needs{}, "sessions processes sort " + csvFlags, writeCSV},
	{"jsonl", []string{".jsonl", ".ndjson"}, Needs{Manifest: true}, "", writeJSONL},
	{"json", []string{".json"}, Needs{Manifest: true, RawEvents: html.MaxRawEvents}, "", writeJSON},
	{"html", []string{".html", ".htm"}, Needs{Manifest: true, RawEvents: html.MaxRawEvents}, "title case author marks", writeHTML},
	{"sessions-csv", []string{".sessions.csv"}, Needs{}, csvFlags, writeSessionsCSV},
	{"timesketch", []string{".timesketch.jsonl"}, Needs{}, "", writeTimesketchJSONL},
	{"timesketch-csv", []string{".timesketch.csv"}, Needs{}, csvFlags, writeTimesketchCSV},
	{"navigator", []string{".navigator.json"}, Needs{}, "", writeNavigator},
	{"timeline", []string{".timeline.csv"}, Needs{}, csvFlags, writeTimeline},
	{"indicators", []string{".indicators.csv", stixEnding}, Needs{}, csvFlags, writeIndicators},
	{"stack", []string{".stack.csv"}, Needs{}, csvFlags, writeStack},
	{"markdown", []string{".md", ".markdown"}, Needs{}, "", writeMarkdown},
}}

// VerifyFormats are the formats of log integrity, coverage and inputs.
var VerifyFormats = Formats[*scan.Result]{[]Format[*scan.Result]{
	{"table", []string{".txt"}, Needs{Manifest: true}, "width", verifyTable},
	{"csv", []string{".csv"}, Needs{Manifest: true}, csvFlags, verifyCSV},
	{"jsonl", []string{".jsonl", ".ndjson"}, Needs{Manifest: true}, "", verifyJSONL},
	{"json", []string{".json"}, Needs{Manifest: true}, "", verifyJSON},
	{"html", []string{".html", ".htm"}, Needs{Manifest: true}, "", verifyHTML},
}}

// TreeFormats are the formats of process trees.
var TreeFormats = Formats[*draw.Trees]{[]Format[*draw.Trees]{
	{"text", []string{".txt"}, Needs{}, "width ascii", treesIn(draw.Text)},
	{"json", []string{".json"}, Needs{}, "", treesIn(draw.JSON)},
	{"dot", []string{".dot", ".gv"}, Needs{}, "", treesIn(draw.DOT)},
	{"mermaid", []string{".mmd", ".mermaid"}, Needs{}, "", treesIn(draw.Mermaid)},
}}

// RuleListFormats are the formats of lists of rules with what a scan does with
// each.
var RuleListFormats = Formats[*scan.RuleSets]{[]Format[*scan.RuleSets]{
	{"table", []string{".txt"}, Needs{}, "width", ruleListTable},
	{"csv", []string{".csv"}, Needs{}, csvFlags, ruleListCSV},
	{"json", []string{".json"}, Needs{}, "", ruleListJSON},
}}

// RuleCheckFormats are the formats of what is wrong with rules.
var RuleCheckFormats = Formats[[]Problem]{[]Format[[]Problem]{
	{"table", []string{".txt"}, Needs{}, "", ruleCheckTable},
	{"csv", []string{".csv"}, Needs{}, csvFlags, ruleCheckCSV},
	{"json", []string{".json"}, Needs{}, "", ruleCheckJSON},
}}

// RuleShowFormats are the formats of single rules.
var RuleShowFormats = Formats[ShownRules]{[]Format[ShownRules]{
	{"text", []string{".txt"}, Needs{}, "width", ruleShowText},
	{"json", []string{".json"}, Needs{}, "", ruleShowJSON},
}}

// ExplainFormats are the formats of explanations.
var ExplainFormats = Formats[Explanations]{[]Format[Explanations]{
	{"text", []string{".txt"}, Needs{}, "width", explainText},
	{"json", []string{".json"}, Needs{}, "", explainJSON},
}}

// FindFormats are the formats of what a search found.
var FindFormats = Formats[Matches]{[]Format[Matches]{
	{"table", []string{".txt"}, Needs{}, "width", findTable},
	{"csv", []string{".csv"}, Needs{}, csvFlags, findCSV},
	{"jsonl", []string{".jsonl", ".ndjson"}, Needs{}, "", findJSONL},
}}

// DiffFormats are the formats of differences.
var DiffFormats = Formats[[]Difference]{[]Format[[]Difference]{
	{"table", []string{".txt"}, Needs{}, "width", diffTable},
	{"csv", []string{".csv"}, Needs{}, csvFlags, diffCSV},
	{"jsonl", []string{".jsonl", ".ndjson"}, Needs{}, "", diffJSONL},
}}

// Options are how a report looks.
type Options struct {
	// Width is how many columns a table may take, from 40 to 250; 0 means
	// 80, and for the text of a tree that lines are not broken.
	Width int
	// Color colours a table with terminal sequences.
	Color bool
	// ASCII draws trees with ASCII characters only.
	ASCII bool
	// Screen bounds a table for a terminal, where nobody reads hundreds of
	// sessions.
	Screen bool
	// Flat makes a table of all findings instead of sessions with their
	// trees.
	Flat bool
	// Sessions makes a CSV of sessions instead of findings.
	Sessions bool
	// Processes adds to a CSV of findings every other process of the
	// sessions.
	Processes bool
	// Path is the name of the file that is written, "" if it has none. A
	// format with several kinds of file chooses one by its ending.
	Path string
	// Raw leaves the cells of a CSV as they are: formulas are not guarded.
	Raw bool
	// ExcelTimes writes the times in a CSV so that spreadsheets recognize
	// them: 2026-03-01 08:30:00.123, in UTC.
	ExcelTimes bool
	// BOM begins a CSV with the byte order mark by which Excel recognizes
	// UTF-8.
	BOM bool
	// Page is what an HTML report has besides the result.
	Page html.Options
	// ByTime sorts the findings of a CSV and of a flat table by time over
	// all hosts.
	ByTime bool
}

// Needs are what a scan must provide for a format.
type Needs struct {
	// Manifest is set if the format names the inputs with their hashes
	// (scan.Options.Hash).
	Manifest bool
	// RawEvents is how many raw events the format has use for
	// (scan.Options.RawEvents).
	RawEvents int
}

// csvFlags are the flags that all CSV has a use for.
const csvFlags = "csv-raw csv-excel csv-time"

// Format is one format of a content C: its name, the endings of its files, the
// usual one first, what it needs, and what writes it.
type Format[C any] struct {
	Name    string
	Endings []string
	Needs   Needs
	// Flags names the flags that this format uses and others do not, with
	// spaces between them; "sort+flat" is sort beside flat only.
	Flags string
	Write func(io.Writer, C, Options) error
}

// Use is a format that has a use for a flag: beside the flag With only, if that
// is not empty.
type Use struct{ Format, With string }

// Formats are the formats of one content. They never change.
type Formats[C any] struct{ list []Format[C] }

// Names returns the names of the formats, that of the default first.
func (f Formats[C]) Names() []string {
	names := make([]string, len(f.list))
	for i := range f.list {
		names[i] = f.list[i].Name
	}
	return names
}

// find returns the format with a name, or an error that names the formats.
func (f Formats[C]) find(name string) (*Format[C], error) {
	for i := range f.list {
		if f.list[i].Name == name {
			return &f.list[i], nil
		}
	}
	return nil, fmt.Errorf("unknown format %q: one of %s%s", name, strings.Join(f.Names(), ", "), nearest.Question(name, f.Names()))
}

// Check returns an error that names the formats if one is not among them.
func (f Formats[C]) Check(name string) error {
	_, err := f.find(name)
	return err
}

// Endings returns the endings of the files of a format, the usual one first.
func (f Formats[C]) Endings(name string) []string {
	if format, err := f.find(name); err == nil {
		return slices.Clone(format.Endings)
	}
	return nil
}

// OfPath returns the format whose files end as a path does, compared without
// case, and "" if there is none. The longest ending counts: x.timesketch.csv is
// no csv.
func (f Formats[C]) OfPath(path string) string {
	path = strings.ToLower(path)
	name, longest := "", 0
	for i := range f.list {
		for _, ending := range f.list[i].Endings {
			if len(ending) > longest && strings.HasSuffix(path, ending) {
				name, longest = f.list[i].Name, len(ending)
			}
		}
	}
	return name
}

// Uses returns the formats that have a use for a flag.
func (f Formats[C]) Uses(flag string) []Use {
	var uses []Use
	for i := range f.list {
		for use := range strings.FieldsSeq(f.list[i].Flags) {
			if name, with, _ := strings.Cut(use, "+"); name == flag {
				uses = append(uses, Use{f.list[i].Name, with})
			}
		}
	}
	return uses
}

// Needs returns what a format needs.
func (f Formats[C]) Needs(name string) Needs {
	if format, err := f.find(name); err == nil {
		return format.Needs
	}
	return Needs{}
}

// Write writes a content in a format. An error of w ends it.
func (f Formats[C]) Write(w io.Writer, name string, content C, o Options) error {
	format, err := f.find(name)
	if err != nil {
		return err
	}
	return format.Write(w, content, o)
}

// treesIn returns what writes trees in a format of package draw.
func treesIn(write func(io.Writer, *draw.Trees) error) func(io.Writer, *draw.Trees, Options) error {
	return func(w io.Writer, t *draw.Trees, o Options) error {
		drawn := *t
		drawn.ASCII = drawn.ASCII || o.ASCII
		drawn.Width = o.Width
		return write(w, &drawn)
	}
}

// verifyHTML writes the page of the logs.
func verifyHTML(w io.Writer, res *scan.Result, _ Options) error { return html.WriteVerify(w, res) }

// writeHTML writes the page.
func writeHTML(w io.Writer, res *scan.Result, o Options) error { return html.Write(w, res, o.Page) }
