// Package export reads event log records in other forms than EVTX: event XML,
// as wevtutil, Event Viewer, Splunk and forwarding stores write it, and JSON,
// as evtx_dump, Chainsaw, Velociraptor, Winlogbeat and NXLog do. The records
// are the log's, but an export is no log: there is no chunk, no checksum and
// nothing that shows that it is whole.
//
// The text is an intruder's as much as a log's. Elements and keys are parsed,
// never searched for, and what is nested too deep or too long costs only
// itself.
package export

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"webshellscan/internal/utf8text"
	"webshellscan/scan/event"
)

// Form is a form of export.
type Form uint8

// The forms.
const (
	None Form = iota
	XML
	JSON
)

// String returns "XML" or "JSON".
func (f Form) String() string { return [...]string{"", "XML", "JSON"}[min(f, JSON)] }

// Limits on an export.
const (
	// maxRecord is the most bytes that one record may have: a record of a
	// log has 64 KiB.
	maxRecord = 4 << 20
	// maxDepth bounds the nesting of elements and objects.
	maxDepth = 32
)

// Record is one record of an export. It is valid until the next one.
type Record struct {
	// Event is the record as an event. Its Place.Offset is where the record
	// begins, in bytes from the start of the text; its Key is -1 if the
	// selection does not have its kind, and then it has no payload.
	Event *event.Event
	// Computer and Channel are those of the event, "" if it names none.
	Computer, Channel string
}

// Result is what an export held.
type Result struct {
	// Records counts the records that were read, Bad those that could not
	// be.
	Records, Bad int
	// First is where the first bad record begins, in bytes from the start,
	// and why it is bad; nil if there are none.
	FirstBad error
	// LocalTimes counts the records whose time has no zone and was taken
	// for UTC.
	LocalTimes int
	// Gaps are the logs of which identifiers are left out, by computer and
	// channel.
	Gaps []Gap
}

// Detect returns the form of an export by the first bytes of its text, up to
// some kilobytes; None if it is none.
func Detect(head []byte) Form {
	text := strings.TrimSpace(string(utf8text.Decode(head)))
	switch {
	case strings.HasPrefix(text, "<") && (strings.Contains(text, "schemas.microsoft.com/win/2004/08/events/event") ||
		strings.HasPrefix(text, "<Events>") || strings.HasPrefix(text, "<Event>")):
		return XML
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "["):
		for _, mark := range []string{`"EventID"`, `"event_id"`, `"winlog.event_id"`} {
			if strings.Contains(text, mark) {
				return JSON
			}
		}
	}
	return None
}

// Read calls visit with each record of an export of size bytes. What it returns
// is returned. want is of which events the payload is wanted, and what of it:
// the names of fields are those that the same record of a log has, as far as
// the form of the export keeps them.
func Read(ctx context.Context, source io.ReaderAt, size int64, form Form, want event.Want, visit func(*Record) error) (Result, error) {
	step := min(max(size, minStep), maxStep)
	r := &reader{in: utf8text.NewReader(io.NewSectionReader(source, 0, size)), form: form, visit: visit, step: int(step), space: make([]byte, 2*step)}
	r.fields = fields{wanted: newSelection(&want), names: make(map[string]string)}
	err := r.run(ctx)
	r.result.Gaps = r.gaps.list()
	return r.result, err
}

// How many bytes are read at once: of a small export no more than it has. A
// case may hold hundreds of them, and space that is not used took half of the
// time.
const (
	minStep = 4 << 10
	maxStep = 1 << 20
)

// reader reads the records of one export.
type reader struct {
	in     io.Reader
	form   Form
	visit  func(*Record) error
	result Result

	step   int // how many bytes are read at once
	space  []byte
	buffer []byte // of space: text that was read and not yet used
	at     int64  // where the buffer begins
	ended  bool

	fields fields
	event  event.Event
	record Record
	values []byte // of the event's fields, in UTF-16
	gaps   gaps
}

// run cuts the text into records.
func (r *reader) run(ctx context.Context) error {
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		start, end, state := r.next()
		switch state {
		case complete:
			if err := r.decode(r.buffer[start:end], r.at+int64(start)); err != nil {
				return err
			}
			r.drop(end)
		case more:
			r.drop(start)
			if r.ended {
				if len(bytes.TrimSpace(r.buffer)) > 0 {
					r.bad(r.at, errors.New("the export ends within a record"))
				}
				return nil
			}
			if len(r.buffer) > maxRecord {
				r.bad(r.at, fmt.Errorf("a record of more than %d bytes", maxRecord))
				r.drop(min(len(r.buffer), 1+skipTo(r.buffer[1:], r.form)))
			}
			if err := r.fill(); err != nil {
				return err
			}
		}
	}
}

// skipTo returns where the next record may begin.
func skipTo(b []byte, form Form) int {
	mark := []byte("\n{")
	if form == XML {
		mark = []byte("<Event")
	}
	if i := bytes.Index(b, mark); i >= 0 {
		return i
	}
	return len(b)
}

// fill reads on: behind what is in the buffer, which moves to the start of the
// space.
func (r *reader) fill() error {
	if len(r.buffer)+r.step > len(r.space) {
		r.space = append(make([]byte, 0, 2*len(r.space)+r.step), r.buffer...)
		r.space = r.space[:cap(r.space)]
	} else {
		copy(r.space, r.buffer)
	}
	n := len(r.buffer)
	read, err := r.in.Read(r.space[n : n+r.step])
	r.buffer = r.space[:n+read]
	if errors.Is(err, io.EOF) {
		r.ended, err = true, nil
	}
	return err
}

// drop forgets the start of the buffer.
func (r *reader) drop(n int) {
	r.at += int64(n)
	r.buffer = r.buffer[n:]
}

func (r *reader) bad(at int64, err error) {
	if r.result.Bad++; r.result.FirstBad == nil {
		r.result.FirstBad = fmt.Errorf("offset %d: %w", at, err)
	}
}

// progress is how far a record has been read.
type progress uint8

const (
	more     progress = iota // it goes on behind the buffer
	complete                 // it is in the buffer
)

// next returns where the first record in the buffer begins and ends. If there
// is no whole one, start is where to go on.
func (r *reader) next() (start, end int, s progress) {
	if r.form == XML {
		return nextElement(r.buffer)
	}
	return nextObject(r.buffer)
}

// decode decodes the text of a record and hands the event on.
func (r *reader) decode(text []byte, at int64) error {
	r.fields.reset()
	var err error
	if r.form == XML {
		err = r.fields.readXML(text)
	} else {
		err = r.fields.readJSON(text)
	}
	if err != nil {
		r.bad(at, err)
		return nil
	}
	if r.fields.id < 0 {
		return nil // an object of another sort
	}
	r.result.Records++
	if r.fields.local {
		r.result.LocalTimes++
	}
	r.fill16(at)
	r.gaps.add(&r.record)
	return r.visit(&r.record)
}

// fill16 fills in the event of the fields in hand.
func (r *reader) fill16(at int64) {
	f, ev := &r.fields, &r.event
	ev.Reset()
	r.values = r.values[:0]
	ev.Place.Offset, ev.Place.Chunk = at, at
	ev.Marks = event.MarkExported
	ev.ID, ev.Version, ev.Time, ev.RecordID = uint16(f.id), uint8(f.version), f.time, f.record
	r.record = Record{ev, f.computer, f.channel}
	if ev.Key = f.key; ev.Key < 0 {
		return
	}
	// The values are slices of one buffer, which must not move: its size is
	// bounded by that of the texts.
	need := 2 * (len(f.provider) + len(f.channel) + len(f.computer))
	for i := range f.count {
		need += 2 * len(f.list[i].value)
	}
	if cap(r.values) < need {
		r.values = make([]byte, 0, 2*need)
	}
	ev.Provider, ev.Channel, ev.Computer = text16(r, f.provider), text16(r, f.channel), text16(r, f.computer)
	if f.wanted.lists {
		for i := range f.count {
			r.list(&f.list[i])
		}
		return
	}
	for i := range f.count {
		if id, ok := fieldIDs[string(f.list[i].name)]; ok {
			ev.Set(id, text16(r, f.list[i].value))
		}
	}
}

// list adds a field to the event, also under its own name.
func (r *reader) list(l *field) {
	v := text16(r, l.value)
	if id, ok := fieldIDs[string(l.name)]; ok && l.kind == payloadField {
		r.event.Set(id, v)
	}
	if !r.fields.wanted.wants(l.name) {
		return
	}
	name := l.name
	if len(name) > event.MaxName {
		name = bytes.ToValidUTF8(name[:event.MaxName], nil)
	}
	add := r.event.AddPayload
	if l.kind == systemField {
		add = r.event.AddSystem
	}
	if !add(event.Field{Name: r.fields.name(name), Value: v}) {
		r.event.Damaged++
	}
}

// text16 returns a text as a value.
func text16[T string | []byte](r *reader, text T) event.Value {
	start := len(r.values)
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			r.values = append(r.values, c, 0)
			i++
			continue
		}
		c, n := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
		i += n
		if c < 0x10000 {
			r.values = binary.LittleEndian.AppendUint16(r.values, uint16(c))
			continue
		}
		high, low := utf16.EncodeRune(c)
		r.values = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(r.values, uint16(high)), uint16(low))
	}
	return event.Value{Type: event.TypeString, Data: r.values[start:len(r.values):len(r.values)]}
}

// providerOf names the providers of channels that have one, for exports that do
// not say it.
var providerOf = map[string]string{
	"security":                             event.ProviderSecurity,
	"microsoft-windows-sysmon/operational": event.ProviderSysmon,
}

// fieldIDs are the payload fields by their names.
var fieldIDs = func() map[string]event.FieldID {
	ids := make(map[string]event.FieldID, event.NumPayloadFields)
	for id := event.FieldID(1); int(id) < event.NumPayloadFields; id++ {
		ids[id.String()] = id
	}
	return ids
}()
