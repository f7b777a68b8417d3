package evtx

import (
	"encoding/binary"

	"webshellscan/scan/event"
)

// word stands for a name that the reader understands: one of the names that
// make up an event, or firstField + a FieldID. Zero is any other name.
type word uint16

const (
	wordNone word = iota
	wordEvent
	wordSystem
	wordProvider
	wordEventID
	wordVersion
	wordTimeCreated
	wordEventRecordID
	wordChannel
	wordComputer
	wordEventData
	wordUserData
	wordData
	// Attributes.
	wordName
	wordSystemTime
	wordRenderingInfo // the message of a forwarded event, rendered where it comes from
	// Names that stand in nearly every definition and mean nothing here:
	// listed so that they are found at the first look.
	wordOther

	firstField word = 0x100
)

// knownName is one entry of the table of names.
type knownName struct {
	text string // ASCII
	hash uint16
	word word
}

// names is an open-addressed hash table of all names that the reader
// understands, by their name hash.
var names = newNameTable(map[string]word{
	"Event": wordEvent, "System": wordSystem, "Provider": wordProvider, "EventID": wordEventID,
	"Version": wordVersion, "TimeCreated": wordTimeCreated, "EventRecordID": wordEventRecordID,
	"Channel": wordChannel, "Computer": wordComputer, "EventData": wordEventData, "UserData": wordUserData,
	"Data": wordData, "Name": wordName, "SystemTime": wordSystemTime, "RenderingInfo": wordRenderingInfo,
	"xmlns": wordOther, "Guid": wordOther, "Qualifiers": wordOther, "Level": wordOther, "Task": wordOther,
	"Opcode": wordOther, "Keywords": wordOther, "Correlation": wordOther, "ActivityID": wordOther,
	"RelatedActivityID": wordOther, "Execution": wordOther, "ThreadID": wordOther, "Security": wordOther,
	"UserID": wordOther, "EventSourceName": wordOther,
})

const nameTableSize = 256 // a power of two, at least twice the names

func newNameTable(words map[string]word) *[nameTableSize]knownName {
	for id := event.FieldNone + 1; int(id) < event.NumPayloadFields; id++ {
		if _, ok := words[id.String()]; !ok {
			words[id.String()] = firstField + word(id)
		}
	}
	var table [nameTableSize]knownName
	for text, w := range words {
		h := asciiNameHash(text)
		i := h % nameTableSize
		for table[i].text != "" {
			i = (i + 1) % nameTableSize
		}
		table[i] = knownName{text, h, w}
	}
	return &table
}

// field returns the payload field that w names.
func (w word) field() event.FieldID {
	switch {
	case w > firstField:
		return event.FieldID(w - firstField)
	case w == wordChannel:
		return event.ClearedChannel
	}
	return event.FieldNone
}

// nameHash returns the hash that a name node carries: the low word of the sum
// that multiplies by 65599 before it adds each UTF-16 unit ([MS-EVEN6]
// 2.2.12.4 NameHash).
func nameHash(utf16 []byte) uint16 {
	var h uint32
	for ; len(utf16) >= 2; utf16 = utf16[2:] {
		h = h*65599 + uint32(binary.LittleEndian.Uint16(utf16))
	}
	return uint16(h)
}

func asciiNameHash(text string) uint16 {
	var h uint32
	for i := range len(text) {
		h = h*65599 + uint32(text[i])
	}
	return uint16(h)
}

// lookUpName returns the word for a name of UTF-16LE text.
func lookUpName(utf16 []byte) word { return findName(utf16, nameHash(utf16)) }

func findName(utf16 []byte, hash uint16) word {
	for i := hash % nameTableSize; names[i].text != ""; i = (i + 1) % nameTableSize {
		if names[i].hash == hash && equalASCII(utf16, names[i].text) {
			return names[i].word
		}
	}
	return wordNone
}

// equalASCII reports whether UTF-16LE text is the given ASCII text.
func equalASCII(utf16 []byte, text string) bool {
	if len(utf16) != 2*len(text) {
		return false
	}
	for i := range len(text) {
		if utf16[2*i] != text[i] || utf16[2*i+1] != 0 {
			return false
		}
	}
	return true
}

// equalFoldASCII is equalASCII without regard to the case of ASCII letters.
// text must be in lower case.
func equalFoldASCII(utf16 []byte, text string) bool {
	if len(utf16) != 2*len(text) {
		return false
	}
	for i := range len(text) {
		c := utf16[2*i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != text[i] || utf16[2*i+1] != 0 {
			return false
		}
	}
	return true
}

// equalFolded reports whether a UTF-16LE name of ASCII characters is one that
// event.FoldName gives.
func equalFolded(utf16 []byte, folded string) bool {
	var buffer [64]byte
	name := buffer[:0]
	for i := 0; i < len(utf16); i += 2 {
		name = append(name, utf16[i])
	}
	return len(name) >= len(folded) && string(event.AppendFolded(name[:0], name)) == folded
}

// The layout of a name node: offset of the next node of its bucket (u32), hash
// (u16), count of UTF-16 units (u16), the units, a NUL unit.
const (
	nameNodeHead = 8
	nameNodeTail = 2
)

// outsideName is a name that a definition refers to and that stands elsewhere
// in the chunk.
type outsideName struct {
	hash uint16
	text []byte // a copy of the units
}

// nameRef is one name reference of a definition.
type nameRef struct {
	at      uint32 // of the reference, from the definition's start
	outside int16  // index of the name, -1 for one whose node follows the reference
}

// name reads a name reference at the cursor, and the node where it is inline.
// It returns the word, and the node's offset from the chunk's start.
func (c *cursor) name() (word, int) {
	at := int(c.uint32())
	if c.err != nil {
		return wordNone, 0
	}
	text, hash, err := nameNode(c.data, at)
	if err != nil {
		c.err = err
		return wordNone, 0
	}
	if at == c.pos {
		c.skip(nameNodeHead + len(text) + nameNodeTail)
	}
	w := findName(text, hash)
	if w == wordNone {
		if own := nameHash(text); own != hash {
			c.suspect = true
			w = findName(text, own)
		}
	}
	return w, at
}

// nameNode returns the UTF-16LE text and the hash of the name node at an offset
// from the chunk's start. The text is a view into the chunk.
func nameNode(chunk []byte, at int) (text []byte, hash uint16, err error) {
	if at < 0 || at > len(chunk)-nameNodeHead {
		return nil, 0, ErrToken
	}
	hash = binary.LittleEndian.Uint16(chunk[at+4:])
	size := 2 * int(binary.LittleEndian.Uint16(chunk[at+6:]))
	at += nameNodeHead
	if size > len(chunk)-at {
		return nil, 0, ErrToken
	}
	return chunk[at : at+size : at+size], hash, nil
}

// nameCache holds what the name references of the chunk at hand stand for: most
// of them are the same few. The zero cache is ready for use.
type nameCache struct {
	chunk uint64 // the number of the chunk
	names [256]cachedName
}

// cachedName is a name node of a chunk.
type cachedName struct {
	chunk   uint64
	node    uint32 // its offset from the chunk's start
	size    uint32 // in bytes
	word    word
	suspect bool // its hash is not that of its text
}

// begin makes a chunk the one at hand, by a number that no other has.
func (n *nameCache) begin(chunk uint64) { n.chunk = chunk }

// next reads a name reference at a cursor, and the node where it is inline. It
// returns the word, and the node's offset from the chunk's start.
func (n *nameCache) next(c *cursor) (word, int) {
	if c.err != nil || c.end-c.pos < 4 {
		return c.name()
	}
	node := binary.LittleEndian.Uint32(c.data[c.pos:])
	known := n.find(node)
	if known == nil {
		return n.read(c, node)
	}
	c.pos += 4
	if int(node) == c.pos {
		c.skip(int(known.size))
	}
	c.suspect = c.suspect || known.suspect
	return known.word, int(node)
}

// at reads a name reference at an offset of the chunk at hand, which has four
// bytes there. It returns the word and the offset behind the reference, and
// behind the node where it is inline, and reports whether there is such a node.
func (n *nameCache) at(chunk []byte, pos int) (word, int, bool) {
	node := binary.LittleEndian.Uint32(chunk[pos:])
	if known := n.find(node); known != nil {
		if pos += 4; int(node) == pos {
			pos += int(known.size)
		}
		return known.word, pos, true
	}
	c := cursor{data: chunk, pos: pos, end: len(chunk)}
	w, _ := n.read(&c, node)
	return w, c.pos, c.err == nil
}

// find returns the node at an offset of the chunk at hand if it is in the
// cache.
func (n *nameCache) find(node uint32) *cachedName {
	if known := &n.names[node*0x9E3779B1>>24]; known.node == node && known.chunk == n.chunk && n.chunk != 0 {
		return known
	}
	return nil
}

// read reads a name reference that is not in the cache, and keeps it there.
func (n *nameCache) read(c *cursor, node uint32) (word, int) {
	before := c.suspect
	c.suspect = false
	w, at := c.name()
	if c.err == nil {
		text, _, _ := nameNode(c.data, at) // it has just been read
		n.names[node*0x9E3779B1>>24] = cachedName{n.chunk, node, uint32(nameNodeHead + len(text) + nameNodeTail), w, c.suspect}
	}
	c.suspect = c.suspect || before
	return w, at
}
