package scan_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// corpus is where logs with known truth lie, beside the project.
const corpus = "../../shared/corpus"

func needCorpus(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skipf("no logs at %s: this test compares with their truth", corpus)
	}
}

// letters are the names that the truth has for the built-in rules.
var letters = map[string]string{
	"shells_spawned_by_web_servers":         "S",
	"car_2021_02_001_webshell_process_tree": "C",
	"web_server_descendant_shell":           "D",
	"web_server_descendant_enumeration":     "D",
	"web_server_descendant_tool":            "D",
}

func ruleLetters(f *finding.Finding) []string {
	var list []string
	for _, r := range f.Rules {
		if l := letters[r.Name]; l != "" && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b string) int { return strings.Index("SCD", a) - strings.Index("SCD", b) })
	return list
}

// scenario is a truth.json of the made scenarios.
type scenario struct {
	Findings []struct {
		Host        string
		HostNames   []string `json:"host_names"`
		PID         uint32
		Image       string
		OtherImages []string `json:"other_images"`
		Records     []struct {
			File     string
			RecordID uint64 `json:"record_id"`
		}
		Rules    []string
		Workers  []struct{ PID uint32 }
		Optional bool
	}
	Traps []struct {
		Host string
		PID  uint32
		Why  string
	} `json:"must_not_report"`
}

// mayBeFound are traps of which other rules than those with letters may speak.
var mayBeFound = regexp.MustCompile("ordinary child|only a similar name.*not the program|Cyrillic|FastCGI|build script")

// trapped reports whether a finding claims a web server above a process that
// has none, or speaks of one of which nothing is to be said.
func (s *scenario) trapped(f *finding.Finding) bool {
	for _, trap := range s.Traps {
		if shortHost(trap.Host) == shortHost(f.Host) && trap.PID == f.ProcessID && !mayBeFound.MatchString(trap.Why) {
			return f.Worker.Exists() && f.ServerRole != finding.ServerOther
		}
	}
	return false
}

// TestScenarios scans every made scenario and holds the findings to its truth:
// each process that must be found is found once, under exactly its rules and
// below one of its workers, and nothing else is.
func TestScenarios(t *testing.T) {
	needCorpus(t)
	files, err := filepath.Glob(filepath.Join(corpus, "recall/*/truth.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		folder := filepath.Dir(file)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			res := mustScan(t, scan.Options{Paths: []string{filepath.Join(folder, "logs")}})
			checkScenario(t, file, res)
			if res.Summary.Incomplete() {
				t.Errorf("incomplete: %+v", res.Summary)
			}
		})
	}
}

func mustScan(t testing.TB, options scan.Options) *scan.Result {
	t.Helper()
	res, err := scan.Scan(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func checkScenario(t *testing.T, file string, res *scan.Result) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var truth scenario
	if err := json.Unmarshal(data, &truth); err != nil {
		t.Fatal(err)
	}
	left := slices.Clone(res.Findings)
	for _, want := range truth.Findings {
		i := slices.IndexFunc(left, func(f *finding.Finding) bool {
			return shortHost(f.Host) == shortHost(want.Host) && f.ProcessID == want.PID &&
				slices.ContainsFunc(f.Evidence, func(e finding.Evidence) bool {
					return slices.ContainsFunc(want.Records, func(r struct {
						File     string
						RecordID uint64 `json:"record_id"`
					},
					) bool {
						return r.RecordID == e.RecordID && filepath.Base(r.File) == filepath.Base(e.File)
					})
				})
		})
		if i < 0 {
			if !want.Optional {
				t.Errorf("missing: %s pid %d %s %v", want.Host, want.PID, want.Image, want.Rules)
			}
			continue
		}
		f := left[i]
		left = slices.Delete(left, i, i+1)
		if want.Optional {
			continue
		}
		if diff := gocmp.Diff(want.Rules, ruleLetters(f)); diff != "" {
			t.Errorf("%s pid %d %s: rules (-truth +found):\n%s", want.Host, want.PID, want.Image, diff)
		}
		if images := append([]string{want.Image}, want.OtherImages...); !slices.ContainsFunc(images, func(image string) bool {
			return proctree.BaseName(image) == proctree.BaseName(f.Image)
		}) {
			t.Errorf("%s pid %d: image %s, truth %v", want.Host, want.PID, f.Image, images)
		}
		if len(want.Workers) > 0 && !slices.Contains(want.Workers, struct{ PID uint32 }{f.WorkerProcessID}) {
			t.Errorf("%s pid %d %s: worker %d, truth %v", want.Host, want.PID, want.Image, f.WorkerProcessID, want.Workers)
		}
		if len(f.Evidence) < len(want.Records) {
			t.Errorf("%s pid %d %s: evidence %v, truth %v", want.Host, want.PID, want.Image, f.Evidence, want.Records)
		}
		if f.Crosscheck.State == crosscheck.Differs {
			t.Errorf("%s pid %d %s: second decoder differs: %s", want.Host, want.PID, want.Image, f.Crosscheck.Reason)
		}
	}
	for _, f := range left {
		if len(ruleLetters(f)) == 0 && !truth.trapped(f) {
			continue // what else runs below a server may be found by other rules
		}
		t.Errorf("false: %s pid %d %s (%s) under %v", f.Host, f.ProcessID, f.Image, f.CommandLine, ruleLetters(f))
	}
}

func shortHost(name string) string {
	short, _, _ := strings.Cut(strings.ToLower(name), ".")
	return short
}

// TestRealLogs scans all real logs: the rules of the two seeds find exactly
// what their truth lists.
func TestRealLogs(t *testing.T) {
	needCorpus(t)
	res := mustScan(t, scan.Options{Paths: []string{filepath.Join(corpus, "logs")}})
	want := truthFindings(t)
	got := make(map[string][]string)
	for _, f := range res.Findings {
		if !strings.Contains(f.Crosscheck.Reason, "not sound") && f.Crosscheck.State != crosscheck.Confirmed {
			t.Errorf("%s: second decoder: %+v", f.Image, f.Crosscheck)
		}
		for _, e := range f.Evidence {
			rel, err := filepath.Rel(corpus, e.File)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range ruleLetters(f) {
				if l != "D" {
					key := fmt.Sprintf("%s#%d", filepath.ToSlash(rel), e.RecordID)
					got[key] = append(got[key], l)
				}
			}
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("findings of S and C (-truth +found):\n%s", diff)
	}
}

// truthFindings returns the rules S and C of truth/expected_findings.jsonl, by
// file and record.
func truthFindings(t *testing.T) map[string][]string {
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
			EventRecordID uint64 `json:"event_record_id"`
			Rules         []string
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		for _, r := range l.Rules {
			if r == "S" || r == "C" {
				key := fmt.Sprintf("%s#%d", l.File, l.EventRecordID)
				want[key] = append(want[key], r)
			}
		}
	}
	if len(want) == 0 {
		t.Fatal("no truth")
	}
	return want
}
