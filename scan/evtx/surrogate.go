package evtx

import "encoding/binary"

// hasHalfPair reports whether UTF-16LE text holds half of a surrogate pair.
// Windows cuts long text where it must: the second half may stand first and the
// first half last.
func hasHalfPair(text []byte) bool {
	at := firstSurrogate(text, 0)
	if at == 0 && text[1]&0xFC == 0xDC {
		at = firstSurrogate(text, 2)
	}
	for at >= 0 {
		switch second := at + 2; {
		case text[at+1]&0xFC == 0xDC:
			return true
		case second+1 >= len(text):
			return false
		case text[second+1]&0xFC != 0xDC:
			return !onlyNUL(text[second:])
		default:
			at = firstSurrogate(text, second+2)
		}
	}
	return false
}

// onlyNUL reports whether text ends here: what follows are terminators.
func onlyNUL(text []byte) bool {
	for _, b := range text {
		if b != 0 {
			return false
		}
	}
	return true
}

// firstSurrogate returns the offset of the first surrogate from an even offset
// on, -1 if there is none.
func firstSurrogate(text []byte, from int) int {
	le := binary.LittleEndian
	at := from
	for ; at+32 <= len(text); at += 32 { // nearly all text is below U+0800
		b := text[at : at+32 : at+32]
		if (le.Uint64(b)|le.Uint64(b[8:])|le.Uint64(b[16:])|le.Uint64(b[24:]))&0xF800_F800_F800_F800 != 0 {
			break
		}
	}
	for ; at+8 <= len(text); at += 8 { // four units at once
		x := le.Uint64(text[at:])&0xF800_F800_F800_F800 ^ 0xD800_D800_D800_D800
		if (x-0x0001_0001_0001_0001)&^x&0x8000_8000_8000_8000 != 0 {
			break
		}
	}
	for ; at+2 <= len(text); at += 2 {
		if text[at+1]&0xF8 == 0xD8 {
			return at
		}
	}
	return -1
}
