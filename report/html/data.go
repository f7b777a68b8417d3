package html

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// pageData is what the script of an HTML report shows on demand: a record for
// each finding, in their order, then one for each process that is only shown as
// context in a tree. A record is one line of JSON, which is parsed when it is
// looked at.
type pageData struct {
	res      *scan.Result
	findings []*finding.Finding // those that have a record
	records  [][]byte
	texts    []string // visible, of all records; the first is ""
	textNo   map[string]textNo
	size     int // bytes of records and texts

	fieldSets  [][]int
	fieldSetNo map[string]int
	number     map[proctree.Process]int
	raw        [][]byte
	rules      []*rules.Rule
	ruleNo     map[*rules.Rule]int
	files      []string
	fileNo     map[string]int
	reasons    []string // of levels
	reasonNo   map[string]int
	session    map[string]int // by key
	marks      []markEntry
}

func newPageData(res *scan.Result) *pageData {
	d := &pageData{
		res: res, number: make(map[proctree.Process]int), ruleNo: make(map[*rules.Rule]int),
		textNo: make(map[string]textNo), fieldSetNo: make(map[string]int), fileNo: make(map[string]int), reasonNo: make(map[string]int), session: make(map[string]int),
	}
	for i, s := range res.Sessions {
		d.session[s.Key] = i
	}
	d.text("")
	d.collectRules()
	d.collectFindings()
	return d
}

// collectRules numbers the rules that findings matched, the gravest first.
func (d *pageData) collectRules() {
	d.rules = finding.MatchedRules(d.res.Findings)
	for i, r := range d.rules {
		d.ruleNo[r] = i
	}
}

func (d *pageData) ruleRefs(f *finding.Finding) []ruleRef {
	refs := make([]ruleRef, len(f.Rules))
	for i, r := range f.Rules {
		refs[i] = ruleRef{phrase.RuleTitle(r), d.ruleNo[r]}
	}
	return refs
}

// collectFindings makes the records of the findings: of all, or, where those
// are too many, of the gravest sessions' first.
func (d *pageData) collectFindings() {
	order := d.byGravity()
	records := make(map[*finding.Finding][]byte, len(order))
	for _, f := range order {
		line := d.findingRecord(f)
		if d.size += len(line); d.size > maxData {
			break
		}
		records[f] = line
	}
	rawSize, raws := 0, 0
	for _, f := range d.res.Findings {
		line, ok := records[f]
		if !ok {
			continue
		}
		n := len(d.records)
		if f.Process.Exists() {
			d.number[f.Process] = n
		}
		d.findings = append(d.findings, f)
		d.records = append(d.records, line)
		if f.Crosscheck.Raw == nil || raws == MaxRawEvents || rawSize > maxData/4 {
			continue
		}
		raw := jsonLine([]any{n, visibleValue(f.Crosscheck.Raw, maxRawDepth)})
		raws, rawSize = raws+1, rawSize+len(raw)
		d.raw = append(d.raw, raw)
	}
}

// byGravity returns the findings that may have a record: those of the gravest
// sessions first, those of none by their own level.
func (d *pageData) byGravity() []*finding.Finding {
	order := make([]*finding.Finding, 0, len(d.res.Findings))
	for _, s := range d.res.Sessions {
		order = append(order, s.Findings...)
	}
	for _, f := range d.res.Findings {
		if _, ok := d.session[f.Session]; !ok {
			order = append(order, f)
		}
	}
	level := func(f *finding.Finding) rules.Level {
		if n, ok := d.session[f.Session]; ok {
			return d.res.Sessions[n].Level
		}
		return f.Level
	}
	slices.SortStableFunc(order, func(a, b *finding.Finding) int {
		return cmp.Or(cmp.Compare(baselineRank(a), baselineRank(b)), cmp.Compare(level(b), level(a)))
	})
	return order[:min(len(order), maxFindings)]
}

// baselineRank orders what a baseline has behind what it does not.
func baselineRank(f *finding.Finding) int {
	if f.Known {
		return 1
	}
	return 0
}

// shownFields are the fields that a record has in places of their own.
var shownFields = map[event.FieldID]bool{
	event.ProcessGUID: true, event.ProcessID: true, event.Image: true, event.CommandLine: true, event.User: true, event.IntegrityLevel: true,
	event.ParentProcessID: true, event.ParentImage: true, event.ParentCommandLine: true, event.NewProcessID: true,
}

// fieldsOf returns the other fields that are known of a process, and their
// values.
func fieldsOf(p proctree.Process) (fields []int, values []string) {
	fields = []int{}
	if !p.Exists() {
		return fields, nil
	}
	texts := p.Forest().Texts()
	for id := event.FieldNone + 1; int(id) < event.NumPayloadFields; id++ {
		if shownFields[id] {
			continue
		}
		if s := texts.Text(p.Field(id)); s != "" {
			fields, values = append(fields, int(id)), append(values, s)
		}
	}
	return fields, values
}

func visibleTexts(texts []string) []string {
	list := make([]string, len(texts))
	for i, s := range texts {
		list[i] = text.Visible(s)
	}
	return list
}

// Bounds of one raw event.
const (
	maxRawDepth = 16
	maxRawText  = 32 << 10 // bytes of one value
)

// maxNumber is up to where a script has all whole numbers.
const maxNumber = 1 << 53

// visibleValue returns a raw event with its texts made visible. Numbers of
// which a script would lose digits become texts.
func visibleValue(v any, depth int) any {
	switch v := v.(type) {
	case string:
		if len(v) > maxRawText {
			return text.Visible(v[:maxRawText]) + fmt.Sprintf("… (%d bytes more)", len(v)-maxRawText)
		}
		return text.Visible(v)
	case map[string]any:
		if depth == 0 {
			return "…"
		}
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[text.Visible(key)] = visibleValue(value, depth-1)
		}
		return m
	case []any:
		if depth == 0 {
			return "…"
		}
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = visibleValue(value, depth-1)
		}
		return list
	case int:
		return visibleValue(int64(v), depth)
	case uint:
		return visibleValue(uint64(v), depth)
	case int64:
		if v > maxNumber || v < -maxNumber {
			return strconv.FormatInt(v, 10)
		}
		return v
	case uint64:
		if v > maxNumber {
			return strconv.FormatUint(v, 10)
		}
		return v
	case nil, bool, float64, int8, int16, int32, uint8, uint16, uint32:
		return v
	}
	return text.Visible(fmt.Sprint(v))
}

// jsonLine returns a value as one line of JSON in which <, > and & are escaped,
// so that it cannot end the data block that it stands in.
func jsonLine(v any) []byte {
	line, err := json.Marshal(v)
	if err != nil {
		line, _ = json.Marshal("cannot be shown: " + text.Visible(err.Error()))
	}
	return line
}

// jsonLines returns texts as lines of JSON.
func jsonLines(texts []string) [][]byte {
	lines := make([][]byte, len(texts))
	for i, s := range texts {
		lines[i] = jsonLine(s)
	}
	return lines
}

// dataIndex is what the script filters by, column by column.
type dataIndex struct {
	Names    arrayNames `json:"names"`
	Hosts    []string   `json:"hosts"`
	Rules    []string   `json:"rules"`  // titles of rules
	Labels   []string   `json:"labels"` // their names, to search for
	Sessions []string   `json:"sessions"`
	Fields   []string   `json:"fields"`
	// FieldSets are lists of numbers of fields.
	FieldSets [][]int  `json:"fieldSets"`
	Files     []string `json:"files"`
	Reasons   []string `json:"reasons"`
	Count     int      `json:"count"` // of findings: the first records
	Left      int      `json:"left"`  // findings without a record
	Host      []int    `json:"host"`
	Level     []int    `json:"level"`
	Time      []string `json:"time"`
	Rule      [][]int  `json:"rule"`
	Session   []int    `json:"session"`

	Marks []markEntry `json:"marks"`
}

// write writes the data blocks.
func (d *pageData) write(out *bufio.Writer) error {
	for _, block := range []struct {
		id    string
		lines [][]byte
	}{{"data", [][]byte{jsonLine(d.index())}}, {"texts", jsonLines(d.texts)}, {"records", d.records}, {"raw", d.raw}} {
		_, _ = out.WriteString(`<script type="application/json" id="` + block.id + `">`)
		for i, line := range block.lines {
			if i > 0 {
				_ = out.WriteByte('\n')
			}
			_, _ = out.Write(line)
		}
		if _, err := out.WriteString("</script>\n"); err != nil {
			return err
		}
	}
	return nil
}

func (d *pageData) index() dataIndex {
	index := dataIndex{Names: newArrayNames(), FieldSets: d.fieldSets, Files: visibleTexts(d.files), Reasons: visibleTexts(d.reasons), Marks: d.marks, Count: len(d.findings), Left: len(d.res.Findings) - len(d.findings)}
	for _, r := range d.rules {
		index.Rules = append(index.Rules, shortText(phrase.RuleTitle(r)))
		index.Labels = append(index.Labels, shortText(r.Label()))
	}
	for id := range event.NumPayloadFields {
		index.Fields = append(index.Fields, event.FieldID(id).String())
	}
	for _, s := range d.res.Sessions {
		index.Sessions = append(index.Sessions, sessionTitle(s))
	}
	hosts := make(map[string]int)
	for _, f := range d.findings {
		n, ok := hosts[f.Host]
		if !ok {
			n = len(index.Hosts)
			hosts[f.Host] = n
			index.Hosts = append(index.Hosts, shortText(f.Host))
		}
		index.Host, index.Level = append(index.Host, n), append(index.Level, int(f.Level))
		index.Time, index.Session = append(index.Time, f.Time.String()), append(index.Session, d.sessionNumber(f))
		index.Rule = append(index.Rule, d.ruleNumbers(f))
	}
	return index
}

// decodedLines returns what a finding's command line holds encoded, line by
// line.
func decodedLines(f *finding.Finding) []string {
	if f.DecodedCommand == "" {
		return nil
	}
	return strings.Split(f.DecodedCommand, "\n")
}

// visibleLines returns the lines of a text, each visible.
func visibleLines(s string) []string { return visibleTexts(strings.Split(s, "\n")) }
