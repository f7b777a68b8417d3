package evtxtest

import "encoding/binary"

// Template is a template definition: which GUID it goes by and what its body
// is.
type Template struct {
	GUID GUID
	// Body writes the definition's element. Fragment header and end are
	// added around it.
	Body func(*Builder)
}

// Instance is where the parts of a template instance lie. Offsets are relative
// to the chunk.
type Instance struct {
	Offset     uint32 // of the template instance token
	Definition uint32 // of the definition it refers to
	Inline     bool   // the definition stands in this instance
	Spec       uint32 // of the number of values, which the value specification follows
	Values     []uint32
	Level      int // 0 for the record's own template, 1 for one in a value of it, and so on
}

// SpecOf returns the offset of the four bytes (size u16, type u8, 0) that
// specify value i.
func (i Instance) SpecOf(value int) uint32 { return i.Spec + 4 + 4*uint32(value) }

// Instance appends a template instance with these values. The definition is
// written in place if the chunk does not have it yet.
func (b *Builder) Instance(t *Template, values ...Value) {
	at, ok := b.definitions[t.GUID]
	if !ok {
		at = b.Offset() + 10
	}
	current := len(b.instances)
	b.InstanceHeader(t.GUID.id(), at)
	if !ok {
		b.Define(t)
	}
	b.writeValues(current, values)
}

// InstanceHeader appends a template instance up to and with the offset of its
// definition. A definition must follow if definition is the offset right behind
// it, then the values.
func (b *Builder) InstanceHeader(id, definition uint32) {
	at := b.Offset()
	b.Bytes(tokenTemplateInstance, 1)
	b.U32(id)
	b.U32(definition)
	if b.record {
		b.instances = append(b.instances, Instance{
			Offset: at, Definition: definition, Inline: definition == b.Offset(), Level: b.level,
		})
	}
}

// Define appends a template definition and makes it known to the chunk: next
// u32, GUID, length u32, body. The body may refer to the definition it is in.
func (b *Builder) Define(t *Template) {
	next := b.define(t.GUID)
	b.U32(next)
	b.Bytes(t.GUID[:]...)
	at := b.Offset()
	b.U32(0)
	outer := b.inTemplate
	b.inTemplate = true
	b.FragmentHeader()
	t.Body(b)
	b.EOF()
	b.inTemplate = outer
	b.PutU32(at, b.Offset()-at-4)
}

// Values appends a value specification, then the values.
func (b *Builder) Values(values ...Value) { b.writeValues(len(b.instances)-1, values) }

// writeValues is Values for the instance with index current in b.instances.
func (b *Builder) writeValues(current int, values []Value) {
	spec := b.Offset()
	b.U32(uint32(len(values)))
	for range values {
		b.U32(0)
	}
	var offsets []uint32
	for i := range values {
		at := b.Offset()
		if b.record {
			offsets = append(offsets, at)
		}
		b.value(&values[i])
		s := spec + 4 + 4*uint32(i)
		binary.LittleEndian.PutUint16(b.buf[s:], uint16(b.Offset()-at))
		b.buf[s+2] = byte(values[i].Type)
	}
	if b.record && current >= 0 {
		b.instances[current].Spec = spec
		b.instances[current].Values = offsets
	}
}

// value appends the bytes of v.
func (b *Builder) value(v *Value) {
	switch v.kind {
	case kindNull:
		b.fill(int(v.num))
	case kindEmbed:
		outer := b.inTemplate
		b.inTemplate, b.level = false, b.level+1
		v.embed(b)
		b.inTemplate, b.level = outer, b.level-1
	case kindText, kindUTCText:
		if v.kind == kindText {
			b.buf = appendUTF16(b.buf, v.text)
		} else {
			b.scratch = FileTime(v.num).appendUTC(b.scratch[:0])
			b.buf = appendUTF16(b.buf, b.scratch)
		}
		if b.terminate {
			b.buf = append(b.buf, 0, 0)
		}
	default:
		b.buf = v.appendPlain(b.buf)
	}
}
