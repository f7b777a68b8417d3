package rules_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
)

// The two rules that the project was born from, as they are written in the old
// style.
const oldStyle = `title: Shells Spawned by Web Servers
logsource:
    product: windows
    service: sysmon
detection:
    selection:
        EventID: 1
        ParentImage:
            - '*\w3wp.exe'
            - '*\httpd.exe'
        Image:
            - '*\cmd.exe'
            - '*\powershell.exe'
    condition: selection
`

func TestOldStyle(t *testing.T) {
	set := mustCompile(t, mustParse(t, oldStyle), rules.Options{})
	if got, want := set.Simplified(0), `ParentImage: '*\w3wp.exe', '*\httpd.exe' and Image: '*\cmd.exe', '*\powershell.exe'`; got != want {
		t.Errorf("simplified to %s\nwant          %s", got, want)
	}
	m, interned := set.NewMatcher(), newTexts()
	for _, c := range []struct {
		event event
		want  bool
	}{
		{e("ParentImage", `C:\w3wp.exe`, "Image", `C:\CMD.exe`), true},
		{e("ParentImage", `C:\w3wp.exe`, "Image", `C:\cmd.exe`, "EventID", "4688"), true}, // the tree's process, not the record
		{e("ParentImage", `C:\svchost.exe`, "Image", `C:\cmd.exe`, "EventID", "1"), false},
	} {
		sub := newSubject(set, interned, c.event)
		if got := len(m.Match(nil, sub)) > 0; got != c.want {
			t.Errorf("%v: %v, want %v", c.event, got, c.want)
		}
		x := m.Explain(sub, 0)
		if x.Matched != c.want || !x.Parts[0].Searches[0].Groups[0].Items[0].Known {
			t.Errorf("%v: explanation %+v", c.event, x)
		}
	}
}

// TestSources: which rules are about the creation of processes. Sigma taxonomy
// appendix, "Windows Folder".
func TestSources(t *testing.T) {
	for _, c := range []struct {
		source, detection string
		applies           bool
	}{
		{"{category: process_creation, product: windows}", "    s: {F: x}\n    condition: s\n", true},
		{"{category: Process_Creation, product: Windows}", "    s: {F: x}\n    condition: s\n", true},
		{"{category: process_creation}", "    s: {F: x}\n    condition: s\n", true},
		{"{category: process_creation, product: linux}", "    s: {F: x}\n    condition: s\n", false},
		{"{category: process_creation, product: windows, service: sysmon}", "    s: {F: x}\n    condition: s\n", true},
		{"{category: file_event, product: windows}", "    s: {F: x}\n    condition: s\n", false},
		{"{product: windows}", "    s: {EventID: 4688}\n    condition: s\n", false},
		{"{product: windows, service: sysmon}", "    s: {EventID: 1, F: x}\n    condition: s\n", true},
		{"{service: sysmon}", "    s: {EventID: 1, F: x}\n    condition: s\n", true},
		{"{product: windows, service: sysmon}", "    s: {EventID: 3, F: x}\n    condition: s\n", false},
		{"{product: windows, service: sysmon}", "    s: {F: x}\n    condition: s\n", false},
		{"{product: windows, service: sysmon}", "    s: {EventID: [3, 1], F: x}\n    condition: s\n", true},
		{"{product: windows, service: sysmon}", "    a: {EventID: 3, F: y}\n    b: {EventID: 1, F: x}\n    condition: 1 of them\n", true},
		{"{product: windows, service: sysmon}", "    a: {EventID: 1}\n    s: {F: x}\n    condition: s and not a\n", false},
		{"{product: windows, service: sysmon}", "    a: {EventID: 3}\n    s: {F: x}\n    condition: s and not a\n", false},
		{"{product: windows, service: sysmon}", "    a: {EventID|gte: 1, F: x}\n    condition: a\n", true},
		{"{product: windows, service: security}", "    s: {EventID: 4688, F: x}\n    condition: s\n", true},
		{"{product: windows, service: security}", "    s: {EventID: '4688', Channel: Security, F: x}\n    condition: s\n", true},
		{"{product: windows, service: security}", "    s: {EventID: 4624, F: x}\n    condition: s\n", false},
		{"{product: windows, service: security}", "    s: {EventID: 4688, Channel: System, F: x}\n    condition: s\n", false},
		{"{product: windows, service: security}", "    s: {EventID: 4624, F|expand: '%unknown%'}\n    condition: s\n", false},
	} {
		text := "title: x\nlogsource: " + c.source + "\ndetection:\n" + c.detection
		set := mustCompile(t, mustParse(t, text), rules.Options{})
		if got := len(set.Rules()) == 1; got != c.applies || len(set.Rules())+len(set.NotApplicable()) != 1 {
			t.Errorf("%s\napplies: %v, want %v", text, got, c.applies)
			continue
		}
		if c.applies {
			m, interned := set.NewMatcher(), newTexts()
			if len(m.Match(nil, newSubject(set, interned, e("F", "x")))) != 1 || len(m.Match(nil, newSubject(set, interned, e("F", "z")))) != 0 {
				t.Errorf("%s\ndoes not match as it should: %s", text, set.Simplified(0))
			}
		}
	}
}

func TestAliases(t *testing.T) {
	text := "title: x\nlogsource: {product: windows, service: security}\ndetection:\n    s: {EventID: 4688, NewProcessName|endswith: '\\cmd.exe', Other: y}\n    condition: s\n"
	set := mustCompile(t, mustParse(t, text), rules.Options{Aliases: map[string]string{"Other": "Own"}})
	if diff := cmp.Diff([]string{"Image", "Own"}, set.Fields()); diff != "" {
		t.Error(diff)
	}
	m, sub := set.NewMatcher(), newSubject(set, newTexts(), e("Image", `C:\cmd.exe`, "Own", "y"))
	if len(m.Match(nil, sub)) != 1 || !m.Explain(sub, 0).Matched {
		t.Error("no match")
	}
}

// TestAlso: an item is asked of the second field too, and nothing but what asks
// for the first has it asked.
func TestAlso(t *testing.T) {
	options := rules.Options{Also: map[string]string{"id": "second id", "unasked": "second unasked"}}
	for _, c := range []struct {
		search string
		event  event
		want   bool
	}{
		{"ID: 4688", e("ID", "1", "second id", "4688"), true},
		{"ID: 4688", e("ID", "4688"), true},
		{"ID: 4688", e("ID", "1"), false},
		{"ID|startswith: '0x1b'", e("ID", "7000", "second id", "0x1b58"), true},
		{"ID|neq: 4688", e("ID", "1", "second id", "4688"), false},
		{"id: [1, 2]", e("id", "3", "second id", "2"), true},
		{"ID: null", e("second id", "2"), true},
		{"ID|exists: true", e("second id", "2"), false},
	} {
		set := mustCompile(t, mustParse(t, ruleText("    s:\n        "+c.search+"\n        Other: x\n    condition: s\n")), options)
		c.event["Other"] = []string{"x"}
		m, sub := set.NewMatcher(), newSubject(set, newTexts(), c.event)
		if got := len(m.Match(nil, sub)) == 1; got != c.want || m.Explain(sub, 0).Matched != c.want {
			t.Errorf("%s: matches %v, explained as %v", c.search, got, m.Explain(sub, 0).Matched)
		}
		if slices.Contains(set.Fields(), "second unasked") {
			t.Error("a field is asked that no rule asks for")
		}
	}
}

func TestPlaceholderErrors(t *testing.T) {
	list := mustParse(t, ruleText(field("|expand", "'%unknown%'"))+"---\n"+ruleText(field("|cidr|expand", "'%bad%'"))+"---\n"+ruleText(field("|re|expand", "'%bad%['"))+"---\n"+ruleText(field("|expand", "'%many%%many%%many%'"))+"---\n"+ruleText(field("", "x")))
	set, errs := rules.Compile(list, rules.Options{Placeholders: map[string][]string{"bad": {"nonsense"}, "many": make([]string, 100)}})
	if len(set.Rules()) != 1 || len(errs) != 4 {
		t.Fatalf("%d rules, errors %v", len(set.Rules()), errs)
	}
	for i, want := range []struct {
		is   error
		text string
	}{
		{rules.ErrPlaceholder, "test.yml:8:9: F|expand: no value is known for placeholder %unknown%"},
		{rules.ErrValue, "test.yml:18:9: F|cidr|expand: \"nonsense\" is not a network"},
		{rules.ErrRegexp, "test.yml:28:9: F|re|expand: bad regular expression"},
		{rules.ErrPlaceholder, "test.yml:38:9: F|expand: placeholders make more than"},
	} {
		if !errors.Is(errs[i], want.is) || !strings.HasPrefix(errs[i].Error(), want.text) {
			t.Errorf("error %v\nwant  %s", errs[i], want.text)
		}
	}
}

// selection returns a rule with the given attributes.
func selection(attributes string) string {
	return attributes + ruleText(field("", "x"))
}

func TestSelection(t *testing.T) {
	text := strings.Join([]string{
		selection("id: A1\nlevel: low\nstatus: stable\ntags: [attack.t1505.003]\n"),
		selection("id: B2\nlevel: high\nstatus: test\ntags: [attack.t1505]\n"),
		selection("id: C3\nlevel: critical\nstatus: deprecated\ntags: [car.2021-02-001]\n"),
		selection("id: D4\n"),
	}, "---\n")
	text = strings.ReplaceAll(text, "name: test\n", "")
	text = strings.Replace(text, "id: D4\ntitle: ", "id: D4\ntitle: The fourth #", 1)
	for _, c := range []struct {
		options rules.Options
		want    []string
	}{
		{rules.Options{}, []string{"A1", "B2", "C3", "D4"}},
		{rules.Options{MinLevel: rules.LevelHigh}, []string{"B2", "C3"}},
		{rules.Options{MinLevel: rules.LevelInformational}, []string{"A1", "B2", "C3"}},
		{rules.Options{Statuses: []string{"STABLE", "test"}}, []string{"A1", "B2"}},
		{rules.Options{Tags: []string{"attack.t1505"}}, []string{"A1", "B2"}},
		{rules.Options{Tags: []string{"ATTACK.T1505.003"}}, []string{"A1"}},
		{rules.Options{Tags: []string{"attack.t15"}}, []string{}},
		{rules.Options{Exclude: []string{"a1", "c3"}}, []string{"B2", "D4"}},
		{rules.Options{Exclude: []string{"the FOURTH"}}, []string{"A1", "B2", "C3"}},
	} {
		set := mustCompile(t, mustParse(t, text), c.options)
		got := []string{}
		for _, r := range set.Rules() {
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || len(got)+len(set.NotSelected()) != 4 {
			t.Errorf("%+v: %s", c.options, diff)
		}
	}
}

// TestFilters holds filters to what they are for, in both ways in which they
// are written. Sigma filters specification, "Examples".
func TestFilters(t *testing.T) {
	base := "title: Base\nid: 6f3e2987-db24-4c78-a860-b4f4095a7095\nname: base\n" + strings.TrimPrefix(ruleText(field("", "x")), "title: Test\nname: test\n")
	other := strings.ReplaceAll(strings.ReplaceAll(base, "base", "other"), "6f3e2987-db24-4c78-a860-b4f4095a7095", "df0841c0-9846-4e9f-ad8a-7df91571771b")
	filter := func(source, target, condition string) string {
		return "---\ntitle: Filter Administrator account\nlogsource: " + source + "\nfilter:\n    rules: " + target + "\n    selection:\n        User|startswith: 'adm_'\n    also:\n        Host: safe\n    condition: " + condition + "\n"
	}
	const windows = "{category: process_creation, product: windows}"
	plain, adm, safe := e("F", "x", "User", "bob"), e("F", "x", "User", "ADM_1"), e("F", "x", "User", "bob", "Host", "safe")
	for _, c := range []struct {
		name, filter string
		// what of base matches
		plain, adm, safe bool
		errs             int
	}{
		{"by ID, as the specification has it", filter(windows, "[6f3e2987-db24-4c78-a860-b4f4095a7095]", "selection"), true, false, true, 0},
		{"by name, negated", filter(windows, "[base]", "not selection"), true, false, true, 0},
		{"of any rule", filter(windows, "any", "not selection"), true, false, true, 0},
		{"of another rule", filter(windows, "[other]", "selection"), true, true, true, 0},
		{"of a wider log source", filter("{product: windows}", "[base]", "selection"), true, false, true, 0},
		{"of another log source", filter("{category: file_event}", "[base]", "selection"), true, true, true, 1},
		{"of a rule that is not there", filter(windows, "[nowhere, base]", "selection"), true, false, true, 1},
		{"either suppresses", filter(windows, "[base]", "selection or also"), true, false, false, 0},
		{"neither is there", filter(windows, "[base]", "not selection and not also"), true, false, false, 0},
		{"both suppress", filter(windows, "[base]", "selection and also"), true, true, true, 0},
		{"two filters", filter(windows, "[base]", "selection") + filter(windows, "[base]", "not also"), true, false, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, errs := rules.Compile(mustParse(t, base+"---\n"+other+c.filter), rules.Options{})
			if len(errs) != c.errs {
				t.Errorf("errors %v, want %d", errs, c.errs)
			}
			m, interned := set.NewMatcher(), newTexts()
			for _, sample := range []struct {
				event event
				want  bool
			}{{plain, c.plain}, {adm, c.adm}, {safe, c.safe}} {
				sub := newSubject(set, interned, sample.event)
				got := contains(m.Match(nil, sub), 0)
				if got != sample.want || m.Explain(sub, 0).Matched != got {
					t.Errorf("%v: %v, want %v; simplified to %s", sample.event, got, sample.want, set.Simplified(0))
				}
			}
		})
	}
}

func TestSimplified(t *testing.T) {
	for _, c := range []struct{ detection, want string }{
		{"    a: {F: x}\n    condition: a or not a\n", "always"},
		{"    a: {F: x}\n    condition: a and not a\n", "never"},
		{"    a: {F: x}\n    b: {F: X}\n    condition: a and b\n", "F: 'x'"},
		{"    a: {F: x, G: y}\n    condition: not a\n", "not F: 'x' or not G: 'y'"},
		{"    a: {F|neq: x}\n    condition: not a\n", "F: 'x'"},
		{"    a: {F: x}\n    b: {G: y}\n    c: {H: z}\n    condition: 2 of them\n", "at least 2 of (F: 'x', G: 'y', H: 'z')"},
		{"    a: {F: x}\n    b: {G: y}\n    c: {H: z}\n    condition: not 2 of them\n", "at least 2 of (not F: 'x', not G: 'y', not H: 'z')"},
		{"    a: {F: x}\n    b: {G|exists: true}\n    condition: a and b\n", "F: 'x' and not G: null"},
		{"    k: [a, b]\n    condition: k\n", "keywords: 'a', 'b'"},
		{"    a: {F: [a, b, c, d, e, f]}\n    condition: a\n", "F: 'a', 'b', 'c', 'd', 'e', ..."},
		{"    a: {F|fieldref: G}\n    condition: a\n", "F|fieldref: G"},
	} {
		set := mustCompile(t, mustParse(t, ruleText(c.detection)), rules.Options{})
		if got := set.Simplified(0); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.detection, got, c.want)
		}
	}
}

// manyRules returns rules that share fields, values and literals, and events
// that some of them match.
func manyRules(t testing.TB) (*rules.Set, []event) {
	t.Helper()
	var b strings.Builder
	words := []string{"cmd", "net user", "whoami", "-enc", "/c", "powershell", "a", "http", "://", "x*y", "tmp", "ex"}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		if i > 0 {
			b.WriteString("---\n")
		}
		pick := func() string { return words[random.IntN(len(words))] }
		modifier := []string{"|contains", "|endswith", "|startswith", "|contains|windash", "|contains|cased", ""}[random.IntN(6)]
		fmt.Fprintf(&b, "title: Rule %d\nlogsource: {category: process_creation}\ndetection:\n    a: {F%s: ['%s', '%s']}\n    b: {G|contains|all: ['%s', '%s']}\n    c: {F|fieldref: H}\n    condition: %s\n",
			i, modifier, pick(), pick(), pick(), pick(), []string{"a", "a and b", "a and not b", "a or b", "a and c", "not a and not c", "2 of them"}[random.IntN(7)])
	}
	var events []event
	for range 300 {
		ev := event{}
		for _, name := range []string{"F", "G", "H"} {
			for range random.IntN(3) {
				var parts []string
				for range random.IntN(4) {
					parts = append(parts, words[random.IntN(len(words))])
				}
				ev[name] = append(ev[name], strings.Join(parts, []string{" ", "", "-"}[random.IntN(3)]))
			}
		}
		events = append(events, ev)
	}
	return mustCompile(t, mustParse(t, b.String()), rules.Options{CacheSize: 1}), events
}

// TestManyRules compares all rules of a set at once with the slow evaluator,
// and a small cache with a large one.
func TestManyRules(t *testing.T) {
	set, events := manyRules(t)
	interned, m := newTexts(), set.NewMatcher()
	matches := 0
	for range 2 {
		for _, ev := range events {
			got := m.Match([]int{-1}, newSubject(set, interned, ev))
			if got[0] != -1 || !slices.IsSorted(got) {
				t.Fatalf("result %v", got)
			}
			for i, r := range set.Rules() {
				if want := evaluate(r.Detection, ev, nil); want != contains(got, i) {
					t.Errorf("%s: matcher %v, slow evaluation %v: %s", r.Title, !want, want, describeCase(r, ev))
				}
			}
			matches += len(got) - 1
		}
	}
	if matches < 1000 {
		t.Errorf("only %d matches: the test tests little", matches)
	}
}

// TestManyValues makes a matcher forget again and again; results must not
// change, nor memory grow.
func TestManyValues(t *testing.T) {
	set := mustCompile(t, mustParse(t, manyContains(20)), rules.Options{CacheSize: 1 << 10})
	m := set.NewMatcher()
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 100_000 {
		bits := random.IntN(1 << 20)
		sub := &manyBits{bits: bits, id: rules.ValueID(n)}
		got := m.Match(nil, sub)
		for i := range 20 {
			if want := bits>>i&1 != 0; want != contains(got, i) {
				t.Fatalf("step %d: rule %d: %v, want %v", n, i, !want, want)
			}
		}
	}
}

func manyContains(n int) string {
	var docs []string
	for i := range n {
		docs = append(docs, ruleText(field("|contains", fmt.Sprintf("'<%c>'", 'a'+i))))
	}
	return strings.Join(docs, "---\n")
}

// manyBits is a subject of a text that a set of literals occurs in.
type manyBits struct {
	bits int
	id   rules.ValueID
}

func (s *manyBits) Values(dst []rules.ValueID, _ int) []rules.ValueID { return append(dst, s.id) }

func (s *manyBits) Text(rules.ValueID) string {
	var b strings.Builder
	for i := range 20 {
		if s.bits>>i&1 != 0 {
			fmt.Fprintf(&b, "<%c>", 'a'+i)
		}
	}
	return b.String()
}

// TestConcurrentMatchers shares a set among goroutines; the race detector
// watches.
func TestConcurrentMatchers(t *testing.T) {
	set, events := manyRules(t)
	want := make([][]int, len(events))
	m, interned := set.NewMatcher(), newTexts()
	prepared := subjects(set, interned, events)
	for i, s := range prepared {
		want[i] = m.Match(nil, s)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			own := set.NewMatcher()
			for i, s := range prepared {
				if got := own.Match(nil, s); !slices.Equal(got, want[i]) {
					t.Errorf("event %d: %v, want %v", i, got, want[i])
				}
				own.Explain(s, i%len(set.Rules()))
			}
		})
	}
	wg.Wait()
}

func TestExplain(t *testing.T) {
	set := mustCompile(t, mustParse(t, ruleText("    s:\n        F|contains:\n            - one\n            - two\n        G: null\n    unused:\n        H: x\n    condition: s\n")), rules.Options{})
	x := set.NewMatcher().Explain(newSubject(set, newTexts(), e("F", "a two", "F", "three")), 0)
	item := set.Rules()[0].Detection.Searches[0].Groups[0].Items
	want := &rules.Explanation{
		Rule: set.Rules()[0], Matched: true,
		Parts: []rules.ExplainedPart{{
			Rule:       set.Rules()[0],
			Conditions: []rules.ExplainedCondition{{Text: "s", Matched: true}},
			Searches: []rules.ExplainedSearch{{
				Name: "s", Matched: true,
				Groups: []rules.ExplainedGroup{{Matched: true, Items: []rules.ExplainedItem{
					{Item: item[0], Field: "F", Matched: true, Values: []string{"a two", "three"}, Hits: [][]int{{1}, nil}},
					{Item: item[1], Field: "G", Matched: true},
				}}},
			}},
		}},
	}
	if diff := cmp.Diff(want, x, cmp.Comparer(func(a, b *rules.Rule) bool { return a == b }), cmp.Comparer(func(a, b *rules.Item) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}
