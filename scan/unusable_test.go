package scan_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/integrity"
)

// machineGUID returns a process GUID of a machine and a time.
func machineGUID(machine byte, at time.Time) evtxtest.GUID {
	unix := uint32(at.Unix())
	return evtxtest.GUID{machine, 0, 0, 0, byte(unix), byte(unix >> 8), byte(unix >> 16), byte(unix >> 24), 1}
}

// TestShiftedFields (issue 10, point 7): records whose fields hold those of
// others are counted and named, and nothing is made of them.
func TestShiftedFields(t *testing.T) {
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	worker := sysmonRun(100, 4, w3wp, shopUser, 0x9999, "High")
	worker.ProcessGUID = machineGUID(1, start)
	shifted := sysmonRun(3145777, 100, " 09:00:02.000", shopUser, 0x9999, "High")
	shifted.ProcessGUID = machineGUID(1, start.Add(-1000*time.Hour))
	shifted.CommandLine = "cmd.exe /c whoami"
	res := mustScan(t, scan.Options{Paths: []string{webLog(t, worker, shifted, shifted)}})
	if len(res.Findings) > 0 || res.Coverage[0].Unusable != 2 {
		t.Errorf("%d findings, %d unusable, want none and 2", len(res.Findings), res.Coverage[0].Unusable)
	}
	const want = "unusable: 2 of 3 Sysmon process events"
	if !slices.ContainsFunc(res.Summary.Blind, func(b scan.Blind) bool { return b.Host == "WEB01" && strings.HasPrefix(b.Text, want) }) {
		t.Errorf("blind for %v, want %s", res.Summary.Blind, want)
	}
}

// TestUnusableIsBlind: a host whose every process creation is unusable is
// blind, and one with a single usable one is not.
func TestUnusableIsBlind(t *testing.T) {
	shifted := sysmonRun(3145777, 100, " 09:00:02.000", shopUser, 0x9999, "High")
	shifted.ProcessGUID = machineGUID(1, start.Add(-1000*time.Hour))
	usable := sysmonRun(100, 4, w3wp, shopUser, 0x9999, "High")
	for _, test := range []struct {
		name  string
		runs  []evtxtest.Source
		blind bool
	}{{"all", []evtxtest.Source{shifted, shifted}, true}, {"one", []evtxtest.Source{shifted, usable}, false}} {
		res := mustScan(t, scan.Options{Paths: []string{webLog(t, test.runs...)}})
		if got := len(res.Summary.BlindHosts) == 1; got != test.blind {
			t.Errorf("%s: blind hosts %v", test.name, res.Summary.BlindHosts)
		}
		if got := strings.Contains(res.Coverage[0].Blind, "2 are unusable"); got != test.blind {
			t.Errorf("%s: coverage says %q", test.name, res.Coverage[0].Blind)
		}
	}
}

// TestNoCommandLine: a 4688 whose command line is unknown has none.
func TestNoCommandLine(t *testing.T) {
	for line, want := range map[string]int{"-": 0, "": 0, "?": 0, "NULL": 0, "cmd.exe /c -": 1} {
		path := filepath.Join(t.TempDir(), "a.evtx")
		logOf(t, path, after(0, &evtxtest.ProcessCreated{
			NewProcessID: 100, NewProcessName: cmd, ProcessID: 700, ParentProcessName: w3wp, CommandLine: line,
		}))
		if got := mustScan(t, scan.Options{Paths: []string{path}}).Coverage[0].CommandLines; got != want {
			t.Errorf("%q: %d command lines, want %d", line, got, want)
		}
	}
}

// TestNoCommandLineOfBoot: what Windows logs while it starts has no command
// line, and says nothing of whether those of other processes are logged.
func TestNoCommandLineOfBoot(t *testing.T) {
	var boot []evtxtest.Event
	for i, name := range []string{"smss.exe", "csrss.exe", "wininit.exe"} {
		boot = append(boot, after(time.Duration(i), &evtxtest.ProcessCreated{
			Subject: evtxtest.Account{LogonID: 0x3e7}, NewProcessID: uint64(300 + i), NewProcessName: `C:\Windows\System32\` + name,
			ProcessID: 4, ParentProcessName: "",
		}))
	}
	run := func(line string) evtxtest.Event {
		return after(60, &evtxtest.ProcessCreated{NewProcessID: 5000, NewProcessName: cmd, ProcessID: 700, ParentProcessName: w3wp, CommandLine: line})
	}
	for _, test := range []struct {
		lines []string
		want  string // what is said of the host
	}{
		{[]string{"cmd.exe /c dir"}, ""},
		{[]string{""}, "Security 4688 without command lines: arguments cannot be seen"},
		{[]string{"", "", "cmd.exe /c dir"}, "2 of 3 processes have no command line: their arguments cannot be seen"},
	} {
		path := filepath.Join(t.TempDir(), "a.evtx")
		events := slices.Clone(boot)
		for _, line := range test.lines {
			events = append(events, run(line))
		}
		logOf(t, path, events...)
		res := mustScan(t, scan.Options{Paths: []string{path}})
		var got string
		for _, b := range res.Summary.Blind {
			got += b.Text
		}
		if got != test.want || res.Coverage[0].Booting != len(boot) {
			t.Errorf("%q: %q, want %q; %d while booting", test.lines, got, test.want, res.Coverage[0].Booting)
		}
	}
}

// TestSeveralMachines (issue 10, point 8): machines of one name are told.
func TestSeveralMachines(t *testing.T) {
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for _, second := range []byte{1, 2} {
		one, two := sysmonRun(100, 4, w3wp, shopUser, 0x9999, "High"), sysmonRun(200, 100, cmd, shopUser, 0x9999, "High")
		one.ProcessGUID, two.ProcessGUID = machineGUID(1, start), machineGUID(second, start.Add(time.Minute))
		res := mustScan(t, scan.Options{Paths: []string{webLog(t, one, two)}})
		told := slices.ContainsFunc(res.Integrity, func(i *integrity.Finding) bool { return i.Kind == integrity.SeveralMachines && i.Count == 2 })
		if crossed := len(res.Findings) > 0 && res.Findings[0].WorkerStart != 0; told != (second == 2) || crossed != (second == 1) {
			t.Errorf("second machine %d: told %v, a link from one to the other %v", second, told, crossed)
		}
	}
}
