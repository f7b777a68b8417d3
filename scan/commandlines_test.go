package scan_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
)

// TestCommandLines: what is told of processes without a command line counts
// processes, whichever source has theirs.
func TestCommandLines(t *testing.T) {
	at := func(i int) time.Duration { return time.Duration(i) * time.Minute }
	run := func(i int, line string) evtxtest.Event {
		return after(at(i), &evtxtest.ProcessCreated{
			NewProcessID: uint64(1000 + 4*i), NewProcessName: cmd, ProcessID: 700, ParentProcessName: w3wp, CommandLine: line,
		})
	}
	sysmon := func(i int) evtxtest.Event {
		one := sysmonRun(uint32(1000+4*i), 700, cmd, shopUser, 0x9999, "High")
		one.ProcessGUID = machineGUID(1, start.Add(at(i)))
		return after(at(i), one)
	}
	bareSysmon := func(i int) evtxtest.Event {
		one := sysmonRun(uint32(1000+4*i), 700, cmd, shopUser, 0x9999, "High")
		one.ProcessGUID, one.CommandLine = machineGUID(1, start.Add(at(i))), ""
		return after(at(i), one)
	}
	times := func(from, to int, of ...func(int) evtxtest.Event) []evtxtest.Event {
		var events []evtxtest.Event
		for i := from; i < to; i++ {
			for _, event := range of {
				events = append(events, event(i))
			}
		}
		return events
	}
	bare := func(i int) evtxtest.Event { return run(i, "") }
	told := func(i int) evtxtest.Event { return run(i, "cmd /c dir") }
	const all = "Security 4688 without command lines: arguments cannot be seen"
	for name, test := range map[string]struct {
		events []evtxtest.Event
		want   string
	}{
		"none at all":             {times(0, 20, bare), all},
		"starts of Windows":       {append(boot(0), times(100, 120, bare)...), all},
		"Sysmon, none at all":     {times(0, 20, bareSysmon), "processes without command lines: their arguments cannot be seen"},
		"Sysmon at the end":       {append(times(0, 20, bare), sysmon(20)), "20 of 21 processes have no command line: their arguments cannot be seen"},
		"Sysmon from a third on":  {append(times(0, 10, bare), times(10, 30, sysmon)...), "10 of 30 processes have no command line: their arguments cannot be seen"},
		"Sysmon for each":         {times(0, 20, bare, sysmon), ""},
		"Sysmon for all but few":  {append(times(0, 2, bare), times(2, 20, bare, sysmon)...), ""},
		"few without":             {append(times(0, 2, bare), times(2, 20, told)...), ""},
		"more than few without":   {append(times(0, 3, bare), times(3, 20, told)...), "3 of 20 processes have no command line: their arguments cannot be seen"},
		"none but while starting": {append(boot(0), times(100, 120, told)...), ""},
	} {
		path := filepath.Join(t.TempDir(), "a.evtx")
		logOf(t, path, test.events...)
		var got []string
		for _, b := range mustScan(t, scan.Options{Paths: []string{path}}).Summary.Blind {
			got = append(got, b.Text)
		}
		if want := slices.DeleteFunc([]string{test.want}, func(s string) bool { return s == "" }); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
