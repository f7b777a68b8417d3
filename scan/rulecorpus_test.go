package scan_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// The rules that the built-in ones of the same questions are made from, as such
// rules were written before there was a category for process creation.
const (
	oldShells = `title: Shells Spawned by Web Servers
name: old_shells
status: experimental
description: Web servers that spawn shell processes could be the result of a successfully placed web shell or another attack
logsource:
    product: windows
    service: sysmon
detection:
    selection:
        EventID: 1
        ParentImage:
            - '*\w3wp.exe'
            - '*\httpd.exe'
            - '*\nginx.exe'
            - '*\php-cgi.exe'
        Image:
            - '*\cmd.exe'
            - '*\sh.exe'
            - '*\bash.exe'
            - '*\powershell.exe'
    condition: selection
fields:
    - CommandLine
    - ParentCommandLine
falsepositives:
    - Particular web applications may spawn a shell process legitimately
level: high
`
	oldTree = `title: Webshell-Indicative Process Tree
name: old_tree
status: experimental
logsource:
    product: windows
    service: sysmon
detection:
    selection:
        EventID: 1
        ParentImage:
            - '*\w3wp.exe'
            - '*\httpd.exe'
            - '*\nginx.exe'
            - '*\tomcat*.exe'
        Image:
            - '*\cmd.exe'
            - '*\powershell.exe'
            - '*\net.exe'
            - '*\whoami.exe'
            - '*\hostname.exe'
            - '*\systeminfo.exe'
            - '*\ipconfig.exe'
    condition: selection
level: high
`
)

// hasRule reports whether a finding has a rule.
func hasRule(f *finding.Finding, name string) bool {
	return slices.ContainsFunc(f.Rules, func(r *rules.Rule) bool { return r.Name == name })
}

// agree holds the old rules to the built-in ones on all logs of a folder, and
// returns how many findings both had.
func agree(t *testing.T, folder, given string) int {
	t.Helper()
	res := mustScan(t, scan.Options{Paths: []string{folder}, Crosscheck: -1, Rules: scan.RuleOptions{Paths: []string{given}}})
	if len(res.Rules.Errors) > 0 {
		t.Fatal(res.Rules.Errors)
	}
	both := 0
	for _, f := range res.Findings {
		for old, builtin := range map[string]string{"old_shells": "shells_spawned_by_web_servers", "old_tree": "car_2021_02_001_webshell_process_tree"} {
			if hasRule(f, old) != hasRule(f, builtin) {
				t.Errorf("%s#%d: %s below %s: %s %v, %s %v", f.Evidence[0].File, f.Evidence[0].RecordID, f.Image, f.ParentImage,
					old, hasRule(f, old), builtin, hasRule(f, builtin))
			} else if hasRule(f, old) {
				both++
			}
		}
	}
	return both
}

// TestOldRules: the rules as they were written first agree with the built-in
// ones on the shipped logs.
func TestOldRules(t *testing.T) {
	if both := agree(t, shipped, ruleFile(t, oldShells, oldTree)); both < 20 {
		t.Errorf("%d findings of both", both)
	}
}

// TestOldRulesOnCorpus: and so they do on every log of the corpus.
func TestOldRulesOnCorpus(t *testing.T) {
	needCorpus(t)
	given := ruleFile(t, oldShells, oldTree)
	folders, err := filepath.Glob(filepath.Join(corpus, "recall/*/logs"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, folder := range append(folders, filepath.Join(corpus, "logs")) {
		t.Run(filepath.Base(filepath.Dir(folder)), func(t *testing.T) {
			t.Logf("%d findings of both", agree(t, folder, given))
		})
	}
}

// TestWebshellRules: SigmaHQ's five rules about web shells find on the real
// logs what their truth lists.
func TestWebshellRules(t *testing.T) {
	needCorpus(t)
	files, err := filepath.Glob(filepath.Join(corpus, "sigma-rules/rules/windows/process_creation/proc_creation_win_webshell_*.yml"))
	if err != nil || len(files) != 5 {
		t.Fatalf("%d rules, %v", len(files), err)
	}
	res := mustScan(t, scan.Options{
		Paths: []string{filepath.Join(corpus, "logs")}, Crosscheck: -1, Rules: scan.RuleOptions{Paths: files, NoBuiltin: true},
	})
	got := make(map[string][]string)
	for _, f := range res.Findings {
		for _, e := range f.Evidence {
			rel, err := filepath.Rel(corpus, e.File)
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprintf("%s#%d", filepath.ToSlash(rel), e.RecordID)
			for _, r := range f.Rules {
				name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(r.File), ".yml"), "proc_creation_win_webshell_")
				got[key] = append(got[key], name)
			}
			slices.Sort(got[key])
		}
	}
	if diff := gocmp.Diff(webshellTruth(t), got); diff != "" {
		t.Errorf("findings of SigmaHQ's rules (-truth +found):\n%s", diff)
	}
}

// webshellTruth returns the rules that truth/expected_findings.jsonl has under
// M, by file and record.
func webshellTruth(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(corpus, "truth/expected_findings.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := make(map[string][]string)
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var l struct {
			File          string
			EventRecordID uint64   `json:"event_record_id"`
			MRules        []string `json:"m_rules"`
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if len(l.MRules) > 0 {
			slices.Sort(l.MRules)
			want[fmt.Sprintf("%s#%d", l.File, l.EventRecordID)] = l.MRules
		}
	}
	if len(want) == 0 {
		t.Fatal("no truth")
	}
	return want
}
