package scan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
)

// TestArmedByCommands: what the command lines of a session leave to be run is
// known without any event that tells of it, and so is what runs by it, and
// below that; programs of the system only where Windows started them so.
func TestArmedByCommands(t *testing.T) {
	const (
		services  = `C:\Windows\System32\services.exe`
		scheduler = `C:\Windows\System32\svchost.exe`
		desktop   = `C:\Windows\explorer.exe`
		sc        = `C:\Windows\System32\sc.exe`
		tasks     = `C:\Windows\System32\schtasks.exe`
		reg       = `C:\Windows\System32\reg.exe`
		net       = `C:\Windows\System32\net.exe`
		bits      = `C:\Windows\System32\bitsadmin.exe`
	)
	anna := evtxtest.Account{Name: "anna", Domain: "WEB1", SID: evtxtest.MustSID("S-1-5-21-1-2-3-1001"), LogonID: 0x51a2}
	support := evtxtest.Account{Name: "support$", Domain: "WEB1", SID: evtxtest.MustSID("S-1-5-21-1-2-3-1002"), LogonID: 0x51a3}
	list := []struct {
		pid, parent        uint64
		image, line, above string
		as                 evtxtest.Account
		want               string
	}{
		{100, 50, workerPath, `w3wp.exe -ap "shop"`, scheduler, evtxtest.Account{}, ""},
		{101, 60, `D:\svc\upd.exe`, `D:\svc\upd.exe`, services, evtxtest.Account{}, ""}, // before it was left
		{200, 100, shell, `cmd.exe /c whoami`, workerPath, evtxtest.Account{}, ""},
		{201, 200, sc, `sc  create Upd binPath= "D:\svc\upd.exe -k"`, shell, evtxtest.Account{}, ""},
		{202, 200, tasks, `schtasks /create /tn Nightly /tr "cmd.exe /c D:\svc\n.bat" /sc daily`, shell, evtxtest.Account{}, ""},
		{203, 200, reg, `reg add HKLM\Software\Microsoft\Windows\CurrentVersion\Run /v Tray /d D:\svc\tray.exe`, shell, evtxtest.Account{}, ""},
		{204, 200, net, `net user support$ P@ss /add`, shell, evtxtest.Account{}, ""},
		{205, 200, bits, `bitsadmin /SetNotifyCmdLine job D:\svc\done.exe NULL`, shell, evtxtest.Account{}, ""},
		{206, 200, reg, `reg add HKLM\Software\Shop /v Tray /d D:\svc\other.exe`, shell, evtxtest.Account{}, ""},
		{300, 60, `D:\svc\upd.exe`, `D:\svc\upd.exe -k`, services, evtxtest.Account{}, "the service Upd"},
		{301, 300, shell, `cmd.exe /c net view`, `D:\svc\upd.exe`, evtxtest.Account{}, "the service Upd"},
		{302, 61, shell, `cmd.exe /c D:\svc\n.bat`, scheduler, evtxtest.Account{}, "the scheduled task Nightly"},
		{303, 62, shell, `cmd.exe /c D:\svc\n.bat`, desktop, anna, ""},
		{304, 62, `D:\svc\tray.exe`, `D:\svc\tray.exe`, desktop, anna, `the registry value HKLM\Software\Microsoft\Windows\CurrentVersion\Run\Tray`},
		{305, 61, `D:\svc\done.exe`, `D:\svc\done.exe`, scheduler, evtxtest.Account{}, "the BITS job job"},
		{306, 62, `D:\svc\other.exe`, `D:\svc\other.exe`, desktop, anna, ""},
		{307, 63, shell, `cmd.exe`, desktop, support, "the account support$"},
	}
	var events []evtxtest.Event
	var want []string
	for i, p := range list {
		events = append(events, evtxtest.NewEvent(storyStart.Add(time.Duration(i)*time.Second), "WEB1", &evtxtest.ProcessCreated{
			Subject: evtxtest.Account{Name: "WEB1$", Domain: "CORP", SID: evtxtest.MustSID("S-1-5-18"), LogonID: 0x3e7}, Target: p.as,
			NewProcessID: p.pid, NewProcessName: p.image, ProcessID: p.parent, CommandLine: p.line, ParentProcessName: p.above,
		}))
		if p.want != "" {
			want = append(want, fmt.Sprintf("%d: %s", p.pid, p.want))
		}
	}
	dir := logFolder(t, "Security.evtx", events)
	res := mustScan(t, scan.Options{Paths: []string{dir}})
	var got []string
	for _, s := range res.Sessions {
		for _, a := range s.Armed {
			got = append(got, fmt.Sprintf("%d: %s", a.Process.PID(), a.By))
			if a.Since == 0 || a.Since > a.Process.Start() {
				t.Errorf("%d: since %s", a.Process.PID(), a.Since)
			}
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestArmedByThread: a process in which the session started a thread is armed
// by it, and so is what ran below that process since, but not before.
func TestArmedByThread(t *testing.T) {
	guid := func(n int) string { return fmt.Sprintf("{11111111-0000-0000-0000-0000000000%02d}", n) }
	var events []evtxtest.Event
	create := func(second, n, parent int, image, above, user string, logon uint64) {
		events = append(events, evtxtest.NewEvent(storyStart.Add(time.Duration(second)*time.Second), "WEB1", &evtxtest.SysmonProcessCreate{
			ProcessGUID: evtxtest.MustGUID(guid(n)), ProcessID: uint32(n), Image: image, CommandLine: image, User: user, LogonID: logon,
			ParentProcessGUID: evtxtest.MustGUID(guid(parent)), ParentProcessID: uint32(parent), ParentImage: above, ParentCommandLine: above,
		}))
	}
	const notepad = `C:\Windows\System32\notepad.exe`
	const person = `CORP\anna`
	create(0, 10, 9, workerPath, `C:\Windows\System32\svchost.exe`, shopUser, 0x9999)
	create(1, 20, 8, notepad, `C:\Windows\explorer.exe`, person, 0x8888)
	create(2, 30, 10, `C:\ProgramData\inj.exe`, workerPath, shopUser, 0x9999)
	create(3, 40, 20, shell, notepad, person, 0x8888)
	thread := storyEvent{4, "WEB1", "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 8, 4, "", "SourceProcessGuid=" + guid(30) +
		`|SourceProcessId=30|SourceImage=C:\ProgramData\inj.exe|TargetProcessGuid=` + guid(20) + `|TargetProcessId=20|TargetImage=` + notepad, ""}
	events = append(events, thread.record())
	create(5, 41, 20, shell, notepad, person, 0x8888)
	dir := logFolder(t, "Sysmon.evtx", events)
	var got []string
	for _, s := range mustScan(t, scan.Options{Paths: []string{dir}}).Sessions {
		for _, a := range s.Armed {
			got = append(got, fmt.Sprintf("%d: %s", a.Process.PID(), a.By))
		}
	}
	if diff := cmp.Diff([]string{`20: a thread of C:\ProgramData\inj.exe`, `41: a thread of C:\ProgramData\inj.exe`}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
