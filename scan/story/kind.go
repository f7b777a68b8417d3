package story

import (
	"webshellscan/scan/event"
)

// Category is what an event is about, by Sigma's name for it where Sigma has
// one.
type Category string

// The categories.
const (
	NetworkConnection      Category = "network_connection"
	DNSQuery               Category = "dns_query"
	FileEvent              Category = "file_event"
	FileExecutable         Category = "file_executable_detected"
	CreateStreamHash       Category = "create_stream_hash"
	FileDelete             Category = "file_delete"
	FileChange             Category = "file_change"
	FileBlock              Category = "file_block"
	FileAccess             Category = "file_access"
	ImageLoad              Category = "image_load"
	DriverLoad             Category = "driver_load"
	CreateRemoteThread     Category = "create_remote_thread"
	RawAccessThread        Category = "raw_access_thread"
	ProcessAccess          Category = "process_access"
	ProcessTampering       Category = "process_tampering"
	RegistryEvent          Category = "registry_event"
	PipeCreated            Category = "pipe_created"
	WMIEvent               Category = "wmi_event"
	Logon                  Category = "logon"
	Privilege              Category = "privilege"
	AccountEnumeration     Category = "account_enumeration"
	Account                Category = "account"
	ServiceInstall         Category = "service_install"
	ScheduledTask          Category = "scheduled_task"
	ShareAccess            Category = "share_access"
	PSClassicStart         Category = "ps_classic_start"
	PSModule               Category = "ps_module"
	PSScript               Category = "ps_script"
	PSStart                Category = "ps_start"
	Antivirus              Category = "antivirus"
	AntivirusConfiguration Category = "antivirus_configuration"
	BITSClient             Category = "bits_client"
	AppLocker              Category = "applocker"
	WebError               Category = "web_error"
	ApplicationCrash       Category = "application_crash"
	ExchangeCmdlet         Category = "exchange_cmdlet"
	WebConfiguration       Category = "web_configuration"
)

// WritesContent reports whether events of a category may say that the content
// of a file was written.
func (c Category) WritesContent() bool {
	return c == FileEvent || c == FileExecutable || c == FileAccess
}

// thing is something that a process makes and other events name.
type thing uint8

const (
	thingService thing = iota + 1
	thingTask
	thingJob      // of BITS, by its GUID
	thingConsumer // of WMI
	thingAccount
	thingCrash // by the identifier of its report
)

// thingField is a field that names a thing.
type thingField struct {
	thing thing
	field string
}

// kind is one kind of event and what of it names a process. Names of fields are
// those of the providers' manifests, and for unnamed values those of DataName.
type kind struct {
	category Category
	// guid is the field with the process's Sysmon GUID.
	guid string
	// pid is the field with its process ID, writer says that it is the
	// process that wrote the event, and image is the field with its image.
	pid    string
	writer bool
	image  string
	// logon is the field with the subject's logon ID.
	logon string
	// users are fields with the name or SID of whom it ran as, userID says
	// that System/Security/@UserID is.
	users  []string
	userID bool
	// paths are fields that name files, by themselves or within a text.
	paths []string
	// makes are the things that the event's process made, names those that
	// it names.
	makes, names []thingField
	// command says that the event holds the command line of its process.
	command bool
	// from is the field with the address that another host came from.
	from string
	// own says that the event is kept of the web server process itself,
	// although no rule asks for it.
	own bool
}

// later reports whether an event of the kind may be tied by what is known of
// its own host only when all is read.
func (k *kind) later() bool { return len(k.paths)+len(k.names) > 0 || k.command }

// sysmon returns a kind of Sysmon event, which names its process by GUID, ID
// and image, and whom it runs as.
func sysmon(category Category) kind {
	return kind{category: category, guid: "ProcessGuid", pid: "ProcessId", image: "Image", users: []string{"User"}}
}

// ofSource returns a kind of Sysmon event that one process does to another.
func ofSource(category Category, guid string) kind {
	return kind{category: category, guid: guid, pid: "SourceProcessId", image: "SourceImage"}
}

// security returns a kind of event of the Security log, whose subject is the
// one who did it.
func security(category Category) kind {
	return kind{category: category, logon: "SubjectLogonId", users: []string{"SubjectUserSid"}}
}

// caller returns a kind of event of the Security log that names the process
// too.
func caller(category Category, pid, image string) kind {
	k := security(category)
	k.pid, k.image = pid, image
	return k
}

// with returns k after change.
func (k kind) with(change func(*kind)) kind {
	change(&k)
	return k
}

func ids(list ...uint16) []uint16 { return list }

// kinds lists the events that a story is made of, and what ties them. Sources:
// Sysinternals, "Sysmon", for its events; Microsoft's descriptions of the
// events of the Security log; the manifests of the other providers.
var kinds = []struct {
	provider string
	ids      []uint16
	kind     kind
}{
	{event.ProviderSysmon, ids(3), sysmon(NetworkConnection)},
	{event.ProviderSysmon, ids(22), sysmon(DNSQuery)},
	{event.ProviderSysmon, ids(11), sysmon(FileEvent)},
	{event.ProviderSysmon, ids(15), sysmon(CreateStreamHash)},
	{event.ProviderSysmon, ids(29), sysmon(FileExecutable)},
	{event.ProviderSysmon, ids(23, 26), sysmon(FileDelete)},
	{event.ProviderSysmon, ids(2), sysmon(FileChange)},
	{event.ProviderSysmon, ids(27, 28), sysmon(FileBlock)},
	{event.ProviderSysmon, ids(7), sysmon(ImageLoad)},
	{event.ProviderSysmon, ids(6), kind{category: DriverLoad, paths: []string{"ImageLoaded"}}},
	{event.ProviderSysmon, ids(8), ofSource(CreateRemoteThread, "SourceProcessGuid")},
	{event.ProviderSysmon, ids(10), ofSource(ProcessAccess, "SourceProcessGUID")},
	{event.ProviderSysmon, ids(9), sysmon(RawAccessThread)},
	{event.ProviderSysmon, ids(12, 13, 14), sysmon(RegistryEvent)},
	{event.ProviderSysmon, ids(17, 18), sysmon(PipeCreated)},
	{event.ProviderSysmon, ids(19, 20, 21), kind{category: WMIEvent, users: []string{"User"}, paths: []string{"Destination", "Consumer"}, makes: []thingField{{thingConsumer, "Name"}}}},
	{event.ProviderSysmon, ids(25), sysmon(ProcessTampering)},

	{event.ProviderSecurity, ids(4624, 4625), caller(Logon, "ProcessId", "ProcessName").with(func(k *kind) { k.from = "IpAddress" })},
	{event.ProviderSecurity, ids(4648), caller(Logon, "ProcessId", "ProcessName")},
	{event.ProviderSecurity, ids(4672), security(Privilege)},
	{event.ProviderSecurity, ids(4798, 4799), caller(AccountEnumeration, "CallerProcessId", "CallerProcessName")},
	{event.ProviderSecurity, ids(4697), caller(ServiceInstall, "ClientProcessId", "").with(func(k *kind) {
		k.paths, k.makes = []string{"ServiceFileName"}, []thingField{{thingService, "ServiceName"}}
	})},
	{event.ProviderSecurity, ids(4698, 4700, 4702), caller(ScheduledTask, "ClientProcessId", "").with(func(k *kind) {
		k.paths, k.makes, k.names = []string{"TaskContent", "TaskContentNew"}, []thingField{{thingTask, "TaskName"}}, []thingField{{thingTask, "TaskName"}}
	})},
	{event.ProviderSecurity, ids(4699), caller(ScheduledTask, "ClientProcessId", "").with(func(k *kind) { k.names = []thingField{{thingTask, "TaskName"}} })},
	{event.ProviderSecurity, ids(4720), security(Account).with(func(k *kind) { k.makes = []thingField{{thingAccount, "TargetUserName"}} })},
	{event.ProviderSecurity, ids(4722, 4724, 4726, 4728, 4732, 4738, 4756), security(Account)},
	{event.ProviderSecurity, ids(4656, 4663), caller(FileAccess, "ProcessId", "ProcessName")},
	{event.ProviderSecurity, ids(4657), caller(RegistryEvent, "ProcessId", "ProcessName")},
	{event.ProviderSecurity, ids(5140, 5145), security(ShareAccess).with(func(k *kind) { k.from = "IpAddress" })},
	{event.ProviderSecurity, ids(5156, 5157), kind{category: NetworkConnection, pid: "ProcessID", image: "Application"}},

	{event.ProviderServiceControl, ids(7045), kind{category: ServiceInstall, userID: true, paths: []string{"ImagePath"}, makes: []thingField{{thingService, "ServiceName"}}, names: []thingField{{thingService, "ServiceName"}}}},
	{event.ProviderServiceControl, ids(7034, 7036), kind{category: ServiceInstall, names: []thingField{{thingService, "param1"}}}},

	{event.ProviderPowerShellClassic, ids(400, 403, 600, 800), kind{category: PSClassicStart, command: true}},
	{event.ProviderPowerShell, ids(4103), kind{category: PSModule, writer: true, userID: true}},
	{event.ProviderPowerShell, ids(4104), kind{category: PSScript, writer: true, userID: true}},
	{event.ProviderPowerShell, ids(40961, 40962, 53504), kind{category: PSStart, writer: true, userID: true}},
	{event.ProviderPowerShellCore, ids(4103), kind{category: PSModule, writer: true, userID: true}},
	{event.ProviderPowerShellCore, ids(4104), kind{category: PSScript, writer: true, userID: true}},
	{event.ProviderPowerShellCore, ids(40961, 40962, 53504), kind{category: PSStart, writer: true, userID: true}},

	{event.ProviderDefender, ids(1006, 1007, 1015, 1116, 1117, 1118, 1119), kind{
		category: Antivirus, pid: "Process ID", image: "Process Name", paths: []string{"Path"},
	}},
	{event.ProviderDefender, ids(5001, 5007, 5010, 5012, 5013), kind{category: AntivirusConfiguration, paths: []string{"New Value", "Old Value"}}},

	{event.ProviderTasks, ids(106, 140, 141, 200, 201), kind{
		category: ScheduledTask, users: []string{"UserContext", "UserName"}, paths: []string{"ActionName"}, names: []thingField{{thingTask, "TaskName"}},
	}},
	{event.ProviderTasks, ids(129), kind{category: ScheduledTask, paths: []string{"Path"}, names: []thingField{{thingTask, "TaskName"}}}},

	{event.ProviderWMI, ids(5857), kind{category: WMIEvent, paths: []string{"ProviderPath"}}},
	{event.ProviderWMI, ids(5858), kind{category: WMIEvent, pid: "ClientProcessId", users: []string{"User"}}},
	{event.ProviderWMI, ids(5860), kind{category: WMIEvent, pid: "Processid", users: []string{"User"}}},
	{event.ProviderWMI, ids(5861), kind{category: WMIEvent, paths: []string{"PossibleCause"}, makes: []thingField{{thingConsumer, "CONSUMER"}}}},

	{event.ProviderBITS, ids(3), kind{
		category: BITSClient, pid: "processId", image: "processPath", users: []string{"jobOwner"}, makes: []thingField{{thingJob, "jobId"}},
	}},
	{event.ProviderBITS, ids(59, 60, 61), kind{category: BITSClient, names: []thingField{{thingJob, "Id"}}}},

	{event.ProviderAppLocker, ids(8002, 8003, 8004, 8005, 8006, 8007), kind{
		category: AppLocker, pid: "TargetProcessId", users: []string{"TargetUser"}, paths: []string{"FullFilePath"},
	}},

	{event.ProviderASPNET4, ids(1309, 1310, 1316, 1325), webError},
	{event.ProviderASPNET2, ids(1309, 1310, 1316, 1325), webError},
	{event.ProviderApplicationError, ids(1000), kind{
		category: ApplicationCrash, pid: "ProcessId", image: "AppPath", own: true, makes: []thingField{{thingCrash, DataName(13)}, {thingCrash, "IntegratorReportId"}},
	}},
	{event.ProviderDotNetRuntime, ids(1026), kind{category: ApplicationCrash, writer: true, own: true}},
	{event.ProviderErrorReporting, ids(1001), kind{category: ApplicationCrash, names: []thingField{{thingCrash, DataName(20)}, {thingCrash, "ReportId"}}, own: true}},
	{event.ProviderWAS, ids(5002, 5009, 5010, 5011, 5012, 5013, 5021, 5057, 5074, 5077, 5078, 5079, 5080, 5117, 5186), kind{
		category: ApplicationCrash, pid: "ProcessID", own: true,
	}},

	{event.ProviderExchange, ids(1, 6), kind{category: ExchangeCmdlet, pid: exchangeProcess}},
	{event.ProviderIISConfig, ids(29, 50), kind{category: WebConfiguration, writer: true, userID: true, paths: []string{"PhysicalPath"}}},

	{event.ProviderLocalSessions, ids(21, 22, 24, 25), kind{category: Logon, users: []string{"User"}, from: "Address"}},
	{event.ProviderRemoteConnections, ids(1149), kind{category: Logon, users: []string{"Param1"}, from: "Param3"}},
}

// webError is an event of ASP.NET's health monitoring. Its values have no
// names: the 15th is the process ID, the 16th the image's name, the 17th the
// account (Microsoft, "ASP.NET Health Monitoring", event log provider).
var webError = kind{category: WebError, pid: DataName(15), image: DataName(16), users: []string{DataName(17)}}

// exchangeProcess stands for the value "8372 w3wp#MSExchangePowerShellAppPool"
// of Exchange's cmdlet log, whose place depends on the event.
const exchangeProcess = "process#pool"

// Keys returns the kinds of event that a story is made of.
func Keys() []event.Key {
	var keys []event.Key
	for _, k := range kinds {
		for _, id := range k.ids {
			keys = append(keys, event.Key{Provider: k.provider, ID: id})
		}
	}
	return keys
}
