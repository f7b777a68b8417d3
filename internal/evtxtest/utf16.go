package evtxtest

import (
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUTF16 appends s, which is UTF-8, as UTF-16LE. Bytes that are not UTF-8
// become U+FFFD.
func appendUTF16[S string | []byte](dst []byte, s S) []byte {
	dst = slices.Grow(dst, 2*len(s))
	at := len(dst)
	dst = dst[:at+2*len(s)]
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf {
			return appendRunes(dst[:at], string(s[i:]))
		}
		dst[at], dst[at+1] = c, 0
		at += 2
	}
	return dst
}

// appendRunes is the part of appendUTF16 that begins with the first character
// beyond ASCII.
func appendRunes(dst []byte, s string) []byte {
	for _, r := range s {
		if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
			dst = binary.LittleEndian.AppendUint16(dst, uint16(r1))
			dst = binary.LittleEndian.AppendUint16(dst, uint16(r2))
			continue
		}
		dst = binary.LittleEndian.AppendUint16(dst, uint16(r))
	}
	return dst
}
