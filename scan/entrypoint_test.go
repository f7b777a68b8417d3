package scan_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
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
