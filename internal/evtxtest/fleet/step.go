package fleet

import (
	"strconv"
	"time"

	"webshellscan/internal/evtxtest"
)

// Step is a process of a script, with what it does and starts.
type Step struct {
	Program string        // key in the catalog
	Command string        // command line; empty means the path of the image
	After   time.Duration // since the parent started
	Life    time.Duration // 0 means a moment longer than the last child
	Session *Session      // nil means that of the parent
	PID     uint32        // 0 means a free one
	// Drops are files that the process creates, Connects hosts that it
	// connects to, Sets registry values that it sets; Sysmon logs them.
	Drops    []string
	Connects []Connection
	Sets     []RegistryValue
	Steps    []Step
	// Deeds are what the process does besides.
	Deeds []Deed
	// Request is the web request that starts it, nil if none does.
	Request *Request

	incident string // of the process and all below it; empty means that of the parent
}

// Deed is something that a process does a while after its start.
type Deed struct {
	After time.Duration
	do    deed
}

// Connection is a TCP connection that a process makes.
type Connection struct {
	IP, Name string
	Port     uint16
}

// RegistryValue is a registry value that a process sets.
type RegistryValue struct{ Object, Details string }

// Play starts the processes of a script below a parent. It does nothing if the
// parent has ended by then.
func (h *Host) Play(parent *Process, steps ...Step) {
	for i := range steps {
		s := &steps[i]
		jitter := h.between(0, min(s.After/20, 600*time.Millisecond)) + h.between(0, 999*time.Microsecond)
		h.after(s.After+jitter, func() {
			if parent == nil || parent.live >= 0 && parent.Boot == h.boots {
				h.play(parent, s)
			}
		})
	}
}

// PlayIncident is Play for a script with a name, which the truth repeats on
// each process of it.
func (h *Host) PlayIncident(name string, parent *Process, steps ...Step) {
	for i := range steps {
		steps[i].incident = name
	}
	h.Play(parent, steps...)
}

// play starts the process of a step, and schedules what it does.
func (h *Host) play(parent *Process, s *Step) *Process {
	prog := h.program(s.Program)
	command := s.Command
	if command == "" {
		command = prog.image
	}
	session := s.Session
	if session == nil && parent != nil {
		session = parent.Session
	}
	p := h.start(parent, prog, command, session, s.PID)
	if s.incident != "" {
		p.Incident = s.incident
	}
	life := s.Life
	if life == 0 {
		life = s.span() + h.between(30*time.Millisecond, 900*time.Millisecond)
	}
	if prog.console && parent != nil && !parent.Program.console {
		h.console(p, life)
	}
	for i := range s.Drops {
		h.after(h.between(5*time.Millisecond, 20*time.Millisecond), func() { h.fileCreate(p, s.Drops[i]) })
	}
	for i := range s.Connects {
		h.after(h.between(5*time.Millisecond, 20*time.Millisecond), func() { h.connect(p, s.Connects[i]) })
	}
	for i := range s.Sets {
		h.after(h.between(5*time.Millisecond, 20*time.Millisecond), func() { h.registrySet(p, s.Sets[i]) })
	}
	h.doAside(p, s, life)
	h.Play(p, s.Steps...)
	h.endAfter(p, life)
	return p
}

// doAside does what a process does besides, and answers the request that
// started it.
func (h *Host) doAside(p *Process, s *Step, life time.Duration) {
	h.aside(func() {
		for i := range s.Deeds {
			h.after(s.Deeds[i].After, func() { s.Deeds[i].do(h, p) })
		}
		if s.Request != nil {
			h.answer(s.Request, p, life)
		}
	})
}

// span returns how long the children of a step need at least.
func (s *Step) span() time.Duration {
	longest := time.Duration(0)
	for i := range s.Steps {
		c := &s.Steps[i]
		longest = max(longest, c.After+max(c.Life, c.span()+time.Second))
	}
	return longest
}

// console starts the conhost.exe of a process that was given a console of its
// own.
func (h *Host) console(p *Process, life time.Duration) {
	command := `\??\C:\Windows\system32\conhost.exe 0xffffffff`
	if h.options.Build >= 10240 {
		command += " -ForceV1"
	}
	c := h.start(p, h.program("conhost"), command, p.Session, 0)
	h.endAfter(c, life+h.between(time.Millisecond, 5*time.Millisecond))
}

// fileCreate logs that a process creates a file.
func (h *Host) fileCreate(p *Process, path string) {
	if h.options.Sysmon == 0 {
		return
	}
	h.trace(p, ChannelSysmon, &evtxtest.SysmonFileCreate{
		Schema: h.options.Sysmon, RuleName: h.ruleName(), UtcTime: h.now, ProcessGUID: p.GUID, ProcessID: p.PID,
		Image: p.Image, TargetFilename: path, CreationUtcTime: h.now, User: p.Session.User,
	})
}

// connect logs that a process connects to another host.
func (h *Host) connect(p *Process, c Connection) {
	if h.options.Sysmon == 0 {
		return
	}
	h.trace(p, ChannelSysmon, &evtxtest.SysmonNetworkConnect{
		Schema: h.options.Sysmon, RuleName: h.ruleName(), UtcTime: h.now, ProcessGUID: p.GUID, ProcessID: p.PID,
		Image: p.Image, User: p.Session.User, Protocol: "tcp", Initiated: true, SourceIP: h.address(),
		SourceHostname: h.options.Name, SourcePort: uint16(49152 + h.rng.IntN(16000)), SourcePortName: "-",
		DestinationIP: c.IP, DestinationHostname: orDash(c.Name), DestinationPort: c.Port,
		DestinationPortName: portName(c.Port),
	})
}

// registrySet logs that a process sets a registry value.
func (h *Host) registrySet(p *Process, v RegistryValue) {
	if h.options.Sysmon == 0 {
		return
	}
	h.trace(p, ChannelSysmon, &evtxtest.SysmonRegistrySet{
		Schema: h.options.Sysmon, RuleName: h.ruleName(), UtcTime: h.now, ProcessGUID: p.GUID, ProcessID: p.PID,
		Image: p.Image, TargetObject: v.Object, Details: v.Details, User: p.Session.User,
	})
}

// imageLoad logs that a process loads a library.
func (h *Host) imageLoad(p *Process, library string) {
	if h.options.Sysmon == 0 {
		return
	}
	l := h.library(library)
	h.write(ChannelSysmon, &evtxtest.SysmonImageLoad{
		Schema: h.options.Sysmon, RuleName: h.ruleName(), UtcTime: h.now, ProcessGUID: p.GUID, ProcessID: p.PID,
		Image: p.Image, ImageLoaded: l.image, FileVersion: l.version, Description: l.description, Product: l.product,
		Company: l.company, OriginalFileName: l.original, Hashes: l.hashes, Signed: true,
		Signature: "Microsoft Windows", SignatureStatus: "Valid", User: p.Session.User,
	}, nil)
}

// library returns a library of Windows as if it were a program.
func (h *Host) library(name string) *Program {
	key := "library " + name
	if p, ok := h.programs[key]; ok {
		return p
	}
	p := h.install(&entry{key: key, image: name, description: "Windows library", original: name})
	h.programs[key] = p
	return p
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func portName(port uint16) string {
	switch port {
	case 80:
		return "http"
	case 443:
		return "https"
	case 389:
		return "ldap"
	case 445:
		return "microsoft-ds"
	}
	return "-"
}

// address returns the host's own address in the private network.
func (h *Host) address() string { return "10.20.30." + strconv.Itoa(100+int(h.machineID%100)) }
