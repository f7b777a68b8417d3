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
)
