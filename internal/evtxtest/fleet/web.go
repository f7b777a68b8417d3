package fleet

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"webshellscan/internal/evtxtest"
)

// WebFormat is how a web server writes its requests.
type WebFormat uint8

// The formats.
const (
	WebIIS    WebFormat = iota // W3C, in UTC, when a request ended, with the milliseconds it took
	WebTomcat                  // common, in local time, when a request began, with the milliseconds it took
	WebApache                  // combined, in local time, when a request began
)

// WebServer is a host's web server as its logs show it.
type WebServer struct {
	Format WebFormat
	// Zone is how far local time is ahead of UTC.
	Zone time.Duration
	// Sites are those of IIS; others have one, whose ID is empty.
	Sites []Site
	// Visits is how often, on average, somebody asks for a page of a site.
	Visits time.Duration
}

// Site is a web site with what people ask of it.
type Site struct {
	ID, Name, Path string
	// Pools are the application pools that serve the paths that begin so;
	// that of "/" serves the rest.
	Pools []PoolPath
	Pages []Page
}

// PoolPath is an application of IIS.
type PoolPath struct{ Path, Pool string }

// Page is something that people ask for.
type Page struct {
	Method, URI, Query string
	Took               time.Duration // at most
	Status             int           // 0 means 200
}

// Request is a web request that a server of a host has answered.
type Request struct {
	Site               string
	Begin, End         evtxtest.FileTime
	Method, URI, Query string
	Client, UserAgent  string
	Referer            string
	Status, Size       int
	// Incident is the script that the request belongs to, empty for
	// visitors.
	Incident string
	// Processes are what it started.
	Processes []*Process
}

// Requests returns the web requests of the host in the order in which they
// ended.
func (h *Host) Requests() []*Request {
	slices.SortStableFunc(h.requests, func(a, b *Request) int { return cmp.Compare(a.End, b.End) })
	return h.requests
}

// longestRequest is when the web servers give a request up.
const longestRequest = 110 * time.Second

// answer logs a request that runs as long as the process that it started.
func (h *Host) answer(r *Request, p *Process, life time.Duration) {
	made := *r
	made.Begin = p.Start.Add(-h.between(4*time.Millisecond, 30*time.Millisecond))
	made.End = p.Start.Add(min(life, longestRequest) + h.between(3*time.Millisecond, 25*time.Millisecond))
	made.Processes = []*Process{p}
	made.Incident = p.Incident
	h.serve(&made)
}

// asked logs a request that starts nothing, so long from now.
func (h *Host) asked(from time.Duration, r Request, took time.Duration) {
	r.Begin = h.now.Add(from)
	r.End = r.Begin.Add(took)
	h.aside(func() { h.serve(&r) })
}

// starts makes each of some processes the work of a request of its own. A GET
// has the command in its query.
func (r Request) starts(steps ...Step) []Step {
	for i := range steps {
		made := r
		if made.Method == "GET" {
			made.Query = "cmd=" + url.QueryEscape(strings.TrimPrefix(steps[i].Command, "cmd.exe /c "))
		}
		steps[i].Request = &made
	}
	return steps
}

// serve logs a request, if the host has a web server that logs any.
func (h *Host) serve(r *Request) {
	if h.options.Web == nil {
		return
	}
	r.Status = cmp.Or(r.Status, 200)
	r.Size = cmp.Or(r.Size, 180+h.rng.IntN(9000))
	h.requests = append(h.requests, r)
}

// Those who ask: browsers, and what they say that they are.
var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:123.0) Gecko/20100101 Firefox/123.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Mobile/15E148 Safari/604.1",
}

// startVisits schedules people to ask for the pages of the host's sites.
func (h *Host) startVisits() {
	web := h.options.Web
	if web == nil {
		return
	}
	boot := h.boots
	for i := range web.Sites {
		var again func()
		again = func() {
			if h.boots == boot && h.up {
				h.visit(&web.Sites[i])
				h.after(h.between(web.Visits/4, web.Visits*7/4), again)
			}
		}
		h.aside(func() { h.after(web.Visits, again) })
	}
}

// visit is one page that somebody asks for, mostly from outside.
func (h *Host) visit(s *Site) {
	n := h.rng.IntN(60)
	client := fmt.Sprintf("192.0.2.%d", 10+n)
	if h.chance(30) {
		client = fmt.Sprintf("10.20.31.%d", 10+n)
	}
	page := pick(h, s.Pages)
	h.asked(0, Request{
		Site: s.ID, Method: page.Method, URI: page.URI, Query: page.Query, Client: client, UserAgent: browsers[n%len(browsers)], Status: page.Status,
	}, h.between(2*time.Millisecond, page.Took))
}

// WebLogSpec is what a log of a web server holds.
type WebLogSpec struct {
	// Path is the name of the file below the folder of logs, with slashes.
	Path string
	Host *Host
	Site string // ID
	// From and To bound the ends of the requests; zero means no bound.
	From, To time.Time
}

// WriteWeb writes a log of a web server. File.Records counts its requests.
func (f *Fleet) WriteWeb(s WebLogSpec) File {
	var b strings.Builder
	n := 0
	for _, r := range s.Host.Requests() {
		end := r.End.Time()
		if r.Site != s.Site || !s.From.IsZero() && end.Before(s.From) || !s.To.IsZero() && !end.Before(s.To) {
			continue
		}
		if n == 0 && s.Host.options.Web.Format == WebIIS {
			b.WriteString(iisHeader(end))
		}
		n++
		s.Host.writeRequest(&b, r)
	}
	return File{Path: s.Path, Data: []byte(b.String()), Records: n}
}

// iisHeader returns the lines that a log of IIS begins with.
func iisHeader(t time.Time) string {
	return "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: " + t.Format(time.DateTime) + "\r\n" +
		"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"
}

// writeRequest writes the line of a request.
func (h *Host) writeRequest(b *strings.Builder, r *Request) {
	const common = "02/Jan/2006:15:04:05 -0700"
	web := h.options.Web
	zone := time.FixedZone("", int(web.Zone/time.Second))
	took := time.Duration(r.End-r.Begin) * 100
	target := r.URI
	if r.Query != "" {
		target += "?" + r.Query
	}
	switch web.Format {
	case WebIIS:
		plus := strings.NewReplacer(" ", "+")
		fmt.Fprintf(b, "%s %s %s %s %s 443 - %s %s %s %d 0 %d %d\r\n", r.End.Time().Format(time.DateTime), h.address(), r.Method, r.URI, orDash(r.Query),
			r.Client, plus.Replace(r.UserAgent), orDash(r.Referer), r.Status, r.win32(took), took.Milliseconds())
	case WebTomcat:
		fmt.Fprintf(b, "%s - - [%s] \"%s %s HTTP/1.1\" %d %d %d\n", r.Client, r.Begin.Time().In(zone).Format(common), r.Method, target, r.Status, r.Size, took.Milliseconds())
	default:
		fmt.Fprintf(b, "%s - - [%s] \"%s %s HTTP/1.1\" %d %d \"%s\" \"%s\"\n", r.Client, r.Begin.Time().In(zone).Format(common), r.Method, target, r.Status, r.Size,
			orDash(r.Referer), r.UserAgent)
	}
}

// win32 returns the status that IIS writes besides: 64 if the client has gone.
func (r *Request) win32(took time.Duration) int {
	if took >= longestRequest {
		return 64
	}
	return 0
}

// WebConfig returns the configuration of IIS with the host's sites.
func (h *Host) WebConfig() []byte {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<configuration>\r\n  <system.applicationHost>\r\n    <sites>\r\n")
	for _, s := range h.options.Web.Sites {
		fmt.Fprintf(&b, "      <site name=\"%s\" id=\"%s\" serverAutoStart=\"true\">\r\n", s.Name, s.ID)
		for _, a := range s.Pools {
			fmt.Fprintf(&b, "        <application path=\"%s\" applicationPool=\"%s\">\r\n          <virtualDirectory path=\"/\" physicalPath=\"%s\" />\r\n        </application>\r\n",
				a.Path, a.Pool, s.Path+strings.TrimSuffix(strings.ReplaceAll(a.Path, "/", `\`), `\`))
		}
		b.WriteString("        <bindings><binding protocol=\"https\" bindingInformation=\"*:443:\" /></bindings>\r\n      </site>\r\n")
	}
	b.WriteString("    </sites>\r\n  </system.applicationHost>\r\n</configuration>\r\n")
	return []byte(b.String())
}
