package scan_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules"
	"webshellscan/scan"
)

const w3wp = `C:\Windows\System32\inetsrv\w3wp.exe`

// run is a process of a made Sysmon log.
type run struct {
	pid, parent              uint32
	image, command           string
	user                     string
	logon                    uint64
	integrity                string
	parentImage, parentsLine string
}

// scanRuns scans a made Sysmon log of processes, one a minute.
func scanRuns(t *testing.T, runs ...run) *scan.Result {
	t.Helper()
	return mustScan(t, scan.Options{Paths: []string{runsLog(t, runs...)}})
}

// runsLog returns a folder with such a log.
func runsLog(t *testing.T, runs ...run) string {
	t.Helper()
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var events []evtxtest.Event
	for i, r := range runs {
		events = append(events, evtxtest.NewEvent(at.Add(time.Duration(i)*time.Minute), "WEB01", &evtxtest.SysmonProcessCreate{
			ProcessID: r.pid, ParentProcessID: r.parent, Image: r.image, CommandLine: r.command, User: r.user, LogonID: r.logon,
			IntegrityLevel: r.integrity, ParentImage: r.parentImage, ParentCommandLine: r.parentsLine,
		}))
	}
	folder := logFolder(t, "sysmon.evtx", events)
	return folder
}

const (
	shopUser = `IIS APPPOOL\shop`
	cmd      = `C:\Windows\System32\cmd.exe`
	potato   = `C:\Windows\Temp\p.exe`
)

func TestElevation(t *testing.T) {
	worker := run{100, 4, w3wp, `w3wp.exe -ap "shop"`, shopUser, 0x9999, "High", `C:\Windows\System32\svchost.exe`, "svchost"}
	systemWorker := worker
	systemWorker.user, systemWorker.logon, systemWorker.integrity = `NT AUTHORITY\SYSTEM`, 0x3e7, "System"
	shell := run{200, 100, cmd, "cmd /c p", shopUser, 0x9999, "High", w3wp, ""}
	tests := []struct {
		name  string
		runs  []run
		want  []string // beginnings of reasons
		level rules.Level
	}{
		{"none", []run{worker, shell}, nil, rules.LevelHigh},
		{
			"to SYSTEM by a dropped program",
			[]run{worker, shell, {300, 200, potato, "p", shopUser, 0x9999, "High", cmd, ""}, {400, 300, cmd, "cmd", `NT-AUTORITÄT\SYSTEM`, 0x3e7, "System", potato, ""}},
			[]string{
				`cmd.exe (400) runs as NT-AUTORITÄT\SYSTEM, its parent p.exe (300) as IIS APPPOOL\shop`,
				`cmd.exe (400) runs at integrity level System, its parent p.exe (300) at High`,
			},
			rules.LevelCritical,
		},
		{
			"to another account",
			[]run{worker, shell, {300, 200, cmd, "cmd", `CORP\admin`, 0x8888, "High", cmd, ""}, {400, 200, cmd, "cmd 2", `CORP\admin`, 0x8888, "High", cmd, ""}},
			[]string{`cmd.exe (300) runs as CORP\admin, its parent cmd.exe (200) as IIS APPPOOL\shop; so does one more`},
			rules.LevelCritical,
		},
		{
			"integrity alone",
			[]run{{100, 4, w3wp, "w3wp.exe", `CORP\dev`, 0x77, "Medium", "", ""}, {200, 100, cmd, "cmd", `CORP\dev`, 0x77, "High", w3wp, ""}},
			[]string{`cmd.exe (200) runs at integrity level High, its parent w3wp.exe (100) at Medium`},
			rules.LevelCritical,
		},
		{"the same account spelled otherwise", []run{worker, {200, 100, cmd, "cmd", `shop`, 0x7777, "High", w3wp, ""}}, nil, rules.LevelHigh},
		{"the same logon spelled otherwise", []run{worker, {200, 100, cmd, "cmd", `CORP\WEB01$`, 0x9999, "High", w3wp, ""}}, nil, rules.LevelHigh},
		{"from SYSTEM", []run{systemWorker, shell}, nil, rules.LevelHigh},
		{"nothing known", []run{worker, {200, 100, cmd, "cmd", "", 0, "", w3wp, ""}}, nil, rules.LevelHigh},
		{
			"a parent that is not in the logs",
			[]run{{200, 100, cmd, "cmd", `NT AUTHORITY\SYSTEM`, 0x3e7, "System", w3wp, `w3wp.exe -ap "shop"`}},
			nil, rules.LevelHigh,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sessionOn(t, scanRuns(t, tt.runs...), "WEB01")
			if len(s.Raised) != len(tt.want) || s.Level != tt.level {
				t.Fatalf("level %s, raised %q, want %s, %q", s.Level, s.Raised, tt.level, tt.want)
			}
			for i, want := range tt.want {
				if s.Raised[i] != want {
					t.Errorf("%s, want %s", s.Raised[i], want)
				}
			}
		})
	}
}

// TestElevationIsNotKnown: a baseline that knows every command does not know
// that rights rise.
func TestElevationIsNotKnown(t *testing.T) {
	runs := []run{
		{100, 4, w3wp, "w3wp.exe", shopUser, 0x9999, "High", "", ""},
		{200, 100, cmd, "cmd", shopUser, 0x9999, "High", w3wp, ""},
	}
	known, _ := baselineOf(t, scanRuns(t, runs...).Findings...)
	for _, logon := range []uint64{0x9999, 0x3e7} {
		runs[1].logon, runs[1].user = logon, fmt.Sprint("user of ", logon)
		res := scanRuns(t, runs...)
		again := mustScan(t, scan.Options{Paths: []string{filepath.Dir(res.Findings[0].Evidence[0].File)}, Baseline: known})
		if s := again.Sessions[0]; !again.Findings[0].Known || s.Known != (logon == 0x9999) {
			t.Errorf("logon %#x: finding known %v, session known %v", logon, again.Findings[0].Known, s.Known)
		}
	}
}

// TestBurst: distinct enumeration commands within 30 minutes.
func TestBurst(t *testing.T) {
	worker := run{100, 4, w3wp, "w3wp.exe", shopUser, 0x9999, "High", "", ""}
	tool := func(pid uint32, name, args string) run {
		return run{pid, 100, `C:\Windows\System32\` + name + ".exe", name + args, shopUser, 0x9999, "High", w3wp, ""}
	}
	pause := make([]run, 29) // minutes in which nothing is found
	for i := range pause {
		pause[i] = run{uint32(5000 + i), 4, `C:\x\y.exe`, "y", "", 0, "", "", ""}
	}
	tests := []struct {
		name               string
		runs               []run
		enumeration, burst int
	}{
		{"three", []run{tool(200, "whoami", ""), tool(201, "ipconfig", " /all"), tool(202, "hostname", "")}, 3, 3},
		{"one again and again", []run{tool(200, "ping", " -n 1 10.0.0.1"), tool(201, "ping", " -n 1 10.0.0.2"), tool(202, "ping", " -n 1 10.0.0.3")}, 1, 1},
		{"one spelled otherwise", []run{tool(200, "whoami", ""), tool(201, "whoami", ".exe"), tool(202, "whoami", "  ")}, 1, 1},
		{"handed on", []run{tool(200, "net", " user"), {201, 200, `C:\Windows\System32\net1.exe`, `C:\Windows\system32\net1 user`, shopUser, 0x9999, "High", "", ""}}, 1, 1},
		{"too far apart", slices.Concat([]run{tool(200, "whoami", "")}, pause, []run{tool(201, "ipconfig", ""), tool(202, "hostname", "")}), 3, 2},
		{"just near enough", slices.Concat([]run{tool(200, "whoami", "")}, pause[1:], []run{tool(201, "ipconfig", ""), tool(202, "hostname", "")}), 3, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sessionOn(t, scanRuns(t, append([]run{worker}, tt.runs...)...), "WEB01")
			if s.Enumeration != tt.enumeration || s.Burst != tt.burst {
				t.Errorf("%d commands, a burst of %d, want %d and %d", s.Enumeration, s.Burst, tt.enumeration, tt.burst)
			}
			if raised := len(s.Raised) > 0; raised != (tt.burst >= 3) {
				t.Errorf("a burst of %d: %v", tt.burst, s.Raised)
			}
		})
	}
}

// TestApplication: what is told of a worker by its command line and its user.
func TestApplication(t *testing.T) {
	const system = `NT AUTHORITY\SYSTEM`
	tests := []struct {
		image, command, user, child string
		product, application        string
	}{
		{w3wp, `w3wp.exe -ap "MSExchangeOWAAppPool" -v "v4.0"`, system, system, "Exchange OWA", "MSExchangeOWAAppPool"},
		{w3wp, `c:\x\w3wp.exe -AP "MSExchangeECPAppPool"`, system, system, "Exchange ECP", "MSExchangeECPAppPool"},
		{w3wp, `w3wp.exe -ap MSExchangePowerShellAppPool -v v2`, system, system, "Exchange PowerShell", "MSExchangePowerShellAppPool"},
		{w3wp, `w3wp.exe -ap "MSExchangeSomethingNew"`, system, system, "Exchange", "MSExchangeSomethingNew"},
		{w3wp, `w3wp.exe -v "v4.0" -h "C:\inetpub\temp\apppools\SharePoint - 80\SharePoint - 80.config" -w ""`, system, system, "SharePoint", "SharePoint - 80"},
		{w3wp, `w3wp.exe -ap "WsusPool"`, system, system, "WSUS", "WsusPool"},
		{w3wp, `w3wp.exe -ap "moveitdmz pool"`, system, system, "MOVEit Transfer", "moveitdmz pool"},
		{w3wp, "", `IIS APPPOOL\moveitdmz pool`, "x", "MOVEit Transfer", "moveitdmz pool"},
		{w3wp, "", system, `iis apppool\shop`, "IIS", "shop"},
		{w3wp, `w3wp.exe -a "x -ap y"`, system, system, "IIS", ""},
		{w3wp, `w3wp.exe -ap`, system, system, "IIS", ""},
		{w3wp, `w3wp.exe -ap ""`, system, system, "IIS", ""},
		{w3wp, `w3wp.exe -h "C:\x.txt"`, system, system, "IIS", ""},
		{`C:\Atlassian\bin\tomcat9.exe`, `tomcat9.exe //RS//Confluence120`, system, system, "Confluence", ""},
		{`C:\Tomcat\bin\tomcat9.exe`, `tomcat9.exe //RS//Tomcat9`, system, system, "Apache Tomcat", ""},
		{`C:\Java\java.exe`, `java -Dcatalina.home=C:\Program Files\Atlassian\JIRA`, system, system, "Jira", ""},
		{`C:\ColdFusion\cfusion\bin\coldfusion.exe`, `coldfusion.exe`, `IIS APPPOOL\x`, system, "ColdFusion", ""},
	}
	for _, tt := range tests {
		t.Run(tt.product+" "+tt.command, func(t *testing.T) {
			res := scanRuns(t, run{100, 4, tt.image, tt.command, tt.user, 0x3e7, "", "", ""}, run{200, 100, cmd, "cmd", tt.child, 0x3e7, "", tt.image, ""})
			s := sessionOn(t, res, "WEB01")
			if s.Product != tt.product || s.Application != tt.application || s.Findings[0].Product != tt.product {
				t.Errorf("%q in %q, want %q in %q", s.Application, s.Product, tt.application, tt.product)
			}
		})
	}
}

// sysmonRun and securityRun are process creations as either log has them, one
// below process 100, which is an IIS worker unless it is that itself.
func sysmonRun(pid, parent uint32, image, user string, logon uint64, integrity string) *evtxtest.SysmonProcessCreate {
	return &evtxtest.SysmonProcessCreate{
		ProcessID: pid, ParentProcessID: parent, Image: image, CommandLine: fmt.Sprint("run ", pid), User: user, LogonID: logon,
		IntegrityLevel: integrity, ParentImage: map[bool]string{true: w3wp, false: `C:\Windows\System32\svchost.exe`}[parent == 100],
	}
}

func securityRun(pid, parent uint64, image string, subject evtxtest.Account) *evtxtest.ProcessCreated {
	return &evtxtest.ProcessCreated{
		NewProcessID: pid, ProcessID: parent, NewProcessName: image, CommandLine: fmt.Sprint("run ", pid), Subject: subject,
	}
}

// TestElevationIsOfWhomIsKnown (issue 10, point 12): rights rise only where it
// is known whom both run as, however that is spelled.
func TestElevationIsOfWhomIsKnown(t *testing.T) {
	const dot = `C:\Windows\System32\whoami.exe`
	machine := evtxtest.Account{Name: "WEB01$", Domain: "WORKGROUP"}
	asNetwork := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-20"), Name: "WEB01$", Domain: "WORKGROUP", LogonID: 0x3e4}
	asSystem := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "WEB01$", Domain: "WORKGROUP", LogonID: 0x3e7}
	bySID := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "RENDSZER", Domain: "NT"}
	withParentUser := func(r *evtxtest.SysmonProcessCreate, user string) *evtxtest.SysmonProcessCreate {
		r.Schema, r.ParentUser = evtxtest.Sysmon23, user
		return r
	}
	shop := sysmonRun(100, 4, w3wp, shopUser, 0x9999, "High")
	stubChild := func(parentUser string) *evtxtest.SysmonProcessCreate {
		return withParentUser(sysmonRun(200, 100, cmd, `WEB01\svc_web`, 0x9999, "High"), parentUser)
	}
	tests := []struct {
		name   string
		events []evtxtest.Source
		want   string
	}{
		{"a user of one dash", []evtxtest.Source{shop, sysmonRun(200, 100, cmd, "-", 0x8888, "-")}, ""},
		{"a worker's user that is a question mark", []evtxtest.Source{
			sysmonRun(100, 4, w3wp, "?", 0x7777, "?"), sysmonRun(200, 100, cmd, shopUser, 0x9999, "High"),
		}, ""},
		{"a user as a database exports none", []evtxtest.Source{shop, sysmonRun(200, 100, cmd, "NULL", 0x8888, "-")}, ""},
		{"from a SYSTEM that only the child names", []evtxtest.Source{stubChild(`NT AUTHORITY\SYSTEM`)}, ""},
		{"the same in Russian", []evtxtest.Source{stubChild(`NT AUTHORITY\СИСТЕМА`)}, ""},
		{"the same in a language that the host's other records teach", []evtxtest.Source{
			sysmonRun(900, 4, dot, `NT-X\SYSTEMET`, 0x3e7, "System"), stubChild(`NT-X\SYSTEMET`),
		}, ""},
		{"what runs with the system's logon as an application pool teaches nothing", []evtxtest.Source{
			sysmonRun(900, 4, dot, shopUser, 0x3e7, "System"), stubChild(shopUser),
		}, `cmd.exe (200) runs as WEB01\svc_web, its parent w3wp.exe (100) as IIS APPPOOL\shop`},
		{
			"from another that only the child names",
			[]evtxtest.Source{stubChild(`CORP\web`)},
			`cmd.exe (200) runs as WEB01\svc_web, its parent w3wp.exe (100) as CORP\web`,
		},
		{"to the computer that is NETWORK SERVICE", []evtxtest.Source{
			sysmonRun(100, 4, w3wp, `NT AUTHORITY\NETWORK SERVICE`, 0, "High"), securityRun(200, 100, cmd, asNetwork),
		}, ""},
		{"from the computer that is NETWORK SERVICE, in German", []evtxtest.Source{
			securityRun(100, 4, w3wp, asNetwork), sysmonRun(200, 100, cmd, `NT-AUTORITÄT\Netzwerkdienst`, 0, "High"),
		}, ""},
		{"from the computer, which may be SYSTEM", []evtxtest.Source{
			securityRun(100, 4, w3wp, machine), sysmonRun(200, 100, cmd, `NT AUTHORITY\SYSTEM`, 0x3e7, "System"),
		}, ""},
		{"from SYSTEM by its SID", []evtxtest.Source{securityRun(100, 4, w3wp, bySID), sysmonRun(200, 100, cmd, shopUser, 0x9999, "High")}, ""},
		{"from NETWORK SERVICE to SYSTEM", []evtxtest.Source{
			securityRun(100, 4, w3wp, asNetwork), sysmonRun(200, 100, cmd, `NT AUTHORITY\SYSTEM`, 0x3e7, "System"),
		}, `cmd.exe (200) runs as NT AUTHORITY\SYSTEM, its parent w3wp.exe (100) as WORKGROUP\WEB01$`},
		{"the same, and the Security log has the computer's account for both", []evtxtest.Source{
			securityRun(100, 4, w3wp, asNetwork), securityRun(200, 100, cmd, asSystem),
		}, `cmd.exe (200) runs as WORKGROUP\WEB01$ (SYSTEM), its parent w3wp.exe (100) as WORKGROUP\WEB01$ (NETWORK SERVICE)`},
		{"the same name with the system's logon", []evtxtest.Source{shop, sysmonRun(200, 100, cmd, shopUser, 0x3e7, "High")}, ""},
		{"the same name with the system's logon, below a user that only the child names", []evtxtest.Source{
			withParentUser(sysmonRun(200, 100, cmd, shopUser, 0x3e7, "High"), shopUser),
		}, ""},
		{"a name of SYSTEM with the logon of NETWORK SERVICE", []evtxtest.Source{
			sysmonRun(100, 4, w3wp, `NT-X\SYSTEMET`, 0x3e4, "High"), sysmonRun(200, 100, cmd, `NT-X\SYSTEMET`, 0x3e7, "High"),
		}, ""},
		{"to LOCAL SERVICE from the computer, which may be SYSTEM", []evtxtest.Source{
			securityRun(100, 4, w3wp, machine), sysmonRun(200, 100, cmd, `NT AUTHORITY\LOCAL SERVICE`, 0x3e5, "High"),
		}, ""},
		{"to a user from a computer that only the child names", []evtxtest.Source{stubChild(`WORKGROUP\WEB01$`)}, ""},
		{
			"to a user from another computer",
			[]evtxtest.Source{stubChild(`CORP\DC01$`)},
			`cmd.exe (200) runs as WEB01\svc_web, its parent w3wp.exe (100) as CORP\DC01$`,
		},
		{
			"to another computer",
			[]evtxtest.Source{shop, sysmonRun(200, 100, cmd, `CORP\DC01$`, 0x7777, "High")},
			`cmd.exe (200) runs as CORP\DC01$, its parent w3wp.exe (100) as IIS APPPOOL\shop`,
		},
		{"by SIDs of integrity levels", []evtxtest.Source{
			sysmonRun(100, 4, w3wp, shopUser, 0x9999, "S-1-16-8192"), sysmonRun(200, 100, cmd, shopUser, 0x9999, "High"),
		}, `cmd.exe (200) runs at integrity level High, its parent w3wp.exe (100) at Medium`},
		{"an integrity level by name and by SID", []evtxtest.Source{
			sysmonRun(100, 4, w3wp, shopUser, 0x9999, "High"), sysmonRun(200, 100, cmd, shopUser, 0x9999, "S-1-16-12288"),
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sessionOn(t, mustScan(t, scan.Options{Paths: []string{webLog(t, tt.events...)}}), "WEB01")
			if got := strings.Join(s.Raised, "; "); got != tt.want {
				t.Errorf("raised %q, want %q", got, tt.want)
			}
			if s.User == "-" || s.User == "?" {
				t.Errorf("the worker ran as %s", s.User)
			}
		})
	}
}

// webLog returns a folder with a log of events of WEB01, one a minute.
func webLog(t *testing.T, sources ...evtxtest.Source) string {
	t.Helper()
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var events []evtxtest.Event
	for i, source := range sources {
		events = append(events, evtxtest.NewEvent(at.Add(time.Duration(i)*time.Minute), "WEB01", source))
	}
	folder := logFolder(t, "log.evtx", events)
	return folder
}
