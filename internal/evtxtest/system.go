package evtxtest

import "strconv"

var (
	kernelProvider = Provider{
		Name: "Microsoft-Windows-Kernel-General", GUID: MustGUID("A68CA8B7-004F-D7B6-A698-07E2DE0F1F5D"),
	}
	servicesProvider = Provider{
		Name: "Service Control Manager", GUID: MustGUID("555908D1-A6D7-4695-8E1E-26931D2012F4"),
		EventSourceName: "Service Control Manager",
	}
	user32Provider = Provider{
		Name: "User32", GUID: MustGUID("B0AA8734-56F7-41CC-B2F4-DE228E98B946"), EventSourceName: "User32",
	}
	definition7036 = MustGUID("5EB89DDA-8F78-57E7-0A26-7641ACF8B32E")
	localService   = MustSID("S-1-5-19")
)

// kernelDefinitions are the GUIDs that the payload definitions of event and
// number of fields have in sample logs.
var kernelDefinitions = map[[2]int]GUID{
	{1, 3}:  MustGUID("4C78A61F-D3D7-5703-1AAE-D6B09E325FCD"),
	{12, 7}: MustGUID("E6534903-E4B2-5AB2-255A-419A05E7AA5C"),
	{13, 1}: MustGUID("87556D7A-2162-5B41-D0A4-15E3B89ACF37"),
}

// KernelTimeChanged is Kernel-General event 1.
type KernelTimeChanged struct {
	NewTime, OldTime FileTime
	Reason           uint32 // 1: an application or system component changed the time
}

// Put implements [Source].
func (p *KernelTimeChanged) Put(ev *Event) {
	ev.system(kernelProvider, systemChannel, 1, 1, 4, 5, 0x8000000000000010)
	ev.UserID = localService
	ev.add("NewTime", Time(p.NewTime))
	ev.add("OldTime", Time(p.OldTime))
	ev.add("Reason", Uint32(p.Reason))
	ev.define(kernelDefinitions)
}

// KernelStarted is Kernel-General event 12: the operating system started at a
// time.
type KernelStarted struct {
	Major, Minor, Build, QFE uint32
	StartTime                FileTime
}

// Put implements [Source].
func (p *KernelStarted) Put(ev *Event) {
	ev.system(kernelProvider, systemChannel, 12, 0, 4, 1, 0x8000000000000080)
	ev.UserID = localSystem
	ev.add("MajorVersion", Uint32(p.Major))
	ev.add("MinorVersion", Uint32(p.Minor))
	ev.add("BuildVersion", Uint32(p.Build))
	ev.add("QfeVersion", Uint32(p.QFE))
	ev.add("ServiceVersion", Uint16(0))
	ev.add("BootMode", Uint32(0))
	ev.add("StartTime", Time(p.StartTime))
	ev.define(kernelDefinitions)
}

// KernelStopped is Kernel-General event 13: the operating system is shutting
// down at a time.
type KernelStopped struct{ StopTime FileTime }

// Put implements [Source].
func (p *KernelStopped) Put(ev *Event) {
	ev.system(kernelProvider, systemChannel, 13, 0, 4, 2, 0x8000000000000080)
	ev.UserID = nil
	ev.add("StopTime", Time(p.StopTime))
	ev.define(kernelDefinitions)
}

// ShutdownAsked is User32 event 1074: a process asked for a shutdown, for a
// user.
type ShutdownAsked struct{ Process, Computer, Kind, User string }

// Put implements [Source].
func (p *ShutdownAsked) Put(ev *Event) {
	ev.classic(user32Provider, systemChannel, 1074, 4, 0)
	for _, s := range [...]string{p.Process, p.Computer, "", "0x0", p.Kind, "", p.User} {
		ev.add("", String(s))
	}
}

// ServiceState is Service Control Manager event 7036.
type ServiceState struct {
	DisplayName string
	Name        string // of the service's key
	Running     bool   // it entered the running state, else the stopped state
}

// Put implements [Source].
func (p *ServiceState) Put(ev *Event) {
	ev.system(servicesProvider, systemChannel, 7036, 0, 4, 0, 0x8080000000000000)
	ev.UserID = nil
	ev.Shape = ShapeProvider
	ev.Qualifiers, ev.HasQualifiers = qualifiersServices, true
	state, suffix := "stopped", "/1\x00"
	if p.Running {
		state, suffix = "running", "/4\x00"
	}
	ev.add("param1", String(p.DisplayName))
	ev.add("param2", String(state))
	ev.Payload.Binary = appendUTF16(nil, p.Name+suffix)
	ev.Payload.TemplateGUID = definition7036
}

var aspnetSource = Provider{Name: "ASP.NET 4.0.30319.0"}

// ASPNetException is Application event 1309: an unhandled exception in an
// ASP.NET application. It has 30 strings without names; the members here are
// those that vary between requests.
type ASPNetException struct {
	EventID                string // a GUID as 32 hexadecimal digits
	Sequence, Occurrence   uint32
	AppDomain              string // such as "/LM/W3SVC/2/ROOT-1-132..."
	VirtualPath, AppPath   string
	Machine                string
	ProcessID              uint32
	ProcessName, Account   string
	ExceptionType          string
	ExceptionMessage       string
	URL, Path, HostAddress string
	ThreadID               uint32
	StackTrace             string
}

// Put implements [Source].
func (p *ASPNetException) Put(ev *Event) {
	ev.classic(aspnetSource, "Application", 1309, 3, 3)
	local := ev.Time.Time().Format("1/2/2006 3:04:05 PM")
	for _, s := range [...]string{
		"3005", "An unhandled exception has occurred.", local, local,
		p.EventID, decimal(uint64(p.Sequence)), decimal(uint64(p.Occurrence)), "0",
		p.AppDomain, "Full", p.VirtualPath, p.AppPath, p.Machine, "",
		decimal(uint64(p.ProcessID)), p.ProcessName, p.Account,
		p.ExceptionType, p.ExceptionMessage, p.URL, p.Path, p.HostAddress,
		"", "False", "", p.Account,
		decimal(uint64(p.ThreadID)), p.Account, "False", p.StackTrace,
	} {
		ev.add("", String(s))
	}
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }
