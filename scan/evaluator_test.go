package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/proctree"
)

// anyField is a rule that asks for every field that a process has.
func anyField(t *testing.T) *rules.Set {
	t.Helper()
	var b strings.Builder
	b.WriteString("title: T\nlogsource:\n    category: process_creation\n    product: windows\ndetection:\n    s:\n")
	seen := make(map[string]bool)
	for _, name := range scan.FieldNames() {
		if name != "" && !seen[name] {
			seen[name] = true
			fmt.Fprintf(&b, "        '%s|contains': x\n", name)
		}
	}
	b.WriteString("    condition: s\n")
	list, errs := rules.Parse("any.yml", []byte(b.String()))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	set, errs := rules.Compile(list, rules.Options{})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return set
}

// TestBundles: what goes by one ID is the same for all processes, also where
// several logs speak of one.
func TestBundles(t *testing.T) {
	set := anyField(t)
	folders, _ := filepath.Glob(filepath.Join(corpus, "recall", "*", "logs"))
	for _, folder := range append(folders, "../testdata/logs", filepath.Join(corpus, "logs")) {
		if _, err := os.Stat(folder); err != nil {
			t.Logf("no %s", folder)
			continue
		}
		res := mustScan(t, scan.Options{Paths: []string{folder}, Recover: true, Crosscheck: -1})
		seen := make(map[string]string)
		res.Bundles(set, func(bundle int, id rules.ValueID, values []string) {
			key, got := fmt.Sprint(bundle, " ", id), strings.Join(values, "\n")
			if want, ok := seen[key]; ok && want != got {
				t.Errorf("%s: bundle %s is\n%s\nand\n%s", folder, key, want, got)
			}
			seen[key] = got
		})
		if len(seen) == 0 {
			t.Errorf("%s: no bundles", folder)
		}
	}
}

// TestBundlesDisagree: a process that two logs tell of differently has its
// fields from both.
func TestBundlesDisagree(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	user := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-1001"), Name: "shop", Domain: "CORP", LogonID: 0x9999}
	folder := t.TempDir()
	for name, event := range map[string]evtxtest.Source{
		"sysmon.evtx": &evtxtest.SysmonProcessCreate{
			ProcessID: 200, ParentProcessID: 100, Image: cmd, CommandLine: "cmd /c whoami", User: `CORP\shop`, LogonID: 0x9999, ParentImage: w3wp,
		},
		"security.evtx": &evtxtest.ProcessCreated{
			NewProcessID: 200, ProcessID: 100, NewProcessName: cmd, CommandLine: "cmd /c whoami", Subject: user, ParentProcessName: w3wp,
		},
	} {
		writeLog(t, filepath.Join(folder, name), evtxtest.Options{}, []evtxtest.Event{evtxtest.NewEvent(at, "WEB01", event)})
	}
	res := mustScan(t, scan.Options{Paths: []string{folder}})
	stubs := 0
	for p := range res.Forest.Processes(0) {
		if p.Stub() {
			stubs++
		}
	}
	if n := res.Forest.Hosts()[0].Processes - stubs; n != 1 {
		t.Fatalf("%d processes", n)
	}
	res.Bundles(anyField(t), func(bundle int, _ rules.ValueID, values []string) {
		if strings.Contains(strings.Join(values, " "), "cmd.exe") {
			t.Errorf("bundle %d: %q", bundle, values)
		}
	})
}

// TestPrefetched: what was prefetched of command lines is what is found out
// without, while others add texts.
func TestPrefetched(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yml")
	text := ""
	for i, item := range []string{"CommandLine|contains: whoami", "ParentCommandLine|endswith: DefaultAppPool", "CommandLine|re: '(?i)\\\\[a-z]+\\.exe'"} {
		text += fmt.Sprintf("---\ntitle: R%d\nlogsource:\n    category: process_creation\n    product: windows\ndetection:\n    s:\n        %s\n    condition: s\n", i, item)
	}
	text += "---\ntitle: K\nlogsource:\n    category: process_creation\n    product: windows\ndetection:\n    s:\n        - ipconfig\n        - tasklist\n    condition: s\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{"../testdata/logs"}, Rules: scan.RuleOptions{Paths: []string{file}}})
	prefetched, plain := res.Prefetched(func() {
		for i := range 5000 {
			res.Forest.Texts().InternString(fmt.Sprintf("whoami /text %d", i))
		}
	})
	matched := 0
	for i := range plain {
		if !slices.Equal(prefetched[i], plain[i]) {
			t.Errorf("process %d: %v prefetched, %v without", i, prefetched[i], plain[i])
		}
		matched += len(plain[i])
	}
	if matched == 0 {
		t.Error("nothing matches")
	}
}

// TestEachGoesOn: a panic costs the process in hand, wherever in a batch that
// is.
func TestEachGoesOn(t *testing.T) {
	res := mustScan(t, scan.Options{Paths: []string{"../testdata/logs"}})
	var seen, want []proctree.Process
	bad := func(p proctree.Process) bool {
		return p.Index()%7 == 0 || p.Index() == res.Forest.Hosts()[p.HostIndex()].Processes-1
	}
	crashed := res.Each(func(p proctree.Process) {
		seen = append(seen, p)
		if bad(p) {
			panic("made")
		}
	})
	var all []proctree.Process
	for host := range res.Forest.Hosts() {
		for p := range res.Forest.Processes(host) {
			all = append(all, p)
			if bad(p) {
				want = append(want, p)
			}
		}
	}
	if !slices.Equal(seen, all) || !slices.Equal(crashed, want) || len(want) < 3 {
		t.Errorf("%d of %d processes seen, %d of %d crashes", len(seen), len(all), len(crashed), len(want))
	}
}

// TestCrosscheckFillsUp: after the first of each kind, repetitions are checked
// too, up to the limit.
func TestCrosscheckFillsUp(t *testing.T) {
	runs := []run{{100, 4, w3wp, `w3wp.exe -ap "shop"`, shopUser, 0x9999, "High", `C:\Windows\System32\svchost.exe`, "svchost"}}
	for i := range uint32(20) {
		runs = append(runs, run{200 + 4*i, 100, cmd, "cmd /c whoami", shopUser, 0x9999, "High", w3wp, ""})
	}
	folder := runsLog(t, runs...)
	res := mustScan(t, scan.Options{Paths: []string{folder}, Crosscheck: 8})
	checked := 0
	for _, f := range res.Findings {
		if f.Crosscheck.State == crosscheck.Confirmed {
			checked++
		} else if !strings.Contains(f.Crosscheck.Reason, "beyond the first 8") {
			t.Errorf("%s: %s", f.Crosscheck.State, f.Crosscheck.Reason)
		}
	}
	if len(res.Findings) < 20 || checked != 8 {
		t.Errorf("%d of %d findings checked", checked, len(res.Findings))
	}
}
