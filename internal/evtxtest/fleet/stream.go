package fleet

import (
	"fmt"
	"iter"
	"time"

	"webshellscan/internal/evtxtest"
)

// StreamKind is what a stream of events is made of.
type StreamKind uint8

const (
	// StreamMixed is what a server logs: process events are 2 to 5 % of
	// all.
	StreamMixed StreamKind = iota
	// StreamProcess is process creations and ends only.
	StreamProcess
	// StreamNone is everything but process creations and ends.
	StreamNone
)

// StreamOptions are what a stream holds. The zero StreamOptions are a mixed
// stream with Sysmon.
type StreamOptions struct {
	Kind StreamKind
	// Audit makes process events those of the Security log (4688, 4689) in
	// place of Sysmon's (1, 5).
	Audit bool
	// Distinct makes every command line different from every other.
	Distinct bool
	// Host is the number of the host that the events are of, and with Seed
	// what they depend on.
	Host int
	Seed uint64
}

// streamStart is when streams begin.
var streamStart = time.Date(2024, 1, 8, 6, 0, 0, 0, time.UTC)

// chatterPerProcess bounds how many other events of a mixed stream come with
// each process event.
const chatterPerProcess = 56

// Stream returns events of a busy web server without end, each with the channel
// that it belongs to. An event is valid until the next one. Memory does not
// grow with the number of events. The sequence can be used once.
func Stream(o StreamOptions) iter.Seq2[string, *evtxtest.Event] {
	return func(yield func(string, *evtxtest.Event) bool) {
		h := streamHost(o)
		stopped := false
		waiting := 0 // other events that are owed for process events
		h.sink = func(l *Log, ev *evtxtest.Event, p *Process) {
			if p != nil && o.Kind == StreamMixed && o.hears(l.Channel) {
				waiting += 1 + h.rng.IntN(chatterPerProcess)
			}
			switch {
			case stopped:
			case o.wants(l.Channel, p):
				stopped = !yield(l.Channel, ev)
			default:
				l.next-- // the next event takes its number
			}
		}
		for !stopped {
			h.step()
			if o.Kind == StreamNone {
				waiting += 50
			}
			for ; waiting > 0 && !stopped; waiting-- {
				h.now += 20_000 + evtxtest.FileTime(h.rng.IntN(400_000)) // 2 to 42 ms
				h.chatter()
			}
		}
	}
}

// hears reports whether process events of a channel are in the stream: Sysmon's
// or the Security log's.
func (o StreamOptions) hears(channel string) bool { return (channel == ChannelSecurity) == o.Audit }

// wants reports whether the stream has an event; p is the process that it
// starts or ends, if any.
func (o StreamOptions) wants(channel string, p *Process) bool {
	if p == nil {
		return o.Kind != StreamProcess
	}
	return o.Kind != StreamNone && o.hears(channel)
}

// streamHost returns a host that has booted and does more than hosts mostly do.
func streamHost(o StreamOptions) *Host {
	f := New(o.Seed)
	f.forget = true
	options := HostOptions{
		Name: fmt.Sprintf("SRV%04d.harbor.example", o.Host+1), Domain: "HARBOR", Build: 17763, Sysmon: evtxtest.Sysmon22,
		Audit: true, CommandLines: true, AuditEnds: true, Roles: []Role{RoleIIS, RoleServer, RoleApache}, Noise: 40,
		PHPJobs: 3 * time.Hour, // about one shell below a web server in 200 processes
	}
	switch {
	case o.Kind != StreamProcess:
	case o.Audit:
		options.Sysmon = 0 // saves making what is not wanted
	default:
		options.Audit = false
	}
	h := f.AddHost(options, streamStart)
	h.distinct = o.Distinct
	h.At(streamStart, (*Host).Boot)
	return h
}

// chatter logs one event that has nothing to do with starts and ends of
// processes.
func (h *Host) chatter() {
	if len(h.live) == 0 {
		return
	}
	p := pick(h, h.live)
	switch n := h.rng.IntN(100); {
	case n < 26:
		h.imageLoad(p, pick(h, libraries))
	case n < 38:
		h.registrySet(p, pick(h, registryValues))
	case n < 48:
		h.connect(p, Connection{addresses[h.rng.IntN(len(addresses))], "", pick(h, ports)})
	case n < 56:
		h.fileCreate(p, pick(h, droppedFiles))
	case n < 63:
		h.networkLogon()
	case n < 85:
		h.write(ChannelSecurity, &filtering{host: h, process: p}, nil)
	case n < 90:
		h.write(ChannelTasks, &taskAction{host: h}, nil)
	case n < 95:
		h.serviceFlap()
	default:
		h.write(ChannelApplication, &installer{host: h}, nil)
	}
}

var (
	libraries = []string{
		"ntdll.dll", "kernel32.dll", "KernelBase.dll", "advapi32.dll", "rpcrt4.dll", "ws2_32.dll", "mswsock.dll", "crypt32.dll",
		"bcrypt.dll", "taskschd.dll", "vaultcli.dll", "samlib.dll", "amsi.dll", `wbem\wbemprox.dll`, `inetsrv\iiscore.dll`,
	}
	registryValues = []RegistryValue{
		{`HKLM\System\CurrentControlSet\Services\W32Time\SecureTimeLimits\SecureTimeHigh`, "QWORD (0x01da6ee3-0x7c2e4a80)"},
		{`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Diagnostics\DiagTrack\HeartBeats\Default\LastHeartBeatTime`, "Binary Data"},
		{`HKLM\System\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{7b2f8f11}\DhcpLease`, "DWORD (0x00015180)"},
		{`HKLM\SOFTWARE\Lantern\Agent\LastCheck`, "DWORD (0x65ef1c20)"},
	}
	addresses = []string{"10.20.30.12", "10.20.30.40", "10.20.30.53", "203.0.113.14", "203.0.113.77", "198.51.100.140"}
	ports     = []uint16{443, 80, 389, 445, 1433, 8443, 53}

	droppedFiles = []string{
		`C:\Windows\Prefetch\SVCHOST.EXE-7AC6742A.pf`, `C:\Windows\Temp\MpCmdRun.log`, `C:\inetpub\logs\LogFiles\W3SVC2\u_ex240108.log`,
		`C:\ProgramData\Lantern\queue\0001.dat`, `C:\Windows\ServiceProfiles\NetworkService\AppData\Local\Temp\etl.tmp`,
	}
)

// filtering is Security event 5156: the filtering platform has permitted a
// connection.
type filtering struct {
	host    *Host
	process *Process
}

var auditProvider = evtxtest.Provider{
	Name: "Microsoft-Windows-Security-Auditing", GUID: evtxtest.MustGUID("54849625-5478-4994-A5BA-3E3B0328C30D"),
}

// Put implements [evtxtest.Source].
func (f *filtering) Put(ev *evtxtest.Event) {
	h := f.host
	plainEvent(ev, auditProvider, ChannelSecurity, 5156)
	ev.Version, ev.Level, ev.Task, ev.Keywords = 1, 0, 12810, 0x8020000000000000
	add(ev, "ProcessID", evtxtest.Uint64(uint64(f.process.PID)))
	add(ev, "Application", evtxtest.String(f.process.Program.device()))
	add(ev, "Direction", evtxtest.String("%%14593"))
	add(ev, "SourceAddress", evtxtest.String(h.address()))
	add(ev, "SourcePort", evtxtest.String(sourcePorts[h.rng.IntN(len(sourcePorts))]))
	add(ev, "DestAddress", evtxtest.String(pick(h, addresses)))
	add(ev, "DestPort", evtxtest.String("443"))
	add(ev, "Protocol", evtxtest.Uint32(6))
	add(ev, "FilterRTID", evtxtest.Uint64(uint64(66000+h.rng.IntN(900))))
	add(ev, "LayerName", evtxtest.String("%%14611"))
	add(ev, "LayerRTID", evtxtest.Uint64(48))
	add(ev, "RemoteUserID", evtxtest.SIDValue(nobody))
	add(ev, "RemoteMachineID", evtxtest.SIDValue(nobody))
}

var (
	nobody      = evtxtest.MustSID("S-1-0-0")
	sourcePorts = []string{"49712", "50014", "51822", "52377", "55120", "58004", "60191", "63350"}
)

// taskAction is event 200 of the task scheduler: an action has started.
type taskAction struct{ host *Host }

var taskProvider = evtxtest.Provider{
	Name: "Microsoft-Windows-TaskScheduler", GUID: evtxtest.MustGUID("DE7B24EA-73C8-4A09-985D-5BDADCFA9017"),
}

var taskNames = []string{
	`\Harbor\Inventory`, `\Microsoft\Windows\UpdateOrchestrator\Schedule Scan`, `\Microsoft\Windows\Time Synchronization\SynchronizeTime`,
	`\Microsoft\Windows\Defrag\ScheduledDefrag`, `\GoogleUpdateTaskMachineUA`,
}

// Put implements [evtxtest.Source].
func (t *taskAction) Put(ev *evtxtest.Event) {
	h := t.host
	plainEvent(ev, taskProvider, ChannelTasks, 200)
	ev.Version, ev.Level, ev.Task, ev.Opcode, ev.Keywords = 1, 4, 200, 1, 0x8000000000000001
	ev.UserID = h.sessions[sessionSystem].Account.SID
	add(ev, "TaskName", evtxtest.String(pick(h, taskNames)))
	add(ev, "ActionName", evtxtest.String("taskhostw.exe"))
	add(ev, "TaskInstanceId", evtxtest.GUIDValue(h.machineGUID()))
	add(ev, "EnginePID", evtxtest.Uint32(h.services["Schedule"].pidOr(1044)))
}

// installer is event 1035 of the Windows Installer, a classic source.
type installer struct{ host *Host }

// Put implements [evtxtest.Source].
func (i *installer) Put(ev *evtxtest.Event) {
	plainEvent(ev, evtxtest.Provider{Name: "MsiInstaller"}, ChannelApplication, 1035)
	ev.Level, ev.Keywords, ev.HasQualifiers = 4, 0x80000000000000, true
	ev.UserID = i.host.sessions[sessionSystem].Account.SID
	ev.Payload.Form = evtxtest.FormClassic
	for _, s := range [...]string{"Lantern Monitoring Agent", "4.2.1", "1033", "0", "Quayside Software", "(NULL)", ""} {
		add(ev, "", evtxtest.String(s))
	}
	ev.Payload.Binary = installed
}

var installed = []byte("{4F1B6A3E-0C1C-4C58-9C1B-2E6E0B7C1D10}")

// plainEvent empties an event and sets what it is.
func plainEvent(ev *evtxtest.Event, p evtxtest.Provider, channel string, id uint16) {
	ev.Provider, ev.Channel, ev.ID = p, channel, id
	ev.Version, ev.Opcode, ev.Task = 0, 0, 0
	ev.Qualifiers, ev.HasQualifiers, ev.Shape = 0, false, evtxtest.ShapeAuto
	ev.UserID = nil
	ev.Payload = evtxtest.Payload{Fields: ev.Payload.Fields[:0]}
}

func add(ev *evtxtest.Event, name string, v evtxtest.Value) {
	ev.Payload.Fields = append(ev.Payload.Fields, evtxtest.Field{Name: name, Value: v})
}

// machineGUID returns a GUID by chance.
func (h *Host) machineGUID() evtxtest.GUID {
	var g evtxtest.GUID
	a, b := h.rng.Uint64(), h.rng.Uint64()
	for i := range 8 {
		g[i], g[8+i] = byte(a>>(8*i)), byte(b>>(8*i))
	}
	return g
}

// pidOr returns the PID of p, or another number if there is no p.
func (p *Process) pidOr(other uint32) uint32 {
	if p == nil {
		return other
	}
	return p.PID
}

// device returns the path of the image as the filtering platform spells it.
func (p *Program) device() string {
	if p.devicePath == "" {
		p.devicePath = `\device\harddiskvolume2` + p.image[min(2, len(p.image)):]
	}
	return p.devicePath
}
