package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns text from a log, or a path, fit for a terminal: control
// characters, which a terminal would obey, and characters that cannot be seen
// or that turn the direction of writing around, are written as escapes. Text
// without any comes back as it is.
func Visible(text string) string {
	if !strings.ContainsFunc(text, isHidden) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02X`, text[i])
		case !isHidden(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02X`, r)
		default:
			fmt.Fprintf(&b, `\u{%X}`, r)
		}
	}
	return b.String()
}

// isHidden reports whether a character must not reach a terminal as it is. The
// joiners that scripts and emoji need are harmless, and left.
func isHidden(r rune) bool {
	if r >= ' ' && r <= '~' {
		return false // nearly all of them
	}
	switch r {
	case '\u200C', '\u200D':
		return false
	case utf8.RuneError:
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// Clip cuts a text visibly after limit characters.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	letters := []rune(text)
	if len(letters) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (+%d)", string(letters[:limit]), len(letters)-limit)
}
