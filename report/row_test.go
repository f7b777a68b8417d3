package report_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"webshellscan/report"
	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// full returns a finding that says something in each of its fields.
func full() *finding.Finding {
	f := correlated("here")
	f.Recovered, f.Known = true, true
	f.LevelReasons = []finding.LevelReason{{Level: rules.LevelHigh, Why: "it asks who it runs as"}}
	f.LogonID, f.Hashes, f.CurrentDirectory, f.OriginalFileName = "0x3e7", "MD5=0", `C:\`, "a.exe"
	f.Techniques = []*rules.Rule{{Name: "technique", Tags: []string{"attack.t1033", "car.2013-04-002", "d3fend.d3-psa"}}}
	return f
}

// TestEveryFieldIsWritten: no field of a finding's row is left empty where the
// finding says something.
func TestEveryFieldIsWritten(t *testing.T) {
	var res struct{ Findings []map[string]any }
	if err := json.Unmarshal([]byte(write(t, "json", report.Options{}, full())), &res); err != nil {
		t.Fatal(err)
	}
	for key, value := range res.Findings[0] {
		switch v := value.(type) {
		case nil:
			t.Errorf("JSON: %s is null", key)
		case []any:
			if len(v) == 0 {
				t.Errorf("JSON: %s is empty", key)
			}
		case string, bool, float64:
			if v == "" || v == false || v == 0.0 {
				t.Errorf("JSON: %s is %v", key, v)
			}
		}
	}
	lines, err := csv.NewReader(strings.NewReader(write(t, "csv", report.Options{}, full()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, cell := range lines[1] {
		if lines[0][i] != "blind" && lines[0][i] != "summary" && (cell == "" || cell == "false" || cell == "0") { // these are of hosts and events
			t.Errorf("CSV: %s is %q", lines[0][i], cell)
		}
	}
}
