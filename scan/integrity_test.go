package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/evtx"
	"webshellscan/scan/integrity"
)

// start is when the logs of these tests begin.
var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// logOf writes events of WEB01 into a log, numbered from 100.
func logOf(t *testing.T, path string, events ...evtxtest.Event) {
	t.Helper()
	for i := range events {
		events[i].RecordID = uint64(100 + i)
	}
	writeLog(t, path, evtxtest.Options{}, events)
}

// writeLog writes events into a log.
func writeLog(t testing.TB, path string, options evtxtest.Options, events []evtxtest.Event) {
	t.Helper()
	file, err := evtxtest.Build(options, events)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, file.Data)
}

// logFolder returns a folder with one log of events.
func logFolder(t testing.TB, name string, events []evtxtest.Event) string {
	t.Helper()
	folder := t.TempDir()
	writeLog(t, filepath.Join(folder, name), evtxtest.Options{}, events)
	return folder
}

// after returns an event of WEB01 so long after the start.
func after(d time.Duration, source evtxtest.Source) evtxtest.Event {
	return evtxtest.NewEvent(start.Add(d), "WEB01", source)
}

// creation is a 4688 of a harmless program.
func creation(d time.Duration, pid uint64) evtxtest.Event {
	return after(d, &evtxtest.ProcessCreated{
		NewProcessID: pid, NewProcessName: `C:\Windows\System32\taskhostw.exe`, ProcessID: 700,
		ParentProcessName: `C:\Windows\System32\svchost.exe`, CommandLine: "taskhostw.exe",
	})
}

// integrityLines returns kind, level, count and text of each integrity finding.
func integrityLines(res *scan.Result) []string {
	var list []string
	for _, i := range res.Integrity {
		list = append(list, fmt.Sprintf("%s %s %d %s", i.Level, i.Kind, i.Count, i.Text))
	}
	return list
}

// TestTimes: how often something happened is said once, and never of what Count
// counts besides.
func TestTimes(t *testing.T) {
	admin := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-500"), Name: "admin", Domain: "CORP", LogonID: 7}
	changed := &evtxtest.SysmonConfigChange{Configuration: `C:\s.xml`, ConfigurationFileHash: "SHA256=00"}
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path,
		after(0, &evtxtest.LogCleared{Subject: admin, Channel: "A"}), after(1, &evtxtest.LogCleared{Subject: admin, Channel: "B"}),
		after(2, &evtxtest.SysmonError{ID: "QUEUE", Description: "lost 1"}), after(3, &evtxtest.SysmonError{ID: "QUEUE", Description: "lost 2"}),
		after(4, changed), after(5, changed), after(6, changed),
	)
	res := mustScan(t, scan.Options{Paths: []string{path}})
	got := make(map[integrity.Kind]int)
	for _, i := range res.Integrity {
		got[i.Kind] = i.Times
	}
	want := map[integrity.Kind]int{integrity.LogCleared: 0, integrity.SysmonFailed: 0, integrity.SysmonConfigured: 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestIntegrityEvents: what events say of the logs themselves.
func TestIntegrityEvents(t *testing.T) {
	admin := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-500"), Name: "admin", Domain: "CORP", LogonID: 7}
	spelled := admin
	spelled.Name = "Admin"
	at := func(d time.Duration) evtxtest.FileTime { return evtxtest.FileTimeOf(start.Add(d)) }
	clock := func(d, from, to time.Duration) evtxtest.Event {
		return after(d, &evtxtest.TimeChanged{Subject: admin, PreviousTime: at(from), NewTime: at(to), ProcessName: `C:\t.exe`})
	}
	policy := func(d time.Duration, guid, change string) evtxtest.Event {
		return after(d, &evtxtest.AuditPolicyChanged{Subject: admin, SubcategoryGUID: evtxtest.MustGUID(guid), AuditPolicyChange: change})
	}
	const processCreation, logon = "0CCE922B-69AE-11D9-BED3-505054503030", "0CCE9215-69AE-11D9-BED3-505054503030"
	const hour = time.Hour
	other := admin
	other.Name = "other"
	fail := func(d time.Duration, id, text string) evtxtest.Event {
		return after(d, &evtxtest.SysmonError{ID: id, Description: text})
	}
	renamed := func(d time.Duration, source evtxtest.Source) evtxtest.Event {
		return evtxtest.NewEvent(start.Add(d), "WIN-NEW", source)
	}
	boot := func(d time.Duration) evtxtest.Event {
		return after(d, &evtxtest.ProcessCreated{NewProcessID: 300, NewProcessName: `C:\Windows\System32\smss.exe`, ProcessID: 4})
	}
	tests := []struct {
		name   string
		events []evtxtest.Event
		want   []string
	}{
		{"nothing", []evtxtest.Event{creation(0, 1000), creation(hour/2, 1004)}, nil},
		{"security log cleared", []evtxtest.Event{after(0, &evtxtest.SecurityLogCleared{Subject: admin})}, []string{
			`alarm log-cleared 1 the log Security was cleared by CORP\admin`,
		}},
		{"security log cleared, of an unknown domain", []evtxtest.Event{after(0, &evtxtest.SecurityLogCleared{Subject: evtxtest.Account{Name: "admin", Domain: "?"}})}, []string{
			`alarm log-cleared 1 the log Security was cleared by admin`,
		}},
		{"security log cleared by nobody known", []evtxtest.Event{after(0, &evtxtest.SecurityLogCleared{Subject: evtxtest.Account{Name: "-", Domain: "-"}})}, []string{
			`alarm log-cleared 1 the log Security was cleared`,
		}},
		{"other log cleared, twice", []evtxtest.Event{
			after(0, &evtxtest.LogCleared{Subject: admin, Channel: "Application", BackupPath: `C:\a.evtx`}),
			after(hour, &evtxtest.LogCleared{Subject: admin, Channel: "Application"}),
		}, []string{
			`alarm log-cleared 1 the log Application was cleared by CORP\admin, after a copy was saved to C:\a.evtx`,
			`alarm log-cleared 1 the log Application was cleared by CORP\admin`,
		}},
		{"process auditing off, others changed", []evtxtest.Event{
			policy(0, logon, "%%8448"), policy(1, logon, "%%8448"), policy(2, logon, "%%8449"),
			policy(3, processCreation, "%%8448, %%8450"), policy(4, processCreation, "%%8449"),
		}, []string{
			`alarm audit-policy-changed 1 the audit policy for process creation was changed by CORP\admin: success removed, failure removed`,
			`warning audit-policy-changed 2 the audit policy was changed by CORP\admin: success removed`,
			`notice audit-policy-changed 1 the audit policy was changed by CORP\admin: success added`,
			`notice audit-policy-changed 1 the audit policy for process creation was changed by CORP\admin: success added`,
		}},
		{"clock", []evtxtest.Event{clock(0, 0, time.Second), clock(1, 0, 5*time.Minute), clock(2, 3*hour, 0), clock(3, 0, 0)}, []string{
			`warning clock-changed 1 the clock was set back by 3 hours by CORP\admin: from 2026-03-02T11:00:00.0000000Z to 2026-03-02T08:00:00.0000000Z, by C:\t.exe`,
			`notice clock-changed 1 the clock was set forward by 5 minutes by CORP\admin: from 2026-03-02T08:00:00.0000000Z to 2026-03-02T08:05:00.0000000Z, by C:\t.exe`,
		}},
		{"service stopped at shutdown, and by hand", []evtxtest.Event{
			after(0, evtxtest.SecurityStarted{}), after(hour, evtxtest.EventlogShutdown{}), after(hour+time.Minute, evtxtest.SecurityStarted{}),
			after(3*hour, evtxtest.EventlogShutdown{}), after(6*hour, &evtxtest.SecurityLogCleared{Subject: admin}),
		}, []string{
			`alarm log-cleared 1 the log Security was cleared by CORP\admin`,
			`warning log-service-stopped 1 the event log service stopped and the system was not shut down`,
			`notice log-service-stopped 1 the event log service stopped as the system was shut down`,
		}},
		{"sysmon", []evtxtest.Event{
			after(0, &evtxtest.SysmonServiceState{State: "Started"}), after(1, &evtxtest.SysmonServiceState{State: "Stopped"}),
			after(2, &evtxtest.SysmonConfigChange{Configuration: `C:\s.xml`, ConfigurationFileHash: "SHA256=00"}),
			after(3, &evtxtest.SysmonConfigChange{Configuration: `C:\s.xml`, ConfigurationFileHash: "SHA256=00"}),
		}, []string{
			`warning sysmon-configuration-changed 2 Sysmon's configuration was changed: C:\s.xml SHA256=00`,
			`notice sysmon-stopped 1 Sysmon said: stopped`,
		}},
		{"off for the night, and renamed meanwhile", []evtxtest.Event{
			after(0, &evtxtest.SysmonServiceState{State: "Stopped"}), after(time.Minute, evtxtest.EventlogShutdown{}),
			renamed(10*hour, evtxtest.SecurityStarted{}), after(20*hour, &evtxtest.LogCleared{Subject: admin, Channel: "x"}),
		}, []string{
			`alarm log-cleared 1 the log x was cleared by CORP\admin`,
			`notice sysmon-stopped 1 Sysmon said: stopped as the system was shut down`,
			`notice log-service-stopped 1 the event log service stopped as the system was shut down`,
		}},
		{"off for the night, and smss.exe is the first record", []evtxtest.Event{
			after(0, evtxtest.SecurityStarted{}), after(hour, evtxtest.EventlogShutdown{}), boot(10 * hour), creation(10*hour+2, 1004),
			creation(20*hour, 1008),
		}, []string{
			`notice log-service-stopped 1 the event log service stopped as the system was shut down`,
		}},
		{"cleared together, and once more later", []evtxtest.Event{
			after(0, &evtxtest.LogCleared{Subject: admin, Channel: "A"}), after(30*time.Second, &evtxtest.LogCleared{Subject: admin, Channel: "B"}),
			after(80*time.Second, &evtxtest.SecurityLogCleared{Subject: spelled}), after(90*time.Second, &evtxtest.LogCleared{Subject: admin, Channel: "C"}),
			after(95*time.Second, &evtxtest.LogCleared{Subject: other, Channel: "C"}), after(3*time.Minute, &evtxtest.LogCleared{Subject: admin, Channel: "A"}),
		}, []string{
			`alarm log-cleared 4 4 logs were cleared by CORP\admin: A, B, Security and 1 more`,
			`alarm log-cleared 1 the log C was cleared by CORP\other`,
			`alarm log-cleared 1 the log A was cleared by CORP\admin`,
		}},
		{"errors of Sysmon", []evtxtest.Event{
			fail(0, "QUEUE", "Events dropped from driver queue: ImageLoad:3"), fail(1, "QUEUE", "Events dropped from driver queue: ImageLoad:1 FileCreate:7"),
			fail(2, "QUEUE", "Events dropped from driver queue: ProcessCreate:40 ImageLoad:1"), fail(3, "QUEUE", "Events dropped from driver queue: ProcessCreate:2"),
			fail(4, "DriverCommunication", "lost 5 of 7"), fail(5, "DriverCommunication", "lost 50 of 70"), fail(6, "Registry", "lost 5 of 7"),
			fail(7, "Driver", "last error: 0x5"), fail(8, "Driver", "last error: 0xC000000d"),
		}, []string{
			`warning sysmon-error 2 Sysmon reported an error: QUEUE Events dropped from driver queue: ProcessCreate:40 ImageLoad:1 (the first of 2 like it); 42 process creations dropped in all`,
			`warning sysmon-error 2 Sysmon reported an error: DriverCommunication lost 5 of 7 (the first of 2 like it)`,
			`warning sysmon-error 1 Sysmon reported an error: Registry lost 5 of 7`,
			`warning sysmon-error 2 Sysmon reported an error: Driver last error: 0x5 (the first of 2 like it)`,
			`notice sysmon-error 2 Sysmon reported an error: QUEUE Events dropped from driver queue: ImageLoad:3 (the first of 2 like it)`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			logOf(t, filepath.Join(folder, "a.evtx"), test.events...)
			// The same records twice are the same events, with two
			// places each.
			logOf(t, filepath.Join(folder, "copy", "b.evtx"), test.events...)
			for _, goroutines := range []int{1, 8} {
				res := mustScan(t, scan.Options{Paths: []string{folder}, Goroutines: goroutines})
				if diff := cmp.Diff(test.want, integrityLines(res)); diff != "" {
					t.Errorf("%d goroutines (-want +got):\n%s", goroutines, diff)
				}
				for _, i := range res.Integrity {
					if len(i.Evidence) != 2*i.Count || i.Host != "WEB01" || i.Meaning == "" || !strings.HasSuffix(i.File, "a.evtx") {
						t.Errorf("%s: host %q, file %q, %d records, meaning %q", i.Text, i.Host, i.File, len(i.Evidence), i.Meaning)
					}
				}
			}
		})
	}
}

// TestDroppedCreations: process creations that Sysmon's queue dropped are a
// fault of the host's coverage, each record once and none forgotten.
func TestDroppedCreations(t *testing.T) {
	folder := t.TempDir()
	var events []evtxtest.Event
	for i := range 300 {
		events = append(events, after(time.Duration(i)*time.Second, &evtxtest.SysmonError{
			ID: "QUEUE", Description: fmt.Sprintf("Events dropped from driver queue: ImageLoad:%d ProcessCreate:2", i),
		}))
	}
	logOf(t, filepath.Join(folder, "a.evtx"), events...)
	logOf(t, filepath.Join(folder, "copy", "a.evtx"), events...)
	res := mustScan(t, scan.Options{Paths: []string{folder}})
	if res.Coverage[0].Dropped != 600 || len(res.Integrity) != 1 || res.Integrity[0].Count != 300 {
		t.Errorf("%d dropped, %v", res.Coverage[0].Dropped, integrityLines(res))
	}
	if !slices.ContainsFunc(res.Summary.Blind, func(b scan.Blind) bool {
		return b.Host == "WEB01" && strings.HasPrefix(b.Text, "Sysmon dropped 600 process creations")
	}) {
		t.Errorf("blind: %v", res.Summary.Blind)
	}
}

// TestBlindOfWantedHosts: what could not be seen is told of the hosts that were
// asked for, and of no other.
func TestBlindOfWantedHosts(t *testing.T) {
	folder := t.TempDir()
	logOf(t, filepath.Join(folder, "a.evtx"),
		after(0, &evtxtest.SysmonError{ID: "QUEUE", Description: "Events dropped from driver queue: ProcessCreate:2"}),
		evtxtest.NewEvent(start, "WEB02", &evtxtest.SysmonError{ID: "QUEUE", Description: "Events dropped from driver queue: ProcessCreate:3"}),
	)
	for wanted, want := range map[string][]string{"": {"WEB01", "WEB02"}, "web02": {"WEB02"}, "WEB01": {"WEB01"}} {
		options := scan.Options{Paths: []string{folder}}
		if wanted != "" {
			options.Hosts = []string{wanted}
		}
		var dropped, blind []string
		for _, b := range mustScan(t, options).Summary.Blind {
			switch {
			case strings.HasPrefix(b.Text, "Sysmon dropped"):
				dropped = append(dropped, b.Host)
			case b.Host != "":
				blind = append(blind, b.Host)
			}
		}
		if !slices.Equal(dropped, want) || !slices.Equal(blind, want) {
			t.Errorf("%q: dropped of %v, blind for %v, want %v", wanted, dropped, blind, want)
		}
	}
}

// TestManyStarts: no start of the system is forgotten, so no shutdown looks
// like a stop by hand.
func TestManyStarts(t *testing.T) {
	var events []evtxtest.Event
	for day := range 40 {
		at := time.Duration(day) * 24 * time.Hour
		events = append(events, after(at, evtxtest.SecurityStarted{}), creation(at+time.Minute, 1000), after(at+8*time.Hour, evtxtest.EventlogShutdown{}))
	}
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path, events...)
	for _, i := range mustScan(t, scan.Options{Paths: []string{path}}).Integrity {
		if i.Kind == integrity.LogServiceStopped && i.Level > integrity.Notice {
			t.Errorf("%s: %s", i.Level, i.Text)
		}
	}
}

// TestTimeBackwards: a step back in time beside a logged change of the clock or
// a start of the system is a notice, one that nothing explains a warning.
func TestTimeBackwards(t *testing.T) {
	back := func(d time.Duration) evtxtest.Event {
		return after(d, &evtxtest.TimeChanged{
			PreviousTime: evtxtest.FileTimeOf(start.Add(2 * time.Hour)), NewTime: evtxtest.FileTimeOf(start),
		})
	}
	for _, test := range []struct {
		name  string
		first evtxtest.Event
		want  integrity.Level
	}{
		{"nothing logged", creation(0, 1004), integrity.Warning},
		{"clock set back", back(0), integrity.Notice},
		{"start of the system", after(0, evtxtest.SecurityStarted{}), integrity.Notice},
	} {
		path := filepath.Join(t.TempDir(), "a.evtx")
		logOf(t, path, creation(2*time.Hour, 1000), test.first, creation(time.Second, 1008))
		list := mustScan(t, scan.Options{Paths: []string{path}}).Integrity
		i := slices.IndexFunc(list, func(i *integrity.Finding) bool { return i.Kind == integrity.Kind(evtx.TimeBackwards) })
		if i < 0 || list[i].Level != test.want {
			t.Errorf("%s: %d of %d findings, want level %s", test.name, i, len(list), test.want)
		}
	}
}

// TestIntegrityFlood: of millions of events that say the same, a bounded number
// is kept, and all are counted.
func TestIntegrityFlood(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.evtx")
	events := make([]evtxtest.Event, 5000)
	for i := range events {
		events[i] = after(time.Duration(i)*time.Second, &evtxtest.SysmonConfigChange{Configuration: "x"})
	}
	logOf(t, path, events...)
	res := mustScan(t, scan.Options{Paths: []string{path}})
	if len(res.Integrity) != 1 || res.Integrity[0].Count != len(events) || len(res.Integrity[0].Evidence) > 100 {
		t.Errorf("%v", integrityLines(res))
	}
}

// TestIntegrityBuried: what matters is told however much of the same kind
// stands before it, and what was only counted is said to be.
func TestIntegrityBuried(t *testing.T) {
	admin := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-500"), Name: "admin", Domain: "CORP"}
	policy := func(i int, guid, change string) evtxtest.Event {
		return after(time.Duration(i)*time.Second, &evtxtest.AuditPolicyChanged{
			Subject: admin, SubcategoryGUID: evtxtest.MustGUID(guid), AuditPolicyChange: change,
		})
	}
	clock := func(i int, step time.Duration) evtxtest.Event {
		at := start.Add(time.Duration(i) * time.Second)
		return after(time.Duration(i)*time.Second, &evtxtest.TimeChanged{
			Subject: admin, PreviousTime: evtxtest.FileTimeOf(at), NewTime: evtxtest.FileTimeOf(at.Add(step)),
		})
	}
	const processCreation, logon = "0CCE922B-69AE-11D9-BED3-505054503030", "0CCE9215-69AE-11D9-BED3-505054503030"
	const n = 600
	var events []evtxtest.Event
	for i := range n {
		user := admin
		user.Name = fmt.Sprintf("u%d", i)
		events = append(events,
			policy(i, logon, "%%8449"), clock(i, time.Millisecond), clock(i, 5*time.Minute+time.Duration(i)*time.Millisecond),
			after(time.Duration(i)*time.Second, &evtxtest.SysmonServiceState{State: "Started"}),
			after(time.Duration(i)*time.Second, &evtxtest.SysmonConfigChange{Configuration: user.Name}),
		)
	}
	events = append(events, policy(n, processCreation, "%%8448"), clock(n, -30*time.Hour), after(n*time.Second, &evtxtest.SysmonServiceState{State: "Stopped"}))
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path, events...)
	counts := make(map[string]int)
	for _, i := range mustScan(t, scan.Options{Paths: []string{path}}).Integrity {
		switch {
		case i.Kind == integrity.AuditPolicyChanged && i.Level == integrity.Notice, i.Kind == integrity.TooManyEvents:
			counts[i.Text] = i.Count
		case i.Kind == integrity.ClockChanged && i.Level == integrity.Notice, i.Kind == integrity.SysmonConfigured:
			counts[string(i.Kind)] += i.Count
		default:
			counts[fmt.Sprintf("%s %s %d", i.Level, i.Kind, i.Count)]++
		}
	}
	want := map[string]int{
		"alarm audit-policy-changed 1": 1, "warning clock-changed 1": 1, "notice sysmon-stopped 1": 1,
		`the audit policy was changed by CORP\admin: success added`: n,
		"clock-changed": 256, "sysmon-configuration-changed": 256,
		"344 more integrity events (the clock was set) were only counted":       n - 256,
		"344 more integrity events (configuration of Sysmon) were only counted": n - 256,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestManyHosts: which hosts are kept of a log that names too many does not
// depend on the goroutines, and nothing that happened on the others is lost.
func TestManyHosts(t *testing.T) {
	const n = 40000
	events := make([]evtxtest.Event, n)
	for i := range events {
		events[i] = evtxtest.NewEvent(start.Add(time.Duration(i)*time.Second), fmt.Sprintf("H%d", i), &evtxtest.SysmonConfigChange{Configuration: "x"})
	}
	path := filepath.Join(t.TempDir(), "ForwardedEvents.evtx")
	writeLog(t, path, evtxtest.Options{Style: evtxtest.StyleForwarded}, events)
	var first []string
	for _, goroutines := range []int{1, 8, 8} {
		res := mustScan(t, scan.Options{Paths: []string{path}, Goroutines: goroutines})
		var got []string
		events := 0
		for _, h := range res.Coverage {
			got = append(got, fmt.Sprint(h.Host, len(h.Channels)))
		}
		for _, i := range res.Integrity {
			if i.Kind == integrity.SysmonConfigured || i.Kind == integrity.TooManyEvents {
				events += i.Count
			}
		}
		if events != n || !res.Summary.MoreHosts || len(got) < 16384 {
			t.Errorf("%d goroutines: %d of %d events, %d hosts, more: %t", goroutines, events, n, len(got), res.Summary.MoreHosts)
		}
		if first == nil {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("%d goroutines: other hosts (-first +got):\n%.500s", goroutines, diff)
		}
	}
}

// TestSilence: a host that stops logging processes while it runs is told from
// one that was off.
func TestSilence(t *testing.T) {
	busy := func(from, to time.Duration) []evtxtest.Event {
		var events []evtxtest.Event
		for d := from; d < to; d += 20 * time.Second {
			events = append(events, creation(d, uint64(1000+4*len(events))))
		}
		return events
	}
	const hour = time.Hour
	sparse := func(from, to time.Duration) []evtxtest.Event { // 3 minutes: 90 are 27 times as long
		var events []evtxtest.Event
		for d := from; d < to; d += 3 * time.Minute {
			events = append(events, creation(d, uint64(1000+4*len(events))))
		}
		return events
	}
	sysmon := func(from, to time.Duration) []evtxtest.Event {
		events := busy(from, to)
		for i := range events {
			at := start.Add(from + time.Duration(i)*20*time.Second)
			events[i] = evtxtest.NewEvent(at, "WEB01", &evtxtest.SysmonProcessCreate{
				UtcTime: evtxtest.FileTimeOf(at), ProcessID: uint32(5000 + 4*i), Image: `C:\Windows\System32\conhost.exe`,
			})
		}
		return events
	}
	tests := []struct {
		name             string
		security, sysmon []evtxtest.Event
		want             []string
		covered          float64
	}{
		{"none", busy(0, 8*hour), nil, nil, 1},
		{"both", append(busy(0, hour), busy(5*hour, 8*hour)...), nil, []string{
			"notice process-silence 1 no Security 4688 for 4 hours: none from 2026-03-02T08:59:40.0000000Z to 2026-03-02T13:00:00.0000000Z",
		}, 0.5},
		{"one of two", append(busy(0, hour), busy(5*hour, 8*hour)...), sysmon(0, 8*hour), []string{
			"warning process-silence 1 no Security 4688 for 4 hours: none from 2026-03-02T08:59:40.0000000Z to 2026-03-02T13:00:00.0000000Z",
		}, 1},
		{"usual", slices.Concat(sparse(0, 3*hour), sparse(4*hour+30*time.Minute, 8*hour)), nil, nil, 1},
		{"unusual", slices.Concat(busy(0, 4*hour), busy(6*hour, 8*hour)), nil, []string{
			"notice process-silence 1 no Security 4688 for 2 hours: none from 2026-03-02T11:59:40.0000000Z to 2026-03-02T14:00:00.0000000Z",
		}, 0.75},
		{"off", slices.Concat(busy(0, hour), []evtxtest.Event{after(5*hour, evtxtest.SecurityStarted{})}, busy(5*hour, 8*hour)), nil, nil, 0.5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			logOf(t, filepath.Join(folder, "Security.evtx"), test.security...)
			if test.sysmon != nil {
				logOf(t, filepath.Join(folder, "Sysmon.evtx"), test.sysmon...)
			}
			res := mustScan(t, scan.Options{Paths: []string{folder}})
			if diff := cmp.Diff(test.want, integrityLines(res)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c := res.Coverage[0].Covered; c < test.covered-0.01 || c > test.covered+0.01 {
				t.Errorf("covered %.3f, want %.3f", c, test.covered)
			}
		})
	}
}

// TestManifest: every input is named with its size and hash.
func TestManifest(t *testing.T) {
	folder := t.TempDir()
	logOf(t, filepath.Join(folder, "a.evtx"), creation(0, 1000))
	if err := os.WriteFile(filepath.Join(folder, "b.evtx"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "notes.txt"), []byte("no log"), 0o644); err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{folder}, Hash: true, Version: "1.2.3"})
	m := res.Manifest
	if m.Version != "1.2.3" || len(m.Inputs) != 2 || len(m.Rules) != len(res.Rules.Detections.Rules()) {
		t.Fatalf("%+v", m)
	}
	if in := m.Inputs[0]; len(in.SHA256) != 64 || in.Size != 69632 || in.Records != 1 || in.Chunks != 1 || in.Error != "" {
		t.Errorf("%+v", in)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // FIPS 180-4, of no bytes
	if in := m.Inputs[1]; in.SHA256 != empty || in.Error == "" {
		t.Errorf("%+v", in)
	}
}

// TestMissingRecords: a log whose end is missing is damaged, and so it says how
// many records are missing; what an export leaves out is a notice.
func TestMissingRecords(t *testing.T) {
	events := make([]evtxtest.Event, 40)
	for i := range events {
		events[i] = creation(time.Duration(i)*time.Second, uint64(1000+4*i))
		events[i].RecordID = uint64(100 + i + 6*(i/25))
	}
	dir := t.TempDir()
	whole, err := evtxtest.Build(evtxtest.Options{RecordsPerChunk: 10}, slices.Clone(events[:30]))
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(dir, "cut.evtx")
	if err := os.WriteFile(cut, whole.Data[:len(whole.Data)-2*evtx.ChunkSize], 0o644); err != nil {
		t.Fatal(err)
	}
	exported := filepath.Join(dir, "exported.evtx")
	writeLog(t, exported, evtxtest.Options{Style: evtxtest.StyleExported, RecordsPerChunk: 10}, events)
	text := filepath.Join(dir, "exported.json")
	lines := `{"System":{"EventID":1,"EventRecordID":4,"Computer":"WEB01","TimeCreated":{"SystemTime":"2026-01-02T03:04:05Z"}}}` + "\n" +
		`{"System":{"EventID":1,"EventRecordID":9,"Computer":"WEB01","TimeCreated":{"SystemTime":"2026-01-02T03:04:09Z"}}}`
	if err := os.WriteFile(text, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, want string
		damaged    bool
	}{
		{cut, "warning records-missing 26 the file header knows of records behind the last one: next record identifier at offset 0, records 110 to 135 (26 in all)", true},
		{cut, "warning chunks-missing 2 the file header counts chunks that the file does not hold: chunk count at offset 0: the header says 3, the file holds 1", true},
		{exported, "notice export-gap 6 the export leaves out records of the log: event record identifiers at offset 135168 (6 in all)", false},
		{text, "notice export-gap 4 the export leaves out records of the log: 4 record identifiers are missing", false},
	} {
		res := mustScan(t, scan.Options{Paths: []string{tt.path}})
		if !slices.Contains(integrityLines(res), tt.want) {
			t.Errorf("%s: %q is not among %q", filepath.Base(tt.path), tt.want, integrityLines(res))
		}
		if in := res.Manifest.Inputs[0]; (in.Lost == 26 && in.LostChunks == 2) != tt.damaged {
			t.Errorf("%s: %d records and %d chunks lost", filepath.Base(tt.path), in.Lost, in.LostChunks)
		}
		loss := slices.ContainsFunc(res.Summary.Damage, func(d scan.FileFaults) bool {
			return d.Counts[evtx.RecordsMissing]+d.Counts[evtx.ChunksMissing] == 2
		})
		if loss != tt.damaged {
			t.Errorf("%s: damaged %v", filepath.Base(tt.path), loss)
		}
	}
}

// TestLostIsOneCount: what is lost of an input and of all of them, and how many
// identifiers are missing, is the same number wherever it is said.
func TestLostIsOneCount(t *testing.T) {
	events := make([]evtxtest.Event, 40)
	for i := range events {
		events[i] = creation(time.Duration(i)*time.Second, uint64(1000+4*i))
		events[i].RecordID = uint64(100 + i + 2*(i/15) + i/30) // without 115, 116, 132 to 134
	}
	dir := t.TempDir()
	file, err := evtxtest.Build(evtxtest.Options{RecordsPerChunk: 10}, events)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "a.evtx"), file.Data)
	writeFile(t, filepath.Join(dir, "b.evtx"), file.Data[:len(file.Data)-evtx.ChunkSize])
	res := mustScan(t, scan.Options{Paths: []string{dir}})
	for i, want := range []scan.InputFile{{Missing: 5}, {Missing: 2, Lost: 13}} {
		if in := res.Manifest.Inputs[i]; in.Missing != want.Missing || in.Lost != want.Lost || res.Summary.Damage[i].Missing != want.Missing {
			t.Errorf("%s: %d missing, %d lost; %d missing in the summary", in.Path, in.Missing, in.Lost, res.Summary.Damage[i].Missing)
		}
	}
	if res.Summary.Lost != 13 {
		t.Errorf("%d lost in all", res.Summary.Lost)
	}
	for _, want := range []string{
		"warning id-gap 5 record identifiers are missing (5 in 2 places): record identifiers at offset 75288, records 115 to 116",
		"warning id-gap 2 record identifiers are missing: record identifiers at offset 75288, records 115 to 116 (2 in all)",
	} {
		if lines := integrityLines(res); !slices.Contains(lines, want) {
			t.Errorf("%q is not among %q", want, lines)
		}
	}
}

// TestBeheaded: a log whose beginning was wiped, and one whose header does not
// say whether its end is there, are not said to be whole.
func TestBeheaded(t *testing.T) {
	var events []evtxtest.Event
	for i := range 30 {
		events = append(events, creation(time.Duration(i)*time.Minute, uint64(1000+i)))
	}
	whole, err := evtxtest.Build(evtxtest.Options{RecordsPerChunk: 10}, events)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		from, to      int
		damaged, lost bool
	}{
		"whole":                  {0, 0, false, false},
		"the header":             {0, evtx.HeaderSize, true, false},
		"the header and a chunk": {0, evtx.HeaderSize + evtx.ChunkSize, true, true},
	} {
		path := filepath.Join(t.TempDir(), "Security.evtx")
		data := slices.Clone(whole.Data)
		clear(data[tt.from:tt.to])
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		res := mustScan(t, scan.Options{Paths: []string{path}})
		lost := slices.ContainsFunc(res.Summary.Damage, func(d scan.FileFaults) bool { return d.Counts[evtx.ChunkLost] == 1 })
		if in := res.Manifest.Inputs[0]; in.Damaged != tt.damaged || lost != tt.lost {
			t.Errorf("%s: damaged %v, a chunk lost %v", name, in.Damaged, lost)
		}
	}
}
