package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules/builtin"
	"webshellscan/scan"
)

// levelRow is a line of testdata/level_rows.tsv: a command line below a server,
// as the last of a chain, and a rule of levels that it must match.
type levelRow struct {
	rule string
	levelCase
}

func levelRows(t *testing.T) []levelRow {
	t.Helper()
	data, err := os.ReadFile("testdata/level_rows.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var rows []levelRow
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cells) < 3 {
			t.Fatalf("%q has %d cells", line, len(cells))
		}
		rows = append(rows, levelRow{cells[0], levelCase{server: cells[1], lines: cells[2:]}})
	}
	return rows
}

// TestLevelRows: each row matches its rule, also where another rule wins.
func TestLevelRows(t *testing.T) {
	rows := levelRows(t)
	cases := make([]levelCase, len(rows))
	for i, r := range rows {
		cases[i] = r.levelCase
	}
	res, _ := scanCases(t, scan.RuleOptions{}, cases...)
	matched := make(map[string]bool)
	for _, f := range res.Findings {
		for _, r := range f.LevelReasons {
			if r.Rule != nil {
				matched[f.Host+" "+r.Rule.Name] = true
			}
		}
	}
	for i, r := range rows {
		if !matched[fmt.Sprintf("HOST%d %s", i, r.rule)] {
			t.Errorf("%s: %q does not match", r.rule, r.lines)
		}
	}
}

// heldElsewhere are rules that no command line matches: TestUnusual,
// TestWritten and TestUnnamedService hold them.
var heldElsewhere = map[string]bool{
	"habit_daily": true, "behaviour_runs_written": true, "habit_guessed_service": true, "behaviour_asks_as_system": true,
}

// TestEveryLevelRuleHasARow: each rule has a row and says where it is from, and
// each of its expressions for command lines has a row.
func TestEveryLevelRuleHasARow(t *testing.T) {
	lines := make(map[string][]string)
	for _, r := range levelRows(t) {
		line := r.lines[len(r.lines)-1]
		if _, after, ok := strings.Cut(line, " := "); ok {
			line = after
		}
		lines[r.rule] = append(lines[r.rule], line)
	}
	for _, name := range []string{"level_behaviour.yml", "level_habits.yml"} {
		data, err := os.ReadFile(filepath.Join("..", "rules", "builtin", name))
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(string(data), "\n---\n") {
			var doc struct {
				Name       string
				References []string
				Detection  map[string]yaml.Node
			}
			if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			if !heldElsewhere[doc.Name] && len(lines[doc.Name]) == 0 {
				t.Errorf("%s has no row", doc.Name)
			}
			if len(doc.References) == 0 || !strings.HasPrefix(doc.References[0], "https://") {
				t.Errorf("%s has no source", doc.Name)
			}
			node := doc.Detection["line"]
			for _, e := range expressionsOf(&node) {
				if !matchesOne(regexp.MustCompile("(?i)"+e), lines[doc.Name]) {
					t.Errorf("%s: no row for %s", doc.Name, e)
				}
			}
		}
	}
}

// expressionsOf returns the regular expressions of a search for command lines.
func expressionsOf(search *yaml.Node) []string {
	var fields map[string]yaml.Node
	if search.Decode(&fields) != nil {
		return nil
	}
	var list []string
	for _, node := range fields {
		var values []string
		if node.Decode(&values) == nil {
			list = append(list, values...)
		}
	}
	return list
}

func matchesOne(e *regexp.Regexp, lines []string) bool {
	for _, line := range lines {
		if e.MatchString(line) {
			return true
		}
	}
	return false
}

// TestUnusual: what is the same day after day is a habit; what comes after
// weeks, on one host of many, at an hour of its own is not, and says each of
// it.
func TestUnusual(t *testing.T) {
	first := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	server := levelServers["tomcat"]
	var events []evtxtest.Event
	create := func(host string, at time.Time, pid uint32, line string) {
		events = append(events, evtxtest.NewEvent(at, host, &evtxtest.SysmonProcessCreate{
			ProcessID: pid, ParentProcessID: 400, Image: cmd, CommandLine: line, User: `CORP\tomcat`, LogonID: 0x9999, IntegrityLevel: "High",
			ParentImage: server[0], ParentCommandLine: server[1],
		}))
	}
	for i := range 6 {
		host := fmt.Sprintf("HOST%d", i)
		for day := range 16 {
			create(host, first.AddDate(0, 0, day), uint32(500+4*day), `cmd.exe /c D:\shop\export.bat`)
		}
	}
	create("HOST0", first.AddDate(0, 0, 20).Add(-6*time.Hour), 900, `cmd.exe /c D:\shop\odd.bat`)
	folder := logFolder(t, "sysmon.evtx", events)
	seen := make(map[string]int)
	for _, f := range mustScan(t, scan.Options{Paths: []string{folder}}).Findings {
		for _, r := range f.LevelReasons {
			if r.Rule != nil {
				seen[fmt.Sprint(strings.Contains(f.CommandLine, "odd"), " ", r.Rule.Name)]++
			}
		}
	}
	for name, want := range map[string]int{
		"false habit_daily": 96, "true habit_daily": 0, "true unusual_on_one_host": 1, "false unusual_on_one_host": 0,
		"true unusual_new": 1, "false unusual_new": 0, "true unusual_hour": 1, "false unusual_hour": 0,
	} {
		if seen[name] != want {
			t.Errorf("%s: %d times, want %d", name, seen[name], want)
		}
	}
}

// TestNotOfCredentials: a command line that only names a program or a file of
// the tools of the trade is not said to read credentials.
func TestNotOfCredentials(t *testing.T) {
	var cases []levelCase
	for _, line := range []string{
		`cmd.exe /c ntdsutil ?`,
		`cmd.exe /c type D:\logs\lsass.log`,
		`cmd.exe /c findstr /i mimikatz D:\logs\defender.txt`,
		`cmd.exe /c "C:\Windows\System32\findstr.exe" mimikatz.exe D:\logs\a.txt`,
		`cmd.exe /c D:\t\procdump64.exe -ma w3wp.exe D:\lsass.dmp`,
		`cmd.exe /c D:\t\procdump.exe -accepteula -n 3 -s 5 -ma w3wp`,
		`cmd.exe /c reg export HKLM\SYSTEM\CurrentControlSet\Services\W3SVC D:\w.reg`,
		`cmd.exe /c dir C:\Windows\NTDS\ntds.dit`,
		`cmd.exe /c dir D:\MiniDump & type D:\minidump.txt`,
	} {
		cases = append(cases, levelCase{server: "iis", lines: []string{line}})
	}
	res, _ := scanCases(t, scan.RuleOptions{}, cases...)
	for _, f := range res.Findings {
		for _, r := range f.LevelReasons {
			if r.Rule != nil && builtin.Behaviour(r.Rule) == "credentials" {
				t.Errorf("%q: %s", f.CommandLine, builtin.Why(r.Rule))
			}
		}
		for _, r := range f.Techniques {
			if r.HasTag("attack.t1003") {
				t.Errorf("%q: %s", f.CommandLine, r.Title)
			}
		}
	}
}
