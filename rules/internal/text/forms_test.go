package text_test

import (
	"strings"
	"testing"

	"webshellscan/rules/internal/text"
)

// TestForms: texts are folded eight bytes at a time as they are rune by rune,
// wherever a character stands.
func TestForms(t *testing.T) {
	for c := range 0x180 {
		for length := range 20 {
			for at := range length + 1 {
				s := strings.Repeat("x", at) + string(rune(c)) + "/A-" + strings.Repeat("Y", length-at)
				if c >= 0x80 && at%2 == 1 {
					s = strings.Replace(s, string(rune(c)), string([]byte{byte(c)}), 1) // not UTF-8
				}
				var forms text.Forms
				forms.Reset(s)
				folded, dashes := string(forms.Folded), string(forms.Dashes)
				if folded != text.Fold(s) || dashes != text.Searched(s) {
					t.Fatalf("%q: %q, %q", s, folded, dashes)
				}
			}
		}
	}
}
