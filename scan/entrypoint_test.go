package scan_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
	"webshellscan/scan/webrequest"
)

// webStart is when the processes below the servers of these tests begin.
var webStart = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// webBegins is when those processes begin, after webStart.
var webBegins = []time.Duration{0, 40 * time.Second, 93 * time.Second, 141 * time.Second, 200 * time.Second, 222 * time.Second}

// webCase is a host whose server, a key of levelServers, starts cmd.exe at
// webBegins, and the logs of its web servers.
type webCase struct {
	name, server string
	logs         map[string]string // by path
	want         string            // entry points, as pointsOf has them
}

// events are the events of the host.
func (c webCase) events(host string) []evtxtest.Event {
	list := levelEvents(host, levelCase{server: c.server})
	server := levelServers[c.server]
	for i, after := range webBegins {
		list = append(list, evtxtest.NewEvent(webStart.Add(after), host, &evtxtest.SysmonProcessCreate{
			ProcessID: uint32(500 + 4*i), ParentProcessID: 400, Image: shell, CommandLine: "cmd.exe /c whoami", User: shopUser, LogonID: 0x9999,
			IntegrityLevel: "High", ParentImage: server[0], ParentCommandLine: server[1],
		}))
	}
	return list
}

// pointsOf returns the entry points of a result's sessions: the page, its
// confidence, how many of the processes it explains, and its clients.
func pointsOf(res *scan.Result) string {
	var list []string
	for _, s := range res.Sessions {
		for _, p := range s.EntryPoints {
			list = append(list, fmt.Sprintf("%s %s %d/%d %s", p.URI, p.Confidence, p.Processes, p.OfProcesses, strings.Join(p.Clients, ",")))
		}
	}
	return strings.Join(list, "; ")
}

// check scans the host, and compares its entry points.
func (c webCase) check(t *testing.T) {
	t.Helper()
	dir := logFolder(t, "sysmon.evtx", c.events("WEB1"))
	for name, text := range c.logs {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), []byte(text))
	}
	if got := pointsOf(mustScan(t, scan.Options{Paths: []string{dir}})); got != c.want {
		t.Errorf("%s: entry points %q, want %q", c.name, got, c.want)
	}
}

// webLine writes one line of a log. end is when the request ended, or the
// beginning if the log stamps that.
type webLine func(at time.Time, method, uri, client string, took time.Duration) string

// webTraffic makes a log: of a page one request for each of webBegins, which
// took so long and began shortly before; and others around them.
func webTraffic(head string, line webLine, stampEnd bool, took time.Duration, method, page string) string {
	type entry struct {
		end  time.Time
		text string
	}
	var list []entry
	add := func(begin time.Time, took time.Duration, method, uri, client string) {
		at := begin
		if stampEnd {
			at = begin.Add(took)
		}
		list = append(list, entry{begin.Add(took), line(at, method, uri, client, took)})
	}
	for i := range 300 {
		begin := webStart.Add(-10*time.Minute + time.Duration(i)*4*time.Second)
		add(begin, time.Duration(40+i%300)*time.Millisecond, "GET", fmt.Sprintf("/page%d", i%20), fmt.Sprintf("10.20.5.%d", 1+i%50))
	}
	for _, after := range webBegins {
		add(webStart.Add(after-30*time.Millisecond), took, method, page, "203.0.113.7")
	}
	slices.SortStableFunc(list, func(a, b entry) int { return a.end.Compare(b.end) })
	var text strings.Builder
	text.WriteString(head)
	for _, e := range list {
		text.WriteString(e.text + "\n")
	}
	return text.String()
}

const iisHead = "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem c-ip sc-status time-taken\n"

func iisLine(at time.Time, method, uri, client string, took time.Duration) string {
	return fmt.Sprintf("%s 10.20.30.10 %s %s %s 200 %d", at.Format(time.DateTime), method, uri, client, took.Milliseconds())
}

// iisTraffic is webTraffic of IIS.
func iisTraffic(took time.Duration, method, page string) map[string]string {
	return map[string]string{"W3SVC1/u_ex260302.log": webTraffic(iisHead, iisLine, true, took, method, page)}
}

// TestEntryPages: what a page is called.
func TestEntryPages(t *testing.T) {
	for _, c := range []webCase{
		{"a page", "iis", iisTraffic(600*time.Millisecond, "POST", "/k.aspx"), "/k.aspx likely 6/6 203.0.113.7"},
		{"a picture that is run", "iis", iisTraffic(600*time.Millisecond, "POST", "/up/logo.jpg"), "/up/logo.jpg likely 6/6 203.0.113.7"},
		{"a picture", "iis", iisTraffic(600*time.Millisecond, "GET", "/up/logo.jpg"), ""},
		{"what IIS 6 runs", "iis", iisTraffic(600*time.Millisecond, "GET", "/up/x.asp;.jpg"), "/up/x.asp;.jpg likely 6/6 203.0.113.7"},
		{"with a parameter", "iis", iisTraffic(600*time.Millisecond, "GET", "/up/x.jsp;jsessionid=0A"), "/up/x.jsp likely 6/6 203.0.113.7"},
	} {
		c.check(t)
	}
}

// ncsaLine returns how a server writes a line of the common format, with the
// duration in a form.
func ncsaLine(duration func(time.Duration) string) webLine {
	return func(at time.Time, method, uri, client string, took time.Duration) string {
		return fmt.Sprintf("%s - - [%s] %q 200 512%s", client, at.Format("02/Jan/2006:15:04:05 -0700"), method+" "+uri+" HTTP/1.1", duration(took))
	}
}

// Durations as servers write them.
var (
	noDuration = func(time.Duration) string { return "" }
	inSeconds  = func(d time.Duration) string { return fmt.Sprintf(" %.3f http-nio-8080-exec-1", d.Seconds()) }
	inMillis   = func(d time.Duration) string { return fmt.Sprintf(" %d", d.Milliseconds()) }
	inMicros   = func(d time.Duration) string { return fmt.Sprintf(" %d", d.Microseconds()) }
)

// TestEntryStamps: requests are found whether a log stamps when they began or
// when they ended, and whatever the unit of their durations.
func TestEntryStamps(t *testing.T) {
	const begin, end = false, true
	for _, tt := range []struct {
		name, server, path string
		line               webLine
		stamp              bool
		took               time.Duration
	}{
		{"IIS", "iis", "W3SVC1/u_ex260302.log", iisLine, end, 600 * time.Millisecond},
		{"IIS, for more than an hour", "iis", "W3SVC1/u_ex260302.log", iisLine, end, 4020 * time.Second},
		{"Apache", "apache", "xampp/apache/logs/access.log", ncsaLine(noDuration), begin, 5 * time.Second},
		{"Apache by its image, in microseconds", "apache", "access.log", ncsaLine(inMicros), begin, 5 * time.Second},
		{"nginx", "phpcgi", "nginx/logs/access.log", ncsaLine(inSeconds), end, 5 * time.Second},
		{"nginx as if it were the beginning", "phpcgi", "nginx/logs/access.log", ncsaLine(inSeconds), begin, 5 * time.Second},
		{"nginx, without a duration", "phpcgi", "nginx/logs/access.log", ncsaLine(noDuration), end, 5 * time.Second},
		{"Tomcat", "tomcat", "Tomcat9/logs/localhost_access_log.txt", ncsaLine(inMillis), end, 5 * time.Second},
		{"Tomcat, for more than an hour", "tomcat", "Tomcat9/logs/localhost_access_log.txt", ncsaLine(inMillis), end, 4020 * time.Second},
		{"Tomcat, in seconds", "tomcat", "Tomcat9/logs/localhost_access_log.txt", ncsaLine(inSeconds), begin, 5 * time.Second},
		{"Tomcat 10", "tomcat", "logs/localhost_access_log.txt", ncsaLine(inMicros), end, 5 * time.Second},
		{"Tomcat by its image", "tomcat", "logs/access_log", ncsaLine(inMillis), end, 5 * time.Second},
	} {
		log := webTraffic(map[bool]string{true: iisHead}[tt.server == "iis"], tt.line, tt.stamp, tt.took, "POST", "/k")
		webCase{tt.name, tt.server, map[string]string{tt.path: log}, "/k likely 6/6 203.0.113.7"}.check(t)
	}
}

// TestEntryFronts: requests of a server behind the IIS of its host are those of
// the IIS, unless the server has a log of its own of the time.
func TestEntryFronts(t *testing.T) {
	iis := iisTraffic(600*time.Millisecond, "POST", "/app/x.jsp")["W3SVC1/u_ex260302.log"]
	own := webTraffic("", ncsaLine(inMillis), true, 600*time.Millisecond, "POST", "/x.jsp")
	for _, c := range []webCase{
		{"behind IIS", "tomcat", map[string]string{"W3SVC1/u.log": iis}, "/app/x.jsp likely 6/6 203.0.113.7"},
		{"with its own log", "tomcat", map[string]string{"W3SVC1/u.log": iis, "Tomcat/logs/access.log": own}, "/x.jsp likely 6/6 203.0.113.7"},
		{
			"with its own log of another time", "tomcat",
			map[string]string{"W3SVC1/u.log": iis, "Tomcat/logs/access.log": strings.ReplaceAll(own, "02/Mar/2026", "01/Mar/2026")},
			"/app/x.jsp possible 6/6 203.0.113.7",
		},
	} {
		c.check(t)
	}
}

// TestEntryHTTPSys: a request that died with the worker is one of the page, and
// one that never reached it is none.
func TestEntryHTTPSys(t *testing.T) {
	const head = "#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip s-ip cs-method cs-uri sc-status s-siteid s-reason s-queuename\n"
	for reason, want := range map[string]string{
		"Connection_Abandoned_By_ReqQueue": "/k.aspx likely 6/6 203.0.113.7", "QueueFull": "", "URL": "",
	} {
		line := func(at time.Time, method, uri, client string, _ time.Duration) string {
			return fmt.Sprintf("%s %s 10.20.30.10 %s %s - 1 %s shop", at.Format(time.DateTime), client, method, uri, reason)
		}
		webCase{reason, "iis", map[string]string{"HTTPERR/httperr1.log": webTraffic(head, line, true, 600*time.Millisecond, "POST", "/k.aspx")}, want}.check(t)
	}
	line := func(at time.Time, method, uri, client string, _ time.Duration) string {
		return fmt.Sprintf("%s %s 10.20.30.10 %s %s - 1 Connection_Abandoned_By_ReqQueue other", at.Format(time.DateTime), client, method, uri)
	}
	webCase{"another pool", "iis", map[string]string{"HTTPERR/httperr1.log": webTraffic(head, line, true, 600*time.Millisecond, "POST", "/k.aspx")}, ""}.check(t)
}

// TestWebLogHosts: whose a log is where names are short, or changed.
func TestWebLogHosts(t *testing.T) {
	log := iisTraffic(600*time.Millisecond, "POST", "/k.aspx")["W3SVC1/u_ex260302.log"]
	named := strings.ReplaceAll(strings.ReplaceAll(log, " 10.20.30.10 ", " WEB1 10.20.30.10 "), " s-ip ", " s-computername s-ip ")
	case1 := webCase{server: "iis"}
	renamed := append(levelEvents("WIN-7Q2LK3P9ABC", levelCase{server: "iis"}), case1.events("WEB1.corp.example")[1:]...)
	const found = "/k.aspx likely 6/6 203.0.113.7"
	for _, tt := range []struct {
		name string
		logs map[string][]evtxtest.Event // by path
		web  map[string]string
		want string
		by   evtxtest.Style
	}{
		{"two hosts of one short name", map[string][]evtxtest.Event{"a/s.evtx": case1.events("WEB1.corp.example"), "b/s.evtx": case1.events("WEB1.dmz.example")}, map[string]string{"b/W3SVC1/u.log": named}, found, 0},
		{"between them", map[string][]evtxtest.Event{"a/s.evtx": case1.events("WEB1.corp.example"), "b/s.evtx": case1.events("WEB1.dmz.example")}, map[string]string{"W3SVC1/u.log": named}, "", 0},
		{"beside a third", map[string][]evtxtest.Event{"a/s.evtx": case1.events("WEB1.corp.example"), "b/s.evtx": case1.events("WEB1.dmz.example"), "c/s.evtx": case1.events("WEB2.dmz.example")}, map[string]string{"c/W3SVC1/u.log": named}, "", 0},
		{"a host that got another name", map[string][]evtxtest.Event{"s.evtx": renamed}, map[string]string{"W3SVC1/u.log": log}, found, 0},
		{"hosts of a collector, one after the other", map[string][]evtxtest.Event{"s.evtx": renamed}, map[string]string{"W3SVC1/u.log": log}, "", evtxtest.StyleForwarded},
	} {
		dir := t.TempDir()
		for name, events := range tt.logs {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			writeLog(t, filepath.Join(dir, name), evtxtest.Options{Style: tt.by}, events)
		}
		for name, text := range tt.web {
			writeFile(t, filepath.Join(dir, name), []byte(text))
		}
		if got := pointsOf(mustScan(t, scan.Options{Paths: []string{dir}})); got != tt.want {
			t.Errorf("%s: entry points %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestUnknownForm: a log of requests in a form that is not known is told, and
// nothing is wrong with the scan.
func TestUnknownForm(t *testing.T) {
	c := webCase{server: "apache"}
	dir := logFolder(t, "sysmon.evtx", c.events("WEB1"))
	writeFile(t, filepath.Join(dir, "apache/logs/access.log"), []byte("one GET /x 200\n"))
	writeFile(t, filepath.Join(dir, "apache/logs/error.log"), []byte("one GET /x 200\n"))
	res := mustScan(t, scan.Options{Paths: []string{dir}})
	notes := res.Summary.WebLogs.Notes
	if len(notes) != 1 || filepath.Base(notes[0].Path) != "access.log" || res.Summary.Incomplete() || len(res.Summary.Blind) != 0 {
		t.Errorf("notes %v, incomplete %v, blind %v", notes, res.Summary.Incomplete(), res.Summary.Blind)
	}
	i := slices.IndexFunc(res.Manifest.Inputs, func(f scan.InputFile) bool { return f.WebLog != nil })
	if i < 0 || !strings.Contains(res.Manifest.Inputs[i].Error, "no known form") {
		t.Errorf("manifest %+v", res.Manifest.Inputs)
	}
}

// iisEvents is iisTraffic as events.
func iisEvents(took time.Duration, method, page string) (events []evtxtest.Event) {
	webTraffic("", func(at time.Time, method, uri, client string, took time.Duration) string {
		e := storyEvent{
			host: "WEB1", channel: "Microsoft-IIS-Logging/Logs", provider: "Microsoft-Windows-IIS-Logging", id: 6200,
			fields: fmt.Sprintf("date=%s|time=%s|c-ip=%s|s-sitename=W3SVC1|cs-method=%s|cs-uri-stem=%s|sc-status=200|time-taken=%d|csUser-Agent=x",
				at.Format(time.DateOnly), at.Format(time.TimeOnly), client, method, uri, took.Milliseconds()),
		}
		record := e.record()
		record.Time = evtxtest.FileTimeOf(at)
		events = append(events, record)
		return ""
	}, true, took, method, page)
	return events
}

// TestEntryEvents: requests that IIS writes as events are those of its host.
func TestEntryEvents(t *testing.T) {
	lines := iisEvents(600*time.Millisecond, "POST", "/k.aspx")
	for host, want := range map[string]string{"WEB1": "/k.aspx likely 6/6 203.0.113.7", "WEB2": ""} {
		dir := logFolder(t, "sysmon.evtx", webCase{server: "iis"}.events("WEB1"))
		for i := range lines {
			lines[i].Computer = host
		}
		writeLog(t, filepath.Join(dir, "iis.evtx"), evtxtest.Options{}, lines)
		if got := pointsOf(mustScan(t, scan.Options{Paths: []string{dir}})); got != want {
			t.Errorf("events of %s: entry points %q, want %q", host, got, want)
		}
		part := filepath.Join(t.TempDir(), "x.wsp")
		out, err := os.Create(part)
		if err != nil {
			t.Fatal(err)
		}
		_, err = scan.Collect(t.Context(), scan.Options{Paths: []string{dir}}, "", out)
		if err := errors.Join(err, out.Close()); err != nil {
			t.Fatal(err)
		}
		if got := pointsOf(mustScan(t, scan.Options{Paths: []string{part}})); got != want {
			t.Errorf("events of %s in a partial result: entry points %q, want %q", host, got, want)
		}
	}
}

// TestExplainEntryEvent: a request that IIS writes as an event is explained by
// the ID of its record, or by its offset as reports have it.
func TestExplainEntryEvent(t *testing.T) {
	dir := logFolder(t, "sysmon.evtx", webCase{server: "iis"}.events("WEB1"))
	file := filepath.Join(dir, "iis.evtx")
	writeLog(t, file, evtxtest.Options{}, iisEvents(600*time.Millisecond, "POST", "/k.aspx"))
	res := mustScan(t, scan.Options{Paths: []string{dir}})
	i := slices.IndexFunc(res.Requests, func(r *finding.Request) bool { return r.URI == "/k.aspx" })
	if i < 0 {
		t.Fatalf("no request: %v", res.Requests)
	}
	byOffset := webrequest.Ref{File: file, Offset: res.Requests[i].Offset}
	byID, none := webrequest.Ref{File: file, Line: 1}, webrequest.Ref{File: file, Line: 1 << 20}
	explained := mustScan(t, scan.Options{Paths: []string{dir}, ExplainRequests: []webrequest.Ref{byOffset, byID, none}}).ExplainedRequests
	if len(explained) != 3 || !explained[0].Found || !explained[1].Found || explained[2].Found {
		t.Fatalf("explained %+v", explained)
	}
	x := explained[0]
	if x.Request.URI != "/k.aspx" || x.Host != "WEB1" || len(x.Sessions) != 1 || x.Sessions[0].Confidence != story.ConfidenceLikely {
		t.Errorf("explained %+v", x)
	}
}

// TestEntryTwice: a site that logs to a file and as events has its requests
// once.
func TestEntryTwice(t *testing.T) {
	const name = "W3SVC1/u_ex260302.log"
	lines, file := iisEvents(600*time.Millisecond, "POST", "/k.aspx"), iisTraffic(600*time.Millisecond, "POST", "/k.aspx")[name]
	dir := logFolder(t, "sysmon.evtx", webCase{server: "iis"}.events("WEB1"))
	writeLog(t, filepath.Join(dir, "iis.evtx"), evtxtest.Options{}, lines)
	if err := os.MkdirAll(filepath.Join(dir, "W3SVC1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	res := mustScan(t, scan.Options{Paths: []string{dir}})
	if got, want := pointsOf(res), "/k.aspx likely 6/6 203.0.113.7"; got != want {
		t.Errorf("entry points %q, want %q", got, want)
	}
	for _, s := range res.Sessions {
		for _, p := range s.EntryPoints {
			if p.Requests != 6 {
				t.Errorf("%d requests of %s, want 6", p.Requests, p.URI)
			}
		}
	}
}
