// Package event holds the words that the parts of webshellscan share: an
// event as a log holds it, the names of its fields, its values, its times and
// the place where it was found. It is data and how data is written; it knows
// neither the EVTX format nor processes nor rules, and imports the standard
// library only.
package event

// Key names a kind of event: event IDs mean something within one provider
// only.
type Key struct {
	// Provider is the provider's name as System/Provider/@Name has it.
	// Names are compared without case.
	Provider string
	// ID is System/EventID.
	ID uint16
}

// Place is where in the evidence a record lies.
type Place struct {
	// File numbers the input file, in the order in which a scan names its
	// inputs. A reader of one file leaves it 0.
	File uint32
	// Offset is where the record begins, in bytes from the start of the
	// file.
	Offset int64
	// Chunk is where the record's chunk begins, in bytes from the start of
	// the file.
	Chunk int64
	// HeaderID is the record identifier of the record header. Exports
	// renumber it, so it may differ from Event.RecordID.
	HeaderID uint64
}

// Event is one decoded record. Text and values are views into the reader's
// buffer: they are valid until the reader that yielded the event goes on to
// its next one.
type Event struct {
	Place Place

	// Provider is System/Provider/@Name.
	Provider Value
	// ID is System/EventID, Version is System/Version.
	ID      uint16
	Version uint8
	// Key numbers what selected this event: the index in Want.Keys, or
	// behind those in Want.Providers, or behind those in Want.Channels. The
	// first that fits counts.
	Key int
	// Time is System/TimeCreated/@SystemTime, or the record header's time
	// (TimeFromHeader set) where the payload has none.
	Time           Time
	TimeFromHeader bool
	// RecordID is System/EventRecordID, or the record header's identifier
	// where the payload has none.
	RecordID uint64
	// Channel and Computer are System/Channel and System/Computer.
	Channel  Value
	Computer Value
	// Damaged counts values of this event that could not be read as their
	// definition says. The other fields are sound.
	Damaged int
	// Marks are how the record was read.
	Marks Marks

	// values holds the named payload values. One counts if its mark is the
	// event's, so that an event is emptied by taking the next mark.
	values [NumPayloadFields]Value
	marks  [NumPayloadFields]uint32
	mark   uint32 // less one
	order  []FieldID

	// system and payload hold what a selection asks for by name, listed the
	// bytes of their values.
	system, payload FieldList
	listed          int
}

// MaxFields is how many named fields an event keeps at most: each name once.
const MaxFields = NumPayloadFields

// Reset empties the event for the next record and keeps its memory.
func (e *Event) Reset() {
	e.Place, e.Provider, e.ID, e.Version, e.Key = Place{}, Value{}, 0, 0, 0
	e.Time, e.TimeFromHeader, e.RecordID = 0, false, 0
	e.Channel, e.Computer, e.Damaged, e.Marks = Value{}, Value{}, 0, 0
	e.order = e.order[:0]
	e.system, e.payload, e.listed = e.system[:0], e.payload[:0], 0
	if e.mark++; e.mark == 1<<32-1 {
		e.mark = 0
		clear(e.marks[:])
	}
}

// Set sets the field id to the value v unless the event has that field already:
// where a hostile template repeats a name, the first one counts. It reports
// whether v was set.
func (e *Event) Set(id FieldID, v Value) bool {
	if id == FieldNone || e.marks[id] == e.mark+1 {
		return false
	}
	e.marks[id] = e.mark + 1
	e.values[id] = v
	e.order = append(e.order, id)
	return true
}

// Value returns the value of a payload field. The zero Value stands for a field
// that the event does not have.
func (e *Event) Value(id FieldID) Value {
	if e.marks[id] == e.mark+1 {
		return e.values[id]
	}
	return Value{}
}

// Fields returns the payload fields that the event has, in the order of the
// record. The slice belongs to the event and is valid as long as the event is.
func (e *Event) Fields() []FieldID { return e.order }
