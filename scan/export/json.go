package export

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// nextObject returns where the first object begins and ends, whether objects
// stand in lines, over several lines, or in an array.
func nextObject(b []byte) (start, end int, s progress) {
	if start = bytes.IndexByte(b, '{'); start < 0 {
		return len(b), 0, more
	}
	n := skipNested(b[start:])
	if n < 0 {
		return start, 0, more
	}
	return start, start + n, complete
}

// skipNested returns the length of the object or array that b begins with, -1
// if it goes on.
func skipNested(b []byte) int {
	open, end := b[0], b[0]+2 // {} and [] stand so in ASCII
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringEnd(b[i+1:])
			if n < 0 {
				return -1
			}
			i += n + 1
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// stringEnd returns the index of the quote that ends a string, -1 if it goes
// on.
func stringEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '"')
		if i < 0 {
			return -1
		}
		end := at + i
		slashes := 0
		for slashes < end && b[end-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return end
		}
		at = end + 1
	}
}

// readJSON reads one object. The payload is read last, and only if it is
// wanted: it may stand before what says which event it is.
func (f *fields) readJSON(b []byte) error {
	d := &f.json
	*d = jsonReader{rest: b, path: d.path[:0], payload: d.payload[:0], fields: f}
	err := d.value(0)
	if f.time == 0 && len(f.fallback) > 0 {
		f.setTime(f.fallback)
	}
	if err != nil || f.id < 0 {
		return err
	}
	if f.identify(); f.key < 0 {
		return nil
	}
	for _, p := range d.payload {
		d.path, d.rest = append(d.path[:0], p.section...), p.text
		if err := d.value(p.depth); err != nil {
			return err
		}
	}
	return nil
}

// jsonReader reads a value and adds its fields to an event.
type jsonReader struct {
	rest   []byte
	path   []byte // keys joined by dots
	fields *fields
	// name of an object that stands for one field: {"@Name": ..., "#text":
	// ...}
	name    []byte
	payload []payload // that was passed over
}

// payload is an object or array of payload fields.
type payload struct {
	section string // its path
	text    []byte
	depth   int
}

// pass passes over a value that is the payload of the event, and reports
// whether it did.
func (d *jsonReader) pass(depth int) bool {
	const most = 8
	if len(d.payload) == most || len(d.rest) == 0 || d.rest[0] != '{' && d.rest[0] != '[' {
		return false
	}
	section := ""
	switch string(bytes.TrimPrefix(d.path, []byte("Event."))) {
	case "EventData":
		section = "EventData"
	case "UserData":
		section = "UserData"
	case "winlog.event_data":
		section = "winlog.event_data"
	case "winlog.user_data":
		section = "winlog.user_data"
	default:
		return false
	}
	n := skipNested(d.rest)
	if n < 0 {
		return false
	}
	d.payload = append(d.payload, payload{section, d.rest[:n], depth})
	d.rest = d.rest[n:]
	return true
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
	} else if d.fields.wanted.lists {
		d.null()
	}
	d.rest = d.rest[n:]
	return nil
}

func (d *jsonReader) object(depth int) error {
	d.rest = d.rest[1:]
	outer, name := len(d.path), d.name
	d.name = nil
	for first := true; ; first = false {
		d.space()
		if len(d.rest) == 0 {
			return errJSON
		}
		if d.rest[0] == '}' {
			d.rest = d.rest[1:]
			if !bytes.HasSuffix(d.path[:outer], []byte("#attributes")) {
				d.name = name // attributes name the object that they stand in
			}
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
		if d.space(); !d.pass(depth + 1) {
			if err := d.value(depth + 1); err != nil {
				return err
			}
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

// string reads a string. Without escapes it is a view of the text.
func (d *jsonReader) string() ([]byte, error) {
	b := d.rest[1:]
	end := stringEnd(b)
	if end < 0 {
		return nil, errJSON
	}
	d.rest = b[end+1:]
	if bytes.IndexByte(b[:end], '\\') < 0 {
		return b[:end:end], nil
	}
	return d.unescaped(b[:end])
}

// unescaped returns a string with its escapes resolved.
func (d *jsonReader) unescaped(b []byte) ([]byte, error) {
	f := d.fields
	start := len(f.arena)
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			f.arena = append(f.arena, b...)
			return f.arena[start:len(f.arena):len(f.arena)], nil
		}
		f.arena = append(f.arena, b[:i]...)
		b = b[i:]
		if len(b) < 2 {
			return nil, errJSON
		}
		if b[1] == 'u' {
			r, n := unicodeEscape(b)
			if n == 0 {
				return nil, errJSON
			}
			f.arena, b = utf8.AppendRune(f.arena, r), b[n:]
			continue
		}
		plain := strings.IndexByte(`"\/bfnrt`, b[1])
		if plain < 0 {
			return nil, errJSON
		}
		f.arena, b = append(f.arena, "\"\\/\b\f\n\r\t"[plain]), b[2:]
	}
}

// unicodeEscape reads \uXXXX, or two of them that make one character, and
// returns how many bytes it took; 0 if it is none.
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

// scalar adds a string, number or boolean by its path.
func (d *jsonReader) scalar(value []byte) {
	path := bytes.TrimPrefix(d.path, []byte("Event."))
	section, rest, nested := bytes.Cut(path, []byte("."))
	if !nested {
		d.flatValue(path, value)
		return
	}
	switch string(section) {
	case "System":
		d.systemValue(rest, value)
	case "EventData", "UserData", "ProcessingErrorData":
		d.dataValue(string(section), rest, value)
	case "winlog":
		d.winlogValue(rest, value)
	}
}

// lastKey returns what stands behind the last dot of a path.
func lastKey(path []byte) []byte { return path[bytes.LastIndexByte(path, '.')+1:] }

// systemValue adds a value of System.
func (d *jsonReader) systemValue(path, value []byte) {
	name, rest, _ := bytes.Cut(path, []byte("."))
	if len(rest) == 0 && string(name) != "Provider" && string(name) != "TimeCreated" {
		d.fields.system(name, value)
		return
	}
	last := bytes.TrimLeft(lastKey(rest), "@")
	isText := string(last) == "#text"
	isValue := isText
	switch string(name) {
	case "Provider":
		isValue = bytes.EqualFold(last, []byte("Name"))
	case "TimeCreated":
		isValue = bytes.EqualFold(last, []byte("SystemTime"))
	case "EventID":
		isValue = isText || string(last) == "Value"
	}
	switch {
	case isValue:
		d.fields.system(name, value)
	case !isText:
		d.fields.attribute(systemField, name, last, value)
	}
}

// null adds an empty value of the payload: it has its place among the others.
func (d *jsonReader) null() {
	path := bytes.TrimPrefix(d.path, []byte("Event."))
	section, rest, _ := bytes.Cut(path, []byte("."))
	switch string(section) {
	case "EventData", "UserData", "ProcessingErrorData":
		if len(rest) > 0 && !isAttribute(rest) {
			d.fields.also(listedField, d.dataName(string(section), rest), nil)
		}
	}
}

// dataValue adds a value of the payload: its name is the last key, or the
// attribute of an object that has its text beside it.
func (d *jsonReader) dataValue(section string, path, value []byte) {
	before, last := cutKey(path)
	if before == nil && !bytes.HasPrefix(path, []byte("@")) && string(path) != "Data" {
		d.fields.add(d.fields.keep(path), value)
		return
	}
	switch attribute := isAttribute(path); {
	case string(bytes.TrimLeft(last, "@")) == "Name" && string(before) != "#attributes" && section == "EventData" && (attribute || string(before) == "Data"):
		d.name = value
	case attribute:
		_, element := cutKey(bytes.TrimSuffix(before, []byte(".#attributes")))
		if string(before) == "#attributes" {
			element = []byte(section)
		}
		if len(element) > 0 {
			d.fields.attribute(listedField, element, bytes.TrimLeft(last, "@"), value)
		}
	default:
		name := d.dataName(section, path)
		d.fields.add(name, value)
		if len(name) == 0 {
			d.fields.also(listedField, nil, value)
		}
	}
}

// isAttribute reports whether a path is that of an attribute of an element.
func isAttribute(path []byte) bool {
	return bytes.Contains(path, []byte("#attributes")) || bytes.HasPrefix(lastKey(path), []byte("@"))
}

// dataName returns the name of a value of the payload; nil for one without.
func (d *jsonReader) dataName(section string, path []byte) []byte {
	before, last := cutKey(path)
	if text := string(last); text == "#text" || text == "content" {
		if len(d.name) > 0 || len(before) == 0 {
			return d.name
		}
		path = before
	}
	if section == "EventData" && string(path) == "Data" {
		return nil
	}
	return d.fields.keep(lastKey(path))
}

// cutKey returns what stands before the last dot of a path, and behind it.
func cutKey(path []byte) (before, last []byte) {
	if i := bytes.LastIndexByte(path, '.'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return nil, path
}

// winlogValue adds a value of Winlogbeat and the Elastic Agent.
func (d *jsonReader) winlogValue(path, value []byte) {
	for _, section := range [...]string{"event_data.", "user_data."} {
		if len(path) > len(section) && string(path[:len(section)]) == section {
			d.fields.add(d.fields.keep(path[len(section):]), value)
			return
		}
	}
	if name, ok := winlogNames[string(path)]; ok {
		d.fields.system([]byte(name), value)
	} else if name, ok := winlogOthers[string(path)]; ok {
		d.fields.also(systemField, []byte(name), value)
	}
}

// winlogOthers are further values of System by the keys that Winlogbeat gives
// them.
var winlogOthers = map[string]string{
	"provider_guid": "Provider/@Guid", "process.pid": "Execution/@ProcessID", "process.thread.id": "Execution/@ThreadID",
	"user.identifier": "Security/@UserID", "activity_id": "Correlation/@ActivityID",
	"related_activity_id": "Correlation/@RelatedActivityID", "opcode": "Opcode", "task": "Task", "keywords": "Keywords",
}

// winlogNames are the elements of System by the keys that Winlogbeat gives
// them.
var winlogNames = map[string]string{
	"event_id": "EventID", "version": "Version", "record_id": "EventRecordID", "computer_name": "Computer",
	"channel": "Channel", "provider_name": "Provider",
}

// flatValue adds a value of an object without sections, as NXLog writes it:
// what System has and the payload stand side by side.
func (d *jsonReader) flatValue(name, value []byte) {
	switch string(name) {
	case "@timestamp", "TimeCreated", "SystemTime":
		d.fields.setTime(value)
	case "EventTime": // often without a zone: any other time is better
		d.fields.fallback = value
	default:
		if system, ok := flatNames[string(name)]; ok {
			d.fields.system([]byte(system), value)
			return
		}
		if system, ok := flatOthers[string(name)]; ok && d.fields.wanted.lists {
			d.fields.also(systemField, []byte(system), value)
			return
		}
		d.fields.add(d.fields.keep(name), value)
	}
}

// flatNames are the elements of System by the keys that objects without
// sections have for them.
var flatNames = map[string]string{
	"EventID": "EventID", "Version": "Version", "RecordNumber": "EventRecordID", "EventRecordID": "EventRecordID",
	"RecordID": "EventRecordID", "Hostname": "Computer", "Computer": "Computer", "host": "Computer", "Channel": "Channel",
	"SourceName": "Provider", "ProviderName": "Provider", "Provider_Name": "Provider",
}

// flatOthers are further values of System by their keys in such objects.
var flatOthers = map[string]string{
	"ProviderGuid": "Provider/@Guid", "ProcessID": "Execution/@ProcessID", "ExecutionProcessID": "Execution/@ProcessID",
	"ThreadID": "Execution/@ThreadID", "ExecutionThreadID": "Execution/@ThreadID", "UserID": "Security/@UserID",
	"ActivityID": "Correlation/@ActivityID", "Task": "Task", "OpcodeValue": "Opcode", "Keywords": "Keywords",
}
