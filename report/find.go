package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

// Matches are what a search found, and in what.
type Matches struct {
	Result *scan.Result
	List   []scan.Match
}

// matchObject is a Match as JSON Lines have it; CSV has the same columns.
type matchObject struct {
	Kind      string            `json:"kind"`
	Time      string            `json:"time"`
	Host      string            `json:"host"`
	ProcessID *uint32           `json:"process_id"`
	Image     string            `json:"image"`
	Session   string            `json:"session"`
	Ancestors []string          `json:"ancestors"`
	Matched   map[string]string `json:"matched"`
	File      string            `json:"file"`
	RecordID  uint64            `json:"record_id"`
	Offset    int64             `json:"offset"`

	text string // the values that matched, in their order
}

// maxMatchAncestors bounds how many ancestors of a match are named.
const maxMatchAncestors = 64

func (m Matches) object(found *scan.Match) matchObject {
	o := matchObject{
		Kind: "process", Time: found.Time.String(), Host: found.Host, Session: found.Session,
		Ancestors: []string{}, Matched: make(map[string]string, len(found.Fields)),
	}
	var values []string
	for _, f := range found.Fields {
		o.Matched[f.Name] = f.Value
		values = append(values, f.Value)
	}
	o.text = strings.Join(values, "; ")
	if p := found.Process; p.Exists() {
		pid := p.PID()
		o.ProcessID, o.Image = &pid, p.Forest().Texts().Text(p.Image())
		o.Ancestors = ancestorsOf(p)
	}
	switch {
	case found.Event != nil:
		o.Kind = kindEvent
		if len(found.Event.Evidence) > 0 {
			e := &found.Event.Evidence[0]
			o.File, o.RecordID, o.Offset = e.File, e.RecordID, e.Offset
		}
	case found.Request != nil:
		o.Kind, o.File, o.Offset = kindRequest, found.Request.File, found.Request.Offset
	default:
		if list := m.Result.Evidence(found.Process); len(list) > 0 {
			o.File, o.RecordID, o.Offset = list[0].File, list[0].RecordID, list[0].Offset
		}
	}
	return o
}

// ancestorsOf returns the images above a process, the outermost first.
func ancestorsOf(p proctree.Process) []string {
	list := []string{}
	for len(list) < maxMatchAncestors {
		parent, _ := p.Parent()
		if !parent.Exists() {
			break
		}
		p = parent
		list = append(list, p.Forest().Texts().Text(p.Image()))
	}
	slices.Reverse(list)
	return list
}

// findTable writes each match with the way down to it, and on which hosts
// nothing could match.
func findTable(w io.Writer, m Matches, o Options) error {
	width, out := tableWidth(o), bufio.NewWriter(w)
	if err := writeScope(out, &m.Result.Summary, width); err != nil {
		return err
	}
	p := printer{w: out}
	for i := range m.List {
		m.print(&p, &m.List[i], width)
	}
	if len(m.List) == 0 {
		p.line("Nothing matches.")
	}
	if p.err != nil {
		return p.err
	}
	if err := blindSection(out, &m.Result.Summary, width); err != nil {
		return err
	}
	return out.Flush()
}

// print writes one match.
func (m Matches) print(p *printer, found *scan.Match, width int) {
	o := m.object(found)
	head := fmt.Sprintf("%s  %s  %s", text.Time(found.Time), text.Visible(found.Host), o.Kind)
	if o.ProcessID != nil {
		head += fmt.Sprintf(" %d", *o.ProcessID)
	}
	for _, line := range text.Wrap(head, width, 2) {
		p.line("%s", line)
	}
	var way []string
	for _, image := range append(o.Ancestors, o.Image) {
		if image != "" {
			way = append(way, text.Visible(proctree.BaseName(image)))
		}
	}
	lines := []string{strings.Join(way, " > ")}
	for _, f := range found.Fields {
		lines = append(lines, f.Name+": "+text.Visible(f.Value))
	}
	if found.Session != "" {
		lines = append(lines, "session "+text.Visible(found.Session))
	}
	const indent = "  "
	for _, content := range lines {
		if content == "" {
			continue
		}
		for _, line := range text.Wrap(content, width-len(indent), maxProcessLines) {
			p.line("%s%s", indent, line)
		}
	}
}

// findColumns are the columns of matches.
var findColumns = []csvColumn[matchObject]{
	{"time", func(o *matchObject) string { return o.Time }},
	{"host", func(o *matchObject) string { return o.Host }},
	{"kind", func(o *matchObject) string { return o.Kind }},
	{"process_id", func(o *matchObject) string {
		if o.ProcessID == nil {
			return ""
		}
		return formatUint(*o.ProcessID)
	}},
	{"image", func(o *matchObject) string { return o.Image }},
	{"matched", func(o *matchObject) string { return o.text }},
	{"session", func(o *matchObject) string { return o.Session }},
	{"ancestors", func(o *matchObject) string { return strings.Join(o.Ancestors, " > ") }},
	{"file", func(o *matchObject) string { return o.File }},
	{"record_id", func(o *matchObject) string { return formatUint(o.RecordID) }},
	{"offset", func(o *matchObject) string { return strconv.FormatInt(o.Offset, 10) }},
	{"blind", func(_ *matchObject) string { return "" }},
}

func findCSV(w io.Writer, m Matches, o Options) error {
	c := newCSVWriter(w, o)
	if err := writeColumns(c, m.List, findColumns, func(found scan.Match) matchObject { return m.object(&found) }); err != nil {
		return err
	}
	if err := writeBlind(c, findColumns, blindLines(m.Result)); err != nil {
		return err
	}
	return c.interrupted(&m.Result.Summary, len(findColumns))
}

// unseenObject is the last kind of object of JSON Lines: a host on which
// nothing could match, or, without a host, why none could on any, or that the
// search was interrupted.
type unseenObject struct {
	Kind string `json:"kind"`
	Host string `json:"host"`
	Text string `json:"text"`
}

func findJSONL(w io.Writer, m Matches, _ Options) error {
	out := bufio.NewWriter(w)
	enc := newEncoder(out)
	for i := range m.List {
		o := m.object(&m.List[i])
		if err := enc.Encode(&o); err != nil {
			return err
		}
	}
	var unseen []unseenObject
	for _, b := range slices.Concat(wholeBlind(&m.Result.Summary), m.Result.Summary.BlindHosts) {
		unseen = append(unseen, unseenObject{"blind", b.Host, b.Text})
	}
	if m.Result.Summary.Interrupted != nil {
		unseen = append(unseen, unseenObject{"interrupted", "", text.Interrupted})
	}
	for i := range unseen {
		if err := enc.Encode(&unseen[i]); err != nil {
			return err
		}
	}
	return out.Flush()
}
