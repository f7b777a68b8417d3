package fleet

import (
	"encoding/binary"
	"strconv"
	"strings"

	"webshellscan/internal/evtxtest"
)

// aside does something, and what follows from it, that leaves what else the
// host does by chance as it is: logs can hold more while all processes stay the
// same.
func (h *Host) aside(do func()) {
	chance := h.rng
	h.rng = h.spare
	defer func() { h.rng = chance }()
	do()
}

// trace logs an event that a process caused, of its own host or of another.
func (h *Host) trace(p *Process, channel string, s evtxtest.Source) {
	h.write(channel, s, nil)
	if l := h.Log(channel); h.sink == nil {
		l.events[len(l.events)-1].cause = p
	}
}

// guid returns a random GUID.
func (h *Host) guid() evtxtest.GUID {
	var g evtxtest.GUID
	binary.LittleEndian.PutUint64(g[0:], h.rng.Uint64())
	binary.LittleEndian.PutUint64(g[8:], h.rng.Uint64())
	return g
}

// deed is something that a process does and that is logged.
type deed func(h *Host, p *Process)

// asksFor is a query of a name before a connection, which Sysmon logs.
func asksFor(c Connection) deed {
	return func(h *Host, p *Process) {
		if h.options.Sysmon == 0 {
			return
		}
		h.trace(p, ChannelSysmon, &evtxtest.SysmonDNSQuery{
			Schema: h.options.Sysmon, RuleName: h.ruleName(), UtcTime: h.now, ProcessGUID: p.GUID, ProcessID: p.PID,
			Name: c.Name, Results: "::ffff:" + c.IP + ";", Image: p.Image, User: p.Session.User,
		})
	}
}

// reaches is a connection, in the log that the host has for them: Sysmon's,
// else the audit of the filtering platform.
func reaches(c Connection) deed {
	return func(h *Host, p *Process) {
		if h.options.Sysmon != 0 {
			h.connect(p, c)
			return
		}
		h.trace(p, ChannelSecurity, &evtxtest.ConnectionAllowed{
			ProcessID: uint64(p.PID), Application: p.device(), SourceIP: h.address(), SourcePort: h.port(), DestIP: c.IP,
			DestPort: strconv.Itoa(int(c.Port)),
		})
	}
}

// device returns the image as a path of a device, as the filtering platform has
// it.
func (p *Process) device() string {
	return `\device\harddiskvolume2` + strings.ToLower(strings.TrimPrefix(p.Image, "C:"))
}

func (h *Host) port() string { return strconv.Itoa(49152 + h.rng.IntN(16000)) }

// writes is a file that a process writes below a folder that is audited.
func writes(path string) deed {
	return func(h *Host, p *Process) {
		h.trace(p, ChannelSecurity, &evtxtest.FileAccessed{
			Subject: p.Session.Account, Path: path, HandleID: uint64(0x100 + 4*h.rng.IntN(800)), ProcessID: uint64(p.PID), ProcessName: p.Image,
		})
	}
}

// runsScript is what PowerShell logs of a script that it runs.
func runsScript(text string, suspicious bool) deed {
	return func(h *Host, p *Process) {
		if h.options.Scripts {
			h.trace(p, ChannelPowerShell, &evtxtest.ScriptBlock{
				User: p.Session.Account.SID, ProcessID: p.PID, Text: text, ID: h.guid(), Suspicious: suspicious,
			})
		}
	}
}

// installsService installs a service that runs a program as SYSTEM.
func installsService(name, path string) deed {
	return func(h *Host, p *Process) {
		h.trace(p, ChannelSystem, &evtxtest.ServiceInstalled{
			User: p.Session.Account.SID, Name: name, Path: path, StartType: "auto start", Runas: "LocalSystem",
		})
	}
}

// makesTask makes a scheduled task that runs a program as SYSTEM.
func makesTask(name, command string) deed {
	return func(h *Host, p *Process) {
		content := "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n" +
			"  <Triggers><BootTrigger /></Triggers>\r\n  <Principals><Principal><UserId>S-1-5-18</UserId></Principal></Principals>\r\n" +
			"  <Actions><Exec><Command>" + command + "</Command></Exec></Actions>\r\n</Task>"
		h.trace(p, ChannelSecurity, &evtxtest.TaskCreated{
			Version: 1, Subject: p.Session.Account, Name: name, Content: content, ProcessID: p.PID, FQDN: h.options.Name,
		})
		h.trace(p, ChannelTasks, &evtxtest.TaskRegistered{Name: name, User: p.Session.User})
	}
}

// logsOnTo is a logon on another host with the credentials of somebody else.
func logsOnTo(who person, other *Host) deed {
	return func(h *Host, p *Process) {
		h.trace(p, ChannelSecurity, &evtxtest.ExplicitLogon{
			Subject: p.Session.Account, Target: evtxtest.Account{Name: who.Name, Domain: h.options.Domain}, Server: other.Name(),
			ProcessID: uint64(p.PID), ProcessName: p.Image,
		})
	}
}

// powershellStarted is what each PowerShell logs of itself, and Windows
// PowerShell of its engine.
func (h *Host) powershellStarted(p *Process) {
	if !h.options.PowerShell || p.Program.key != "powershell" {
		return
	}
	h.aside(func() {
		user, version := p.Session.Account.SID, "4.0"
		if h.major() >= 10 {
			version = "5.1." + strconv.Itoa(int(h.options.Build)) + ".1"
			h.trace(p, ChannelPowerShell, &evtxtest.PowerShellStarted{User: user, ProcessID: p.PID})
			h.trace(p, ChannelPowerShell, &evtxtest.PowerShellIPC{User: user, ProcessID: p.PID})
		}
		h.trace(p, ChannelClassicPowerShell, &evtxtest.PowerShellEngine{CommandLine: p.CommandLine, Version: version, HostID: h.guid()})
	})
}
