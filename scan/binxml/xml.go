package binxml

import (
	"slices"
	"unicode/utf8"

	"webshellscan/scan/event"
)

// maxXML bounds the XML of one record, in bytes: values may be used, and
// elements repeated, more often than a real template does.
const maxXML = 4 << 20

// maxSteps bounds the nodes and values that are gone through for the XML of one
// record: elements that hold empty arrays write nothing, however often they
// stand there.
const maxSteps = 4 << 20

// XML returns the document as XML, as Windows renders it: an attribute whose
// optional value is NULL is left out, and so is an element that depends on a
// value that is NULL; an element of an array is repeated for each of its items.
// What XML cannot hold, such as control characters, is U+FFFD. It returns
// ErrMalformed if that would be larger than any real record.
func (d *Document) XML() ([]byte, error) {
	w := &xmlWriter{}
	w.document(d, nil)
	if w.full() {
		return nil, ErrMalformed
	}
	return w.out, nil
}

// xmlWriter writes XML.
type xmlWriter struct {
	out   []byte
	steps int
}

func (w *xmlWriter) full() bool { return len(w.out) > maxXML || w.steps > maxSteps }

func (w *xmlWriter) document(d *Document, values []value) { w.nodes(d.nodes, values) }

func (w *xmlWriter) nodes(list []*node, values []value) {
	for _, n := range list {
		w.node(n, values)
	}
}

// node writes a node that is no attribute.
func (w *xmlWriter) node(n *node, values []value) {
	if w.steps++; w.full() {
		return
	}
	switch n.token &^ event.MoreFollows {
	case event.TokenOpenElement:
		w.element(n, values)
	case event.TokenTemplateInstance:
		w.document(n.instance.definition.body, n.instance.values)
	case event.TokenCDATA:
		w.text(event.AppendUTF16(nil, n.text))
	case event.TokenPITarget:
		w.out = append(appendName(append(w.out, "<?"...), n.name), ' ')
	case event.TokenPIData:
		w.text(event.AppendUTF16(nil, n.text))
		w.out = append(w.out, "?>"...)
	case event.TokenSubstitution, event.TokenOptionalSubstitution:
		if v := valueAt(values, n.number); v.embedded != nil {
			w.document(v.embedded, nil)
			return
		}
		w.inline(n, values)
	case event.TokenFragmentHeader:
	default:
		w.inline(n, values)
	}
}

// inline writes what may stand in an attribute too.
func (w *xmlWriter) inline(n *node, values []value) {
	switch n.token &^ event.MoreFollows {
	case event.TokenValueText:
		w.text(event.AppendUTF16(nil, n.text))
	case event.TokenCharRef:
		w.text(utf8.AppendRune(nil, rune(n.number)))
	case event.TokenEntityRef:
		w.text(entity(n.name))
	case event.TokenSubstitution, event.TokenOptionalSubstitution:
		w.text(valueAt(values, n.number).AppendText(nil))
	}
}

// valueAt returns the value of a number, NULL if there is none.
func valueAt(values []value, number uint16) value {
	if int(number) < len(values) {
		return values[number]
	}
	return value{}
}

// element writes an element, once for each item of an array that it holds.
func (w *xmlWriter) element(n *node, values []value) {
	if n.dependency && n.depends != noDependency && valueAt(values, n.depends).IsNull() {
		return
	}
	w.steps += len(n.content)
	at := slices.IndexFunc(n.content, func(part *node) bool {
		token := part.token &^ event.MoreFollows
		substitution := token == event.TokenSubstitution || token == event.TokenOptionalSubstitution
		return substitution && valueAt(values, part.number).Type&event.TypeArray != 0
	})
	if at < 0 {
		w.once(n, values)
		return
	}
	number := n.content[at].number
	w.steps += len(values)
	single := slices.Clone(values)
	for item := range values[number].Items() {
		single[number] = value{Value: item}
		if w.full() {
			return
		}
		w.once(n, single)
	}
}

// once writes an element.
func (w *xmlWriter) once(n *node, values []value) {
	w.out = appendName(append(w.out, '<'), n.name)
	for _, a := range n.attributes {
		if omitted(a, values) {
			continue
		}
		w.out = append(appendName(append(w.out, ' '), a.name), `="`...)
		for _, part := range a.content {
			w.inline(part, values)
		}
		w.out = append(w.out, '"')
	}
	if n.empty {
		w.out = append(w.out, "/>"...)
		return
	}
	w.out = append(w.out, '>')
	w.nodes(n.content, values)
	w.out = append(appendName(append(w.out, "</"...), n.name), '>')
}

// omitted reports whether an attribute is left out: it holds nothing but an
// optional value that is NULL.
func omitted(a *node, values []value) bool {
	return len(a.content) == 1 && a.content[0].token&^event.MoreFollows == event.TokenOptionalSubstitution &&
		valueAt(values, a.content[0].number).IsNull()
}

// text writes text with what XML needs escaped, in attributes too.
func (w *xmlWriter) text(text []byte) {
	for len(text) > 0 && !w.full() {
		r, size := utf8.DecodeRune(text)
		w.out = appendRune(w.out, r)
		text = text[size:]
	}
}

// appendRune appends a character as XML 1.0 can hold it (section 2.2).
func appendRune(out []byte, r rune) []byte {
	switch {
	case r == '<':
		return append(out, "&lt;"...)
	case r == '>':
		return append(out, "&gt;"...)
	case r == '&':
		return append(out, "&amp;"...)
	case r == '"':
		return append(out, "&quot;"...)
	case r == '\t':
		return append(out, "&#9;"...)
	case r == '\n':
		return append(out, "&#10;"...)
	case r == '\r':
		return append(out, "&#13;"...)
	case r < ' ', r == 0xFFFE, r == 0xFFFF:
		r = utf8.RuneError
	}
	return utf8.AppendRune(out, r)
}

// entities are those that every XML document has (XML 1.0, section 4.6).
var entities = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}

// entity returns the text that an entity stands for.
func entity(n name) []byte {
	if text, ok := entities[string(event.AppendUTF16(nil, []byte(n)))]; ok {
		return []byte(text)
	}
	return []byte("\uFFFD")
}

// appendName appends a name with what no name can hold as _.
func appendName(out []byte, n name) []byte {
	text := string(event.AppendUTF16(nil, []byte(n)))
	for i, r := range text {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r >= 0xC0 && r != 0xD7 && r != 0xF7 && r < 0x2000
		other := r >= '0' && r <= '9' || r == '-' || r == '.' || r == ':'
		if !letter && (i == 0 || !other) {
			r = '_'
		}
		out = utf8.AppendRune(out, r)
	}
	if text == "" {
		out = append(out, '_')
	}
	return out
}
