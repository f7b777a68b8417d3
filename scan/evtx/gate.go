package evtx

import (
	"encoding/binary"

	"webshellscan/scan/event"
)

// gateLook is a Gate's look at the events of one ID whose values lie where one
// template has them, and their System values by another or the same.
type gateLook struct {
	outer  uint64 // the serial of that with the System values
	id     uint16
	admits func(*event.Preview) bool // nil: all of them are wanted
	values []gateValue
}

// gateValue is where a value of a look stands: among the values of the record's
// own instance or of the one in it, or in a definition.
type gateValue struct {
	literal event.Value // if index is negative
	index   int
	inner   bool
}

// Gate has the reader ask a gate about events before it decodes them. It must
// be called before the reader is used.
func (rd *Reader) Gate(g event.Gate) { rd.dec.gate = g }

// instanceValues are the values of a template instance.
type instanceValues struct {
	t     *template
	sizes []byte // the value spec
	at    int    // where the values begin, from the chunk's start
}

// refuses reports whether a record of the shape of quick is not wanted: the
// selection has no event of its provider and ID, or the gate does not admit it.
func (d *Decoder) refuses(c *chunkWalk, off int, id uint16, when event.Time, own instanceValues) bool {
	if !d.sel.wholeProvider && !d.sel.hasID(id) {
		return true
	}
	key, selected, ok := d.keyOf(c.data, id, own)
	if !ok || !selected {
		return ok
	}
	return d.gate != nil && key >= d.sel.unlisted && d.gateRefuses(c, off, id, when, own, key)
}

// keyOf returns the Event.Key of a record of the shape of quick, and whether it
// is selected by it; ok is false where only decoding decides.
func (d *Decoder) keyOf(chunk []byte, id uint16, own instanceValues) (key int, selected, ok bool) {
	provider := own.t.system[sysProvider]
	if provider.kind == sourceLiteral {
		key, selected = own.t.provider.key(id)
		return key, selected, true
	}
	name, ok := own.value(chunk, int(provider.index))
	if !ok || name.Type != event.TypeString {
		return 0, false, false
	}
	key, selected = d.selectedBy(name.Data, id)
	return key, selected, true
}

// gateRefuses reports whether the gate does not admit a record.
func (d *Decoder) gateRefuses(c *chunkWalk, off int, id uint16, when event.Time, own instanceValues, key int) bool {
	inner, ok := d.embedded(c.data, own)
	if !ok {
		return false
	}
	look := d.lookAt(own.t, inner.t, key, id)
	if look.admits == nil {
		return false
	}
	d.preview.Offset, d.preview.Chunk, d.preview.Time = c.base+int64(off), c.base, when
	d.preview.Values = d.preview.Values[:0]
	for i := range look.values {
		v := &look.values[i]
		value, ok := v.literal, true
		switch {
		case v.index < 0:
		case v.inner:
			value, ok = inner.value(c.data, v.index)
		default:
			value, ok = own.value(c.data, v.index)
		}
		if !ok {
			return false
		}
		d.preview.Values = append(d.preview.Values, value)
	}
	return !look.admits(&d.preview)
}

// value returns a value of an instance, and whether it is a plain one.
func (v *instanceValues) value(chunk []byte, index int) (event.Value, bool) {
	if 4*index >= len(v.sizes) {
		return event.Value{}, false
	}
	at := v.at + sumSizes(v.sizes[:4*index])
	spec := binary.LittleEndian.Uint32(v.sizes[4*index:])
	typ := event.ValueType(spec >> 16)
	if typ == event.TypeNull {
		return event.Value{}, true
	}
	end := at + int(spec&0xFFFF)
	return event.Value{Type: typ, Data: chunk[at:end:end]}, typ != event.TypeBinXML && typ&event.TypeArray == 0
}

// embedded returns the instance that a record has its payload in: that in the
// only embed of its own one, or, without embeds, its own. It reports whether
// the record is of such a shape; where it is not whole, it is not.
func (d *Decoder) embedded(chunk []byte, own instanceValues) (inner instanceValues, ok bool) {
	if len(own.t.embeds) == 0 {
		return own, true
	}
	e := own.t.embeds[0]
	if len(own.t.embeds) > 1 || 4*int(e.index) >= len(own.sizes) {
		return inner, false
	}
	const head = 10 // token 1, 01, id 4, offset 4
	le := binary.LittleEndian
	spec := le.Uint32(own.sizes[4*int(e.index):])
	at := own.at + sumSizes(own.sizes[:4*int(e.index)])
	b := chunk[at : at+int(spec&0xFFFF)]
	if len(b) >= 4 && le.Uint32(b) == fragmentHeader {
		at, b = at+4, b[4:]
	}
	size := len(b)
	if event.ValueType(spec>>16) != event.TypeBinXML || size < head+4 || le.Uint16(b) != instanceStart {
		return inner, false
	}
	definition, pos := le.Uint32(b[6:]), head
	t, err := d.templates.find(chunk, definition, le.Uint32(b[2:]), e.place)
	if err != nil || len(t.embeds) > 0 {
		return inner, false
	}
	if int(definition) == at+head {
		if t.length != t.consumed {
			return inner, false
		}
		pos += definitionHead + int(t.length)
	}
	if pos+4 > size {
		return inner, false
	}
	count := int(le.Uint32(b[pos:]))
	if pos += 4; count > maxValues || pos+4*count > size {
		return inner, false
	}
	inner = instanceValues{t, b[pos : pos+4*count], at + pos + 4*count}
	return inner, pos+4*count+sumSizes(inner.sizes) <= size
}

// lookAt returns the look at the events of an Event.Key and ID that a template
// gives with a payload by another one. It is valid until the next call.
func (d *Decoder) lookAt(outer, inner *template, key int, id uint16) *gateLook {
	for i := range inner.looks {
		if l := &inner.looks[i]; l.id == id && l.outer == outer.serial {
			return l
		}
	}
	if len(inner.looks) == maxLooks {
		inner.looks = inner.looks[:0]
	}
	ask := d.gate.Look(key, string(event.AppendUTF16(nil, outer.text(outer.system[sysComputer].text))))
	look := gateLook{outer: outer.serial, id: id, admits: ask.Admits}
	for _, f := range ask.Fields {
		v, ok := placeOf(outer, inner, f)
		if !ok {
			look.admits = nil
		}
		look.values = append(look.values, v)
	}
	inner.looks = append(inner.looks, look)
	return &inner.looks[len(inner.looks)-1]
}

// maxLooks bounds the looks of one template: real ones have a few. Beyond it
// they are collected anew.
const maxLooks = 64

// placeOf returns where templates have the only value of a name, and whether
// that is certain: where a value may be in several places every event has to be
// decoded.
func placeOf(outer, inner *template, f event.LookField) (gateValue, bool) {
	t, section := inner, sectionPayload
	if f.System {
		t, section = outer, sectionSystem
	} else if len(inner.names) > 0 || outer != inner && outer.listsPayload() {
		return gateValue{}, false
	}
	found, name := gateValue{index: -1}, event.FoldName(f.Name)
	seen := false
	for i := range t.listed {
		l := &t.listed[i]
		if l.section != section || event.FoldName(l.name) != name {
			continue
		}
		if seen {
			return gateValue{}, false
		}
		seen = true
		switch l.value.kind {
		case sourceLiteral:
			found.literal = event.Value{Type: event.TypeString, Data: t.text(l.value.text)}
		case sourceSubstitution:
			found.index, found.inner = int(l.value.index), t == inner
		default:
			return gateValue{}, false
		}
	}
	return found, len(t.listed) <= event.MaxListed
}

// listsPayload reports whether values of the payload stand in the definition
// itself.
func (t *template) listsPayload() bool {
	for i := range t.listed {
		if t.listed[i].section == sectionPayload {
			return true
		}
	}
	return false
}
