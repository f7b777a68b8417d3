package rules_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"webshellscan/rules"
)

// gateEvent is an event of named texts as a gate is asked about it.
type gateEvent struct {
	gate   *rules.Gate
	values map[string]string
}

// GateText implements rules.GateSubject.
func (e gateEvent) GateText(dst []byte, field int) ([]byte, bool) {
	text, ok := e.values[e.gate.Fields()[field]]
	return append(dst, text...), ok
}

const gateRules = `
title: Script Written by a Web Server
logsource: {category: process_creation, product: windows}
detection:
    script:
        TargetFilename|endswith: ['.aspx', '.php']
    writer:
        ServerRole: web
    generated:
        TargetFilename|contains: '\cache\'
    condition: script and writer and not generated
---
title: Script Below a Web Root
logsource: {category: process_creation, product: windows}
detection:
    script:
        TargetFilename|endswith: ['.aspx', '.php']
    root:
        TargetFilename|contains: ['\inetpub\', '\htdocs\']
    kind:
        Kind: File
    condition: all of them
`

// newTestGate returns the gate of rules. ServerRole is no value of a record.
func newTestGate(t *testing.T, text string) *rules.Gate {
	t.Helper()
	set := mustCompile(t, mustParse(t, text), rules.Options{})
	var list []rules.GateRule
	for i := range set.Rules() {
		list = append(list, rules.GateRule{Set: set, Rule: i})
	}
	return rules.NewGate(list, func(field string) bool { return field != "ServerRole" }, nil)
}

func TestGate(t *testing.T) {
	gate := newTestGate(t, gateRules)
	if gate == nil {
		t.Fatal("no gate")
	}
	m := gate.NewMatcher()
	for _, test := range []struct {
		file, kind string
		want       bool
	}{
		{`C:\inetpub\wwwroot\A.ASPX`, "", true}, // whoever wrote it
		{`C:\Windows\Temp\a.aspx.tmp`, "File", false},
		{`C:\cache\a.php`, "", true}, // only decoding shows that it does not match
		{`C:\Windows\Temp\x.dll`, "File", false},
	} {
		values := map[string]string{"TargetFilename": test.file}
		if test.kind != "" {
			values["Kind"] = test.kind
		}
		for range 2 { // what is remembered says the same
			if got := m.Admits(gateEvent{gate, values}); got != test.want {
				t.Errorf("%s: admitted %t, want %t", test.file, got, test.want)
			}
		}
	}
	if m.Admits(gateEvent{gate, nil}) {
		t.Error("an event without the fields is admitted")
	}
}

// TestNoGate has rules of which a value alone cannot say that they do not
// match.
func TestNoGate(t *testing.T) {
	for _, condition := range []string{"not script", "script or writer", "writer", "re"} {
		text := strings.Replace(gateRules[:strings.Index(gateRules, "---")], "condition: script and writer and not generated",
			"re:\n        TargetFilename|re: 'a+'\n    condition: "+condition, 1)
		if newTestGate(t, text) != nil {
			t.Errorf("%s: there is a gate", condition)
		}
	}
}

// TestGateModifiers: a gate understands these modifiers and no others, known or
// not.
func TestGateModifiers(t *testing.T) {
	understood := []string{
		"", "|contains", "|startswith", "|endswith", "|all", "|cased", "|windash", "|expand", "|wide", "|utf16", "|utf16le", "|utf16be", "|base64", "|base64offset",
	}
	values := map[string]string{"cidr": "10.0.0.0/8", "exists": "true", "expand": "'%names%'", "all": "[abc, def]"}
	for _, name := range append(rules.ModifierNames(), "") {
		modifier := strings.TrimSuffix("|"+name, "|")
		value := cmp.Or(values[name], "abcdef")
		switch name {
		case "i", "m", "s":
			modifier = "|re" + modifier
		case "minute", "hour", "day", "week", "month", "year", "lt", "lte", "gt", "gte":
			value = "5"
		}
		set := mustCompile(t, mustParse(t, "title: t\nlogsource: {category: process_creation, product: windows}\ndetection:\n  s:\n    Image"+modifier+": "+value+"\n  condition: s\n"),
			rules.Options{Placeholders: map[string][]string{"names": {"abc"}}})
		gate := rules.NewGate([]rules.GateRule{{Set: set, Rule: 0}}, func(string) bool { return true }, nil)
		if got := gate != nil; got != slices.Contains(understood, modifier) {
			t.Errorf("Image%s: there is a gate: %v", modifier, got)
		}
	}
}

// TestGateOptional: of a field that a subject may have from elsewhere, absence
// tells nothing; a value that is there does.
func TestGateOptional(t *testing.T) {
	set := mustCompile(t, mustParse(t, gateRules), rules.Options{})
	optional := func(field string) bool { return field == "TargetFilename" }
	gate := rules.NewGate([]rules.GateRule{{Set: set, Rule: 0}}, optional, optional)
	for value, want := range map[string]bool{"": true, `C:\ProgramData\y.bin`: false} {
		ev := gateEvent{gate, map[string]string{"TargetFilename": value}}
		if value == "" {
			ev.values = nil
		}
		if got := gate.NewMatcher().Admits(ev); got != want {
			t.Errorf("%q: admitted %v, want %v", value, got, want)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	set := mustCompile(b, mustParse(b, gateRules), rules.Options{})
	gate := rules.NewGate([]rules.GateRule{{Set: set, Rule: 0}, {Set: set, Rule: 1}}, func(field string) bool { return field != "ServerRole" }, nil)
	m := gate.NewMatcher()
	subjects := []gateEvent{
		{gate, map[string]string{"TargetFilename": `C:\Windows\System32\config\systemprofile\AppData\Local\x.dat`}},
		{gate, map[string]string{"TargetFilename": `C:\ProgramData\Microsoft\Windows Defender\Scans\y.bin`}},
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i++; m.Admits(subjects[i&1]) {
			b.Fatal("admitted")
		}
	}
}
