package scan_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
)

// TestClients: whom a proxy names is the client, also with a port; what the
// server asks of itself is nobody's, so that it is no indicator and none of its
// other requests are told.
func TestClients(t *testing.T) {
	first := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, client, forwarded string
		indicators, requests    string
	}{
		{"a client", "198.51.100.7", "-", "198.51.100.7", "/k.aspx /k.aspx /other.aspx"},
		{"behind a proxy", "10.0.0.5", "198.51.100.7,+10.0.0.9", "198.51.100.7", "/k.aspx /k.aspx /other.aspx"},
		{"with a port", "10.0.0.5", "198.51.100.7:51234", "198.51.100.7", "/k.aspx /k.aspx /other.aspx"},
		{"one who says that he is the server", "198.51.100.7", "127.0.0.1", "198.51.100.7", "/k.aspx /k.aspx /other.aspx"},
		{"one who says so to a proxy", "10.0.0.5", "10.20.30.10,+fe80::1,+198.51.100.7", "198.51.100.7", "/k.aspx /k.aspx /other.aspx"},
		{"itself", "10.20.30.10", "-", "", "/k.aspx /k.aspx"},
		{"itself by its loopback", "::1", "-", "", "/k.aspx /k.aspx"},
		{"itself by its link", "fe80::1", "-", "", "/k.aspx /k.aspx"},
	} {
		events := levelEvents("WEB1", levelCase{server: "iis", lines: []string{"cmd.exe /c whoami"}})
		second := levelEvents("WEB1", levelCase{server: "iis", lines: []string{"cmd.exe /c hostname"}})[1]
		second.Time += evtxtest.FileTimeOf(first.Add(10*time.Minute)) - evtxtest.FileTimeOf(first)
		dir := logFolder(t, "sysmon.evtx", append(events, second))
		var log strings.Builder
		log.WriteString("#Fields: date time s-ip cs-method cs-uri-stem c-ip sc-status time-taken X-Forwarded-For\n")
		line := func(at time.Duration, page, client, forwarded string) {
			fmt.Fprintf(&log, "%s 10.20.30.10 GET /%s %s 200 900 %s\n", first.Add(at).Format(time.DateTime), page, client, forwarded)
		}
		line(0, "other.aspx", tt.client, tt.forwarded)
		line(2*time.Second, "k.aspx", tt.client, tt.forwarded)
		line(2*time.Minute, "x.aspx", "10.1.1.1", "-")
		line(10*time.Minute+2*time.Second, "k.aspx", tt.client, tt.forwarded)
		writeFile(t, filepath.Join(dir, "W3SVC1", "u_ex260302.log"), []byte(log.String()))
		res := mustScan(t, scan.Options{Paths: []string{dir}})
		var addresses, pages []string
		for _, a := range res.Sessions[0].Indicators.Addresses {
			addresses = append(addresses, a.Value)
		}
		for _, q := range res.Sessions[0].Requests {
			pages = append(pages, q.URI)
		}
		slices.Sort(pages)
		if got := strings.Join(addresses, " "); got != tt.indicators {
			t.Errorf("%s: indicators %q, want %q", tt.name, got, tt.indicators)
		}
		if got := strings.Join(pages, " "); got != tt.requests {
			t.Errorf("%s: requests %q, want %q", tt.name, got, tt.requests)
		}
	}
}

// TestForwardedFor: whom a header names is the client only if a proxy wrote it.
func TestForwardedFor(t *testing.T) {
	const head = "#Fields: date time s-ip cs-method cs-uri-stem c-ip sc-status time-taken X-Forwarded-For\n"
	n := 0
	// log has lines of the shell by one peer, and of others by another one,
	// with headers made by functions of the number of the line.
	log := func(shellPeer, shellHeader, otherPeer, otherHeader string) string {
		return webTraffic(head, func(at time.Time, method, uri, client string, took time.Duration) string {
			n++
			peer, header := otherPeer, otherHeader
			if uri == "/k.aspx" {
				peer, header = shellPeer, shellHeader
			}
			number := strconv.Itoa(n % 40)
			peer, header = strings.ReplaceAll(peer, "*", number), strings.ReplaceAll(header, "*", number)
			return fmt.Sprintf("%s 10.20.30.10 %s %s %s 200 %d %s", at.Format(time.DateTime), method, uri, peer, took.Milliseconds(), header)
		}, true, 600*time.Millisecond, "POST", "/k.aspx")
	}
	for _, tt := range []struct {
		name, log                 string
		clients, proxies, claimed int
		client                    string // the first, and an indicator
	}{
		{"forged, each time another one", log("198.51.100.7", "203.0.113.*", "192.0.2.*", "-"), 1, 0, 6, "198.51.100.7"},
		{"forged, always the same", log("198.51.100.7", "203.0.113.1", "192.0.2.*", "-"), 1, 0, 1, "198.51.100.7"},
		{"forged in the server's network", log("10.20.5.7", "203.0.113.1", "10.20.6.*", "-"), 1, 0, 1, "10.20.5.7"},
		{"a proxy in the server's network", log("10.0.0.5", "203.0.113.7", "10.0.0.5", "192.0.2.*"), 1, 1, 0, "203.0.113.7"},
		{"one of two", log("10.0.0.5", "203.0.113.7", "10.0.0.6", "192.0.2.*"), 1, 0, 1, "10.0.0.5"},
		{"one that asks for itself most of the time", log("10.0.0.5", "203.0.113.7", "10.0.0.5", "-"), 1, 1, 0, "203.0.113.7"},
		{"a proxy elsewhere", log("198.51.100.9", "203.0.113.7", "198.51.100.9", "192.0.2.*"), 1, 1, 0, "203.0.113.7"},
		{"many proxies elsewhere", log("198.51.100.9", "203.0.113.*", "198.51.100.*", "192.0.2.*"), 6, 1, 0, "203.0.113."},
		{"on the same machine", log("127.0.0.1", "203.0.113.7", "127.0.0.1", "192.0.2.*"), 1, 1, 0, "203.0.113.7"},
	} {
		c := webCase{server: "iis"}
		dir := logFolder(t, "sysmon.evtx", c.events("WEB1"))
		writeFile(t, filepath.Join(dir, "W3SVC1", "u_ex260302.log"), []byte(tt.log))
		s := mustScan(t, scan.Options{Paths: []string{dir}}).Sessions[0]
		if len(s.EntryPoints) != 1 {
			t.Errorf("%s: %d entry points", tt.name, len(s.EntryPoints))
			continue
		}
		p, addresses := s.EntryPoints[0], s.Indicators.Addresses
		if len(p.Clients) != tt.clients || len(p.Proxies) != tt.proxies || len(p.Claimed) != tt.claimed || !strings.HasPrefix(p.Clients[0], tt.client) {
			t.Errorf("%s: clients %v, proxies %v, claimed %v", tt.name, p.Clients, p.Proxies, p.Claimed)
		}
		if len(addresses) != tt.clients || !strings.HasPrefix(addresses[0].Value, tt.client) {
			t.Errorf("%s: indicators %v", tt.name, addresses)
		}
	}
}

// TestWebRoot: a folder that a site shows by the configuration of IIS is a web
// root, whatever it is called: to rules about files that are written there, and
// about programs that are run from it.
func TestWebRoot(t *testing.T) {
	const (
		sysmonLog = "Microsoft-Windows-Sysmon/Operational"
		config    = `<configuration><system.applicationHost><sites><site name="P" id="1"><application path="/"><virtualDirectory path="/" physicalPath="D:\Portal"/></application></site></sites></system.applicationHost></configuration>`
	)
	for _, tt := range []struct {
		config, file string
		audited      bool
		want         string
	}{
		{config, `D:\portal\Up\a.aspx`, false, "event_script_written_below_web_root"},
		{config, `D:\Portal\a.aspx`, true, "event_audited_script_written_below_web_root"},
		{config, `D:\Portal2\a.aspx`, false, ""},
		{config, `D:\Portal\a.txt`, false, ""},
		{"", `D:\Portal\a.aspx`, false, ""},
	} {
		row := storyEvent{0, "WEB2", sysmonLog, "Microsoft-Windows-Sysmon", 11, 4, "", "ProcessId=9|Image=C:\\x\\ftpd.exe|TargetFilename=" + tt.file, ""}
		if tt.audited {
			row = storyEvent{0, "WEB2", securityLog, auditing, 4663, 4, "", "SubjectUserSid=S-1-5-18|ObjectType=File|ObjectName=" + tt.file + "|AccessList=%%4417|ProcessId=0x9|ProcessName=C:\\x\\ftpd.exe", ""}
		}
		dir := eventsLog(t, []storyEvent{row})
		if tt.config != "" {
			writeFile(t, filepath.Join(dir, "applicationHost.config"), []byte(tt.config))
		}
		for _, path := range []string{dir, collected(t, dir)} {
			got := ""
			for _, e := range mustScan(t, scan.Options{Paths: []string{path}}).Events {
				got += e.Rules[0].Label()
			}
			if got != tt.want {
				t.Errorf("%s in %s, audited %t: %q, want %q", tt.file, path, tt.audited, got, tt.want)
			}
		}
	}
	dir := logFolder(t, "sysmon.evtx", levelEvents("WEB1", levelCase{server: "iis", lines: []string{`D:\Portal\bin\tool.exe := tool.exe`}}))
	for _, want := range []bool{false, true} {
		got := false
		for _, list := range rulesOf(mustScan(t, scan.Options{Paths: []string{dir}})) {
			got = got || slices.Contains(list, "web_server_descendant_web_root")
		}
		if got != want {
			t.Errorf("a program of a site: found %t, want %t", got, want)
		}
		writeFile(t, filepath.Join(dir, "applicationHost.config"), []byte(config))
	}
}
