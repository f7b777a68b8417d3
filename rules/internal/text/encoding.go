package text

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits on what one value may be turned into by placeholders, windash and
// encodings together.
const (
	MaxVariants     = 5000
	MaxVariantBytes = 4 << 20
)

// encoded is a text on its way through the encoding modifiers. Sigma modifiers
// appendix, "Encoding".
type encoded struct {
	data string
	wide bool // data are bytes, not text: each stands for the character of that number
}

// encode applies one encoding. base64offset gives three results, the others
// one.
func (e encoded) encode(name string) ([]encoded, error) {
	switch name {
	case "utf16le", "utf16be", "utf16":
		return []encoded{{data: e.utf16(name), wide: true}}, nil
	case "base64":
		return []encoded{{data: base64.StdEncoding.EncodeToString([]byte(e.data))}}, nil
	}
	variants := base64Offsets(e.data)
	out := make([]encoded, 0, len(variants))
	for _, v := range variants {
		if v == "" {
			return nil, errors.New("the value is too short for base64offset")
		}
		out = append(out, encoded{data: v})
	}
	return out, nil
}

// utf16 returns the UTF-16 bytes of the text, with a byte order mark for the
// encoding that is called so.
func (e encoded) utf16(name string) string {
	runes := make([]rune, 0, len(e.data))
	for _, r := range e.text() {
		runes = append(runes, r)
	}
	out := make([]byte, 0, 2*len(runes)+2)
	if name == "utf16" {
		out = append(out, 0xFF, 0xFE)
	}
	for _, u := range utf16.Encode(runes) {
		if name == "utf16be" {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return string(out)
}

// text returns the result as it is looked for in a field: bytes as the
// characters of the same numbers.
func (e encoded) text() string {
	if !e.wide {
		return e.data
	}
	out := make([]byte, 0, len(e.data))
	for i := range len(e.data) {
		out = utf8.AppendRune(out, rune(e.data[i]))
	}
	return string(out)
}

// base64Offsets returns what of the Base64 form of data does not depend on what
// stands before and after it, for data that begins zero, one and two bytes
// after a multiple of three. Sigma modifiers appendix, "base64offset".
func base64Offsets(data string) [3]string {
	var variants [3]string
	for shift := range variants {
		padded := make([]byte, shift, shift+len(data))
		text := base64.StdEncoding.EncodeToString(append(padded, data...))
		// The first characters hold bits of the bytes before, the last
		// ones, if a group is not full, bits of those after.
		start := [...]int{0, 2, 3}[shift]
		end := len(text) - [...]int{0, 3, 2}[(shift+len(data))%3]
		if start < end {
			variants[shift] = text[start:end]
		}
	}
	return variants
}

// EncodeParts applies the encoding modifiers to a value. Wildcards survive
// UTF-16, but not Base64, where a character has no fixed place.
func EncodeParts(parts []Part, encodings []string) ([][]Part, error) {
	base := strings.Contains(strings.Join(encodings, " "), "base64")
	for _, part := range parts {
		if part.Wild != 0 && base {
			return nil, errors.New("a value with wildcards cannot be encoded with Base64")
		}
	}
	if base {
		return encodeLiteral(parts, encodings)
	}
	out := make([]Part, 0, len(parts)+1)
	for _, part := range parts {
		if part.Wild != 0 {
			out = append(out, part)
			continue
		}
		e := encoded{data: part.Text}
		for _, name := range encodings {
			if name == "utf16" && len(parts) > 1 {
				return nil, errors.New("a value with wildcards cannot be given a byte order mark")
			}
			next, err := e.encode(name)
			if err != nil {
				return nil, err
			}
			e = next[0]
		}
		out = append(out, Part{Text: e.text()})
	}
	return [][]Part{out}, nil
}

// encodeLiteral applies encodings to a value without wildcards.
func encodeLiteral(parts []Part, encodings []string) ([][]Part, error) {
	if len(parts) == 0 {
		return nil, errors.New("an empty value cannot be encoded with Base64")
	}
	variants := []encoded{{data: parts[0].Text}}
	for _, name := range encodings {
		var next []encoded
		for _, v := range variants {
			results, err := v.encode(name)
			if err != nil {
				return nil, err
			}
			next = append(next, results...)
		}
		if len(next) > MaxVariants {
			return nil, fmt.Errorf("more than %d variants of one value", MaxVariants)
		}
		variants = next
	}
	out := make([][]Part, len(variants))
	for i, v := range variants {
		out[i] = []Part{{Text: v.text()}}
	}
	return out, nil
}

// DashVariants writes out the permutations of windash, which is needed only
// before an encoding: elsewhere dashes are compared as equals. Sigma modifiers
// appendix, "windash".
func DashVariants(parts []Part) ([][]Part, error) {
	dashes := [...]string{"-", "/", "–", "—", "―"}
	variants, size := 1, 0
	for _, part := range parts {
		size += len(part.Text)
		for _, r := range part.Text {
			if !isDash(r) {
				continue
			}
			if variants *= len(dashes); variants > MaxVariants {
				return nil, fmt.Errorf("more than %d variants of one value", MaxVariants)
			}
		}
	}
	if variants*size > MaxVariantBytes {
		return nil, fmt.Errorf("the variants of one value have more than %d bytes", MaxVariantBytes)
	}
	out := make([][]Part, variants)
	for i := range out {
		choice := i // a number of base five: one digit for each dash
		out[i] = make([]Part, len(parts))
		for j, part := range parts {
			var b strings.Builder
			for _, r := range part.Text {
				if isDash(r) {
					b.WriteString(dashes[choice%len(dashes)])
					choice /= len(dashes)
				} else {
					b.WriteRune(r)
				}
			}
			out[i][j] = Part{Wild: part.Wild, Text: b.String()}
		}
	}
	return out, nil
}
