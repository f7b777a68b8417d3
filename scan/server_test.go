package scan_test

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/scan"
	"webshellscan/scan/proctree"
)

const (
	sqlservr = `C:\Program Files\Microsoft SQL Server\MSSQL15.MSSQLSERVER\MSSQL\Binn\sqlservr.exe`
	services = `C:\Windows\System32\services.exe`
	system   = `NT AUTHORITY\SYSTEM`
)

// processWith returns the process of a result with a process ID.
func processWith(t *testing.T, res *scan.Result, pid uint32) proctree.Process {
	t.Helper()
	for p := range res.Forest.Processes(0) {
		if p.PID() == pid {
			return p
		}
	}
	t.Fatalf("no process %d", pid)
	return proctree.Process{}
}

// TestServerRoles: which server is the worker where one runs below another, and what its fields then are.
func TestServerRoles(t *testing.T) {
	database := run{100, 4, sqlservr, "sqlservr.exe -sMSSQLSERVER", system, 0x3e7, "System", services, ""}
	web := run{110, 4, w3wp, `w3wp.exe -ap "shop"`, shopUser, 0x9999, "High", services, ""}
	below := func(pid, parent uint32, image, parentImage string) run {
		return run{pid, parent, image, image, system, 0x3e7, "System", parentImage, ""}
	}
	for _, tt := range []struct {
		name    string
		runs    []run
		role    scan.ServerRole
		product []string
		image   []string
		depth   []string
	}{
		{"below a database", []run{database, below(200, 100, cmd, sqlservr)}, scan.ServerOther, []string{"SQL Server"}, nil, []string{"1"}},
		{"below a web server", []run{web, below(200, 110, cmd, w3wp)}, scan.ServerWeb, []string{"IIS"}, []string{w3wp}, []string{"1"}},
		{
			"a database below a web server",
			[]run{web, below(150, 110, sqlservr, w3wp), below(200, 150, cmd, sqlservr)},
			scan.ServerWeb,
			[]string{"IIS"},
			[]string{w3wp},
			[]string{"2"},
		},
		{
			"a web server below a database",
			[]run{database, below(150, 100, cmd, sqlservr), below(160, 150, w3wp, cmd), below(200, 160, cmd, w3wp)},
			scan.ServerWeb,
			[]string{"IIS"},
			[]string{w3wp},
			[]string{"1"},
		},
		{"below none", []run{below(200, 4, cmd, services)}, scan.ServerNone, nil, nil, nil},
	} {
		res := scanRuns(t, tt.runs...)
		p := processWith(t, res, 200)
		worker, role, _ := res.WorkerOf(p)
		if role != tt.role || worker.Exists() != (role != scan.ServerNone) {
			t.Errorf("%s: role %q, want %q", tt.name, role, tt.role)
		}
		wanted := map[string][]string{"WorkerProduct": tt.product, "WorkerImage": tt.image, "Depth": tt.depth, "WorkerRole": nil}
		if role != scan.ServerNone {
			wanted["WorkerRole"] = []string{string(role)}
		}
		for field, want := range wanted {
			if diff := gocmp.Diff(want, res.FieldValues(p, field)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", tt.name, field, diff)
			}
		}
	}
}

// TestWorkerProductNamesBoth: rules may ask for the server as well as for what runs in it.
func TestWorkerProductNamesBoth(t *testing.T) {
	res := scanRuns(
		t, run{100, 4, w3wp, `w3wp.exe -ap "MSExchangeOWAAppPool"`, system, 0x3e7, "System", services, ""},
		run{200, 100, cmd, "cmd /c whoami", system, 0x3e7, "System", w3wp, ""})
	if diff := gocmp.Diff([]string{"IIS", "Exchange OWA"}, res.FieldValues(processWith(t, res, 200), "WorkerProduct")); diff != "" {
		t.Error(diff)
	}
	if s := res.Sessions[0]; s.Product != "Exchange OWA" || s.ServerRole != scan.ServerWeb || s.Findings[0].Product != "Exchange OWA" {
		t.Errorf("%+v", s)
	}
}
