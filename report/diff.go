package report

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"webshellscan/report/text"
)

// Document is a report that was written as JSON or JSON Lines, as far as two
// are compared: what was found by kind and key.
type Document struct {
	objects map[string]comparedObject // by kind and key
	// partial is why it does not have all that the logs hold.
	partial []string
}

// comparedObject is a host, session, finding, event or integrity finding of a
// report.
type comparedObject struct {
	kind, host, time, level, title string
	values                         map[string]string // of the fields that are compared
}

// comparison is what identifies an object of a kind, and what is compared.
// Where a record lies is neither: a log that went on has it elsewhere.
type comparison struct {
	key, title, compared []string
}

// comparisons are those of the kinds that are compared.
var comparisons = map[string]comparison{
	kindHost:    {[]string{"host"}, []string{"blind"}, []string{"blind"}},
	kindSession: {[]string{"session"}, []string{"product", "application", "worker_image"}, []string{"level", "findings", "known", "worker_end"}},
	kindFinding: {
		[]string{"host", "time", "process_id", "image", "command_line"},
		[]string{"command_line", "image"},
		[]string{"level", "rules", "known", "user", "integrity_level"},
	},
	kindEvent:     {[]string{"host", "time", "category", "summary", "process_id"}, []string{"summary"}, []string{"level", "rules", "session"}},
	kindIntegrity: {[]string{"code", "host", "channel", "file", "first", "text"}, []string{"text"}, []string{"level", "count"}},
}

// maxReportLine bounds one object of a report, in bytes.
const maxReportLine = 256 << 20

// ReadDocument reads a report that was written as json or jsonl. The error
// names the line that is neither.
func ReadDocument(r io.Reader) (*Document, error) {
	d := &Document{objects: make(map[string]comparedObject)}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<20), maxReportLine)
	manifest := false
	for n := 1; lines.Scan(); n++ {
		line := objectOf(lines.Bytes())
		if line == nil {
			continue
		}
		var o map[string]any
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("line %d: no report of webshellscan: %w", n, err)
		}
		kind, _ := o["kind"].(string)
		if kind == kindManifest {
			manifest = true
			d.addManifest(o)
		}
		d.add(kind, o)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if !manifest {
		return nil, errors.New("no report of webshellscan as JSON or JSON Lines: it has no manifest")
	}
	return d, nil
}

// objectOf returns the object in a line of a report, nil if it has none. In the
// format json, an object is a line of its own behind a name, a bracket or a
// comma.
func objectOf(line []byte) []byte {
	if at := bytes.IndexByte(line, '{'); at >= 0 && at < len(line)-1 {
		return bytes.TrimRight(line[at:], "],\r ")
	}
	return nil
}

// addManifest adds why a report does not have all that the logs hold.
func (d *Document) addManifest(o map[string]any) {
	if interrupted, _ := o["interrupted"].(bool); interrupted {
		d.partial = append(d.partial, "interrupted")
	}
	only, _ := o["only"].([]any)
	for _, what := range only {
		if s, ok := what.(string); ok {
			d.partial = append(d.partial, "only "+s)
		}
	}
}

// Doubts returns reasons why something may seem new or gone although it is not:
// a report was interrupted, or covers another part of the logs than the other.
// It is empty if there is no reason.
func Doubts(older, newer *Document) []string {
	if len(older.partial) == 0 && len(newer.partial) == 0 {
		return nil
	}
	if slices.Equal(older.partial, newer.partial) && !slices.Contains(older.partial, "interrupted") {
		return nil
	}
	var list []string
	for _, d := range []struct {
		name    string
		partial []string
	}{{"the old report", older.partial}, {"the new report", newer.partial}} {
		if len(d.partial) > 0 {
			list = append(list, d.name+" is partial ("+strings.Join(d.partial, ", ")+"): what seems new or gone may not be")
		}
	}
	return list
}

// add adds an object of a report.
func (d *Document) add(kind string, o map[string]any) {
	c, ok := comparisons[kind]
	if !ok {
		return
	}
	get := func(name string) string {
		if s, ok := o[name].(string); ok {
			return s
		}
		if o[name] == nil {
			return ""
		}
		b, _ := json.Marshal(o[name]) // it was read as JSON
		return string(b)
	}
	object := comparedObject{kind: kind, host: get("host"), time: cmp.Or(get("time"), get("first")), level: get("level"), values: make(map[string]string)}
	for _, name := range c.title {
		if object.title = get(name); object.title != "" {
			break
		}
	}
	for _, name := range c.compared {
		object.values[name] = get(name)
	}
	key := []string{kind}
	for _, name := range c.key {
		key = append(key, get(name))
	}
	d.objects[strings.Join(key, "\x00")] = object
}

// Difference is something in which two reports differ.
type Difference struct {
	// Change is "new", "gone" or "changed".
	Change string `json:"change"`
	Kind   string `json:"kind"`
	Time   string `json:"time"`
	Host   string `json:"host"`
	Level  string `json:"level"`
	Title  string `json:"title"`
	// Fields are those that changed, with their old and new values.
	Fields []ChangedField `json:"fields"`
}

// ChangedField is a field with its old and new value.
type ChangedField struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

// Differences returns how a report differs from an older one: hosts first, then
// sessions, findings, events and integrity, each in the order of time.
func Differences(older, newer *Document) []Difference {
	list := []Difference{}
	for key, is := range newer.objects {
		was, ok := older.objects[key]
		if !ok {
			list = append(list, is.difference("new", nil))
		} else if fields := changedFields(&was, &is); len(fields) > 0 {
			list = append(list, is.difference("changed", fields))
		}
	}
	for key, was := range older.objects {
		if _, ok := newer.objects[key]; !ok {
			list = append(list, was.difference("gone", nil))
		}
	}
	order := []string{kindHost, kindSession, kindFinding, kindEvent, kindIntegrity}
	slices.SortFunc(list, func(a, b Difference) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)), strings.Compare(a.Time, b.Time), strings.Compare(a.Host, b.Host),
			strings.Compare(a.Change, b.Change), strings.Compare(a.Title, b.Title), strings.Compare(fmt.Sprint(a.Fields), fmt.Sprint(b.Fields)),
		)
	})
	return list
}

// difference returns the difference that an object is.
func (o *comparedObject) difference(change string, fields []ChangedField) Difference {
	if fields == nil {
		fields = []ChangedField{}
	}
	return Difference{change, o.kind, o.time, o.host, o.level, o.title, fields}
}

// changedFields returns the fields in which two objects differ, by name.
func changedFields(was, is *comparedObject) []ChangedField {
	var fields []ChangedField
	for _, name := range slices.Sorted(maps.Keys(is.values)) {
		if was.values[name] != is.values[name] {
			fields = append(fields, ChangedField{name, was.values[name], is.values[name]})
		}
	}
	return fields
}

// diffTable writes a line or two for each difference.
func diffTable(w io.Writer, list []Difference, o Options) error {
	p := printer{w: w}
	if len(list) == 0 {
		p.line("No differences.")
		return p.err
	}
	counts := make(map[string]int)
	for _, d := range list {
		counts[d.Change]++
	}
	p.line("%d new, %d gone, %d changed", counts["new"], counts["gone"], counts["changed"])
	width := tableWidth(o)
	for _, d := range list {
		head := fmt.Sprintf("%-8s%s  %s  %s  %s  %s", d.Change, d.Kind, cmp.Or(text.Visible(d.Level), "-"), text.Visible(d.Time), text.Visible(d.Host), text.Visible(d.Title))
		for i, line := range text.Wrap(head, width-8, maxProcessLines) {
			p.line("%s%s", []string{"", "        "}[min(i, 1)], line)
		}
		for _, f := range d.Fields {
			p.wrapped(width, "        ", fmt.Sprintf("%s: %s, was %s", f.Name, cmp.Or(text.Visible(f.New), "-"), cmp.Or(text.Visible(f.Old), "-")))
		}
	}
	return p.err
}

// diffColumns are the columns of differences.
var diffColumns = []csvColumn[Difference]{
	{"change", func(d *Difference) string { return d.Change }},
	{"kind", func(d *Difference) string { return d.Kind }},
	{"time", func(d *Difference) string { return d.Time }},
	{"host", func(d *Difference) string { return d.Host }},
	{"level", func(d *Difference) string { return d.Level }},
	{"title", func(d *Difference) string { return d.Title }},
	{"fields", func(d *Difference) string {
		var cells []string
		for _, f := range d.Fields {
			cells = append(cells, f.Name+": "+f.Old+" > "+f.New)
		}
		return strings.Join(cells, ";")
	}},
}

func diffCSV(w io.Writer, list []Difference, o Options) error {
	return writeColumns(newCSVWriter(w, o), list, diffColumns, func(d Difference) Difference { return d })
}

func diffJSONL(w io.Writer, list []Difference, _ Options) error {
	enc := newEncoder(w)
	for i := range list {
		if err := enc.Encode(&list[i]); err != nil {
			return err
		}
	}
	return nil
}
