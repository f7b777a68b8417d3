// Package binxml parses a record's binary XML into a tree without references to
// other places of the chunk that the record lay in, and writes it again: into
// another chunk, with the template definitions and names that it needs, or as
// XML. Every value stays the bytes that the log holds ([MS-EVEN6] 2.2.12,
// libevtx format documentation "Binary XML"): values and texts are views into
// the chunk, which must not change while the tree is used.
//
// Parse is for records that evtx.Decoder.Whole has found sound. It returns an
// error on others, or a tree of what they hold.
package binxml

import (
	"errors"

	"webshellscan/scan/event"
)

// ErrMalformed: the bytes are no binary XML of a record.
var ErrMalformed = errors.New("binxml: malformed")

// noDependency is the dependency identifier of an element that depends on no
// value.
const noDependency = 0xFFFF

// Document is the binary XML of a record, or of a value that holds some.
type Document struct {
	nodes []*node
	rest  []byte // what stands behind the end of an embedded one
}

// node is a token with what belongs to it.
type node struct {
	token byte // as it was read, with event.MoreFollows
	name  name // of an element, attribute, entity or processing instruction
	// depends is the dependency identifier of an element; only those of
	// definitions have one.
	depends    uint16
	dependency bool
	attributes []*node
	content    []*node // of an element or attribute
	empty      bool    // the element ends with its start tag

	text     []byte // UTF-16LE: of value text, CDATA, processing instructions
	typ      uint8  // of value text or a substitution
	number   uint16 // of a character or substitution
	instance *instance
}

// name is a name as UTF-16LE text.
type name string

// instance is a template with the values that are put into it.
type instance struct {
	version    uint8
	id         uint32
	definition *definition
	values     []value
}

// definition is a template.
type definition struct {
	guid [16]byte
	body *Document
	// text is the definition written in a form of its own: the same for two
	// definitions only if they are the same.
	text string
}

// value is one value of an instance.
type value struct {
	event.Value
	pad      byte
	embedded *Document // of a value that holds binary XML
}
