package scan_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/integrity"
)

// stopLines returns what is said of services that stopped.
func stopLines(res *scan.Result) []string {
	var list []string
	for _, i := range res.Integrity {
		if i.Kind == integrity.LogServiceStopped || i.Kind == integrity.SysmonStopped {
			list = append(list, i.Level.String()+" "+i.Text)
		}
	}
	return list
}

// TestStopped: a service that stopped with the system is a notice, however long
// the system was off and in whichever log that stands, and one that stopped
// while the system went on a warning.
func TestStopped(t *testing.T) {
	type logs = map[string][]evtxtest.Event
	const (
		hour, day = time.Hour, 24 * time.Hour
		eventLog  = "the event log service stopped"
		sysmon    = "Sysmon said: stopped"
		down      = " as the system was shut down"
		ranOn     = " and the system was not shut down"
		wasAsked  = " after a shutdown of the system was asked for"
	)
	state := func(d time.Duration, what string) evtxtest.Event {
		return after(d, &evtxtest.SysmonServiceState{State: what})
	}
	boot := func(d time.Duration) evtxtest.Event { return after(d, evtxtest.SecurityStarted{}) }
	stop := func(d time.Duration) evtxtest.Event { return after(d, evtxtest.EventlogShutdown{}) }
	stop6006 := func(d time.Duration) evtxtest.Event { return after(d, evtxtest.EventlogStopped{}) }
	start6005 := func(d time.Duration) evtxtest.Event { return after(d, evtxtest.EventlogStarted{}) }
	kernel12 := func(d time.Duration) evtxtest.Event { return after(d, &evtxtest.KernelStarted{Major: 10}) }
	kernel13 := func(d time.Duration) evtxtest.Event { return after(d, &evtxtest.KernelStopped{}) }
	asked := func(d time.Duration) evtxtest.Event { return after(d, &evtxtest.ShutdownAsked{Kind: "power off"}) }
	other := func(d time.Duration) evtxtest.Event { return after(d, &evtxtest.ServiceState{Name: "a"}) }
	machine := func(n byte, d time.Duration) evtxtest.Event {
		run := sysmonRun(1000, 4, cmd, shopUser, 0x9999, "High")
		run.ProcessGUID = machineGUID(n, start.Add(d))
		return after(d, run)
	}
	var allDay []evtxtest.Event
	for d := 2 * hour; d < 20*hour; d += 10 * time.Minute {
		allDay = append(allDay, other(d))
	}
	for _, test := range []struct {
		name string
		logs logs
		want []string
	}{
		{
			"by hand, and the log goes on",
			logs{"Security": {boot(0), stop(2 * hour), creation(2*hour+5*time.Minute, 1000), creation(3*day, 1004)}},
			[]string{"warning " + eventLog + ranOn},
		},
		{
			"by hand, a little before the logs were collected",
			logs{"Security": {boot(0), stop(2 * hour), creation(2*hour+5*time.Minute, 1000)}},
			[]string{"warning " + eventLog + ranOn},
		},
		{
			"by hand, as System says too",
			logs{"Security": {boot(0), stop(2 * hour), creation(4*hour, 1000)}, "System": {kernel12(-1), stop6006(2 * hour), start6005(4 * hour), other(3 * day)}},
			[]string{"warning " + eventLog + ranOn},
		},
		{
			"by hand, as only System says",
			logs{"System": {kernel12(-1), stop6006(2 * hour), start6005(4 * hour), other(3 * day)}},
			[]string{"warning " + eventLog + ranOn},
		},
		{
			"by hand, and restarted later",
			logs{"Security": {boot(0), stop(2 * hour), boot(20 * hour)}, "System": allDay},
			[]string{"warning " + eventLog + ranOn},
		},
		{
			"Sysmon by hand",
			logs{"Security": {boot(0), creation(hour, 1000), creation(3*day, 1004)}, "Sysmon": {state(0, "Started"), state(2*hour, "Stopped")}},
			[]string{"warning " + sysmon + ranOn},
		},
		{
			"off for the night, as System says",
			logs{
				"System": {kernel12(0), start6005(1), asked(2 * hour), stop6006(2*hour + 1), kernel13(2*hour + 2), kernel12(16 * hour), start6005(16*hour + 1)},
				"Sysmon": {state(2, "Started"), state(2*hour, "Stopped"), state(16*hour+2, "Started")},
			},
			[]string{"notice " + sysmon + down},
		},
		{
			"off for the night, without starts in Security",
			logs{
				"Security": {creation(hour, 1000), stop(2 * hour), creation(16*hour+3*time.Second, 1004), creation(20*hour, 1008)},
				"System":   {kernel12(0), stop6006(2 * hour), kernel12(16 * hour), other(20 * hour)},
			},
			[]string{"notice " + eventLog + down},
		},
		{
			"off for the night, Sysmon the last to stop",
			logs{
				"Security": {boot(0), stop(2 * hour), boot(16 * hour), creation(20*hour, 1000)},
				"Sysmon":   {state(1, "Started"), state(2*hour+2*time.Second, "Stopped"), state(16*hour, "Started")},
			},
			[]string{"notice " + sysmon + down, "notice " + eventLog + down},
		},
		{
			"off for the night, the start in the next file",
			logs{"Archive-Security": {boot(0), stop(2 * hour)}, "Security": {boot(16 * hour), creation(20*hour, 1000)}},
			[]string{"notice " + eventLog + down},
		},
		{
			"shut down, and the next start is not logged",
			logs{"Security": {boot(0), stop(2 * hour), creation(20*hour, 1000)}, "System": {kernel13(2*hour + 1)}},
			[]string{"notice " + eventLog + down},
		},
		{
			"a shutdown was asked for, and the logs end",
			logs{"Security": {boot(0), stop(2 * hour)}, "System": {asked(2*hour - time.Minute)}},
			[]string{"notice " + eventLog + wasAsked},
		},
		{
			"a shutdown was asked for and not made, in logs without starts",
			logs{"Security": {creation(0, 1000), stop(2 * hour), creation(2*hour+20*time.Minute, 1004)}, "System": {asked(2*hour - 20*time.Minute)}},
			[]string{"notice " + eventLog + wasAsked},
		},
		{
			"off for the night, and another machine of the name goes on",
			logs{"Security": {boot(0), stop(2 * hour), boot(16 * hour), machine(1, 20*hour)}, "Other": {machine(2, 3*hour), machine(2, 19*hour)}},
			[]string{"notice " + eventLog},
		},
		{
			"logs without starts",
			logs{"Security": {creation(0, 1000), stop(2 * hour), creation(20*hour, 1004)}},
			[]string{"notice " + eventLog},
		},
		{
			"the log with starts begins later",
			logs{"Security": {creation(0, 1000), stop(2 * hour), creation(20*hour, 1004)}, "System": {other(18 * hour), kernel12(3 * day)}},
			[]string{"notice " + eventLog},
		},
	} {
		folder := t.TempDir()
		for name, events := range test.logs {
			logOf(t, filepath.Join(folder, name+".evtx"), events...)
		}
		res := mustScan(t, scan.Options{Paths: []string{folder}})
		got := stopLines(res)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestStopsBuried: each of many stops is looked at, not only the first ones.
func TestStopsBuried(t *testing.T) {
	const day = 24 * time.Hour
	var events []evtxtest.Event
	for n := range 60 {
		at := time.Duration(n) * day
		if n != 50 {
			events = append(events, after(at, evtxtest.SecurityStarted{}))
		}
		events = append(events, creation(at+time.Minute, 1000), after(at+8*time.Hour, evtxtest.EventlogShutdown{}))
	}
	lines := stopLines(mustScan(t, scan.Options{Paths: []string{logFolder(t, "Security.evtx", events)}}))
	want := []string{
		"warning the event log service stopped and the system was not shut down",
		"notice the event log service stopped as the system was shut down", "notice the event log service stopped",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStoppedInLongLog: of a log over so long a time that little is kept of
// when it has records, the creations of processes say whether the system ran.
// Where there are none, it is not said that it was shut down.
func TestStoppedInLongLog(t *testing.T) {
	const (
		step, day = 20 * time.Minute, 24 * time.Hour
		off       = 4 * step
		stopped   = "notice the event log service stopped"
		ranOn     = "warning the event log service stopped and the system was not shut down"
	)
	process := func(d time.Duration) evtxtest.Event { return creation(d, 1000) }
	other := func(d time.Duration) evtxtest.Event { return after(d, &evtxtest.Logoff{}) }
	for _, test := range []struct {
		what   string
		during func(time.Duration) evtxtest.Event
		want   []string
	}{
		{"off", nil, []string{stopped, stopped + " as the system was shut down"}},
		{"processes start", process, []string{ranOn}},
		{"other records", other, []string{stopped, ranOn}},
	} {
		for offset := time.Duration(0); offset < 2*time.Hour; offset += 2 * step { // over the stretches by which records are counted
			stop := 100*day + offset
			events := []evtxtest.Event{after(0, evtxtest.SecurityStarted{})}
			for d := step; d < 200*day; d += step {
				switch {
				case d == stop:
					events = append(events, after(d, evtxtest.EventlogShutdown{}))
				case d == stop+off:
					events = append(events, after(d, evtxtest.SecurityStarted{}))
				case d < stop || d > stop+off:
					events = append(events, process(d))
				case test.during != nil:
					for n := range 16 { // too many records for the start to be among the next ones
						events = append(events, test.during(d+time.Duration(n)*time.Second))
					}
				}
			}
			lines := stopLines(mustScan(t, scan.Options{Paths: []string{logFolder(t, "Security.evtx", events)}}))
			if len(lines) != 1 || !slices.Contains(test.want, lines[0]) {
				t.Errorf("%s at %v: %q, want one of %q", test.what, stop, lines, test.want)
			}
		}
	}
}
