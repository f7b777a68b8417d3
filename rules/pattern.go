package rules

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// patternPart is a piece of a pattern: a run of plain characters, or a
// wildcard.
type patternPart struct {
	wild byte   // '*', '?', or 0 for a literal
	text string // of a literal, never empty
}

// parsePattern cuts a Sigma string at its wildcards and resolves its escapes.
// Sigma rules specification, "String Wildcard" and "Escape Character": a
// backslash makes a following wildcard or backslash plain, before anything else
// it is plain itself.
func parsePattern(s string) []patternPart {
	var parts []patternPart
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, patternPart{text: literal.String()})
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
			parts = append(parts, patternPart{wild: c})
		default:
			literal.WriteByte(c)
		}
	}
	flush()
	return parts
}

// patternShape is what a pattern comes down to, so that it can be looked up
// instead of tried.
type patternShape uint8

const (
	equalsShape   patternShape = iota // literal
	prefixShape                       // literal*
	suffixShape                       // *literal
	containsShape                     // *literal*
	anyShape                          // *
	globShape                         // anything else
)

// wildcardPattern is a string with wildcards, ready to be matched.
type wildcardPattern struct {
	parts  []patternPart
	cased  bool // capital and small letters differ
	dashes bool // every dash of windash equals every other
	shape  patternShape
}

// newPattern returns the pattern of the parts, which it takes over: stars in a
// row become one, and literals get the form of the texts that they will be
// compared with.
func newPattern(parts []patternPart, cased, dashes bool) wildcardPattern {
	p := wildcardPattern{cased: cased, dashes: dashes, parts: parts[:0]}
	for i, part := range parts {
		if part.wild == '*' && i > 0 && len(p.parts) > 0 && p.parts[len(p.parts)-1].wild == '*' {
			continue
		}
		if part.wild == 0 {
			if !cased {
				part.text = fold(part.text)
			}
			if dashes {
				part.text = dashed(part.text)
			}
		}
		p.parts = append(p.parts, part)
	}
	p.shape = p.findShape()
	return p
}

func (p *wildcardPattern) findShape() patternShape {
	kinds := make([]byte, len(p.parts))
	for i, part := range p.parts {
		kinds[i] = part.wild
		if part.wild == 0 {
			kinds[i] = 'x'
		}
	}
	switch string(kinds) {
	case "", "x":
		return equalsShape
	case "x*":
		return prefixShape
	case "*x":
		return suffixShape
	case "*x*":
		return containsShape
	case "*":
		return anyShape
	}
	return globShape
}

// literal returns the longest run of plain characters, "" if there is none.
func (p *wildcardPattern) literal() string {
	longest := ""
	for _, part := range p.parts {
		if len(part.text) > len(longest) {
			longest = part.text
		}
	}
	return longest
}

// key returns a text that is the same for equal patterns and no others.
func (p *wildcardPattern) key() string {
	var b strings.Builder
	if p.cased {
		b.WriteByte('C')
	}
	if p.dashes {
		b.WriteByte('D')
	}
	b.WriteByte(':')
	for _, part := range p.parts {
		if part.wild != 0 {
			b.WriteByte(part.wild)
			continue
		}
		b.WriteString(escapePlain(part.text))
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

// match reports whether the whole text fits the pattern. s must have the form
// that cased and dashes ask for.
func (p *wildcardPattern) match(s []byte) bool {
	switch p.shape {
	case anyShape:
		return true
	case equalsShape:
		return string(s) == p.literal()
	case prefixShape:
		return bytes.HasPrefix(s, []byte(p.parts[0].text))
	case suffixShape:
		return bytes.HasSuffix(s, []byte(p.parts[1].text))
	case containsShape:
		return bytes.Contains(s, []byte(p.parts[1].text))
	}
	return p.matchGlob(s)
}

// matchGlob matches a pattern of any shape: what stands before the first star
// at the text's beginning, what stands after the last one at its end, and the
// rest in between, each as far left as it goes.
func (p *wildcardPattern) matchGlob(s []byte) bool {
	segment, rest, star := cutStar(p.parts)
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
func cutStar(parts []patternPart) (before, after []patternPart, found bool) {
	for i, part := range parts {
		if part.wild == '*' {
			return parts[:i], parts[i+1:], true
		}
	}
	return parts, nil, false
}

// segmentAt matches a segment, parts without star, at the beginning of s and
// returns its length there. A question mark stands for one character; a byte
// that is not UTF-8 counts as one.
func segmentAt(segment []patternPart, s []byte) (int, bool) {
	n := 0
	for _, part := range segment {
		if part.wild == 0 {
			if len(s)-n < len(part.text) || string(s[n:n+len(part.text)]) != part.text {
				return 0, false
			}
			n += len(part.text)
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
func segmentBefore(segment []patternPart, s []byte) (int, bool) {
	end := len(s)
	for i := len(segment) - 1; i >= 0; i-- {
		part := segment[i]
		if part.wild == 0 {
			if end < len(part.text) || string(s[end-len(part.text):end]) != part.text {
				return 0, false
			}
			end -= len(part.text)
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
func findSegment(segment []patternPart, s []byte) (int, bool) {
	for at := 0; at <= len(s); {
		if len(segment) > 0 && segment[0].wild == 0 {
			i := bytes.Index(s[at:], []byte(segment[0].text))
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
