package powershell

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '+' || c == '/' || c == '='
}

// decodeBase64 decodes the Base64 at the start of a text ([RFC 4648] 4). White
// space is skipped, padding may be missing, and a text that was cut short gives
// what there is of it.
func decodeBase64(text string) ([]byte, bool) {
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		c := text[i]
		if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
			continue
		}
		if !isBase64(c) || c == '=' {
			break
		}
		b = append(b, c)
	}
	if len(b)%4 == 1 {
		b = b[:len(b)-1]
	}
	data := make([]byte, base64.RawStdEncoding.DecodedLen(len(b)))
	n, err := base64.RawStdEncoding.Decode(data, b)
	return data[:n], err == nil && n > 0
}

// decodeUTF16 decodes UTF-16LE and reports whether that gives a text: most of
// it is ASCII, as scripts are in any language.
func decodeUTF16(data []byte) (string, bool) {
	data = bytes.TrimPrefix(data, []byte{0xFF, 0xFE})
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(data[2*i:])
	}
	text := string(utf16.Decode(units))
	return text, isText(text)
}

// isText reports whether at least half of the characters are printable ASCII or
// white space, and few are control characters.
func isText(text string) bool {
	total, plain, control := 0, 0, 0
	for _, r := range text {
		total++
		switch {
		case r >= ' ' && r < 0x7F, r == '\t', r == '\r', r == '\n':
			plain++
		case r < ' ' || r == 0x7F || r == utf8.RuneError:
			control++
		}
	}
	return total > 0 && plain >= (total+1)/2 && control <= total/10
}

// describe returns data as text: as UTF-16LE or UTF-8, unpacked if it is packed
// by gzip (or, if that is expected, by deflate alone), else its length.
func describe(data []byte, deflated bool) string {
	if r, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
		if text, ok := unpack(r); ok {
			return text
		}
	}
	if text, ok := plainText(data); ok {
		return text
	}
	if deflated {
		if text, ok := unpack(flate.NewReader(bytes.NewReader(data))); ok {
			return text
		}
	}
	return fmt.Sprintf("(%d bytes that are no text)", len(data))
}

// unpack reads at most maxText bytes of packed text. What comes before an error
// counts: a text that was cut short still says something.
func unpack(r io.Reader) (string, bool) {
	data, _ := io.ReadAll(io.LimitReader(r, maxText))
	return plainText(data)
}

// plainText returns data as UTF-16LE or UTF-8 text, whichever it is.
func plainText(data []byte) (string, bool) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if text := strings.ToValidUTF8(string(data), "\uFFFD"); isText(text) {
		return text, true
	}
	return decodeUTF16(data)
}
