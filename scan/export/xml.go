package export

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// nextElement returns where the first Event element begins and ends. Elements
// of that name do not hold others.
func nextElement(b []byte) (start, end int, s progress) {
	at := 0
	start = -1
	for {
		i := bytes.IndexByte(b[at:], '<')
		if i < 0 {
			break
		}
		i += at
		stop := markupEnd(b[i:])
		if stop < 0 {
			if start < 0 {
				start = i
			}
			return start, 0, more
		}
		tag := b[i : i+stop]
		at = i + stop
		switch {
		case start < 0 && isTag(tag, "<Event"):
			start = i
			if tag[len(tag)-2] == '/' {
				return start, at, complete
			}
			if n := plainEnd(b[at:]); n >= 0 {
				return start, at + n, complete
			}
		case start >= 0 && isTag(tag, "</Event"):
			return start, at, complete
		}
	}
	if start < 0 {
		start = len(b)
	}
	return start, 0, more
}

// plainEnd returns where an Event element ends whose start tag has been read:
// at its first end tag, as what looks like one elsewhere is in a comment, a
// CDATA section or a processing instruction. It returns -1 if there may be
// some.
func plainEnd(b []byte) int {
	const tag = "</Event>"
	n := bytes.Index(b, []byte(tag))
	if n < 0 {
		return -1
	}
	for _, mark := range []byte("!?") {
		for at := 0; ; {
			i := bytes.IndexByte(b[at:n], mark)
			if i < 0 {
				break
			}
			if at += i; at > 0 && b[at-1] == '<' {
				return -1
			}
			at++
		}
	}
	return n + len(tag)
}

// isTag reports whether markup is the tag that begins so, not one of a longer
// name.
func isTag(tag []byte, begin string) bool {
	if len(tag) <= len(begin) || string(tag[:len(begin)]) != begin {
		return false
	}
	c := tag[len(begin)]
	return c == '>' || c == '/' || c <= ' '
}

// markupEnd returns the length of the markup that b begins with, -1 if it goes
// on: a tag, a comment, a CDATA section or a processing instruction.
func markupEnd(b []byte) int {
	if len(b) < 2 {
		return -1
	}
	switch b[1] {
	case '!', '?':
		return otherMarkupEnd(b)
	case '/': // it has no attributes
		if n := bytes.IndexByte(b, '>'); n >= 0 {
			return n + 1
		}
		return -1
	}
	return tagEnd(b)
}

// tagEnd returns the length of a tag, -1 if it goes on.
func tagEnd(b []byte) int {
	end := bytes.IndexByte(b, '>')
	for at := 0; end >= 0; {
		if b[at] != '"' && b[at] != '\'' {
			if at++; at > end {
				return at
			}
			continue
		}
		n := bytes.IndexByte(b[at+1:], b[at])
		if n < 0 {
			return -1
		}
		if at += n + 2; at > end { // the value of an attribute holds what was found
			if n = bytes.IndexByte(b[at:], '>'); n < 0 {
				return -1
			}
			end = at + n
		}
	}
	return -1
}

// otherMarkupEnd is markupEnd for what is no tag of an element.
func otherMarkupEnd(b []byte) int {
	for _, m := range []struct{ begin, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if len(b) >= len(m.begin) && string(b[:len(m.begin)]) == m.begin {
			return after(b, len(m.begin), m.end)
		}
		if len(b) < len(m.begin) && m.begin[:len(b)] == string(b) {
			return -1
		}
	}
	return tagEnd(b)
}

// after returns where a text ends that comes in b from a place on, -1 if it
// does not.
func after(b []byte, from int, text string) int {
	if i := bytes.Index(b[from:], []byte(text)); i >= 0 {
		return from + i + len(text)
	}
	return -1
}

// openElement is where the reading of an event's XML is.
type openElement struct {
	name    []byte
	dataKey []byte // of Data and ComplexData: its attribute Name
}

// readXML reads an Event element, and of an event that is not wanted only
// System.
func (f *fields) readXML(b []byte) error {
	x := xmlReader{fields: f, lists: f.wanted.lists}
	for len(b) > 0 {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			break
		}
		x.addText(b[:i])
		b = b[i:]
		n := markupEnd(b)
		if n < 0 {
			return errors.New("a tag that does not end")
		}
		if err := x.markup(b[:n]); err != nil {
			return err
		}
		if x.enough {
			return nil
		}
		b = b[n:]
	}
	if x.depth != 0 {
		return errors.New("an element that does not end")
	}
	return nil
}

// xmlReader reads an Event element.
type xmlReader struct {
	fields *fields
	stack  [maxDepth]openElement
	// If fields are listed: whether elements stand in that of the stack,
	// and whether attributes of it are listed.
	parent, attributes [maxDepth]bool
	depth              int
	text               []byte
	enough             bool // the event is not wanted
	lists              bool // fields are asked for by name
}

// markup parses a tag, or other markup.
func (x *xmlReader) markup(tag []byte) error {
	switch {
	case tag[1] == '/':
		if x.depth--; x.depth < 0 {
			return errors.New("an end tag without its start")
		}
		x.endElement()
		if x.depth == 1 && isTag(tag, "</System") {
			x.fields.identify()
			x.enough = x.fields.key < 0
		}
	case tag[1] == '!' || tag[1] == '?':
		const begin, end = "<![CDATA[", "]]>"
		if len(tag) >= len(begin)+len(end) && string(tag[:len(begin)]) == begin {
			x.text = x.fields.join(x.text, tag[len(begin):len(tag)-len(end)])
		}
		return nil
	case x.depth == maxDepth:
		return fmt.Errorf("elements nested more than %d deep", maxDepth)
	default:
		if x.lists {
			x.parent[max(x.depth, 1)-1], x.parent[x.depth], x.attributes[x.depth] = true, false, false
		}
		x.stack[x.depth] = x.startElement(tag)
		if tag[len(tag)-2] == '/' {
			x.text = nil
			x.endElement()
		} else {
			x.depth++
		}
	}
	x.text = nil
	return nil
}

// addText adds to the text of the element in hand. Most texts are views.
func (x *xmlReader) addText(b []byte) {
	switch {
	case len(b) == 0:
	case len(x.text) == 0 && bytes.IndexByte(b, '&') < 0:
		x.text = b
	default:
		x.text = x.fields.join(x.text, x.fields.unescape(b))
	}
}

// join returns two texts as one.
func (f *fields) join(a, b []byte) []byte {
	if len(a) == 0 {
		return b
	}
	start := len(f.arena)
	f.arena = append(append(f.arena, a...), b...)
	return f.arena[start:len(f.arena):len(f.arena)]
}

// unescape returns XML text with its references resolved.
func (f *fields) unescape(b []byte) []byte {
	if bytes.IndexByte(b, '&') < 0 {
		return b
	}
	start := len(f.arena)
	f.arena = appendUnescaped(f.arena, b)
	return f.arena[start:len(f.arena):len(f.arena)]
}

// startElement parses the attributes of a start tag.
func (x *xmlReader) startElement(tag []byte) openElement {
	inner := bytes.TrimSuffix(tag[1:len(tag)-1], []byte("/"))
	end := 0
	for end < len(inner) && !isSpace(inner[end]) {
		end++
	}
	e := openElement{name: inner[:end]}
	if end == len(inner) {
		return e
	}
	e.dataKey = x.valueAttribute(e.name, inner[end:])
	if x.lists {
		x.listAttributes(e.name, inner[end:])
	}
	return e
}

// valueAttribute reads the attribute that is the value of an element of System,
// or returns that which is the name of another one; nil if there is none.
func (x *xmlReader) valueAttribute(element, rest []byte) []byte {
	inSystem := x.depth == 2 && string(x.stack[1].name) == "System"
	key := "Name"
	if inSystem {
		switch string(element) {
		case "TimeCreated":
			key = "SystemTime"
		case "Provider":
		default:
			return nil
		}
	}
	var dataKey []byte
	for {
		var name, value []byte
		var ok bool
		if name, value, rest, ok = nextAttribute(rest); !ok {
			return dataKey
		}
		if string(name) != key {
			continue
		}
		if value = x.fields.unescape(value); inSystem {
			x.fields.system(element, value)
		} else {
			dataKey = value
		}
	}
}

// listAttributes lists the attributes of an element, but for those that are its
// value or give its name.
func (x *xmlReader) listAttributes(element, rest []byte) {
	kind := listedField
	section := x.section()
	if x.depth == 1 {
		section = string(element) // EventData may have a name
	}
	switch {
	case x.depth == 1 && section == "System":
		return
	case section == "System":
		kind = systemField
	case !isPayload(section):
		return
	}
	for {
		var name, value []byte
		var ok bool
		if name, value, rest, ok = nextAttribute(rest); !ok {
			return
		}
		switch {
		case kind == systemField && systemAttributes[string(element)] == string(element)+"/@"+string(name):
		case section == "EventData" && x.depth == 2 && string(name) == "Name":
		default:
			x.fields.attribute(kind, element, name, x.fields.unescape(value))
			x.attributes[x.depth] = kind == listedField
		}
	}
}

// section returns the name of the element below Event that the element in hand
// stands in; "" if there is none.
func (x *xmlReader) section() string {
	if x.depth < 2 {
		return ""
	}
	return string(x.stack[1].name)
}

// isPayload reports whether a section is the payload of an event, and not a
// message that was rendered from it.
func isPayload(section string) bool {
	return section != "" && section != "System" && section != "RenderingInfo"
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// nextAttribute returns the first attribute of a tag's rest. References in its
// value are not resolved.
func nextAttribute(b []byte) (name, value, rest []byte, ok bool) {
	b = trimLeft(b)
	eq := bytes.IndexByte(b, '=')
	if eq < 0 {
		return nil, nil, nil, false
	}
	name = b[:eq]
	for len(name) > 0 && isSpace(name[len(name)-1]) {
		name = name[:len(name)-1]
	}
	b = trimLeft(b[eq+1:])
	if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(b[1:], b[0])
	if end < 0 {
		return nil, nil, nil, false
	}
	return name, b[1 : 1+end], b[2+end:], true
}

// trimLeft returns what follows the white space that b begins with.
func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

// endElement adds the text of an element that ends: the one behind the depth.
func (x *xmlReader) endElement() {
	f := x.fields
	if x.depth < 2 {
		return
	}
	section, last := x.stack[1].name, &x.stack[x.depth]
	switch {
	case string(section) == "System":
		if x.depth == 2 && string(last.name) != "Provider" && string(last.name) != "TimeCreated" {
			f.system(last.name, bytes.TrimSpace(x.text))
		}
	case len(last.dataKey) > 0 && string(section) == "EventData":
		f.add(last.dataKey, x.text)
	case x.depth > 2 && string(section) == "UserData":
		if !x.lists || !x.parent[x.depth] && (len(x.text) > 0 || !x.attributes[x.depth]) {
			f.add(last.name, x.text)
		}
	case x.lists && !x.parent[x.depth] && isPayload(string(section)):
		x.listElement(string(section), last)
	}
}

// listElement lists an element of the payload whose name is no field's.
func (x *xmlReader) listElement(section string, e *openElement) {
	switch {
	case section == "EventData" && string(e.name) == "Data":
		x.fields.also(listedField, nil, x.text)
	case section != "UserData" || len(x.text) > 0:
		x.fields.also(listedField, e.name, x.text)
	}
}

// appendUnescaped appends XML text with its references resolved.
func appendUnescaped(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		b = b[i:]
		const longest = 12
		end := bytes.IndexByte(b[:min(len(b), longest)], ';')
		if end < 0 {
			dst, b = append(dst, '&'), b[1:]
			continue
		}
		c, ok := reference(string(b[1:end]))
		if !ok {
			dst, b = append(dst, b[:end+1]...), b[end+1:]
			continue
		}
		dst, b = utf8.AppendRune(dst, c), b[end+1:]
	}
}

// reference returns the character of a reference.
func reference(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	return rune(n), err == nil && utf8.ValidRune(rune(n))
}
