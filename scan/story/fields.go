package story

import (
	"strconv"
	"strings"

	"webshellscan/scan/event"
)

// Want returns what a reader is asked for: the events of a story, with all
// their fields.
func Want() event.Want { return event.Want{Keys: Keys(), AllFields: true} }

// eventFields is an event at hand as fields.
type eventFields struct{ *event.Event }

// value returns the first value of a name, compared without case.
func (f eventFields) value(name string) event.Value {
	if n, ok := DataNumber(name); ok {
		return f.Payload().Unnamed(n - 1)
	}
	payload := f.Payload()
	for i := range payload {
		if strings.EqualFold(payload[i].Name, name) {
			return payload[i].Value
		}
	}
	return event.Value{}
}

// DataNumber returns the place that a name as DataName gives it stands for.
func DataNumber(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "Data")
	if !ok || digits == "" || len(digits) > 4 {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0
}

func (f eventFields) text(name string) string { return f.value(name).String() }

func (f eventFields) uint(name string) (uint64, bool) {
	return numberOf(f.value(name))
}

func (f eventFields) guid(name string) event.GUID {
	guid, _ := f.value(name).GUID()
	return guid
}

func (f eventFields) writer() uint32 {
	n, _ := f.System().Value("Execution/@ProcessID").Uint()
	return uint32(n)
}

func (f eventFields) user() string { return f.System().Value("Security/@UserID").String() }

// maxValue bounds a value that a Record keeps, in bytes of UTF-8.
const maxValue = 256 << 10

// RecordOf returns an event with all its fields, as texts that are its own.
func RecordOf(ev *event.Event) *Record { return new(recorder).record(ev) }

// recorder makes Records: all texts of one are a single allocation, since
// hundreds of thousands of events may wait for what ties them. It is for one
// goroutine.
type recorder struct {
	texts []byte
	ends  []int // of each text
}

// record is RecordOf.
func (w *recorder) record(ev *event.Event) *Record {
	f := eventFields{ev}
	severity, _ := ev.System().Value("Level").Uint()
	w.texts, w.ends = w.texts[:0], w.ends[:0]
	w.add(ev.Computer)
	w.add(ev.Channel)
	w.add(ev.Provider)
	w.add(ev.System().Value("Security/@UserID"))
	unnamed := 0
	for _, p := range ev.Payload() {
		name := p.Name
		if name == "" {
			unnamed++
			name = DataName(unnamed)
		}
		w.texts = append(w.texts, name...)
		w.ends = append(w.ends, len(w.texts))
		w.add(p.Value)
	}
	cut := cutter{text: string(w.texts), ends: w.ends}
	r := &Record{
		Place: ev.Place, RecordID: ev.RecordID, Time: ev.Time, Marks: ev.Marks,
		Computer: cut.next(), Channel: cut.next(), Provider: cut.next(), UserID: cut.next(),
		ID: ev.ID, Severity: uint8(severity), WriterID: f.writer(), Fields: make([]Field, len(ev.Payload())),
	}
	for i := range r.Fields {
		r.Fields[i] = Field{cut.next(), cut.next()}
	}
	return r
}

// add adds the text of a value.
func (w *recorder) add(v event.Value) {
	start := len(w.texts)
	w.texts = v.AppendText(w.texts)
	if len(w.texts)-start > maxValue {
		w.texts = append(w.texts[:start], clip(string(w.texts[start:]), maxValue)...)
	}
	w.ends = append(w.ends, len(w.texts))
}

// cutter cuts a text into pieces.
type cutter struct {
	text string
	ends []int
	at   int
}

func (c *cutter) next() string {
	piece := c.text[c.at:c.ends[0]]
	c.at, c.ends = c.ends[0], c.ends[1:]
	return piece
}

// kindOfEvent returns the kind of an event at hand, nil if no story is made of
// it.
func kindOfEvent(ev *event.Event) *kind {
	if ev.Key < 0 || ev.Key >= len(kindsInOrder) {
		return nil
	}
	return kindsInOrder[ev.Key]
}

// Named is the process that an event names: zero values for what it does not
// have.
type Named struct {
	GUID  event.GUID
	PID   uint32
	Image string
}

// ProcessNamed returns the process that an event names. The keys of the event's
// selection have to begin with Keys.
func ProcessNamed(ev *event.Event) Named {
	k, f := kindOfEvent(ev), eventFields{ev}
	if k == nil {
		n := Named{Image: f.text("Image")}
		n.GUID, _ = ev.Value(event.ProcessGUID).GUID()
		if pid, ok := f.uint("ProcessId"); ok && pid <= 1<<32-1 {
			n.PID = uint32(pid)
		}
		return n
	}
	n := Named{PID: processID(k, f)}
	if k.guid != "" {
		n.GUID = f.guid(k.guid)
	}
	if k.image != "" {
		n.Image = f.text(k.image)
	}
	return n
}

// kindsInOrder holds the kinds in the order of Keys.
var kindsInOrder = func() []*kind {
	var list []*kind
	for i := range kinds {
		for range kinds[i].ids {
			list = append(list, &kinds[i].kind)
		}
	}
	return list
}()
