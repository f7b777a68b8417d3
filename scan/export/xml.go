package export

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// nextElement returns where the first Event element begins and ends. Elements of
// that name do not hold others.
func nextElement(b []byte) (start, end int, s state) {
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
		switch {
		case start < 0 && isTag(tag, "<Event"):
			start = i
			if tag[len(tag)-2] == '/' {
				return start, i + stop, complete
			}
		case start >= 0 && isTag(tag, "</Event"):
			return start, i + stop, complete
		}
		at = i + stop
	}
	if start < 0 {
		start = len(b)
	}
	return start, 0, more
}

// isTag reports whether markup is the tag that begins so, not one of a longer name.
func isTag(tag []byte, begin string) bool {
	if len(tag) <= len(begin) || string(tag[:len(begin)]) != begin {
		return false
	}
	c := tag[len(begin)]
	return c == '>' || c == '/' || c <= ' '
}

// markupEnd returns the length of the markup that b begins with, -1 if it goes on: a
// tag, a comment, a CDATA section or a processing instruction.
func markupEnd(b []byte) int {
	for _, m := range []struct{ begin, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if bytes.HasPrefix(b, []byte(m.begin)) {
			return after(b, len(m.begin), m.end)
		}
		if len(b) < len(m.begin) && bytes.HasPrefix([]byte(m.begin), b) {
			return -1
		}
	}
	quote := byte(0)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}

// after returns where a text ends that comes in b from a place on, -1 if it does not.
func after(b []byte, from int, text string) int {
	if i := bytes.Index(b[from:], []byte(text)); i >= 0 {
		return from + i + len(text)
	}
	return -1
}

// element is where the reading of an event's XML is.
type element struct {
	name    []byte
	dataKey string // of Data and ComplexData: its attribute Name
}

// readXML reads an Event element.
func (f *fields) readXML(b []byte) error {
	var stack [maxDepth]element
	depth := 0
	var text []byte
	for len(b) > 0 {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			break
		}
		text = appendUnescaped(text, b[:i])
		b = b[i:]
		n := markupEnd(b)
		if n < 0 {
			return errors.New("a tag that does not end")
		}
		tag := b[:n]
		b = b[n:]
		switch {
		case bytes.HasPrefix(tag, []byte("<![CDATA[")):
			text = append(text, tag[len("<![CDATA["):len(tag)-len("]]>")]...)
		case tag[1] == '!' || tag[1] == '?':
		case tag[1] == '/':
			if depth--; depth < 0 {
				return errors.New("an end tag without its start")
			}
			f.endElement(stack[:depth+1], text)
			text = text[:0]
		default:
			if depth == maxDepth {
				return fmt.Errorf("elements nested more than %d deep", maxDepth)
			}
			stack[depth] = f.startElement(stack[:depth], tag)
			if tag[len(tag)-2] == '/' {
				f.endElement(stack[:depth+1], nil)
			} else {
				depth++
			}
			text = text[:0]
		}
	}
	if depth != 0 {
		return errors.New("an element that does not end")
	}
	return nil
}

// startElement takes the attributes of a start tag.
func (f *fields) startElement(above []element, tag []byte) element {
	inner := bytes.TrimSuffix(tag[1:len(tag)-1], []byte("/"))
	end := bytes.IndexAny(inner, " \t\r\n")
	if end < 0 {
		return element{name: inner}
	}
	e := element{name: inner[:end]}
	rest := inner[end:]
	inSystem := len(above) == 2 && string(above[1].name) == "System"
	for {
		var name, value []byte
		var ok bool
		if name, value, rest, ok = nextAttribute(rest); !ok {
			return e
		}
		switch {
		case inSystem && string(e.name) == "Provider" && string(name) == "Name", inSystem && string(e.name) == "TimeCreated" && string(name) == "SystemTime":
			f.system(string(e.name), value)
		case string(name) == "Name":
			e.dataKey = string(value)
		}
	}
}

// nextAttribute returns the first attribute of a tag's rest.
func nextAttribute(b []byte) (name, value, rest []byte, ok bool) {
	b = bytes.TrimLeft(b, " \t\r\n")
	eq := bytes.IndexByte(b, '=')
	if eq < 0 {
		return nil, nil, nil, false
	}
	name = bytes.TrimRight(b[:eq], " \t\r\n")
	b = bytes.TrimLeft(b[eq+1:], " \t\r\n")
	if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(b[1:], b[0])
	if end < 0 {
		return nil, nil, nil, false
	}
	return name, appendUnescaped(nil, b[1:1+end]), b[2+end:], true
}

// endElement takes the text of an element that ends: the last of path, which begins
// with Event.
func (f *fields) endElement(path []element, text []byte) {
	if len(path) < 3 {
		return
	}
	last := path[len(path)-1]
	switch section := string(path[1].name); {
	case section == "System" && len(path) == 3:
		if name := string(last.name); name != "Provider" && name != "TimeCreated" {
			f.system(name, bytes.TrimSpace(text))
		}
	case section == "EventData" && last.dataKey != "":
		f.add(last.dataKey, text)
	case section == "UserData" && len(path) > 3:
		f.add(string(last.name), text)
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
