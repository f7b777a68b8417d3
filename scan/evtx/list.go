package evtx

import (
	"bytes"

	"webshellscan/scan/event"
)

// listSection is the part of an event that a field is listed in.
type listSection uint8

const (
	sectionNone    listSection = iota // not listed: the event's frame, and its rendered message
	sectionSystem                     // System
	sectionPayload                    // EventData, UserData and what else there is
	sectionEmbed                      // of a listedField: a value that may hold more of the event
)

// listedField is one entry of a template's list of all fields.
type listedField struct {
	section listSection
	// names is 1 + the index in template.names of where the name comes
	// from, 0 if it is name.
	names uint16
	name  string
	// wanted is set if the selection which the template was compiled for
	// wants the name. It does not apply to names that come from a record.
	wanted bool
	// value is where the value comes from; of a sectionEmbed its index is
	// that of the embed.
	value textSource
}

// sectionOf returns the section of the elements of a document that stands in a
// place.
func sectionOf(at place) listSection {
	switch at {
	case inEventData, inUserData, inUserFields, inOther:
		return sectionPayload
	}
	return sectionNone
}

// innerSection returns the section of what stands in an element, by the place
// and section that the element itself stands in.
func innerSection(parent place, outer listSection, w word) listSection {
	switch {
	case outer != sectionNone:
		return outer
	case parent != inDocument && parent != inEvent:
		return sectionNone
	case w == wordSystem:
		return sectionSystem
	case w == wordEventData, w == wordUserData, parent == inEvent && w != wordEvent && w != wordRenderingInfo:
		return sectionPayload
	}
	return sectionNone
}

// listing reports whether the list of fields is wanted.
func (c *compiler) listing() bool { return c.lists || c.start != 0 }

// list adds a field to the template's list. One more than an event takes shows
// that there are too many.
func (c *compiler) list(f listedField) {
	if len(c.t.listed) <= event.MaxListed {
		f.wanted = c.wanted == nil || c.wants(f.name)
		c.t.listed = append(c.t.listed, f)
	}
}

// wants reports whether the selection wants a field of a name.
func (c *compiler) wants(name string) bool {
	c.folded = event.AppendFolded(c.folded[:0], name)
	return c.wanted[string(c.folded)]
}

// listElement lists the value of an element that ends.
func (c *compiler) listElement(f *frame) {
	l := listedField{section: f.section, name: f.named, names: f.names, value: f.value}
	if f.section == sectionNone {
		return
	}
	if l.value.kind == sourceNone {
		if f.children || f.section == sectionSystem || f.place == inUserFields || f.listed && !f.hasName {
			return // it has no text, and need not have one
		}
		l.value.kind = sourceLiteral
	}
	if !f.hasName && f.place != inData {
		l.name = c.texts.element(c.cur.data, f.node)
	}
	c.list(l)
}

// listAttribute lists an attribute, or reads the name that it gives an element
// of EventData.
func (c *compiler) listAttribute(f *frame, value textSource) {
	section := f.section
	if section == sectionNone && f.inner == sectionPayload {
		section = sectionPayload // EventData may have a name
	}
	switch {
	case section == sectionNone || value.kind == sourceNone:
	case c.attr == wordName && c.within(inEventData):
		f.hasName = true
		if value.kind == sourceLiteral {
			at := c.start + int(value.text.off)
			f.named = c.texts.text(c.cur.data[at : at+int(value.text.size)])
		} else if len(c.t.names) < event.MaxListed {
			c.t.names = append(c.t.names, value)
			f.names = uint16(len(c.t.names))
		}
	default:
		if name := c.texts.attribute(c.cur.data, f.node, c.node); name != "" {
			c.list(listedField{section: section, name: name, value: value})
			f.listed = true
		}
	}
}

// listEmbed lists the embed that was added last: more fields may stand in its
// value, or, in an element below UserData, the value may be plain text.
func (c *compiler) listEmbed() {
	l := listedField{section: sectionEmbed, value: textSource{index: uint16(len(c.t.embeds) - 1)}}
	if c.depth > 0 && c.stack[c.depth-1].place == inUserFields {
		l.name = c.texts.element(c.cur.data, c.stack[c.depth-1].node)
	}
	c.list(l)
}

// nameTexts holds names as text, each once. The zero value is ready for use.
type nameTexts struct {
	known   map[string]string
	scratch []byte
}

// maxNameTexts is how many names are kept: more than all manifests of Windows
// have. Beyond it they are collected anew.
const maxNameTexts = 1 << 14

// text returns UTF-16LE text as a string.
func (n *nameTexts) text(utf16 []byte) string {
	n.scratch = appendName(n.scratch[:0], utf16)
	return n.keep()
}

// element returns the name at a name node of a chunk.
func (n *nameTexts) element(chunk []byte, node int) string {
	text, _, _ := nameNode(chunk, node) // it has been read before
	return n.text(text)
}

// attribute returns what an attribute is listed as, by the nodes of its
// element's and its own name; "" if it declares a namespace.
func (n *nameTexts) attribute(chunk []byte, element, node int) string {
	text, _, _ := nameNode(chunk, element) // they have been read before
	n.scratch = append(appendName(n.scratch[:0], text), "/@"...)
	start := len(n.scratch)
	text, _, _ = nameNode(chunk, node)
	n.scratch = appendName(n.scratch, text)
	if own := n.scratch[start:]; string(own) == "xmlns" || bytes.HasPrefix(own, []byte("xmlns:")) {
		return ""
	}
	return n.keep()
}

// keep returns the scratch as a string.
func (n *nameTexts) keep() string {
	if text, ok := n.known[string(n.scratch)]; ok {
		return text
	}
	if n.known == nil || len(n.known) >= maxNameTexts {
		n.known = make(map[string]string)
	}
	text := string(n.scratch)
	n.known[text] = text
	return text
}

// appendName appends UTF-16LE text as a name, cut to event.MaxName bytes.
func appendName(dst, utf16 []byte) []byte {
	start := len(dst)
	dst = event.AppendUTF16(dst, utf16[:min(len(utf16), 2*event.MaxName)])
	if len(dst)-start <= event.MaxName {
		return dst
	}
	end := start + event.MaxName
	for end > start && dst[end]&0xC0 == 0x80 {
		end-- // no part of a character
	}
	return dst[:end]
}

// lister lists the fields of a record's documents in their order. The zero
// lister is ready for use.
type lister struct {
	on     bool // the selection asks for fields by name
	fields []listedValue
	// of are the fields of each document of the record.
	of  [maxDocuments]struct{ start, end int }
	doc int // the document at hand
}

// listedValue is a field, or the place of a document.
type listedValue struct {
	event.Field
	system   bool
	unwanted bool // the selection does not want its name
	doc      int  // its number, if the fields of a document stand here instead
}

// begin starts a record.
func (l *lister) begin() {
	l.fields = l.fields[:0]
}

// open starts a document of the record, by its number.
func (l *lister) open(doc int) {
	l.doc = doc
	l.of[doc].start, l.of[doc].end = len(l.fields), len(l.fields)
}

// drop forgets the fields of the document at hand.
func (l *lister) drop() { l.of[l.doc].end = l.of[l.doc].start }

func (l *lister) add(v listedValue) {
	l.fields = append(l.fields, v)
	l.of[l.doc].end = len(l.fields)
}

// list adds the fields of a template's list. embedded are the numbers of the
// documents of its embeds, 0 for none.
func (d *Decoder) list(t *template, data []byte, doc document, embedded *[maxEmbedded]int) {
	for i := range t.listed {
		l := &t.listed[i]
		v := listedValue{system: l.section == sectionSystem}
		if v.system && doc.depth > 0 {
			continue
		}
		v.Name = l.name
		if l.names > 0 {
			v.Name = d.templates.build.texts.of(d.resolve(t, t.names[l.names-1], data))
		}
		from := l.value
		if l.section == sectionEmbed {
			e := t.embeds[from.index]
			v.doc = embedded[from.index]
			if v.doc == 0 && l.name == "" {
				continue
			}
			from = textSource{kind: sourceSubstitution, index: e.index}
		}
		if v.Value = d.resolve(t, from, data); v.doc == 0 {
			v.doc = d.inner(v.Value, from, doc)
		}
		if v.Value.IsNull() && (v.system || l.section == sectionEmbed) {
			continue
		}
		if v.unwanted = !l.wanted; l.names > 0 || t.foreign {
			v.unwanted = !d.sel.wants(v.Name)
		}
		if v.doc != 0 || !v.unwanted {
			d.lister.add(v)
		}
	}
}

// of returns the text of a value as a name.
func (n *nameTexts) of(v event.Value) string {
	n.scratch = v.AppendText(n.scratch[:0])
	n.scratch = n.scratch[:min(len(n.scratch), event.MaxName)]
	return n.keep()
}

// inner has the BinXML read that an element of the payload holds as its value,
// and returns the number of that document, 0 for another value.
func (d *Decoder) inner(v event.Value, from textSource, doc document) int {
	if v.Type != event.TypeBinXML || len(v.Data) == 0 || from.kind != sourceSubstitution ||
		doc.depth >= maxEmbedded || len(d.queue) >= maxDocuments {
		return 0
	}
	off := d.vals[from.index].off
	d.queue = append(d.queue, document{off, off + len(v.Data), inOther, doc.depth + 1, false})
	return len(d.queue) - 1
}

// finishList sets the event's list to the fields of a document. A document in a
// value that cannot be read is listed as the value.
func (d *Decoder) finishList(doc int) {
	of := d.lister.of[doc]
	for i := of.start; i < of.end; i++ {
		v := &d.lister.fields[i]
		if v.doc != 0 && d.lister.of[v.doc].end > d.lister.of[v.doc].start {
			d.finishList(v.doc)
			continue
		}
		if v.doc != 0 && v.Name == "" || v.unwanted {
			continue
		}
		if v.system && !d.ev.AddSystem(v.Field) || !v.system && !d.ev.AddPayload(v.Field) {
			d.ev.Damaged++
			return
		}
	}
}
