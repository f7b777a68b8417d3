package draw

import (
	"bufio"
	"encoding/json"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// jsonPen writes trees as one JSON document: a list of trees, each with a list
// of processes that name their parents. Nesting would be as deep as a forged
// log wants it.
type jsonPen struct {
	out     *bufio.Writer
	options *Options
	first   bool
}

func newJSONPen(out *bufio.Writer, o *Options) pen { return &jsonPen{out, o, true} }

// treeProcess is a process of a tree as JSON has it.
type treeProcess struct {
	ID             int                `json:"id"`
	Parent         *int               `json:"parent"`
	Depth          int                `json:"depth"`
	Start          string             `json:"start"`
	End            string             `json:"end"`
	Image          string             `json:"image"`
	CommandLine    string             `json:"command_line"`
	ProcessID      uint32             `json:"process_id"`
	ProcessGUID    string             `json:"process_guid"`
	User           string             `json:"user"`
	IntegrityLevel string             `json:"integrity_level"`
	Link           string             `json:"link"`
	Stub           bool               `json:"stub"`
	Level          string             `json:"level"`
	Rules          []string           `json:"rules"`
	Evidence       []finding.Evidence `json:"evidence"`
	LeftOut        *leftOutCounts     `json:"left_out,omitempty"`
	// Count is how many processes of one shape this one stands for, and
	// Last when the last of them started: of one that stands for itself
	// neither is there.
	Count int    `json:"count,omitempty"`
	Last  string `json:"last,omitempty"`
}

// leftOutCounts is a leftOut as JSON has it.
type leftOutCounts struct {
	Time  int `json:"time"`
	Depth int `json:"depth"`
	Bound int `json:"bound"`
	Above int `json:"above"`
	// Context counts those that no rule matched, of a session's tree.
	Context int `json:"context,omitempty"`
	// Level is the highest level of those that rules matched.
	Level string `json:"level,omitempty"`
}

// counts returns what was left out below a process, nil if nothing was.
func (d *drawing) counts(index int) *leftOutCounts {
	if left, ok := d.left[index]; ok {
		counts := leftOutCounts{Time: left.time, Depth: left.depth, Bound: left.bound, Above: left.above, Context: left.context}
		if left.level > rules.LevelNone {
			counts.Level = left.level.String()
		}
		return &counts
	}
	return nil
}

func (j *jsonPen) begin() { j.text(`{"trees":[`) }
func (j *jsonPen) end() {
	if j.text("]"); j.options.Interrupted {
		j.text(`,"interrupted":true`)
	}
	if len(j.options.Blind) > 0 {
		j.text(`,"blind":`)
		j.value(j.options.Blind)
	}
	j.text("}\n")
}

// text writes a text; errors are kept by the bufio.Writer.
func (j *jsonPen) text(s string) { _, _ = j.out.WriteString(s) }

// value writes a value. Strings, numbers and lists of them always encode.
func (j *jsonPen) value(v any) {
	data, _ := json.Marshal(v)
	_, _ = j.out.Write(data)
}

func (j *jsonPen) draw(d *drawing) {
	if !j.first {
		j.text(",")
	}
	j.first = false
	j.text("\n" + `{"host":`)
	j.value(d.host.Name)
	j.text(`,"left_out":`)
	j.value(d.counts(-1))
	j.text(`,"processes":[`)
	for i, it := range d.items {
		if i > 0 {
			j.text(",")
		}
		j.text("\n")
		j.value(j.process(d, i, it))
	}
	j.text("]}")
}

func (j *jsonPen) process(d *drawing, index int, it item) treeProcess {
	p, texts := it.process, d.forest.Texts()
	_, link := p.Parent()
	t := treeProcess{
		ID: index + 1, Depth: int(it.depth), Start: p.Start().String(), End: p.End().String(),
		Image: texts.Text(p.Image()), CommandLine: texts.KnownText(p.CommandLine()), ProcessID: p.PID(), ProcessGUID: p.GUID().String(),
		User: texts.KnownText(p.Field(event.User)), IntegrityLevel: texts.KnownText(p.Field(event.IntegrityLevel)),
		Link: link.String(), Stub: p.Stub(), Rules: []string{}, Evidence: []finding.Evidence{}, LeftOut: d.counts(index),
	}
	if again, ok := d.repeated[index]; ok {
		t.Count, t.Last = again.count, again.last.String()
	}
	if it.parent >= 0 {
		parent := int(it.parent) + 1
		t.Parent = &parent
	}
	if j.options.Evidence != nil {
		t.Evidence = j.options.Evidence(p)
	}
	if f := j.options.Finding(p); f != nil {
		t.Level = f.Level.String()
		for _, r := range f.Rules {
			t.Rules = append(t.Rules, r.Label())
		}
	}
	return t
}
