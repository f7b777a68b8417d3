package export

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// nextObject returns where the first object begins and ends, whether objects stand
// in lines, over several lines, or in an array.
func nextObject(b []byte) (start, end int, s state) {
	for start < len(b) && b[start] != '{' {
		start++
	}
	depth, quoted := 0, false
	for i := start; i < len(b); i++ {
		switch c := b[i]; {
		case quoted:
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return start, i + 1, complete
			}
		}
	}
	return start, 0, more
}

// readJSON reads one object.
func (f *fields) readJSON(b []byte) error {
	d := &jsonReader{rest: b, fields: f}
	err := d.value(0)
	if f.time == 0 && f.fallback != "" {
		f.setTime(f.fallback)
	}
	return err
}

// jsonReader reads a value and takes what it says of an event.
type jsonReader struct {
	rest   []byte
	path   []byte // keys joined by dots
	text   []byte
	fields *fields
	// name and value of an object that stands for one field: {"@Name": ..., "#text": ...}
	name string
}

var errJSON = errors.New("not JSON")

func (d *jsonReader) space() {
	for len(d.rest) > 0 && d.rest[0] <= ' ' {
		d.rest = d.rest[1:]
	}
}

// value reads a value of any kind.
func (d *jsonReader) value(depth int) error {
	d.space()
	if len(d.rest) == 0 {
		return errJSON
	}
	if depth > maxDepth {
		return fmt.Errorf("objects nested more than %d deep", maxDepth)
	}
	switch d.rest[0] {
	case '{':
		return d.object(depth)
	case '[':
		return d.array(depth)
	case '"':
		text, err := d.string()
		if err == nil {
			d.scalar(text)
		}
		return err
	}
	n := 0
	for n < len(d.rest) && d.rest[n] > ' ' && d.rest[n] != ',' && d.rest[n] != '}' && d.rest[n] != ']' {
		n++
	}
	if n == 0 {
		return errJSON
	}
	if literal := d.rest[:n]; string(literal) != "null" {
		d.scalar(literal)
	}
	d.rest = d.rest[n:]
	return nil
}

func (d *jsonReader) object(depth int) error {
	d.rest = d.rest[1:]
	outer, name := len(d.path), d.name
	d.name = ""
	for first := true; ; first = false {
		d.space()
		if len(d.rest) == 0 {
			return errJSON
		}
		if d.rest[0] == '}' {
			d.rest = d.rest[1:]
			d.name = name
			return nil
		}
		if !first {
			if d.rest[0] != ',' {
				return errJSON
			}
			d.rest = d.rest[1:]
			d.space()
		}
		if len(d.rest) == 0 || d.rest[0] != '"' {
			return errJSON
		}
		key, err := d.string()
		if err != nil {
			return err
		}
		if outer > 0 {
			d.path = append(d.path, '.')
		}
		d.path = append(d.path, key...)
		d.space()
		if len(d.rest) == 0 || d.rest[0] != ':' {
			return errJSON
		}
		d.rest = d.rest[1:]
		if err := d.value(depth + 1); err != nil {
			return err
		}
		d.path = d.path[:outer]
	}
}

func (d *jsonReader) array(depth int) error {
	d.rest = d.rest[1:]
	for first := true; ; first = false {
		d.space()
		if len(d.rest) == 0 {
			return errJSON
		}
		if d.rest[0] == ']' {
			d.rest = d.rest[1:]
			return nil
		}
		if !first {
			if d.rest[0] != ',' {
				return errJSON
			}
			d.rest = d.rest[1:]
		}
		if err := d.value(depth + 1); err != nil {
			return err
		}
	}
}

// string reads a string. The result is valid until the next one.
func (d *jsonReader) string() ([]byte, error) {
	b := d.rest[1:]
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			d.rest = b[i+1:]
			return b[:i], nil
		case '\\':
			return d.escaped(b, i)
		}
	}
	return nil, errJSON
}

// escaped reads a string whose first escape is at an index.
func (d *jsonReader) escaped(b []byte, i int) ([]byte, error) {
	d.text = append(d.text[:0], b[:i]...)
	for i < len(b) {
		c := b[i]
		i++
		switch {
		case c == '"':
			d.rest = b[i:]
			return d.text, nil
		case c != '\\':
			d.text = append(d.text, c)
		case i == len(b):
			return nil, errJSON
		case b[i] == 'u':
			r, n := unicodeEscape(b[i-1:])
			if n == 0 {
				return nil, errJSON
			}
			d.text = utf8.AppendRune(d.text, r)
			i += n - 1
		default:
			plain := strings.IndexByte(`"\/bfnrt`, b[i])
			if plain < 0 {
				return nil, errJSON
			}
			d.text = append(d.text, "\"\\/\b\f\n\r\t"[plain])
			i++
		}
	}
	return nil, errJSON
}

// unicodeEscape reads \uXXXX, or two of them that make one character, and returns
// how many bytes it took; 0 if it is none.
func unicodeEscape(b []byte) (rune, int) {
	const size = 6
	unit := func(b []byte) (rune, bool) {
		if len(b) < size || b[0] != '\\' || b[1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(b[2:size]), 16, 16)
		return rune(n), err == nil
	}
	r, ok := unit(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := unit(b[size:]); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both, 2 * size
			}
		}
		return utf8.RuneError, size
	}
	return r, size
}

// scalar takes a string, number or boolean by its path.
func (d *jsonReader) scalar(value []byte) {
	path := strings.TrimPrefix(string(d.path), "Event.")
	section, rest, nested := strings.Cut(path, ".")
	switch {
	case section == "System" && nested:
		d.systemValue(rest, value)
	case (section == "EventData" || section == "UserData") && nested:
		d.dataValue(rest, value)
	case section == "winlog" && nested:
		d.winlogValue(rest, value)
	case path == "@timestamp":
		d.fields.setTime(string(value))
	case !nested:
		d.flatValue(path, value)
	}
}

// systemValue takes a value of System.
func (d *jsonReader) systemValue(path string, value []byte) {
	name, rest, _ := strings.Cut(path, ".")
	last := rest[strings.LastIndexByte(rest, '.')+1:]
	switch name {
	case "Provider":
		if strings.EqualFold(strings.TrimLeft(last, "@"), "Name") {
			d.fields.system(name, value)
		}
	case "TimeCreated":
		if strings.EqualFold(strings.TrimLeft(last, "@"), "SystemTime") {
			d.fields.system(name, value)
		}
	case "EventID":
		if rest == "" || last == "#text" || last == "Value" {
			d.fields.system(name, value)
		}
	default:
		if rest == "" || last == "#text" {
			d.fields.system(name, value)
		}
	}
}

// dataValue takes a value of EventData or UserData: its name is the last key, or the
// attribute of an object that has its text beside it.
func (d *jsonReader) dataValue(path string, value []byte) {
	last := path[strings.LastIndexByte(path, '.')+1:]
	switch last {
	case "@Name", "Name":
		d.name = string(value)
		return
	case "#text", "content":
		d.fields.add(d.name, value)
		return
	}
	if strings.Contains(path, "#attributes") {
		return
	}
	d.fields.add(last, value)
}

// winlogValue takes a value of Winlogbeat and the Elastic Agent.
func (d *jsonReader) winlogValue(path string, value []byte) {
	if name, ok := strings.CutPrefix(path, "event_data."); ok {
		d.fields.add(name, value)
		return
	}
	if name, ok := strings.CutPrefix(path, "user_data."); ok {
		d.fields.add(name, value)
		return
	}
	switch path {
	case "event_id":
		d.fields.system("EventID", value)
	case "version":
		d.fields.system("Version", value)
	case "record_id":
		d.fields.system("EventRecordID", value)
	case "computer_name":
		d.fields.system("Computer", value)
	case "channel":
		d.fields.system("Channel", value)
	case "provider_name":
		d.fields.system("Provider", value)
	}
}

// flatValue takes a value of an object without sections, as NXLog writes it: what
// System has and the payload stand side by side.
func (d *jsonReader) flatValue(name string, value []byte) {
	switch name {
	case "EventID":
		d.fields.system("EventID", value)
	case "Version":
		d.fields.system("Version", value)
	case "RecordNumber", "EventRecordID", "RecordID":
		d.fields.system("EventRecordID", value)
	case "Hostname", "Computer", "host":
		d.fields.system("Computer", value)
	case "Channel":
		d.fields.system("Channel", value)
	case "SourceName", "ProviderName", "Provider_Name":
		d.fields.system("Provider", value)
	case "TimeCreated", "SystemTime":
		d.fields.setTime(string(value))
	case "EventTime": // often without a zone: any other time is better
		d.fields.fallback = string(value)
	default:
		d.fields.add(name, value)
	}
}
