package evtx

import (
	"bytes"

	"webshellscan/scan/event"
)

// place is where in an event a BinXML element stands, and so what may stand in
// it.
type place uint8

const (
	inDocument   place = iota // outside of all elements
	inEvent                   // in Event
	inSystem                  // in System
	inEventData               // in EventData: Data elements
	inUserData                // in UserData: one element that the provider names
	inUserFields              // in that element: one element a field
	inData                    // in Data: the value of the field that its Name attribute gives
	inLeaf                    // in another element whose text is a value
	inOther                   // in an element of no interest
)

// frame is one open element.
type frame struct {
	place place
	word  word
	field event.FieldID // inData, inLeaf below UserData
	name  textSource    // inData: where the field's name comes from, if not a literal
	value textSource    // the text so far, of elements that are listed or give items

	// For the list of all fields:
	section  listSection // of the element itself
	inner    listSection // of the elements in it
	node     int         // of its name, from the chunk's start
	named    string      // what its attribute Name says
	names    uint16      // 1 + index in template.names, where that is no literal
	hasName  bool
	children bool // elements stand in it
	listed   bool // attributes of it are listed
}

// compiler turns BinXML into a template: one pass over the tokens with a stack
// of its own. The zero compiler is ready for use; it is not for several
// goroutines at once.
type compiler struct {
	cur   cursor
	t     *template
	start int // of the template's raw bytes, from the chunk's start
	// dependencies is set if elements carry a dependency identifier, as
	// they do within definitions only (libevtx documentation "Element
	// start").
	dependencies bool

	stack  [maxDepth]frame
	depth  int        // open elements; stack[depth-1] is the innermost
	attr   word       // the open attribute
	node   int        // of its name, from the chunk's start
	attrOf textSource // its text so far
	inAttr bool
	tokens int

	// lists is set if a document without a template is to have its list of
	// fields; a definition always has one, since others may borrow it.
	lists bool
	// wanted are the names of fields that the selection wants, folded, nil
	// for all.
	wanted map[string]bool
	folded []byte // scratch for a name
	texts  nameTexts
	names  nameCache
}

// definition compiles the definition at t.offset into t.
func (c *compiler) definition(t *template, chunk []byte) error {
	c.start = int(t.offset)
	body := c.start + definitionHead
	end := len(chunk)
	if declared := body + int(t.length); int64(t.length) <= int64(end) && declared <= end && t.length != 0 {
		end = declared
	}
	err := c.run(t, chunk, body, end, t.place, true)
	if err != nil && end != len(chunk) {
		err = c.run(t, chunk, body, len(chunk), t.place, true) // the length may be what is damaged
	}
	if err != nil && c.run(t, chunk, body, end, t.place, false) != nil {
		return err
	}
	t.consumed, t.suspect = uint32(c.cur.pos-body), c.cur.suspect
	t.raw = append(t.raw[:0], chunk[c.start:c.cur.pos]...)
	return nil
}

// record compiles a template-less document that stands in a record or in a
// BinXML value at [pos, end) of the chunk. The template is good as long as the
// chunk is.
func (c *compiler) record(t *template, chunk []byte, pos, end int, at place) error {
	c.start = 0
	t.raw = chunk
	err := c.run(t, chunk, pos, end, at, false)
	if err != nil && c.run(t, chunk, pos, end, at, true) == nil {
		return nil
	}
	return err
}

// run reads tokens from pos up to the EOF token, or to end.
func (c *compiler) run(t *template, chunk []byte, pos, end int, at place, dependencies bool) error {
	t.restart(at)
	c.cur = cursor{data: chunk, pos: pos, end: end}
	c.t, c.dependencies = t, dependencies
	c.depth, c.inAttr, c.attrOf, c.tokens = 0, false, textSource{}, 0
	elements := 0
	for c.cur.err == nil {
		if c.cur.pos >= c.cur.end && c.depth == 0 && elements > 0 {
			return nil // a definition or value may end without its EOF token
		}
		token := c.cur.uint8()
		if c.cur.err != nil {
			break
		}
		if c.tokens++; c.tokens > maxTokens {
			return ErrBudget
		}
		if token == event.TokenEOF {
			if c.depth != 0 {
				return ErrToken
			}
			return nil
		}
		if token&^event.MoreFollows == event.TokenOpenElement {
			elements++
		}
		c.token(token)
	}
	return c.cur.err
}

// token reads what follows one token. It is the grammar's table of tokens, one
// case each.
func (c *compiler) token(token uint8) {
	switch token {
	case event.TokenFragmentHeader:
		c.cur.skip(3)
	case event.TokenOpenElement, event.TokenOpenElement | event.MoreFollows:
		c.open(token&event.MoreFollows != 0)
	case event.TokenCloseStart:
		c.endAttribute()
	case event.TokenCloseEmpty, event.TokenEndElement:
		c.endAttribute()
		c.close()
	case event.TokenAttribute, event.TokenAttribute | event.MoreFollows:
		c.endAttribute()
		c.attr, c.node = c.name()
		c.inAttr = true
	case event.TokenValueText, event.TokenValueText | event.MoreFollows:
		if event.ValueType(c.cur.uint8()) != event.TypeString {
			c.fail(ErrToken)
			return
		}
		c.literal()
	case event.TokenCDATA, event.TokenCDATA | event.MoreFollows:
		c.literal()
	case event.TokenCharRef, event.TokenCharRef | event.MoreFollows:
		c.char(c.cur.uint16())
	case event.TokenEntityRef, event.TokenEntityRef | event.MoreFollows:
		c.entity()
	case event.TokenPITarget:
		c.name()
	case event.TokenPIData:
		c.cur.text()
	case event.TokenSubstitution, event.TokenOptionalSubstitution:
		index := c.cur.uint16()
		c.cur.uint8() // the declared type; the value's own one counts (docs/FORMAT.md, "Value types")
		c.substitution(index)
	case event.TokenTemplateInstance:
		c.fail(ErrBudget) // never seen within elements; a definition could hold itself
	default:
		c.fail(ErrToken)
	}
}

func (c *compiler) fail(err error) {
	if c.cur.err == nil {
		c.cur.err = err
	}
}

// name reads a name reference and, in a definition, notes it down. It returns
// the word, and the name node's offset from the chunk's start.
func (c *compiler) name() (word, int) {
	at := c.cur.pos
	w, node := c.names.next(&c.cur)
	c.addNameRef(at, node)
	return w, node
}

// addNameRef adds a reference to a name at an offset of the chunk, whose node
// stands at another one.
func (c *compiler) addNameRef(at, node int) {
	if c.start == 0 || c.cur.err != nil || c.t.unkept {
		return
	}
	ref := nameRef{at: uint32(at - c.start), outside: -1}
	if node != at+4 {
		text, hash, _ := nameNode(c.cur.data, node)
		ref.outside = c.outside(text, hash)
	}
	c.t.refs = append(c.t.refs, ref)
}

// outside returns the index of a name of elsewhere in the chunk.
func (c *compiler) outside(text []byte, hash uint16) int16 {
	for i := range c.t.outside {
		if name := &c.t.outside[i]; name.hash == hash && bytes.Equal(name.text, text) {
			return int16(i)
		}
	}
	n := len(c.t.outside)
	if n >= maxOutside {
		c.t.unkept = true
		return -1
	}
	if n < cap(c.t.outside) { // take over the memory of the entry's last use
		c.t.outside = c.t.outside[:n+1]
	} else {
		c.t.outside = append(c.t.outside, outsideName{})
	}
	name := &c.t.outside[n]
	name.hash, name.text = hash, append(name.text[:0], text...)
	return int16(n)
}

// open reads an open start element token: dependency identifier (definitions
// only), element length, name, and the length of the attribute list if there
// is one. The lengths are not needed.
func (c *compiler) open(attributes bool) {
	if c.inAttr {
		c.fail(ErrToken)
		return
	}
	if c.dependencies {
		c.cur.skip(2)
	}
	c.cur.skip(4)
	w, node := c.name()
	if attributes {
		c.cur.skip(4)
	}
	if c.depth >= maxDepth {
		c.fail(ErrBudget)
	}
	if c.cur.err != nil {
		return
	}
	parent, inner := c.t.place, sectionOf(c.t.place)
	if c.depth > 0 {
		above := &c.stack[c.depth-1]
		above.children = true
		parent, inner = above.place, above.inner
	}
	f := &c.stack[c.depth]
	*f = frame{place: childPlace(parent, w), word: w, section: inner, node: node}
	f.inner = innerSection(parent, inner, w)
	if parent == inUserFields {
		f.field = w.field()
	}
	c.depth++
}

// childPlace returns what an element of the given name is, by its parent.
func childPlace(parent place, w word) place {
	switch parent {
	case inDocument, inEvent:
		switch w {
		case wordEvent:
			return inEvent
		case wordSystem:
			return inSystem
		case wordEventData:
			return inEventData
		case wordUserData:
			return inUserData
		}
	case inSystem:
		switch w {
		case wordEventID, wordVersion, wordEventRecordID, wordChannel, wordComputer:
			return inLeaf
		case wordProvider, wordTimeCreated:
			return inOther // their attributes say it
		}
	case inEventData:
		if w == wordData {
			return inData
		}
	case inUserData:
		return inUserFields
	case inUserFields:
		return inLeaf
	}
	return inOther
}

// close ends the innermost element.
func (c *compiler) close() {
	if c.depth == 0 {
		c.fail(ErrToken)
		return
	}
	c.depth--
	f := &c.stack[c.depth]
	if c.listing() {
		c.listElement(f)
	}
	switch {
	case f.place == inData || f.place == inLeaf && f.field != event.FieldNone:
		c.addItem(f)
	case f.place == inLeaf:
		if to := systemValue(f.word); to >= 0 && c.t.system[to].kind == sourceNone {
			c.t.system[to] = f.value
		}
	}
}

// systemValue returns the index of the System value that an element of the
// given name holds, -1 for none.
func systemValue(w word) int {
	switch w {
	case wordEventID:
		return sysEventID
	case wordVersion:
		return sysVersion
	case wordEventRecordID:
		return sysRecordID
	case wordChannel:
		return sysChannel
	case wordComputer:
		return sysComputer
	}
	return -1
}

// addItem keeps a payload value that is asked for: one with a known name that
// is the first of that name. So a template's items are bounded by the names.
func (c *compiler) addItem(f *frame) {
	if f.value.kind == sourceNone {
		if c.start != 0 {
			return
		}
		f.value.kind = sourceLiteral // forwarded events have no token for empty text
	}
	if f.name.kind == sourceNone {
		bit := uint64(1) << (f.field % 64)
		if f.field == event.FieldNone || c.t.seen[f.field/64]&bit != 0 {
			return
		}
		c.t.seen[f.field/64] |= bit
	}
	if len(c.t.items) < event.MaxFields {
		c.t.items = append(c.t.items, item{f.field, f.name, f.value})
	}
}

// endAttribute stores the value of the open attribute where it belongs.
func (c *compiler) endAttribute() {
	if !c.inAttr {
		return
	}
	c.inAttr = false
	value := c.attrOf
	c.attrOf = textSource{}
	if c.depth == 0 {
		return
	}
	f := &c.stack[c.depth-1]
	if c.listing() {
		c.listAttribute(f, value)
	}
	switch {
	case f.place == inData && c.attr == wordName:
		if value.kind == sourceLiteral {
			f.field = c.fieldOf(value.text)
		} else {
			f.name = value
		}
	case f.word == wordProvider && c.attr == wordName && c.within(inSystem):
		c.setSystem(sysProvider, value)
	case f.word == wordTimeCreated && c.attr == wordSystemTime && c.within(inSystem):
		c.setSystem(sysTime, value)
	}
}

// within reports whether the innermost element stands in the given place.
func (c *compiler) within(p place) bool {
	if c.depth == 1 {
		return c.t.place == p
	}
	return c.stack[c.depth-2].place == p
}

func (c *compiler) setSystem(to int, value textSource) {
	if c.t.system[to].kind == sourceNone {
		c.t.system[to] = value
	}
}

// fieldOf returns the payload field that a literal names.
func (c *compiler) fieldOf(s span) event.FieldID {
	at := c.start + int(s.off)
	text := c.cur.data[at : at+int(s.size)]
	return lookUpName(text).field()
}

// target returns the text that is being read, nil if it is of no interest.
func (c *compiler) target() *textSource {
	if c.inAttr {
		return &c.attrOf
	}
	if c.depth > 0 {
		f := &c.stack[c.depth-1]
		if f.place == inData || f.place == inLeaf || f.section != sectionNone && f.place == inOther && c.listing() {
			return &f.value
		}
	}
	return nil
}

// textTarget returns the text that a literal belongs to. Unlike a substitution
// it can be nothing but text.
func (c *compiler) textTarget() *textSource {
	if to := c.target(); to != nil || c.depth == 0 || !c.listing() {
		return to
	}
	if f := &c.stack[c.depth-1]; f.section != sectionNone {
		return &f.value
	}
	return nil
}

// literal reads counted text.
func (c *compiler) literal() {
	text := c.cur.text()
	if to := c.textTarget(); to != nil && c.cur.err == nil {
		off := c.cur.pos - len(text) - c.start
		c.add(to, textPiece{textSource: textSource{kind: sourceLiteral, text: span{uint32(off), uint32(len(text))}}})
	}
}

func (c *compiler) char(unit uint16) {
	if to := c.textTarget(); to != nil && c.cur.err == nil {
		c.add(to, textPiece{char: unit})
	}
}

// entity reads an entity reference: XML's five.
func (c *compiler) entity() {
	at := c.cur.pos
	_, node := c.cur.name()
	c.addNameRef(at, node)
	if c.cur.err != nil {
		return
	}
	text, _, _ := nameNode(c.cur.data, node)
	for _, e := range [...]struct {
		name string
		char uint16
	}{{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}} {
		if equalASCII(text, e.name) {
			c.char(e.char)
			return
		}
	}
	c.char(0xFFFD)
}

// substitution records where a value goes: into the text that is being read,
// or, between elements, into the event's own structure.
func (c *compiler) substitution(index uint16) {
	if c.cur.err != nil {
		return
	}
	c.t.substitutions = append(c.t.substitutions, index)
	if to := c.target(); to != nil {
		c.add(to, textPiece{textSource: textSource{kind: sourceSubstitution, index: index}})
		return
	}
	at := c.t.place
	if c.depth > 0 {
		at = c.stack[c.depth-1].place
	}
	switch at {
	case inEvent, inEventData, inUserData, inUserFields:
		if len(c.t.embeds) < maxEmbedded {
			c.t.embeds = append(c.t.embeds, embed{index, at})
			if c.listing() {
				c.listEmbed()
			}
		}
	}
}

// add appends a piece to a text. A text of several pieces is a list of parts,
// and text.off is then the index of its last one.
func (c *compiler) add(to *textSource, p textPiece) {
	if to.kind == sourceNone && p.kind != sourceNone {
		*to = p.textSource
		return
	}
	if len(c.t.parts)+2 > maxTokens {
		c.fail(ErrBudget)
		return
	}
	first := *to
	if first.kind == sourceSubstitution || first.kind == sourceLiteral {
		c.t.parts = append(c.t.parts, textPiece{textSource: first})
	}
	last := uint16(len(c.t.parts) - 1)
	c.t.parts = append(c.t.parts, p)
	switch first.kind {
	case sourceNone:
		*to = textSource{kind: sourceMixed, index: last + 1}
	case sourceMixed:
		last = uint16(first.text.off)
		c.t.parts[last].next = uint16(len(c.t.parts) - 1)
	default:
		*to = textSource{kind: sourceMixed, index: last}
		c.t.parts[last].next = last + 1
	}
	to.text.off = uint32(len(c.t.parts) - 1)
}
