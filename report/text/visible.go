package report

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
func Visible(s string) string {
	if !strings.ContainsFunc(s, isHidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02X`, s[i])
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

// clip cuts a text visibly after so many characters.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	letters := []rune(s)
	if len(letters) <= limit {
		return s
	}
	return fmt.Sprintf("%s… (+%d)", string(letters[:limit]), len(letters)-limit)
}
