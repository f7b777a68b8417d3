package html

import (
	"reflect"
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

// record is what the details of a process show. All texts are visible.
type record struct {
	Host          string      `js:"host"`
	Time          string      `js:"time"`
	End           string      `js:"end"`
	Level         string      `js:"level"` // "" of a process that is only context
	Image         string      `js:"image"`
	Command       string      `js:"command"`
	Decoded       []string    `js:"decoded"` // lines
	PID           uint32      `js:"pid"`
	GUID          string      `js:"guid"`
	User          string      `js:"user"`
	Integrity     string      `js:"integrity"`
	ParentImage   string      `js:"parentImage"`
	ParentCommand string      `js:"parentCommand"`
	ParentPID     uint32      `js:"parentPID"`
	WorkerImage   string      `js:"workerImage"`
	WorkerPID     uint32      `js:"workerPID"`
	WorkerCommand string      `js:"workerCommand"`
	Depth         int         `js:"depth"`
	Ancestors     []string    `js:"ancestors"`
	Link          string      `js:"link"`
	Session       int         `js:"session"`  // its number, -1 for none
	Rules         []int       `js:"rules"`    // their numbers
	Evidence      []array     `js:"evidence"` // each a place
	Check         string      `js:"check"`    // what the second decoder says
	Reason        string      `js:"reason"`
	Fields        []fieldPair `js:"fields"`
	Known         bool        `js:"known"`
	Recovered     bool        `js:"recovered"`
	Meetings      []array     `js:"meetings"` // each a meeting
	Reasons       []int       `js:"reasons"`  // of the level, by their numbers
}

// place is one piece of evidence, the file by its number. Offset and record ID
// are texts: a script has only 53 bits for a number.
type place struct {
	File     int    `js:"file"`
	Offset   string `js:"offset"`
	RecordID string `js:"recordID"`
	Time     string `js:"time"`
	Channel  string `js:"channel"`
	EventID  uint16 `js:"eventID"`
	Marks    string `js:"marks"`
}

// meeting is a correlation rule that a finding completed: the rule's number,
// how many processes met it, and since when.
type meeting struct {
	Rule  int    `js:"rule"`
	Total int    `js:"total"`
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

// arrayNames says how the script calls the fields of each kind of array.
type arrayNames struct {
	Record  []string `json:"record"`
	Place   []string `json:"place"`
	Meeting []string `json:"meeting"`
}

func newArrayNames() arrayNames {
	return arrayNames{namesOf[record](), namesOf[place](), namesOf[meeting]()}
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
		Host: text.Visible(f.Host), Time: f.Time.String(), Level: f.Level.String(), Image: text.Visible(f.Image),
		Command: text.Visible(f.CommandLine), Decoded: decodedLines(f),
		PID: f.ProcessID, GUID: text.Visible(f.ProcessGUID.String()), User: text.Visible(f.User), Integrity: text.Visible(f.IntegrityLevel),
		ParentImage: text.Visible(f.ParentImage), ParentCommand: text.Visible(f.ParentCommandLine), ParentPID: f.ParentProcessID,
		WorkerImage: text.Visible(f.WorkerImage), WorkerPID: f.WorkerProcessID, WorkerCommand: text.Visible(f.WorkerCommandLine),
		Depth: f.Depth, Ancestors: visibleTexts(f.Ancestors), Link: f.Link.String(),
		Session: d.sessionNumber(f), Rules: d.ruleNumbers(f), Evidence: d.places(f.Evidence),
		Check: string(f.Crosscheck.State), Reason: text.Visible(phrase.SecondDecoderReason(f)), Fields: fieldPairs(f.Process), Known: f.Known,
		Recovered: f.Recovered, Meetings: d.meetings(f), Reasons: d.reasonNumbers(phrase.Reasons(f.LevelReasons)),
	}
	if f.Process.Exists() {
		r.End = f.Process.End().String()
	}
	return jsonLine(arrayOf(&r))
}

// context returns the number of the record of a process that is shown as
// context, which it makes if there is none. The process may run below a worker,
// but that is not told here.
func (d *pageData) context(p proctree.Process) int {
	if n, ok := d.number[p]; ok {
		return n
	}
	texts := p.Forest().Texts()
	field := func(id event.FieldID) string { return text.Visible(texts.Text(p.Field(id))) }
	_, link := p.Parent()
	n := len(d.records)
	d.number[p] = n
	d.records = append(d.records, jsonLine(arrayOf(&record{
		Host: text.Visible(p.Host().Name), Time: p.Start().String(), End: p.End().String(), Image: text.Visible(texts.Text(p.Image())),
		Command: text.Visible(texts.KnownText(p.CommandLine())), Decoded: []string{},
		PID: p.PID(), GUID: p.GUID().String(), User: field(event.User), Integrity: field(event.IntegrityLevel),
		ParentImage: field(event.ParentImage), ParentCommand: field(event.ParentCommandLine), ParentPID: p.ParentPID(),
		Ancestors: []string{}, Link: link.String(), Session: -1, Rules: []int{}, Evidence: d.places(d.res.Evidence(p)),
		Check: string(crosscheck.Unconfirmed), Reason: phrase.SecondDecoderContext, Fields: fieldPairs(p),
		Recovered: p.Recovered(), Meetings: []array{}, Reasons: []int{},
	})))
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
		list = append(list, arrayOf(&meeting{d.ruleNo[c.Rule], c.Total, phrase.MeetingStart(c).String()}))
	}
	return list
}

func (d *pageData) places(evidence []finding.Evidence) []array {
	list := make([]array, 0, len(evidence))
	for _, e := range evidence {
		n, ok := d.fileNo[e.File]
		if !ok {
			n = len(d.files)
			d.fileNo[e.File] = n
			d.files = append(d.files, e.File)
		}
		list = append(list, arrayOf(&place{
			n, strconv.FormatInt(e.Offset, 10), strconv.FormatUint(e.RecordID, 10), e.Time.String(), text.Visible(e.Channel), e.EventID, phrase.Marks(&e),
		}))
	}
	return list
}
