package text

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// foldRune returns the representative of the runes that are equal but for case:
// simple case folding as in Unicode's CaseFolding.txt (statuses C and S), the
// same that regexp's (?i) uses. For ASCII letters it is the small letter. Sigma
// rules specification, "General": values are case-insensitive strings.
func foldRune(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	case 0x2E80 <= r && r < 0xA640:
		return r // East Asian scripts, the bulk of text beyond ASCII that has no case
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if 'A' <= least && least <= 'Z' {
		return least + ('a' - 'A')
	}
	return least
}

// appendFolded appends s with every rune folded. Bytes that are not UTF-8 stay
// as they are.
func appendFolded(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[i])
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += size
	}
	return dst
}

// Fold returns s folded.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return string(appendFolded(make([]byte, 0, len(s)), s))
		}
	}
	return s
}

// isDash reports whether the modifier windash takes a rune for a dash. Sigma
// modifiers appendix, "String Modifiers": hyphen-minus, slash, en dash, em
// dash, horizontal bar.
func isDash(r rune) bool {
	return r == '-' || r == '/' || r == '–' || r == '—' || r == '―'
}

// DashSet is which dashes a text has: a set of these.
type DashSet uint8

const (
	hyphenDash DashSet = 1 << iota
	slashDash
	OtherDash // beyond ASCII
)

// DashesOf returns the dashes that a text has.
func DashesOf(s string) DashSet {
	var set DashSet
	for _, r := range s {
		switch {
		case r == '-':
			set |= hyphenDash
		case r == '/':
			set |= slashDash
		case isDash(r):
			set |= OtherDash
		}
	}
	return set
}

// appendDashed appends s with every dash of windash as a hyphen-minus.
func appendDashed(dst []byte, s []byte) []byte {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c == '/' {
				c = '-'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if isDash(r) {
			dst = append(dst, '-')
		} else {
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return dst
}

// Dashed returns s with every dash of windash as a hyphen-minus.
func Dashed(s string) string { return string(appendDashed(nil, []byte(s))) }

// Forms is a field's Forms in the forms that matchers look at, made
// when first asked for. It is reused from one Forms to the next; the byte
// slices are valid until the next reset.
type Forms struct {
	Raw    string
	Folded []byte // raw without case
	Dashes []byte // folded with one form of dash; what the literal index searches

	ASCII    bool    // whether it is of ASCII only
	OnlyDash DashSet // its dashes, if it is of ASCII only and they are all the same

	rawBytes  []byte // raw, for matchers that respect case
	rawDashes []byte // raw with one form of dash

	have uint8
}

const (
	haveRawBytes uint8 = 1 << iota
	haveRawDashes
)

// maxKeptBuffer is the size in bytes up to which a text's buffers are kept for
// the next one.
const maxKeptBuffer = 1 << 20

// Reset makes t stand for s: folded and dashes are made at once, since the fast
// path needs both.
func (t *Forms) Reset(s string) {
	if cap(t.Folded)+cap(t.Dashes) > 2*maxKeptBuffer {
		*t = Forms{}
	}
	t.Raw, t.have = s, 0
	folded, dashes := t.Folded[:0], t.Dashes[:0]
	if cap(folded) < len(s) {
		folded = make([]byte, 0, len(s)+len(s)/2+64)
	}
	if cap(dashes) < len(s) {
		dashes = make([]byte, 0, cap(folded))
	}
	n := foldWords(folded[:len(s)], dashes[:len(s)], s)
	for ; n < len(s) && s[n] < utf8.RuneSelf; n++ {
		folded[:n+1][n], dashes[:n+1][n] = foldTable[s[n]], dashTable[s[n]]
	}
	folded, dashes = folded[:n], dashes[:n]
	if t.ASCII = n == len(s); !t.ASCII {
		folded = appendFolded(folded, s[n:])
		dashes = appendDashed(dashes, folded[n:])
	}
	t.Folded, t.Dashes, t.OnlyDash = folded, dashes, 0
	if t.ASCII {
		t.OnlyDash = onlyDash(folded)
	}
}

// onlyDash returns the kind of dash that an ASCII text has, if it has just one.
func onlyDash(s []byte) DashSet {
	hyphen, slash := bytes.IndexByte(s, '-') >= 0, bytes.IndexByte(s, '/') >= 0
	switch {
	case hyphen && !slash:
		return hyphenDash
	case slash && !hyphen:
		return slashDash
	}
	return 0
}

// foldWords writes s folded, and with one form of dash, eight bytes at a time,
// and returns how many bytes it did: all but the last seven, or as far as s is
// ASCII. The slices have the length of s.
func foldWords(folded, dashes []byte, s string) int {
	const (
		each  = 0x0101010101010101
		upper = 0x80 * each // upper bit of each byte, which ASCII leaves free for what is found out about it
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if w&upper != 0 {
			break
		}
		capital := (w + (0x80-'A')*each) &^ (w + (0x80-'Z'-1)*each) & upper
		w |= capital >> 2 // 0x20
		binary.LittleEndian.PutUint64(folded[i:], w)
		slash := ^((w ^ '/'*each) + 0x7F*each) & upper
		binary.LittleEndian.PutUint64(dashes[i:], w-slash>>6) // '/' - 2 is '-'
	}
	return i
}

// foldTable maps ASCII to small letters; dashTable does that and maps the slash
// to the hyphen-minus.
var foldTable, dashTable = asciiTables()

func asciiTables() (folds, dashes [utf8.RuneSelf]byte) {
	for c := range folds {
		folds[c] = byte(foldRune(rune(c)))
		dashes[c] = folds[c]
	}
	dashes['/'] = '-'
	return folds, dashes
}

// Form returns the text as a pattern with or without case, with or without one
// form of dash, has to see it.
func (t *Forms) Form(cased, dashes bool) []byte {
	switch {
	case !cased && !dashes:
		return t.Folded
	case !cased:
		return t.Dashes
	}
	if t.have&haveRawBytes == 0 {
		t.rawBytes = append(t.rawBytes[:0], t.Raw...)
		t.have |= haveRawBytes
	}
	if !dashes {
		return t.rawBytes
	}
	if t.have&haveRawDashes == 0 {
		t.rawDashes = appendDashed(t.rawDashes[:0], t.rawBytes)
		t.have |= haveRawDashes
	}
	return t.rawDashes
}

// DifferInASCII reports whether two texts differ, whatever their case, before
// either leaves ASCII. Most do.
func DifferInASCII(a, b string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] >= utf8.RuneSelf || b[i] >= utf8.RuneSelf {
			return false
		}
		if foldTable[a[i]] != foldTable[b[i]] {
			return true
		}
	}
	return false
}
