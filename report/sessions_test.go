package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/report"
	"webshellscan/report/draw"
	"webshellscan/report/reporttest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

const (
	system32 = `C:\Windows\System32\`
	w3wp     = system32 + `inetsrv\w3wp.exe`
)

// process is a process of a made log: its own ID, its parent's, and what ran.
type process struct {
	pid, parent        uint64
	image, parentImage string
	command, user      string
}

// scanOf scans a made Security log of processes, one a second, on one host
// whose worker has the process ID 4.
func scanOf(t testing.TB, processes []process) *scan.Result {
	t.Helper()
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	events := make([]evtxtest.Event, 0, len(processes)+1)
	worker := process{4, 700, w3wp, system32 + "svchost.exe", `w3wp.exe -ap "shop"`, "SYSTEM"}
	for i, p := range append([]process{worker}, processes...) {
		events = append(events, evtxtest.NewEvent(at.Add(time.Duration(i)*time.Second), "WEB01", &evtxtest.ProcessCreated{
			NewProcessID: p.pid, NewProcessName: p.image, ProcessID: p.parent, ParentProcessName: p.parentImage, CommandLine: p.command,
			Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-82-1"), Name: p.user, Domain: "IIS APPPOOL", LogonID: 0x9999},
		}))
	}
	file, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "Security.evtx"), file.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{folder}, Crosscheck: -1})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// shells returns so many shells below the worker.
func shells(n int, command func(i int) string) []process {
	list := make([]process, n)
	for i := range list {
		list[i] = process{uint64(1000 + 4*i), 4, system32 + "cmd.exe", w3wp, command(i), "shop"}
	}
	return list
}

// letters is a number without digits, so that it does not fold.
func letters(i int) string {
	var b strings.Builder
	for ; i > 0; i /= 26 {
		b.WriteByte(byte('a' + i%26))
	}
	return b.String()
}

// TestBusyWorker: a worker that runs the same 20,000 times a day takes one
// line, and what else happened below it stands out.
func TestBusyWorker(t *testing.T) {
	list := shells(20_000, func(i int) string { return fmt.Sprintf("cmd.exe /c convert inv%d.pdf", i) })
	list = append(list, process{900_000, 4, system32 + "cmd.exe", w3wp, "cmd.exe /c whoami", "shop"})
	res := scanOf(t, list)
	var b strings.Builder
	if err := report.ScanFormats.Write(&b, "table", res, report.Options{}); err != nil {
		t.Fatal(err)
	}
	const want = ` TIME      LEVEL  PID     PROCESS                                          RULES
--------------------------------------------------------------------------------
 08:00:01  low    1000    ├─ cmd.exe /c convert inv0.pdf                   1 2 3
                          │     20000 times, the last at 13:33:20
 13:33:21  high   900000  └─ cmd.exe /c whoami                             1 2 3
`
	if !strings.Contains(b.String(), want) {
		t.Errorf("not\n%s in\n%.3000s", want, b.String())
	}
	if res.Sessions[0].Commands != 2 || len(res.Sessions[0].Shapes) != 2 {
		t.Errorf("%d commands, %d shapes", res.Sessions[0].Commands, len(res.Sessions[0].Shapes))
	}
}

// TestHostileLogs: logs whose every text is an intruder's come through a scan
// and each format without harm.
func TestHostileLogs(t *testing.T) {
	var list []process
	for i, s := range reporttest.Worst {
		s = s[:min(len(s), 2000)] // all of them are to fit into one record
		pid := uint64(1000 + 4*i)
		list = append(list, process{pid, 4, `C:\` + s + `\cmd.exe`, w3wp, s, s}, // found
			process{pid + 1000, pid, `C:\` + s + `.exe`, `C:\` + s + `\cmd.exe`, s, s}) // not found
	}
	res := scanOf(t, list)
	if len(res.Findings) < len(reporttest.Worst) || len(res.Sessions) != 1 {
		t.Fatalf("%d findings, %d sessions", len(res.Findings), len(res.Sessions))
	}
	for _, o := range tableOptions() {
		var b strings.Builder
		if err := report.ScanFormats.Write(&b, "table", res, o); err != nil {
			t.Fatal(err)
		}
		checkTerminal(t, "a log", o, b.String())
	}
	document := schemaOf(t, "")
	var b strings.Builder
	if err := report.ScanFormats.Write(&b, "json", res, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(unmarshal(t, b.String())); err != nil {
		t.Error(err)
	}
}

// TestOneTree: the table and the page show the same processes of a session,
// which are those that the domain chose.
func TestOneTree(t *testing.T) {
	res := reporttest.Shipped(t, "..", 0)
	var table strings.Builder
	if err := report.ScanFormats.Write(&table, "table", res, report.Options{}); err != nil {
		t.Fatal(err)
	}
	page := writeResult(t, "html", res)
	line := regexp.MustCompile(`(?m)^ [0-9: -]{8,}  \S+ +(\d+) +[│├└]`)
	link := regexp.MustCompile(`<a href="#p\d+">[^<]* \((\d+)\)</a> <time>`)
	var inTable, onPage, drawn, want []string
	for _, m := range line.FindAllStringSubmatch(table.String(), -1) {
		inTable = append(inTable, m[1])
	}
	for i, s := range res.Sessions {
		_, card, _ := strings.Cut(page, fmt.Sprintf(`<article class="session %s" id="s%d"`, s.Level, i))
		card, _, _ = strings.Cut(card, "</article>")
		tree := s.Tree(finding.Bounds{})
		for n, m := range link.FindAllStringSubmatch(card, -1) {
			if n > 0 && !s.Known { // the server process is not in the table
				onPage = append(onPage, m[1])
			}
		}
		if !s.Known {
			drawn = append(drawn, drawnProcesses(t, res, s)...)
		}
		for n := 1; tree != nil && !s.Known && n < len(tree.Nodes); n++ {
			want = append(want, fmt.Sprint(tree.Nodes[n].Process.PID()))
		}
	}
	if len(want) < 10 {
		t.Fatalf("%d nodes", len(want))
	}
	if diff := cmp.Diff(want, inTable); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, onPage); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, drawn); diff != "" {
		t.Errorf("drawings (-want +got):\n%s", diff)
	}
}

// drawnProcesses returns the IDs of the processes that JSON draws below a
// session's server process.
func drawnProcesses(t *testing.T, res *scan.Result, s *finding.Session) []string {
	t.Helper()
	var b strings.Builder
	trees := &draw.Trees{Forest: res.Forest, Tops: []draw.Top{{Host: s.Worker.HostIndex(), Process: s.Worker, Session: s}}}
	if err := report.TreeFormats.Write(&b, "json", trees, report.Options{}); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Trees []struct {
			Processes []struct {
				ProcessID uint32 `json:"process_id"`
				Depth     int
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &doc); err != nil {
		t.Fatal(err)
	}
	var ids []string
	server := -1
	for _, p := range doc.Trees[0].Processes {
		if server >= 0 && p.Depth > server {
			ids = append(ids, fmt.Sprint(p.ProcessID))
		}
		if server < 0 && p.ProcessID == s.Worker.PID() {
			server = p.Depth
		}
	}
	return ids
}

// TestShapesHaveTheGravestLevel: a line that stands for several findings, and
// the few lines of Markdown, do not hide the gravest of them.
func TestShapesHaveTheGravestLevel(t *testing.T) {
	var list []process
	for i := range uint64(20) {
		list = append(list, process{100 + 4*i, 4, system32 + "cmd.exe", w3wp, fmt.Sprintf("cmd /c dir %c", 'a'+rune(i)), "shop"})
	}
	list = append(list, process{800, 4, system32 + "rundll32.exe", w3wp, `rundll32 C:\Windows\System32\comsvcs.dll, MiniDump 624 C:\p\l.dmp full`, "shop"})
	res := scanOf(t, list)
	lonely := *res
	lonely.Sessions, lonely.Findings = nil, nil
	for i, f := range res.Findings {
		alone := *f
		alone.Session = ""
		if alone.CommandLine = f.CommandLine; i < len(res.Findings)-1 {
			alone.CommandLine = fmt.Sprint("cmd /c dir ", i%2)
		}
		alone.Level = map[int]rules.Level{3: rules.LevelCritical}[i]
		lonely.Findings = append(lonely.Findings, &alone)
	}
	for name, res := range map[string]*scan.Result{"in a session": res, "below none": &lonely} {
		for _, format := range []string{"table", "markdown"} {
			var b bytes.Buffer
			if err := report.ScanFormats.Write(&b, format, res, report.Options{Width: 120}); err != nil {
				t.Fatal(err)
			}
			if out := b.String(); !regexp.MustCompile(`(?i)[ |]crit(ical)? .*(MiniDump|dir \d)`).MatchString(out) {
				t.Errorf("%s, %s does not show the gravest:\n%s", name, format, out)
			}
		}
	}
}
