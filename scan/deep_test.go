package scan_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

// TestDeepChain: of a chain of thousands of shells below a web server every
// link is counted, and a bounded number is named.
func TestDeepChain(t *testing.T) {
	const n = 5000
	events := make([]evtxtest.Event, 0, n+1)
	image := `C:\Windows\System32\inetsrv\w3wp.exe`
	for i := range n + 1 {
		parent := ""
		if i > 1 { // so that the first link is the least sure
			parent = `C:\Windows\System32\cmd.exe`
		}
		if i > 0 {
			image = `C:\Windows\System32\cmd.exe`
		}
		events = append(events, after(time.Duration(i)*time.Second, &evtxtest.ProcessCreated{
			NewProcessID: uint64(1000 + i), NewProcessName: image, ProcessID: uint64(999 + i), ParentProcessName: parent, CommandLine: fmt.Sprintf("%d", i),
		}))
	}
	path := filepath.Join(t.TempDir(), "a.evtx")
	logOf(t, path, events...)
	res := mustScan(t, scan.Options{Paths: []string{path}, Crosscheck: -1})
	if len(res.Findings) != n || len(res.Sessions) != 1 {
		t.Fatalf("%d findings in %d sessions", len(res.Findings), len(res.Sessions))
	}
	for i, f := range res.Findings {
		named := strings.Join(f.Ancestors, " > ")
		if f.Depth != i+1 || !strings.HasPrefix(named, `C:\Windows\System32\inetsrv\w3wp.exe`) || len(f.Ancestors) != min(i+1, 64) {
			t.Fatalf("finding %d: depth %d, %d ancestors: %.200s", i, f.Depth, len(f.Ancestors), named)
		}
		if f.Link != proctree.LinkTime {
			t.Fatalf("finding %d: link %s", i, f.Link)
		}
		if want := fmt.Sprintf("... (%d more)", i+1-63); i+1 > 64 && f.Ancestors[1] != want {
			t.Fatalf("finding %d: %q, want %q", i, f.Ancestors[1], want)
		}
	}
}
