package webrequest

import (
	"context"
	"slices"
	"strings"

	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// Query is for which sessions requests are wanted.
type Query struct {
	Sessions []Session
	// IsServer reports whether a process is a web server.
	IsServer func(proctree.Process) bool
	// Events are the event logs, which may have requests.
	Events []EventLog
	// Explain are the requests to explain.
	Explain []Ref
}

// Find finds the requests of sessions and puts them, with the entry points that
// they show, into the sessions. It returns all of them, and explains those that
// are asked for.
func (w *Logs) Find(ctx context.Context, q *Query) ([]*finding.Request, []Explanation) {
	logs := append(slices.Clone(w.logs), w.eventLogs(q.Events)...)
	callers := w.callers(q)
	byHost := make(map[int][]*caller)
	for _, c := range callers {
		byHost[c.host] = append(byHost[c.host], c)
	}
	for _, l := range logs {
		if list := byHost[l.host]; l.server == weblog.ServerUnknown && l.format.NeedsServer() && l.site == "" {
			l.server = serverOf(list)
		}
		w.visitAll(ctx, l, byHost[l.host])
	}
	w.visitFronts(ctx, logs, byHost)
	for _, c := range callers {
		c.resolve()
		c.rank(beginsOfOthers(byHost[c.host], c))
	}
	for _, l := range logs {
		list := slices.DeleteFunc(slices.Clone(byHost[l.host]), func(c *caller) bool { return len(c.points) == 0 })
		if l.host >= 0 && l.err == nil && len(list) > 0 {
			l.scan(ctx, weblog.Reader{Literals: literals(list)}, w.hash, func(r *weblog.Request) {
				if !w.logged(l, r) {
					w.collect(list, l, r)
				}
			})
		}
	}
	explained := w.explainAll(ctx, logs, q.Explain, byHost)
	var requests []*finding.Request
	for _, c := range callers {
		requests = append(requests, c.finish()...)
	}
	return requests, explained
}

// callers returns the sessions that may have web requests.
func (w *Logs) callers(q *Query) []*caller {
	var list []*caller
	for _, s := range q.Sessions {
		if s.ServerRole == finding.ServerOther {
			continue
		}
		c := w.newCaller(s, q.IsServer)
		if c.peers = w.peers[c.host]; c.peers == nil {
			c.peers = new(peers)
			w.peers[c.host] = c.peers
		}
		list = append(list, c)
	}
	return list
}

// visitAll reads a log for the requests around the processes of sessions of its
// host.
func (w *Logs) visitAll(ctx context.Context, l *log, callers []*caller) {
	if l.host < 0 || l.err != nil || len(callers) == 0 {
		return
	}
	first := !l.noted
	l.noted = true
	l.scan(ctx, weblog.Reader{Window: window(callers)}, w.hash, func(r *weblog.Request) {
		if w.logged(l, r) {
			return
		}
		if first {
			callers[0].peers.count(r)
		}
		w.visit(callers, l, r)
	})
	for _, c := range callers {
		c.cover(l)
	}
}

// visitFronts reads the logs of IIS once more for sessions of other servers of
// the host which no log of their own covers: they may stand behind it, as
// Tomcat does by isapi_redirect, ARR or HttpPlatformHandler.
func (w *Logs) visitFronts(ctx context.Context, logs []*log, byHost map[int][]*caller) {
	fronted := make(map[int][]*caller)
	for host, callers := range byHost {
		for _, c := range callers {
			if !c.iis && !c.covered() {
				c.fronted, c.apart = true, c.to != 0
				fronted[host] = append(fronted[host], c)
			}
		}
	}
	for _, l := range logs {
		if l.ofIIS() {
			w.visitAll(ctx, l, fronted[l.host])
		}
	}
}

// visit counts a request for the callers that it may be of.
func (w *Logs) visit(callers []*caller, l *log, r *weblog.Request) {
	for _, c := range callers {
		if !w.serves(c, l, r) {
			continue
		}
		if len(c.visits) >= maxVisits {
			c.uncounted++
			continue
		}
		from, to := r.Span()
		page := c.pages.id(l.pageKey(r))
		c.spell(page, r.URI)
		client := c.clients.id(r.Client + " " + claimOf(r))
		if isOwn(r.Client, r) {
			c.own[client] = true
		}
		c.visits = append(c.visits, story.Visit{
			Page: page, Client: client, From: from, To: to, Post: r.HasBody(), Static: r.IsStatic(),
		})
	}
}

// maxSpellings bounds the spellings of a page's name that are looked for.
const maxSpellings = 8

// spell adds how a request spells the last part of its page's path, up to
// parameters: letters may be encoded in any way. Beyond so many spellings, any
// line may hold one.
func (c *caller) spell(page int, uri string) {
	for len(c.names) <= page {
		c.names = append(c.names, nil)
	}
	name, _, _ := strings.Cut(uri[strings.LastIndexByte(uri, '/')+1:], ";")
	name = lowerASCII(name)
	switch n := len(c.names[page]); {
	case n > maxSpellings || slices.Contains(c.names[page], name):
	case n == maxSpellings:
		c.names[page] = append(c.names[page], "")
	default:
		c.names[page] = append(c.names[page], name)
	}
}

// lowerASCII returns a text as the lines that are searched are folded.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r | 0x20
		}
		return r
	}, s)
}
