package evtxtest_test

import (
	"slices"
	"strings"
	"time"

	"webshellscan/internal/evtxtest"
)

// at is when the events of the tests happen; its fraction is one that every
// reader renders exactly.
var at = time.Date(2024, 3, 5, 10, 11, 12, 250_000_000, time.UTC)

const host = "WEB01.harbor.example"

// sourceTest is an event and its payload as Windows would show it: a name and a
// value on each line.
type sourceTest struct {
	name   string
	source evtxtest.Source
	want   string
}

var (
	processGUID = evtxtest.MustGUID("94F748D5-4A45-5A42-0000-0010D265F20F")
	logonGUID   = evtxtest.MustGUID("94F748D5-5A64-5966-0000-0020E7030000")
	parentGUID  = evtxtest.MustGUID("94F748D5-D211-597D-0000-00109BD2C107")
	account     = evtxtest.Account{
		SID: evtxtest.MustSID("S-1-5-21-1004336348-1177238915-682003330-1104"), Name: "WEB01$",
		Domain: "HARBOR", LogonID: 0x3E7,
	}
	pool = evtxtest.Account{
		SID: evtxtest.MustSID("S-1-5-82-3006700770-424185619"), Name: "Shop", Domain: "IIS APPPOOL", LogonID: 0x9A8B7,
	}
)

const accountText = `SubjectUserSid S-1-5-21-1004336348-1177238915-682003330-1104
SubjectUserName WEB01$
SubjectDomainName HARBOR
SubjectLogonId 0x3e7
`

const poolText = `TargetUserSid S-1-5-82-3006700770-424185619
TargetUserName Shop
TargetDomainName IIS APPPOOL
TargetLogonId 0x9a8b7
`

// processCreate has a value for every field of Sysmon event 1.
func processCreate(s evtxtest.SysmonSchema) *evtxtest.SysmonProcessCreate {
	return &evtxtest.SysmonProcessCreate{
		Schema: s, RuleName: "-", SequenceNumber: 77, ProcessGUID: processGUID, ProcessID: 4712,
		Image: `C:\Windows\System32\cmd.exe`, FileVersion: "10.0.17763.1", Description: "Windows Command Processor",
		Product: "Microsoft® Windows® Operating System", Company: "Microsoft Corporation", OriginalFileName: "Cmd.Exe",
		CommandLine: `cmd.exe /c echo "a & b" > 'x' < y`, CurrentDirectory: `C:\inetpub\`, User: `IIS APPPOOL\Shop`,
		LogonGUID: logonGUID, LogonID: 0x9A8B7, TerminalSessionID: 1, IntegrityLevel: "High", Hashes: "MD5=00",
		ParentProcessGUID: parentGUID, ParentProcessID: 4000, ParentImage: `C:\Windows\System32\inetsrv\w3wp.exe`,
		ParentCommandLine: `w3wp.exe -ap "Shop"`, ParentUser: `IIS APPPOOL\Shop`,
	}
}

const processCreateText = `RuleName -
SequenceNumber 77
UtcTime 2024-03-05 10:11:12.250
ProcessGuid {94F748D5-4A45-5A42-0000-0010D265F20F}
ProcessId 4712
Image C:\Windows\System32\cmd.exe
FileVersion 10.0.17763.1
Description Windows Command Processor
Product Microsoft® Windows® Operating System
Company Microsoft Corporation
OriginalFileName Cmd.Exe
CommandLine cmd.exe /c echo "a & b" > 'x' < y
CurrentDirectory C:\inetpub\
User IIS APPPOOL\Shop
LogonGuid {94F748D5-5A64-5966-0000-0020E7030000}
LogonId 0x9a8b7
TerminalSessionId 1
IntegrityLevel High
Hashes MD5=00
ParentProcessGuid {94F748D5-D211-597D-0000-00109BD2C107}
ParentProcessId 4000
ParentImage C:\Windows\System32\inetsrv\w3wp.exe
ParentCommandLine w3wp.exe -ap "Shop"
ParentUser IIS APPPOOL\Shop
`

// without returns the lines of text whose name is not among names.
func without(text string, names ...string) string {
	var b strings.Builder
lines:
	for line := range strings.Lines(text) {
		for _, n := range names {
			if strings.HasPrefix(line, n+" ") {
				continue lines
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

func sysmonTests() []sourceTest {
	resource := []string{"FileVersion", "Description", "Product", "Company"}
	return []sourceTest{
		{"sysmon 1 with 16 fields", processCreate(evtxtest.Sysmon16), without(processCreateText,
			append(resource, "RuleName", "SequenceNumber", "OriginalFileName", "ParentUser")...)},
		{"sysmon 1 with 17 fields", processCreate(evtxtest.Sysmon17), without(processCreateText,
			append(resource, "RuleName", "OriginalFileName", "ParentUser")...)},
		{"sysmon 1 with 20 fields", processCreate(evtxtest.Sysmon20), without(processCreateText,
			"RuleName", "SequenceNumber", "OriginalFileName", "ParentUser")},
		{"sysmon 1 with 21 fields", processCreate(evtxtest.Sysmon21), without(processCreateText,
			"SequenceNumber", "OriginalFileName", "ParentUser")},
		{"sysmon 1 with 22 fields", processCreate(evtxtest.Sysmon22), without(processCreateText,
			"SequenceNumber", "ParentUser")},
		{"sysmon 1 with 23 fields", processCreate(evtxtest.Sysmon23), without(processCreateText, "SequenceNumber")},
		{"sysmon 3", &evtxtest.SysmonNetworkConnect{
			RuleName: "-", ProcessGUID: processGUID, ProcessID: 4712, Image: `C:\x.exe`, User: `HARBOR\a`,
			Protocol: "tcp", Initiated: true, SourceIP: "10.0.0.5", SourceHostname: host, SourcePort: 50123,
			SourcePortName: "-", DestinationIP: "198.51.100.7", DestinationHostname: "-", DestinationPort: 443,
			DestinationPortName: "https",
		}, `RuleName -
UtcTime 2024-03-05 10:11:12.250
ProcessGuid {94F748D5-4A45-5A42-0000-0010D265F20F}
ProcessId 4712
Image C:\x.exe
User HARBOR\a
Protocol tcp
Initiated true
SourceIsIpv6 false
SourceIp 10.0.0.5
SourceHostname WEB01.harbor.example
SourcePort 50123
SourcePortName -
DestinationIsIpv6 false
DestinationIp 198.51.100.7
DestinationHostname -
DestinationPort 443
DestinationPortName https
`},
	}
}

func sysmonNoiseTests() []sourceTest {
	return []sourceTest{
		{
			"sysmon 4", &evtxtest.SysmonServiceState{State: "Started", Version: "13.01", SchemaVersion: "4.50"},
			"UtcTime 2024-03-05 10:11:12.250\nState Started\nVersion 13.01\nSchemaVersion 4.50\n",
		},
		{
			"sysmon 5 with 5 fields", &evtxtest.SysmonProcessTerminate{RuleName: "-", ProcessGUID: processGUID, ProcessID: 8, Image: "a"},
			"RuleName -\nUtcTime 2024-03-05 10:11:12.250\nProcessGuid {94F748D5-4A45-5A42-0000-0010D265F20F}\nProcessId 8\nImage a\n",
		},
		{
			"sysmon 5 with User", &evtxtest.SysmonProcessTerminate{Schema: evtxtest.Sysmon23, RuleName: "-", ProcessGUID: processGUID, ProcessID: 8, Image: "a", User: "u"},
			"RuleName -\nUtcTime 2024-03-05 10:11:12.250\nProcessGuid {94F748D5-4A45-5A42-0000-0010D265F20F}\nProcessId 8\nImage a\nUser u\n",
		},
		{"sysmon 7", &evtxtest.SysmonImageLoad{
			Schema: evtxtest.Sysmon23, RuleName: "-", ProcessGUID: processGUID, ProcessID: 8, Image: "a", ImageLoaded: "b.dll",
			FileVersion: "1", Description: "d", Product: "p", Company: "c", OriginalFileName: "o", Hashes: "MD5=1",
			Signed: true, Signature: "s", SignatureStatus: "Valid", User: "u",
		}, "RuleName -\nUtcTime 2024-03-05 10:11:12.250\nProcessGuid {94F748D5-4A45-5A42-0000-0010D265F20F}\nProcessId 8\nImage a\n" +
			"ImageLoaded b.dll\nFileVersion 1\nDescription d\nProduct p\nCompany c\nOriginalFileName o\nHashes MD5=1\nSigned true\n" +
			"Signature s\nSignatureStatus Valid\nUser u\n"},
		{
			"sysmon 11", &evtxtest.SysmonFileCreate{RuleName: "-", ProcessGUID: processGUID, ProcessID: 8, Image: "a", TargetFilename: "t"},
			"RuleName -\nUtcTime 2024-03-05 10:11:12.250\nProcessGuid {94F748D5-4A45-5A42-0000-0010D265F20F}\nProcessId 8\nImage a\n" +
				"TargetFilename t\nCreationUtcTime 2024-03-05 10:11:12.250\n",
		},
		{
			"sysmon 13", &evtxtest.SysmonRegistrySet{RuleName: "-", ProcessGUID: processGUID, ProcessID: 8, Image: "a", TargetObject: "HKLM", Details: "DWORD (0x00000001)"},
			"RuleName -\nEventType SetValue\nUtcTime 2024-03-05 10:11:12.250\nProcessGuid {94F748D5-4A45-5A42-0000-0010D265F20F}\nProcessId 8\n" +
				"Image a\nTargetObject HKLM\nDetails DWORD (0x00000001)\n",
		},
		{
			"sysmon 16", &evtxtest.SysmonConfigChange{Configuration: "c.xml", ConfigurationFileHash: "SHA1=1"},
			"UtcTime 2024-03-05 10:11:12.250\nConfiguration c.xml\nConfigurationFileHash SHA1=1\n",
		},
		{
			"sysmon 255", &evtxtest.SysmonError{ID: "QUEUE", Description: "Events dropped from driver queue"},
			"UtcTime 2024-03-05 10:11:12.250\nID QUEUE\nDescription Events dropped from driver queue\n",
		},
	}
}

// processCreated has a value for every field of Security event 4688.
func processCreated(f evtxtest.ProcessCreatedForm) *evtxtest.ProcessCreated {
	return &evtxtest.ProcessCreated{
		Form: f, Subject: account, NewProcessID: 0x1268, NewProcessName: `C:\Windows\System32\cmd.exe`,
		TokenElevationType: "%%1936", ProcessID: 0xFA0, CommandLine: "cmd /c ver", Target: pool,
		ParentProcessName: `C:\w3wp.exe`, MandatoryLabel: evtxtest.MustSID("S-1-16-12288"),
	}
}

const processCreatedText = accountText + `NewProcessId 0x1268
NewProcessName C:\Windows\System32\cmd.exe
TokenElevationType %%1936
ProcessId 0xfa0
CommandLine cmd /c ver
` + poolText + `ParentProcessName C:\w3wp.exe
MandatoryLabel S-1-16-12288
`

const logonText = accountText + poolText + `LogonType 5
LogonProcessName Advapi  
AuthenticationPackageName Negotiate
WorkstationName -
LogonGuid {94F748D5-5A64-5966-0000-0020E7030000}
TransmittedServices -
LmPackageName -
KeyLength 0
ProcessId 0x25c
ProcessName C:\Windows\System32\services.exe
IpAddress -
IpPort -
ImpersonationLevel %%1833
RestrictedAdminMode -
TargetOutboundUserName -
TargetOutboundDomainName -
VirtualAccount %%1843
TargetLinkedLogonId 0x0
ElevatedToken %%1842
`

func logon(version uint8) *evtxtest.Logon {
	return &evtxtest.Logon{
		Version: version, Subject: account, Target: pool, LogonType: 5, LogonProcess: "Advapi  ", Package: "Negotiate",
		LogonGUID: logonGUID, ProcessID: 0x25C, ProcessName: `C:\Windows\System32\services.exe`, Elevated: true,
	}
}

func securityTests() []sourceTest {
	target := []string{"TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId"}
	last := []string{"ParentProcessName", "MandatoryLabel"}
	short := without(processCreatedText, last...)
	v1 := without(short, target...)
	newer := []string{
		"RestrictedAdminMode", "TargetOutboundUserName", "TargetOutboundDomainName", "VirtualAccount",
		"TargetLinkedLogonId", "ElevatedToken",
	}
	return []sourceTest{
		{"4688 version 2", processCreated(evtxtest.ProcessCreatedV2), processCreatedText},
		{"4688 version 2, short", processCreated(evtxtest.ProcessCreatedV2Short), short},
		{"4688 version 1", processCreated(evtxtest.ProcessCreatedV1), v1},
		{"4688 version 0", processCreated(evtxtest.ProcessCreatedV0), without(v1, "CommandLine")},
		{
			"4689", &evtxtest.ProcessExited{Subject: account, Status: 1, ProcessID: 0x1268, ProcessName: `C:\a.exe`},
			accountText + "Status 0x1\nProcessId 0x1268\nProcessName C:\\a.exe\n",
		},
		{
			"4689 of a 32-bit host", &evtxtest.ProcessExited{Width: evtxtest.Width32, Subject: account, ProcessID: 0x1268, ProcessName: `C:\a.exe`},
			accountText + "Status 0x0\nProcessId 0x1268\nProcessName C:\\a.exe\n",
		},
		{"4608", evtxtest.SecurityStarted{}, ""},
		{"4616", &evtxtest.TimeChanged{
			Subject: account, PreviousTime: evtxtest.FileTimeOf(at), NewTime: evtxtest.FileTimeOf(at.Add(time.Second)),
			ProcessID: 0x54, ProcessName: "p",
		}, accountText + "PreviousTime 2024-03-05T10:11:12.25Z\nNewTime 2024-03-05T10:11:13.25Z\nProcessId 0x54\nProcessName p\n"},
		{"4624 version 2", logon(2), logonText},
		{"4624 version 1", logon(1), without(logonText, newer...)},
		{"4624 version 0", logon(0), without(logonText, append(newer, "ImpersonationLevel")...)},
		{"4634", &evtxtest.Logoff{Target: pool, LogonType: 3}, poolText + "LogonType 3\n"},
		{
			"4672", &evtxtest.SpecialLogon{Subject: account, Privileges: []string{"SeDebugPrivilege"}},
			accountText + "PrivilegeList SeDebugPrivilege\n",
		},
		{"4719", &evtxtest.AuditPolicyChanged{
			Subject: account, Category: "%%8274", Subcategory: "%%13312", SubcategoryGUID: logonGUID,
			AuditPolicyChange: "%%8448",
		}, accountText + "CategoryId %%8274\nSubcategoryId %%13312\nSubcategoryGuid {94F748D5-5A64-5966-0000-0020E7030000}\n" +
			"AuditPolicyChanges %%8448\n"},
		{"1100", evtxtest.EventlogShutdown{}, ""},
		{"1101", &evtxtest.EventsDropped{Reason: 1}, "Reason 1\n"},
		{"1102", &evtxtest.SecurityLogCleared{Subject: account}, accountText},
	}
}

func systemTests() []sourceTest {
	return []sourceTest{
		{
			"104", &evtxtest.LogCleared{Subject: account, Channel: "System", BackupPath: `C:\b.evtx`},
			"SubjectUserName WEB01$\nSubjectDomainName HARBOR\nChannel System\nBackupPath C:\\b.evtx\n",
		},
		{
			"Kernel-General 1", &evtxtest.KernelTimeChanged{NewTime: evtxtest.FileTimeOf(at), OldTime: evtxtest.FileTimeOf(at.Add(-time.Second)), Reason: 1},
			"NewTime 2024-03-05T10:11:12.25Z\nOldTime 2024-03-05T10:11:11.25Z\nReason 1\n",
		},
		{
			"Kernel-General 12", &evtxtest.KernelStarted{Major: 10, Build: 17763, QFE: 5, StartTime: evtxtest.FileTimeOf(at)},
			"MajorVersion 10\nMinorVersion 0\nBuildVersion 17763\nQfeVersion 5\nServiceVersion 0\nBootMode 0\nStartTime 2024-03-05T10:11:12.25Z\n",
		},
		{"Kernel-General 13", &evtxtest.KernelStopped{StopTime: evtxtest.FileTimeOf(at)}, "StopTime 2024-03-05T10:11:12.25Z\n"},
		{
			"1074", &evtxtest.ShutdownAsked{Process: "wininit.exe", Computer: "WEB01", Kind: "restart", User: `CORP\admin`},
			"Data wininit.exe\nData WEB01\nData 0x0\nData restart\nData CORP\\admin\n",
		},
		{"6005", evtxtest.EventlogStarted{}, "Binary e8070300020005000a000b000c00fa000000000000000000\n"},
		{"6006", evtxtest.EventlogStopped{}, "Binary 0100000000000000\n"},
		{
			"6008", &evtxtest.UnexpectedShutdown{At: at, Uptime: 3600},
			"Data 10:11:12 AM\nData 3/5/2024\nData 3600\nBinary e8070300020005000a000b000c00fa00" +
				"e8070300020005000a000b000c00fa00" + "600900003c000000010000006009000000000000b00400000100000000000000\n",
		},
		{
			"6009", &evtxtest.WindowsVersion{Version: "10.00.", Build: "17763"},
			"Data 10.00.\nData 17763\nData Multiprocessor Free\nData 0\n",
		},
		{
			"7036", &evtxtest.ServiceState{DisplayName: "World Wide Web Publishing Service", Name: "W3SVC", Running: true},
			"param1 World Wide Web Publishing Service\nparam2 running\nBinary 570033005300560043002f0034000000\n",
		},
		{"1309", &evtxtest.ASPNetException{
			EventID: "0123456789abcdef0123456789abcdef", Sequence: 3, Occurrence: 1, AppDomain: "/LM/W3SVC/2/ROOT", VirtualPath: "/",
			AppPath: `C:\inetpub\shop\`, Machine: "WEB01", ProcessID: 4000, ProcessName: "w3wp.exe", Account: `IIS APPPOOL\Shop`,
			ExceptionType: "HttpException", ExceptionMessage: "bad", URL: "http://shop/x.aspx?a=1&b=2", Path: "/x.aspx",
			HostAddress: "203.0.113.9", ThreadID: 7, StackTrace: "at x",
		}, "Data 3005\nData An unhandled exception has occurred.\nData 3/5/2024 10:11:12 AM\nData 3/5/2024 10:11:12 AM\n" +
			"Data 0123456789abcdef0123456789abcdef\nData 3\nData 1\nData 0\nData /LM/W3SVC/2/ROOT\nData Full\nData /\n" +
			"Data C:\\inetpub\\shop\\\nData WEB01\nData 4000\nData w3wp.exe\nData IIS APPPOOL\\Shop\nData HttpException\nData bad\n" +
			"Data http://shop/x.aspx?a=1&b=2\nData /x.aspx\nData 203.0.113.9\nData False\nData IIS APPPOOL\\Shop\nData 7\n" +
			"Data IIS APPPOOL\\Shop\nData False\nData at x\n"},
	}
}

// allSources returns every event that the package has a constructor for.
func allSources() []sourceTest {
	return slices.Concat(sysmonTests(), sysmonNoiseTests(), securityTests(), systemTests())
}
