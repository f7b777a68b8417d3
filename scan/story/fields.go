package story

import (
	"strconv"
	"strings"

	"webshellscan/scan/event"
)

// Want returns what a reader is asked for: the events of a story, with all their
// fields.
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

// RecordOf returns an event with all that it says, as texts that are its own.
func RecordOf(ev *event.Event) *Record {
	f := eventFields{ev}
	severity, _ := ev.System().Value("Level").Uint()
	r := &Record{
		Place: ev.Place, RecordID: ev.RecordID, Time: ev.Time, Marks: ev.Marks,
		Computer: ev.Computer.String(), Channel: ev.Channel.String(), Provider: ev.Provider.String(),
		ID: ev.ID, Severity: uint8(severity), WriterID: f.writer(), UserID: f.user(),
		Fields: make([]Field, 0, len(ev.Payload())),
	}
	unnamed := 0
	for _, p := range ev.Payload() {
		name := p.Name
		if name == "" {
			unnamed++
			name = DataName(unnamed)
		}
		r.Fields = append(r.Fields, Field{strings.Clone(name), clip(p.Value.String(), maxValue)})
	}
	return r
}

// kindOfEvent returns the kind of an event at hand, nil if no story is made of it.
func kindOfEvent(ev *event.Event) *kind {
	if ev.Key < 0 || ev.Key >= len(kindsInOrder) {
		return nil
	}
	return kindsInOrder[ev.Key]
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
