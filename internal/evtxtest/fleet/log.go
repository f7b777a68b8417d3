package fleet

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"webshellscan/internal/evtxtest"
)

// Channels that hosts write to.
const (
	ChannelSysmon            = "Microsoft-Windows-Sysmon/Operational"
	ChannelSecurity          = "Security"
	ChannelSystem            = "System"
	ChannelApplication       = "Application"
	ChannelTasks             = "Microsoft-Windows-TaskScheduler/Operational"
	ChannelDefender          = "Microsoft-Windows-Windows Defender/Operational"
	ChannelPowerShell        = "Microsoft-Windows-PowerShell/Operational"
	ChannelClassicPowerShell = "Windows PowerShell"
)

// Log is what a host has written to a channel.
type Log struct {
	Host    *Host
	Channel string

	events  []logged
	next    uint64 // EventRecordID of the next event
	last    evtxtest.FileTime
	scratch evtxtest.Event
}

// logged is an event with the process that it starts or ends, nil for all
// others.
type logged struct {
	event   evtxtest.Event
	process *Process
	cause   *Process // whose doing it is, nil if it is no event of a process
}

// Log returns the host's log of a channel.
func (h *Host) Log(channel string) *Log {
	if l, ok := h.logs[channel]; ok {
		return l
	}
	l := &Log{Host: h, Channel: channel, next: 1}
	h.logs[channel] = l
	h.order = append(h.order, l)
	return l
}

// StartAt sets the EventRecordID of the log's next event, for hosts that have
// been running for years.
func (l *Log) StartAt(record uint64) { l.next = record }

// Len returns the number of events in the log.
func (l *Log) Len() int { return len(l.events) }

// write logs an event that happens now. The event's time is a moment later, and
// later than that of the event before it.
func (h *Host) write(channel string, s evtxtest.Source, p *Process) {
	l := h.Log(channel)
	l.last = max(l.last+1000, h.now.Add(h.between(300*time.Microsecond, 16*time.Millisecond)))
	ev := &l.scratch
	if h.sink == nil {
		*ev = evtxtest.Event{} // whose fields are kept, so they need memory of their own
	}
	ev.Time, ev.Computer, ev.RecordID = l.last, h.options.Name, l.next
	ev.ActivityID = evtxtest.GUID{}
	h.execution(channel, ev)
	s.Put(ev)
	l.next++
	if h.sink != nil {
		h.sink(l, ev, p)
		return
	}
	l.events = append(l.events, logged{event: *ev, process: p})
}

// execution sets the process and thread that log an event: Sysmon's service,
// the kernel or lsass, the service control manager.
func (h *Host) execution(channel string, ev *evtxtest.Event) {
	ev.ThreadID = 200 + 4*uint32(h.rng.IntN(900))
	ev.ProcessID = 4
	switch {
	case channel == ChannelSysmon && h.sysmon != nil:
		ev.ProcessID = h.sysmon.PID
	case channel == ChannelSystem && h.services["services"] != nil:
		ev.ProcessID = h.services["services"].PID
	}
}

// logStart logs the start of a process.
func (h *Host) logStart(p *Process) {
	if h.options.Sysmon != 0 {
		h.write(ChannelSysmon, h.sysmonCreate(p), p)
	}
	if h.options.Audit {
		h.write(ChannelSecurity, h.auditCreate(p), p)
	}
	h.powershellStarted(p)
}

// logEnd logs the end of a process.
func (h *Host) logEnd(p *Process) {
	if h.options.Sysmon != 0 {
		h.write(ChannelSysmon, &evtxtest.SysmonProcessTerminate{
			Schema: h.options.Sysmon, RuleName: h.ruleName(), ProcessGUID: p.GUID, ProcessID: p.PID,
			Image: p.Image, User: p.Session.User, UtcTime: h.now,
		}, p)
	}
	if h.options.Audit && h.options.AuditEnds {
		h.write(ChannelSecurity, &evtxtest.ProcessExited{
			Subject: p.Session.Account, ProcessID: uint64(p.PID), ProcessName: p.Image,
		}, p)
	}
}

// sysmonText returns text as Sysmon writes it: each per cent sign twice, as in
// all 34 command lines of the sample logs that have one.
func sysmonText(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return strings.ReplaceAll(s, "%", "%%")
}

// ruleName returns what Sysmon writes if no rule has a name: nothing in older
// generations.
func (h *Host) ruleName() string {
	if h.options.Sysmon >= evtxtest.Sysmon22 {
		return "-"
	}
	return ""
}

func (h *Host) sysmonCreate(p *Process) *evtxtest.SysmonProcessCreate {
	s := p.Session
	e := &evtxtest.SysmonProcessCreate{
		Schema: h.options.Sysmon, RuleName: h.ruleName(), UtcTime: p.Start, ProcessGUID: p.GUID, ProcessID: p.PID,
		Image: p.Image, FileVersion: p.Program.version, Description: p.Program.description,
		Product: p.Program.product, Company: p.Program.company, OriginalFileName: p.Program.original,
		CommandLine: sysmonText(p.CommandLine), CurrentDirectory: p.Directory, User: s.User,
		LogonGUID: s.guid, LogonID: s.Account.LogonID, TerminalSessionID: s.Terminal, IntegrityLevel: s.Integrity,
		Hashes: p.Program.hashes, ParentImage: "-", ParentCommandLine: "-", ParentUser: "-",
	}
	if parent := p.Parent; parent != nil {
		e.ParentProcessGUID, e.ParentProcessID = parent.GUID, parent.PID
		e.ParentImage, e.ParentCommandLine = parent.Image, sysmonText(parent.CommandLine)
		e.ParentUser = parent.Session.User
	}
	return e
}

func (h *Host) auditCreate(p *Process) *evtxtest.ProcessCreated {
	e := &evtxtest.ProcessCreated{
		Form: h.options.AuditForm, Subject: h.sessions[sessionSystem].Account, NewProcessID: uint64(p.PID),
		NewProcessName: p.Image, TokenElevationType: p.Session.Elevation, ProcessID: 4,
		MandatoryLabel: p.Session.Label,
	}
	if h.options.CommandLines {
		e.CommandLine = p.CommandLine
	}
	if parent := p.Parent; parent != nil {
		e.Subject, e.ProcessID, e.ParentProcessName = parent.Session.Account, uint64(parent.PID), parent.Image
		if p.Session.Account.LogonID != parent.Session.Account.LogonID {
			e.Target = p.Session.Account
		}
	}
	return e
}

// logon logs that a session begins.
func (h *Host) logon(s *Session, logonType uint32, from string) {
	if !h.options.Audit {
		return
	}
	e := &evtxtest.Logon{
		Version: h.logonVersion(), Subject: h.sessions[sessionSystem].Account, Target: s.Account, LogonType: logonType,
		LogonProcess: "Advapi  ", Package: "Negotiate", LogonGUID: s.guid, ProcessName: `C:\Windows\System32\services.exe`,
		Elevated: s.Integrity != "Medium",
	}
	if services := h.services["services"]; services != nil {
		e.ProcessID = uint64(services.PID)
	}
	if logonType == 3 || logonType == 10 {
		e.Subject, e.LogonProcess, e.Package = evtxtest.Account{}, "Kerberos", "Kerberos"
		e.ProcessID, e.ProcessName, e.IPAddress, e.Port = 0, "", from, "0"
	}
	h.write(ChannelSecurity, e, nil)
	if s.Elevation == elevationFull || s.Integrity == "System" {
		h.write(ChannelSecurity, &evtxtest.SpecialLogon{Subject: s.Account, Privileges: privileges}, nil)
	}
}

// logonVersion returns the version of event 4624 that the host's Windows
// writes.
func (h *Host) logonVersion() uint8 {
	switch {
	case h.options.Build >= 10240:
		return 2
	case h.options.Build >= 9200:
		return 1
	default:
		return 0
	}
}

var privileges = []string{
	"SeSecurityPrivilege", "SeBackupPrivilege", "SeRestorePrivilege", "SeTakeOwnershipPrivilege",
	"SeDebugPrivilege", "SeSystemEnvironmentPrivilege", "SeLoadDriverPrivilege", "SeImpersonatePrivilege",
}

// between returns the events of a log from one time up to another; a zero time
// is no limit.
func (l *Log) between(from, to time.Time) []logged {
	events := l.events
	if !from.IsZero() {
		events = events[searchTime(events, from):]
	}
	if !to.IsZero() {
		events = events[:searchTime(events, to)]
	}
	return events
}

// searchTime returns the index of the first event at t or later.
func searchTime(events []logged, t time.Time) int {
	i, _ := slices.BinarySearchFunc(events, evtxtest.FileTimeOf(t), func(e logged, t evtxtest.FileTime) int {
		return cmp.Compare(e.event.Time, t)
	})
	return i
}
