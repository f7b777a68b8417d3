package html

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// What the script shows comes as arrays: a search through the text of records
// must not find the names of their fields, which besides would take most of the
// room. The fields of a struct are written in their order, and dataIndex.Names
// says once how the script calls them.

// textNo is the number of a text among pageData.texts: records have most of
// theirs in common.
type textNo int

// record is what the details of a process show. All texts are visible. Texts is
// the first field, and has all that a search is for and that is a text: the
// script reads it alone.
type record struct {
	Texts     []textNo `js:"texts"`     // recordTexts, then those that follow
	Decoded   int      `js:"decoded"`   // how many lines, the first of the texts that follow
	Ancestors int      `js:"ancestors"` // how many, the next
	Fields    int      `js:"fields"`    // which, in dataIndex.FieldSets; their values are the last
	Time      any      `js:"time"`      // 0 of a finding: dataIndex has it
	End       string   `js:"end"`
	PID       uint32   `js:"pid"`
	GUID      string   `js:"guid"`
	ParentPID uint32   `js:"parentPID"`
	WorkerPID uint32   `js:"workerPID"`
	Depth     int      `js:"depth"`
	Session   int      `js:"session"`  // its number, -1 for none
	Rules     []int    `js:"rules"`    // their numbers
	Evidence  []array  `js:"evidence"` // each a place
	Known     bool     `js:"known"`
	Recovered bool     `js:"recovered"`
	Meetings  []array  `js:"meetings"` // each a meeting
	Reasons   []int    `js:"reasons"`  // of the level, by their numbers
}

// recordTexts is how the script calls the first texts of a record, those of
// recordText in their order.
var recordTexts = []string{
	"host", "level", "image", "command", "user", "integrity", "parentImage", "parentCommand", "workerImage", "workerCommand", "link", "check", "reason",
}

// recordText has the texts of a process. Level is "" of one that is only
// context, Check is what the second decoder says.
type recordText struct {
	host, level, image, command, user, integrity, parentImage, parentCommand, workerImage, workerCommand, link, check, reason string
}

// recordTexts gives a record its texts: its own, then the lines that its
// command line hides, its ancestors, and its fields.
func (d *pageData) recordTexts(r *record, own *recordText, decoded, ancestors []string, p proctree.Process) {
	list := []string{
		own.host, own.level, own.image, own.command, own.user, own.integrity, own.parentImage, own.parentCommand, own.workerImage, own.workerCommand,
		own.link, own.check, own.reason,
	}
	fields, values := fieldsOf(p)
	r.Decoded, r.Ancestors, r.Fields = len(decoded), len(ancestors), d.fieldSet(fields)
	for _, s := range slices.Concat(list, decoded, ancestors, values) {
		r.Texts = append(r.Texts, d.text(s))
	}
}

// fieldSet returns the number of a list of fields, which nearly all processes
// of a log have in common.
func (d *pageData) fieldSet(fields []int) int {
	key := fmt.Sprint(fields)
	n, ok := d.fieldSetNo[key]
	if !ok {
		n = len(d.fieldSets)
		d.fieldSetNo[key] = n
		d.fieldSets = append(d.fieldSets, fields)
	}
	return n
}

// place is one piece of evidence, the file by its number. Offset and record ID
// are texts: a script has only 53 bits for a number. Time is 0 if it is that of
// the process's start.
type place struct {
	File     int    `js:"file"`
	Offset   string `js:"offset"`
	RecordID string `js:"recordID"`
	Time     any    `js:"time"`
	Channel  textNo `js:"channel"`
	EventID  uint16 `js:"eventID"`
	Marks    textNo `js:"marks"`
}

// meeting is a correlation rule that a finding completed: the rule's number,
// how many processes and events met it, in words, and since when.
type meeting struct {
	Rule  int    `js:"rule"`
	Total string `js:"total"`
	Since string `js:"since"`
}

// array is the fields of a struct, in their order.
type array []any

// arrayOf returns the fields of a struct.
func arrayOf[S any](s *S) array {
	v := reflect.ValueOf(s).Elem()
	list := make(array, v.NumField())
	for i := range list {
		list[i] = v.Field(i).Interface()
	}
	return list
}

// arrayNames are the script's names of the fields of each kind of array.
type arrayNames struct {
	Record  []string `json:"record"`
	Place   []string `json:"place"`
	Meeting []string `json:"meeting"`
	// Texts are the first texts of a record.
	Texts []string `json:"texts"`
}

func newArrayNames() arrayNames {
	return arrayNames{namesOf[record](), namesOf[place](), namesOf[meeting](), recordTexts}
}

func namesOf[S any]() []string {
	t := reflect.TypeFor[S]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("js")
	}
	return names
}

// findingRecord returns the record of a finding as a line.
func (d *pageData) findingRecord(f *finding.Finding) []byte {
	r := record{
		Time: 0, PID: f.ProcessID, GUID: text.Visible(f.ProcessGUID.String()), ParentPID: f.ParentProcessID, WorkerPID: f.WorkerProcessID, Depth: f.Depth,
		Session: d.sessionNumber(f), Rules: d.ruleNumbers(f), Evidence: d.places(f.Time, f.Evidence), Known: f.Known,
		Recovered: f.Recovered, Meetings: d.meetings(f), Reasons: d.reasonNumbers(phrase.Reasons(f.LevelReasons)),
	}
	d.recordTexts(&r, &recordText{
		f.Host, f.Level.String(), f.Image, f.CommandLine, f.User, f.IntegrityLevel, f.ParentImage, f.ParentCommandLine, f.WorkerImage, f.WorkerCommandLine,
		f.Link.String(), string(f.Crosscheck.State), phrase.SecondDecoderReason(f),
	}, decodedLines(f), f.Ancestors, f.Process)
	if f.Process.Exists() {
		r.End = f.Process.End().String()
	}
	return jsonLine(arrayOf(&r))
}

// context returns the number of the record of a process that is shown as
// context, which it makes if there is none. The process may run below a worker,
// but the record does not say so.
func (d *pageData) context(p proctree.Process) int {
	if n, ok := d.number[p]; ok {
		return n
	}
	texts := p.Forest().Texts()
	field := func(id event.FieldID) string { return texts.Text(p.Field(id)) }
	_, link := p.Parent()
	n := len(d.records)
	d.number[p] = n
	r := record{
		Time: p.Start().String(), End: p.End().String(), PID: p.PID(), GUID: p.GUID().String(), ParentPID: p.ParentPID(), Session: -1, Rules: []int{},
		Evidence: d.places(p.Start(), d.res.Evidence(p)), Recovered: p.Recovered(), Meetings: []array{}, Reasons: []int{},
	}
	d.recordTexts(&r, &recordText{
		host: p.Host().Name, image: texts.Text(p.Image()), command: texts.KnownText(p.CommandLine()), user: field(event.User), integrity: field(event.IntegrityLevel),
		parentImage: field(event.ParentImage), parentCommand: field(event.ParentCommandLine), link: link.String(),
		check: string(crosscheck.Unconfirmed), reason: phrase.SecondDecoderContext,
	}, nil, nil, p)
	d.records = append(d.records, jsonLine(arrayOf(&r)))
	return n
}

// sessionNumber returns the number of a finding's session, -1 for none.
func (d *pageData) sessionNumber(f *finding.Finding) int {
	if n, ok := d.session[f.Session]; ok {
		return n
	}
	return -1
}

func (d *pageData) ruleNumbers(f *finding.Finding) []int {
	numbers := make([]int, len(f.Rules))
	for i, r := range f.Rules {
		numbers[i] = d.ruleNo[r]
	}
	return numbers
}

// reasonNumbers returns the numbers of the reasons of a level, which many
// findings have in common.
func (d *pageData) reasonNumbers(reasons []string) []int {
	numbers := make([]int, len(reasons))
	for i, reason := range reasons {
		n, ok := d.reasonNo[reason]
		if !ok {
			n = len(d.reasons)
			d.reasonNo[reason] = n
			d.reasons = append(d.reasons, reason)
		}
		numbers[i] = n
	}
	return numbers
}

func (d *pageData) meetings(f *finding.Finding) []array {
	list := make([]array, 0, len(f.Correlated))
	for _, c := range f.Correlated {
		list = append(list, arrayOf(&meeting{d.ruleNo[c.Rule], phrase.MeetingCount(c), c.First().String()}))
	}
	return list
}

// places returns the pieces of evidence of a process that started at a time.
func (d *pageData) places(start event.Time, evidence []finding.Evidence) []array {
	list := make([]array, 0, len(evidence))
	for _, e := range evidence {
		n, ok := d.fileNo[e.File]
		if !ok {
			n = len(d.files)
			d.fileNo[e.File] = n
			d.files = append(d.files, e.File)
		}
		p := place{n, strconv.FormatInt(e.Offset, 10), strconv.FormatUint(e.RecordID, 10), 0, d.text(e.Channel), e.EventID, d.text(phrase.Marks(&e))}
		if e.Time != start {
			p.Time = e.Time.String()
		}
		list = append(list, arrayOf(&p))
	}
	return list
}

// text returns the number of a text, which is made visible.
func (d *pageData) text(s string) textNo {
	n, ok := d.textNo[s]
	if !ok {
		n = textNo(len(d.texts))
		d.textNo[s] = n
		visible := text.Visible(s)
		d.texts = append(d.texts, visible)
		d.size += len(visible)
	}
	return n
}
