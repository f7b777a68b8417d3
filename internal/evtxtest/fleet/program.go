package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Program is an image file with what Sysmon logs of it.
type Program struct {
	key, image                              string
	description, product, company, original string
	version, hashes                         string
	devicePath                              string // made when first asked for
	console                                 bool   // gets a conhost.exe if started without a console
	webServer                               bool
}

// Base returns the file name.
func (p *Program) Base() string { return p.image[strings.LastIndexByte(p.image, '\\')+1:] }

// directory returns the folder of the image with a backslash at its end.
func (p *Program) directory() string { return p.image[:strings.LastIndexByte(p.image, '\\')+1] }

const (
	system32  = `C:\Windows\System32\`
	microsoft = "Microsoft Corporation"
	windows   = "Microsoft® Windows® Operating System"
)

// entry is a program of the catalog. A program without company is Microsoft's;
// without a path it lies in System32.
type entry struct {
	key, image, description, original, product, company, version string
	console, webServer                                           bool
}

// catalog is every program that hosts start. It is a table: parts of Windows
// first, then products with real names that the web server lists of scanners
// know, then invented ones.
var catalog = []entry{
	{key: "smss", image: "smss.exe", description: "Windows Session Manager", original: "smss.exe"},
	{key: "csrss", image: "csrss.exe", description: "Client Server Runtime Process", original: "CSRSS.Exe"},
	{key: "wininit", image: "wininit.exe", description: "Windows Start-Up Application", original: "WinInit.exe"},
	{key: "winlogon", image: "winlogon.exe", description: "Windows Logon Application", original: "WINLOGON.EXE"},
	{key: "services", image: "services.exe", description: "Services and Controller app", original: "services.exe"},
	{key: "lsass", image: "lsass.exe", description: "Local Security Authority Process", original: "lsass.exe"},
	{key: "svchost", image: "svchost.exe", description: "Host Process for Windows Services", original: "svchost.exe"},
	{key: "spoolsv", image: "spoolsv.exe", description: "Spooler SubSystem App", original: "spoolsv.exe"},
	{key: "dns", image: "dns.exe", description: "Domain Name System (DNS) Server", original: "dns.exe"},
	{key: "ntfrs", image: "dfsrs.exe", description: "Distributed File System Replication", original: "dfsrs.exe"},
	{key: "msdtc", image: "msdtc.exe", description: "Microsoft Distributed Transaction Coordinator Service", original: "MSDTC.EXE"},
	{key: "wmiprvse", image: `wbem\WmiPrvSE.exe`, description: "WMI Provider Host", original: "Wmiprvse.exe"},
	{key: "taskhostw", image: "taskhostw.exe", description: "Host Process for Windows Tasks", original: "taskhostw.exe"},
	{key: "dllhost", image: "dllhost.exe", description: "COM Surrogate", original: "dllhost.exe"},
	{key: "backgroundtaskhost", image: "backgroundTaskHost.exe", description: "Background Task Host", original: "backgroundTaskHost.exe"},
	{key: "runtimebroker", image: "RuntimeBroker.exe", description: "Runtime Broker", original: "RuntimeBroker.exe"},
	{
		key: "searchprotocol", image: "SearchProtocolHost.exe", description: "Microsoft Windows Search Protocol Host",
		original: "SearchProtocolHost.exe",
	},
	{
		key: "trustedinstaller", image: `C:\Windows\servicing\TrustedInstaller.exe`, description: "Windows Modules Installer",
		original: "TrustedInstaller.exe",
	},
	{
		key: "tiworker", image: `C:\Windows\WinSxS\amd64_microsoft-windows-servicingstack\TiWorker.exe`, description: "Windows Modules Installer Worker",
		original: "TiWorker.exe",
	},
	{key: "msiexec", image: "msiexec.exe", description: "Windows® installer", original: "msiexec.exe"},
	{
		key: "mpcmdrun", image: `C:\Program Files\Windows Defender\MpCmdRun.exe`, description: "Microsoft Malware Protection Command Line Utility",
		original: "MpCmdRun.exe", console: true,
	},
	{key: "userinit", image: "userinit.exe", description: "Userinit Logon Application", original: "USERINIT.EXE"},
	{key: "explorer", image: `C:\Windows\explorer.exe`, description: "Windows Explorer", original: "EXPLORER.EXE"},
	{key: "mmc", image: "mmc.exe", description: "Microsoft Management Console", original: "mmc.exe"},
	{key: "notepad", image: "notepad.exe", description: "Notepad", original: "NOTEPAD.EXE"},
	{key: "conhost", image: "conhost.exe", description: "Console Window Host", original: "CONHOST.EXE"},
	{key: "cmd", image: "cmd.exe", description: "Windows Command Processor", original: "Cmd.Exe", console: true},
	{
		key: "powershell", image: `WindowsPowerShell\v1.0\powershell.exe`, description: "Windows PowerShell",
		original: "PowerShell.EXE", console: true,
	},
	{key: "whoami", image: "whoami.exe", description: "whoami - displays logged on user information", original: "whoami.exe", console: true},
	{key: "net", image: "net.exe", description: "Net Command", original: "net.exe", console: true},
	{key: "net1", image: "net1.exe", description: "Net Command", original: "net1.exe", console: true},
	{key: "ipconfig", image: "ipconfig.exe", description: "IP Configuration Utility", original: "ipconfig.exe", console: true},
	{key: "hostname", image: "HOSTNAME.EXE", description: "Hostname APP", original: "hostname.exe", console: true},
	{key: "systeminfo", image: "systeminfo.exe", description: "Displays system information", original: "sysinfo.exe", console: true},
	{key: "tasklist", image: "tasklist.exe", description: "Lists the current running tasks", original: "tasklist.exe", console: true},
	{key: "netstat", image: "NETSTAT.EXE", description: "TCP/IP Netstat Command", original: "netstat.exe", console: true},
	{key: "nltest", image: "nltest.exe", description: "Microsoft® Logon Server Test Utility", original: "nltestrk.exe", console: true},
	{key: "nslookup", image: "nslookup.exe", description: "nslookup", original: "nslookup.exe", console: true},
	{key: "ping", image: "PING.EXE", description: "TCP/IP Ping Command", original: "ping.exe", console: true},
	{key: "certutil", image: "certutil.exe", description: "CertUtil.exe", original: "CertUtil.exe", console: true},
	{
		key: "curl", image: "curl.exe", description: "The curl executable",
		original: "curl.exe", product: "The curl executable", company: "curl, https://curl.se/", version: "7.55.1", console: true,
	},
	{key: "reg", image: "reg.exe", description: "Registry Console Tool", original: "reg.exe", console: true},
	{key: "sc", image: "sc.exe", description: "Service Control Manager Configuration Tool", original: "sc.exe", console: true},
	{key: "schtasks", image: "schtasks.exe", description: "Task Scheduler Configuration Tool", original: "schtasks.exe", console: true},
	{key: "findstr", image: "findstr.exe", description: "Find String (QGREP) Utility", original: "FINDSTR.EXE", console: true},
	{key: "mode", image: "mode.com", description: "DOS Device MODE Utility", original: "MODE.COM", console: true},
	{key: "robocopy", image: "Robocopy.exe", description: "Microsoft Robocopy", original: "robocopy.exe", console: true},
	{
		key: "vssadmin", image: "vssadmin.exe", description: "Command Line Interface for Microsoft® Volume Shadow Copy Service",
		original: "VSSADMIN.EXE", console: true,
	},
	{key: "makecab", image: "makecab.exe", description: "Microsoft® Cabinet Maker", original: "makecab.exe", console: true},
	{key: "wevtutil", image: "wevtutil.exe", description: "Eventing Command Line Utility", original: "wevtutil.exe", console: true},
	{key: "gpupdate", image: "gpupdate.exe", description: "Microsoft® Group Policy Update Utility", original: "GPUpdate.exe", console: true},
	{
		key: "dsquery", image: "dsquery.exe", description: "Microsoft AD DS/LDS query command line utility",
		original: "dsquery.exe", console: true,
	},

	{
		key: "w3wp", image: `inetsrv\w3wp.exe`, description: "IIS Worker Process",
		original: "w3wp.exe", product: "Internet Information Services", webServer: true,
	},
	{
		key: "csc", image: `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe`, description: "Visual C# Command Line Compiler",
		original: "csc.exe", product: "Microsoft® .NET Framework", version: "4.7.3190.0", console: true,
	},
	{
		key: "cvtres", image: `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\cvtres.exe`, description: "Microsoft® Resource File To COFF Object Conversion Utility",
		original: "CVTRES.EXE", product: "Microsoft® Visual Studio® 2015", version: "14.00.23026.0", console: true,
	},
	{
		key: "tomcat9", image: `C:\Program Files\Apache Software Foundation\Tomcat 9.0\bin\Tomcat9.exe`, description: "Commons Daemon Service Runner",
		original: "prunsrv.exe", product: "Apache Commons Daemon", company: "Apache Software Foundation", version: "1.3.3.0", webServer: true,
	},
	{
		key: "httpd", image: `C:\Apache24\bin\httpd.exe`, description: "Apache HTTP Server",
		original: "httpd.exe", product: "Apache HTTP Server", company: "Apache Software Foundation", version: "2.4.54", webServer: true,
	},
	{
		key: "php-cgi", image: `C:\php\php-cgi.exe`, description: "CGI / FastCGI",
		original: "php-cgi.exe", product: "PHP", company: "The PHP Group", version: "8.1.12", webServer: true,
	},
	{
		key: "wkhtmltopdf", image: `C:\Program Files\wkhtmltopdf\bin\wkhtmltopdf.exe`, description: "-",
		original: "-", product: "-", company: "-", version: "-", console: true,
	},
	{
		key: "git", image: `C:\Program Files\Git\cmd\git.exe`, description: "Git for Windows",
		original: "git.exe", product: "Git", company: "The Git Development Community", version: "2.38.1.1", console: true,
	},
	{
		key: "exchangetransport", image: `C:\Program Files\Microsoft\Exchange Server\V15\Bin\EdgeTransport.exe`, description: "Microsoft Exchange Transport",
		original: "EdgeTransport.exe", product: "Microsoft® Exchange", version: "15.02.0986.005",
	},
	{
		key: "exchangestore", image: `C:\Program Files\Microsoft\Exchange Server\V15\Bin\Microsoft.Exchange.Store.Worker.exe`, description: "Microsoft Exchange Store Worker",
		original: "Microsoft.Exchange.Store.Worker.exe", product: "Microsoft® Exchange", version: "15.02.0986.005",
	},
	{
		key: "chrome", image: `C:\Program Files\Google\Chrome\Application\chrome.exe`, description: "Google Chrome",
		original: "chrome.exe", product: "Google Chrome", company: "Google LLC", version: "120.0.6099.109",
	},
	{
		key: "googleupdate", image: `C:\Program Files (x86)\Google\Update\GoogleUpdate.exe`, description: "Google Installer",
		original: "GoogleUpdate.exe", product: "Google Update", company: "Google LLC", version: "1.3.36.312",
	},
	{
		key: "outlook", image: `C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE`, description: "Microsoft Outlook",
		original: "Outlook.exe", product: "Microsoft Outlook", version: "16.0.17126.20126",
	},
	{
		key: "winword", image: `C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE`, description: "Microsoft Word",
		original: "WinWord.exe", product: "Microsoft Office", version: "16.0.17126.20126",
	},
	{
		key: "code", image: `C:\Program Files\Microsoft VS Code\Code.exe`, description: "Visual Studio Code",
		original: "electron.exe", product: "Visual Studio Code", version: "1.85.1",
	},
	{
		key: "node", image: `C:\Program Files\nodejs\node.exe`, description: "Node.js JavaScript Runtime",
		original: "node.exe", product: "Node.js", company: "Node.js", version: "20.10.0", console: true,
	},

	{
		key: "sysmon", image: `C:\Windows\Sysmon64.exe`, description: "System activity monitor",
		original: "-", product: "Sysinternals Sysmon", company: "Sysinternals - www.sysinternals.com",
	},
	{
		key: "lantern", image: `C:\Program Files\Lantern\lanternd.exe`, description: "Lantern Monitoring Agent",
		original: "lanternd.exe", product: "Lantern", company: "Quayside Software", version: "4.2.1",
	},
	{
		key: "tidecopy", image: `C:\Program Files\TideCopy\tidecopy.exe`, description: "TideCopy Backup Client",
		original: "tidecopy.exe", product: "TideCopy", company: "Quayside Software", version: "11.0.3", console: true,
	},
	{
		key: "harbormaster", image: `C:\ops\HarborMaster\hm.exe`, description: "HarborMaster Deployment",
		original: "hm.exe", product: "HarborMaster", company: "Harbor Example", version: "2.7",
	},
	{key: "hb", image: `C:\Windows\Temp\hb.exe`, description: "-", original: "-", product: "-", company: "-", version: "-", console: true},
	{key: "upd", image: `C:\ProgramData\upd.exe`, description: "-", original: "-", product: "-", company: "-", version: "-"},
}

// program returns a program as it is installed on this host: parts of Windows
// have the version of its build, and every version has hashes of its own.
func (h *Host) program(key string) *Program {
	if p, ok := h.programs[key]; ok {
		return p
	}
	for i := range catalog {
		if catalog[i].key == key {
			p := h.install(&catalog[i])
			h.programs[key] = p
			return p
		}
	}
	panic("fleet: no program " + key) // a mistake in a table of this package
}

func (h *Host) install(e *entry) *Program {
	p := &Program{
		key: e.key, image: e.image, description: e.description, product: e.product, company: e.company,
		original: e.original, version: e.version, console: e.console, webServer: e.webServer,
	}
	if !strings.Contains(p.image, ":") {
		p.image = system32 + p.image
	}
	if p.company == "" {
		p.company = microsoft
	}
	if p.product == "" {
		p.product = windows
	}
	if p.key == "sysmon" {
		p.version, _ = sysmonVersion(h.options.Sysmon)
	}
	if p.version == "" {
		p.version = fmt.Sprintf("%s (WinBuild.160101.0800)", h.fileVersion())
	}
	p.hashes = hashes(e.key + p.version)
	return p
}

// fileVersion returns the version of the files of Windows.
func (h *Host) fileVersion() string {
	if h.major() < 10 {
		return fmt.Sprintf("%d.%d.%d.16384", h.major(), h.minor(), h.options.Build)
	}
	return fmt.Sprintf("10.0.%d.1", h.options.Build)
}

// hashes returns a Hashes field. The numbers are hashes of a name, not of a
// file.
func hashes(of string) string {
	a := sha256.Sum256([]byte(of))
	b := sha256.Sum256(a[:])
	text := func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
	return "SHA1=" + text(b[:20]) + ",MD5=" + text(a[:16]) + ",SHA256=" + text(a[:]) + ",IMPHASH=" + text(b[16:32])
}
