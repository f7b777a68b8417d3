package scan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

var update = flag.Bool("update", false, "rewrite the list of findings of real logs; reasons are kept")

const realFindings = "testdata/real_findings.tsv"

const realFindingsHead = "# Every finding of medium or above in the real logs of the corpus: record, process, level, rules, and why it is one.\n"

// TestRealFindings: each finding of medium or above in real logs is defended,
// one by one, in a list with a reason for each.
func TestRealFindings(t *testing.T) {
	needCorpus(t)
	reasons := readReasons(t)
	res := mustScan(t, scan.Options{Paths: []string{filepath.Join(corpus, "logs")}, Crosscheck: -1})
	got := realFindingsHead
	for _, f := range res.Findings {
		if f.Level < rules.LevelMedium {
			continue
		}
		line := realFinding(t, f)
		reason := reasons[line[0]]
		if reason == "" {
			t.Errorf("%s (%s) under %s is not defended in %s", line[0], f.CommandLine, line[3], realFindings)
		}
		got += strings.Join(append(line, reason), "\t") + "\n"
	}
	if *update {
		if err := os.WriteFile(realFindings, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(realFindings)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(strings.ReplaceAll(string(want), "\r\n", "\n"), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-list +found; -update rewrites it and keeps the reasons):\n%s", realFindings, diff)
	}
}

// realFinding returns a line of the list without its reason.
func realFinding(t *testing.T, f *finding.Finding) []string {
	t.Helper()
	file, err := filepath.Rel(filepath.Join(corpus, "logs"), f.Evidence[0].File)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range f.Rules {
		if r.Level >= rules.LevelMedium {
			names = append(names, r.Name)
		}
	}
	return []string{
		fmt.Sprintf("%s/%s#%d", f.Host, filepath.ToSlash(file), f.Evidence[0].RecordID),
		proctree.BaseName(f.Image), f.Level.String(), strings.Join(names, ","),
	}
}

// readReasons returns the reasons of the list by its first column.
func readReasons(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(realFindings)
	if err != nil && !*update {
		t.Fatal(err)
	}
	reasons := make(map[string]string)
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\r\n", "\n")) {
		if cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(cells) == 5 {
			reasons[cells[0]] = cells[4]
		}
	}
	return reasons
}
