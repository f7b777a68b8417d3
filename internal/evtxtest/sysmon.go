package evtxtest

// SysmonSchema names a generation of Sysmon by the number of fields of its
// event 1. The event version stays the same from 16 to 23 fields, so only the
// fields distinguish them. Field lists are those of the manifest in
// Sysinternals' SysmonCommon, types those of sample logs.
type SysmonSchema int

// The generations; the zero SysmonSchema is Sysmon22.
const (
	Sysmon17 SysmonSchema = 17 // schema 2.0, Sysmon 3: SequenceNumber
	Sysmon16 SysmonSchema = 16 // schemas 3.1 to 3.4, Sysmon 4 to 6
	Sysmon20 SysmonSchema = 20 // schema 4.0, Sysmon 7: version resource
	Sysmon21 SysmonSchema = 21 // schemas 4.1 and 4.2, Sysmon 8 and 9: RuleName
	Sysmon22 SysmonSchema = 22 // schemas 4.21 to 4.70, Sysmon 10 to 13.22: OriginalFileName
	Sysmon23 SysmonSchema = 23 // schemas 4.80 and up: User in all events, ParentUser
)

func (s SysmonSchema) orDefault() SysmonSchema {
	if s == 0 {
		return Sysmon22
	}
	return s
}

const sysmonChannel = "Microsoft-Windows-Sysmon/Operational"

// Keywords of events without a keyword of their own, and of audit successes.
const (
	keywordsNone         = 0x8000000000000000
	keywordsAuditSuccess = 0x8020000000000000
	keywordsClassic      = 0x0080000000000000
)

var (
	sysmonProvider = Provider{Name: "Microsoft-Windows-Sysmon", GUID: MustGUID("5770385F-C22A-43E0-BF4C-06F5698FFBD9")}
	localSystem    = MustSID("S-1-5-18")
)

// sysmonDefinitions are the GUIDs that the payload definitions of event and
// number of fields have in sample logs.
var sysmonDefinitions = map[[2]int]GUID{
	{1, 16}: MustGUID("78F135C0-E661-E7E2-7A7C-1281B0E290CA"),
	{1, 21}: MustGUID("D8A7EDE1-C63F-10FE-AC94-C9F4DAB4ECD2"),
	{1, 22}: MustGUID("F9206E9B-E504-3E3D-058E-BFB6C62E3FBD"),
	{1, 23}: MustGUID("0E4A3166-F8B5-EB89-426D-186C622756C9"),
	{3, 17}: MustGUID("4F23DF63-FA2A-8636-F645-365E4FCA015E"),
	{3, 18}: MustGUID("B02D0D41-1F6D-1D5B-183F-D81E7422B56A"),
	{4, 4}:  MustGUID("54BC035E-C0EF-8117-100B-DBCBED64B14A"),
	{5, 5}:  MustGUID("12D43BE2-A011-A6DB-F994-934A4E78257D"),
	{7, 14}: MustGUID("81C5BAB7-1E10-11DC-EB33-154A2B32B524"),
	{7, 15}: MustGUID("7C384DC2-C05C-9A58-B572-EA92712A4E36"),
	{7, 16}: MustGUID("1285C68B-EF01-8B1B-DF00-759E544EB798"),
	{11, 6}: MustGUID("6E288059-47E9-1E00-FD54-FDAE2F53AD64"),
	{11, 7}: MustGUID("6074BC58-1041-E648-9F6F-F45B709570E8"),
	{11, 8}: MustGUID("9212FFF6-52E1-B7DA-79FB-8A1EE8E7FC63"),
	{13, 7}: MustGUID("F2906586-4AA6-A7F1-6646-A62716CE0EF6"),
	{13, 8}: MustGUID("AF1ABB03-9146-C96E-4BBD-B25A53CAC4CB"),
	{13, 9}: MustGUID("AE099C18-47D6-50CD-B16A-A21E6C27A81F"),
	{16, 3}: MustGUID("337486E6-8EE0-F5B9-DDF6-095366B82E86"),
}

// sysmon sets what precedes the payload of a Sysmon event.
func (ev *Event) sysmon(id uint16, version uint8) {
	ev.system(sysmonProvider, sysmonChannel, id, version, 4, id, keywordsNone)
	ev.UserID = localSystem
}

// define sets the GUID of the payload's definition once all fields have been
// added.
func (ev *Event) define(known map[[2]int]GUID) {
	ev.Payload.TemplateGUID = known[[2]int{int(ev.ID), len(ev.Payload.Fields)}]
}

// SysmonProcessCreate is Sysmon event 1.
type SysmonProcessCreate struct {
	Schema         SysmonSchema
	RuleName       string
	SequenceNumber uint64
	UtcTime        FileTime // start of the process; 0 means the time of the event
	ProcessGUID    GUID
	ProcessID      uint32
	Image          string

	FileVersion, Description, Product, Company, OriginalFileName string

	CommandLine, CurrentDirectory, User string
	LogonGUID                           GUID
	LogonID                             uint64
	TerminalSessionID                   uint32
	IntegrityLevel, Hashes              string
	ParentProcessGUID                   GUID
	ParentProcessID                     uint32
	ParentImage, ParentCommandLine      string
	ParentUser                          string
}

// Put implements [Source].
func (p *SysmonProcessCreate) Put(ev *Event) {
	s := p.Schema.orDefault()
	ev.sysmon(1, 5)
	if s == Sysmon17 {
		ev.Version = 4
	}
	ev.sysmonSubject(s, p.RuleName, p.SequenceNumber, p.UtcTime)
	ev.add("ProcessGuid", GUIDValue(p.ProcessGUID))
	ev.add("ProcessId", Uint32(p.ProcessID))
	ev.add("Image", String(p.Image))
	if s >= Sysmon20 {
		ev.add("FileVersion", String(p.FileVersion))
		ev.add("Description", String(p.Description))
		ev.add("Product", String(p.Product))
		ev.add("Company", String(p.Company))
	}
	if s >= Sysmon22 {
		ev.add("OriginalFileName", String(p.OriginalFileName))
	}
	ev.add("CommandLine", String(p.CommandLine))
	ev.add("CurrentDirectory", String(p.CurrentDirectory))
	ev.add("User", String(p.User))
	ev.add("LogonGuid", GUIDValue(p.LogonGUID))
	ev.add("LogonId", Hex64(p.LogonID))
	ev.add("TerminalSessionId", Uint32(p.TerminalSessionID))
	ev.add("IntegrityLevel", String(p.IntegrityLevel))
	ev.add("Hashes", String(p.Hashes))
	ev.add("ParentProcessGuid", GUIDValue(p.ParentProcessGUID))
	ev.add("ParentProcessId", Uint32(p.ParentProcessID))
	ev.add("ParentImage", String(p.ParentImage))
	ev.add("ParentCommandLine", String(p.ParentCommandLine))
	if s >= Sysmon23 {
		ev.add("ParentUser", String(p.ParentUser))
	}
	ev.define(sysmonDefinitions)
}

// sysmonSubject adds the fields that precede ProcessGuid.
func (ev *Event) sysmonSubject(s SysmonSchema, rule string, sequence uint64, utc FileTime) {
	if s == Sysmon17 {
		ev.add("SequenceNumber", Uint64(sequence))
	}
	if s >= Sysmon21 {
		ev.add("RuleName", String(rule))
	}
	ev.addUTC("UtcTime", utc)
}

// addUTC adds a time as Sysmon's text; 0 means the time of the event.
func (ev *Event) addUTC(name string, t FileTime) {
	if t == 0 {
		t = ev.Time
	}
	ev.add(name, UTCText(t))
}

// SysmonNetworkConnect is Sysmon event 3.
type SysmonNetworkConnect struct {
	Schema                             SysmonSchema
	RuleName                           string
	UtcTime                            FileTime
	ProcessGUID                        GUID
	ProcessID                          uint32
	Image, User, Protocol              string
	Initiated                          bool
	SourceIP, SourceHostname           string
	SourcePort                         uint16
	SourcePortName                     string
	DestinationIP, DestinationHostname string
	DestinationPort                    uint16
	DestinationPortName                string
	SourceIsIPv6, DestinationIsIPv6    bool
}

// Put implements [Source].
func (p *SysmonNetworkConnect) Put(ev *Event) {
	ev.sysmon(3, 5)
	ev.sysmonSubject(p.Schema.orDefault().noSequence(), p.RuleName, 0, p.UtcTime)
	ev.add("ProcessGuid", GUIDValue(p.ProcessGUID))
	ev.add("ProcessId", Uint32(p.ProcessID))
	ev.add("Image", String(p.Image))
	ev.add("User", String(p.User))
	ev.add("Protocol", String(p.Protocol))
	ev.add("Initiated", Bool(p.Initiated))
	ev.add("SourceIsIpv6", Bool(p.SourceIsIPv6))
	ev.add("SourceIp", String(p.SourceIP))
	ev.add("SourceHostname", String(p.SourceHostname))
	ev.add("SourcePort", Uint16(p.SourcePort))
	ev.add("SourcePortName", String(p.SourcePortName))
	ev.add("DestinationIsIpv6", Bool(p.DestinationIsIPv6))
	ev.add("DestinationIp", String(p.DestinationIP))
	ev.add("DestinationHostname", String(p.DestinationHostname))
	ev.add("DestinationPort", Uint16(p.DestinationPort))
	ev.add("DestinationPortName", String(p.DestinationPortName))
	ev.define(sysmonDefinitions)
}

// noSequence returns the schema to use for events that never had a
// SequenceNumber here.
func (s SysmonSchema) noSequence() SysmonSchema {
	if s == Sysmon17 {
		return Sysmon16
	}
	return s
}

// SysmonProcessTerminate is Sysmon event 5.
type SysmonProcessTerminate struct {
	Schema         SysmonSchema
	RuleName       string
	SequenceNumber uint64
	UtcTime        FileTime
	ProcessGUID    GUID
	ProcessID      uint32
	Image, User    string
}

// Put implements [Source].
func (p *SysmonProcessTerminate) Put(ev *Event) {
	s := p.Schema.orDefault()
	ev.sysmon(5, 3)
	ev.sysmonSubject(s, p.RuleName, p.SequenceNumber, p.UtcTime)
	ev.add("ProcessGuid", GUIDValue(p.ProcessGUID))
	ev.add("ProcessId", Uint32(p.ProcessID))
	ev.add("Image", String(p.Image))
	if s >= Sysmon23 {
		ev.add("User", String(p.User))
	}
	if s != Sysmon17 {
		ev.define(sysmonDefinitions)
	}
}
