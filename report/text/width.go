package text

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"
)

// widths are how many columns characters take. Characters of ambiguous width
// take one, whatever the locale says: a report has the same bytes everywhere.
var widths = &runewidth.Condition{StrictEmojiNeutral: true}

// Width returns how many columns of a terminal a text takes.
func Width(text string) int { return widths.StringWidth(text) }

// Truncate cuts a text to at most width columns, of which tail, which stands
// for what was cut, takes some.
func Truncate(text string, width int, tail string) string { return widths.Truncate(text, width, tail) }

// TruncateByLocale cuts a text as Truncate does, but counts characters of
// ambiguous width as the locale has them: for a line that a terminal must not
// break.
func TruncateByLocale(text string, width int, tail string) string {
	return runewidth.Truncate(text, width, tail)
}

// Wrap breaks a text into lines of at most width columns, at spaces where there
// are some near the end, and cuts it visibly after so many lines.
func Wrap(text string, width, lines int) []string {
	var list []string
	for widths.StringWidth(text) > width {
		if len(list) == lines-1 {
			rest := fmt.Sprintf("… (+%d)", len([]rune(text))-width+8)
			return append(list, widths.Truncate(text, max(width-widths.StringWidth(rest), 0), "")+rest)
		}
		line := widths.Truncate(text, width, "")
		if line == "" {
			break // one character is wider than the column
		}
		if i := strings.LastIndexByte(line, ' '); i > len(line)*2/3 {
			line = line[:i+1]
		}
		text = text[len(line):]
		list = append(list, strings.TrimRight(line, " "))
	}
	return append(list, text)
}
