package report_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"testing"

	"webshellscan/report"
	"webshellscan/report/reporttest"
)

// TestProcesses: a CSV with all processes has the server and every process
// below it of each session, in the order of hosts and time, and the findings as
// they are without them.
func TestProcesses(t *testing.T) {
	res := reporttest.Shipped(t, "..", 0)
	table := func(o report.Options) [][]string {
		t.Helper()
		var out bytes.Buffer
		if err := report.ScanFormats.Write(&out, "csv", res, o); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(&out).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	all, found := table(report.Options{Processes: true}), table(report.Options{})
	column := func(name string) int { return slices.Index(found[0], name) }
	counts, known := make(map[string]int), found[:1:1]
	for i, line := range all {
		process := line[column("category")] == "process_creation"
		if process {
			counts[line[column("session")]]++
		}
		if line[column("rules")] != "" && i > 0 {
			known = append(known, line)
			continue
		}
		if process && (line[column("level")] != "" || line[column("image")] == "" || line[column("crosscheck")] != "") {
			t.Errorf("process without a rule: %q", line)
		}
	}
	if len(res.Sessions) == 0 {
		t.Fatal("no sessions")
	}
	for _, s := range res.Sessions {
		if n := counts[s.Key]; n != s.Processes+1 {
			t.Errorf("%s: %d rows, want its server and %d processes", s.Key, n, s.Processes)
		}
	}
	if !slices.EqualFunc(known, slices.DeleteFunc(slices.Clone(found), func(l []string) bool { return l[column("rules")] == "" }), slices.Equal) {
		t.Error("the findings are not those of the CSV without other processes, in their order")
	}
	times := column("time")
	lines := table(report.Options{Processes: true, ByTime: true})[1:]
	if !slices.IsSortedFunc(lines[:len(all)-1-blindLines(lines, column("blind"))], func(a, b []string) int { return bytes.Compare([]byte(a[times]), []byte(b[times])) }) {
		t.Error("not in the order of time")
	}
}

// blindLines counts the lines of hosts that show nothing.
func blindLines(lines [][]string, column int) int {
	n := 0
	for _, line := range lines {
		if line[column] != "" {
			n++
		}
	}
	return n
}
