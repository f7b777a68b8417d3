// Package crosscheck decodes records a second time, with golang-evtx, and
// compares: forensic practice wants a finding seen by two tools. The second
// decoder is complete and independent, but it panics, loops or overflows the
// stack on damaged and hostile input, so it stands behind a guard: it is given
// only records that evtx.Decoder.Whole has found sound, and parses of their
// chunk only what they refer to. It would write to the standard logger of the
// process, so the package silences that.
package crosscheck

import (
	"errors"
	"fmt"
	"io"
	"log"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	golangevtx "github.com/0xrawsec/golang-evtx/evtx"

	"webshellscan/internal/work"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// State is the outcome of a cross-check.
type State string

// The states.
const (
	// Confirmed: both decoders read the same.
	Confirmed State = "confirmed"
	// Differs: they read different values.
	Differs State = "differs"
	// Unconfirmed: the second decoder could not be asked, or gave no
	// answer.
	Unconfirmed State = "unconfirmed"
)

// Result is how the second decoder's record compares.
type Result struct {
	State State
	// Reason names the fields that differ, or says why the record is
	// unconfirmed. It is empty if it was confirmed.
	Reason string
	// Raw is the event as the second decoder has it; nil if it has none.
	Raw map[string]any
}

// Checker compares decoders. A Checker is for one goroutine.
type Checker struct {
	decoder *evtx.Decoder
	data    []byte           // the chunk that the second decoder has in hand
	chunk   golangevtx.Chunk // with the definitions that it has parsed
	// definitions are those that the second decoder has parsed in other
	// chunks, by evtx.Decoder.Definition.
	definitions map[uint64]golangevtx.TemplateDefinitionData
}

// maxDefinitions bounds how many definitions a Checker keeps.
const maxDefinitions = 256

// New returns a Checker.
func New() *Checker {
	silence()
	return &Checker{
		decoder:     evtx.NewDecoder(evtx.NewSelection(nil)),
		definitions: make(map[uint64]golangevtx.TemplateDefinitionData),
	}
}

// Chunk sets the chunk, from its start on, whose records are checked. The chunk
// must stay as it is until the next call.
func (c *Checker) Chunk(data []byte) {
	c.data = data
	c.chunk = golangevtx.NewChunk()
	c.chunk.Data = data
}

// silence keeps golang-evtx from writing to standard error: it logs what it
// cannot parse by the standard library's logger, whatever its own level.
var silence = sync.OnceFunc(func() { log.SetOutput(io.Discard) })

// Check decodes the record at an offset of the chunk with both decoders.
// recordID is what the caller holds the record's System/EventRecordID to be: if
// the record there is another one by now, it is not confirmed.
func (c *Checker) Check(offset int, recordID uint64) Result {
	ev, err := c.decoder.Whole(c.data, offset)
	if err != nil {
		return Result{State: Unconfirmed, Reason: "record is not sound: " + strings.TrimPrefix(err.Error(), "evtx: ")}
	}
	if ev.RecordID != recordID {
		return Result{State: Unconfirmed, Reason: fmt.Sprintf("the file changed: record %d stands in its place", ev.RecordID)}
	}
	raw, err := c.decode(offset)
	if err != nil {
		return Result{State: Unconfirmed, Reason: "golang-evtx: " + err.Error()}
	}
	if differ := compare(ev, raw); len(differ) > 0 {
		return Result{State: Differs, Reason: strings.Join(differ, ", "), Raw: raw}
	}
	return Result{State: Confirmed, Raw: raw}
}

// decode decodes one record with golang-evtx. The chunk's tables are not
// parsed: that would touch definitions which the record does not use and nobody
// has looked at. A panic is returned as an error.
func (c *Checker) decode(offset int) (raw map[string]any, err error) {
	caught := work.Guard(func() { raw, err = c.parse(offset) })
	if p, ok := errors.AsType[*work.Panic](caught); ok {
		c.Chunk(c.data) // what golang-evtx has kept may be incomplete
		return nil, fmt.Errorf("panic: %v", p.Value)
	}
	return raw, err
}

// parse is decode without its guard.
func (c *Checker) parse(offset int) (map[string]any, error) {
	at, serial := c.decoder.Definition()
	known, ok := c.definitions[serial]
	if ok && serial != 0 {
		c.chunk.TemplateTable[int32(at)] = known
	}
	c.chunk.Header.OffsetLastRec = int32(offset)
	ev := c.chunk.ParseEvent(int64(offset))
	m, err := ev.GoEvtxMap(&c.chunk)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("no event")
	}
	if parsed, found := c.chunk.TemplateTable[int32(at)]; found && !ok && len(c.definitions) < maxDefinitions {
		c.definitions[serial] = parsed
	}
	return plain(*m).(map[string]any), nil
}

// plain turns the types of golang-evtx into those of encoding/json.
func plain(v any) any {
	switch v := v.(type) {
	case golangevtx.GoEvtxMap:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = plain(value)
		}
		return m
	case golangevtx.UTCTime:
		return event.FromTime(time.Time(v)).String()
	case time.Time:
		return event.FromTime(v).String()
	}
	return v
}

// compare returns the names of the values that the two decoders read
// differently.
func compare(ev *event.Event, raw map[string]any) []string {
	var differ []string
	check := func(name, ours string, theirs any, ok bool) {
		if !ok || !sameText(ours, fmt.Sprint(theirs)) {
			differ = append(differ, name)
		}
	}
	look := func(path ...string) (any, bool) { return dig(raw, path) }
	id, ok := look("Event", "System", "EventID")
	if m, isMap := id.(map[string]any); isMap {
		id, ok = m["Value"], m["Value"] != nil
	}
	check("EventID", strconv.Itoa(int(ev.ID)), id, ok)
	name, ok := look("Event", "System", "Provider", "Name")
	check("Provider", ev.Provider.String(), name, ok)
	at, ok := look("Event", "System", "TimeCreated", "SystemTime")
	check("TimeCreated", ev.Time.String(), at, ok)
	record, ok := look("Event", "System", "EventRecordID")
	check("EventRecordID", strconv.FormatUint(ev.RecordID, 10), record, ok)
	for _, sys := range []struct {
		name string
		v    event.Value
	}{{"Channel", ev.Channel}, {"Computer", ev.Computer}} {
		if !sys.v.IsNull() {
			theirs, ok := look("Event", "System", sys.name)
			check(sys.name, sys.v.String(), theirs, ok)
		}
	}
	payload, _ := look("Event", "EventData")
	data, _ := payload.(map[string]any)
	for _, f := range ev.Fields() {
		theirs, ok := data[f.String()]
		check(f.String(), ev.Value(f).String(), theirs, ok)
	}
	slices.Sort(differ)
	return differ
}

// dig returns the value at a path of nested maps.
func dig(m map[string]any, path []string) (any, bool) {
	for i, key := range path {
		v, ok := m[key]
		if !ok || i == len(path)-1 {
			return v, ok
		}
		if m, ok = v.(map[string]any); !ok {
			return nil, false
		}
	}
	return nil, false
}

// sameText reports whether two renderings mean one value: golang-evtx writes
// GUIDs and hexadecimal numbers in its own way.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	if x, ok := event.ParseGUID([]byte(a)); ok {
		y, ok := event.ParseGUID([]byte(b))
		return ok && x == y
	}
	if x, ok := event.ParseTime([]byte(a)); ok {
		y, ok := event.ParseTime([]byte(b))
		return ok && x == y
	}
	if x, err := strconv.ParseUint(a, 0, 64); err == nil {
		y, err := strconv.ParseUint(b, 0, 64)
		return err == nil && x == y
	}
	return false
}
