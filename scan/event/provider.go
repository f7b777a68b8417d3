package event

// Providers, as System/Provider names them, whose events several packages read.
const (
	ProviderSysmon   = "Microsoft-Windows-Sysmon"
	ProviderSecurity = "Microsoft-Windows-Security-Auditing"
	ProviderKernel   = "Microsoft-Windows-Kernel-General"
	ProviderEventLog = "EventLog" // of the service, in the log System

	ProviderPowerShell        = "Microsoft-Windows-PowerShell"
	ProviderPowerShellCore    = "PowerShellCore"
	ProviderPowerShellClassic = "PowerShell" // of the log Windows PowerShell

	ProviderServiceControl    = "Service Control Manager"
	ProviderDefender          = "Microsoft-Windows-Windows Defender"
	ProviderTasks             = "Microsoft-Windows-TaskScheduler"
	ProviderWMI               = "Microsoft-Windows-WMI-Activity"
	ProviderBITS              = "Microsoft-Windows-Bits-Client"
	ProviderAppLocker         = "Microsoft-Windows-AppLocker"
	ProviderASPNET4           = "ASP.NET 4.0.30319.0"
	ProviderASPNET2           = "ASP.NET 2.0.50727.0"
	ProviderDotNetRuntime     = ".NET Runtime"
	ProviderApplicationError  = "Application Error"
	ProviderErrorReporting    = "Windows Error Reporting"
	ProviderExchange          = "MSExchange CmdletLogs"
	ProviderIISConfig         = "Microsoft-Windows-IIS-Configuration"
	ProviderWAS               = "Microsoft-Windows-WAS"
	ProviderLocalSessions     = "Microsoft-Windows-TerminalServices-LocalSessionManager"
	ProviderRemoteConnections = "Microsoft-Windows-TerminalServices-RemoteConnectionManager"
)
