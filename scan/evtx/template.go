package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"

	"webshellscan/scan/event"
)

// The layout of a template definition: offset of the next definition of its
// bucket (u32), GUID (16), body length (u32), body.
const (
	definitionHead   = 24
	definitionGUID   = 4
	definitionLength = 20
)

// sourceKind is where the text of an attribute or element comes from.
type sourceKind uint8

const (
	sourceNone         sourceKind = iota
	sourceLiteral                 // text of the definition
	sourceSubstitution            // a value of the instance
	sourceMixed                   // several of them, one after the other
)

// textSource is where the text of one attribute or element comes from.
type textSource struct {
	kind  sourceKind
	index uint16 // sourceSubstitution: of the value; sourceMixed: of the first part
	text  span   // sourceLiteral
}

// span is a stretch of template.raw, in bytes.
type span struct{ off, size uint32 }

// textPiece is one piece of a sourceMixed.
type textPiece struct {
	textSource
	char uint16 // a character reference, if source.kind is sourceNone
	next uint16 // index of the next part, 0 at the end
}

// The System values that a record is identified and placed by.
const (
	sysProvider = iota
	sysEventID
	sysVersion
	sysTime
	sysRecordID
	sysChannel
	sysComputer
	numSystem
)

// item is one named value of the payload.
type item struct {
	field event.FieldID
	// name is where the name comes from, if it is not a literal (never
	// seen).
	name  textSource
	value textSource
}

// embed is a value that holds more of the event as BinXML.
type embed struct {
	index uint16
	place place
}

// template is a compiled template definition, or a compiled template-less
// record: where each value that matters comes from.
type template struct {
	id     uint32
	place  place // where an instance of it stands in the event
	offset uint32
	// length is the body length that the definition states, consumed the
	// one that its tokens take.
	length, consumed uint32

	// raw is a copy of the definition from its start to the end of its
	// tokens (for a template-less record: the chunk). Spans are stretches
	// of it.
	raw []byte
	// refs are the definition's name references, in order. They and the
	// links of name nodes are all that differs where the definition stands
	// in another chunk. outside are the names that it takes from elsewhere
	// in the chunk.
	refs    []nameRef
	outside []outsideName
	// serial numbers the compilations of a cache: templates of one number
	// are one definition, in whichever chunk it stands.
	serial uint64
	// unkept is set if outside would have too many names: the template is
	// compiled anew in each chunk.
	unkept bool

	system [numSystem]textSource
	items  []item
	embeds []embed
	parts  []textPiece
	// substitutions are the indices of the values that the definition uses,
	// once for each use.
	substitutions []uint16
	// listed are all fields that the definition names, in its order, for
	// selections that ask for them; names are the sources of those names
	// that are no literals.
	listed []listedField
	names  []textSource
	// seen has a bit for each field that has its item.
	seen [2]uint64

	// provider is what the selection says of a literal provider name; nil
	// for a provider that nothing is selected of. Used if
	// system[sysProvider] is a literal.
	provider *selectedProvider
	// quick is set if the event ID and the time are plain substitutions at
	// idIndex and timeIndex, idIndex < timeIndex, the host is a literal,
	// and the channel is one too or a plain substitution at channelIndex >
	// timeIndex; else channelIndex is 0.
	quick              bool
	idIndex, timeIndex int
	channelIndex       int

	// asked is what of the selection can be an event of this template.
	asked asked
	// looks are those of the gate at payloads that this template gives.
	looks []gateLook

	// uses counts the records of the present part, of which those of one
	// channel after the other count for an origin, nil if there is none;
	// owned by the reader.
	uses    int
	channel event.Value
	origin  *OriginStats
	// usedIn is the reader's chunk number in which the template was last
	// looked up: its memory is not to be used again in the same chunk.
	usedIn uint64
	// failed is why the definition cannot be used.
	failed error
	// suspect is set if a name of it has not the hash that stands beside
	// it: one of them was overwritten.
	suspect bool
	// candidate is what it was offered to the pool as, foreign says that it
	// is one of the pool itself.
	candidate *poolEntry
	foreign   bool
}

// restart empties t but for what says which definition it is, and keeps its
// memory.
func (t *template) restart(at place) {
	*t = template{
		id: t.id, place: at, offset: t.offset, length: t.length, serial: t.serial,
		raw: t.raw, refs: t.refs[:0], outside: t.outside[:0], items: t.items[:0], embeds: t.embeds[:0],
		substitutions: t.substitutions[:0], listed: t.listed[:0], names: t.names[:0],
		parts: append(t.parts[:0], textPiece{}), // index 0 ends a list
	}
}

// text returns a stretch of the definition.
func (t *template) text(s span) []byte { return t.raw[s.off : s.off+s.size : s.off+s.size] }

// same reports whether the definition at an offset of a chunk is the one that t
// was compiled from, wherever that stood: the same bytes but for the offsets of
// names, and the same names.
func (t *template) same(chunk []byte, offset uint32) bool {
	if t.failed != nil || t.unkept || len(t.raw) > len(chunk)-int(offset) {
		return false
	}
	there := chunk[offset : int(offset)+len(t.raw)]
	from := definitionGUID // the link before it may be another
	if offset == t.offset && len(t.outside) == 0 && bytes.Equal(t.raw[from:], there[from:]) {
		return true // as a record's own definition mostly is, in the chunk's first record
	}
	var seen [8]uint32 // where the first outside names stand in this chunk, once they are known to be equal
	for _, ref := range t.refs {
		at := int(ref.at)
		if !bytes.Equal(t.raw[from:at], there[from:at]) {
			return false
		}
		node := binary.LittleEndian.Uint32(there[at:])
		from = at + 4
		if ref.outside < 0 {
			if node != offset+uint32(from) {
				return false
			}
			from += 4 // the node's link
			continue
		}
		if i := int(ref.outside); i >= len(seen) || seen[i] != node {
			name := &t.outside[i]
			text, hash, err := nameNode(chunk, int(node))
			if err != nil || hash != name.hash || !bytes.Equal(text, name.text) {
				return false
			}
			if i < len(seen) {
				seen[i] = node
			}
		}
	}
	return bytes.Equal(t.raw[from:], there[from:])
}

// prepareQuick works out what the quick path needs to know.
func (t *template) prepareQuick(sel *Selection) {
	if s := t.system[sysProvider]; s.kind == sourceLiteral {
		t.provider = sel.provider(t.text(s.text))
	}
	id, when, channel := t.system[sysEventID], t.system[sysTime], t.system[sysChannel]
	t.quick = id.kind == sourceSubstitution && when.kind == sourceSubstitution && id.index < when.index &&
		t.system[sysComputer].kind == sourceLiteral &&
		(t.system[sysProvider].kind == sourceLiteral || t.system[sysProvider].kind == sourceSubstitution) &&
		(channel.kind == sourceLiteral || channel.kind == sourceSubstitution && channel.index > when.index)
	t.idIndex, t.timeIndex, t.channelIndex = int(id.index), int(when.index), int(channel.index)
	t.asked = t.askedBy(sel)
}

// asked is what of a selection the events of a template can be.
type asked uint8

const (
	askedNothing asked = iota
	askedIDs           // those of selected event IDs, or of a selected provider, which the record names
	askedChannel       // those, and of a selected channel, which the record names
	askedAll           // all of them are selected, or nothing can be said
)

// askedBy returns what of a selection the events of t can be.
func (t *template) askedBy(sel *Selection) asked {
	named := t.system[sysProvider].kind == sourceLiteral
	if t.provider != nil && t.provider.whole != 0 {
		return askedAll
	}
	if s := t.system[sysChannel]; len(sel.channels) > 0 {
		if s.kind != sourceLiteral {
			return askedChannel
		}
		if _, selected := sel.channel(t.text(s.text)); selected {
			return askedAll
		}
	}
	if t.provider != nil || !named {
		return askedIDs
	}
	return askedNothing
}

// templateKey identifies a compiled definition: the same definition may stand
// at several places of the event.
type templateKey struct {
	id    uint32
	place place
}

// variants holds the compiled forms of one definition. They differ in which of
// its names stand in it, and which elsewhere in the chunk: that depends on what
// the chunk held before it.
type variants struct {
	list [4]*template
	next int // to be given up for another one
}

// templateCache keeps a reader's compiled definitions from chunk to chunk.
type templateCache struct {
	sel   *Selection
	byKey map[templateKey]*variants
	// slots is an open-addressed table of the definitions of the present
	// chunk, by their offset. A slot counts if its chunk number is the
	// present one.
	slots [templateSlots]templateSlot
	// recent are the two looked up last: a record's own definition, and one
	// of a value in it.
	recent [2]templateSlot
	chunk  uint64 // number of the present chunk, from 1
	used   int    // slots taken in the present chunk
	bytes  int    // definition bytes compiled in the present chunk
	unsure bool   // the checksums of the present chunk do not fit
	serial uint64 // of the last compilation
	build  compiler
	pool   TemplatePool // what was compiled or found in the cache so far
}

const templateSlots = 2 * maxDefinitions

type templateSlot struct {
	chunk  uint64
	offset uint32
	place  place
	t      *template
}

// maxCached is how many templates a cache keeps. Real logs have fewer than a
// thousand (725 GUIDs in 905 files); beyond it the cache starts again.
const maxCached = 4096

// begin starts a chunk. unsure is set if its checksums do not fit.
func (tc *templateCache) begin(unsure bool) {
	tc.chunk++
	tc.build.names.begin(tc.chunk)
	tc.unsure = unsure
	tc.used, tc.bytes = 0, 0
	if len(tc.byKey) > maxCached {
		clear(tc.byKey)
	}
}

// find returns the compiled definition at an offset of the chunk, whose
// template id an instance gives as id. A definition that cannot be compiled,
// or has another id, comes back as an error, at once when it is asked for
// again. The template belongs to the cache and is good for the present chunk.
func (tc *templateCache) find(chunk []byte, offset, id uint32, at place) (*template, error) {
	recent := &tc.recent[min(at, 1)]
	if recent.chunk == tc.chunk && recent.offset == offset && recent.place == at {
		return recent.t.as(id)
	}
	i := (offset*0x9E3779B1 + uint32(at)) >> 16 % templateSlots
	for tc.slots[i].chunk == tc.chunk {
		if s := &tc.slots[i]; s.offset == offset && s.place == at {
			*recent = *s
			return s.t.as(id)
		}
		i = (i + 1) % templateSlots
	}
	if tc.used >= maxDefinitions || tc.bytes > maxCompiled {
		return nil, ErrBudget
	}
	t := tc.load(chunk, offset, id, at)
	t.usedIn = tc.chunk
	tc.used++
	tc.slots[i] = templateSlot{tc.chunk, offset, at, t}
	*recent = tc.slots[i]
	return t.as(id)
}

// recentOuter returns the sound definition of the record looked up last if it
// is the one at an offset of the chunk, else nil.
func (tc *templateCache) recentOuter(offset, id uint32) *template {
	if s := &tc.recent[0]; s.chunk == tc.chunk && s.offset == offset && s.t.id == id && s.t.failed == nil && !s.t.suspect {
		return s.t
	}
	return nil
}

// as returns t if it is sound and has the template id. A suspect template comes
// with an error.
func (t *template) as(id uint32) (*template, error) {
	if t.id != id {
		return nil, ErrTemplate
	}
	if t.suspect {
		return t, ErrTemplate
	}
	return t, t.failed
}

// load returns the definition from the cache if it is the one in the chunk, or
// compiles it.
func (tc *templateCache) load(chunk []byte, offset, id uint32, at place) *template {
	if int64(offset)+definitionHead > int64(len(chunk)) ||
		binary.LittleEndian.Uint32(chunk[offset+definitionGUID:]) != id {
		return &template{id: id, failed: ErrTemplate}
	}
	key := templateKey{id, at}
	known := tc.byKey[key]
	if known == nil {
		known = new(variants)
		tc.byKey[key] = known
	}
	for _, t := range known.list {
		if t != nil && t.same(chunk, offset) {
			tc.bytes += len(t.raw)
			t.offset = offset
			tc.offer(key, t)
			return t
		}
	}
	slot := &known.list[known.next%len(known.list)]
	if *slot == nil || (*slot).usedIn == tc.chunk || (*slot).uses != 0 {
		*slot = new(template) // the old one is still in use
	}
	t := *slot
	tc.serial++
	t.id, t.offset, t.place, t.serial = id, offset, at, tc.serial
	t.length = binary.LittleEndian.Uint32(chunk[offset+definitionLength:])
	t.failed = tc.build.definition(t, chunk)
	tc.bytes += int(t.consumed) + definitionHead
	switch {
	case t.failed == nil:
		t.prepareQuick(tc.sel)
		known.next++
		tc.offer(key, t)
	case !errors.Is(t.failed, ErrBudget):
		t.failed = errors.Join(ErrTemplate, t.failed)
		fallthrough
	default:
		*slot = nil
	}
	return t
}
