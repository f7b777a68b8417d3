package scan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// TestExplainRecords: an event is explained as tied if and only if it stands in
// a session's story, by the same link; of each other one something speaks
// against it.
func TestExplainRecords(t *testing.T) {
	scenarios, _ := filepath.Glob("../../shared/corpus/story/*/truth.json")
	if len(scenarios) == 0 {
		t.Skip("../shared/corpus/story is not there")
	}
	for _, path := range scenarios {
		folder := filepath.Dir(path)
		t.Run(filepath.Base(folder), func(t *testing.T) { explainScenario(t, folder) })
	}
}

func explainScenario(t *testing.T, folder string) {
	data, err := os.ReadFile(filepath.Join(folder, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth struct {
		Tie, Traps []struct {
			Files    []string `json:"files"`
			RecordID uint64   `json:"record_id"`
		}
	}
	if err := json.Unmarshal(data, &truth); err != nil {
		t.Fatal(err)
	}
	options := scan.Options{Paths: []string{filepath.Join(folder, "logs")}, Crosscheck: -1}
	for _, e := range slices.Concat(truth.Tie, truth.Traps) {
		for _, f := range e.Files {
			options.Explain = append(options.Explain, scan.RecordRef{File: filepath.Join(folder, "logs", f), RecordID: e.RecordID})
		}
	}
	res, err := scan.Scan(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Sessions) > 0 && len(truth.Tie) > 0 && len(res.Explained) == 0 {
		t.Error("nothing is explained")
	}
	for _, x := range res.Explained {
		i := slices.IndexFunc(res.Events, func(ev *finding.Event) bool {
			return ev.Session != nil && slices.ContainsFunc(ev.Evidence, func(at finding.Evidence) bool { return at.File == x.File && at.RecordID == x.RecordID })
		})
		switch {
		case x.Session == nil && i >= 0:
			t.Errorf("%s#%d is tied by %v, but explained as not: %q", x.File, x.RecordID, res.Events[i].Link, x.Against)
		case x.Session != nil && i >= 0 && (res.Events[i].Session != x.Session || res.Events[i].Link != x.Link):
			t.Errorf("%s#%d is tied by %v, but explained as by %v", x.File, x.RecordID, res.Events[i].Link, x.Link)
		case i < 0 && len(x.Against) == 0:
			t.Errorf("%s#%d is in no story, and nothing says why", x.File, x.RecordID)
		}
	}
}
