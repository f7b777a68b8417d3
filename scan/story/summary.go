package story

import (
	"fmt"
	"net"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// maxSummary bounds a summary, in bytes: long values are cut.
const maxSummary = 400

// summary returns a line that describes an event to people.
func summary(k *kind, r *Record) string {
	text := fmt.Sprintf("%s %d", r.Provider, r.ID)
	if say := summaries[k.category]; say != nil {
		if s := say(r); s != "" {
			text = s
		}
	}
	return clip(strings.Join(strings.Fields(text), " "), maxSummary)
}

// clip cuts a text to so many bytes, between characters.
func clip(text string, size int) string {
	if len(text) <= size {
		return text
	}
	end := size - len("…")
	for end > 0 && text[end]&0xC0 == 0x80 {
		end--
	}
	return text[:end] + "…"
}

// summaries return what happened in the events of each category, "" where there
// is nothing better than the event's number.
var summaries map[Category]func(r *Record) string

func init() {
	summaries = map[Category]func(r *Record) string{
		NetworkConnection: connection, DNSQuery: query, WMIEvent: wmi,
		FileEvent: on("wrote", "TargetFilename"), FileExecutable: on("wrote the program", "TargetFilename"),
		CreateStreamHash: on("wrote the stream", "TargetFilename"), FileDelete: on("deleted", "TargetFilename"),
		FileBlock: on("was kept from writing", "TargetFilename"), FileChange: backdated, FileAccess: access,
		ImageLoad: on("loaded", "ImageLoaded"), DriverLoad: on("driver loaded:", "ImageLoaded"),
		CreateRemoteThread: on("started a thread in", "TargetImage"), ProcessAccess: opened, RawAccessThread: on("read the raw device", "Device"),
		ProcessTampering: on("its image was tampered with:", "Type"), RegistryEvent: registry, PipeCreated: pipe,
		Logon: logon, Privilege: on("logged on with privileges", "PrivilegeList"), AccountEnumeration: enumeration, Account: accountChange,
		ServiceInstall: service, ScheduledTask: task, ShareAccess: share,
		PSClassicStart: classic, PSModule: module, PSScript: scriptBlock, PSStart: started,
		Antivirus: threat, AntivirusConfiguration: protection, BITSClient: transfer, AppLocker: policy,
		WebError: webFault, ApplicationCrash: crash, ExchangeCmdlet: cmdlet, WebConfiguration: webSetting,
	}
}

// on returns a function that returns a verb and the value of a field.
func on(verb, field string) func(r *Record) string {
	return func(r *Record) string {
		if v := r.first(field); v != "" {
			return verb + " " + v
		}
		return ""
	}
}

func connection(r *Record) string {
	if r.Provider == event.ProviderSecurity {
		return securityConnection(r)
	}
	if !outgoing(r) {
		return "accepted a connection from " + net.JoinHostPort(r.Get("SourceIp"), r.Get("SourcePort"))
	}
	text := "connected to " + net.JoinHostPort(r.Get("DestinationIp"), r.Get("DestinationPort"))
	if name := r.first("DestinationHostname"); name != "" {
		text += " (" + name + ")"
	}
	return text
}

// directionInbound is the value of 5156 and 5157 that stands for the text
// "Inbound" of the message table.
const directionInbound = "%%14592"

// outgoing reports whether the process of a connection began it.
func outgoing(r *Record) bool {
	if r.Provider == event.ProviderSecurity {
		return r.Get("Direction") != directionInbound
	}
	return !strings.EqualFold(r.Get("Initiated"), "false")
}

func securityConnection(r *Record) string {
	verb := "connected to"
	if r.ID == 5157 {
		verb = "was kept from connecting to"
	}
	if !outgoing(r) {
		verb = "accepted a connection from"
	}
	return fmt.Sprintf("%s %s", verb, net.JoinHostPort(r.Get("DestAddress"), r.Get("DestPort")))
}

func query(r *Record) string {
	text := "asked DNS for " + r.Get("QueryName")
	if result := r.first("QueryResults"); result != "" {
		text += ": " + strings.TrimSuffix(strings.ReplaceAll(result, "::ffff:", ""), ";")
	}
	return text
}

func backdated(r *Record) string {
	return fmt.Sprintf("set the creation time of %s from %s to %s", r.Get("TargetFilename"), r.Get("PreviousCreationUtcTime"), r.Get("CreationUtcTime"))
}

func access(r *Record) string {
	verb := "accessed"
	switch {
	case r.ID == 4656:
		verb = "asked for a handle of"
	case writes(r.ID, r.Get):
		verb = "wrote"
	}
	return verb + " " + r.Get("ObjectName")
}

func opened(r *Record) string {
	return fmt.Sprintf("opened %s with access %s", r.Get("TargetImage"), r.Get("GrantedAccess"))
}

func registry(r *Record) string {
	key := r.first("TargetObject", "ObjectName")
	if name := r.first("ObjectValueName"); name != "" {
		key += `\` + name
	}
	switch r.Get("EventType") {
	case "CreateKey":
		return "made the key " + key
	case "DeleteKey", "DeleteValue":
		return "deleted " + key
	case "RenameKey", "RenameValue":
		return "renamed " + key + " to " + r.Get("NewName")
	}
	text := "set " + key
	if v := r.first("Details", "NewValue"); v != "" {
		text += " to " + v
	}
	return text
}

func pipe(r *Record) string {
	if r.ID == 18 {
		return "connected to the pipe " + r.Get("PipeName")
	}
	return "made the pipe " + r.Get("PipeName")
}

func wmi(r *Record) string {
	switch {
	case r.ID == 5857:
		return "WMI loaded the provider " + r.first("ProviderPath", "ProviderName")
	case r.ID == 5858:
		return "WMI operation failed: " + r.Get("Operation")
	case r.ID == 5860:
		return "WMI query for events: " + r.first("Query", "NotificationQuery")
	case r.ID == 5861:
		return "WMI consumer bound: " + r.first("CONSUMER", "Consumer")
	}
	return fmt.Sprintf("WMI %s %s: %s", strings.ToLower(r.Get("Operation")), r.first("Name", "Consumer"), r.first("Query", "Destination", "Filter"))
}

// qualified returns a user with its domain.
func qualified(r *Record, domain, user string) string {
	name := r.first(user)
	if d := r.first(domain); d != "" && name != "" {
		return d + `\` + name
	}
	return name
}

func logon(r *Record) string {
	switch {
	case r.Provider == event.ProviderSecurity && r.ID == 4648:
		return fmt.Sprintf("used the credentials of %s for %s", qualified(r, "TargetDomainName", "TargetUserName"), r.first("TargetServerName", "TargetInfo"))
	case r.Provider == event.ProviderSecurity:
		verb := "logon"
		if r.ID == 4625 {
			verb = "failed logon"
		}
		text := fmt.Sprintf("%s of %s, type %s", verb, qualified(r, "TargetDomainName", "TargetUserName"), r.Get("LogonType"))
		if from := r.first("IpAddress", "WorkstationName"); from != "" {
			text += ", from " + from
		}
		return text
	case r.ID == 1149:
		return fmt.Sprintf("remote desktop: %s authenticated from %s", qualified(r, "Param2", "Param1"), r.Get("Param3"))
	}
	verb := map[uint16]string{21: "logon", 22: "shell started", 24: "disconnected", 25: "reconnected"}[r.ID]
	return fmt.Sprintf("remote desktop session: %s of %s from %s", verb, r.Get("User"), r.Get("Address"))
}

func enumeration(r *Record) string {
	if r.ID == 4799 {
		return "listed the members of the group " + r.Get("TargetUserName")
	}
	return "listed the groups of the account " + r.Get("TargetUserName")
}

func accountChange(r *Record) string {
	target := qualified(r, "TargetDomainName", "TargetUserName")
	switch r.ID {
	case 4720:
		return "made the account " + target
	case 4722:
		return "enabled the account " + target
	case 4724:
		return "reset the password of " + target
	case 4726:
		return "deleted the account " + target
	case 4738:
		return "changed the account " + target
	}
	member := r.first("MemberName", "MemberSid")
	return fmt.Sprintf("added %s to the group %s", member, target)
}

func service(r *Record) string {
	switch r.ID {
	case 7034:
		return "the service " + r.Get("param1") + " ended unexpectedly"
	case 7036:
		return fmt.Sprintf("the service %s entered the state %s", r.Get("param1"), r.Get("param2"))
	}
	return fmt.Sprintf("installed the service %s: %s", r.Get("ServiceName"), r.first("ServiceFileName", "ImagePath"))
}

func task(r *Record) string {
	name := r.Get("TaskName")
	if r.Provider == event.ProviderSecurity {
		verb := map[uint16]string{4698: "made", 4699: "deleted", 4700: "enabled", 4702: "changed"}[r.ID]
		text := verb + " the scheduled task " + name
		if command := taskCommand(r.first("TaskContent", "TaskContentNew")); command != "" {
			text += ": " + command
		}
		return text
	}
	switch r.ID {
	case 106:
		return "the scheduled task " + name + " was registered by " + r.Get("UserContext")
	case 140:
		return "the scheduled task " + name + " was changed by " + r.Get("UserName")
	case 141:
		return "the scheduled task " + name + " was deleted by " + r.Get("UserName")
	case 129:
		return fmt.Sprintf("the scheduled task %s started %s", name, r.Get("Path"))
	case 200:
		return fmt.Sprintf("the scheduled task %s began %s", name, r.Get("ActionName"))
	}
	return fmt.Sprintf("the scheduled task %s finished %s", name, r.Get("ActionName"))
}

// taskCommand returns what a task's definition runs: its first command with the
// arguments ([MS-TSCH] 2.5.9).
func taskCommand(content string) string {
	command := unescapeXML(between(content, "<Command>", "</Command>"))
	if arguments := unescapeXML(between(content, "<Arguments>", "</Arguments>")); arguments != "" {
		command += " " + arguments
	}
	return command
}

// between returns what stands between two marks, "" if they are not there.
func between(text, begin, end string) string {
	_, rest, ok := strings.Cut(text, begin)
	if !ok {
		return ""
	}
	inner, _, ok := strings.Cut(rest, end)
	if !ok {
		return ""
	}
	return strings.TrimSpace(inner)
}

var xmlEntities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

func unescapeXML(text string) string { return xmlEntities.Replace(text) }

func share(r *Record) string {
	text := "accessed the share " + r.Get("ShareName")
	if file := r.first("RelativeTargetName"); file != "" && file != `\` {
		text += `\` + file
	}
	return text + " from " + r.Get("IpAddress")
}

func classic(r *Record) string {
	verb := map[uint16]string{400: "PowerShell started", 403: "PowerShell ended", 600: "PowerShell provider started", 800: "PowerShell ran"}[r.ID]
	if r.ID == 800 {
		return verb + " " + r.Get(DataName(1))
	}
	return verb + ": " + hostApplication(r)
}

func module(r *Record) string { return "PowerShell ran " + r.Get("Payload") }

func scriptBlock(r *Record) string { return "PowerShell script block: " + r.Get("ScriptBlockText") }

func started(r *Record) string {
	if r.ID == 53504 {
		return "PowerShell started its channel"
	}
	return "PowerShell console started"
}

func threat(r *Record) string {
	text := "Defender: " + r.first("Threat Name", "Category Name") + " in " + strings.TrimPrefix(r.Get("Path"), "file:_")
	if process := r.first("Process Name"); process != "" && !strings.EqualFold(process, "Unknown") {
		text += ", by " + proctree.BaseName(process)
	}
	if action := r.first("Action Name"); action != "" && action != "Not Applicable" {
		text += ": " + action
	}
	return text
}

func protection(r *Record) string {
	switch r.ID {
	case 5001:
		return "Defender's real-time protection was turned off"
	case 5010, 5012:
		return "Defender's scanning was turned off"
	case 5013:
		return "Defender's tamper protection blocked a change: " + r.first("Value", "New Value")
	}
	return "Defender's settings were changed: " + r.first("New Value", "Old Value")
}

func transfer(r *Record) string {
	switch r.ID {
	case 3:
		return "made the BITS job " + r.first("jobTitle", "jobId")
	case 61:
		return "the BITS job " + r.Get("name") + " stopped: " + r.Get("url")
	}
	return "the BITS job " + r.Get("name") + " transferred " + r.Get("url")
}

func policy(r *Record) string {
	verb := map[uint16]string{8002: "allowed", 8003: "would have blocked", 8004: "blocked", 8005: "allowed", 8006: "would have blocked", 8007: "blocked"}[r.ID]
	return "AppLocker " + verb + " " + r.first("FullFilePath", "FilePath")
}

func webFault(r *Record) string {
	switch r.ID {
	case 1316:
		return fmt.Sprintf("ASP.NET: %s %s, from %s", r.Get(DataName(2)), r.Get(DataName(18)), r.Get(DataName(20)))
	case 1309, 1310, 1325:
		return fmt.Sprintf("ASP.NET: %s: %s %s, from %s", r.Get(DataName(18)), r.Get(DataName(19)), r.Get(DataName(20)), r.Get(DataName(22)))
	}
	return ""
}

func crash(r *Record) string {
	switch {
	case r.Provider == event.ProviderApplicationError:
		return fmt.Sprintf("%s crashed in %s, exception %s", r.first("AppName", DataName(1)), r.first("ModuleName", DataName(4)), r.first("ExceptionCode", DataName(7)))
	case r.Provider == event.ProviderWAS:
		return "a worker of the pool " + r.first("AppPoolID", "AppPoolId", DataName(1)) + " failed"
	}
	return r.Provider + ": " + r.Get(DataName(1))
}

func cmdlet(r *Record) string {
	return "Exchange cmdlet " + r.Get(DataName(1)) + " " + r.Get(DataName(2))
}

func webSetting(r *Record) string {
	return fmt.Sprintf("IIS configuration: %s %s %s", r.first("EditOperationType"), r.first("ConfigPath", "Configuration"), r.first("PhysicalPath", "NewValue"))
}
