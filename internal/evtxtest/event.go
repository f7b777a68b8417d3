package evtxtest

import "time"

// Shape is how the BinXML of a record is built.
type Shape uint8

const (
	// ShapeAuto leaves the choice to the writer: ShapePlain in forwarded
	// logs, otherwise ShapeProvider for providers without a GUID and
	// ShapeManifest for the rest.
	ShapeAuto Shape = iota
	// ShapeManifest is the shape of providers with a manifest: a template
	// of 18 values that all events of a host share, its value 17 being
	// BinXML with an instance of the event's own template.
	ShapeManifest
	// ShapeProvider is the shape of providers that log through the event
	// log service's own interface: a template of 20 values that holds
	// provider, channel and computer as text.
	ShapeProvider
	// ShapePlain is the shape of events that were forwarded: elements and
	// text, no template.
	ShapePlain
)

// ValueForm is how the values of a manifest record are stored.
type ValueForm uint8

const (
	// ValueAuto is ValueBuffer in live and archived logs, else ValueClean.
	ValueAuto ValueForm = iota
	// ValueBuffer is the form of values taken from the provider's buffer as
	// they are: the payload has no fragment header, strings end with a NUL,
	// and absent Qualifiers and ActivityID are NULLs of 2 and 16 bytes of
	// leftover memory. Most records of live logs have it.
	ValueBuffer
	// ValueClean is the form of values written anew: fragment header, no
	// NULs, NULLs of size 0. All exported records and some of live Security
	// logs have it.
	ValueClean
)

// TextForm is how plain records spell times and GUIDs. It depends on the
// Windows that forwarded the event: in the sample records 9 digits go with
// upper case, 7 digits with lower case.
type TextForm uint8

const (
	// TextNew has 7 fractional digits and lower-case GUIDs.
	TextNew TextForm = iota
	// TextOld has 9 fractional digits and upper-case GUIDs.
	TextOld
)

// Provider is who logs an event.
type Provider struct {
	Name string
	// GUID is zero for classic providers. Their events have no Version,
	// Opcode, Correlation and Execution elements, except from Windows 10
	// 2004 on, which Extended says.
	GUID     GUID
	Extended bool
	// GUIDText is how definitions of ShapeProvider spell the GUID; empty
	// means in braces and lower case, as most do.
	GUIDText string
	// EventSourceName is the second name of providers that have both a
	// manifest and a classic source, such as the Service Control Manager;
	// mostly empty.
	EventSourceName string
}

// Event is one event, described in the words of Windows' event schema. Zero
// values of optional members mean that the event does not have them.
type Event struct {
	Provider Provider
	ID       uint16
	Version  uint8
	Level    uint8 // 0 always, 1 critical, 2 error, 3 warning, 4 information
	Opcode   uint8
	Task     uint16
	Keywords uint64
	// Qualifiers is written if HasQualifiers is set, also if it is 0.
	Qualifiers    uint16
	HasQualifiers bool

	Time              FileTime // System/TimeCreated
	RecordID          uint64   // System/EventRecordID; 0 means one more than that of the event before
	ActivityID        GUID
	RelatedActivityID GUID
	ProcessID         uint32 // System/Execution
	ThreadID          uint32
	Channel           string
	Computer          string
	UserID            SID // System/Security

	Payload   Payload
	Rendering *RenderingInfo // written in plain records only
	Shape     Shape
	Values    ValueForm // of manifest records
	Text      TextForm  // of plain records

	// HeaderID and HeaderTime stand in the record's header in place of what
	// the style of the log gives; 0 means that the style decides.
	HeaderID   uint64
	HeaderTime FileTime
	// TemplateGUID is the GUID of the outer definition; zero means one made
	// from its content.
	TemplateGUID GUID
}

// PayloadForm is which element holds the data of an event.
type PayloadForm uint8

const (
	// FormEventData is EventData with one Data element a field, then Binary
	// if there is one.
	FormEventData PayloadForm = iota
	// FormClassic is EventData as classic providers write it: one array of
	// strings without names, then Binary. All events of this form share one
	// template.
	FormClassic
	// FormUserData is UserData with one element that holds an element a
	// field.
	FormUserData
	// FormRaw is what Raw writes.
	FormRaw
)

// Payload is what follows the System element.
type Payload struct {
	Form PayloadForm
	// Fields are the named values in order. A field of FormEventData with
	// an empty name is a Data element without one. In FormClassic the
	// fields' text is the array, names are ignored.
	Fields []Field
	// Binary is the content of the Binary element of FormEventData and
	// FormClassic; nil means none.
	Binary []byte
	// Element is the name of the element in UserData; in FormEventData it
	// is the Name attribute of EventData, which few events have. Namespace
	// is the element's xmlns attribute if not empty.
	Element, Namespace string
	// AutoNamespace is the name of an attribute with a second namespace,
	// which Windows before version 10 writes, such as "xmlns:auto-ns3";
	// mostly empty.
	AutoNamespace string
	// Raw writes the content of the embedded BinXML value of FormRaw, or,
	// in plain records, what follows System.
	Raw func(*Builder)
	// TemplateGUID is the GUID of the payload's definition; zero means one
	// made from its content.
	TemplateGUID GUID
}

// Field is a value with a name.
type Field struct {
	Name  string
	Value Value
}

// RenderingInfo is the element that follows the payload when a subscription
// asks for rendered text. Members that are empty are left out.
type RenderingInfo struct {
	Culture                                         string
	Message, Level, Task, Opcode, Channel, Provider string
	Keywords                                        []string
}

// Source is an event that knows how to fill in all of an Event but where and
// when it happened. The types of this package named after events of Windows
// implement it.
type Source interface {
	// Put sets the provider, the identifiers and the payload of ev. It
	// reuses ev.Payload.Fields, so an Event can be filled again and again
	// without allocation.
	Put(ev *Event)
}

// NewEvent returns the event s at time t on the given computer.
func NewEvent(t time.Time, computer string, s Source) Event {
	ev := Event{Time: FileTimeOf(t), Computer: computer}
	s.Put(&ev)
	return ev
}

// system sets what precedes the payload and empties the payload, keeping the
// memory of its fields.
func (ev *Event) system(p Provider, channel string, id uint16, version, level uint8, task uint16, keywords uint64) {
	ev.Provider, ev.Channel, ev.ID, ev.Version = p, channel, id, version
	ev.Level, ev.Task, ev.Keywords, ev.Opcode = level, task, keywords, 0
	ev.Qualifiers, ev.HasQualifiers, ev.Shape = 0, false, ShapeAuto
	ev.Payload = Payload{Fields: ev.Payload.Fields[:0]}
}

// add appends a field to the payload.
func (ev *Event) add(name string, v Value) {
	ev.Payload.Fields = append(ev.Payload.Fields, Field{name, v})
}
