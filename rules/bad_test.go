package rules_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/rules"
)

// badRules are documents with one fault each: where it is, what it is about,
// and a part of what is said.
var badRules = []struct {
	name         string
	text         string
	line, column int
	is           error
	says         string
}{
	{"broken YAML", "title: x\ndetection:\n  a: [1, 2\n  b: 3\n", 4, 4, rules.ErrYAML, "expected ',' or ']' (while parsing a flow sequence from line 13 on)"},
	{"tabs for indentation", "title: x\ndetection:\n\ta: 1\n", 3, 1, rules.ErrYAML, "not valid YAML"},
	{"a key given twice", "title: x\nlevel: low\nlevel: high\n", 3, 1, rules.ErrYAML, `key "level" given twice`},
	{"unknown anchor", "title: x\nid: *nowhere\n", 2, 5, rules.ErrYAML, "unknown anchor"},
	{"an alias of itself", "title: x\nlogsource: &a\n  category: *a\n", 2, 12, rules.ErrTooLarge, "nested more than 32 deep"},
	{"not a map", "- a\n- b\n", 1, 1, rules.ErrNotRule, "a Sigma document is a map, this is a list"},
	{"a scalar", "hello\n", 1, 1, rules.ErrNotRule, "this is a string"},
	{"nothing of Sigma", "name: x\nversion: 2\n", 1, 1, rules.ErrNotRule, "neither detection, correlation nor filter"},
	{"two kinds in one", "title: x\ndetection: {}\ncorrelation: {}\n", 1, 1, rules.ErrNotRule, "several"},
	{"no title", strings.TrimPrefix(ruleText(field("", "x")), "title: Test\n"), 1, 1, rules.ErrMissing, "title is missing"},
	{"no log source", "title: x\ndetection:\n" + field("", "x"), 1, 1, rules.ErrMissing, "logsource is missing"},
	{"an empty log source", "title: x\nlogsource:\n    definition: none\ndetection:\n" + field("", "x"), 3, 5, rules.ErrMissing, "neither category, product nor service"},
	{"a log source that is a list", "title: x\nlogsource: [a]\ndetection:\n" + field("", "x"), 2, 12, rules.ErrType, "logsource must be a map, not a list"},
	{"no condition", ruleText("    s:\n        F: x\n"), 7, 5, rules.ErrMissing, "detection has no condition"},
	{"an unknown level", "level: hgih\n" + ruleText(field("", "x")), 1, 8, rules.ErrValue, `unknown level "hgih"`},
	{"tags that are a map", "tags: {a: b}\n" + ruleText(field("", "x")), 1, 7, rules.ErrType, "tags must be a list, not a map"},
	{"a title that is a list", "title: [a]\nlogsource: {product: windows}\ndetection:\n" + field("", "x"), 1, 8, rules.ErrType, "title must be a string"},
	{"a detection that is a list", "title: x\nlogsource: {product: windows}\ndetection: [a]\n", 3, 12, rules.ErrType, "detection must be a map"},
	{"an empty list of values", ruleText(field("", "[]")), 8, 12, rules.ErrValue, "empty list of values"},
	{"an empty search", ruleText("    s:\n    condition: s\n"), 7, 5, rules.ErrType, `search "s" is empty`},
	{"an empty map", ruleText("    s: {}\n    condition: s\n"), 7, 8, rules.ErrValue, "empty map"},
	{"a map as value", ruleText("    s:\n        F:\n            G: x\n    condition: s\n"), 9, 13, rules.ErrType, `the value of "F" must not be a map`},
	{"a list in a list of values", ruleText("    s:\n        F: [[a]]\n    condition: s\n"), 8, 13, rules.ErrType, "not a list"},
	{"a list in a list of maps", ruleText("    s:\n        - [a]\n    condition: s\n"), 8, 11, rules.ErrType, "maps and keywords, not lists"},
	{"null in a list", ruleText("    s:\n        F:\n            - ''\n            - null\n    condition: s\n"), 10, 15, rules.ErrValue, "null cannot be part of a list"},
	{"a null keyword", ruleText("    k:\n        - null\n    condition: k\n"), 8, 11, rules.ErrValue, "keyword must not be null"},
	{"null with a modifier", ruleText(field("|contains", "null")), 8, 21, rules.ErrValue, "modifiers cannot be applied to null"},

	{"an unknown modifier", ruleText(field("|foo", "x")), 8, 9, rules.ErrModifier, `unknown modifier "foo"`},
	{"an empty modifier", ruleText(field("|", "x")), 8, 9, rules.ErrModifier, `unknown modifier ""`},
	{"a modifier twice", ruleText(field("|contains|contains", "x")), 8, 9, rules.ErrModifier, "given twice"},
	{"contains and startswith", ruleText(field("|contains|startswith", "x")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"exists and contains", ruleText(field("|exists|contains", "true")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"exists of a string", ruleText(field("|exists", "'yes'")), 8, 19, rules.ErrValue, "takes true or false"},
	{"exists of a list", ruleText(field("|exists", "[true, false]")), 8, 20, rules.ErrValue, "takes true or false"},
	{"re and cased", ruleText(field("|re|cased", "x")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"re after contains", ruleText(field("|contains|re", "x")), 8, 9, rules.ErrModifier, "re must come before contains"},
	{"i without re", ruleText(field("|i", "x")), 8, 9, rules.ErrModifier, "belongs to re"},
	{"i before re", ruleText(field("|i|re", "x")), 8, 9, rules.ErrModifier, "must follow it"},
	{"base64 after contains", ruleText(field("|contains|base64", "x")), 8, 9, rules.ErrModifier, "base64 must come before contains"},
	{"windash after base64", ruleText(field("|base64|windash", "x")), 8, 9, rules.ErrModifier, "windash must come before base64"},
	{"cidr and contains", ruleText(field("|cidr|contains", "10.0.0.0/8")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"cidr of something else", ruleText(field("|cidr", "10.0.0/8")), 8, 17, rules.ErrValue, "is not a network"},
	{"gt and lt", ruleText(field("|gt|lt", "1")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"gt of a string", ruleText(field("|gt", "'1'")), 8, 15, rules.ErrValue, "is not a number"},
	{"gt of infinity", ruleText(field("|gt", ".inf")), 8, 15, rules.ErrValue, "is not a number"},
	{"hour beyond the day", ruleText(field("|hour", "24")), 8, 17, rules.ErrValue, "from 0 to 23"},
	{"hour of a fraction", ruleText(field("|hour", "1.5")), 8, 17, rules.ErrValue, "from 0 to 23"},
	{"minute and hour", ruleText(field("|minute|hour", "1")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"fieldref with wildcards", ruleText(field("|fieldref", "'a*'")), 8, 21, rules.ErrValue, "must not have wildcards"},
	{"fieldref of a number", ruleText(field("|fieldref", "1")), 8, 21, rules.ErrValue, "takes the name of a field"},
	{"fieldref and windash", ruleText(field("|fieldref|windash", "G")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"fieldref and expand", ruleText(field("|fieldref|expand", "G")), 8, 9, rules.ErrModifier, "cannot be combined"},
	{"keywords with exists", ruleText("    k:\n        '|exists': true\n    condition: k\n"), 8, 9, rules.ErrModifier, "needs a field"},
	{"base64 with wildcards", ruleText(field("|base64", "'a*'")), 8, 19, rules.ErrValue, "wildcards cannot be encoded"},
	{"base64 of nothing", ruleText(field("|base64", "''")), 8, 19, rules.ErrValue, "empty value"},
	{"base64offset of too little", ruleText(field("|base64offset|contains", "'a'")), 8, 34, rules.ErrValue, "too short"},
	{"windash with too many variants", ruleText(field("|windash|base64", "'-a-b-c-d-e-f-g'")), 8, 27, rules.ErrValue, "more than 5000 variants"},

	{"lookahead", ruleText(field("|re", "'a(?=b)'")), 8, 15, rules.ErrRegexp, "lookaround (?=...)"},
	{"negative lookahead", ruleText(field("|re", "'a(?!b)'")), 8, 15, rules.ErrRegexp, "lookaround (?!...)"},
	{"lookbehind", ruleText(field("|re", "'(?<=a)b'")), 8, 15, rules.ErrRegexp, "lookaround (?<=...)"},
	{"negative lookbehind", ruleText(field("|re", "'(?<!a)b'")), 8, 15, rules.ErrRegexp, "lookaround (?<!...)"},
	{"back-reference", ruleText(field("|re", `'(a)\1'`)), 8, 15, rules.ErrRegexp, `back-reference \1`},
	{"atomic group", ruleText(field("|re", `'(?>a)'`)), 8, 15, rules.ErrRegexp, "group (?>"},
	{"possessive quantifier", ruleText(field("|re", `'a++'`)), 8, 15, rules.ErrRegexp, "possessive quantifiers"},
	{"a bracket too many", ruleText(field("|re", `'a)'`)), 8, 15, rules.ErrRegexp, "bad regular expression"},
	{"a bracket that closes the group around it", ruleText(field("|re|startswith", `'a)(b'`)), 8, 26, rules.ErrRegexp, "bad regular expression"},
	{"an exploding repetition", ruleText(field("|re", `'(a{1000}){1000}'`)), 8, 15, rules.ErrRegexp, "repeats too often"},
	{"a repetition beyond the limit", ruleText(field("|re", `'a{1001}'`)), 8, 15, rules.ErrRegexp, "repeats too often"},
	{"a large repetition of a long text", ruleText(field("|re", `'(`+strings.Repeat("abc", 100)+`){1000}'`)), 8, 15, rules.ErrRegexp, "too large"},
	{"a long expression", ruleText(field("|re", `'`+strings.Repeat("a", 20000)+`'`)), 8, 15, rules.ErrRegexp, "20000 bytes"},

	{"an empty condition", ruleText("    s:\n        F: x\n    condition: ''\n"), 9, 16, rules.ErrCondition, "it is empty"},
	{"a condition that is a map", ruleText("    s:\n        F: x\n    condition: {a: b}\n"), 9, 16, rules.ErrType, "must be a string"},
	{"an unknown search", ruleText(three("a and d")), 13, 16, rules.ErrCondition, `character 7: there is no search "d"`},
	{"an unknown pattern", ruleText(three("1 of sel*")), 13, 16, rules.ErrCondition, `no search is meant by "sel*"`},
	{"an operator at the end", ruleText(three("a and")), 13, 16, rules.ErrCondition, "it ends where"},
	{"an operator at the beginning", ruleText(three("or a")), 13, 16, rules.ErrCondition, `unexpected "or"`},
	{"two operators", ruleText(three("a and or b")), 13, 16, rules.ErrCondition, `character 7: unexpected "or"`},
	{"two searches", ruleText(three("a b")), 13, 16, rules.ErrCondition, `character 3: unexpected "b"`},
	{"a bracket that is not closed", ruleText(three("(a or b")), 13, 16, rules.ErrCondition, "not closed"},
	{"a bracket that was not opened", ruleText(three("a or b)")), 13, 16, rules.ErrCondition, `unexpected ")"`},
	{"empty brackets", ruleText(three("a or ()")), 13, 16, rules.ErrCondition, `unexpected ")"`},
	{"of without a pattern", ruleText(three("1 of")), 13, 16, rules.ErrCondition, "it ends where"},
	{"an unknown quantifier", ruleText(three("some of them")), 13, 16, rules.ErrCondition, `"some" is not a quantifier`},
	{"none of them", ruleText(three("0 of them")), 13, 16, rules.ErrCondition, "not a quantifier"},
	{"more than there are", ruleText(three("4 of them")), 13, 16, rules.ErrCondition, "can never hold"},
	{"an aggregation", ruleText(three("a | count() > 5")), 13, 16, rules.ErrCondition, "use a correlation rule"},
	{"deep brackets", ruleText(three(strings.Repeat("(", 500) + "a" + strings.Repeat(")", 500))), 13, 16, rules.ErrCondition, "nested more than"},
	{"many nots", ruleText(three(strings.Repeat("not ", 500) + "a")), 13, 16, rules.ErrCondition, "nested more than"},

	{"an unknown action", "action: remove\n" + ruleText(field("", "x")), 1, 9, rules.ErrValue, "unknown action"},
	{"repeat without a rule", "action: reset\n---\naction: repeat\n" + ruleText(field("", "x")), 3, 9, rules.ErrReference, "without a rule before it"},

	{"a filter without rules", "title: x\nlogsource: {product: windows}\nfilter:\n    s: {F: x}\n    condition: s\n", 4, 5, rules.ErrMissing, "names no rules"},
	{"a filter without selection", "title: x\nlogsource: {product: windows}\nfilter:\n    rules: [a]\n    condition: s\n", 5, 16, rules.ErrCondition, `no search "s"`},
	{"a filter without condition", "title: x\nlogsource: {product: windows}\nfilter:\n    rules: [a]\n    s: {F: x}\n", 4, 5, rules.ErrMissing, "filter has no condition"},

	{"a correlation without type", "title: x\ncorrelation:\n    rules: [a]\n    timespan: 1h\n", 3, 5, rules.ErrMissing, "has no type"},
	{"an unknown correlation type", "title: x\ncorrelation:\n    type: near\n    rules: [a]\n    timespan: 1h\n", 3, 11, rules.ErrValue, "unknown correlation type"},
	{"a correlation without rules", "title: x\ncorrelation:\n    type: temporal\n    timespan: 1h\n", 3, 5, rules.ErrMissing, "names no rules"},
	{"a correlation without timespan", "title: x\ncorrelation:\n    type: temporal\n    rules: [a]\n", 3, 5, rules.ErrMissing, "has no timespan"},
	{"a timespan in capitals", "title: x\ncorrelation:\n    type: temporal\n    rules: [a]\n    timespan: 1H\n", 5, 15, rules.ErrValue, `timespan "1H"`},
	{"a timespan without unit", "title: x\ncorrelation:\n    type: temporal\n    rules: [a]\n    timespan: 60\n", 5, 15, rules.ErrValue, `timespan "60"`},
	{"a timespan too long", "title: x\ncorrelation:\n    type: temporal\n    rules: [a]\n    timespan: 4000000000w\n", 5, 15, rules.ErrValue, "at most ten years"},
	{"event_count without condition", "title: x\ncorrelation:\n    type: event_count\n    rules: [a]\n    timespan: 1h\n", 3, 5, rules.ErrMissing, "has no condition"},
	{"value_count without field", "title: x\ncorrelation:\n    type: value_count\n    rules: [a]\n    timespan: 1h\n    condition: {gte: 1}\n", 3, 5, rules.ErrMissing, "with a field"},
	{"a correlation's condition without criterion", "title: x\ncorrelation:\n    type: event_count\n    rules: [a]\n    timespan: 1h\n    condition: {field: F}\n", 6, 16, rules.ErrMissing, "no criterion"},
	{"an unknown criterion", "title: x\ncorrelation:\n    type: event_count\n    rules: [a]\n    timespan: 1h\n    condition: {min: 1}\n", 6, 17, rules.ErrValue, "unknown criterion"},
	{"a criterion that is no number", "title: x\ncorrelation:\n    type: event_count\n    rules: [a]\n    timespan: 1h\n    condition: {gte: many}\n", 6, 22, rules.ErrType, "must be a number"},
	{"generate that is no boolean", "title: x\ngenerate: 1\ncorrelation:\n    type: temporal\n    rules: [a]\n    timespan: 1h\n", 2, 11, rules.ErrType, "generate must be true or false"},
}

// TestBadRules puts each bad document between two good ones: it has to be named
// with its place, and the others have to load.
func TestBadRules(t *testing.T) {
	good := ruleText(field("", "x"))
	before := strings.Count(good, "\n") + 1
	for _, c := range badRules {
		t.Run(c.name, func(t *testing.T) {
			list, errs := rules.Parse("dir/bad.yml", []byte(good+"---\n"+c.text+"---\n"+good))
			if len(list) != 2 {
				t.Errorf("%d rules, want the two good ones", len(list))
			}
			if len(errs) == 0 {
				t.Fatal("no error")
			}
			problem, ok := errors.AsType[*rules.ParseError](errs[0])
			if !ok {
				t.Fatalf("%T: %v", errs[0], errs[0])
			}
			if problem.File != "dir/bad.yml" || problem.Line != c.line+before || problem.Column != c.column || !errors.Is(problem, c.is) || !strings.Contains(problem.Reason, c.says) {
				t.Errorf("got  %v (%v)\nwant line %d column %d: %s (%v)", problem, problem.Err, c.line+before, c.column, c.says, c.is)
			}
			if strings.Contains(problem.Error(), "\n") {
				t.Errorf("more than one line: %q", problem.Error())
			}
		})
	}
}

// TestHostileFiles holds files that are made to exhaust something to a quick
// and clear error.
func TestHostileFiles(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("title: x\na: &a [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 12 {
		bomb.WriteString(fmt.Sprintf("%c: &%c [", 'b'+i, 'b'+i) + strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9) + fmt.Sprintf("*%c]\n", 'a'+i))
	}
	var mapBomb strings.Builder
	mapBomb.WriteString("title: x\na: &a {x: 1}\n")
	for i := range 40 {
		mapBomb.WriteString(fmt.Sprintf("k%d: &k%d {p: *%s, q: *%s}\n", i, i, bombName(i), bombName(i)))
	}
	var template strings.Builder
	template.WriteString("action: global\n" + strings.Repeat("detection:\n", 1))
	for i := range 20000 {
		template.WriteString(fmt.Sprintf("  k%d: x\n", i))
	}
	for _, c := range []struct {
		name, text string
		is         error
	}{
		{"alias bomb of lists", bomb.String(), rules.ErrTooLarge},
		{"alias bomb of maps", mapBomb.String(), rules.ErrTooLarge},
		{"deep flow lists", "a: " + strings.Repeat("[", 500_000), rules.ErrYAML},
		{"deep flow maps", strings.Repeat("{a: ", 200_000), rules.ErrYAML},
		{"deep block lists", strings.Repeat("- ", 400_000) + "x", rules.ErrYAML},
		{"nesting just under the reader's limit", "a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), rules.ErrTooLarge},
		{"a document over the limit", "title: " + strings.Repeat("x", 2<<20), rules.ErrTooLarge},
		{"a file over the limit", strings.Repeat("#\n", 10<<20), rules.ErrTooLarge},
		{"many small documents", strings.Repeat("---\nx\n", 100_000), rules.ErrTooLarge},
		{"a large template for many documents", template.String() + strings.Repeat("---\ntitle: x\n", 15_000), rules.ErrTooLarge},
		{"many values", "title: x\na: [" + strings.Repeat("x,", 400_000) + "]", rules.ErrTooLarge},
		{"not UTF-8", "title: \xff\n", rules.ErrYAML},
		{"UTF-16", "\xff\xfet\x00i\x00", rules.ErrYAML},
		{"control characters", "title: \x01\n", rules.ErrYAML},
		{"nothing", "", rules.ErrNotRule},
		{"only comments", "# nothing\n---\n# here\n...\n", rules.ErrNotRule},
		{"many references to all searches", manyReferences(), rules.ErrCondition},
	} {
		t.Run(c.name, func(t *testing.T) {
			var list []*rules.Rule
			var errs []error
			cputime.Bound(t, 10*time.Second, func() { list, errs = rules.Parse("hostile.yml", []byte(c.text)) })
			found := false
			for _, err := range errs {
				found = found || errors.Is(err, c.is)
			}
			if !found || len(list) > 0 {
				t.Errorf("%d rules, errors %.300v; want %v", len(list), errs, c.is)
			}
		})
	}
}

func bombName(i int) string {
	if i == 0 {
		return "a"
	}
	return fmt.Sprintf("k%d", i-1)
}

func manyReferences() string {
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "    s%d: {F: x%d}\n", i, i)
	}
	b.WriteString("    condition: 1 of them" + strings.Repeat(" or 1 of them", 200) + "\n")
	return ruleText(b.String())
}

// TestRegexpBudget holds many regular expressions, each within its limit, to
// what a Set may have in all.
func TestRegexpBudget(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		if i > 0 {
			b.WriteString("---\n")
		}
		b.WriteString(ruleText(field("|re", fmt.Sprintf("'(abcdefghij%d){900,1000}x'", i))))
	}
	list := mustParse(t, b.String())
	set, errs := rules.Compile(list, rules.Options{})
	if len(set.Rules()) == 0 || len(errs) == 0 || len(set.Rules())+len(errs) != 200 {
		t.Fatalf("%d rules, %d errors", len(set.Rules()), len(errs))
	}
	if !errors.Is(errs[0], rules.ErrRegexp) || !strings.Contains(errs[0].Error(), "all rules together") {
		t.Errorf("error %v", errs[0])
	}
}

func TestHugeFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.yml")
	f, err := os.Create(huge)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 30); err != nil { // sparse: it takes no room, but would be long to read
		t.Skipf("skipped: no sparse files here (%v)", err)
	}
	f.Close()
	good := filepath.Join(dir, "good.yaml")
	if err := os.WriteFile(good, []byte(ruleText(field("", "x"))), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded := rules.Load(t.Context(), []string{dir}, 2)
	if len(loaded.Rules) != 1 || len(loaded.Errors) != 1 || !errors.Is(loaded.Errors[0], rules.ErrTooLarge) || !strings.HasPrefix(loaded.Errors[0].Error(), huge+": ") {
		t.Errorf("%d rules, errors %v", len(loaded.Rules), loaded.Errors)
	}
}
