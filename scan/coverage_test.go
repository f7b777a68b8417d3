package scan_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/integrity"
)

// TestCoverageByRecord: each record counts for the host and channel that it
// names itself, whatever the first one of its chunk names.
func TestCoverageByRecord(t *testing.T) {
	admin := evtxtest.Account{Name: "admin", Domain: "CORP"}
	var events []evtxtest.Event
	for i := range 30 {
		at := time.Duration(i) * time.Minute
		events = append(events, creation(at, uint64(1000+4*i)))
		if i%2 == 0 {
			events = append(events, evtxtest.NewEvent(start.Add(at), "DB01", &evtxtest.LogCleared{Subject: admin, Channel: "Application"}))
		}
		if i%3 == 0 {
			events = append(events, evtxtest.NewEvent(start.Add(at), "DB01", &evtxtest.SysmonServiceState{State: "Started"}))
		}
	}
	for _, style := range []evtxtest.Style{0, evtxtest.StyleForwarded} {
		for i := range events {
			events[i].RecordID = uint64(100 + i)
		}
		path := filepath.Join(t.TempDir(), "a.evtx")
		writeLog(t, path, evtxtest.Options{Style: style}, events)
		var got []string
		for _, h := range mustScan(t, scan.Options{Paths: []string{path}}).Coverage {
			for _, c := range h.Channels {
				got = append(got, fmt.Sprintf("%s %s %d %s %s", h.Host, c.Channel, c.Records, c.First, c.Last))
			}
		}
		want := []string{
			"DB01 Microsoft-Windows-Sysmon/Operational 10 2026-03-02T08:00:00.0000000Z 2026-03-02T08:27:00.0000000Z",
			"DB01 System 15 2026-03-02T08:00:00.0000000Z 2026-03-02T08:28:00.0000000Z",
			"WEB01 Security 30 2026-03-02T08:00:00.0000000Z 2026-03-02T08:29:00.0000000Z",
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("style %v (-want +got):\n%s", style, diff)
		}
	}
}

// TestCoveredOfOwnLogs: the share that a host's process creations cover is that
// of its own logs, however old the records of another one are.
func TestCoveredOfOwnLogs(t *testing.T) {
	var events []evtxtest.Event
	for i := range 600 {
		events = append(events, creation(time.Duration(i)*time.Minute, uint64(1000+4*i)))
	}
	folder := t.TempDir()
	logOf(t, filepath.Join(folder, "a.evtx"), events...)
	logOf(t, filepath.Join(folder, "b.evtx"), evtxtest.NewEvent(start.AddDate(-17, 0, 0), "OLD", evtxtest.SecurityStarted{}))
	for _, h := range mustScan(t, scan.Options{Paths: []string{folder}}).Coverage {
		if h.Host != "WEB01" {
			continue
		}
		if h.Covered != 1 || h.From.Time() != start || h.Until != h.Last {
			t.Errorf("covered %.3f of %s to %s", h.Covered, h.From, h.Until)
		}
		return
	}
	t.Error("the host is missing")
}

// boot returns the 4688 that Windows writes at each start, audited or not.
func boot(d time.Duration) []evtxtest.Event {
	const dir = `C:\Windows\System32\`
	var events []evtxtest.Event
	for i, p := range [][2]string{
		{"Registry", ""},
		{dir + "smss.exe", ""},
		{dir + "autochk.exe", dir + "smss.exe"},
		{dir + "csrss.exe", dir + "smss.exe"},
		{dir + "wininit.exe", dir + "smss.exe"},
		{dir + "winlogon.exe", dir + "smss.exe"},
		{dir + "services.exe", dir + "wininit.exe"},
		{dir + "lsass.exe", dir + "wininit.exe"},
	} {
		events = append(events, after(d, &evtxtest.ProcessCreated{
			Subject:      evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), LogonID: 0x3e7},
			NewProcessID: uint64(100 + 4*i), NewProcessName: p[0], ProcessID: 4, ParentProcessName: p[1],
		}))
	}
	return append(events, after(d+time.Second, evtxtest.SecurityStarted{}))
}

// TestBlind: a host whose process creations are only those of its starts shows
// nothing that ran; one more of any other kind, and it is not blind.
func TestBlind(t *testing.T) {
	system := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), LogonID: 0x3e7}
	other := func(subject evtxtest.Account, image, parent string) evtxtest.Event {
		return after(time.Hour, &evtxtest.ProcessCreated{Subject: subject, NewProcessID: 900, NewProcessName: image, ProcessID: 800, ParentProcessName: parent})
	}
	const cmd, w3wp = `C:\Windows\System32\cmd.exe`, `C:\Windows\System32\inetsrv\w3wp.exe`
	named := system
	named.Name = "WEB01$"
	tests := []struct {
		name  string
		more  []evtxtest.Event
		blind int
	}{
		{"two starts", boot(time.Hour), 1},
		{"a shell without a subject", []evtxtest.Event{other(system, cmd, w3wp)}, 0},
		{"a shell of nobody knows whom", []evtxtest.Event{other(system, cmd, "")}, 0},
		{"a session of somebody with a name", []evtxtest.Event{other(named, `C:\Windows\System32\csrss.exe`, `C:\Windows\System32\smss.exe`)}, 0},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "a.evtx")
		logOf(t, path, append(boot(0), test.more...)...)
		res := mustScan(t, scan.Options{Paths: []string{path}})
		c := res.Coverage[0]
		if len(res.Summary.BlindHosts) != test.blind || (c.Blind != "") != (test.blind > 0) || test.blind > 0 && c.Covered != 0 {
			t.Errorf("%s: blind %v, coverage %q %.2f", test.name, res.Summary.BlindHosts, c.Blind, c.Covered)
		}
		if left := mustScan(t, scan.Options{Paths: []string{path}, Hosts: []string{"WEB02"}}); len(left.Summary.BlindHosts) > 0 {
			t.Errorf("%s: another host is asked for, and blind are %v", test.name, left.Summary.BlindHosts)
		}
	}
}

// TestBootIsNoCoverage: what Windows logs at each start, whatever is audited,
// is no coverage and ends no silence.
func TestBootIsNoCoverage(t *testing.T) {
	const week = 7 * 24 * time.Hour
	var boots, audited []evtxtest.Event
	for i := range 10 {
		boots = append(boots, boot(time.Duration(i)*week)...)
	}
	for i := range 100 {
		audited = append(audited, creation(2*week+time.Hour+time.Duration(i)*time.Minute, uint64(1000+4*i)))
	}
	later := make([]evtxtest.Event, 100)
	for i := range later {
		later[i] = creation(5*week+time.Hour+time.Duration(i)*time.Minute, uint64(2000+4*i))
	}
	total := (9*week + time.Second).Minutes()
	for _, test := range []struct {
		name     string
		events   []evtxtest.Event
		covered  float64 // minutes
		silences int
		first    time.Duration
	}{
		{"minutes of weeks", slices.Concat(boots, audited), 99, 0, 2*week + time.Hour},
		{"minutes, and weeks later", slices.Concat(boots, audited, later), 198, 1, 2*week + time.Hour},
	} {
		path := filepath.Join(t.TempDir(), "a.evtx")
		slices.SortStableFunc(test.events, func(a, b evtxtest.Event) int { return cmp.Compare(a.Time, b.Time) })
		logOf(t, path, test.events...)
		c := mustScan(t, scan.Options{Paths: []string{path}}).Coverage[0]
		if math.Abs(c.Covered-test.covered/total) > 1e-5 || len(c.Silences) != test.silences || c.First.Time() != start.Add(test.first) {
			t.Errorf("%s: covered %.6f from %s, %d silences; want %.6f", test.name, c.Covered, c.First, len(c.Silences), test.covered/total)
		}
	}
}

// TestCoverageOfMoment: of a moment a creation covers all; what is before or
// behind it nothing.
func TestCoverageOfMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path, creation(0, 1000))
	at := event.FromUnix(start.Unix())
	for _, test := range []struct {
		since, until event.Time
		covered      float64
	}{{0, 0, 1}, {at, at, 1}, {0, at - event.Hour, 0}, {at + event.Hour, at + event.Hour, 0}} {
		c := mustScan(t, scan.Options{Paths: []string{path}, Since: test.since, Until: test.until}).Coverage[0]
		if c.Covered != test.covered {
			t.Errorf("from %v to %v: %.2f of %v to %v, want %.0f", test.since, test.until, c.Covered, c.From, c.Until, test.covered)
		}
	}
}

// TestSilenceUntilBoot: a system that was off is silent, also where only what
// it logs whenever it starts shows that it started again.
func TestSilenceUntilBoot(t *testing.T) {
	for _, on := range []bool{false, true} {
		var events []evtxtest.Event
		for i := range 100 {
			events = append(events, creation(time.Duration(i)*time.Minute, uint64(1000+4*i)))
		}
		if !on {
			started := boot(100 * time.Hour)
			events = append(events, started[:len(started)-1]...) // without Security 4608
		}
		for i := range 100 {
			events = append(events, creation(100*time.Hour+time.Duration(i+1)*time.Minute, uint64(2000+4*i)))
		}
		path := filepath.Join(t.TempDir(), "a.evtx")
		logOf(t, path, events...)
		told := slices.ContainsFunc(mustScan(t, scan.Options{Paths: []string{path}}).Integrity, func(f *integrity.Finding) bool {
			return f.Kind == integrity.ProcessSilence
		})
		if told != on {
			t.Errorf("the system was on: %t; a silence is told: %t", on, told)
		}
	}
}

// TestRealBlind: a real log of a host that audits no process creations.
func TestRealBlind(t *testing.T) {
	path := filepath.FromSlash("../../shared/corpus/logs/velocidex/Security.evtx")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no corpus: ", err)
	}
	if res := mustScan(t, scan.Options{Paths: []string{path}}); len(res.Summary.BlindHosts) != 1 {
		t.Errorf("blind: %v", res.Summary.BlindHosts)
	}
}

// TestCoverageBeyondLogs: of a time of which the logs have nothing, coverage
// runs from its start on, and is none.
func TestCoverageBeyondLogs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path, boot(0)...)
	late, early := event.FromUnix(1_900_000_000), event.FromUnix(1_000_000_000)
	for _, o := range []scan.Options{{Since: late}, {Until: early}, {Since: late, Until: late + event.Hour}, {Since: early - event.Hour, Until: early}} {
		o.Paths = []string{path}
		c := mustScan(t, o).Coverage[0]
		if c.Until < c.From || c.Covered != 0 || o.Since != 0 && c.From != o.Since {
			t.Errorf("since %v, until %v: %.2f of %v to %v", o.Since, o.Until, c.Covered, c.From, c.Until)
		}
	}
}

// TestStrayTimes: a few records of another time, of a clock that was wrong or
// of somebody who wrote them, do not stretch the time that coverage is told of,
// whatever channel they are of; they are named. A log of its own time is no
// stray.
func TestStrayTimes(t *testing.T) {
	var creations []evtxtest.Event
	for i := range 600 {
		creations = append(creations, creation(time.Duration(i)*time.Minute, uint64(1000+4*i)))
	}
	silent := append(creations[:200:200], creations[400:]...)
	at := func(years int) evtxtest.Event {
		return evtxtest.NewEvent(start.AddDate(years, 0, 0), "WEB01", evtxtest.SecurityStarted{})
	}
	many := func(years, n int) []evtxtest.Event {
		var events []evtxtest.Event
		for i := range n {
			events = append(events, evtxtest.NewEvent(start.AddDate(years, 0, 0).Add(time.Duration(i)*time.Second), "WEB01", evtxtest.SecurityStarted{}))
		}
		return events
	}
	stray := creation(time.Duration(80*365*24)*time.Hour/2, 90000)
	for _, c := range []struct {
		name      string
		creations []evtxtest.Event
		others    []evtxtest.Event
		covered   float64
		strays    []int // how many records each has
	}{
		{"long ago", creations, []evtxtest.Event{at(-17)}, 1, []int{1}},
		{"far ahead", creations, []evtxtest.Event{at(73)}, 1, []int{1}},
		{"both, and years apart", creations, []evtxtest.Event{at(-17), at(-10), at(73)}, 1, []int{1, 1, 1}},
		{"a creation", append(creations[:600:600], stray), nil, 1, []int{1}},
		{"a creation, and a silence", append(silent[:400:400], stray), []evtxtest.Event{at(-17)}, 398. / 599, []int{1, 1}},
		{"few records in all", creations[:12], []evtxtest.Event{at(-17)}, 1, []int{1}},
		{"a log of half the size", creations, many(-1, 300), 599. / (365*24*60 + 599), nil},
		{"more than a few", creations, many(-1, 7), 599. / (365*24*60 + 599), nil},
		{"a month before", creations, []evtxtest.Event{evtxtest.NewEvent(start.AddDate(0, 0, -30), "WEB01", evtxtest.SecurityStarted{})}, 599. / (30*24*60 + 599), nil},
	} {
		folder := t.TempDir()
		logOf(t, filepath.Join(folder, "a.evtx"), c.creations...)
		if len(c.others) > 0 {
			logOf(t, filepath.Join(folder, "b.evtx"), c.others...)
		}
		res := mustScan(t, scan.Options{Paths: []string{folder}})
		got := res.Coverage[0]
		var strays []int
		told := 0
		for _, s := range got.Strays {
			strays = append(strays, s.Records)
		}
		for _, f := range res.Integrity {
			if f.Kind == integrity.StrayTimes {
				told++
				if s := got.Strays[told-1]; f.First != s.First || f.Last != s.Last || f.Count != s.Records || f.File == "" || f.Channel != "Security" {
					t.Errorf("%s: %+v of %+v", c.name, f, s)
				}
			}
		}
		if math.Abs(got.Covered-c.covered) > 1e-3*c.covered || !slices.Equal(strays, c.strays) || told != len(c.strays) {
			t.Errorf("%s: covered %.6f of %s to %s without %v, told %d; want %.6f without %v", c.name, got.Covered, got.From, got.Until, strays, told, c.covered, c.strays)
		}
	}
}
