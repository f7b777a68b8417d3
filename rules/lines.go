package rules

import (
	"strings"
	"unicode/utf8"
)

// lineReader reads what nearly all rules are written in: maps and lists by
// indentation, with scalars that are plain, in quotes on one line, or blocks.
// It takes a tenth of the YAML reader's time. For anything else, and for
// anything odd, it gives up, and the YAML reader is asked.
type lineReader struct {
	text   string // the document
	at     int    // where the present line begins
	end    int    // where it ends
	indent int    // where in it the present node begins
	number int    // the line's number in the file
	failed bool   // the document is of another form
	nodes  int    // made so far
	slab   []node // to be made
}

// Limits on what is read so; what is beyond is no ordinary rule.
const (
	maxLineNodes = 20_000
	maxLineDepth = 12
	maxLineKey   = 128 // bytes
)

// readLines returns the node of a document, and false if the YAML reader has to
// read it.
func readLines(part documentPart) (*node, bool) {
	if !isOrdinary(part.data) {
		return nil, false
	}
	r := lineReader{text: string(part.data), number: part.line}
	r.line(0)
	if strings.TrimRight(r.text[:r.end], " ") == "---" {
		r.advance()
	}
	r.skip()
	if r.indent != 0 || r.done() {
		return nil, false
	}
	n := r.mapping(0)
	return n, !r.failed && r.done()
}

// isOrdinary reports whether a text has only characters that mean the same to
// everybody: no tabs, line breaks but \n, control characters or marks.
func isOrdinary(data []byte) bool {
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c < ' ' && c != '\n', c == 0x7F:
			return false
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(data[i:])
			if r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r >= 0xFFFD {
				return false
			}
			i += size - 1
		}
	}
	return true
}

// fail has the YAML reader asked.
func (r *lineReader) fail() *node {
	r.failed = true
	return nil
}

// done reports whether there is no line any more.
func (r *lineReader) done() bool { return r.at >= len(r.text) }

// line makes the line that begins at a place the present one.
func (r *lineReader) line(at int) {
	r.at, r.end, r.indent = at, len(r.text), 0
	if i := strings.IndexByte(r.text[at:], '\n'); i >= 0 {
		r.end = at + i
	}
	for at+r.indent < r.end && r.text[at+r.indent] == ' ' {
		r.indent++
	}
}

// advance goes to the next line.
func (r *lineReader) advance() {
	r.number++
	r.line(min(r.end+1, len(r.text)))
}

// skip goes on to a line that has more than a comment.
func (r *lineReader) skip() {
	for !r.done() && (r.at+r.indent == r.end || r.text[r.at+r.indent] == '#') {
		r.advance()
	}
	if r.done() {
		r.indent = -1
	}
}

// rest returns the present line from the present node on.
func (r *lineReader) rest() string { return r.text[r.at+r.indent : r.end] }

// new returns a node at the present place.
func (r *lineReader) new(kind nodeKind) *node {
	if r.nodes++; r.nodes > maxLineNodes {
		r.failed = true
	}
	if len(r.slab) == 0 {
		r.slab = make([]node, 32)
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	n.kind, n.line, n.column = kind, r.number, r.indent+1
	return n
}

// more reports whether the present line goes on with what began at an
// indentation.
func (r *lineReader) more(indent int) bool { return !r.failed && !r.done() && r.indent == indent }

// dashed reports whether an item of a list begins at the present place.
func (r *lineReader) dashed() bool {
	rest := r.rest()
	return strings.HasPrefix(rest, "- ") || rest == "-"
}

// block reads the map or list that begins at the present place.
func (r *lineReader) block(depth int) *node {
	switch {
	case depth > maxLineDepth:
		return r.fail()
	case r.dashed():
		return r.list(depth)
	}
	return r.mapping(depth)
}

// mapping reads a map.
func (r *lineReader) mapping(depth int) *node {
	m, indent := r.new(mapNode), r.indent
	for r.more(indent) {
		size := keySize(r.rest())
		if size < 0 {
			return r.fail()
		}
		key := r.new(scalarNode)
		key.text = r.rest()[:size]
		if key.value, r.failed = plainKind(key.text); r.failed || m.get(key.text) != nil {
			return r.fail()
		}
		m.keys = append(m.keys, key)
		m.items = append(m.items, r.value(indent, size+1, depth+1))
	}
	if r.indent > indent {
		return r.fail()
	}
	return m
}

// value reads the value of a key, which stands so many bytes behind it or on
// the lines below.
func (r *lineReader) value(indent, behind, depth int) *node {
	if !r.moveTo(behind) {
		return r.scalar(indent)
	}
	if r.advance(); r.deeper(indent) || r.more(indent) && r.dashed() {
		return r.block(depth)
	}
	return r.fail()
}

// list reads a list.
func (r *lineReader) list(depth int) *node {
	list, indent := r.new(listNode), r.indent
	for r.more(indent) && r.dashed() {
		list.items = append(list.items, r.item(indent, depth+1))
	}
	if r.indent > indent {
		return r.fail()
	}
	return list
}

// item reads an item of a list.
func (r *lineReader) item(indent, depth int) *node {
	switch {
	case r.moveTo(1):
		if r.advance(); r.deeper(indent) {
			return r.block(depth)
		}
		return r.fail()
	case keySize(r.rest()) >= 0:
		return r.mapping(depth)
	}
	return r.scalar(indent)
}

// moveTo goes so many bytes ahead, and to what stands there in the line. It
// reports whether nothing does.
func (r *lineReader) moveTo(ahead int) (nothing bool) {
	r.indent += ahead
	for r.at+r.indent < r.end && r.text[r.at+r.indent] == ' ' {
		r.indent++
	}
	return r.at+r.indent >= r.end || r.text[r.at+r.indent] == '#'
}

// deeper goes on to a line with something, and reports whether it is indented
// by more than so much.
func (r *lineReader) deeper(indent int) bool {
	r.skip()
	return r.indent > indent
}

// keySize returns the size of the key that a text begins with, -1 if it does
// with none.
func keySize(s string) int {
	for i := 0; i < min(len(s), maxLineKey); i++ {
		switch c := s[i]; {
		case c == ':' && i > 0 && s[i-1] != ' ' && (i+1 == len(s) || s[i+1] == ' '):
			return i
		case c|0x20 >= 'a' && c|0x20 <= 'z', c == '_':
		case i == 0 || strings.IndexByte("0123456789-.|@/$ ", c) < 0:
			return -1
		}
	}
	return -1
}

// scalar reads the scalar that begins at the present place, in something that
// is indented by so much.
func (r *lineReader) scalar(indent int) *node {
	n, rest := r.new(scalarNode), r.rest()
	switch rest[0] {
	case '\'':
		return r.quoted(n, singleQuoted)
	case '"':
		return r.quoted(n, doubleQuoted)
	case '|', '>':
		return r.blockScalar(n, indent)
	}
	if strings.IndexByte(",[]{}#&*!%@`?:=<~", rest[0]) >= 0 || r.dashed() {
		return r.fail()
	}
	var commented bool
	if n.text, commented = r.plain(); r.failed {
		return nil
	}
	before := r.number
	for r.advance(); r.deeper(indent); r.advance() {
		if before++; commented || r.number != before || r.rest()[0] == '#' {
			return r.fail()
		}
		var more string
		if more, commented = r.plain(); r.failed {
			return nil
		}
		n.text += " " + more
	}
	n.value, r.failed = plainKind(n.text)
	return n
}

// plain returns the present line's part of a plain scalar, and whether a
// comment ends it.
func (r *lineReader) plain() (s string, commented bool) {
	s = r.rest()
	if i := strings.Index(s, " #"); i >= 0 {
		s, commented = s[:i], true
	}
	s = strings.TrimRight(s, " ")
	if strings.Contains(s, ": ") || strings.HasSuffix(s, ":") {
		r.failed = true
	}
	return s, commented
}

// quoted reads a scalar in quotes.
func (r *lineReader) quoted(n *node, unquote func(string) (text string, size int)) *node {
	text, size := unquote(r.rest())
	if size < 0 {
		return r.fail()
	}
	n.text = text
	r.indent += size
	if behind := r.rest(); behind != "" && behind[0] != ' ' || !r.moveTo(0) {
		return r.fail()
	}
	r.advance()
	r.skip()
	return n
}

// singleQuoted returns the text in single quotes that a line begins with, and
// its size with them; -1 if the line has not all of it.
func singleQuoted(s string) (text string, size int) {
	doubled := false
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
		case i+1 < len(s) && s[i+1] == '\'':
			doubled = true
			i++
		case doubled:
			return strings.ReplaceAll(s[1:i], "''", "'"), i + 1
		default:
			return s[1:i], i + 1
		}
	}
	return "", -1
}

// doubleQuoted is singleQuoted for double quotes. Of the escapes it knows those
// of quotes and backslashes.
func doubleQuoted(s string) (text string, size int) {
	var unescaped []byte
	from := 1
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return string(unescaped) + s[from:i], i + 1
		case '\\':
			unescaped = append(unescaped, s[from:i]...)
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", -1
			}
			from = i
		}
	}
	return "", -1
}

// blockScalar reads the lines of a literal or folded scalar.
func (r *lineReader) blockScalar(n *node, indent int) *node {
	header := strings.TrimRight(r.rest(), " ")
	folded, strip := header[0] == '>', header[1:] == "-"
	if header[1:] != "" && !strip {
		return r.fail()
	}
	r.advance()
	inner, blank := r.indent, 0
	if inner <= indent || r.at+inner == r.end {
		return r.fail()
	}
	var b strings.Builder
	for ; !r.done(); r.advance() {
		if r.at+r.indent == r.end && r.indent <= inner {
			blank++
			continue
		}
		if r.indent < inner {
			break
		}
		if folded && (r.indent > inner || blank > 0) {
			return r.fail()
		}
		if folded && b.Len() > 0 {
			b.WriteByte(' ')
		} else if b.Len() > 0 {
			b.WriteByte('\n')
		}
		for ; blank > 0; blank-- {
			b.WriteByte('\n')
		}
		r.indent = inner
		b.WriteString(r.rest())
	}
	if !r.done() && r.indent > indent || r.done() && !strings.HasSuffix(r.text, "\n") {
		return r.fail()
	}
	if r.skip(); !strip {
		b.WriteByte('\n')
	}
	n.text = b.String()
	return n
}

// plainKind returns the type of a plain scalar, and whether it takes the YAML
// reader to tell.
func plainKind(s string) (kind ValueKind, unsure bool) {
	switch s {
	case "":
		return 0, true
	case "true", "false":
		return BoolValue, false
	case "null":
		return NullValue, false
	}
	c := s[0]
	if c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= utf8.RuneSelf {
		return StringValue, isWord(s)
	}
	const ofNumbers = "0123456789abcdefABCDEFxXoOpPiInN_.+-:TtZz "
	for i := range len(s) {
		if strings.IndexByte(ofNumbers, s[i]) < 0 {
			return StringValue, false
		}
	}
	if isDecimal(s) {
		return NumberValue, false
	}
	// A number has two hyphens at most, for itself and its exponent; dates
	// are strings.
	return StringValue, strings.Count(s, "-") < 3 && !isDate(s)
}

// isWord reports whether a text may be one of the words that YAML, in any of
// its versions, takes for something else than a text.
func isWord(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan":
		return true
	}
	return false
}

// isDecimal reports whether a text is a number without sign, fraction or
// leading zeros.
func isDecimal(s string) bool {
	if len(s) > 18 || s[0] == '0' && len(s) > 1 {
		return false
	}
	return strings.Trim(s, "0123456789") == ""
}

// isDate reports whether a text is a date such as 2025-12-05.
func isDate(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && strings.Trim(s[:4]+s[5:7]+s[8:], "0123456789") == ""
}
