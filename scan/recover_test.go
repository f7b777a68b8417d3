package scan_test

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest/faults"
	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

// faultLog writes the log of a row of the fault matrix and returns its path.
func faultLog(t *testing.T, dir, id string) string {
	t.Helper()
	rows := faults.Rows()
	i := slices.IndexFunc(rows, func(r faults.Row) bool { return r.ID == id })
	path := filepath.Join(dir, id+".evtx")
	if err := os.WriteFile(path, rows[i].Log().Data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// allProcesses returns the processes of all hosts.
func allProcesses(res *scan.Result) iter.Seq[proctree.Process] {
	return func(yield func(proctree.Process) bool) {
		for i := range res.Forest.Hosts() {
			for p := range res.Forest.Processes(i) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// processes lists all processes of a result, one line each.
func processes(res *scan.Result) []string {
	var list []string
	texts := res.Forest.Texts()
	for p := range allProcesses(res) {
		line := p.Host().Name + " " + p.Start().String() + " " + texts.Text(p.CommandLine())
		if p.Recovered() {
			line += " (recovered)"
		}
		for r := range p.Records() {
			line += " " + res.InputPath(r.Place().File)
		}
		list = append(list, line)
	}
	return list
}

// TestRecover: stale records give processes that are marked, are counted apart,
// and are dropped where a live record of any file tells the same. The number of
// goroutines makes no difference, nor for records whose definition is lost.
func TestRecover(t *testing.T) {
	dir := t.TempDir()
	stale := faultLog(t, dir, "F55")
	lost := faultLog(t, dir, "F43")
	emptied := faultLog(t, dir, "F25")
	run := func(paths []string, goroutines int, recover bool) *scan.Result {
		t.Helper()
		res, err := scan.Scan(t.Context(), scan.Options{Paths: paths, Goroutines: goroutines, Recover: recover})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	for _, tt := range []struct {
		name      string
		paths     []string
		recover   bool
		recovered int // processes
	}{
		{"stale record", []string{stale}, true, 1},
		{"not asked for", []string{stale}, false, 0},
		{"emptied chunk", []string{emptied}, false, 28},
		{"emptied chunk, copies elsewhere", []string{emptied, lost}, true, 0},
		{"definition lost", []string{lost}, false, 0},
		{"all", []string{stale, lost, emptied}, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one := run(tt.paths, 1, tt.recover)
			recovered := 0
			for p := range allProcesses(one) {
				if p.Recovered() {
					recovered++
				}
			}
			if recovered != tt.recovered || one.Summary.Events.Recovered != tt.recovered {
				t.Errorf("%d processes recovered, %d counted, want %d", recovered, one.Summary.Events.Recovered, tt.recovered)
			}
			events := one.Summary.Events
			events.Recovered = 0
			if want := (proctree.Counts{}); len(tt.paths) == 1 && tt.name == "stale record" {
				want.SysmonCreate, want.SysmonEnd, want.SecurityCreate, want.SecurityEnd = 29, 7, 29, 7
				want.NoParentName, want.SysmonFields = 29, 22
				if diff := cmp.Diff(want, events); diff != "" {
					t.Errorf("live events (-want +got):\n%s", diff)
				}
			}
			for _, goroutines := range []int{2, 8} {
				if diff := cmp.Diff(processes(one), processes(run(tt.paths, goroutines, tt.recover))); diff != "" {
					t.Errorf("%d goroutines (-1 +%d):\n%s", goroutines, goroutines, diff)
				}
			}
		})
	}
}
