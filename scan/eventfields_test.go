package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// matchedEvents scans events with some rules, and returns the names of the
// rules that each matched, by its index.
func matchedEvents(t *testing.T, ruleText string, rows []storyEvent) [][]string {
	t.Helper()
	res := mustScan(t, scan.Options{Paths: []string{eventsLog(t, rows)}, Rules: scan.RuleOptions{Paths: []string{ruleFile(t, ruleText)}, NoBuiltin: true}})
	for _, err := range res.Rules.Errors {
		t.Error(err)
	}
	got := make([][]string, len(rows))
	for _, e := range res.Events {
		for _, ev := range e.Evidence {
			for _, r := range e.Rules {
				got[ev.RecordID-1] = append(got[ev.RecordID-1], r.Title)
			}
		}
	}
	for _, list := range got {
		slices.Sort(list)
	}
	return got
}

// TestEventFields: names of fields are compared without case and blanks,
// keywords are looked for in all values, and what an antivirus product says is
// there under the names that rules have for it.
func TestEventFields(t *testing.T) {
	const ruleText = `title: other case
logsource: {product: windows, service: security}
detection: {sel: {eventid: 4720, TARGETUSERNAME: evil}, condition: sel}
level: high
---
title: keywords
logsource: {product: windows, service: security}
detection: {sel: {EventID: 4720}, words: [EVIL], condition: sel and words}
level: high
---
title: without blanks
logsource: {product: windows, service: windefend}
detection: {sel: {EventID: 1117, ThreatName|contains: ASP, SourceName: User, ProcessName|endswith: '\a.exe'}, condition: sel}
level: high
---
title: antivirus
logsource: {category: antivirus}
detection: {sel: {Signature|startswith: 'Backdoor:', Filename|endswith: '.aspx'}, condition: sel}
level: high
---
title: antivirus action
logsource: {category: antivirus, product: windows}
detection: {sel: {Action: Quarantine}, words: [k.aspx], condition: sel and words}
level: high
---
title: script
logsource: {product: windows, category: ps_script}
detection: {sel: {ScriptBlockText|contains: iwr}, condition: sel}
level: high
---
title: module
logsource: {product: windows, category: ps_module}
detection: {sel: {Payload|contains: iwr}, condition: sel}
level: high
`
	const (
		defender    = "Microsoft-Windows-Windows Defender"
		defenderLog = "Microsoft-Windows-Windows Defender/Operational"
		found       = `Threat Name=Backdoor:ASP/Webshell|Source Name=User|Process Name=C:\a.exe|Path=file:_C:\x\k.aspx|Action Name=Quarantine`
	)
	rows := []storyEvent{
		{0, "WEB2", securityLog, auditing, 4720, 4, "", "TargetUserName=evil", "keywords, other case"},
		{0, "WEB2", securityLog, auditing, 4720, 4, "", "TargetUserName=anna|SamAccountName=evil", "keywords"},
		{0, "WEB2", securityLog, auditing, 4722, 4, "", "TargetUserName=evil", ""},
		{0, "WEB2", defenderLog, defender, 1117, 9, "", found, "antivirus, antivirus action, without blanks"},
		{0, "WEB2", defenderLog, defender, 1116, 9, "", found, "antivirus, antivirus action"},
		{0, "WEB2", defenderLog, defender, 5007, 9, "", found, ""},
		{0, "WEB2", defenderLog, defender, 1117, 9, "", strings.ReplaceAll(found, "k.aspx", "k.zip"), "without blanks"},
		{0, "WEB2", "PowerShellCore/Operational", "PowerShellCore", 4104, 9, "", "ScriptBlockText=iwr x", "script"},
		{0, "WEB2", "PowerShellCore/Operational", "PowerShellCore", 4103, 9, "", "Payload=iwr x", "module"},
		{0, "WEB2", "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4104, 9, "", "ScriptBlockText=iwr y", "script"},
	}
	for i, got := range matchedEvents(t, ruleText, rows) {
		if diff := cmp.Diff(rows[i].want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%d %s (-want +got):\n%s", rows[i].id, rows[i].fields, diff)
		}
	}
}

// TestScriptParts: what rules match in any part of a script block they match in
// the block.
func TestScriptParts(t *testing.T) {
	const ruleText = `title: first
logsource: {product: windows, category: ps_script}
detection: {sel: {ScriptBlockText|contains: iwr}, condition: sel}
---
title: second
logsource: {product: windows, category: ps_script}
detection: {sel: {ScriptBlockText|contains: iex}, condition: sel}
`
	const log, provider = "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell"
	got := matchedEvents(t, ruleText, []storyEvent{
		{0, "WEB2", log, provider, 4104, 9, "", "MessageNumber=1|MessageTotal=2|ScriptBlockText=iwr x|ScriptBlockId=a", ""},
		{0, "WEB2", log, provider, 4104, 9, "", "MessageNumber=2|MessageTotal=2|ScriptBlockText=; iex y|ScriptBlockId=a", ""},
	})
	if diff := cmp.Diff([][]string{{"first", "second"}, {"first", "second"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSigmaRegression: each log of SigmaHQ's regression data is found by the
// rule that it is for, whatever log source that is about, with all of SigmaHQ's
// rules applied at once.
func TestSigmaRegression(t *testing.T) {
	needCorpus(t)
	root := filepath.Join(corpus, "logs", "sigma-regression")
	res := mustScan(t, scan.Options{
		Paths: []string{root}, Crosscheck: -1, Rules: scan.RuleOptions{Paths: []string{filepath.Join(corpus, "sigma-rules")}, NoBuiltin: true},
	})
	found := make(map[string]map[string]bool) // IDs of rules by folder
	add := func(evidence []finding.Evidence, matched []*rules.Rule) {
		for _, e := range evidence {
			folder := filepath.Dir(e.File)
			if found[folder] == nil {
				found[folder] = make(map[string]bool)
			}
			for _, r := range matched {
				found[folder][r.ID] = true
			}
		}
	}
	for _, f := range res.Findings {
		add(f.Evidence, f.Rules)
	}
	for _, e := range res.Events {
		add(e.Evidence, e.Rules)
	}
	infos := 0
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if filepath.Base(path) != "info.yml" {
			return err
		}
		infos++
		info, err := os.ReadFile(path)
		_, list, _ := strings.Cut(string(info), "rule_metadata:")
		list, _, _ = strings.Cut(list, "regression_tests_info:")
		for line := range strings.Lines(list) {
			id, ok := strings.CutPrefix(strings.TrimSpace(line), "- id: ")
			if ok && !found[filepath.Dir(path)][id] {
				t.Errorf("%s: rule %s does not match", path, id)
			}
		}
		return err
	})
	if err != nil || infos < 190 {
		t.Errorf("%d logs, %v", infos, err)
	}
	if len(res.Rules.Errors) != 2 { // a placeholder without values
		t.Errorf("errors: %v", res.Rules.Errors)
	}
}

// TestEventTreeFields: rules about events may ask for the fields of the event's
// process and its tree, where it has one, in sessions and elsewhere. A rule
// that has to wait for the tree never matches without it.
func TestEventTreeFields(t *testing.T) {
	const connection = `logsource: {product: windows, service: security}
detection:
    sel: {EventID: 5156}
`
	ruleText := strings.Join([]string{
		"title: below a worker\n" + connection + `    of: {WorkerImage|endswith: '\w3wp.exe', WorkerRole: web, Depth: 2}
    condition: sel and of
level: high
`, "title: by its parent\n" + connection + `    of: {ParentCommandLine|contains: '/c whoami', ParentImage|endswith: '\cmd.exe'}
    condition: sel and of
level: high
`, "title: of a service\n" + connection + `    of: {ParentImage|endswith: '\services.exe', CommandLine: 'agent.exe'}
    condition: sel and of
level: high
`, "title: not of a service\n" + connection + `    own: {DestAddress: 203.0.113.6}
    not: {ParentImage|endswith: '\services.exe'}
    condition: sel and own and not not
level: high
`, `title: a script below a worker
logsource: {product: windows, category: ps_script}
detection: {sel: {AncestorImage|endswith: '\w3wp.exe', ScriptBlockText|contains: iwr}, condition: sel}
level: high
`, `title: written by a command
logsource: {product: windows, service: security}
detection: {sel: {EventID: 4663, CommandLine|contains: whoami, ObjectName|endswith: .exe}, condition: sel}
level: high
`,
	}, "---\n")
	res := mustScan(t, scan.Options{Paths: []string{writeStory(t)}, Rules: scan.RuleOptions{Paths: []string{ruleFile(t, ruleText)}}})
	var got []string
	for _, e := range res.Events {
		for _, r := range e.Rules {
			if r.Name == "" {
				got = append(got, fmt.Sprintf("%s: %s %d %s", r.Title, e.Link, e.ProcessID, e.Record.Get("DestAddress")))
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"a script below a worker: pid+time 202 ", "below a worker: pid+time 202 203.0.113.9", "by its parent: pid+time 202 203.0.113.9",
		"of a service: none 202 203.0.113.6", "written by a command: pid+time 200 ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEventFieldsOfGate: names are compared so too where a gate looks at
// records that have no template.
func TestEventFieldsOfGate(t *testing.T) {
	const ruleText = `title: without blanks
logsource: {product: windows, service: windefend}
detection: {sel: {EventID: 1117, ThreatName|contains: ASP}, condition: sel}
level: high
`
	row := storyEvent{
		0, "WEB2", "Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender", 1117, 9, "",
		`Threat Name=Backdoor:ASP/X|Path=file:_C:\inetpub\a.aspx`, "",
	}
	other := row
	other.fields = `Threat Name=Virus:DOS/X|Path=file:_C:\ASP\a.aspx`
	if diff := cmp.Diff([][]string{{"without blanks"}, nil}, matchedEvents(t, ruleText, []storyEvent{row, other})); diff != "" {
		t.Errorf("matched (-want +got):\n%s", diff)
	}
}
