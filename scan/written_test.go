package scan_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// writtenRow is a program below a web server, and what a log says of who wrote
// its file.
type writtenRow struct {
	program string
	writer  uint64 // process ID: 100 is the server's, 200 a shell's below it, 900 a process of nobody
	second  int    // of the writing; the program begins at 30
	access  string // of an audited write; "" is Sysmon's event
	want    bool
}

var writtenRows = []writtenRow{
	{`D:\shop\bin\a.exe`, 100, 20, "", true},
	{`D:\shop\bin\b.exe`, 200, 20, "", true},
	{`D:\shop\bin\c.exe`, 100, 40, "", false},                 // after it ran
	{`D:\shop\bin\d.exe`, 900, 20, "", false},                 // by another
	{`D:\shop\bin\wkhtmltopdf.exe`, 100, 20, "", false},       // a library brings it
	{`D:\shop\bin\e.exe`, 100, 20, "0x2", true},               // WriteData
	{`D:\shop\bin\f.exe`, 200, 20, "0x1", false},              // ReadData
	{`\\?\D:\shop\bin\g.exe`, 100, 20, "", true},              // one path, written in two ways
	{`D:\shop\bin\h.exe:Zone.Identifier`, 200, 20, "", false}, // no program's own file
	{`D:\shop\bin\i.exe`, 200, 30, "", true},                  // at once
	{`D:\shop\bin\j.exe`, 200, 20, "0x10000", false},          // DELETE
	{`D:\shop\bin\k.exe`, 200, 20, "0x4", true},               // AppendData
}

// writtenEvent returns the event that says who wrote a file.
func (r *writtenRow) event(at time.Time) evtxtest.Event {
	images := map[uint64]string{100: workerPath, 200: shell, 900: `C:\x\agent.exe`}
	if r.access == "" {
		e := storyEvent{host: "WEB1", channel: "Microsoft-Windows-Sysmon/Operational", provider: "Microsoft-Windows-Sysmon", id: 11, pid: 4}
		e.fields = "ProcessId=" + map[uint64]string{100: "100", 200: "200", 900: "900"}[r.writer] + "|Image=" + images[r.writer] + "|TargetFilename=" + r.program
		ev := e.record()
		ev.Time = evtxtest.FileTimeOf(at)
		return ev
	}
	e := storyEvent{host: "WEB1", channel: securityLog, provider: auditing, id: 4663, pid: 4}
	e.fields = "ObjectType=File|ObjectName=" + r.program + "|AccessMask=" + r.access + "|ProcessId=" +
		map[uint64]string{100: "0x64", 200: "0xc8"}[r.writer] + "|ProcessName=" + images[r.writer]
	ev := e.record()
	ev.Time = evtxtest.FileTimeOf(at)
	return ev
}

// TestWritten: a program that a process of the session wrote before it ran
// raises the level of the finding and of the session, whatever goroutines there
// are and whichever level is asked for.
func TestWritten(t *testing.T) {
	dir := writeWritten(t, true)
	var part bytes.Buffer
	if _, err := scan.Collect(t.Context(), scan.Options{Paths: []string{dir}}, "", &part); err != nil {
		t.Fatal(err)
	}
	collected := filepath.Join(t.TempDir(), "all"+scan.PartialEnding)
	writeFile(t, collected, part.Bytes())
	for _, path := range []string{dir, collected} {
		for _, goroutines := range []int{1, 8} {
			checkWritten(t, mustScan(t, scan.Options{Paths: []string{path}, Goroutines: goroutines, MinLevel: rules.LevelHigh}))
		}
	}
}

// checkWritten compares what was raised with writtenRows.
func checkWritten(t *testing.T, res *scan.Result) {
	t.Helper()
	if len(res.Sessions) != 1 || res.Sessions[0].Level < rules.LevelHigh {
		t.Fatalf("%d sessions", len(res.Sessions))
	}
	got := make(map[string]bool)
	for _, f := range res.Findings {
		for _, r := range f.LevelReasons {
			if r.Rule != nil && r.Rule.Name == "behaviour_runs_written" && !strings.HasPrefix(r.Why, "below it") {
				got[f.Image] = r.Effect == finding.LevelAtLeast
			}
		}
	}
	for _, r := range writtenRows {
		if image := runOf(r.program); got[image] != r.want {
			t.Errorf("%s: raised %v, want %v", r.program, got[image], r.want)
		}
	}
	if got := res.Sessions[0].Processes; got != len(writtenRows)+1 {
		t.Errorf("%d processes: they were counted twice", got)
	}
}

// runOf returns the image of the program whose file was written.
func runOf(file string) string {
	image, _, _ := strings.Cut(strings.TrimPrefix(file, `\\?\`), ":Zone")
	return image
}

// writeWritten writes the logs of a server that starts each program of
// writtenRows, with who wrote these or without.
func writeWritten(t *testing.T, writers bool) string {
	t.Helper()
	at := func(second int) time.Time { return storyStart.Add(time.Duration(second) * time.Second) }
	var events []evtxtest.Event
	create := func(second int, pid, parent uint32, image, parentImage string) {
		events = append(events, evtxtest.NewEvent(at(second), "WEB1", &evtxtest.SysmonProcessCreate{
			ProcessID: pid, ParentProcessID: parent, Image: image, CommandLine: image, User: `IIS APPPOOL\shop`, LogonID: 0xAAAA, IntegrityLevel: "High",
			ParentImage: parentImage, ParentCommandLine: parentImage,
		}))
	}
	create(0, 100, 50, workerPath, `C:\Windows\System32\svchost.exe`)
	create(1, 900, 50, `C:\x\agent.exe`, `C:\Windows\System32\services.exe`)
	create(10, 200, 100, shell, workerPath)
	for i, r := range writtenRows {
		if writers {
			events = append(events, r.event(at(r.second)))
		}
		create(30, uint32(1000+4*i), 100, runOf(r.program), workerPath)
	}
	dir := t.TempDir()
	writeLog(t, filepath.Join(dir, "sysmon.evtx"), evtxtest.Options{RecordsPerChunk: 1}, events) // chunks are held each by itself
	var web strings.Builder
	web.WriteString("#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status time-taken\r\n")
	fmt.Fprintf(&web, "%s POST /run.aspx - 198.51.100.7 curl 200 900\r\n", at(30).Format(time.DateTime))
	writeFile(t, filepath.Join(dir, "inetpub", "logs", "W3SVC1", "u_ex260302.log"), []byte(web.String()))
	return dir
}

// TestWrittenAndKnown: a baseline that knows a program knows it up to a level:
// not when it was written by the server before it ran.
func TestWrittenAndKnown(t *testing.T) {
	var baseline bytes.Buffer
	if err := finding.WriteBaseline(&baseline, mustScan(t, scan.Options{Paths: []string{writeWritten(t, false)}}).Findings); err != nil {
		t.Fatal(err)
	}
	known, err := finding.ReadBaseline(&baseline)
	if err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{writeWritten(t, true)}, Baseline: known})
	is := make(map[string]bool)
	for _, f := range res.Findings {
		is[f.Image] = f.Known
	}
	for _, r := range writtenRows {
		image := runOf(r.program)
		if known, found := is[image]; known == r.want && (found || r.want) {
			t.Errorf("%s: known %v", image, known)
		}
	}
	if res.Sessions[0].Known {
		t.Error("the session is known")
	}
}

// TestLevelOfStory: what a level leaves out is left out with its events and
// requests.
func TestLevelOfStory(t *testing.T) {
	dir := writeWritten(t, true)
	all := mustScan(t, scan.Options{Paths: []string{dir}})
	if len(all.Sessions) != 1 || len(all.Requests) == 0 || len(all.Events) == 0 || all.Sessions[0].Level != rules.LevelHigh {
		t.Fatalf("%d requests, %d events", len(all.Requests), len(all.Events))
	}
	res := mustScan(t, scan.Options{Paths: []string{dir}, MinLevel: rules.LevelCritical})
	if len(res.Sessions)+len(res.Findings)+len(res.Requests) > 0 {
		t.Errorf("%d sessions, %d findings, %d requests", len(res.Sessions), len(res.Findings), len(res.Requests))
	}
	for _, e := range res.Events {
		if e.Session != nil {
			t.Errorf("an event of a session: %s", e.Summary)
		}
	}
}
