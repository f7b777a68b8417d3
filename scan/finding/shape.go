package finding

import (
	"strings"

	"webshellscan/scan/event"
)

// Shape is a finding, or several that have the same parent image, image and
// command line but for numbers, GUIDs and temporary names, and the same user.
type Shape struct {
	// Findings has at least one finding, in the order of their start.
	Findings []*Finding
	// Known is set if a baseline has the shape.
	Known bool
}

// Span returns the times of the earliest and the latest finding.
func (s *Shape) Span() (first, last event.Time) {
	first, last = s.Findings[0].Time, s.Findings[0].Time
	for _, f := range s.Findings {
		first, last = min(first, f.Time), max(last, f.Time)
	}
	return first, last
}

// shapeKey is what the findings of a shape have in common. Image paths are in
// lower case, the command line as FoldCommand gives it.
type shapeKey struct {
	parentImage, image, commandLine, user string
	known                                 bool
}

// Fold groups findings by shape, in the order in which the shapes first occur.
func Fold(findings []*Finding) []Shape {
	index := make(map[shapeKey]int)
	written := make(map[shapeKey]int) // the same, with paths as they are written
	var shapes []Shape
	for _, f := range findings {
		folded, _ := f.Fold()
		key := shapeKey{f.ParentImage, f.Image, folded, f.User, f.Known}
		i, ok := written[key]
		if !ok {
			lower := key
			lower.parentImage, lower.image = strings.ToLower(key.parentImage), strings.ToLower(key.image)
			if i, ok = index[lower]; !ok {
				i = len(shapes)
				index[lower] = i
				shapes = append(shapes, Shape{Known: f.Known})
			}
			written[key] = i
		}
		shapes[i].Findings = append(shapes[i].Findings, f)
	}
	return shapes
}

// What stands for the parts of a command line that change from run to run. A
// brace of the command line itself is doubled, so that nothing can be taken for
// one of them.
const (
	foldedNumber = "{n}"
	foldedGUID   = "{guid}"
	foldedTemp   = "{tmp}"
)

// FoldCommand returns a command line with what changes from run to run
// replaced: numbers and random words of hexadecimal digits or of letters of one
// case mixed with digits by "{n}", GUIDs by "{guid}", names that end with .tmp
// by "{tmp}.tmp". Words that mix upper and lower case with digits are left as
// they are if they are long: they are Base64, which is what is said, not how
// often.
func FoldCommand(text string) string {
	folded, _ := foldFrom(strings.TrimSpace(text), 0)
	return folded
}

// foldFrom is FoldCommand for a text without white space around it. It also
// returns where in the folded text that begins what stood from a place on at
// which a word begins.
func foldFrom(text string, from int) (folded string, start int) {
	if !strings.ContainsAny(text, "0123456789{}") && !containsTemp(text) {
		return text, from
	}
	b := make([]byte, 0, len(text)+16)
	for i := 0; i < len(text); {
		if i == from {
			start = len(b)
		}
		if isGUID(text[i:]) && (i == 0 || !isWord(text[i-1])) {
			b = append(b, foldedGUID...)
			i += guidLength
			continue
		}
		if !isWord(text[i]) {
			if text[i] == '{' || text[i] == '}' {
				b = append(b, text[i])
			}
			b = append(b, text[i])
			i++
			continue
		}
		end := i + 1
		for end < len(text) && isWord(text[end]) {
			end++
		}
		if isTemp(text[end:]) {
			b = append(b, foldedTemp...)
		} else {
			b = foldWord(b, text[i:end])
		}
		i = end
	}
	if from >= len(text) {
		start = len(b)
	}
	return string(b), start
}

// isWord reports whether a byte belongs to a word.
func isWord(c byte) bool { return isDigit(c) || isLetter(c) || c == '_' }

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isHex(c byte) bool    { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// isTemp reports whether a text begins with the ending of temporary names, and
// the name ends there.
func isTemp(text string) bool {
	const ending = ".tmp"
	return len(text) >= len(ending) && strings.EqualFold(text[:len(ending)], ending) &&
		(len(text) == len(ending) || !isWord(text[len(ending)]))
}

func containsTemp(text string) bool {
	for i := strings.IndexByte(text, '.'); i >= 0; {
		if isTemp(text[i:]) {
			return true
		}
		next := strings.IndexByte(text[i+1:], '.')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

// guidLength is that of a GUID without braces: 8-4-4-4-12 digits.
const guidLength = 36

func isGUID(text string) bool {
	if len(text) < guidLength || len(text) > guidLength && isWord(text[guidLength]) {
		return false
	}
	for i := range guidLength {
		switch i {
		case 8, 13, 18, 23:
			if text[i] != '-' {
				return false
			}
		default:
			if !isHex(text[i]) {
				return false
			}
		}
	}
	return true
}

// wordKind is what a word is made of.
type wordKind struct {
	digits, runs        int // of digits
	lower, upper, other bool
	hex                 bool // nothing but hexadecimal digits
}

func kindOf(word string) wordKind {
	k := wordKind{hex: true}
	for i := range len(word) {
		c := word[i]
		switch {
		case isDigit(c):
			if k.digits++; i == 0 || !isDigit(word[i-1]) {
				k.runs++
			}
		case c >= 'a' && c <= 'z':
			k.lower = true
		case c >= 'A' && c <= 'Z':
			k.upper = true
		default:
			k.other = true
		}
		k.hex = k.hex && isHex(c)
	}
	return k
}

const (
	minHexWord    = 8  // characters of a word that is taken for a hexadecimal number
	minRandomWord = 6  // of one that is taken for a random name
	maxRandomWord = 40 // and not more: a hash in hexadecimal digits has 40 or is one
	minBase64Word = 16 // of one that is taken for Base64
)

// foldWord appends a word, folded.
func foldWord(b []byte, word string) []byte {
	k := kindOf(word)
	oneCase := !k.lower || !k.upper
	switch {
	case k.digits == 0:
		return append(b, word...)
	case k.digits == len(word), k.hex && oneCase && len(word) >= minHexWord, len(word) > 2 && (word[:2] == "0x" || word[:2] == "0X") && kindOf(word[2:]).hex:
		return append(b, foldedNumber...)
	case oneCase && k.runs > 1 && len(word) >= minRandomWord && len(word) <= maxRandomWord && !k.other:
		return append(b, foldedNumber...)
	case !oneCase && len(word) >= minBase64Word:
		return append(b, word...)
	}
	for i := 0; i < len(word); i++ {
		if !isDigit(word[i]) {
			b = append(b, word[i])
		} else if i == 0 || !isDigit(word[i-1]) {
			b = append(b, foldedNumber...)
		}
	}
	return b
}
