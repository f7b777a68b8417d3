package scan_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan"
	"webshellscan/scan/evtx/evtxtest"
)

// TestCoverageByRecord: each record counts for the host and channel that it names
// itself, whatever the first one of its chunk names.
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
		if diff := cmp.Diff(want, got); diff != "" {
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
