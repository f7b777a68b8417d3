package evtxtest

import "strings"

const securityChannel = "Security"

var securityProvider = Provider{
	Name: "Microsoft-Windows-Security-Auditing", GUID: MustGUID("54849625-5478-4994-A5BA-3E3B0328C30D"),
}

// securityDefinitions are the GUIDs that the payload definitions of event and
// number of fields have in sample logs.
var securityDefinitions = map[[2]int]GUID{
	{4608, 0}:  MustGUID("EECE26DD-7CCB-0DD6-8E03-701A29B763EE"),
	{4616, 8}:  MustGUID("8543B709-C55E-D339-0694-DED9F57C3EA6"),
	{4624, 20}: MustGUID("C1DA3AEF-F6B9-ACC7-0F72-9B66CB382813"),
	{4624, 21}: MustGUID("C0651AC9-9A04-604F-DEB0-F172FF8FE0E8"),
	{4624, 27}: MustGUID("6077B2CF-907C-589E-B7A6-448DC3279859"),
	{4634, 5}:  MustGUID("6AE86798-6E14-2D87-508B-FF057611918B"),
	{4672, 5}:  MustGUID("AB780FAE-1F43-0882-C593-C22D02059E1C"),
	{4688, 9}:  MustGUID("FA7B7CB2-B589-7B8B-65DF-FBD26FDF5B82"),
	{4688, 13}: MustGUID("13668CE3-76C8-756A-212A-6DDAA98CC574"),
	{4688, 15}: MustGUID("0DBDA41A-F2C1-5480-DFF0-2BF666B4436E"),
	{4719, 8}:  MustGUID("A54F6D04-AB1F-F03F-1EB2-F6594F0E7247"),
}

// security sets what precedes the payload of an audit success.
func (ev *Event) security(id uint16, version uint8, task uint16) {
	ev.system(securityProvider, securityChannel, id, version, 0, task, keywordsAuditSuccess)
	ev.UserID = nil
}

// Account is a user or computer with the logon session that acted.
type Account struct {
	SID          SID // nil means S-1-0-0
	Name, Domain string
	LogonID      uint64
}

var nobody = MustSID("S-1-0-0")

// addAccount adds the four fields of an account, each name with the given
// prefix. The zero Account reads S-1-0-0, "-", "-", 0.
func (ev *Event) addAccount(prefix accountPrefix, a *Account) {
	sid := a.SID
	if sid == nil {
		sid = nobody
	}
	ev.add(prefix[0], SIDValue(sid))
	ev.add(prefix[1], String(orDash(a.Name)))
	ev.add(prefix[2], String(orDash(a.Domain)))
	ev.add(prefix[3], Hex64(a.LogonID))
}

// accountPrefix is the names of an account's fields.
type accountPrefix [4]string

var (
	subject = accountPrefix{"SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId"}
	target  = accountPrefix{"TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId"}
)

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// addPointer adds a process ID, which is a pointer as wide as those of the
// host.
func (ev *Event) addPointer(name string, n uint64, w Width) {
	if w == Width32 {
		ev.add(name, Pointer32(uint32(n)))
		return
	}
	ev.add(name, Pointer64(n))
}

// Width is the width of a host's pointers.
type Width uint8

// The zero Width is that of a 64-bit host.
const (
	Width64 Width = iota
	Width32
)

// ProcessCreatedForm is a set of fields of event 4688.
type ProcessCreatedForm uint8

// The sets of fields, from Microsoft's description of the event and, for the
// short form, from sample logs of a Windows 8 or 2012 generation.
const (
	ProcessCreatedV2      ProcessCreatedForm = iota // Windows 10 and Server 2016: 15 fields
	ProcessCreatedV2Short                           // 13 fields: no ParentProcessName, no MandatoryLabel
	ProcessCreatedV1                                // Windows 8.1 and Server 2012 R2: 9 fields
	ProcessCreatedV0                                // Vista and Server 2008: 8 fields, no command line
)

// ProcessCreated is Security event 4688.
type ProcessCreated struct {
	Form               ProcessCreatedForm
	Width              Width
	Subject            Account // of the creator
	NewProcessID       uint64
	NewProcessName     string
	TokenElevationType string  // "%%1936", "%%1937" or "%%1938"
	ProcessID          uint64  // of the creator
	CommandLine        string  // empty unless the policy is on
	Target             Account // of the new process if it is another one, else zero
	ParentProcessName  string
	MandatoryLabel     SID // nil means S-1-0-0
}

// Put implements [Source].
func (p *ProcessCreated) Put(ev *Event) {
	v := uint8(2)
	switch p.Form {
	case ProcessCreatedV0:
		v = 0
	case ProcessCreatedV1:
		v = 1
	}
	ev.security(4688, v, 13312)
	ev.addAccount(subject, &p.Subject)
	ev.addPointer("NewProcessId", p.NewProcessID, p.Width)
	ev.add("NewProcessName", String(p.NewProcessName))
	ev.add("TokenElevationType", String(p.TokenElevationType))
	ev.addPointer("ProcessId", p.ProcessID, p.Width)
	if p.Form != ProcessCreatedV0 {
		ev.add("CommandLine", String(p.CommandLine))
	}
	if v == 2 {
		ev.addAccount(target, &p.Target)
	}
	if p.Form == ProcessCreatedV2 {
		ev.add("ParentProcessName", String(p.ParentProcessName))
		label := p.MandatoryLabel
		if label == nil {
			label = nobody
		}
		ev.add("MandatoryLabel", SIDValue(label))
	}
	ev.define(securityDefinitions)
}

// ProcessExited is Security event 4689.
type ProcessExited struct {
	Width       Width
	Subject     Account
	Status      uint32
	ProcessID   uint64
	ProcessName string
}

// Put implements [Source].
func (p *ProcessExited) Put(ev *Event) {
	ev.security(4689, 0, 13313)
	ev.addAccount(subject, &p.Subject)
	ev.add("Status", Hex32(p.Status))
	ev.addPointer("ProcessId", p.ProcessID, p.Width)
	ev.add("ProcessName", String(p.ProcessName))
}

// SecurityStarted is Security event 4608: Windows is starting up.
type SecurityStarted struct{}

// Put implements [Source].
func (SecurityStarted) Put(ev *Event) {
	ev.security(4608, 0, 12288)
	ev.define(securityDefinitions)
}

// TimeChanged is Security event 4616.
type TimeChanged struct {
	Width                 Width
	Subject               Account
	PreviousTime, NewTime FileTime
	ProcessID             uint64
	ProcessName           string
}

// Put implements [Source].
func (p *TimeChanged) Put(ev *Event) {
	ev.security(4616, 1, 12288)
	ev.addAccount(subject, &p.Subject)
	ev.add("PreviousTime", Time(p.PreviousTime))
	ev.add("NewTime", Time(p.NewTime))
	ev.addPointer("ProcessId", p.ProcessID, p.Width)
	ev.add("ProcessName", String(p.ProcessName))
	ev.define(securityDefinitions)
}

// Logon is Security event 4624. Version 0 has 20 fields, 1 has 21, 2 has 27.
type Logon struct {
	Version         uint8
	Width           Width
	Subject, Target Account
	LogonType       uint32
	LogonProcess    string
	Package         string // authentication package
	Workstation     string
	LogonGUID       GUID
	ProcessID       uint64
	ProcessName     string
	IPAddress, Port string
	Elevated        bool
}

// Put implements [Source].
func (p *Logon) Put(ev *Event) {
	ev.security(4624, p.Version, 12544)
	ev.addAccount(subject, &p.Subject)
	ev.addAccount(target, &p.Target)
	ev.add("LogonType", Uint32(p.LogonType))
	ev.add("LogonProcessName", String(p.LogonProcess))
	ev.add("AuthenticationPackageName", String(p.Package))
	ev.add("WorkstationName", String(orDash(p.Workstation)))
	ev.add("LogonGuid", GUIDValue(p.LogonGUID))
	ev.add("TransmittedServices", String("-"))
	ev.add("LmPackageName", String("-"))
	ev.add("KeyLength", Uint32(0))
	ev.addPointer("ProcessId", p.ProcessID, p.Width)
	ev.add("ProcessName", String(orDash(p.ProcessName)))
	ev.add("IpAddress", String(orDash(p.IPAddress)))
	ev.add("IpPort", String(orDash(p.Port)))
	if p.Version >= 1 {
		ev.add("ImpersonationLevel", String("%%1833"))
	}
	if p.Version >= 2 {
		ev.add("RestrictedAdminMode", String("-"))
		ev.add("TargetOutboundUserName", String("-"))
		ev.add("TargetOutboundDomainName", String("-"))
		ev.add("VirtualAccount", String("%%1843"))
		ev.add("TargetLinkedLogonId", Hex64(0))
		ev.add("ElevatedToken", String(yesNo(p.Elevated)))
	}
	ev.define(securityDefinitions)
}

// yesNo returns the parameter strings of yes and no.
func yesNo(yes bool) string {
	if yes {
		return "%%1842"
	}
	return "%%1843"
}

// Logoff is Security event 4634.
type Logoff struct {
	Target    Account
	LogonType uint32
}

// Put implements [Source].
func (p *Logoff) Put(ev *Event) {
	ev.security(4634, 0, 12545)
	ev.addAccount(target, &p.Target)
	ev.add("LogonType", Uint32(p.LogonType))
	ev.define(securityDefinitions)
}

// SpecialLogon is Security event 4672.
type SpecialLogon struct {
	Subject    Account
	Privileges []string
}

// Put implements [Source].
func (p *SpecialLogon) Put(ev *Event) {
	ev.security(4672, 0, 12548)
	ev.addAccount(subject, &p.Subject)
	ev.add("PrivilegeList", String(strings.Join(p.Privileges, "\r\n\t\t\t")))
	ev.define(securityDefinitions)
}

// AuditPolicyChanged is Security event 4719.
type AuditPolicyChanged struct {
	Subject           Account
	Category          string // such as "%%8274"
	Subcategory       string // such as "%%13312"
	SubcategoryGUID   GUID
	AuditPolicyChange string // such as "%%8448": success removed
}

// Put implements [Source].
func (p *AuditPolicyChanged) Put(ev *Event) {
	ev.security(4719, 0, 13568)
	ev.addAccount(subject, &p.Subject)
	ev.add("CategoryId", String(p.Category))
	ev.add("SubcategoryId", String(p.Subcategory))
	ev.add("SubcategoryGuid", GUIDValue(p.SubcategoryGUID))
	ev.add("AuditPolicyChanges", String(p.AuditPolicyChange))
	ev.define(securityDefinitions)
}
