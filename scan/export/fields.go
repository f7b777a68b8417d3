package export

import (
	"bytes"
	"strconv"
	"strings"

	"webshellscan/scan/event"
)

// fields are the fields of a record. The memory is used again for the next one,
// and parts of it are views of the record's text.
type fields struct {
	wanted *selection
	key    int // of the kind of event, -1 if it is not wanted; known when System is

	provider, channel, computer string
	id, version                 int // id is -1 if there is none
	record                      uint64
	time                        event.Time
	local                       bool   // the time has no zone
	fallback                    []byte // a time to take if there is no other

	list  []field
	count int
	arena []byte // what is no view
	names map[string]string
	json  jsonReader
}

// field is a value with its name.
type field struct {
	name, value []byte
	kind        fieldKind
}

// fieldKind is what a field is.
type fieldKind uint8

const (
	payloadField fieldKind = iota // it may have a FieldID
	listedField                   // of the payload, but an attribute, or without a name
	systemField
)

func (f *fields) reset() {
	*f = fields{wanted: f.wanted, key: -1, id: -1, list: f.list, arena: f.arena[:0], names: f.names, json: f.json}
}

// maxFields bounds the fields of a record.
const maxFields = 1024

// add adds a payload field. Name and value must stay as they are until the
// record was visited.
func (f *fields) add(name, value []byte) {
	if len(name) > 0 {
		f.put(field{name, value, payloadField})
	}
}

// also is add for a field that is wanted only if fields are asked for by name.
func (f *fields) also(kind fieldKind, name, value []byte) {
	if f.wanted.lists {
		f.put(field{name, value, kind})
	}
}

// attribute is also for an attribute of an element, unless it declares a
// namespace.
func (f *fields) attribute(kind fieldKind, element, name, value []byte) {
	if !f.wanted.lists || len(value) == 0 || string(name) == "xmlns" || bytes.HasPrefix(name, []byte("xmlns:")) {
		return
	}
	start := len(f.arena)
	f.arena = append(append(append(f.arena, element...), "/@"...), name...)
	f.put(field{f.arena[start:len(f.arena):len(f.arena)], value, kind})
}

func (f *fields) put(v field) {
	if f.count >= maxFields {
		return
	}
	if f.count == len(f.list) {
		f.list = append(f.list, field{})
	}
	f.list[f.count] = v
	f.count++
}

// keep returns a copy of bytes that stays as it is until the record was
// visited.
func (f *fields) keep(b []byte) []byte {
	start := len(f.arena)
	f.arena = append(f.arena, b...)
	return f.arena[start:len(f.arena):len(f.arena)]
}

// maxNames bounds the texts that are kept to be used again.
const maxNames = 1 << 14

// name returns bytes as a string: providers, channels and computers come again
// and again.
func (f *fields) name(b []byte) string {
	if s, ok := f.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(f.names) < maxNames {
		f.names[s] = s
	}
	return s
}

// system sets a value of System, by the name of the element.
func (f *fields) system(name, value []byte) {
	if f.wanted.lists {
		f.listSystem(name, value)
	}
	switch string(name) {
	case "Provider":
		f.provider = f.name(value)
	case "EventID":
		if n, err := strconv.ParseUint(string(value), 10, 16); err == nil {
			f.id = int(n)
		}
	case "Version":
		f.version, _ = strconv.Atoi(string(value)) // 0 if it is no number
	case "TimeCreated":
		f.setTime(value)
	case "EventRecordID":
		f.record, _ = strconv.ParseUint(string(value), 10, 64) // 0 if it is no number
	case "Channel":
		f.channel = f.name(value)
	case "Computer":
		f.computer = f.name(value)
	}
}

// systemAttributes are the elements of System whose value is an attribute, with
// the name that it is listed under.
var systemAttributes = map[string]string{"Provider": "Provider/@Name", "TimeCreated": "TimeCreated/@SystemTime"}

// listSystem lists a value of System, by the name of the element.
func (f *fields) listSystem(name, value []byte) {
	if len(value) == 0 {
		return
	}
	if listed, ok := systemAttributes[string(name)]; ok {
		name = []byte(listed)
	}
	f.put(field{f.keep(name), value, systemField})
}

// setTime reads the time of a record: as Windows writes it, or in seconds since
// 1970, of which a float has microseconds.
func (f *fields) setTime(text []byte) {
	if f.time != 0 {
		return
	}
	const date = len("2006-01-02")
	if t, ok := event.ParseTime(text); ok {
		f.time = t
		f.local = !bytes.HasSuffix(text, []byte("Z")) && !bytes.ContainsAny(text[min(len(text), date):], "+-")
		return
	}
	if seconds, err := strconv.ParseFloat(string(text), 64); err == nil && seconds > 0 && seconds < 1e11 {
		micros := int64(seconds*1e6 + 0.5)
		f.time = event.FromUnix(micros/1e6) + event.Time(micros%1e6)*10
	}
}

// identify finds out whether the kind of event is wanted, as far as is known.
func (f *fields) identify() {
	if f.provider == "" {
		f.provider = providerOf[strings.ToLower(f.channel)]
	}
	f.key = f.wanted.key(f.provider, f.channel, f.id)
}
