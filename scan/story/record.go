package story

import (
	"strconv"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Record is one event of the evidence with all its fields.
type Record struct {
	Place    event.Place
	RecordID uint64
	Time     event.Time
	Marks    event.Marks

	Computer, Channel, Provider string
	ID                          uint16
	// Severity is System/Level: 1 critical, 2 error, 3 warning, 4
	// information, 5 verbose, 0 none.
	Severity uint8
	// WriterID is System/Execution/@ProcessID: the process that wrote the
	// event, 0 if the event does not name it.
	WriterID uint32
	// UserID is System/Security/@UserID, a SID; "" if the event does not
	// have it.
	UserID string
	// Fields are the event's own, in the order of the record.
	Fields []Field
}

// Field is one value of an event. Values that have no name of their own
// (EventData/Data without @Name) are named by their place, from "Data1" on.
type Field struct{ Name, Value string }

// Get returns the value of the first field of a name, compared without case; ""
// if there is none.
func (r *Record) Get(name string) string {
	for i := range r.Fields {
		if strings.EqualFold(r.Fields[i].Name, name) {
			return r.Fields[i].Value
		}
	}
	return ""
}

// first returns the first known value of the fields named.
func (r *Record) first(names ...string) string {
	for _, name := range names {
		if v := r.Get(name); proctree.IsKnown(v) {
			return v
		}
	}
	return ""
}

// DataName returns the name of the n-th unnamed value, counted from 1.
func DataName(n int) string { return "Data" + strconv.Itoa(n) }

// number reads a number as events write it: decimal, or hexadecimal after 0x.
func number(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 0, 64)
	if err != nil || len(text) > 1 && text[0] == '0' && text[1] != 'x' && text[1] != 'X' {
		n, err = strconv.ParseUint(text, 10, 64)
	}
	return n, err == nil
}

// contextValue returns the value of a line "name=value" or "Name = value" of a
// text such as those that PowerShell writes.
func contextValue(text, name string) string {
	for line := range strings.Lines(text) {
		before, after, ok := strings.Cut(line, "=")
		if ok && strings.EqualFold(strings.TrimSpace(before), name) {
			return strings.TrimSpace(after)
		}
	}
	return ""
}
