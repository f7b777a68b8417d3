// Package utf8text gives text as UTF-8, whichever encoding of Unicode it has.
// It depends on nothing in the text.
package utf8text

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// bufferSize is how many bytes are read at once.
const bufferSize = 64 << 10

// NewReader returns a reader of text as UTF-8, without a byte order mark: it
// may be UTF-16, with a mark or without, or have a mark of UTF-8. Of UTF-16
// each lone surrogate becomes U+FFFD, and an odd last byte is dropped; what is
// in no encoding of Unicode is passed on as it is. The reader is for one
// goroutine.
func NewReader(r io.Reader) *bufio.Reader {
	b := bufio.NewReaderSize(r, bufferSize)
	head, _ := b.Peek(4) // a shorter one is no UTF-16
	order, mark := encodingOf(head)
	_, _ = b.Discard(mark) // they were peeked at
	if order == nil {
		return b
	}
	return bufio.NewReaderSize(&utf16Reader{in: b, order: order}, bufferSize)
}

// Decode returns text that is in memory as NewReader gives it. It may be the
// text's own bytes.
func Decode(text []byte) []byte {
	order, mark := encodingOf(text[:min(len(text), 4)])
	if order == nil {
		return text[mark:]
	}
	decoded, _ := io.ReadAll(NewReader(bytes.NewReader(text))) // it does not fail in memory
	return decoded
}

// encodingOf returns the byte order of UTF-16 that begins with head, nil for
// other text, and the size of its byte order mark.
func encodingOf(head []byte) (order binary.ByteOrder, mark int) {
	switch {
	case len(head) >= 3 && string(head[:3]) == "\xEF\xBB\xBF":
		return nil, 3
	case len(head) >= 2 && string(head[:2]) == "\xFF\xFE":
		return binary.LittleEndian, 2
	case len(head) >= 2 && string(head[:2]) == "\xFE\xFF":
		return binary.BigEndian, 2
	case len(head) == 4 && head[1] == 0 && head[3] == 0 && head[0] != 0:
		return binary.LittleEndian, 0
	case len(head) == 4 && head[0] == 0 && head[2] == 0 && head[1] != 0:
		return binary.BigEndian, 0
	}
	return nil, 0
}

// utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	in      *bufio.Reader
	order   binary.ByteOrder
	pending []byte
	out     []byte
	err     error
}

// Read implements io.Reader.
func (u *utf16Reader) Read(b []byte) (int, error) {
	for len(u.pending) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.convert()
	}
	n := copy(b, u.pending)
	u.pending = u.pending[n:]
	return n, nil
}

// convert turns some units into text.
func (u *utf16Reader) convert() {
	u.out = u.out[:0]
	for len(u.out) < 1<<15 {
		unit, err := u.unit()
		if err != nil {
			u.err = err
			break
		}
		r := rune(unit)
		if utf16.IsSurrogate(r) {
			next, err := u.in.Peek(2)
			r = utf8.RuneError
			if err == nil {
				if both := utf16.DecodeRune(rune(unit), rune(u.order.Uint16(next))); both != utf8.RuneError {
					r = both
					_, _ = u.in.Discard(2) // they were peeked at
				}
			}
		}
		u.out = utf8.AppendRune(u.out, r)
	}
	u.pending = u.out
}

func (u *utf16Reader) unit() (uint16, error) {
	var b [2]byte
	if _, err := io.ReadFull(u.in, b[:]); err != nil {
		return 0, io.EOF // an odd last byte is dropped
	}
	return u.order.Uint16(b[:]), nil
}
