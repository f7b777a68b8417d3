package fleet

import (
	"fmt"
	"strings"
	"time"

	"webshellscan/internal/evtxtest"
)

// Boot starts the host's operating system, its services and what its roles
// need.
func (h *Host) Boot() {
	h.up = true
	h.boots++
	h.bootTime, h.sequence = h.now, 0
	h.live, h.byPID = h.live[:0], map[uint32]*Process{}
	clear(h.services)
	h.sysmon = nil
	h.bootSessions()
	h.write(ChannelSystem, &evtxtest.KernelStarted{
		Major: h.major(), Minor: h.minor(), Build: h.options.Build, QFE: 1, StartTime: h.now.Add(-600 * time.Millisecond),
	}, nil)
	kernel := &Process{
		Host: h, PID: 4, Program: &Program{key: "system", image: `System`}, Image: "System",
		Session: h.sessions[sessionSystem], Boot: h.boots, Start: h.now,
	}
	h.byPID[4] = kernel
	h.startSystem(kernel)
	h.after(h.between(2000*time.Millisecond, 2300*time.Millisecond), h.announce)
	h.after(h.between(4*time.Second, 7*time.Second), h.startServices)
	h.after(h.between(20*time.Second, 26*time.Second), h.startRoles)
}

func (h *Host) major() uint32 {
	if h.options.Build < 10240 {
		return 6
	}
	return 10
}

func (h *Host) minor() uint32 {
	switch {
	case h.options.Build >= 10240:
		return 0
	case h.options.Build >= 9600:
		return 3
	case h.options.Build >= 9200:
		return 2
	default:
		return 1
	}
}

// startSystem starts the processes that every Windows has.
func (h *Host) startSystem(kernel *Process) {
	system := h.sessions[sessionSystem]
	begin := func(parent *Process, key, command string) *Process {
		h.now = h.now.Add(h.between(4*time.Millisecond, 90*time.Millisecond))
		p := h.start(parent, h.program(key), command, system, 0)
		h.services[key] = p
		return p
	}
	smss := begin(kernel, "smss", `\SystemRoot\System32\smss.exe`)
	begin(smss, "csrss", `%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024,20480,768 Windows=On`)
	wininit := begin(smss, "wininit", "wininit.exe")
	begin(smss, "winlogon", "winlogon.exe")
	begin(wininit, "services", `C:\Windows\system32\services.exe`)
	begin(wininit, "lsass", `C:\Windows\system32\lsass.exe`)
}

// announce logs what the event log service, the audit subsystem and Sysmon log
// at a boot.
func (h *Host) announce() {
	h.write(ChannelSystem, &evtxtest.WindowsVersion{
		Version: fmt.Sprintf("%d.%02d.", h.major(), h.minor()), Build: fmt.Sprint(h.options.Build),
	}, nil)
	h.write(ChannelSystem, evtxtest.EventlogStarted{}, nil)
	if h.crash != nil {
		h.write(ChannelSystem, h.crash, nil)
		h.crash = nil
	}
	if h.options.Audit {
		h.write(ChannelSecurity, evtxtest.SecurityStarted{}, nil)
	}
	if h.options.Sysmon == 0 {
		return
	}
	h.sysmon = h.service("sysmon", "Sysmon64", "Sysmon64", sessionSystem)
	h.sysmonState("Started")
}

// sysmonState logs that Sysmon's service has started or stopped.
func (h *Host) sysmonState(state string) {
	product, schema := sysmonVersion(h.options.Sysmon)
	h.write(ChannelSysmon, &evtxtest.SysmonServiceState{State: state, Version: product, SchemaVersion: schema}, nil)
}

// sysmonVersion returns a version of Sysmon of a generation, and its schema's.
func sysmonVersion(s evtxtest.SysmonSchema) (product, schema string) {
	switch s {
	case evtxtest.Sysmon17:
		return "3.11", "2.00"
	case evtxtest.Sysmon16:
		return "6.20", "3.40"
	case evtxtest.Sysmon20:
		return "7.03", "4.00"
	case evtxtest.Sysmon21:
		return "9.01", "4.20"
	case evtxtest.Sysmon23:
		return "13.34", "4.81"
	default:
		return "13.22", "4.70"
	}
}

// service starts a service below services.exe and logs that it is running.
func (h *Host) service(key, name, display, session string) *Process {
	prog := h.program(key)
	command := prog.image
	if strings.ContainsRune(command, ' ') {
		command = `"` + command + `"`
	}
	p := h.start(h.services["services"], prog, command, h.sessions[session], 0)
	h.services[name] = p
	h.write(ChannelSystem, &evtxtest.ServiceState{DisplayName: display, Name: name, Running: true}, nil)
	return p
}

// svchost starts a service host.
func (h *Host) svchost(name, display, group, session string) *Process {
	if h.options.Build < 15063 {
		group = strings.TrimSuffix(group, " -p")
	}
	command := `C:\Windows\system32\svchost.exe -k ` + group
	if h.options.Build >= 15063 {
		command += " -s " + name
	}
	p := h.start(h.services["services"], h.program("svchost"), command, h.sessions[session], 0)
	h.services[name] = p
	h.write(ChannelSystem, &evtxtest.ServiceState{DisplayName: display, Name: name, Running: true}, nil)
	return p
}

// startServices starts the services that every host has.
func (h *Host) startServices() {
	for _, s := range [...]struct{ name, display, group, session string }{
		{"DcomLaunch", "DCOM Server Process Launcher", "DcomLaunch -p", sessionSystem},
		{"RpcSs", "Remote Procedure Call (RPC)", "RPCSS -p", sessionNetwork},
		{"EventLog", "Windows Event Log", "LocalServiceNetworkRestricted -p", sessionLocal},
		{"Schedule", "Task Scheduler", "netsvcs -p", sessionSystem},
		{"ProfSvc", "User Profile Service", "netsvcs -p", sessionSystem},
		{"Dhcp", "DHCP Client", "LocalServiceNetworkRestricted -p", sessionLocal},
		{"Winmgmt", "Windows Management Instrumentation", "netsvcs -p", sessionSystem},
		{"LanmanServer", "Server", "netsvcs -p", sessionSystem},
		{"CryptSvc", "Cryptographic Services", "NetworkService -p", sessionNetwork},
	} {
		h.now = h.now.Add(h.between(0, 120*time.Millisecond))
		h.svchost(s.name, s.display, s.group, s.session)
	}
	h.service("spoolsv", "Spooler", "Print Spooler", sessionSystem)
	h.service("lantern", "lanternd", "Lantern Monitoring Agent", sessionSystem)
}

// Shutdown ends everything in an orderly way. What was running has no end in
// the logs, as in real ones.
func (h *Host) Shutdown() {
	if h.options.Sysmon != 0 {
		h.sysmonState("Stopped")
	}
	if h.options.Audit {
		h.write(ChannelSecurity, evtxtest.EventlogShutdown{}, nil)
	}
	h.write(ChannelSystem, evtxtest.EventlogStopped{}, nil)
	h.write(ChannelSystem, &evtxtest.KernelStopped{StopTime: h.now}, nil)
	h.down()
}

// Crash ends everything at once; the next boot reports it.
func (h *Host) Crash() {
	h.crash = &evtxtest.UnexpectedShutdown{At: h.now.Time(), Uptime: h.now.UnixSeconds() - h.bootTime.UnixSeconds()}
	h.down()
}

func (h *Host) down() {
	h.up = false
	h.live = h.live[:0]
}

// Reboot shuts the host down and boots it again after a while.
func (h *Host) Reboot(pause time.Duration) {
	h.Shutdown()
	h.after(pause, h.Boot)
}
