package rules_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
)

// corpus is where SigmaHQ's rules and their logs stand, beside the repository.
const corpus = "../../shared/corpus"

// needCorpus skips a test without the corpus.
func needCorpus(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skipf("skipped: %s is not there (%v)", corpus, err)
	}
}

// corpusRules loads SigmaHQ's rules once for all tests.
var corpusRules = sync.OnceValue(func() *rules.Loaded {
	return rules.Load(context.Background(), []string{corpus + "/sigma-rules"}, 0)
})

func TestCorpusLoads(t *testing.T) {
	needCorpus(t)
	loaded := corpusRules()
	if len(loaded.Files) != 3160 || len(loaded.Rules) != 3160 {
		t.Errorf("%d rules from %d files, want 3160 of each", len(loaded.Rules), len(loaded.Files))
	}
	for _, err := range loaded.Errors {
		t.Errorf("error: %v", err)
	}
	for _, r := range loaded.Rules {
		for _, w := range r.Warnings {
			t.Errorf("warning: %v", w)
		}
		if r.Title == "" || r.ID == "" || r.Status == "" || r.Author == "" || r.Date == "" || r.Level == rules.LevelNone || r.Description == "" {
			t.Errorf("%s: metadata missing", r.File)
		}
	}
}

// TestCorpusCompiles compiles everything: each rule about the creation of
// processes on Windows has to be in the set, and what else is in it has to be
// about that too. No rule of the corpus is expected to fail: none has a
// placeholder, a lookaround or anything else that would be a reason.
func TestCorpusCompiles(t *testing.T) {
	needCorpus(t)
	set, errs := rules.Compile(corpusRules().Rules, rules.Options{})
	for _, err := range errs {
		t.Errorf("error: %v", err)
	}
	in := make(map[*rules.Rule]bool)
	for _, r := range set.Rules() {
		in[r] = true
	}
	current := 0
	for _, r := range corpusRules().Rules {
		creation := r.LogSource.Category == "process_creation" && r.LogSource.Product == "windows"
		if creation && !strings.Contains(r.File, "deprecated") {
			current++
		}
		if creation != in[r] {
			t.Errorf("%s: %v: in the set: %v", r.File, r.LogSource, in[r])
		}
	}
	if current != 1415 {
		t.Errorf("%d rules about process creation beside the deprecated ones, want 1415", current)
	}
	if n := len(set.Rules()) + len(set.NotApplicable()); n != 3160 {
		t.Errorf("%d rules in or out, want 3160", n)
	}
}

// regression is one log of SigmaHQ's regression data with the rules that it
// must trigger.
type regression struct {
	folder string
	rules  []string // IDs
	count  int      // of events that the rule has to match, 0 if it is not said
	events []event
}

func regressions(t testing.TB) []regression {
	t.Helper()
	var out []regression
	root := corpus + "/logs/sigma-regression"
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "info.yml" {
			return err
		}
		info, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		r := regression{folder: filepath.Dir(path)}
		_, list, _ := strings.Cut(string(info), "rule_metadata:")
		list, _, _ = strings.Cut(list, "regression_tests_info:")
		for line := range strings.SplitSeq(list, "\n") {
			if id, ok := strings.CutPrefix(strings.TrimSpace(line), "- id: "); ok {
				r.rules = append(r.rules, strings.TrimSpace(id))
			}
		}
		if _, count, ok := strings.Cut(string(info), "match_count: "); ok {
			count, _, _ = strings.Cut(count, "\n")
			if r.count, err = strconv.Atoi(strings.TrimSpace(count)); err != nil {
				return err
			}
		}
		files, err := filepath.Glob(filepath.Join(r.folder, "*.json"))
		for _, file := range files {
			r.events = append(r.events, readEvents(t, file)...)
		}
		out = append(out, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readEvents reads the process creations of a file of JSON events as flat maps:
// the fields of EventData, and those of System by the names that rules use.
func readEvents(t testing.TB, file string) []event {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []event
	dec := json.NewDecoder(f)
	dec.UseNumber()
	for {
		var raw struct {
			Event struct {
				System struct {
					EventID  any
					Channel  string
					Provider struct {
						Attributes struct{ Name string } `json:"#attributes"`
					}
				}
				EventData map[string]any
			}
		}
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		id := fmt.Sprint(raw.Event.System.EventID)
		sysmon := raw.Event.System.Channel == "Microsoft-Windows-Sysmon/Operational" && id == "1"
		if !sysmon && (raw.Event.System.Channel != "Security" || id != "4688") {
			continue
		}
		ev := event{"EventID": {id}, "Channel": {raw.Event.System.Channel}, "Provider_Name": {raw.Event.System.Provider.Attributes.Name}}
		for name, value := range raw.Event.EventData {
			ev[name] = []string{fmt.Sprint(value)}
		}
		if !sysmon { // the names of event 4688 for what rules call otherwise
			ev["Image"], ev["ParentImage"] = ev["NewProcessName"], ev["ParentProcessName"]
		}
		out = append(out, ev)
	}
}

// update rewrites the golden files.
var update = flag.Bool("update", false, "rewrite golden files")

// TestCorpusRegression holds the rules to SigmaHQ's own test data: the rule
// that a log is for matches an event of it, the slow evaluator and the
// explanation agree with the matcher on every rule that matches and on a sample
// of the others, and all that matches is what testdata/regression.golden lists:
// a line for each log, with the IDs of the rules, the one it is for first.
func TestCorpusRegression(t *testing.T) {
	needCorpus(t)
	set, _ := rules.Compile(corpusRules().Rules, rules.Options{})
	index := make(map[string]int)
	for i, r := range set.Rules() {
		index[r.ID] = i
	}
	interned, m := newTexts(), set.NewMatcher()
	logs, matched, events := 0, 0, 0
	var golden strings.Builder
	for _, r := range regressions(t) {
		var want []int
		for _, id := range r.rules {
			if i, ok := index[id]; ok {
				want = append(want, i)
			}
		}
		if len(want) == 0 {
			continue // about other events than process creation
		}
		logs++
		hits := 0
		var all []int
		for _, ev := range r.events {
			events++
			got := m.Match(nil, newSubject(set, interned, ev))
			all = append(all, got...)
			if slices.ContainsFunc(want, func(i int) bool { return slices.Contains(got, i) }) {
				hits++
			}
			compareSample(t, m, newSubject(set, interned, ev), ev, got)
		}
		if hits > 0 && (r.count == 0 || r.count == hits) {
			matched++
		} else {
			t.Errorf("%s: rule %v matches %d of %d events, want %d", r.folder, r.rules, hits, len(r.events), r.count)
		}
		writeGolden(&golden, set, r, want, all)
	}
	t.Logf("%d logs about process creation, %d matched by their rule, %d events", logs, matched, events)
	if logs < 100 {
		t.Errorf("only %d logs are about process creation", logs)
	}
	const file = "testdata/regression.golden"
	if *update {
		if err := os.WriteFile(file, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(stored), golden.String()); diff != "" {
		t.Error(diff)
	}
}

// compareSample compares a result with the slow evaluator and the explanation,
// on the rules that match and on some of the others.
func compareSample(t *testing.T, m *rules.Matcher, sub *subject, ev event, got []int) {
	t.Helper()
	for i, rule := range sub.set.Rules() {
		matched := slices.Contains(got, i)
		if !matched && (i+len(ev["CommandLine"][0]))%31 != 0 {
			continue
		}
		if slow := evaluate(rule.Detection, ev, nil); slow != matched {
			t.Errorf("slow evaluation gives %v, the matcher %v: %s", slow, matched, describeCase(rule, ev))
		}
		if x := m.Explain(sub, i); x.Matched != matched {
			t.Errorf("explanation gives %v, the matcher %v: %s", x.Matched, matched, describeCase(rule, ev))
		}
	}
}

// writeGolden writes the line of one log.
func writeGolden(b *strings.Builder, set *rules.Set, r regression, want, all []int) {
	slices.Sort(all)
	fmt.Fprintf(b, "%s:", filepath.Base(r.folder))
	for _, i := range want {
		fmt.Fprintf(b, " %s", set.Rules()[i].ID)
	}
	for _, i := range slices.Compact(all) {
		if !slices.Contains(want, i) {
			fmt.Fprintf(b, " %s", set.Rules()[i].ID)
		}
	}
	b.WriteByte('\n')
}

// expectedFindings returns what is known to match of the two built-in rules
// about direct children and of SigmaHQ's rules about web shells: file and
// record to names of rules.
func expectedFindings(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open(corpus + "/truth/expected_findings.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	letters := map[string]string{"S": "shells_spawned_by_web_servers", "C": "car_2021_02_001_webshell_process_tree"}
	want := make(map[string][]string)
	dec := json.NewDecoder(f)
	for {
		var finding struct {
			File   string
			Record int `json:"event_record_id"`
			Rules  []string
			M      []string `json:"m_rules"`
		}
		if err := dec.Decode(&finding); errors.Is(err, io.EOF) {
			return want
		} else if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprint(finding.File, " ", finding.Record)
		for _, letter := range finding.Rules {
			if name := letters[letter]; name != "" {
				want[key] = append(want[key], name)
			}
		}
		if len(finding.M) > 0 {
			want[key] = append(want[key], finding.M...)
		}
		slices.Sort(want[key])
	}
}

// TestCorpusTruth holds those rules to what is known of all process creations
// in the corpus's logs.
func TestCorpusTruth(t *testing.T) {
	needCorpus(t)
	const prefix = "proc_creation_win_webshell_"
	list, webShell := findingRules(t), 0
	for _, r := range corpusRules().Rules {
		if strings.HasPrefix(filepath.Base(r.File), prefix) {
			webShell++
			list = append(list, r)
		}
	}
	set, interned := mustCompile(t, list, rules.Options{}), newTexts()
	m := set.NewMatcher()
	got := make(map[string][]string)
	for _, r := range realRecords(t) {
		key := fmt.Sprint(r.file, " ", r.record)
		for _, i := range m.Match(nil, newSubject(set, interned, r.event)) {
			name := set.Rules()[i].Name
			if name == "" {
				name = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(set.Rules()[i].File), prefix), ".yml")
			}
			got[key] = append(got[key], name)
		}
		slices.Sort(got[key])
	}
	want := expectedFindings(t)
	for _, findings := range []map[string][]string{got, want} {
		maps.DeleteFunc(findings, func(_ string, names []string) bool { return len(names) == 0 })
	}
	if diff := cmp.Diff(want, got); diff != "" || webShell != 5 {
		t.Errorf("%d rules about web shells: %s", webShell, diff)
	}
}

// TestCorpusOldStyle rewrites rules of the corpus into the old style, which
// names the log and the event's number instead of the category; nothing else
// may change.
func TestCorpusOldStyle(t *testing.T) {
	needCorpus(t)
	var current, old []*rules.Rule
	for _, r := range corpusRules().Rules {
		if r.LogSource.Category != "process_creation" || r.LogSource.Product != "windows" {
			continue
		}
		data, err := os.ReadFile(r.File)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(strings.ReplaceAll(string(data), "\r\n", "\n"), "    category: process_creation\n", "    service: sysmon\n", 1)
		text = strings.Replace(text, "\ndetection:\n", "\ndetection:\n    old_style:\n        EventID: 1\n", 1)
		text = strings.Replace(text, "    condition: ", "    condition: old_style and ", 1)
		list, errs := rules.Parse(r.File, []byte(text))
		if len(errs) > 0 || strings.Contains(text, " or ") || strings.Contains(text, "of them") {
			continue // the simple rewriting does not fit
		}
		current, old = append(current, r), append(old, list...)
	}
	a, b := mustCompile(t, current, rules.Options{}), mustCompile(t, old, rules.Options{})
	if len(a.Rules()) < 500 || len(a.Rules()) != len(b.Rules()) {
		t.Fatalf("%d rules, %d in the old style", len(a.Rules()), len(b.Rules()))
	}
	interned, ma, mb := newTexts(), a.NewMatcher(), b.NewMatcher()
	for _, r := range regressions(t) {
		for _, ev := range r.events {
			got, want := mb.Match(nil, newSubject(b, interned, ev)), ma.Match(nil, newSubject(a, interned, ev))
			if !slices.Equal(got, want) {
				t.Errorf("%s: old style gives %v, the category %v", r.folder, labels(b, got), labels(a, want))
			}
		}
	}
}
