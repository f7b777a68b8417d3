package rules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/rules"
)

// FuzzParse holds the parser to its promises on any input: no panic, no hang,
// errors with positions, rules that compile or say why not.
func FuzzParse(f *testing.F) {
	for _, group := range [][]specCase{valueCases, modifierCases, encodingCases, comparisonCases, placeholderCases, structureCases, conditionCases} {
		for _, c := range group {
			f.Add([]byte(ruleText(c.detection)))
		}
	}
	for _, c := range badRules {
		f.Add([]byte(c.text))
	}
	files, _ := filepath.Glob("builtin/*.yml")
	if len(files) == 0 {
		f.Fatal("no built-in rules found")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cputime.Bound(t, 20*time.Second, func() { parseHostile(t, data) })
	})
}

// parseHostile reads, compiles and matches whatever it is given.
func parseHostile(t *testing.T, data []byte) {
	list, errs := rules.Parse("fuzz.yml", data)
	lines := 1
	for _, lineBreak := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} { // as YAML 1.1 counts
		lines += strings.Count(string(data), lineBreak)
	}
	for _, err := range errs {
		problem, ok := err.(*rules.ParseError)
		if !ok || problem.File != "fuzz.yml" || problem.Line < 0 || problem.Line > lines+1 || problem.Reason == "" || problem.Err == nil {
			t.Errorf("error %#v", err)
		}
	}
	if packed, err := rules.Pack("fuzz.yml", data); err == nil {
		checkPacked(t, data, packed)
	}
	set, errs := rules.Compile(list, rules.Options{})
	for _, err := range errs {
		if _, ok := err.(*rules.ParseError); !ok {
			t.Errorf("error %#v", err)
		}
	}
	m, interned := set.NewMatcher(), newTexts()
	for _, ev := range []event{{}, e("F", "x"), e("Image", `C:\Windows\System32\cmd.exe`, "CommandLine", "cmd /c whoami")} {
		sub := newSubject(set, interned, ev)
		got := m.Match(nil, sub)
		for i := range set.Rules() {
			if x := m.Explain(sub, i); x.Matched != contains(got, i) {
				t.Errorf("rule %d: match %v, explanation %v", i, !x.Matched, x.Matched)
			}
			_ = set.Simplified(i)
		}
	}
}

func contains(list []int, n int) bool {
	return slices.Contains(list, n)
}

// FuzzCondition compares conditions, as far as they parse, with the slow
// evaluator on all combinations of four searches.
func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a and b or c and not _d", "1 of them", "2 of *", "not (a or b) and c", "all of a*", "A AND NOT B", "1 of _*", "((a))", "not not a", "3 of them or _d", "a | count() > 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, condition string) {
		quoted := "'" + strings.ReplaceAll(condition, "'", "''") + "'"
		if strings.ContainsAny(condition, "\r\n") {
			return
		}
		text := ruleText("    a:\n        A: x\n    b:\n        B: x\n    c:\n        C: x\n    _d:\n        D: x\n    condition: " + quoted + "\n")
		list, _ := rules.Parse("fuzz.yml", []byte(text))
		if len(list) == 0 {
			return
		}
		set := mustCompile(t, list, rules.Options{})
		for bits := range 16 {
			ev := event{}
			for i, name := range []string{"A", "B", "C", "D"} {
				if bits>>i&1 != 0 {
					ev[name] = []string{"x"}
				}
			}
			checkRule(t, set, ev, nil)
		}
	})
}

// fuzzModifiers are chains of modifiers for FuzzMatch; those that do not fit a
// value are refused by the parser.
var fuzzModifiers = []string{
	"", "|contains", "|startswith", "|endswith", "|cased", "|contains|cased", "|startswith|cased", "|endswith|cased", "|windash",
	"|contains|windash", "|startswith|windash", "|endswith|windash", "|contains|windash|cased", "|neq", "|contains|neq", "|re", "|re|i",
	"|re|m", "|re|s", "|re|i|m|s", "|re|startswith", "|re|endswith", "|re|neq", "|fieldref", "|fieldref|contains", "|fieldref|startswith",
	"|fieldref|endswith", "|fieldref|neq", "|fieldref|cased", "|cidr", "|gt", "|lte", "|gte|neq", "|hour", "|day|gt", "|base64",
	"|base64|contains", "|base64offset|contains", "|wide|base64offset|contains", "|utf16be|contains", "|utf16|base64|contains",
	"|wide|contains|cased", "|windash|base64|contains", "|expand", "|expand|contains", "|expand|re", "|exists", "|week", "|windash|wide|contains",
}

// FuzzMatch compares the matcher with the slow evaluator, and with its own
// explanation, on made-up rules and events. Two values of one item, with and
// without the modifier all, a second item and a keyword share fields, so that
// what is shared gets mixed up if anything can.
func FuzzMatch(f *testing.F) {
	for _, group := range [][]specCase{valueCases, modifierCases, encodingCases, comparisonCases, placeholderCases} {
		for i, c := range group {
			value := c.detection
			for _, events := range [][]event{c.match, c.miss} {
				for _, ev := range events {
					if len(ev["F"]) > 0 {
						f.Add(uint8(i), uint8(i/3), value, "x", ev["F"][0], "x", uint8(i))
					}
				}
			}
		}
	}
	for i, m := range fuzzModifiers {
		f.Add(uint8(i), uint8(0), "10", "2", "10", "2019-03-02 10:20:30", uint8(i))
		f.Add(uint8(i), uint8(1), "-a*b", "/A?b", "x -Axb /aYB", "–a—b", uint8(i))
		f.Add(uint8(i), uint8(2), `C:\Win*\\`, "ä%one%", `c:\windows\`, "Ä x", uint8(i))
		_ = m
	}
	f.Fuzz(func(t *testing.T, first, second uint8, a, b, content, other string, shape uint8) {
		if len(a)+len(b)+len(content)+len(other) > 400 || !printable(a) || !printable(b) {
			return
		}
		one, two := fuzzModifiers[int(first)%len(fuzzModifiers)], fuzzModifiers[int(second)%len(fuzzModifiers)]
		text := fuzzRule(one, two, a, b, shape)
		list, errs := rules.Parse("fuzz.yml", []byte(text))
		if len(errs) > 0 {
			return
		}
		set, errs := rules.Compile(list, rules.Options{Placeholders: placeholderValues})
		if len(errs) > 0 {
			return
		}
		for _, ev := range []event{e("F", content), e("F", content, "F", other), e("F", other, "G", content), e("G", content), {}} {
			checkRule(t, set, ev, placeholderValues)
		}
	})
}

// printable reports whether YAML can hold the text in double quotes as fmt
// writes it: everything but bytes that are not UTF-8.
func printable(s string) bool {
	return strings.ToValidUTF8(s, "") == s && !strings.ContainsRune(s, '\uFFFD')
}

// fuzzRule returns a rule of two values and two chains of modifiers.
func fuzzRule(one, two, a, b string, shape uint8) string {
	va, vb := yamlText(a), yamlText(b)
	if shape&1 != 0 { // numbers, if they are any
		va, vb = a, b
		if strings.ContainsAny(a+b, "\r\n#:'\"[]{}&*!|>%@`,") {
			va, vb = yamlText(a), yamlText(b)
		}
	}
	if strings.Contains(one, "exists") {
		return ruleText("    s:\n        F" + one + ": true\n    k:\n        G" + two + ": " + va + "\n    condition: s and not k\n")
	}
	all := ""
	if shape&2 != 0 {
		all = "|all"
	}
	item := func(field, modifiers string) string {
		return fmt.Sprintf("        %s: [%s, %s]\n", yamlText(field+modifiers), va, vb)
	}
	conditions := []string{"s", "s and k", "s or k", "not s and k", "s and not k", "1 of them", "all of them"}
	second := item("G", two)
	if shape&4 != 0 {
		second = item("", "|"+strings.TrimPrefix(two+all, "|"))
	}
	return ruleText("    s:\n" + item("F", one+all) + "    k:\n" + second + "    condition: " + conditions[int(shape>>3)%len(conditions)] + "\n")
}

// yamlText returns a text as a double-quoted YAML scalar.
func yamlText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r >= 0x7F:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
