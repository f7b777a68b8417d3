package export

import (
	"bufio"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// newText returns a reader of text as UTF-8: it may be UTF-16, with a byte
// order mark or without, or have a mark of UTF-8.
func newText(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 1<<16)
	head, _ := b.Peek(4) // a shorter one is no UTF-16
	switch {
	case len(head) >= 3 && string(head[:3]) == "\xEF\xBB\xBF":
		_, _ = b.Discard(3) // they were peeked at
	case len(head) >= 2 && string(head[:2]) == "\xFF\xFE":
		_, _ = b.Discard(2)
		return &utf16Reader{in: b, order: binary.LittleEndian}
	case len(head) >= 2 && string(head[:2]) == "\xFE\xFF":
		_, _ = b.Discard(2)
		return &utf16Reader{in: b, order: binary.BigEndian}
	case len(head) == 4 && head[1] == 0 && head[3] == 0 && head[0] != 0:
		return &utf16Reader{in: b, order: binary.LittleEndian}
	case len(head) == 4 && head[0] == 0 && head[2] == 0 && head[1] != 0:
		return &utf16Reader{in: b, order: binary.BigEndian}
	}
	return b
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
