package scan_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
)

// TestNamedByEnds: which of two ends names a process that its own record does
// not depends on what is in them, not on the order in which logs are read.
func TestNamedByEnds(t *testing.T) {
	guid := machineGUID(1, fieldTime)
	end := func(image string) evtxtest.Event {
		return evtxtest.NewEvent(fieldTime.Add(time.Hour), "WEB01", &evtxtest.SysmonProcessTerminate{ProcessGUID: guid, ProcessID: 100, Image: image})
	}
	server := sysmonRun(100, 4, "-", shopUser, 0x9999, "High")
	server.ProcessGUID = guid
	child := sysmonRun(200, 100, cmd, shopUser, 0x9999, "High")
	child.ParentProcessGUID, child.ProcessGUID, child.ParentImage = guid, machineGUID(1, fieldTime.Add(9*time.Second)), "-"
	sessions := make(map[int]bool)
	for _, images := range [][2]string{{w3wp, `C:\Windows\explorer.exe`}, {`C:\Windows\explorer.exe`, w3wp}} {
		folder := t.TempDir()
		logOf(t, filepath.Join(folder, "a.evtx"), end(images[0]))
		logOf(t, filepath.Join(folder, "b.evtx"), end(images[1]))
		logOf(t, filepath.Join(folder, "c.evtx"), evtxtest.NewEvent(fieldTime, "WEB01", server), evtxtest.NewEvent(fieldTime.Add(9*time.Second), "WEB01", child))
		for _, goroutines := range []int{1, 2, 8} {
			sessions[len(mustScan(t, scan.Options{Paths: []string{folder}, Goroutines: goroutines}).Sessions)] = true
		}
	}
	if len(sessions) != 1 {
		t.Errorf("numbers of sessions: %v", sessions)
	}
}

// TestManyOwners: of the processes that had a parent's ID within a second, the
// last ones are compared with what a child says of it, and not all.
func TestManyOwners(t *testing.T) {
	const owners = 100
	for parent, stubs := range map[int]int{90: 1, 10: 2} { // that of the owners' parent, and of the child's
		var events []evtxtest.Event
		for i := range owners {
			events = append(events, after(time.Duration(i)*time.Millisecond, &evtxtest.ProcessCreated{
				NewProcessID: 8, NewProcessName: fmt.Sprintf(`C:\a\%d.exe`, i), ProcessID: 700, ParentProcessName: `C:\Windows\System32\svchost.exe`, CommandLine: "x",
			}))
		}
		events = append(events, after(200*time.Millisecond, &evtxtest.ProcessCreated{
			NewProcessID: 1000, NewProcessName: cmd, ProcessID: 8, ParentProcessName: fmt.Sprintf(`C:\a\%d.exe`, parent), CommandLine: "x",
		}))
		res := mustScan(t, scan.Options{Paths: []string{logFolder(t, "Security.evtx", events)}})
		if got := res.Summary.Hosts[0].Processes; got != owners+1+stubs {
			t.Errorf("parent %d: %d processes, want %d", parent, got, owners+1+stubs)
		}
	}
}
