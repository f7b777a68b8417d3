package scan

import "webshellscan/rules"

// logSource is a log source of Sigma besides the creation of processes, and the
// events that it means (Sigma taxonomy appendix, "Log Sources"; the mapping of
// services to channels is that of SigmaHQ's own tools).
type logSource struct {
	rules.LogSource
	// providers wrote its events; ids are theirs, none if a rule says which.
	providers []string
	ids       []uint16
	// channel is where they are, for services whose events many providers write.
	channel string
}

const windowsProduct = "windows"

func category(name string, provider string, ids ...uint16) logSource {
	return logSource{LogSource: rules.LogSource{Category: name, Product: windowsProduct}, providers: []string{provider}, ids: ids}
}

func service(name string, providers ...string) logSource {
	return logSource{LogSource: rules.LogSource{Service: name, Product: windowsProduct}, providers: providers}
}

func channelOf(name, channel string) logSource {
	return logSource{LogSource: rules.LogSource{Service: name, Product: windowsProduct}, channel: channel}
}

const (
	providerPowerShell     = "Microsoft-Windows-PowerShell"
	providerPowerShellCore = "PowerShellCore"
	providerPowerShellOld  = "PowerShell"
)

// logSources are those that rules about events may name.
var logSources = []logSource{
	category("file_event", providerSysmon, 11),
	category("file_change", providerSysmon, 2),
	category("file_delete", providerSysmon, 23, 26),
	category("file_block_executable", providerSysmon, 27),
	category("file_block_shredding", providerSysmon, 28),
	category("file_executable_detected", providerSysmon, 29),
	category("create_stream_hash", providerSysmon, 15),
	category("network_connection", providerSysmon, 3),
	category("dns_query", providerSysmon, 22),
	category("image_load", providerSysmon, 7),
	category("driver_load", providerSysmon, 6),
	category("create_remote_thread", providerSysmon, 8),
	category("raw_access_thread", providerSysmon, 9),
	category("process_access", providerSysmon, 10),
	category("process_tampering", providerSysmon, 25),
	category("process_termination", providerSysmon, 5),
	category("registry_event", providerSysmon, 12, 13, 14),
	category("registry_set", providerSysmon, 13),
	category("registry_add", providerSysmon, 12),
	category("registry_delete", providerSysmon, 12),
	category("registry_rename", providerSysmon, 14),
	category("pipe_created", providerSysmon, 17, 18),
	category("wmi_event", providerSysmon, 19, 20, 21),
	category("clipboard_capture", providerSysmon, 24),
	category("sysmon_status", providerSysmon, 4, 16),
	category("sysmon_error", providerSysmon, 255),
	category("ps_module", providerPowerShell, 4103),
	category("ps_script", providerPowerShell, 4104),
	category("ps_classic_start", providerPowerShellOld, 400),
	category("ps_classic_provider_start", providerPowerShellOld, 600),
	category("ps_classic_script", providerPowerShellOld, 800),
	service("sysmon", providerSysmon),
	service("security", providerSecurity),
	service("powershell", providerPowerShell, providerPowerShellCore),
	service("powershell-classic", providerPowerShellOld),
	service("windefend", "Microsoft-Windows-Windows Defender"),
	service("taskscheduler", "Microsoft-Windows-TaskScheduler"),
	service("wmi", "Microsoft-Windows-WMI-Activity"),
	service("bits-client", "Microsoft-Windows-Bits-Client"),
	service("msexchange-management", "MSExchange CmdletLogs"),
	service("applocker", "Microsoft-Windows-AppLocker"),
	service("codeintegrity-operational", "Microsoft-Windows-CodeIntegrity"),
	service("iis-configuration", "Microsoft-Windows-IIS-Configuration"),
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
	service("terminalservices-localsessionmanager", "Microsoft-Windows-TerminalServices-LocalSessionManager"),
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
