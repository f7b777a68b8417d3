package text_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"webshellscan/rules/internal/text"
)

// expressions have every part of the syntax that is treated in a way of its
// own.
var expressions = []string{
	``, `a`, `(?i)a`, `^a`, `a$`, `\Aab`, `ab\z`, `(?m)^b$`, `\bnet\b`, `\Bet`, `\b`, `\B`, `$`, `^`, `.`, `(?s)a.b`, `a.b`,
	`[^a]`, `[^\\]`, `a|b`, `(a|)b`, `(?:ab|a)(?:bc|c)?$`, `a*`, `a+b`, `a{2,4}b`, `(ab){2}`, `(a|b){3,}c`, `x{1}y`, `(?:x|){1,2}y`,
	`net\s+config`, `\s-[FTd]\s`, `:[^ \\]`, ` [0-7]{7,13}`, `\\[a-zA-Z0-9]{1,32}\.[a-zA-Z0-9]{1,6}\.[ "']{1}`,
	`[-/–][Ee^]{1,2}[ncodema^]*\s[A-Za-z0-9+/=]{15,}`, `(?i)\s['"]?C:\\Windows\\(?:System32|SysWOW64|WinSxS)`,
	`[A-F0-9]{8}-[A-F0-9]{4}`, `ä+b`, `(?i)K`, `(?i)ſ`, `.{5,}`, `(?i)set.*&&set`, `\x{FFFD}`, `(a+)+$`, `\x{D800}`, `a[\x{D800}b]`,
}

var expressionTexts = []string{
	"", "a", "A", "b", "ab", "aab", "aaaaab", "ba", "a\nb", "b\n", "\nb\n", "net", " net ", "netstat", "wet", "a b", "abab", "abc", "ac", "bbbc",
	"xy", "xxy", "xxxy", "net  config", "net config x", "cmd -T x", "cmd /T x", "cmd -t x", `c:\x`, "c: x", `::\`, "x 01234567", "x 0123456",
	`x\report.doc. `, `x\report.doc.exe`, "p -enc QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "p /EncodedCommand QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
	"p –^e^nc QWxhZGRpbjpvcGVu", `x 'C:\Windows\System32\a`, `x c:\windows\syswow64`, "DEADBEEF-0123", "ääb", "\u212A", "\u017F", "s", "k", "K",
	"1234", "12345", "\xff", "a\xffb", "\uFFFD", "ab\xff", "\xffab", "set x&&set y", strings.Repeat("a", 300), strings.Repeat("ab", 200) + "c",
}

// TestExpressions holds what is known of an expression without Go's engine to
// what that says.
func TestExpressions(t *testing.T) {
	for _, source := range expressions {
		for _, s := range expressionTexts {
			checkExpression(t, source, s)
		}
	}
}

func checkExpression(t *testing.T, source, s string) {
	t.Helper()
	x := text.NewExpression(source)
	if x == nil {
		t.Fatalf("%q is refused", source)
	}
	want := regexp.MustCompile(source).MatchString(s)
	for round := range 2 { // making the states, and finding them
		if got, known := x.Automaton(s); known && got != want {
			t.Errorf("%q on %q: automaton says %v in round %d", source, s, got, round)
		} else if !known && strings.ToValidUTF8(s, "") == s && len(s) == len([]rune(s)) {
			t.Errorf("%q on %q: automaton does not know", source, s)
		}
	}
	if got, known := x.Filter(s); known && got != want {
		t.Errorf("%q on %q: filter says %v", source, s, got)
	}
	literals, searched := x.Literals(), text.Searched(s)
	if want && len(literals) > 0 && !slices.ContainsFunc(literals, func(s string) bool { return strings.Contains(searched, s) }) {
		t.Errorf("%q matches %q, which has none of %q", source, s, literals)
	}
}

// FuzzExpression is TestExpressions for any expression and text.
func FuzzExpression(f *testing.F) {
	for i, source := range expressions {
		f.Add(source, expressionTexts[i%len(expressionTexts)])
	}
	f.Fuzz(func(t *testing.T, source, s string) {
		if len(source) <= 60 && len(s) <= 400 && text.NewExpression(source) != nil {
			checkExpression(t, source, s)
		}
	})
}

// TestRequiredLiterals: what keeps most texts from an expression is found in
// it.
func TestRequiredLiterals(t *testing.T) {
	for _, c := range []struct {
		source string
		want   []string
	}{
		{`net\s+config`, []string{"\tconfig", "\nconfig", "\fconfig", "\rconfig", " config"}},
		{`\.[ab]{1}x`, []string{".ax", ".bx"}},
		{`[-/–][Ee^]{1,2}[nco]*\s`, []string{"-e", "-^"}},
		{` [0-2]{7,13}`, []string{" 0", " 1", " 2"}},
		{`(?:ab)+c`, []string{"abc"}},
		{`a*b`, nil},
		{`(ab|cd)?x`, nil},
	} {
		x := text.NewExpression(c.source)
		got := x.Literals()
		slices.Sort(got)
		slices.Sort(c.want)
		if got = slices.Compact(got); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.source, got, c.want)
		}
	}
}

// TestAutomatonGivesUp: an expression whose states hardly ever come again keeps
// no more of them than it may, and is left to Go's engine.
func TestAutomatonGivesUp(t *testing.T) {
	const source = `a[ab]{14}x`
	x := text.NewExpression(source)
	re := regexp.MustCompile(source)
	random := rand.New(rand.NewPCG(1, 2))
	gaveUp := false
	for range 200 {
		s := make([]byte, 100)
		for i := range s {
			s[i] = "abx"[random.IntN(20)*2/19%3]
		}
		got, known := x.Automaton(string(s))
		if known && got != re.Match(s) {
			t.Fatalf("%q: %v", s, got)
		}
		if now, _ := x.States(); now > text.MaxAutomatonStates {
			t.Fatalf("%d states", now)
		}
		gaveUp = gaveUp || !known
	}
	if _, made := x.States(); !gaveUp || made < text.Patience {
		t.Errorf("gave up: %v, after %d states", gaveUp, made)
	}
	if _, known := text.NewExpression(`[ab]{900}[cd]{900}[ef]{900}[gh]{900}[ij]{900}`).Automaton("x"); known {
		t.Error("an automaton for an expression of 4,500 steps")
	}
}
