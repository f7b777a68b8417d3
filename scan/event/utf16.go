package event

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// trimNUL16 drops trailing NULs from UTF-16LE text, and the odd byte that a
// damaged size leaves behind them.
func trimNUL16(b []byte) []byte {
	if len(b)%2 != 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	for len(b) >= 2 && len(b)%2 == 0 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
		b = b[:len(b)-2]
	}
	return b
}

// AppendUTF16 appends UTF-16LE text as UTF-8, without its trailing NULs. Each
// lone surrogate, and an odd last byte, becomes U+FFFD; everything around it
// survives.
func AppendUTF16(dst, b []byte) []byte {
	b = trimNUL16(b)
	for len(b) >= 2 {
		// Four units at a time as long as they are ASCII, which nearly
		// all are.
		for len(b) >= 8 {
			w := binary.LittleEndian.Uint64(b)
			if w&0xFF80FF80FF80FF80 != 0 {
				break
			}
			w |= w >> 8
			w = w&0xFFFF | w>>16&0xFFFF0000
			dst = binary.LittleEndian.AppendUint32(dst, uint32(w))
			b = b[8:]
		}
		if len(b) < 2 {
			break
		}
		r := rune(binary.LittleEndian.Uint16(b))
		b = b[2:]
		if utf16.IsSurrogate(r) {
			low := rune(utf8.RuneError)
			if len(b) >= 2 {
				low = rune(binary.LittleEndian.Uint16(b))
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				b = b[2:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	if len(b) != 0 {
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	return dst
}

// windows1252 holds the characters of 0x80 to 0x9F in the code page that
// Western Windows uses for ANSI text. The five bytes without a character
// become U+FFFD.
var windows1252 = [32]rune{
	'€', utf8.RuneError, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', utf8.RuneError, 'Ž', utf8.RuneError,
	utf8.RuneError, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', utf8.RuneError, 'ž', 'Ÿ',
}

// appendANSI appends ANSI text without its trailing NULs. The log does not say
// which code page it is in; Windows-1252 is taken.
func appendANSI(dst, b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	for _, c := range b {
		switch {
		case c < 0x80:
			dst = append(dst, c)
		case c < 0xA0:
			dst = utf8.AppendRune(dst, windows1252[c-0x80])
		default:
			dst = utf8.AppendRune(dst, rune(c))
		}
	}
	return dst
}
