package webrequest

import (
	"cmp"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// entryPoint is an entry point of a session, and the page that it is.
type entryPoint struct {
	*finding.EntryPoint
	page  string
	names []string // the last part of its path as logs spell it
}

// beginsOfOthers returns when the children of all callers but one began that
// the same logs are of, ascending.
func beginsOfOthers(callers []*caller, but *caller) []event.Time {
	var list []event.Time
	for _, c := range callers {
		if c == but || c.iis != but.iis {
			continue
		}
		for _, child := range c.children {
			list = append(list, child.Begin)
		}
	}
	slices.Sort(list)
	return list
}

// rank finds the entry points among the pages. others are when children of
// other servers began that the same logs are of.
func (c *caller) rank(others []event.Time) {
	if len(c.children) == 0 || len(c.visits) == 0 {
		return
	}
	c.ranked = story.Rank(c.children, others, c.visits, c.from, c.to)
	for _, e := range c.ranked {
		if c.apart {
			e.Confidence = min(e.Confidence, story.ConfidencePossible) // it may not be behind that IIS
		}
		if e.Confidence == story.ConfidenceNone || len(c.points) == maxEntries {
			break
		}
		c.points = append(c.points, entryPoint{&finding.EntryPoint{
			Coinciding: e.Coinciding, Processes: len(e.Explained), OfProcesses: e.Covered, ByChance: e.ByChance, Confidence: e.Confidence,
		}, c.pages.texts[e.Page], c.names[e.Page]})
		if e.Confidence == story.ConfidenceLikely {
			for i := range c.visits {
				if v := &c.visits[i]; v.Page == e.Page && !c.own[v.Client] && len(c.addresses) < maxEntryList {
					c.addresses[c.clients.texts[v.Client]] = true
				}
			}
		}
	}
	c.visits = nil
}

// literals are what the lines hold that are of interest: the last part of a
// page's path (which is empty of a folder, so that every line holds it), or a
// client's address.
func literals(callers []*caller) [][]byte {
	var list [][]byte
	for _, c := range callers {
		for _, p := range c.points {
			for _, name := range p.names {
				list = append(list, []byte(name))
			}
		}
		for address := range c.addresses {
			list = append(list, []byte(address))
		}
	}
	return list
}

// collect keeps a request of an entry point, or of one of its clients: that may
// be of another site or pool of the host.
func (w *Logs) collect(callers []*caller, l *log, r *weblog.Request) {
	for _, c := range callers {
		i := -1
		if w.serves(c, l, r) {
			key := l.pageKey(r)
			i = slices.IndexFunc(c.points, func(p entryPoint) bool { return p.page == key })
		}
		client := c.peers.clientOf(r)
		if i < 0 && (!c.addresses[client] || !r.ReachedServer()) {
			continue
		}
		r.Site = cmp.Or(r.Site, l.site)
		q := &finding.Request{Request: *r, From: client, Host: c.session.Host, Session: c.session, File: l.Path, Origin: l.Origin}
		if i >= 0 {
			p := c.points[i]
			p.add(q, l)
			q.Confidence = p.Confidence
			q.Processes = c.processesOf(r)
			q.Entry = true
		}
		c.keep(q)
	}
}

// requestKind is how much a request says of a session: the less, the more.
type requestKind uint8

const (
	requestOfChild requestKind = iota // a process began while it ran
	requestOfEntry                    // of an entry point
	requestOfClient
	requestKinds
)

// keep keeps a request, of each kind as many as are shown: a client that asks
// for thousands of pages must not push out those that started processes.
func (c *caller) keep(q *finding.Request) {
	kind := requestOfClient
	switch {
	case len(q.Processes) > 0:
		kind = requestOfChild
	case q.Entry:
		kind = requestOfEntry
	}
	if len(c.kept[kind]) >= maxRequests {
		c.omitted++
		return
	}
	c.kept[kind] = append(c.kept[kind], q)
}

// requests returns the requests that are shown, in the order of time.
func (c *caller) requests() []*finding.Request {
	list := slices.Concat(c.kept[:]...)
	if over := len(list) - maxRequests; over > 0 {
		c.omitted += over
		list = list[:maxRequests]
	}
	slices.SortFunc(list, func(a, b *finding.Request) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), source.ComparePaths(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
	})
	return list
}

// add counts a request of the entry point.
func (p entryPoint) add(r *finding.Request, l *log) {
	p.Requests++
	if p.URI == "" {
		p.URI, p.Site = r.URI, cmp.Or(r.Site, l.site)
	}
	if p.First == 0 || r.Time < p.First {
		p.First = r.Time
	}
	p.Last = max(p.Last, r.Time)
	p.Methods = listed(p.Methods, r.Method)
	p.Clients = listed(p.Clients, r.From)
	if r.From != r.Client {
		p.Proxies = listed(p.Proxies, r.Client)
	} else {
		p.Claimed = listed(p.Claimed, claimOf(&r.Request))
	}
	p.UserAgents = listed(p.UserAgents, r.UserAgent)
	p.Statuses = listed(p.Statuses, r.Status)
}

// listed adds a value to a list, each once.
func listed[T comparable](list []T, value T) []T {
	var zero T
	if value == zero || len(list) >= maxEntryList || slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}

// finish puts what was found into the session, and returns its requests in the
// order of time.
func (c *caller) finish() []*finding.Request {
	for _, p := range c.points {
		slices.Sort(p.Methods)
		slices.Sort(p.Clients)
		slices.Sort(p.Proxies)
		slices.Sort(p.Claimed)
		slices.Sort(p.UserAgents)
		slices.Sort(p.Statuses)
		if p.Requests > 0 {
			c.session.EntryPoints = append(c.session.EntryPoints, p.EntryPoint)
		}
	}
	c.session.Requests = c.requests()
	c.session.RequestsOmitted, c.session.RequestsUncounted = c.omitted, c.uncounted
	return c.session.Requests
}
