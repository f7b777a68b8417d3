package text

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Part is a piece of a pattern: a run of plain characters, or a
// wildcard.
type Part struct {
	Wild byte   // '*', '?', or 0 for a literal
	Text string // of a literal, never empty
}

// ParsePattern cuts a Sigma string at its wildcards and resolves its escapes.
// Sigma rules specification, "String Wildcard" and "Escape Character": a
// backslash makes a following wildcard or backslash plain, before anything else
// it is plain itself.
func ParsePattern(s string) []Part {
	if s != "" && isLiteral(s) {
		return []Part{{Text: s}}
	}
	var parts []Part
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, Part{Text: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\'):
			i++
			literal.WriteByte(s[i])
		case c == '*' || c == '?':
			flush()
			parts = append(parts, Part{Wild: c})
		default:
			literal.WriteByte(c)
		}
	}
	flush()
	return parts
}

// isLiteral reports whether a Sigma string has neither wildcards nor escapes.
func isLiteral(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case '*', '?':
			return false
		case '\\':
			if i+1 < len(s) && s[i+1] == '\\' {
				return false
			}
		}
	}
	return true
}

// patternShape is what a pattern comes down to, so that it can be looked up
// instead of tried.
type patternShape uint8

const (
	Equals    patternShape = iota // literal
	Prefix                        // literal*
	Suffix                        // *literal
	Contains                      // *literal*
	anyShape                      // *
	globShape                     // anything else
)

// Pattern is a string with wildcards, ready to be matched.
type Pattern struct {
	Parts  []Part
	Cased  bool // capital and small letters differ
	Dashes bool // every dash of windash equals every other
	Shape  patternShape
}

// NewPattern returns the pattern of the parts, which it takes over: stars in a
// row become one, and literals get the form of the texts that they will be
// compared with.
func NewPattern(parts []Part, cased, dashes bool) Pattern {
	p := Pattern{Cased: cased, Dashes: dashes, Parts: parts[:0]}
	for i, part := range parts {
		if part.Wild == '*' && i > 0 && len(p.Parts) > 0 && p.Parts[len(p.Parts)-1].Wild == '*' {
			continue
		}
		if part.Wild == 0 {
			if !cased {
				part.Text = Fold(part.Text)
			}
			if dashes {
				part.Text = Dashed(part.Text)
			}
		}
		p.Parts = append(p.Parts, part)
	}
	p.Shape = p.findShape()
	return p
}

func (p *Pattern) findShape() patternShape {
	var kinds [4]byte
	if len(p.Parts) > len(kinds) {
		return globShape
	}
	for i, part := range p.Parts {
		kinds[i] = part.Wild
		if part.Wild == 0 {
			kinds[i] = 'x'
		}
	}
	switch string(kinds[:len(p.Parts)]) {
	case "", "x":
		return Equals
	case "x*":
		return Prefix
	case "*x":
		return Suffix
	case "*x*":
		return Contains
	case "*":
		return anyShape
	}
	return globShape
}

// Literal returns the longest run of plain characters, "" if there is none.
func (p *Pattern) Literal() string {
	longest := ""
	for _, part := range p.Parts {
		if len(part.Text) > len(longest) {
			longest = part.Text
		}
	}
	return longest
}

// Key returns a text that is the same for equal patterns and no others.
func (p *Pattern) Key() string {
	var b strings.Builder
	size := len("CD:")
	for _, part := range p.Parts {
		size += max(len(part.Text), 1)
	}
	b.Grow(size)
	if p.Cased {
		b.WriteByte('C')
	}
	if p.Dashes {
		b.WriteByte('D')
	}
	b.WriteByte(':')
	for _, part := range p.Parts {
		if part.Wild != 0 {
			b.WriteByte(part.Wild)
			continue
		}
		b.WriteString(escapePlain(part.Text))
	}
	return b.String()
}

var plainEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// escapePlain escapes backslashes and wildcards of a plain text.
func escapePlain(s string) string {
	if !strings.ContainsAny(s, `\*?`) {
		return s
	}
	return plainEscaper.Replace(s)
}

// Match reports whether the whole text fits the pattern. s must have the form
// that cased and dashes ask for.
func (p *Pattern) Match(s []byte) bool {
	switch p.Shape {
	case anyShape:
		return true
	case Equals:
		return string(s) == p.Literal()
	case Prefix:
		return bytes.HasPrefix(s, []byte(p.Parts[0].Text))
	case Suffix:
		return bytes.HasSuffix(s, []byte(p.Parts[1].Text))
	case Contains:
		return bytes.Contains(s, []byte(p.Parts[1].Text))
	}
	return p.matchGlob(s)
}

// matchGlob matches a pattern of any shape: what stands before the first star
// at the text's beginning, what stands after the last one at its end, and the
// rest in between, each as far left as it goes.
func (p *Pattern) matchGlob(s []byte) bool {
	segment, rest, star := cutStar(p.Parts)
	n, ok := segmentAt(segment, s)
	if !ok {
		return false
	}
	if !star {
		return n == len(s)
	}
	s = s[n:]
	for {
		segment, rest, star = cutStar(rest)
		if !star {
			n, ok := segmentBefore(segment, s)
			return ok && n <= len(s)
		}
		n, ok := findSegment(segment, s)
		if !ok {
			return false
		}
		s = s[n:]
	}
}

// cutStar returns the parts before the first star, those after it, and whether
// there is one.
func cutStar(parts []Part) (before, after []Part, found bool) {
	for i, part := range parts {
		if part.Wild == '*' {
			return parts[:i], parts[i+1:], true
		}
	}
	return parts, nil, false
}

// segmentAt matches a segment, parts without star, at the beginning of s and
// returns its length there. A question mark stands for one character; a byte
// that is not UTF-8 counts as one.
func segmentAt(segment []Part, s []byte) (int, bool) {
	n := 0
	for _, part := range segment {
		if part.Wild == 0 {
			if len(s)-n < len(part.Text) || string(s[n:n+len(part.Text)]) != part.Text {
				return 0, false
			}
			n += len(part.Text)
			continue
		}
		if n == len(s) {
			return 0, false
		}
		_, size := utf8.DecodeRune(s[n:])
		n += size
	}
	return n, true
}

// segmentBefore matches a segment at the end of s and returns its length there.
func segmentBefore(segment []Part, s []byte) (int, bool) {
	end := len(s)
	for i := len(segment) - 1; i >= 0; i-- {
		part := segment[i]
		if part.Wild == 0 {
			if end < len(part.Text) || string(s[end-len(part.Text):end]) != part.Text {
				return 0, false
			}
			end -= len(part.Text)
			continue
		}
		if end == 0 {
			return 0, false
		}
		_, size := utf8.DecodeLastRune(s[:end])
		end -= size
	}
	return len(s) - end, true
}

// findSegment finds the first place of a segment in s and returns where it ends
// there.
func findSegment(segment []Part, s []byte) (int, bool) {
	for at := 0; at <= len(s); {
		if len(segment) > 0 && segment[0].Wild == 0 {
			i := bytes.Index(s[at:], []byte(segment[0].Text))
			if i < 0 {
				return 0, false
			}
			at += i
		}
		if n, ok := segmentAt(segment, s[at:]); ok {
			return at + n, true
		}
		if at == len(s) {
			break
		}
		_, size := utf8.DecodeRune(s[at:])
		at += size
	}
	return 0, false
}
