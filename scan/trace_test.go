package scan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/rules/builtin"
	"webshellscan/scan"
	"webshellscan/scan/event"
)

// traceRows are events of a host that logs no process creations; want is what
// its traces say of each, "" for nothing.
func traceRows() []storyEvent {
	pool := event.PoolSID("shop")
	const (
		defender  = "Microsoft-Windows-Windows Defender"
		sessions  = "Microsoft-Windows-TerminalServices-LocalSessionManager"
		bits      = "Microsoft-Windows-Bits-Client"
		power     = "Microsoft-Windows-PowerShell"
		enumerate = "Users or Groups Enumerated by a Web Server or an Application Pool"
		explicit  = "Log-In With Explicit Credentials by a Web Server or an Application Pool"
		job       = "BITS Job of a Web Server or an Application Pool"
		made      = "Account Made or Added to a Group"
		crash     = "Crash of a Web Server Process"
	)
	return []storyEvent{
		{0, "OLD", securityLog, auditing, 4799, 4, "", "TargetUserName=Administrators|SubjectUserSid=S-1-5-18|CallerProcessId=0x9|CallerProcessName=" + workerPath, enumerate},
		{1, "OLD", securityLog, auditing, 4798, 4, "", "TargetUserName=anna|SubjectUserSid=" + pool + `|CallerProcessId=0x9|CallerProcessName=C:\Windows\System32\net1.exe`, enumerate},
		{2, "OLD", securityLog, auditing, 4799, 4, "", `TargetUserName=Administrators|SubjectUserSid=S-1-5-18|CallerProcessId=0x9|CallerProcessName=C:\Windows\System32\svchost.exe`, ""},
		{3, "OLD", securityLog, auditing, 4648, 4, "", "SubjectUserSid=S-1-5-18|TargetUserName=adm|ProcessId=0x9|ProcessName=" + workerPath, explicit},
		{4, "OLD", securityLog, auditing, 4648, 4, "", `SubjectUserSid=S-1-5-18|TargetUserName=adm|ProcessId=0x9|ProcessName=C:\Windows\System32\svchost.exe`, ""},
		{5, "OLD", securityLog, auditing, 4648, 4, "", "SubjectUserSid=" + pool + `|TargetUserName=adm|ProcessId=0x9|ProcessName=C:\x.exe`, explicit},
		{6, "OLD", securityLog, auditing, 4720, 4, "", "SubjectUserSid=S-1-5-18|TargetUserName=support", made},
		{7, "OLD", "System", "Service Control Manager", 7045, 4, "S-1-5-18", `ServiceName=Upd|ImagePath=C:\x.exe`, "Service Installed"},
		{8, "OLD", power + "/Operational", power, 4104, 9, "S-1-5-18", "ScriptBlockText=IEX $x|ScriptBlockId=1", "Script Block That PowerShell Itself Holds for Suspicious"},
		{9, "OLD", power + "/Operational", power, 4104, 9, "S-1-5-18", "ScriptBlockText=dir|ScriptBlockId=2", ""},
		{10, "OLD", defender + "/Operational", defender, 1116, 9, "S-1-5-18", `Threat Name=Trojan:Win32/X|Path=file:_C:\Temp\b.exe|Process Name=C:\x.exe`, "Malware Found by Defender"},
		{11, "OLD", "Application", "ASP.NET 4.0.30319.0", 1309, 0, "", "=3005|=An unhandled exception has occurred.", "Error of an ASP.NET Page"},
		{12, "OLD", "Application", "Application Error", 1000, 0, "", "=w3wp.exe|=10.0.1|=x|=ntdll.dll", crash},
		{13, "OLD", "Application", "Application Error", 1000, 0, "", "=notepad.exe|=10.0.1|=x|=ntdll.dll", ""},
		{14, "OLD", "Application", "Application Error", 1000, 0, "", "AppName=w3wp.exe|ModuleName=ntdll.dll", crash},
		{15, "OLD", "Application", "MSSQLSERVER", 15457, 0, "", "=xp_cmdshell|=0|=1", "xp_cmdshell Switched"},
		{16, "OLD", "Application", "MSSQLSERVER", 15457, 0, "", "=max degree of parallelism|=0|=1", ""},
		{17, "OLD", bits + "/Operational", bits, 3, 9, "S-1-5-18", `jobTitle=a|jobOwner=NT AUTHORITY\SYSTEM|processPath=` + workerPath, job},
		{18, "OLD", bits + "/Operational", bits, 3, 9, "S-1-5-18", `jobTitle=b|jobOwner=IIS APPPOOL\shop|processPath=C:\x.exe`, job},
		{19, "OLD", bits + "/Operational", bits, 3, 9, "S-1-5-18", `jobTitle=c|jobOwner=WEB1\anna|processPath=C:\Windows\System32\svchost.exe`, ""},
		{20, "OLD", "MSExchange Management", "MSExchange CmdletLogs", 1, 0, "", `=New-MailboxExportRequest|=-FilePath "\\h\pst\a.pst"`, "Mailbox Exported"},
		{21, "OLD", sessions + "/Operational", sessions, 21, 9, "S-1-5-18", "User=CORP\\adm|SessionID=3|Address=10.0.0.7", "Remote Desktop Log-In From Another Machine"},
		{22, "OLD", sessions + "/Operational", sessions, 21, 9, "S-1-5-18", "User=CORP\\adm|SessionID=1|Address=LOCAL", ""},
	}
}

// writeTraces writes the events as logs of two hosts: OLD, and NEW, where
// process creations are logged.
func writeTraces(t *testing.T) string {
	t.Helper()
	var events []evtxtest.Event
	for i, row := range traceRows() {
		for n, host := range []string{"OLD", "NEW"} {
			row.host = host
			ev := row.record()
			ev.RecordID = uint64(1000*n + i + 1)
			if row.id == 4104 && row.second == 8 {
				ev.Level = 3
			}
			events = append(events, ev)
		}
	}
	events = append(events, evtxtest.NewEvent(storyStart.Add(time.Minute), "NEW", &evtxtest.ProcessCreated{
		NewProcessID: 300, NewProcessName: shell, ProcessID: 50, CommandLine: "cmd.exe", ParentProcessName: `C:\Windows\explorer.exe`,
	}))
	dir := logFolder(t, "Forwarded.evtx", events)
	return dir
}

// TestTraces: other evidence of web servers is told of hosts without process
// creations, and of no others; it is no finding. A partial result holds it.
func TestTraces(t *testing.T) {
	dir := writeTraces(t)
	for name, path := range map[string]string{"log": dir, "partial result": collected(t, dir)} {
		t.Run(name, func(t *testing.T) { checkTraces(t, mustScan(t, scan.Options{Paths: []string{path}, Version: "test"})) })
	}
}

func checkTraces(t *testing.T, res *scan.Result) {
	t.Helper()
	want, got := make(map[string]int), make(map[string]int)
	for _, row := range traceRows() {
		if row.want != "" {
			want["OLD: "+row.want]++
		}
	}
	for _, trace := range res.Traces {
		got[fmt.Sprintf("%s: %s", trace.Host, trace.What)] = trace.Count
		if trace.First > trace.Last || trace.Example == nil || len(trace.Example.Rules) > 0 {
			t.Errorf("%+v", trace)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, set := range res.Rules.Events {
		for _, r := range set.Set.Rules() {
			if r.Role == builtin.RoleTrace && want["OLD: "+r.Title] == 0 {
				t.Errorf("no row is for %s", r.Label())
			}
		}
	}
	if res.Found() {
		t.Error("traces are no findings")
	}
}
