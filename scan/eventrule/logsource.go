package eventrule

import (
	"webshellscan/rules"
	"webshellscan/scan/event"
)

// logSource is a log source of Sigma besides the creation of processes, and the
// events that it means (Sigma taxonomy appendix, "Log Sources"; the mapping of
// services to channels is that of SigmaHQ's own tools).
type logSource struct {
	rules.LogSource
	// providers wrote its events; ids are theirs, none if a rule says
	// which.
	providers []string
	ids       []uint16
	// channel is where they are, for services whose events many providers
	// write.
	channel string
	// names are what rules call fields of its events, folded, and what the
	// events themselves do, where Sigma has names of its own.
	names map[string]string
}

const windowsProduct = "windows"

func category(name string, provider string, ids ...uint16) logSource {
	return logSource{LogSource: rules.LogSource{Category: name, Product: windowsProduct}, providers: []string{provider}, ids: ids}
}

// powerShell returns a category of events that both editions of PowerShell
// write.
func powerShell(name string, id uint16) logSource {
	l := category(name, event.ProviderPowerShell, id)
	l.providers = append(l.providers, event.ProviderPowerShellCore)
	return l
}

// antivirus returns the category of what any antivirus product found: here
// Microsoft Defender.
func antivirus(ids ...uint16) logSource {
	l := category("antivirus", event.ProviderDefender, ids...)
	l.names = map[string]string{"signature": "Threat Name", "filename": "Path", "action": "Action Name"}
	return l
}

func service(name string, providers ...string) logSource {
	return logSource{LogSource: rules.LogSource{Service: name, Product: windowsProduct}, providers: providers}
}

func channelOf(name, channel string) logSource {
	return logSource{LogSource: rules.LogSource{Service: name, Product: windowsProduct}, channel: channel}
}

// logSources are those that rules about events may name.
var logSources = []logSource{
	category("file_event", event.ProviderSysmon, 11),
	category("file_change", event.ProviderSysmon, 2),
	category("file_delete", event.ProviderSysmon, 23, 26),
	category("file_block_executable", event.ProviderSysmon, 27),
	category("file_block_shredding", event.ProviderSysmon, 28),
	category("file_executable_detected", event.ProviderSysmon, 29),
	category("create_stream_hash", event.ProviderSysmon, 15),
	category("network_connection", event.ProviderSysmon, 3),
	category("dns_query", event.ProviderSysmon, 22),
	category("image_load", event.ProviderSysmon, 7),
	category("driver_load", event.ProviderSysmon, 6),
	category("create_remote_thread", event.ProviderSysmon, 8),
	category("raw_access_thread", event.ProviderSysmon, 9),
	category("process_access", event.ProviderSysmon, 10),
	category("process_tampering", event.ProviderSysmon, 25),
	category("process_termination", event.ProviderSysmon, 5),
	category("registry_event", event.ProviderSysmon, 12, 13, 14),
	category("registry_set", event.ProviderSysmon, 13),
	category("registry_add", event.ProviderSysmon, 12),
	category("registry_delete", event.ProviderSysmon, 12),
	category("registry_rename", event.ProviderSysmon, 14),
	category("pipe_created", event.ProviderSysmon, 17, 18),
	category("wmi_event", event.ProviderSysmon, 19, 20, 21),
	category("clipboard_capture", event.ProviderSysmon, 24),
	category("sysmon_status", event.ProviderSysmon, 4, 16),
	category("sysmon_error", event.ProviderSysmon, 255),
	powerShell("ps_module", 4103),
	powerShell("ps_script", 4104),
	category("ps_classic_start", event.ProviderPowerShellClassic, 400),
	category("ps_classic_provider_start", event.ProviderPowerShellClassic, 600),
	category("ps_classic_script", event.ProviderPowerShellClassic, 800),
	category("file_access", "Microsoft-Windows-Kernel-File", 12, 15),
	category("file_rename", "Microsoft-Windows-Kernel-File", 19, 27),
	antivirus(1006, 1007, 1015, 1116, 1117, 1118, 1119),
	service("sysmon", event.ProviderSysmon),
	service("security", event.ProviderSecurity),
	service("powershell", event.ProviderPowerShell, event.ProviderPowerShellCore),
	service("powershell-classic", event.ProviderPowerShellClassic),
	service("windefend", event.ProviderDefender),
	service("taskscheduler", event.ProviderTasks),
	service("wmi", event.ProviderWMI),
	service("bits-client", event.ProviderBITS),
	service("msexchange-management", event.ProviderExchange),
	service("applocker", event.ProviderAppLocker),
	service("codeintegrity-operational", "Microsoft-Windows-CodeIntegrity"),
	service("iis-configuration", event.ProviderIISConfig),
	service("ntlm", "Microsoft-Windows-NTLM"),
	service("dns-client", "Microsoft-Windows-DNS Client Events"),
	service("firewall-as", "Microsoft-Windows-Windows Firewall With Advanced Security"),
	service("security-mitigations", "Microsoft-Windows-Security-Mitigations"),
	service("driver-framework", "Microsoft-Windows-DriverFrameworks-UserMode"),
	service("shell-core", "Microsoft-Windows-Shell-Core"),
	service("capi2", "Microsoft-Windows-CAPI2"),
	service("diagnosis-scripted", "Microsoft-Windows-Diagnosis-Scripted"),
	service("ldap", "Microsoft-Windows-LDAP-Client"),
	service("lsa-server", "LsaSrv"),
	service("openssh", "OpenSSH"),
	service("appxdeployment-server", "Microsoft-Windows-AppXDeployment-Server"),
	service("appxpackaging-om", "Microsoft-Windows-AppxPackagingOM"),
	service("appmodel-runtime", "Microsoft-Windows-AppModel-Runtime"),
	service("terminalservices-localsessionmanager", event.ProviderLocalSessions),
	service("certificateservicesclient-lifecycle-system", "Microsoft-Windows-CertificateServicesClient-Lifecycle-System"),
	channelOf("system", "System"),
	channelOf("application", "Application"),
	channelOf("dns-server", "DNS Server"),
	channelOf("dns-server-analytic", "Microsoft-Windows-DNSServer/Analytical"),
	channelOf("printservice-admin", "Microsoft-Windows-PrintService/Admin"),
	channelOf("printservice-operational", "Microsoft-Windows-PrintService/Operational"),
	channelOf("smbclient-security", "Microsoft-Windows-SmbClient/Security"),
	channelOf("smbclient-connectivity", "Microsoft-Windows-SmbClient/Connectivity"),
	channelOf("smbserver-connectivity", "Microsoft-Windows-SMBServer/Connectivity"),
	channelOf("vhdmp", "Microsoft-Windows-VHDMP/Operational"),
	channelOf("hyper-v-worker", "Microsoft-Windows-Hyper-V-Worker"),
	channelOf("microsoft-servicebus-client", "Microsoft-ServiceBus-Client"),
}
