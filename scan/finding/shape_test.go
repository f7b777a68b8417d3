package finding_test

import (
	"strings"
	"testing"

	"webshellscan/scan/finding"
)

// FuzzFoldCommand: a text without digits, braces and temporary names stays as
// it is, different numbers fold to the same, and arguments do so alone as
// behind their program.
func FuzzFoldCommand(f *testing.F) {
	for _, seed := range []string{
		"ping 10.0.0.1", "{n}", "x.tmp", "3F2504E0-4F89-11D3-9A0C-0305E82C3301", "a1b2c3", "dwBoAG8AYQBtAGkA", "\xff 1",
		`"C:\a 1\b.exe" -p 12`, `cmd /c 1 `, ` x{1} {2}.tmp`, `"a"1`, "\u00a0cmd 7\u00a0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		folded := finding.FoldCommand(text)
		if whole, arguments := finding.FoldArguments(text); whole != folded || arguments != finding.FoldCommand(finding.Arguments(text)) {
			t.Errorf("%q: %q with arguments %q, alone %q", text, whole, arguments, finding.FoldCommand(finding.Arguments(text)))
		}
		if strings.ContainsAny(text, "0123456789{}") || strings.Contains(strings.ToLower(text), ".tmp") {
			return
		}
		if folded != strings.TrimSpace(text) {
			t.Errorf("%q: %q", text, folded)
		}
		if finding.FoldCommand(text+" 1") != finding.FoldCommand(text+" 22") {
			t.Errorf("%q: numbers at the end are told apart", text)
		}
	})
}
