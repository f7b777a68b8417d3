package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webshellscan/internal/evtxtest"
	"webshellscan/report"
	"webshellscan/scan"
)

var update = flag.Bool("update", false, "rewrite the golden files and the expectations of the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"webshellscan": main})
}

// repository is the root of the project, as seen from here.
const repository = "../.."

// TestScripts runs the command line as users do: one script for each behaviour.
// In a script, logs/ holds the logs that makeLogs writes, and $SHIPPED is the
// folder of the shipped ones.
func TestScripts(t *testing.T) {
	shipped, err := filepath.Abs(filepath.Join(repository, "testdata/logs"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHIPPED", shipped)
			env.Setenv("NO_COLOR", "")
			env.Setenv("LC_ALL", "C.UTF-8")
			return makeLogs(filepath.Join(env.WorkDir, "logs"))
		},
		Condition: func(cond string) (bool, error) {
			if cond == "devfull" {
				_, err := os.Stat("/dev/full")
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// makeLogs writes small logs: one with a web shell, one without process events,
// one that is damaged, and files that are no logs.
func makeLogs(folder string) error {
	at := time.Date(2026, 3, 2, 8, 30, 0, 0, time.UTC)
	recordID := uint64(7000)
	created := func(seconds int, pid, parent uint64, image, parentImage, command string) evtxtest.Event {
		ev := evtxtest.NewEvent(at.Add(time.Duration(seconds)*time.Second), "WEB01.corp.example", &evtxtest.ProcessCreated{
			NewProcessID: pid, NewProcessName: image, ProcessID: parent, ParentProcessName: parentImage, CommandLine: command,
			Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-82-1"), Name: "shop", Domain: "IIS APPPOOL", LogonID: 0x9999},
		})
		ev.RecordID = recordID
		recordID++
		return ev
	}
	const system32 = `C:\Windows\System32\`
	attack := []evtxtest.Event{
		created(0, 4000, 700, system32+`inetsrv\w3wp.exe`, system32+"svchost.exe", `w3wp.exe -ap "shop"`),
		created(10, 4100, 4000, system32+"cmd.exe", system32+`inetsrv\w3wp.exe`, `cmd.exe /c whoami`),
		created(11, 4200, 4100, system32+"whoami.exe", system32+"cmd.exe", "whoami"),
		created(86400, 4300, 4000, system32+"cmd.exe", system32+`inetsrv\w3wp.exe`, "=cmd|'x'!A0 \x1b[31m"),
	}
	quiet := []evtxtest.Event{evtxtest.NewEvent(at, "FILE01", &evtxtest.ServiceState{})}
	noCommandLines := []evtxtest.Event{created(0, 500, 4, system32+"smss.exe", "", "")}
	noCommandLines[0].Computer = "DC01"
	files := map[string][]evtxtest.Event{"web/Security.evtx": attack, "quiet/System.evtx": quiet, "dc/Security.evtx": noCommandLines, "web/renamed.bin": quiet}
	for name, events := range files {
		file, err := evtxtest.Build(evtxtest.Options{}, events)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(folder, name), file.Data); err != nil {
			return err
		}
		if name == "web/Security.evtx" {
			r := file.Chunks[0].Records[2]
			copy(file.RecordData(&r), []byte{0, 0, 0, 0, 0, 0, 0, 0})
			if err := write(filepath.Join(folder, "broken/Security.evtx"), file.Data[:len(file.Data)-100]); err != nil {
				return err
			}
		}
	}
	return write(filepath.Join(folder, "web/notes.txt"), []byte("no log\n"))
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// runHere runs a command line in this process.
func runHere(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return status, out.String(), errs.String()
}

// TestGolden compares what is said of the shipped logs with the golden files,
// for several numbers of workers: the same input gives the same bytes.
func TestGolden(t *testing.T) {
	t.Chdir(repository)
	t.Setenv("LC_ALL", "C.UTF-8")
	tests := []struct {
		name string
		args []string
	}{
		{"sessions.txt", []string{"testdata/logs"}},
		{"findings.txt", []string{"testdata/logs", "--flat"}},
		{"sessions.csv", []string{"testdata/logs", "--format", "csv", "--sessions"}},
		{"sessions.csv", []string{"testdata/logs", "--format", "sessions-csv"}},
		{"report.json", []string{"testdata/logs", "--format", "json", "--host", "MAIL01"}},
		{"findings.csv", []string{"testdata/logs", "--format", "csv"}},
		{"findings.jsonl", []string{"testdata/logs", "--format", "jsonl"}},
		{"findings.timesketch.jsonl", []string{"testdata/logs", "--format", "timesketch"}},
		{"findings.timesketch.csv", []string{"testdata/logs", "--format", "timesketch-csv"}},
		{"findings.navigator.json", []string{"testdata/logs", "--format", "navigator"}},
		{"findings.timeline.csv", []string{"testdata/logs", "--format", "timeline"}},
		{"findings.indicators.csv", []string{"testdata/logs", "--format", "indicators"}},
		{"findings.stack.csv", []string{"testdata/logs", "--format", "stack"}},
		{"findings.md", []string{"testdata/logs", "--format", "markdown"}},
		{"tree.txt", []string{"tree", "testdata/logs", "--host", "web02", "--pid", "9012"}},
		{"tree.json", []string{"tree", "testdata/logs", "--host", "web02", "--pid", "9012", "--format", "json", "--depth", "2"}},
		{"tree.dot", []string{"tree", "testdata/logs", "--host", "web02", "--pid", "9012", "--format", "dot", "--max", "20"}},
		{"tree.mmd", []string{"tree", "testdata/logs", "--host", "web02", "--pid", "9012", "--format", "mermaid", "--since", "2024-03-11T10:12:00Z", "--until", "2024-03-11T10:14:00Z"}},
		{"host.txt", []string{"tree", "testdata/logs", "--host", "MAIL01", "--ascii"}},
		{"verify.txt", []string{"verify", "testdata/logs"}},
		{"verify.csv", []string{"verify", "testdata/logs", "--format", "csv"}},
	}
	written := []string{"table", "html"} // the default, and one with tests of its own
	for _, tt := range tests {
		if i := slices.Index(tt.args, "--format"); i == 1 {
			written = append(written, tt.args[i+1])
		}
	}
	for _, format := range report.ScanFormats.Names() {
		if !slices.Contains(written, format) {
			t.Errorf("no golden file has the format %s", format)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			golden := filepath.Join("testdata/golden", tt.name)
			for _, workers := range []string{"1", "2", "8"} {
				_, stdout, _ := runHere(t, append(tt.args, "--workers", workers)...)
				stdout = strings.ReplaceAll(stdout, `testdata\\logs\\`, "testdata/logs/")
				stdout = strings.ReplaceAll(stdout, version(), "VERSION")
				if *update && workers == "1" {
					if err := write(golden, []byte(stdout)); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), stdout); diff != "" {
					t.Errorf("%s workers (-golden +got), -update rewrites it:\n%s", workers, diff)
				}
			}
		})
	}
}

// TestSummaryGolden does the same for what goes to standard error.
func TestSummaryGolden(t *testing.T) {
	t.Chdir(repository)
	status, _, stderr := runHere(t, "testdata/logs")
	if status != exitFindings {
		t.Errorf("exit status %d", status)
	}
	const golden = "testdata/golden/summary.txt"
	if *update {
		if err := write(golden, []byte(stderr)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), stderr); diff != "" {
		t.Errorf("summary (-golden +got), -update rewrites it:\n%s", diff)
	}
}

// TestReadmeExample: the README shows what the program really says.
func TestReadmeExample(t *testing.T) {
	t.Chdir(repository)
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := strings.ReplaceAll(string(data), "\r\n", "\n")
	before, rest, ok := strings.Cut(readme, "<!-- example: webshellscan testdata/logs --host WEB02 -->\n```\n")
	shown, after, ok2 := strings.Cut(rest, "```\n<!-- end of example -->")
	if !ok || !ok2 {
		t.Fatal("README.md has no example")
	}
	t.Setenv("LC_ALL", "C.UTF-8")
	_, stdout, _ := runHere(t, "testdata/logs", "--host", "WEB02")
	if *update {
		readme = before + "<!-- example: webshellscan testdata/logs --host WEB02 -->\n```\n" + stdout + "```\n<!-- end of example -->" + after
		if err := write("README.md", []byte(readme)); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(shown, stdout); diff != "" {
		t.Errorf("README.md (-shown +got), -update rewrites it:\n%s", diff)
	}
}

// TestUsageFlags: docs/USAGE.md names every flag and exit status.
func TestUsageFlags(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(repository, usagePage))
	if err != nil {
		t.Fatal(err)
	}
	named := func(text string) {
		if !strings.Contains(string(data), text) {
			t.Errorf("%s does not name %s", usagePage, text)
		}
	}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return
		}
		cmd.InheritedFlags() // cobra adds its own flags late
		cmd.Flags().VisitAll(func(f *pflag.Flag) { named("`--" + f.Name + "`") })
		for _, below := range cmd.Commands() {
			visit(below)
		}
	}
	visit(newRootCommand(&globals{}))
	for _, status := range []int{exitNothing, exitFindings, exitUsage, exitIncomplete, exitInterrupted} {
		named(fmt.Sprintf("| %d | ", status))
	}
}

// TestInterrupted: a scan that is stopped says so, and reports what it has.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	status := run(ctx, []string{filepath.Join(repository, "testdata/logs")}, strings.NewReader(""), &out, &errs)
	if status != exitInterrupted || !strings.Contains(errs.String(), "INTERRUPTED") {
		t.Errorf("exit status %d, %s", status, errs.String())
	}
}

// TestRulesInterrupted: a verb about rules that is stopped says so by its exit
// status: not all rules were read.
func TestRulesInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, verb := range [][]string{{"rules", "check", "../../rules/builtin"}, {"rules", "list"}, {"rules", "show", "web_server_iis"}} {
		var out, errs bytes.Buffer
		if status := run(ctx, verb, strings.NewReader(""), &out, &errs); status != exitInterrupted {
			t.Errorf("%v: exit status %d, %s", verb, status, errs.String())
		}
	}
}

// TestProgressLine: what the line on a terminal says.
func TestProgressLine(t *testing.T) {
	wide := runewidth.DefaultCondition.EastAsianWidth
	runewidth.DefaultCondition.EastAsianWidth = false // by the locale, as is right for a terminal
	t.Cleanup(func() { runewidth.DefaultCondition.EastAsianWidth = wide })
	p := scanProgress{Progress: new(scan.Progress), width: 60}
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	says := func(after time.Duration, want string) {
		t.Helper()
		at = at.Add(after)
		if got := p.text(at); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	says(time.Second, "finding files")
	archive, file := "case/disk\x1b.e01", "logs/WEB01/Microsoft-Windows-Sysmon%4Operational\x1b[31m.evtx"
	p.File.Store(&archive)
	says(100*time.Second, `finding files, disk\x1B.e01`)
	p.Enter(scan.PhaseReading)
	says(0, "reading")
	p.Total.Store(4 << 30)
	p.File.Store(&file)
	says(0, "0 bytes of 4.0 GiB, 0%, Microsoft-Windows-Sysmon%4Operatio…")
	p.Done.Store(1 << 30)
	says(2*time.Second, "1.0 GiB of 4.0 GiB, 25%, 512.0 MiB/s, 6s left, Microsoft-W…")
	p.Done.Store(4 << 30)
	says(6*time.Second, "reading")
	for _, phase := range []struct {
		scan.Phase
		want string
	}{
		{scan.PhaseTrees, "building trees"}, {scan.PhaseRules, "applying rules"}, {scan.PhaseStory, "reading the story"}, {scan.PhaseIntegrity, "checking the logs"},
	} {
		p.Enter(phase.Phase)
		says(time.Second, phase.want)
	}
	p.ToHash.Store(40)
	p.Hashed.Store(11)
	p.Enter(scan.PhaseHashing)
	says(time.Second, "hashing 12 of 40")
	p.Hashed.Store(40)
	says(time.Second, "hashing 40 of 40")
}

// lockedBuffer is a buffer that one goroutine reads while another writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestProgressIsDrawn: what takes long enough is drawn, and the line is cleared
// then.
func TestProgressIsDrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		line := startProgress(t.Context(), &out, func(time.Time) string { return "writing report.html" })
		time.Sleep(progressDelay - time.Millisecond)
		synctest.Wait()
		if got := out.String(); got != "" {
			t.Errorf("%q is drawn at once", got)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := out.String(); got != "\r\x1b[Kwriting report.html" {
			t.Errorf("%q", got)
		}
		line.finish()
		if got := out.String(); !strings.HasSuffix(got, "\r\x1b[K") {
			t.Errorf("the line is not cleared: %q", got)
		}
	})
}

// usagePage is where all flags and formats are said.
const usagePage = "docs/USAGE.md"

// TestUsageFormats: docs/USAGE.md names every format of every verb where it
// describes the verb, those of scans and trees with the endings of their files,
// and docs/OUTPUT.md says of those of scans what is in them.
func TestUsageFormats(t *testing.T) {
	page := func(name string) string {
		data, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	usage, output := page(usagePage), strings.ToLower(page("docs/OUTPUT.md"))
	for _, section := range []struct {
		heading string
		list    formats
		endings bool
	}{
		{"## Formats", report.ScanFormats, true},
		{"### verify", report.VerifyFormats, false},
		{"### tree", report.TreeFormats, true},
		{"### find", report.FindFormats, false},
		{"### explain and rules", report.ExplainFormats, false},
		{"### explain and rules", report.RuleListFormats, false},
		{"### explain and rules", report.RuleShowFormats, false},
		{"### explain and rules", report.RuleCheckFormats, false},
		{"### diff", report.DiffFormats, false},
	} {
		_, text, _ := strings.Cut(usage, "\n"+section.heading+"\n")
		text, _, _ = strings.Cut(text, "\n##")
		for _, format := range section.list.Names() {
			name := regexp.QuoteMeta("`" + format + "`")
			if section.endings {
				name += `[\s|(]+` + "`" + regexp.QuoteMeta(strings.Join(section.list.Endings(format), "`, `"))
			}
			if !regexp.MustCompile(name).MatchString(text) {
				t.Errorf("%s: %s has no %s", usagePage, section.heading, name)
			}
		}
	}
	for _, format := range report.ScanFormats.Names() {
		if !strings.Contains(output, "`"+format+"`") && !strings.Contains(output, "\n## "+format) {
			t.Errorf("docs/OUTPUT.md does not say what is in %s", format)
		}
	}
}
