package evtx

import (
	"encoding/binary"

	"webshellscan/scan/event"
)

// quick reads a record no further than to see that it was not selected, or that
// the gate does not admit it, and reports whether that is certain. It handles
// one shape, which nearly all records have: a template instance whose event ID
// and time are plain values. For any other, and for anything odd, it returns
// false and has counted nothing.
func (r *Reading) quick(c *chunkWalk, off, size int) bool {
	t, spec := r.dec.quickTemplate(c, off, size)
	if t == nil {
		return false
	}
	le := binary.LittleEndian
	d := c.data[off : off+size]
	end := size - recordTail
	if spec+4 > end {
		return false
	}
	count := int(le.Uint32(d[spec:]))
	if count > maxValues || count <= max(t.timeIndex, t.channelIndex) || spec+4+4*count > end {
		return false
	}
	sizes := d[spec+4 : spec+4+4*count]
	at := spec + 4 + 4*count
	own := instanceValues{t, sizes, off + at}
	for i := range t.idIndex {
		at += int(le.Uint16(sizes[4*i:]))
	}
	idSpec := le.Uint32(sizes[4*t.idIndex:]) & 0xFFFFFF
	idAt := at
	for i := t.idIndex; i < t.timeIndex; i++ {
		at += int(le.Uint16(sizes[4*i:]))
	}
	timeSpec := le.Uint32(sizes[4*t.timeIndex:]) & 0xFFFFFF
	if idSpec != 2|uint32(event.TypeUint16)<<16 || timeSpec != 8|uint32(event.TypeFileTime)<<16 || at+8 > end {
		return false
	}
	var channel event.Value
	rest := at
	if i := t.channelIndex; i > 0 {
		from := at + sumSizes(sizes[4*t.timeIndex:4*i])
		rest = from + int(le.Uint16(sizes[4*i:]))
		if rest > end || sizes[4*i+2] != byte(event.TypeString) {
			return false
		}
		if t.asked == askedChannel {
			if _, selected := r.dec.sel.channel(d[from:rest]); selected {
				return false
			}
		}
		channel = event.Value{Type: event.TypeString, Data: d[from:rest]}
		sizes = sizes[4*(i+1):]
	} else {
		sizes = sizes[4*t.timeIndex:]
	}
	// The values end where the BinXML does, but for its EOF token.
	if filler := end - (rest + sumSizes(sizes) + 1); uint(filler) > maxFiller {
		return false
	}
	when := event.Time(le.Uint64(d[at:]))
	if !when.Plausible() {
		return false
	}
	id := le.Uint16(d[idAt:])
	if t.asked != askedNothing && !r.dec.refuses(c, off, id, when, own) {
		return false
	}
	c.noted = c.noted || r.dec.sel.isNoted(id)
	r.observeTime(c, off, when)
	r.countUse(t, when, channel)
	return true
}

// quickTemplate returns the template that a record is an instance of and where
// in the record its value specification begins; nil if the record does not have
// that shape.
func (d *Decoder) quickTemplate(c *chunkWalk, off, size int) (t *template, spec int) {
	const instanceEnd = recordHead + 14 // fragment header 4, token 1, 01, id 4, offset 4
	if size < instanceEnd+4+recordTail {
		return nil, 0
	}
	le := binary.LittleEndian
	b := c.data[off : off+size]
	if le.Uint32(b[recordHead:]) != fragmentHeader || le.Uint16(b[recordHead+4:]) != instanceStart {
		return nil, 0
	}
	definition, id := le.Uint32(b[recordHead+10:]), le.Uint32(b[recordHead+6:])
	if t = d.templates.recentOuter(definition, id); t == nil {
		var err error
		if t, err = d.templates.find(c.data, definition, id, inDocument); err != nil {
			return nil, 0
		}
	}
	if !t.quick || t.asked == askedAll {
		return nil, 0
	}
	spec = instanceEnd
	if int(definition) == off+instanceEnd {
		if t.length != t.consumed {
			return nil, 0
		}
		spec += definitionHead + int(t.length)
	}
	return t, spec
}

// sumSizes returns the sum of the sizes of a value spec.
func sumSizes(spec []byte) int {
	var sum uint64 // of two values at once
	for ; len(spec) >= 8; spec = spec[8:] {
		sum += binary.LittleEndian.Uint64(spec) & 0x0000FFFF_0000FFFF
	}
	if len(spec) >= 4 {
		sum += uint64(binary.LittleEndian.Uint16(spec))
	}
	return int(sum&0xFFFFFFFF + sum>>32)
}
