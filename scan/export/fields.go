package export

import (
	"strconv"
	"strings"

	"webshellscan/scan/event"
)

// fields are what a record says. The memory is used again for the next one.
type fields struct {
	provider, channel, computer string
	id, version                 int // id is -1 if there is none
	record                      uint64
	time                        event.Time
	local                       bool   // the time has no zone
	fallback                    string // a time to take if there is no other

	list  []field
	count int
}

// field is a payload field.
type field struct{ name, value []byte }

func (f *fields) reset() {
	list := f.list
	*f = fields{id: -1, list: list}
}

// maxFields bounds the fields of a record.
const maxFields = 1024

// add adds a payload field.
func (f *fields) add(name string, value []byte) {
	if f.count >= maxFields || name == "" {
		return
	}
	if f.count == len(f.list) {
		f.list = append(f.list, field{})
	}
	at := &f.list[f.count]
	at.name, at.value = append(at.name[:0], name...), append(at.value[:0], value...)
	f.count++
}

// system takes what System says, by the name of the element.
func (f *fields) system(name string, value []byte) {
	switch name {
	case "Provider":
		f.provider = string(value)
	case "EventID":
		if n, err := strconv.ParseUint(string(value), 10, 16); err == nil {
			f.id = int(n)
		}
	case "Version":
		f.version, _ = strconv.Atoi(string(value)) // 0 if it is no number
	case "TimeCreated":
		f.setTime(string(value))
	case "EventRecordID":
		f.record, _ = strconv.ParseUint(string(value), 10, 64) // 0 if it is no number
	case "Channel":
		f.channel = string(value)
	case "Computer":
		f.computer = string(value)
	}
}

// setTime reads the time of a record: as Windows writes it, or in seconds since
// 1970, of which a float has microseconds.
func (f *fields) setTime(text string) {
	if f.time != 0 {
		return
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e11 {
		micros := int64(seconds*1e6 + 0.5)
		f.time = event.FromUnix(micros/1e6) + event.Time(micros%1e6)*10
		return
	}
	if t, ok := event.ParseTime([]byte(text)); ok {
		f.time = t
		f.local = !strings.HasSuffix(text, "Z") && !strings.ContainsAny(text[min(len(text), len("2006-01-02")):], "+-")
	}
}
