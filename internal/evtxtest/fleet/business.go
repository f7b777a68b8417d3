package fleet

import (
	"cmp"
	"fmt"
	"time"

	"webshellscan/internal/evtxtest"
)

// people are the users of the domain.
var people = []person{
	{"m.okafor", 1104, true},
	{"s.lindqvist", 1107, true},
	{"j.baptista", 1121, false},
	{"r.achterberg", 1133, false},
	{"y.tanaka", 1140, false},
	{"svc-backup", 1150, false},
	{"svc-deploy", 1151, false},
}

// backgroundBusiness is what every Windows does when nobody looks.
func (h *Host) backgroundBusiness() {
	h.every(14*time.Minute, func() { h.startTask(pick(h, tasks)) })
	h.every(22*time.Minute, func() { h.wmi() })
	h.every(11*time.Minute, func() { h.agentCheck() })
	h.every(50*time.Minute, func() { h.installUpdates() })
	h.every(9*time.Minute, func() { h.comSurrogate() })
	h.every(25*time.Minute, func() { h.serviceFlap() })
	h.every(3*time.Minute, func() { h.networkLogon() })
	h.every(5*time.Minute, func() { h.registryNoise() })
	h.every(6*time.Minute, func() { h.libraryNoise() })
}

// startTask has the task scheduler start something.
func (h *Host) startTask(s Step) {
	schedule := h.services["Schedule"]
	if schedule == nil {
		return
	}
	h.taskProcess(cmp.Or(tasksByProgram[s.Program], `\Harbor\`+s.Program), h.play(schedule, &s))
}

// taskProcess logs that the task scheduler has started a process.
func (h *Host) taskProcess(name string, p *Process) {
	if h.options.TaskLog {
		h.aside(func() { h.trace(p, ChannelTasks, &evtxtest.TaskProcess{Name: name, Path: p.Image, ProcessID: p.PID}) })
	}
}

// tasksByProgram are the names of tasks by the program that they run; others
// have one of their own.
var tasksByProgram = map[string]string{
	"taskhostw":    `\Microsoft\Windows\CertificateServicesClient\SystemTask`,
	"mpcmdrun":     `\Microsoft\Windows\Windows Defender\Windows Defender Scheduled Scan`,
	"googleupdate": `\GoogleUpdateTaskMachineUA`,
}

// tasks are scheduled tasks.
var tasks = []Step{
	{Program: "taskhostw", Command: "taskhostw.exe", Life: 40 * time.Second},
	{Program: "taskhostw", Command: "taskhostw.exe KEYROAMING", Life: 20 * time.Second},
	{Program: "taskhostw", Command: "taskhostw.exe SYSTEM", Life: 25 * time.Second},
	{Program: "mpcmdrun", Command: `"C:\Program Files\Windows Defender\MpCmdRun.exe" SignaturesUpdateService -ScheduleJob -UnmanagedUpdate`, Life: 6 * time.Second},
	{Program: "googleupdate", Command: `"C:\Program Files (x86)\Google\Update\GoogleUpdate.exe" /ua /installsource scheduler`, Life: 4 * time.Second},
	{Program: "gpupdate", Command: "gpupdate.exe /target:computer", Life: 3 * time.Second},
	{Program: "powershell", Command: `powershell.exe -NoProfile -NonInteractive -File C:\ops\scripts\rotate-logs.ps1 -Days 30`, Life: 8 * time.Second},
	{Program: "cmd", Command: `C:\Windows\system32\cmd.exe /c C:\ops\scripts\nightly.cmd`, Steps: []Step{
		{Program: "robocopy", Command: `robocopy  D:\data \\nas01.harbor.example\backup\data /MIR /R:1 /W:1`, After: 300 * time.Millisecond, Life: 9 * time.Second},
		{Program: "tidecopy", Command: `"C:\Program Files\TideCopy\tidecopy.exe" --job nightly --verify`, After: 10 * time.Second, Life: 12 * time.Second},
		{Program: "findstr", Command: `findstr  /i "error" C:\ops\logs\nightly.log`, After: 23 * time.Second},
	}},
	{Program: "schtasks", Command: `schtasks.exe /query /tn "\Harbor\Inventory" /v`, Life: time.Second},
}

// agentCheck has the monitoring agent look at the host with the programs that
// attackers use too.
func (h *Host) agentCheck() {
	agent := h.services["lanternd"]
	if agent == nil {
		return
	}
	switch h.rng.IntN(5) {
	case 0:
		h.Play(agent, Step{Program: "cmd", Command: `cmd.exe /c "ipconfig /all > C:\ProgramData\Lantern\net.txt"`, Steps: []Step{
			{Program: "ipconfig", Command: "ipconfig  /all", After: 25 * time.Millisecond},
		}})
	case 1:
		h.Play(agent, Step{Program: "netstat", Command: "netstat -ano"})
	case 2:
		h.Play(agent, Step{Program: "tasklist", Command: "tasklist /svc /fo csv"})
	case 3:
		h.Play(agent, Step{
			Program: "powershell", Life: 2 * time.Second,
			Command: `powershell.exe -NoLogo -NonInteractive -ExecutionPolicy RemoteSigned -File "C:\Program Files\Lantern\collect.ps1"`,
		})
	default:
		h.Play(agent, Step{Program: "systeminfo", Command: "systeminfo /fo csv", Life: 3 * time.Second})
	}
	h.connect(agent, Connection{"10.20.30.12", "LOG01.harbor.example", 8443})
}

// wmi starts a WMI provider host, which ends when it has been idle.
func (h *Host) wmi() {
	dcom := h.services["DcomLaunch"]
	if dcom == nil {
		return
	}
	h.play(dcom, &Step{
		Program: "wmiprvse", Command: `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding`, Life: 90 * time.Second,
		Session: h.sessions[sessionNetwork],
	})
}

// comSurrogate starts a DLL host.
func (h *Host) comSurrogate() {
	dcom := h.services["DcomLaunch"]
	if dcom == nil {
		return
	}
	h.play(dcom, &Step{
		Program: "dllhost", Command: `C:\Windows\system32\DllHost.exe /Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}`,
		Life: 5 * time.Second,
	})
}

// installUpdates starts the modules installer.
func (h *Host) installUpdates() {
	services := h.services["services"]
	h.play(services, &Step{
		Program: "trustedinstaller", Command: `C:\Windows\servicing\TrustedInstaller.exe`, Life: 3 * time.Minute,
		Steps: []Step{{
			Program: "tiworker", After: time.Second, Life: 2 * time.Minute,
			Command: `C:\Windows\winsxs\amd64_microsoft-windows-servicingstack\TiWorker.exe -Embedding`,
		}},
	})
	h.write(ChannelSystem, &evtxtest.ServiceState{DisplayName: "Windows Modules Installer", Name: "TrustedInstaller", Running: true}, nil)
	h.after(3*time.Minute, func() {
		h.write(ChannelSystem, &evtxtest.ServiceState{DisplayName: "Windows Modules Installer", Name: "TrustedInstaller"}, nil)
	})
}

// serviceFlap logs that a service stops or starts.
func (h *Host) serviceFlap() {
	s := pick(h, []evtxtest.ServiceState{
		{DisplayName: "Windows Update", Name: "wuauserv"},
		{DisplayName: "WinHTTP Web Proxy Auto-Discovery Service", Name: "WinHttpAutoProxySvc"},
		{DisplayName: "Software Protection", Name: "sppsvc"},
		{DisplayName: "Device Setup Manager", Name: "DsmSvc"},
	})
	s.Running = h.chance(50)
	h.write(ChannelSystem, &s, nil)
}

// networkLogon logs a user on over the network and off again.
func (h *Host) networkLogon() {
	if !h.options.Audit {
		return
	}
	s := h.interactive(pick(h, people), 3, fmt.Sprintf("10.20.31.%d", 10+h.rng.IntN(200)))
	h.after(h.between(time.Second, 4*time.Minute), func() {
		h.write(ChannelSecurity, &evtxtest.Logoff{Target: s.Account, LogonType: 3}, nil)
	})
}

// registryNoise has a service set a registry value.
func (h *Host) registryNoise() {
	if p := h.services[pick(h, []string{"services", "Schedule", "DcomLaunch", "Dhcp"})]; p != nil {
		h.registrySet(p, RegistryValue{
			fmt.Sprintf(`HKLM\System\CurrentControlSet\Services\bam\State\UserSettings\%d`, h.rng.IntN(40)), "Binary Data",
		})
	}
}

// libraryNoise has a process load a library.
func (h *Host) libraryNoise() {
	if len(h.live) > 0 {
		h.imageLoad(pick(h, h.live), pick(h, []string{"taskschd.dll", "vaultcli.dll", "samlib.dll", "wbem\\wbemprox.dll", "amsi.dll"}))
	}
}

// startServer schedules administrators to look after the host and a deployment
// to run now and then.
func (h *Host) startServer() {
	h.every(2*time.Hour, func() { h.adminVisit() })
	h.every(3*time.Hour, func() { h.deployment() })
}

// adminVisit is a remote session of an administrator who looks around in a
// console.
func (h *Host) adminVisit() {
	limited := h.interactive(people[h.rng.IntN(2)], 10, "10.20.31.14")
	full := h.elevated(limited)
	h.Play(h.services["winlogon"], Step{
		Program: "userinit", Command: `C:\Windows\system32\userinit.exe`, Session: limited, Life: 25 * time.Minute,
		Steps: []Step{{
			Program: "explorer", Command: `C:\Windows\Explorer.EXE`, After: 300 * time.Millisecond, Life: 24 * time.Minute,
			Steps: []Step{
				{Program: "mmc", Command: `"C:\Windows\system32\mmc.exe" "C:\Windows\system32\eventvwr.msc" /s`, Session: full, After: 20 * time.Second, Life: 9 * time.Minute},
				{Program: "cmd", Command: `"C:\Windows\system32\cmd.exe" `, Session: full, After: 40 * time.Second, Life: 14 * time.Minute, Steps: []Step{
					{Program: "whoami", Command: "whoami  /groups", After: 5 * time.Second},
					{Program: "ipconfig", Command: "ipconfig  /all", After: 19 * time.Second},
					{Program: "net", Command: "net  user svc-deploy /domain", After: 47 * time.Second, Steps: []Step{
						{Program: "net1", Command: `C:\Windows\system32\net1  user svc-deploy /domain`, After: 10 * time.Millisecond},
					}},
					{Program: "netstat", Command: "netstat  -ano", After: 95 * time.Second},
					{Program: "ping", Command: "ping  sql01.harbor.example", After: 3 * time.Minute, Life: 4 * time.Second},
					{Program: "notepad", Command: `notepad  C:\inetpub\portal\web.config`, After: 5 * time.Minute, Life: 2 * time.Minute},
				}},
			},
		}},
	})
	h.after(26*time.Minute, func() {
		if h.options.Audit {
			h.write(ChannelSecurity, &evtxtest.Logoff{Target: limited.Account, LogonType: 10}, nil)
		}
	})
}

// deployment is the deployment service, which starts shells.
func (h *Host) deployment() {
	fetch := Step{Program: "robocopy", Command: `robocopy  \\git01.harbor.example\release C:\ops\stage portal.zip`, After: 2 * time.Second, Life: 3 * time.Second}
	if h.options.Build >= 17763 { // Windows has curl.exe from here on
		fetch = Step{
			Program: "curl", After: 2 * time.Second, Life: 3 * time.Second,
			Command: `"C:\Windows\system32\curl.exe" -sS -o C:\ops\stage\portal.zip https://git.harbor.example/portal/release.zip`,
		}
	}
	h.Play(h.services["services"], Step{
		Program: "harbormaster", Command: `C:\ops\HarborMaster\hm.exe run --ticket H-` + fmt.Sprint(1000+h.rng.IntN(9000)), Life: 40 * time.Second,
		Steps: []Step{
			{Program: "cmd", Command: `cmd.exe /c sc query W3SVC`, After: time.Second, Steps: []Step{
				{Program: "sc", Command: "sc  query W3SVC", After: 15 * time.Millisecond},
			}},
			{Program: "powershell", Command: `powershell.exe -NoProfile -File C:\ops\HarborMaster\release.ps1`, After: 3 * time.Second, Life: 15 * time.Second, Steps: []Step{fetch}},
		},
	})
}

// startWorkstation logs a user on, who works with a browser and office
// programs.
func (h *Host) startWorkstation() {
	user := h.interactive(person{"y.tanaka", 1140, true}, 2, "")
	explorer := h.play(h.services["winlogon"], &Step{Program: "explorer", Command: `C:\Windows\Explorer.EXE`, Session: user, Life: 2000 * time.Hour})
	h.every(7*time.Minute, func() { h.browse(explorer) })
	h.every(40*time.Minute, func() { h.office(explorer) })
	h.every(45*time.Minute, func() { h.develop(explorer) })
}

// browse starts a browser, or one of its many processes.
func (h *Host) browse(explorer *Process) {
	browser := h.running("chrome")
	if browser == nil {
		h.Play(explorer, Step{Program: "chrome", Command: `"C:\Program Files\Google\Chrome\Application\chrome.exe" `, Life: 90 * time.Minute})
		return
	}
	for range 1 + h.rng.IntN(3) {
		h.Play(browser, Step{
			Program: "chrome", Life: h.between(time.Minute, 20*time.Minute), After: h.between(0, 3*time.Second),
			Command: fmt.Sprintf(`"C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer --lang=en-US --renderer-client-id=%d --mojo-platform-channel-handle=%d /prefetch:1`,
				h.rng.IntN(400), 1500+h.rng.IntN(4000)),
		})
	}
	h.connect(browser, Connection{fmt.Sprintf("203.0.113.%d", 5+h.rng.IntN(240)), "", 443})
}

// office opens a document.
func (h *Host) office(explorer *Process) {
	h.Play(explorer, Step{
		Program: "winword", Life: 15 * time.Minute,
		Command: fmt.Sprintf(`"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "C:\Users\y.tanaka\Documents\minutes-%d.docx" /o ""`, h.rng.IntN(90)),
	})
}

// develop has an editor start shells and a Node.js build, which serves no web
// pages.
func (h *Host) develop(explorer *Process) {
	h.Play(explorer, Step{
		Program: "code", Command: `"C:\Program Files\Microsoft VS Code\Code.exe" C:\src\portal`, Life: 30 * time.Minute,
		Steps: []Step{
			{Program: "cmd", Command: `C:\Windows\system32\cmd.exe /d /s /c "npm run build"`, After: 2 * time.Minute, Steps: []Step{
				{Program: "node", Command: `"C:\Program Files\nodejs\node.exe" C:\src\portal\build.js`, After: 200 * time.Millisecond, Life: 20 * time.Second, Steps: []Step{
					{Program: "cmd", Command: `C:\Windows\system32\cmd.exe /d /s /c "git rev-parse HEAD"`, After: 2 * time.Second, Steps: []Step{
						{Program: "git", Command: "git  rev-parse HEAD", After: 20 * time.Millisecond},
					}},
				}},
			}},
			{Program: "powershell", Command: `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe -NoExit -Command "Get-Content .\w3wp.exe.notes.txt"`, After: 6 * time.Minute, Life: 5 * time.Minute, Steps: []Step{
				{Program: "whoami", Command: `"C:\Windows\system32\whoami.exe"`, After: 30 * time.Second},
			}},
		},
	})
}
