// Package weblog reads the logs that web servers write themselves: lines to
// requests. It reads the formats of IIS (W3C extended, NCSA common, and its
// own), HTTP.sys (HTTPERR) and Exchange (HttpProxy), and the common and
// combined formats of Apache, nginx and Tomcat with what is often added to
// them.
//
// Of files, hosts and processes it knows nothing but names: which files may be
// such logs, and which server wrote one. All that there is to say of a format
// is in formats. What a line says is a client's text: no field is longer than
// its line, no line longer than MaxLine, and what cannot be read is counted, by
// kind and with the place of the first.
//
// Most lines of a log lie outside the times that are asked for. They cost no
// more than finding their end and reading their stamp, but for those of a day
// around these times, whose requests may have run into them: of the W3C format
// a look at their duration, of other logs with durations the whole line.
//
// Sources: W3C, "Extended Log File Format" (WD-logfile-960323); Microsoft, "IIS
// Log File Formats", "Error logging in HTTP APIs" and "Types of Errors Logged
// by the HTTP Server API"; Apache, "Log Files" and mod_log_config; Tomcat,
// "Access Log Valve"; nginx, ngx_http_log_module; Jetty, CustomRequestLog;
// Atlassian, access logs of Confluence and Jira.
package weblog

import (
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"webshellscan/scan/event"
)

// Unknown stands for a duration that is not logged.
const Unknown event.Time = -1

// Stamp is what the time of a line stands for.
type Stamp uint8

// What stamps are: when the request began, when it ended, or one of these, but
// nothing says which.
const (
	StampBegin Stamp = iota
	StampEnd
	StampEither
)

// Request is one request as a log has it.
type Request struct {
	// Time is the request's stamp, in UTC, and Stamp what that is.
	Time  event.Time
	Stamp Stamp
	// Duration is how long the request took, Unknown if that is not logged.
	Duration event.Time

	Method, URI, Query string
	// Parameters are those of the path's segments, which URI is without:
	// ";jsessionid=1".
	Parameters string
	Status     int
	// Client is the address that the request came from, ForwardedFor whom a
	// proxy names.
	Client, ForwardedFor     string
	User, UserAgent, Referer string
	// Host is the header's, Site the site's name or number as the log has
	// it, Pool the application pool, and Reason why HTTP.sys ended the
	// request; these two are in its own log only.
	Host, Site, Pool, Reason string
	ServerIP, Computer       string

	// Offset is where the line begins, in bytes from the start of the text;
	// Line counts lines from 1.
	Offset int64
	Line   int
}

// assumedDuration is how long a request is taken to have run whose duration is
// not logged.
const assumedDuration = event.Minute

// tolerance is by how much a stamp may be off: most logs have whole seconds.
const tolerance = event.Second

// Span returns the time in which the request may have run: from its duration
// or, if that is not logged, as if it had taken a minute.
func (r *Request) Span() (from, to event.Time) {
	d := r.Duration
	if d == Unknown {
		d = assumedDuration
	}
	from, to = r.Time, r.Time+tolerance
	if r.Stamp != StampEnd {
		to += d
	}
	if r.Stamp != StampBegin {
		from -= d + tolerance
	}
	return from, to
}

// Page returns the request's path as paths of pages are compared: in lower
// case, percent-encoding decoded once, without parameters of path segments. IIS
// and Windows compare so; a log of another server may hold two pages that are
// then taken for one.
func (r *Request) Page() string { return Page(r.URI) }

// Page is Request.Page of a path.
func Page(uri string) string {
	page, _ := cutParameters(strings.ToLower(decodePercent(uri)))
	return page
}

// cutParameters divides a path from the parameters of its segments, each a name
// with a value, as in ;jsessionid=1. A semicolon without them is part of a
// file's name: IIS 6 ran x.asp;.jpg as a page.
func cutParameters(uri string) (page, parameters string) {
	if strings.IndexByte(uri, ';') < 0 {
		return uri, ""
	}
	var kept, cut strings.Builder
	for rest := uri; rest != ""; {
		i := strings.IndexByte(rest, ';')
		if i < 0 {
			kept.WriteString(rest)
			break
		}
		kept.WriteString(rest[:i])
		end := len(rest)
		if n := strings.IndexAny(rest[i+1:], ";/"); n >= 0 {
			end = i + 1 + n
		}
		if strings.IndexByte(rest[i:end], '=') > 1 {
			cut.WriteString(rest[i:end])
		} else {
			kept.WriteString(rest[i:end])
		}
		rest = rest[end:]
	}
	return kept.String(), cut.String()
}

// reached are the reasons of HTTP.sys for requests that a worker process had:
// it died or gave them up, the client went away before the answer, or the
// answer took too long or went too slowly.
var reached = []string{
	"Connection_Abandoned_By_AppPool", "Connection_Abandoned_By_ReqQueue", "Connection_Dropped", "Connection_Dropped_List_Full", "Request_Cancelled",
	"Timer_MinBytesPerSecond", "Timer_Response",
}

// ReachedServer reports whether a server had the request. Of those that only
// the log of HTTP.sys has, most were refused, or died in a queue.
func (r *Request) ReachedServer() bool {
	return r.Pool == "" && r.Reason == "" || slices.Contains(reached, r.Reason)
}

// staticEndings are the endings of files that web servers send as they are.
var staticEndings = []string{
	".css", ".js", ".png", ".jpg", ".jpeg", ".gif", ".ico", ".svg", ".woff", ".woff2", ".ttf", ".eot", ".map", ".txt", ".html", ".htm", ".webp", ".mp4", ".pdf",
}

// IsStatic reports whether a request asks for a file that web servers send as
// it is, as far as its name shows it. One with a body asks for more than that:
// a server may be told to run what is called a picture. What stands behind a
// semicolon is not the file's ending to a server.
func (r *Request) IsStatic() bool {
	name, _, _ := strings.Cut(r.URI[strings.LastIndexByte(r.URI, '/')+1:], ";")
	return !r.HasBody() && slices.Contains(staticEndings, strings.ToLower(path.Ext(name)))
}

// HasBody reports whether requests of its method have a body.
func (r *Request) HasBody() bool {
	return r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH"
}

// decodePercent decodes each %XX of ASCII once.
func decodePercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			var c [1]byte
			if _, err := hex.Decode(c[:], []byte(s[i+1:i+3])); err == nil && c[0] >= 0x20 && c[0] < 0x7F {
				b.WriteByte(c[0])
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
