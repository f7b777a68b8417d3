package evtxtest

import "strings"

const (
	powershellChannel        = "Microsoft-Windows-PowerShell/Operational"
	classicPowershellChannel = "Windows PowerShell"
)

var (
	powershellProvider = Provider{
		Name: "Microsoft-Windows-PowerShell", GUID: MustGUID("A0C1853B-5C40-4B15-8766-3CF1C58F985A"),
	}
	powershellSource = Provider{Name: "PowerShell"}
)

// powershell sets what precedes the payload of an event of PowerShell, which
// its own process writes.
func (ev *Event) powershell(id uint16, level, opcode uint8, task uint16, user SID, pid uint32) {
	ev.system(powershellProvider, powershellChannel, id, 1, level, task, 0)
	ev.Opcode, ev.UserID, ev.ProcessID = opcode, user, pid
}

// PowerShellStarted is PowerShell event 40961: a console starts up.
type PowerShellStarted struct {
	User      SID
	ProcessID uint32
}

// Put implements [Source].
func (p *PowerShellStarted) Put(ev *Event) {
	ev.powershell(40961, 4, 1, 4, p.User, p.ProcessID)
}

// PowerShellIPC is PowerShell event 53504: a process listens for others.
type PowerShellIPC struct {
	User      SID
	ProcessID uint32
}

// Put implements [Source].
func (p *PowerShellIPC) Put(ev *Event) {
	ev.powershell(53504, 4, 10, 111, p.User, p.ProcessID)
	ev.add("param1", String(decimal(uint64(p.ProcessID))))
	ev.add("param2", String("DefaultAppDomain"))
}

// ScriptBlock is PowerShell event 4104 of a script in one piece.
type ScriptBlock struct {
	User      SID
	ProcessID uint32
	Text      string
	ID        GUID
	// Suspicious makes the event a warning, as PowerShell does of its own
	// accord for scripts with certain words.
	Suspicious bool
}

// Put implements [Source].
func (p *ScriptBlock) Put(ev *Event) {
	level := uint8(5)
	if p.Suspicious {
		level = 3
	}
	ev.powershell(4104, level, 15, 2, p.User, p.ProcessID)
	ev.add("MessageNumber", Int32(1))
	ev.add("MessageTotal", Int32(1))
	ev.add("ScriptBlockText", String(p.Text))
	ev.add("ScriptBlockId", String(strings.ToLower(p.ID.String())))
	ev.add("Path", String(""))
}

// PowerShellEngine is event 400 of Windows PowerShell: the engine has started.
// It names no process but by its command line.
type PowerShellEngine struct {
	CommandLine string
	Version     string // of the engine, such as "5.1.17763.1"
	HostID      GUID
}

// Put implements [Source].
func (p *PowerShellEngine) Put(ev *Event) {
	ev.classic(powershellSource, classicPowershellChannel, 400, 4, 4)
	ev.Qualifiers = 0
	ev.add("", String("Available"))
	ev.add("", String("None"))
	ev.add("", String("\tNewEngineState=Available\r\n\tPreviousEngineState=None\r\n\r\n\tSequenceNumber=13\r\n\r\n\tHostName=ConsoleHost\r\n\tHostVersion="+p.Version+
		"\r\n\tHostId="+strings.ToLower(strings.Trim(p.HostID.String(), "{}"))+"\r\n\tHostApplication="+p.CommandLine+"\r\n\tEngineVersion="+p.Version+
		"\r\n\tRunspaceId=\r\n\tPipelineId=\r\n\tCommandName=\r\n\tCommandType=\r\n\tScriptName=\r\n\tCommandPath=\r\n\tCommandLine="))
}
