package fleet

import (
	"fmt"
	"time"

	"webshellscan/internal/evtxtest"
)

// startRoles starts what the host's roles need and sets their business going.
func (h *Host) startRoles() {
	h.backgroundBusiness()
	h.startVisits()
	for _, r := range h.options.Roles {
		switch r {
		case RoleIIS:
			h.startIIS("CustomerPortal", "Intranet")
		case RoleTomcat:
			h.startTomcat()
		case RoleApache:
			h.startApache()
		case RoleExchange:
			h.startExchange()
		case RoleDC:
			h.startDC()
		case RoleWorkstation:
			h.startWorkstation()
		case RoleServer:
			h.startServer()
		}
	}
}

// startIIS starts the web server service and a worker for each pool. Workers
// are recycled, pages of the first pool compiled now and then.
func (h *Host) startIIS(pools ...string) {
	h.svchost("W3SVC", "World Wide Web Publishing Service", "iissvcs", sessionSystem)
	for _, pool := range pools {
		h.Worker(pool)
		h.every(5*time.Hour, func() { h.recycle(pool) })
	}
	h.every(35*time.Minute, func() { h.compilePage(h.Worker(pools[0])) })
	h.every(3*time.Minute, func() { h.imageLoad(h.Worker(pick(h, pools)), pick(h, webLibraries)) })
	h.every(4*time.Minute, func() {
		h.connect(h.Worker(pick(h, pools)), Connection{"10.20.30.40", "SQL01.harbor.example", 1433})
	})
}

var webLibraries = []string{`inetsrv\iiscore.dll`, `inetsrv\cachuri.dll`, "webio.dll", "rasapi32.dll", "winhttp.dll"}

// Worker returns the worker process of an application pool, started if it is
// not running.
func (h *Host) Worker(pool string) *Process {
	if p := h.services["pool "+pool]; p != nil && p.live >= 0 && p.Boot == h.boots {
		return p
	}
	folder := `C:\inetpub\temp\apppools\` + pool + `\` + pool + ".config"
	command := fmt.Sprintf(`c:\windows\system32\inetsrv\w3wp.exe -ap "%s" -v "v4.0" -l "webengine4.dll" `+
		`-a \\.\pipe\iisipm%08x-%04x-4f5e-9c1d-%012x -h "%s" -w "" -m 0 -t 20 -ta 0`,
		pool, h.rng.Uint32(), h.rng.IntN(0x10000), h.rng.Int64N(1<<48), folder)
	session := h.sessions[sessionSystem]
	if !h.hasRole(RoleExchange) { // whose pools run as SYSTEM
		session = h.poolSession(pool)
	}
	p := h.start(h.services["W3SVC"], h.program("w3wp"), command, session, 0)
	h.services["pool "+pool] = p
	return p
}

// recycle replaces the worker of a pool.
func (h *Host) recycle(pool string) {
	old := h.services["pool "+pool]
	if old != nil && old.Incident == "" && !h.busy(old) {
		h.services["pool "+pool] = nil
		h.Worker(pool)
		h.endAfter(old, h.between(2*time.Second, 20*time.Second))
	}
}

// busy reports whether a process has live children.
func (h *Host) busy(p *Process) bool {
	for _, c := range h.live {
		if c.Parent == p {
			return true
		}
	}
	return false
}

// compilePage has a worker compile a page: csc.exe, which starts cvtres.exe.
func (h *Host) compilePage(worker *Process) {
	token := fmt.Sprintf("%08x", h.rng.Uint32())
	temp := `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\Temporary ASP.NET Files\portal\` + token + `\`
	h.Play(worker, Step{
		Program: "csc", Life: 1400 * time.Millisecond,
		Command: `"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe" /noconfig /fullpaths @"` + temp + token + `.cmdline"`,
		Drops:   []string{temp + "App_Web_" + token + ".dll"},
		Steps: []Step{{
			Program: "cvtres", After: 500 * time.Millisecond, Life: 60 * time.Millisecond,
			Command: `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\cvtres.exe /NOLOGO /READONLY /MACHINE:IX86 ` +
				`"/OUT:C:\Windows\TEMP\RES` + token + `.tmp" "` + temp + `CSC` + token + `.TMP"`,
		}},
	})
}

// startTomcat starts the Tomcat service.
func (h *Host) startTomcat() {
	p := h.start(h.services["services"], h.program("tomcat9"),
		`"C:\Program Files\Apache Software Foundation\Tomcat 9.0\bin\Tomcat9.exe" //RS//Tomcat9`, h.sessions[sessionSystem], 0)
	h.services["Tomcat9"] = p
	h.every(6*time.Minute, func() { h.connect(p, Connection{"10.20.30.40", "SQL01.harbor.example", 1433}) })
}

// startApache starts Apache, its second process, and PHP processes that come
// and go.
func (h *Host) startApache() {
	service := h.start(h.services["services"], h.program("httpd"), `"C:\Apache24\bin\httpd.exe" -k runservice`, h.sessions[sessionSystem], 0)
	h.Play(service, Step{
		Program: "httpd", Command: `C:\Apache24\bin\httpd.exe -d C:/Apache24`, After: 700 * time.Millisecond, Life: 2000 * time.Hour,
	})
	h.every(25*time.Minute, func() { h.phpWorker() })
	h.every(h.options.PHPJobs, func() { h.phpJob(h.phpWorker()) })
}

// phpWorker returns the PHP process, started below Apache's second process if
// it is not running.
func (h *Host) phpWorker() *Process {
	if p := h.running("php-cgi"); p != nil && h.now-p.Start < evtxtest.FileTime(0).Add(40*time.Minute) {
		return p
	}
	var parent *Process
	for _, p := range h.live {
		if p.Program.key == "httpd" && p.Parent != nil && p.Parent.Program.key == "httpd" {
			parent = p
		}
	}
	if parent == nil {
		return nil
	}
	return h.play(parent, &Step{Program: "php-cgi", Command: `C:\php\php-cgi.exe -c C:\php\php.ini`, Life: h.between(50*time.Minute, 3*time.Hour)})
}

// phpJob has PHP packages call programs, as many do every day: printing,
// version control, console width.
func (h *Host) phpJob(php *Process) {
	if php == nil {
		return
	}
	n := h.rng.IntN(90000)
	switch h.rng.IntN(4) {
	case 0:
		h.shell(php, "/admin/reports.php", "mode CON", Step{Program: "mode", Command: "mode  CON", After: 20 * time.Millisecond})
	case 1:
		h.shell(php, "/admin/about.php", "git rev-parse --short HEAD", Step{Program: "git", Command: "git  rev-parse --short HEAD", After: 20 * time.Millisecond})
	case 2:
		pdf := fmt.Sprintf(`"C:\Program Files\wkhtmltopdf\bin\wkhtmltopdf.exe" --quiet --margin-top 10mm C:\www\tmp\inv%d.html C:\www\tmp\inv%d.pdf`, n, n)
		h.shell(php, "/shop/invoice.php", pdf, Step{Program: "wkhtmltopdf", Command: pdf, After: 30 * time.Millisecond, Life: 2 * time.Second})
	default:
		h.shell(php, "/admin/about.php", "ver")
	}
}

// shell plays cmd.exe as PHP starts it for a page, with children.
func (h *Host) shell(parent *Process, page, command string, steps ...Step) {
	user := &Request{Method: "GET", URI: page, Client: "10.20.31.77", UserAgent: browsers[1]}
	h.Play(parent, Step{Program: "cmd", Command: `cmd.exe /s /c "` + command + `"`, Steps: steps, Request: user})
}

// startExchange starts the processes of a mail server.
func (h *Host) startExchange() {
	h.svchost("W3SVC", "World Wide Web Publishing Service", "iissvcs", sessionSystem)
	for _, pool := range []string{"MSExchangeOWAAppPool", "MSExchangeECPAppPool", "MSExchangeAutodiscoverAppPool"} {
		h.Worker(pool)
	}
	h.service("exchangetransport", "MSExchangeTransport", "Microsoft Exchange Transport", sessionNetwork)
	h.service("exchangestore", "MSExchangeIS", "Microsoft Exchange Information Store", sessionSystem)
	h.every(70*time.Minute, func() { h.compilePage(h.Worker("MSExchangeECPAppPool")) })
	h.every(3*time.Minute, func() {
		h.connect(h.services["MSExchangeTransport"], Connection{fmt.Sprintf("198.51.100.%d", 10+h.rng.IntN(200)), "", 25})
	})
}

// startDC starts what domain controllers have, and lets users log on.
func (h *Host) startDC() {
	h.service("dns", "DNS", "DNS Server", sessionSystem)
	h.service("ntfrs", "DFSR", "DFS Replication", sessionSystem)
	h.every(40*time.Second, func() { h.networkLogon() })
}
