package rules_test

import (
	"testing"

	"webshellscan/rules"
)

// TestMapSubject: an event in a map is matched as the specification says: names
// without case, keywords in any value, a field that is not there is null.
func TestMapSubject(t *testing.T) {
	for detection, want := range map[string]bool{
		"    a: {Image|endswith: '\\cmd.exe'}\n    condition: a":                          true,
		"    a: {image|endswith: '\\CMD.EXE', CommandLine: null}\n    condition: a":       false,
		"    a: {ParentImage: null, CommandLine|contains: whoami}\n    condition: a":      true,
		"    a: ['whoami']\n    condition: a":                                             true,
		"    a: ['ipconfig']\n    condition: a":                                           false,
		"    a: {Image|fieldref|endswith: OriginalFileName}\n    condition: a":            true,
		"    a: {CommandLine|contains|all: [whoami, '/all']}\n    condition: a":           true,
		"    a: {CommandLine|contains: whoami}\n    b: {User: x}\n    condition: a and b": false,
	} {
		set := mustCompile(t, mustParse(t, ruleText(detection)), rules.Options{})
		event := set.NewMapSubject(map[string]string{
			"IMAGE": `C:\Windows\System32\cmd.exe`, "CommandLine": "cmd /c whoami /all", "OriginalFileName": "Cmd.Exe", "Nobody": "ipconfig 7",
		})
		if detection == "    a: ['ipconfig']\n    condition: a" {
			event = set.NewMapSubject(map[string]string{"Image": "whoami"})
		}
		matcher := set.NewMatcher()
		for range 2 { // what it prefetched of the first does not matter
			if got := len(matcher.Match(nil, event)) > 0; got != want {
				t.Errorf("%s\n%v, want %v", detection, got, want)
			}
		}
	}
}
