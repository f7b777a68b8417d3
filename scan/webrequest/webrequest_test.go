package webrequest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// TestGivenHost: which host the user said a file is of.
func TestGivenHost(t *testing.T) {
	given := map[string]string{"logs/a": "A", "logs/a/b/": "B", `win\c`: "C", "case.zip": "Z", "case.zip!x": "X", "/abs/d.log": "D"}
	tests := []struct{ file, want string }{
		{"logs/a/u.log", "A"},
		{"./logs/a/u.log", "A"},
		{"logs/a/b/u.log", "B"},
		{"logs/ab/u.log", ""},
		{"logs/u.log", ""},
		{"win/c/u.log", "C"},
		{"case.zip!y/u.log", "Z"},
		{"case.zip!x/u.log", "X"},
		{"case.zipper/u.log", ""},
		{"/abs/d.log", "D"},
	}
	for _, tt := range tests {
		if got, ok := givenHost(tt.file, given); got != tt.want || ok != (tt.want != "") {
			t.Errorf("givenHost(%q) = %q, %v, want %q", tt.file, got, ok, tt.want)
		}
	}
}

var errGone = errors.New("gone")

// TestWebLogLost: of a log or configuration of a web server that cannot be read
// to its end the error is told.
func TestWebLogLost(t *testing.T) {
	in := source.Input{Path: "access.log"}.From(func() (*source.File, error) {
		return source.NewFile(strings.NewReader("x"), 1, nil, func() error { return errGone }), nil
	})
	l := &log{Input: in}
	if _, err := l.look(); !errors.Is(err, errGone) {
		t.Errorf("look: %v", err)
	}
	if l.scan(t.Context(), weblog.Reader{}, false, nil); !errors.Is(l.err, errGone) {
		t.Errorf("scan: %v", l.err)
	}
	w := New(nil, false)
	w.readConfig(in, 0)
	w.readConfig(source.Input{}.From(func() (*source.File, error) { return nil, errGone }), 0)
	if len(w.Failed()) != 2 {
		t.Errorf("configurations: %v", w.failed)
	}
}

// TestEntryAddresses: whose requests are shown beside those of an entry point
// is bounded, and the server itself is nobody.
func TestEntryAddresses(t *testing.T) {
	c := &caller{addresses: make(map[string]bool), own: map[int]bool{0: true}, to: 1000 * event.Hour, names: [][]string{{"a.aspx"}}}
	c.pages.id("/a.aspx")
	for i := range maxEntryList + 6 {
		at := event.Time(1+i) * event.Hour
		c.clients.id(fmt.Sprint("client ", i))
		c.children = append(c.children, story.Child{Begin: at, Finding: true})
		c.visits = append(c.visits, story.Visit{Client: i, From: at - event.Second, To: at + event.Second})
	}
	c.rank(nil)
	if len(c.addresses) != maxEntryList || c.addresses["client 0"] {
		t.Errorf("%d addresses, want %d; that of the server is among them: %v", len(c.addresses), maxEntryList, c.addresses["client 0"])
	}
}

// TestServes: what HTTP.sys writes of a pool is no request of a site, and a log
// of another server is not that of IIS.
func TestServes(t *testing.T) {
	w := New(nil, false)
	iis, other := &caller{iis: true}, &caller{}
	for _, tt := range []struct {
		name string
		c    *caller
		l    *log
		r    *weblog.Request
		want bool
	}{
		{"IIS, its own format", iis, &log{format: weblog.W3C, site: "1"}, &weblog.Request{}, true},
		{"IIS, what its worker had by HTTP.sys", iis, &log{format: weblog.W3C}, &weblog.Request{Pool: "shop", Reason: "Timer_Response"}, true},
		{"IIS, an error of HTTP.sys", iis, &log{format: weblog.W3C, site: "1"}, &weblog.Request{Pool: "shop"}, false},
		{"IIS, the format of others, of a site", iis, &log{format: weblog.NCSA, site: "1"}, &weblog.Request{}, true},
		{"IIS, the format of others", iis, &log{format: weblog.NCSA}, &weblog.Request{}, false},
		{"another server, its format", other, &log{format: weblog.NCSA}, &weblog.Request{}, true},
		{"another server, a site of IIS", other, &log{format: weblog.NCSA, site: "1"}, &weblog.Request{}, false},
		{"another server, the format of IIS", other, &log{format: weblog.W3C}, &weblog.Request{}, false},
		{"another server, the extended format", other, &log{format: weblog.W3C, server: weblog.ServerTomcat}, &weblog.Request{}, true},
		{"behind IIS, the format of IIS", &caller{fronted: true}, &log{format: weblog.W3C}, &weblog.Request{}, true},
	} {
		if got := w.serves(tt.c, tt.l, tt.r); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestEntryPointNotes: what the requests of an entry point were is listed once
// each, in order, up to a bound.
func TestEntryPointNotes(t *testing.T) {
	p := entryPoint{EntryPoint: new(finding.EntryPoint)}
	for i := range maxEntryList + 5 {
		for _, method := range []string{"POST", "GET", "POST"} {
			client := fmt.Sprintf("10.0.0.%d", i)
			p.add(&finding.Request{Request: weblog.Request{Method: method, Client: client, Time: event.Time(1000 - i), Status: 200}, From: client}, &log{})
		}
	}
	if p.Requests != 3*(maxEntryList+5) || len(p.Clients) != maxEntryList || len(p.Methods) != 2 || len(p.Statuses) != 1 {
		t.Errorf("%d requests, %d clients, methods %v, statuses %v", p.Requests, len(p.Clients), p.Methods, p.Statuses)
	}
	c := &caller{session: new(finding.Session), points: []entryPoint{{EntryPoint: new(finding.EntryPoint)}, p}}
	c.finish()
	if list := c.session.EntryPoints; len(list) != 1 || !slices.Equal(list[0].Methods, []string{"GET", "POST"}) || !slices.IsSorted(list[0].Clients) {
		t.Errorf("entry points %+v", list)
	}
	if p.Last != 1000 || p.First != 1000-maxEntryList-4 {
		t.Errorf("requests from %d to %d", p.First, p.Last)
	}
}

// TestRequestsKept: what a client asked for besides leaves the requests that
// started processes, and then those of entry points.
func TestRequestsKept(t *testing.T) {
	c := new(caller)
	add := func(n int, at event.Time, q finding.Request) {
		for i := range n {
			r := q
			r.Time = at + event.Time(i)
			c.keep(&r)
		}
	}
	add(maxRequests+7, 0, finding.Request{})
	add(10, 1<<40, finding.Request{Entry: true})
	add(3, 1<<41, finding.Request{Entry: true, Processes: make([]proctree.Process, 1)})
	list := c.requests()
	entries, started := 0, 0
	for i, q := range list {
		if i > 0 && q.Time < list[i-1].Time {
			t.Fatalf("request %d is out of order", i)
		}
		if q.Entry {
			entries++
		}
		started += len(q.Processes)
	}
	if len(list) != maxRequests || entries != 13 || started != 3 || c.omitted != 20 {
		t.Errorf("%d requests, %d of entry points, %d processes, %d left out", len(list), entries, started, c.omitted)
	}
}
