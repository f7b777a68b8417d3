package scan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// sessionOn returns the only session of a host.
func sessionOn(t *testing.T, res *scan.Result, host string) *finding.Session {
	t.Helper()
	var found *finding.Session
	for _, s := range res.Sessions {
		if shortHost(s.Host) == strings.ToLower(host) {
			if found != nil {
				t.Fatalf("%s has two sessions", host)
			}
			found = s
		}
	}
	if found == nil {
		t.Fatalf("%s has no session", host)
	}
	return found
}

// TestShippedSessions: what is said of the incidents of the shipped logs.
func TestShippedSessions(t *testing.T) {
	res := mustScan(t, scan.Options{Paths: []string{shipped}})
	if len(res.Sessions) != 4 {
		t.Fatalf("%d sessions", len(res.Sessions))
	}
	for i, s := range res.Sessions {
		if i > 0 && res.Sessions[i-1].Level < s.Level {
			t.Errorf("%s: level %s after %s", s.Host, s.Level, res.Sessions[i-1].Level)
		}
	}
	mail := sessionOn(t, res, "mail01")
	if mail.Product != "Exchange OWA" || mail.Application != "MSExchangeOWAAppPool" || mail.User != `NT AUTHORITY\SYSTEM` || mail.Burst != 3 ||
		mail.Level != rules.LevelCritical || len(mail.Raised) != 2 || mail.Findings[0].Product != "Exchange OWA" {
		t.Errorf("MAIL01: %+v", mail)
	}
	web := sessionOn(t, res, "web01")
	if web.Product != "IIS" || web.Application != "CustomerPortal" || web.FirstCommand() != `"cmd.exe" /c whoami` ||
		!slices.Equal(web.Users, []string{`IIS APPPOOL\CustomerPortal`}) || web.Link != proctree.LinkGUID {
		t.Errorf("WEB01: %+v", web)
	}
	below := 0
	for p := range res.Forest.Processes(web.Worker.HostIndex()) {
		for at, _ := p.Parent(); at.Exists(); at, _ = at.Parent() {
			if at == web.Worker {
				below++
				break
			}
		}
	}
	if web.Processes != below || below <= len(web.Findings)/2 {
		t.Errorf("WEB01: %d processes below the worker, counted from below %d", web.Processes, below)
	}
	if app := sessionOn(t, res, "app01"); app.Product != "Apache httpd" || app.Application != "" || app.Commands >= len(app.Findings) {
		t.Errorf("APP01: %+v", app)
	}
}

// labelled is what the truth of a made scenario says of a session.
type labelled struct {
	Findings []struct {
		PID         uint32
		Image       string
		CommandLine string `json:"command_line"`
		Time        time.Time
		App         *string
		Product     string
		ChainPIDs   []uint32 `json:"chain_pids"`
		Optional    bool
		Records     []struct {
			File     string
			RecordID uint64 `json:"record_id"`
		}
	}
}

// TestScenarioSessions holds the labels and bursts of sessions to the truth of
// the made scenarios. The burst is worked out from the truth by asking at each
// command how many distinct ones follow within 30 minutes.
func TestScenarioSessions(t *testing.T) {
	needCorpus(t)
	files, err := filepath.Glob(filepath.Join(corpus, "recall/*/truth.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	enumeration := enumerationList(t)
	sessions := 0
	for _, file := range files {
		var truth labelled
		readJSON(t, file, &truth)
		res := mustScan(t, scan.Options{Paths: []string{filepath.Join(filepath.Dir(file), "logs")}})
		name := filepath.Base(filepath.Dir(file))
		for _, s := range res.Sessions {
			if !slices.ContainsFunc(s.Findings, func(f *finding.Finding) bool {
				return slices.ContainsFunc(f.Rules, func(r *rules.Rule) bool { return strings.HasPrefix(r.Name, "web_server_descendant_") })
			}) {
				continue // the truth knows web servers only
			}
			sessions++
			checkSession(t, name, s, &truth, enumeration)
		}
	}
	if sessions < 50 {
		t.Errorf("%d sessions", sessions)
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// enumerationList returns the programs that the scenarios hold for enumeration.
func enumerationList(t *testing.T) []string {
	t.Helper()
	var lists struct {
		D struct {
			Enumeration         []string
			EnumerationOptional []string `json:"enumeration_optional"`
		} `json:"rule_D"`
	}
	readJSON(t, filepath.Join(corpus, "recall/lists.json"), &lists)
	if len(lists.D.Enumeration) == 0 {
		t.Fatal("no enumeration programs")
	}
	return append(lists.D.Enumeration, lists.D.EnumerationOptional...)
}

var program = regexp.MustCompile(`^("[^"]*"|\S+)\s*`)

func checkSession(t *testing.T, name string, s *finding.Session, truth *labelled, enumeration []string) {
	type command struct {
		at   time.Time
		text string
	}
	var commands []command
	arguments := make(map[uint32]string)
	for _, want := range truth.Findings {
		i := slices.IndexFunc(s.Findings, func(f *finding.Finding) bool {
			return f.ProcessID == want.PID && slices.ContainsFunc(f.Evidence, func(e finding.Evidence) bool {
				return e.RecordID == want.Records[0].RecordID && filepath.Base(e.File) == filepath.Base(want.Records[0].File)
			})
		})
		if i < 0 {
			continue
		}
		app := ""
		if want.App != nil {
			app = *want.App
		}
		if s.Application != app || s.Product != want.Product {
			t.Errorf("%s: %s: %q in %q, truth %q in %q", name, s.Key, s.Application, s.Product, app, want.Product)
		}
		// The rule of the enumeration has net.exe and its like;
		// certutil and the other tools have a rule of their own.
		if !slices.ContainsFunc(s.Findings[i].Rules, func(r *rules.Rule) bool { return r.Name == "web_server_descendant_enumeration" }) {
			continue
		}
		if !slices.Contains(enumeration, proctree.BaseName(want.Image)) && proctree.BaseName(want.Image) != "net1.exe" {
			t.Errorf("%s: %s is no enumeration program", name, want.Image)
		}
		args := program.ReplaceAllString(s.Findings[i].CommandLine, "")
		arguments[want.PID] = args
		if args != "" && arguments[want.ChainPIDs[len(want.ChainPIDs)-2]] == args {
			continue // net.exe has handed it on to net1.exe
		}
		commands = append(commands, command{s.Findings[i].Time.Time(), proctree.BaseName(want.Image) + " " + args})
	}
	burst := 0
	for _, from := range commands {
		var distinct []string
		for _, c := range commands {
			if after := c.at.Sub(from.at); after >= 0 && after <= 30*time.Minute && !slices.Contains(distinct, c.text) {
				distinct = append(distinct, c.text)
			}
		}
		burst = max(burst, len(distinct))
	}
	if s.Burst != burst {
		t.Errorf("%s: %s: a burst of %d, by the truth %d", name, s.Key, s.Burst, burst)
	}
	if raised := slices.ContainsFunc(s.Raised, func(text string) bool { return strings.Contains(text, "enumeration") }); raised != (burst >= 3) {
		t.Errorf("%s: %s: a burst of %d, raised: %v", name, s.Key, burst, s.Raised)
	}
}

// TestFleetAttacksFirst: among the everyday business of the made fleets, the
// attacks stand at the top.
func TestFleetAttacksFirst(t *testing.T) {
	needCorpus(t)
	for _, name := range []string{"fleet-mixed", "fleet-sysmon"} {
		res := mustScan(t, scan.Options{Paths: []string{filepath.Join(corpus, "recall", name, "logs")}})
		if len(res.Sessions) == 0 || res.Sessions[0].Level != rules.LevelCritical {
			t.Errorf("%s: %d sessions, the first not critical", name, len(res.Sessions))
		}
	}
}

func TestFoldCommand(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"whoami", "whoami"},
		{" cmd /c whoami ", "cmd /c whoami"},
		{`wkhtmltopdf --margin-top 10mm C:\www\tmp\inv73443.html`, `wkhtmltopdf --margin-top {n}mm C:\www\tmp\inv{n}.html`},
		{"ping -n 1 10.0.0.12", "ping -n {n} {n}.{n}.{n}.{n}"},
		{"x {3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "x {{{guid}}}"},
		{"x 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "x {guid}"},
		{`csc /noconfig @"C:\Temp\k3j9x0qz.cmdline"`, `csc /noconfig @"C:\Temp\{n}.cmdline"`},
		{`cvtres "/OUT:C:\Temp\RES9D3.tmp" "C:\Temp\CSCAB.TMP"`, `cvtres "/OUT:C:\Temp\{tmp}.tmp" "C:\Temp\{tmp}.TMP"`},
		{"a.tmpx", "a.tmpx"},
		{"del a.txt b.tmp", "del a.txt {tmp}.tmp"},
		{"del a.txt .b.c.tmpx d.TMP", "del a.txt .b.c.tmpx {tmp}.TMP"},
		{"del a.txt b.c.", "del a.txt b.c."},
		{"php 0x1F", "php {n}"},
		{"x e22c2559a", "x {n}"},
		{"x deadbeef", "x deadbeef"}, // a word like any other without a digit
		{"net1 user", "net{n} user"},
		{"powershell -enc dwBoAG8AYQBtAGkA", "powershell -enc dwBoAG8AYQBtAGkA"},
		{"echo {n}", "echo {{n}}"},
		{"echo 5", "echo {n}"},
		{"日本 7", "日本 {n}"},
		{"\xff\xfe 7", "\xff\xfe {n}"},
	}
	for _, tt := range tests {
		if got := finding.FoldCommand(tt.in); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

// madeFinding returns a made finding of a command.
func madeFinding(at event.Time, command string) *finding.Finding {
	return &finding.Finding{
		Host: "H", Time: at, Image: `C:\x\a.exe`, ParentImage: `C:\x\b.exe`, CommandLine: command, Session: "s",
		Rules: []*rules.Rule{{Name: "r", Level: rules.LevelHigh}}, Level: rules.LevelHigh, Evidence: []finding.Evidence{{}},
	}
}

// TestShapes: what a worker does all day is one shape.
func TestShapes(t *testing.T) {
	var findings []*finding.Finding
	for i := range 20_000 {
		findings = append(findings, madeFinding(event.Time(i), "convert inv"+strings.Repeat("7", i%5+1)+".pdf"))
	}
	findings = append(findings, madeFinding(20_000, "convert letter.pdf"))
	shapes := finding.Fold(findings)
	var counts []int
	for _, s := range shapes {
		counts = append(counts, len(s.Findings))
	}
	if diff := cmp.Diff([]int{20_000, 1}, counts); diff != "" {
		t.Errorf("findings by shape (-want +got):\n%s", diff)
	}
}
