package evtxtest

import (
	"encoding/binary"
)

// Builder writes BinXML tokens at the end of the chunk under construction.
// Lengths and 'more follows' bits are put right as elements are closed; nothing
// is checked, so that any sequence of tokens can be written. Offsets are
// relative to the chunk. A Builder is only valid inside the function it was
// given to, and such a function may be called twice: when its record does not
// fit, what it wrote is thrown away and it is called again for the next chunk.
type Builder struct {
	chunk
	open       []openElement
	inTemplate bool
	terminate  bool   // strings of the payload end with a NUL
	text       int    // offset of the character data token that the next one would continue, 0 if none
	filler     []byte // what NULLs and the ends of records are filled with; zeros if empty
	scratch    []byte
	units      []byte

	// instances collects the template instances of the current record if
	// record is set. level is how many values the builder is inside of.
	level     int
	record    bool
	instances []Instance
}

// openElement is an element whose end has not been written yet.
type openElement struct {
	token     int // offset of the open start token
	length    int // offset of the element length
	attrs     int // offset of the attribute list length, 0 if there is no list yet
	attribute int // offset of the last attribute token, 0 if none
}

// Offset returns where in the chunk the next byte goes.
func (b *Builder) Offset() uint32 { return uint32(len(b.buf)) }

// Bytes appends bytes as they are.
func (b *Builder) Bytes(p ...byte) { b.buf = append(b.buf, p...); b.text = 0 }

// U16 appends a 16-bit number.
func (b *Builder) U16(n uint16) { b.buf = binary.LittleEndian.AppendUint16(b.buf, n) }

// U32 appends a 32-bit number.
func (b *Builder) U32(n uint32) { b.buf = binary.LittleEndian.AppendUint32(b.buf, n) }

// U64 appends a 64-bit number.
func (b *Builder) U64(n uint64) { b.buf = binary.LittleEndian.AppendUint64(b.buf, n) }

// PutU16 overwrites the 16-bit number at an offset of the chunk.
func (b *Builder) PutU16(at uint32, n uint16) { binary.LittleEndian.PutUint16(b.buf[at:], n) }

// PutU32 overwrites the 32-bit number at an offset of the chunk.
func (b *Builder) PutU32(at uint32, n uint32) { binary.LittleEndian.PutUint32(b.buf[at:], n) }

// Name appends a name reference, with the name node behind it if the chunk has
// none of that name yet.
func (b *Builder) Name(name string) { b.name(name) }

// FragmentHeader appends 0F 01 01 00.
func (b *Builder) FragmentHeader() { b.Bytes(tokenFragmentHeader, 1, 1, 0) }

// EOF appends the token that ends a fragment.
func (b *Builder) EOF() { b.Bytes(tokenEOF) }

// Start opens an element that depends on no value.
func (b *Builder) Start(name string) { b.StartIf(name, NoDependency) }

// StartIf opens an element that is left out if the value with index dependency
// is NULL. The identifier is written in template definitions only, since
// elements elsewhere have none.
func (b *Builder) StartIf(name string, dependency uint16) {
	e := openElement{token: len(b.buf)}
	b.Bytes(tokenOpenStart)
	if b.inTemplate {
		b.U16(dependency)
	}
	e.length = len(b.buf)
	b.U32(0)
	b.name(name)
	b.open = append(b.open, e)
}

// Attr begins an attribute of the element opened last; what follows is its
// content.
func (b *Builder) Attr(name string) {
	b.text = 0
	if n := len(b.open); n > 0 {
		e := &b.open[n-1]
		if e.attribute != 0 {
			b.buf[e.attribute] |= tokenMore
		} else {
			b.buf[e.token] |= tokenMore
			e.attrs = len(b.buf)
			b.U32(0)
		}
		e.attribute = len(b.buf)
	}
	b.buf = append(b.buf, tokenAttribute)
	b.name(name)
}

// AttrText appends an attribute whose content is text.
func (b *Builder) AttrText(name, text string) {
	b.Attr(name)
	b.Text(text)
}

// Close ends the start tag of an element that has content.
func (b *Builder) Close() {
	b.closeAttributes()
	b.Bytes(tokenCloseStart)
}

// CloseEmpty ends the start tag of an element without content and with it the
// element.
func (b *Builder) CloseEmpty() {
	b.closeAttributes()
	b.Bytes(tokenCloseEmpty)
	b.endElement()
}

// End appends the end tag of the element opened last.
func (b *Builder) End() {
	b.Bytes(tokenEndElement)
	b.endElement()
}

func (b *Builder) closeAttributes() {
	if n := len(b.open); n > 0 && b.open[n-1].attrs != 0 {
		at := b.open[n-1].attrs
		b.PutU32(uint32(at), uint32(len(b.buf)-at-4))
	}
}

func (b *Builder) endElement() {
	if n := len(b.open); n > 0 {
		at := b.open[n-1].length
		b.PutU32(uint32(at), uint32(len(b.buf)-at-4))
		b.open = b.open[:n-1]
	}
}

// Text appends s as one value text token.
func (b *Builder) Text(s string) {
	b.characters(tokenValueText)
	b.buf = append(b.buf, byte(TypeString))
	b.counted(s)
}

// CDATA appends s as a CDATA section.
func (b *Builder) CDATA(s string) {
	b.characters(tokenCDATA)
	b.counted(s)
}

// CharRef appends a character reference, such as &#13; for 13.
func (b *Builder) CharRef(code uint16) {
	b.characters(tokenCharRef)
	b.U16(code)
}

// EntityRef appends an entity reference: amp, lt, gt, quot or apos.
func (b *Builder) EntityRef(name string) {
	b.characters(tokenEntityRef)
	b.name(name)
}

// PITarget appends the target of a processing instruction.
func (b *Builder) PITarget(name string) {
	b.Bytes(tokenPITarget)
	b.name(name)
}

// PIData appends the data of a processing instruction.
func (b *Builder) PIData(s string) {
	b.Bytes(tokenPIData)
	b.counted(s)
}

// Substitution appends a normal substitution token.
func (b *Builder) Substitution(index uint16, t ValueType) {
	b.Bytes(tokenSubstitution)
	b.U16(index)
	b.buf = append(b.buf, byte(t))
}

// Optional appends an optional substitution token: nothing is there if the
// value is NULL.
func (b *Builder) Optional(index uint16, t ValueType) {
	b.Bytes(tokenOptional)
	b.U16(index)
	b.buf = append(b.buf, byte(t))
}

// characters appends a character data token and marks the one directly before
// it as continued.
func (b *Builder) characters(token byte) {
	if b.text != 0 {
		b.buf[b.text] |= tokenMore
	}
	b.text = len(b.buf)
	b.buf = append(b.buf, token)
}

// counted appends s as UTF-16 behind its length in units, a u16.
func (b *Builder) counted(s string) {
	at := len(b.buf)
	b.U16(0)
	b.buf = appendUTF16(b.buf, s)
	b.PutU16(uint32(at), uint16((len(b.buf)-at-2)/2))
}

// fill appends n bytes of filler.
func (b *Builder) fill(n int) {
	for i := range n {
		c := byte(0)
		if len(b.filler) > 0 {
			c = b.filler[i%len(b.filler)]
		}
		b.buf = append(b.buf, c)
	}
}
