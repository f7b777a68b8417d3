package scan_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
)

// serverOf returns the events of a server on a machine and of what it starts:
// its own start is left out unless it is logged. Children start as many seconds
// after it as the hundreds of their process IDs are.
func serverOf(machine byte, image string, logged bool, children ...uint32) []evtxtest.Event {
	const pid = 100
	guid := machineGUID(machine, fieldTime)
	if machine == 0 {
		guid = evtxtest.GUID{}
	}
	var events []evtxtest.Event
	if logged {
		server := sysmonRun(pid, 4, image, shopUser, 0x9999, "High")
		server.ProcessGUID = guid
		events = append(events, evtxtest.NewEvent(fieldTime, "WEB01", server))
	}
	for _, child := range children {
		run := sysmonRun(child, pid, cmd, shopUser, 0x9999, "High")
		start := fieldTime.Add(time.Duration(child/100*100) * time.Second)
		run.ParentProcessGUID, run.ParentImage = guid, image
		if machine != 0 {
			run.ProcessGUID = machineGUID(machine, start)
		}
		events = append(events, evtxtest.NewEvent(start, "WEB01", run))
	}
	return events
}

// TestSessionKeys: servers that would share a key have one each, whatever the
// order of logs and however many goroutines read them; others have the key of
// host, process ID and start.
func TestSessionKeys(t *testing.T) {
	const tomcat = `C:\Tomcat9\bin\tomcat9.exe`
	const key, unknown = "WEB01/100/2026-03-02T08:00:00.0000000Z", "WEB01/100/before 2026-03-02T08:03:20.0000000Z"
	for _, tt := range []struct {
		name     string
		one, two []evtxtest.Event
		want     []string // keys, each with the processes below
	}{
		{"one server", serverOf(1, w3wp, true, 200), nil, []string{key + " 1"}},
		{"its children in two logs", serverOf(1, w3wp, true, 200), serverOf(1, w3wp, false, 300, 400), []string{key + " 3"}},
		{"clones", serverOf(1, w3wp, true, 200), serverOf(2, w3wp, true, 300, 400), []string{key + "/00000001 1", key + "/00000002 2"}},
		{"one has no record", serverOf(1, w3wp, true, 200), serverOf(2, w3wp, false, 300, 400), []string{key + "/00000001 1", key + "/00000002 2"}},
		{"none has", serverOf(1, w3wp, false, 200), serverOf(2, w3wp, false, 300, 400), []string{key + "/00000001 1", key + "/00000002 2"}},
		{"no machine is known", serverOf(0, w3wp, false, 200, 208), serverOf(0, tomcat, false, 204), []string{unknown + " 1", unknown + "/2 2"}},
	} {
		for _, names := range [][2]string{{"a.evtx", "b.evtx"}, {"b.evtx", "a.evtx"}} {
			for _, goroutines := range []int{1, 8} {
				folder := t.TempDir()
				logOf(t, filepath.Join(folder, names[0]), tt.one...)
				if tt.two != nil {
					logOf(t, filepath.Join(folder, names[1]), tt.two...)
				}
				res := mustScan(t, scan.Options{Paths: []string{folder}, Goroutines: goroutines})
				var got []string
				for _, s := range res.Sessions {
					got = append(got, fmt.Sprint(s.Key, " ", s.Processes))
					if len(s.Findings) != s.Processes {
						t.Errorf("%s: %s has %d findings", tt.name, s.Key, len(s.Findings))
					}
				}
				if slices.Sort(got); !slices.Equal(got, tt.want) {
					t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
				}
			}
		}
	}
}
