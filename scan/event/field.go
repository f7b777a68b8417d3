package event

// FieldID stands for the name of a field: of a payload field
// (EventData/Data/@Name, or the element name below UserData), or of a System
// value under the name that Sigma gives it. The names that process trees are
// made of have one, so that a record's fields are found without comparing text.
// Any other field is asked for by its name: see Want.
type FieldID uint8

// The fields, spelled as the providers' manifests spell them. The comment
// names the events that carry a field; the sets by version are in the Sysmon
// schema and in Microsoft's descriptions of 4688 and 4689.
const (
	FieldNone FieldID = iota

	// Sysmon 1 (ProcessCreate) and 5 (ProcessTerminate).
	RuleName
	UtcTime
	ProcessGUID
	ProcessID // also Security 4688, where it is the creator (parent), and 4689
	Image
	FileVersion
	Description
	Product
	Company
	OriginalFileName
	CommandLine // also Security 4688
	CurrentDirectory
	User
	LogonGUID
	LogonID
	TerminalSessionID
	IntegrityLevel
	Hashes
	ParentProcessGUID
	ParentProcessID
	ParentImage
	ParentCommandLine
	ParentUser

	// Security 4688 (a new process has been created) and 4689 (a process
	// has exited).
	SubjectUserSID
	SubjectUserName
	SubjectDomainName
	SubjectLogonID
	NewProcessID
	NewProcessName
	TokenElevationType
	TargetUserSID
	TargetUserName
	TargetDomainName
	TargetLogonID
	ParentProcessName
	MandatoryLabel
	Status
	ProcessName

	// Sysmon 4 (service state).
	State

	// Security 4616 and Kernel-General 1 (the system time has changed).
	PreviousTime
	NewTime
	OldTime

	// Eventlog 104 and 1102 (a log was cleared): ClearedChannel is the
	// element Channel of UserData, which shares its name with System's.
	ClearedChannel
	BackupPath

	// Security 4719 (the audit policy was changed).
	SubcategoryGUID
	AuditPolicyChanges

	// Sysmon 16 (its configuration changed) and 255 (an error; ErrorID is
	// its field ID).
	Configuration
	ConfigurationFileHash
	ErrorID

	// What System says of an event. These are no payload fields: an Event
	// has them under their own names.
	Computer
	Channel
	ProviderName
	EventID
	Version

	numFields
)

// NumFields is one more than the largest FieldID, NumPayloadFields one more
// than the largest of a payload field.
const (
	NumFields        = int(numFields)
	NumPayloadFields = int(Computer)
)

// OfProcess reports whether process events have the field. The others are of
// integrity events.
func (id FieldID) OfProcess() bool {
	return id > FieldNone && (id < State || id >= Computer) && id < numFields
}

var fieldNames = [numFields]string{
	RuleName: "RuleName", UtcTime: "UtcTime", ProcessGUID: "ProcessGuid", ProcessID: "ProcessId",
	Image: "Image", FileVersion: "FileVersion", Description: "Description", Product: "Product",
	Company: "Company", OriginalFileName: "OriginalFileName", CommandLine: "CommandLine",
	CurrentDirectory: "CurrentDirectory", User: "User", LogonGUID: "LogonGuid", LogonID: "LogonId",
	TerminalSessionID: "TerminalSessionId", IntegrityLevel: "IntegrityLevel", Hashes: "Hashes",
	ParentProcessGUID: "ParentProcessGuid", ParentProcessID: "ParentProcessId", ParentImage: "ParentImage",
	ParentCommandLine: "ParentCommandLine", ParentUser: "ParentUser",
	SubjectUserSID: "SubjectUserSid", SubjectUserName: "SubjectUserName", SubjectDomainName: "SubjectDomainName",
	SubjectLogonID: "SubjectLogonId", NewProcessID: "NewProcessId", NewProcessName: "NewProcessName",
	TokenElevationType: "TokenElevationType", TargetUserSID: "TargetUserSid", TargetUserName: "TargetUserName",
	TargetDomainName: "TargetDomainName", TargetLogonID: "TargetLogonId", ParentProcessName: "ParentProcessName",
	MandatoryLabel: "MandatoryLabel", Status: "Status", ProcessName: "ProcessName",
	State: "State", PreviousTime: "PreviousTime", NewTime: "NewTime", OldTime: "OldTime",
	ClearedChannel: "Channel", BackupPath: "BackupPath", SubcategoryGUID: "SubcategoryGuid", AuditPolicyChanges: "AuditPolicyChanges",
	Configuration: "Configuration", ConfigurationFileHash: "ConfigurationFileHash", ErrorID: "ID",
	Computer: "Computer", Channel: "Channel", ProviderName: "Provider_Name", EventID: "EventID", Version: "Version",
}

// String returns the field's name as logs spell it, "" for FieldNone.
func (id FieldID) String() string {
	if int(id) >= len(fieldNames) {
		return ""
	}
	return fieldNames[id]
}

var processFields = func() map[string]FieldID {
	ids := make(map[string]FieldID, numFields)
	for id := FieldNone + 1; id < numFields; id++ {
		if id.OfProcess() {
			ids[id.String()] = id
		}
	}
	return ids
}()

// ProcessField returns the field of process events that logs spell so, false if
// there is none. Case matters.
func ProcessField(name string) (FieldID, bool) {
	id, ok := processFields[name]
	return id, ok
}
