package rules_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webshellscan/rules"
)

// everything is a rule with every attribute of the specification. Sigma rules
// specification, "File Structure".
const everything = `title: Everything
id: 929a690e-bef0-4204-a928-ef5e620d6fcc
name: everything
related:
  - id: 08fbc97d-0a2f-491c-ae21-8ffcfd3174e9
    type: derived
  - id: 929a690e-bef0-4204-a928-ef5e620d6fcd
    type: obsolete
taxonomy: sigma
status: test
description: |
    First line.
    Second line.
license: MIT
references:
  - https://example.org/a
author: A, B
date: 2024-01-02
modified: '2024-01-03'
logsource:
    category: Process_Creation
    product: windows
    service: sysmon
    definition: Needs command lines
    custom: ignored
detection:
    selection:
        Image|endswith: '\x.exe'
        EventID: [1, '2', true, 1.5]
    filter:
        - CommandLine: null
    keywords:
        - a
        - 7
    condition: selection and not filter or keywords
fields: [Image]
falsepositives: [None]
level: High
tags:
  - attack.t1505.003
scope: [server]
role: web_server
product: IIS
simulation:
  - type: x
`

func TestMetadata(t *testing.T) {
	list := mustParse(t, everything)
	want := &rules.Rule{
		File: "test.yml", Line: 1,
		Title: "Everything", ID: "929a690e-bef0-4204-a928-ef5e620d6fcc", Name: "everything",
		Related:  []rules.Related{{Type: "derived", ID: "08fbc97d-0a2f-491c-ae21-8ffcfd3174e9"}, {Type: "obsolete", ID: "929a690e-bef0-4204-a928-ef5e620d6fcd"}},
		Taxonomy: "sigma", Status: "test", Description: "First line.\nSecond line.\n", License: "MIT", Author: "A, B",
		Date: "2024-01-02", Modified: "2024-01-03",
		References: []string{"https://example.org/a"}, Fields: []string{"Image"}, FalsePositives: []string{"None"},
		Tags: []string{"attack.t1505.003"}, Scope: []string{"server"}, Level: rules.LevelHigh,
		LogSource: rules.LogSource{Category: "process_creation", Product: "windows", Service: "sysmon", Definition: "Needs command lines"},
		Role:      "web_server", Custom: map[string]string{"product": "IIS"},
		Detection: &rules.Detection{
			Searches: []*rules.Search{
				{Name: "selection", Line: 27, Column: 5, Groups: []*rules.Group{{Items: []*rules.Item{
					{Field: "Image", Modifiers: []string{"endswith"}, Line: 28, Column: 9, Values: []rules.Value{{Text: `\x.exe`, Line: 28, Column: 25}}},
					{Field: "EventID", Line: 29, Column: 9, Values: []rules.Value{
						{Kind: rules.NumberValue, Text: "1", Line: 29, Column: 19},
						{Kind: rules.StringValue, Text: "2", Line: 29, Column: 22},
						{Kind: rules.BoolValue, Text: "true", Line: 29, Column: 27},
						{Kind: rules.NumberValue, Text: "1.5", Line: 29, Column: 33},
					}},
				}}}},
				{Name: "filter", Line: 30, Column: 5, Groups: []*rules.Group{{Items: []*rules.Item{
					{Field: "CommandLine", Line: 31, Column: 11, Values: []rules.Value{{Kind: rules.NullValue, Text: "null", Line: 31, Column: 24}}},
				}}}},
				{Name: "keywords", Line: 32, Column: 5, Groups: []*rules.Group{{Items: []*rules.Item{
					{Line: 32, Column: 5, Values: []rules.Value{{Text: "a", Line: 33, Column: 11}, {Kind: rules.NumberValue, Text: "7", Line: 34, Column: 11}}},
				}}}},
			},
			Conditions: []*rules.Condition{{Text: "selection and not filter or keywords", Line: 35, Column: 16}},
		},
	}
	ignore := cmpopts.IgnoreUnexported(rules.Item{}, rules.Value{}, rules.Condition{})
	if diff := cmp.Diff([]*rules.Rule{want}, list, ignore); diff != "" {
		t.Error(diff)
	}
	if got := list[0].LogSource.String(); got != "product: windows, category: process_creation, service: sysmon" {
		t.Errorf("log source %s", got)
	}
}

func TestCorrelationMetadata(t *testing.T) {
	list := mustParse(t, correlate("c", "type: value_count\nrules:\n    - a\n    - b\ngroup-by: [Host]\ntimespan: 90m\naliases:\n    ip:\n        a: src\n        b: dst\ncondition:\n    field: ip\n    gte: 2\n    lt: 1e3")+"generate: true\nfalsepositives: none\n")
	want := &rules.Correlation{
		Type: rules.ValueCount, Rules: []string{"a", "b"}, GroupBy: []string{"Host"}, Timespan: 90 * 60e9,
		Aliases: []rules.Alias{{Name: "ip", Fields: []rules.AliasField{{Rule: "a", Field: "src"}, {Rule: "b", Field: "dst"}}}},
		Bounds:  []rules.Bound{{Op: "gte", Value: 2}, {Op: "lt", Value: 1000}}, Fields: []string{"ip"}, Percentile: -1, Generate: true, Line: 4, Column: 5,
	}
	if diff := cmp.Diff(want, list[0].Correlation); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"none"}, list[0].FalsePositives); diff != "" {
		t.Error(diff)
	}
}

// TestWarnings are departures that leave a rule working.
func TestWarnings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"status: new\n" + ruleText(field("", "x")), `test.yml:1:9: unknown status "new"`},
		{"date: yesterday\n" + ruleText(field("", "x")), `test.yml:1:7: date "yesterday" is not of the form YYYY-MM-DD`},
		{"tags: attack.t1\n" + ruleText(field("", "x")), `test.yml:1:7: tags should be a list`},
		{ruleText(field("|contains|all", "x")), `test.yml:8:9: F|contains|all: modifier all with a single value`},
		{ruleText("    timeframe: 5m\n" + field("", "x")), `test.yml:7:5: timeframe has no meaning without an aggregation; use a correlation rule`},
	} {
		list := mustParse(t, c.text)
		if len(list[0].Warnings) != 1 || list[0].Warnings[0].Error() != c.want {
			t.Errorf("%s\ngot  %v\nwant %s", c.text, list[0].Warnings, c.want)
		}
	}
	for _, text := range []string{"date: 2019/10/23\n" + ruleText(field("", "x")), "author: [a, b]\n" + ruleText(field("", "x"))} {
		if w := mustParse(t, text)[0].Warnings; len(w) > 0 {
			t.Errorf("%s\nwarnings %v", text, w)
		}
	}
}

// TestDocuments cuts streams into documents. YAML 1.2.2, 9.1.2 "Document
// Markers".
func TestDocuments(t *testing.T) {
	rule := ruleText(field("", "x"))
	for _, c := range []struct {
		name, text string
		lines      []int // where the rules begin
		errs       int
	}{
		{"one", rule, []int{1}, 0},
		{"a byte order mark", "\ufeff" + rule, []int{1}, 0},
		{"Windows line ends", strings.ReplaceAll(rule+"---\n"+rule, "\n", "\r\n"), []int{1, 11}, 0},
		{"a marker first", "---\n" + rule, []int{2}, 0},
		{"a directive first", "%YAML 1.2\n---\n" + rule, []int{3}, 0},
		{"comments around", "# a\n---\n# b\n" + rule + "--- # c\n" + rule + "...\n# d\n", []int{4, 14}, 0},
		{"an end marker between", rule + "...\n" + rule, []int{1, 11}, 0},
		{"empty documents", "---\n---\n" + rule + "---\n---\n", []int{3}, 0},
		{"a bad one between", rule + "---\na: [\n---\n" + rule, []int{1, 13}, 1},
		{"a marker within a scalar", rule + "description: |\n    a\n---\n" + rule, []int{1, 13}, 0},
		{"no marker: more than three dashes", "----: 1\n" + rule, []int{1}, 0},
		{"an anchor and a merge", "x: &x {level: low}\n<<: *x\n" + rule, []int{1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, errs := rules.Parse("f.yml", []byte(c.text))
			var lines []int
			for _, r := range list {
				lines = append(lines, r.Line)
			}
			if diff := cmp.Diff(c.lines, lines); diff != "" || len(errs) != c.errs {
				t.Errorf("%s errors %v", diff, errs)
			}
		})
	}
	if list := mustParse(t, "x: &x {level: low}\n<<: *x\n"+rule); list[0].Level != rules.LevelLow {
		t.Errorf("level %v, want that of the merge", list[0].Level)
	}
}

// TestCollections joins documents by the actions of old collections.
func TestCollections(t *testing.T) {
	text := `action: global
title: Global
logsource: {category: process_creation, product: windows}
level: high
detection:
    condition: s
---
detection:
    s: {F: one}
---
title: Own title gives way
level: low
detection:
    s: {F: two}
---
action: repeat
id: third
detection:
    s: {F: three}
---
action: reset
---
title: Free
logsource: {category: process_creation}
detection:
    s: {F: four}
    condition: s
`
	var got []string
	for _, r := range mustParse(t, text) {
		item := r.Detection.Searches[0].Groups[0].Items[0]
		got = append(got, strings.Join([]string{r.Title, r.ID, r.Level.String(), item.Values[0].Text}, ","))
	}
	want := []string{"Global,,high,one", "Global,,high,two", "Global,third,high,three", "Free,,,four"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rule := func(id string) string { return "id: " + id + "\n" + ruleText(field("", "x")) }
	write("b/one.yml", rule("1"))
	write("a/two.YAML", rule("2")+"---\n"+rule("3"))
	write("a/bad.yml", "x: [")
	write("a/readme.md", "no rule")
	write(".git/four.yml", rule("4"))
	named := write("named.txt", rule("5"))
	missing := filepath.Join(dir, "missing")
	for _, goroutines := range []int{0, 1, 2, 8} {
		loaded := rules.Load(t.Context(), []string{filepath.Join(dir, "b"), dir, missing, named, filepath.Join(dir, "a", "two.YAML")}, goroutines)
		var ids []string
		for _, r := range loaded.Rules {
			ids = append(ids, r.ID)
		}
		if diff := cmp.Diff([]string{"1", "2", "3", "5"}, ids); diff != "" {
			t.Errorf("%d goroutines: %s", goroutines, diff)
		}
		if len(loaded.Errors) != 2 || !errors.Is(loaded.Errors[0], rules.ErrRead) || !errors.Is(loaded.Errors[1], rules.ErrYAML) {
			t.Errorf("%d goroutines: errors %v", goroutines, loaded.Errors)
		}
		if len(loaded.Files) != 4 {
			t.Errorf("%d goroutines: files %v", goroutines, loaded.Files)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	loaded := rules.Load(ctx, []string{dir}, 2)
	if len(loaded.Rules) != 0 || len(loaded.Errors) != 1 || !errors.Is(loaded.Errors[0], cause) {
		t.Errorf("cancelled: %d rules, errors %v", len(loaded.Rules), loaded.Errors)
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		name string
		want rules.Level
		ok   bool
	}{{"informational", rules.LevelInformational, true}, {"CRITICAL", rules.LevelCritical, true}, {"", rules.LevelNone, true}, {"x", rules.LevelNone, false}} {
		if got, ok := rules.ParseLevel(c.name); got != c.want || ok != c.ok {
			t.Errorf("%q: %v, %v", c.name, got, ok)
		}
	}
	if rules.LevelHigh.String() != "high" || rules.Level(99).String() != "" {
		t.Error("names of levels")
	}
}
