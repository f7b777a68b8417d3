package rules_test

import (
	"strings"
	"testing"

	"webshellscan/rules"
)

// TestForms: texts are folded eight bytes at a time as they are rune by rune,
// wherever a character stands.
func TestForms(t *testing.T) {
	for c := range 0x180 {
		for length := range 20 {
			for at := range length + 1 {
				text := strings.Repeat("x", at) + string(rune(c)) + "/A-" + strings.Repeat("Y", length-at)
				if c >= 0x80 && at%2 == 1 {
					text = strings.Replace(text, string(rune(c)), string([]byte{byte(c)}), 1) // not UTF-8
				}
				folded, dashes := rules.Forms(text)
				if folded != rules.Folded(text) || dashes != rules.Searched(text) {
					t.Fatalf("%q: %q, %q", text, folded, dashes)
				}
			}
		}
	}
}
