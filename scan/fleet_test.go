package scan_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/scan"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

const shipped = "../testdata/logs"

// recordKey names a record of the shipped logs.
func recordKey(file string, id uint64) string { return fmt.Sprintf("%s#%d", file, id) }

// TestFleetTrees holds the trees of the shipped logs to what happened on the
// hosts: every process that was logged is there once, with all its records, and
// below its parent; or below a stub of it, if the parent was not logged.
func TestFleetTrees(t *testing.T) {
	demo, err := fleet.NewDemo()
	if err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{shipped}})
	byRecord := make(map[string]proctree.Process)
	for i := range res.Forest.Hosts() {
		for p := range res.Forest.Processes(i) {
			for r := range p.Records() {
				rel, err := filepath.Rel(shipped, res.InputPath(r.Place().File))
				if err != nil {
					t.Fatal(err)
				}
				byRecord[recordKey(filepath.ToSlash(rel), r.RecordID())] = p
			}
		}
	}
	found := func(p *fleet.Process) (proctree.Process, bool) {
		for _, r := range p.Records {
			if r.EventID == 1 || r.EventID == 4688 {
				q, ok := byRecord[recordKey(r.File, r.EventRecordID)]
				return q, ok
			}
		}
		return proctree.Process{}, false
	}
	logged, linked := 0, 0
	for _, p := range demo.Fleet.Processes() {
		q, ok := found(p)
		for _, r := range p.Records {
			if same := byRecord[recordKey(r.File, r.EventRecordID)]; (r.EventID == 1 || r.EventID == 4688) && same != q {
				t.Errorf("pid %d %s: its records are of several processes", p.PID, p.Image)
			}
		}
		if !ok {
			continue
		}
		logged++
		if p.Parent == nil {
			continue
		}
		parent, link := q.Parent()
		want, parentLogged := found(p.Parent)
		switch {
		case parentLogged && parent != want:
			t.Errorf("pid %d %s: parent is pid %d (%s), truth pid %d", p.PID, p.Image, parent.PID(), link, p.Parent.PID)
		case !parentLogged && (!parent.Exists() || !parent.Stub() || parent.PID() != p.Parent.PID):
			t.Errorf("pid %d %s: parent is pid %d (%s), truth pid %d, which is not in the logs", p.PID, p.Image, parent.PID(), link, p.Parent.PID)
		case parentLogged:
			linked++
		}
	}
	if logged < 850 || linked < 800 {
		t.Errorf("%d processes, %d with a parent: the model has more", logged, linked)
	}
}

// TestFleetFindings holds the findings of the shipped logs to what happened:
// nothing is found that did not run below a web server, and of the incidents
// every shell and every program that looks around is.
func TestFleetFindings(t *testing.T) {
	demo, err := fleet.NewDemo()
	if err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{shipped}})
	byRecord := make(map[string]*finding.Finding)
	for _, f := range res.Findings {
		for _, e := range f.Evidence {
			rel, err := filepath.Rel(shipped, e.File)
			if err != nil {
				t.Fatal(err)
			}
			byRecord[recordKey(filepath.ToSlash(rel), e.RecordID)] = f
		}
		if f.Crosscheck.State != crosscheck.Confirmed {
			t.Errorf("pid %d %s: second decoder: %+v", f.ProcessID, f.Image, f.Crosscheck)
		}
	}
	must := map[string]bool{
		"cmd.exe": true, "powershell.exe": true, "whoami.exe": true, "net.exe": true, "net1.exe": true, "nltest.exe": true,
		"ipconfig.exe": true, "systeminfo.exe": true, "hostname.exe": true, "netstat.exe": true, "tasklist.exe": true,
	}
	matched := make(map[*finding.Finding]bool)
	for _, p := range demo.Fleet.Processes() {
		for _, r := range p.Records {
			f := byRecord[recordKey(r.File, r.EventRecordID)]
			if f == nil {
				if (r.EventID == 1 || r.EventID == 4688) && p.Incident != "" && p.Worker() != nil && must[proctree.BaseName(p.Image)] {
					t.Errorf("%s: pid %d %s (%s) is not found", p.Incident, p.PID, p.Image, p.CommandLine)
				}
				continue
			}
			matched[f] = true
			if p.Worker() == nil {
				t.Errorf("pid %d %s (%s) is found, but ran below no web server", p.PID, p.Image, p.CommandLine)
				continue
			}
			if !webServerAbove(p, f.WorkerProcessID) || f.CommandLine != p.CommandLine || f.ProcessID != p.PID {
				t.Errorf("pid %d %s (%s): found as pid %d (%s) below %d", p.PID, p.Image, p.CommandLine, f.ProcessID, f.CommandLine, f.WorkerProcessID)
			}
		}
	}
	if len(matched) != len(res.Findings) || len(matched) < 50 {
		t.Errorf("%d findings, of which the model knows %d", len(res.Findings), len(matched))
	}
}

// webServerAbove reports whether a web server of the given process ID is among
// the ancestors of a process.
func webServerAbove(p *fleet.Process, pid uint32) bool {
	for at := p.Parent; at != nil; at = at.Parent {
		if at.WebServer() && at.PID == pid {
			return true
		}
	}
	return false
}

// TestRawEvents: as many findings keep the second decoder's event as were asked
// for, the first ones, and it is theirs.
func TestRawEvents(t *testing.T) {
	for _, want := range []int{0, 5, 1000} {
		res := mustScan(t, scan.Options{Paths: []string{shipped}, RawEvents: want})
		kept := 0
		for i, f := range res.Findings {
			if f.Crosscheck.Raw == nil {
				continue
			}
			kept++
			event, _ := f.Crosscheck.Raw["Event"].(map[string]any)
			system, _ := event["System"].(map[string]any)
			if id := fmt.Sprint(system["EventRecordID"]); id != fmt.Sprint(f.Evidence[0].RecordID) {
				t.Errorf("finding %d: the raw event is record %s, not %d", i, id, f.Evidence[0].RecordID)
			}
			if i >= want {
				t.Errorf("finding %d has a raw event, of %d asked for", i, want)
			}
		}
		if kept != min(want, len(res.Findings)) {
			t.Errorf("%d raw events of %d asked for and %d findings", kept, want, len(res.Findings))
		}
	}
}
