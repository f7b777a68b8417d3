package utf8text_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"webshellscan/internal/utf8text"
)

// encoded returns text in UTF-16.
func encoded(text string, big bool) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		if big {
			b = append(b, byte(unit>>8), byte(unit))
		} else {
			b = append(b, byte(unit), byte(unit>>8))
		}
	}
	return b
}

// TestText: each encoding gives the same text, read and in memory.
func TestText(t *testing.T) {
	text := strings.Repeat("line ä \U0001F600\r\n", 20_000) // beyond the buffer
	for name, data := range map[string][]byte{
		"UTF-8": []byte(text), "UTF-8 with a mark": []byte("\xEF\xBB\xBF" + text),
		"UTF-16LE": append([]byte("\xFF\xFE"), encoded(text, false)...), "UTF-16BE": append([]byte("\xFE\xFF"), encoded(text, true)...),
		"UTF-16LE without a mark": encoded(text, false), "UTF-16BE without a mark": encoded(text, true),
		"UTF-16LE and an odd byte": append(encoded(text, false), 'x'),
	} {
		got, err := io.ReadAll(utf8text.NewReader(bytes.NewReader(data)))
		if err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, want %d, %v", name, len(got), len(text), err)
		}
		if got := utf8text.Decode(data); string(got) != text {
			t.Errorf("%s in memory: %d bytes, want %d", name, len(got), len(text))
		}
	}
}

// TestLoneSurrogate: half a character costs itself.
func TestLoneSurrogate(t *testing.T) {
	if got := utf8text.Decode([]byte("\xFF\xFEa\x00\x3D\xD8b\x00")); string(got) != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
	for _, text := range []string{"", "a", "\xFF", "\xFF\xFE"} {
		utf8text.Decode([]byte(text))
	}
}
