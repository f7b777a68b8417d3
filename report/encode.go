package report

import (
	"bytes"
	"encoding/json"
	"io"
)

// newEncoder returns an encoder that writes JSON without escapes for HTML, but
// with escapes for the control characters U+007F to U+009F, which encoding/json
// leaves: terminals obey some of them, and some programs take U+0085 for the
// end of a line.
func newEncoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(controlEscaper{w})
	enc.SetEscapeHTML(false)
	return enc
}

// controlEscaper escapes control characters in the JSON that goes through it.
// An encoder writes one whole value at a time, so that no character is divided.
type controlEscaper struct{ w io.Writer }

// Write implements io.Writer.
func (e controlEscaper) Write(b []byte) (int, error) {
	const digits = "0123456789abcdef"
	n := len(b)
	for {
		i := bytes.IndexByte(b, 0x7F)
		size := 1
		if c := indexC1(b); c >= 0 && (i < 0 || c < i) {
			i, size = c, 2
		}
		if i < 0 {
			_, err := e.w.Write(b)
			return n, err
		}
		char := b[i+size-1]
		escape := []byte{'\\', 'u', '0', '0', digits[char>>4], digits[char&15]}
		if _, err := e.w.Write(append(b[:i:i], escape...)); err != nil {
			return 0, err
		}
		b = b[i+size:]
	}
}

// indexC1 returns where the first of U+0080 to U+009F begins in UTF-8 text, -1
// if there is none.
func indexC1(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], 0xC2)
		if i < 0 || at+i+1 >= len(b) {
			return -1
		}
		if at += i; b[at+1] >= 0x80 && b[at+1] < 0xA0 {
			return at
		}
		at++
	}
}
