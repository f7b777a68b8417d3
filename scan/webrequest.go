package scan

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// Bounds of what web logs give of a session.
const (
	maxRequests  = 5_000 // that are shown
	maxEntries   = 20
	maxVisits    = 2_000_000
	maxEntryList = 64 // clients, user agents and statuses of an entry point
)

// caller is a session as its web requests are looked for.
type caller struct {
	session *finding.Session
	host    int
	pool    string
	iis     bool
	server  weblog.Server // that its image shows
	// fronted says that its own server has no log of the time, so that
	// those of the IIS of its host are asked, which may hand requests on;
	// apart that it has logs all the same.
	fronted, apart bool
	children       []story.Child
	started        []proctree.Process // by index of children
	siteIDs        map[string]bool    // sites that events say its process serves; nil if none do

	pages, clients numbering
	own            map[int]bool // clients that are the server itself
	peers          *peers       // of its host
	names          [][]string   // by page: the last part of its path as logs spell it
	visits         []story.Visit
	from, to       event.Time
	points         []entryPoint
	ranked         []story.Entry // all pages whose requests coincide with children
	addresses      map[string]bool
	kept           [requestKinds][]*finding.Request // in the order of the logs
	omitted        int                              // requests that are not shown, beyond maxRequests
	uncounted      int                              // those that are not counted, beyond maxVisits
}

// numbering numbers texts.
type numbering struct {
	ids   map[string]int
	texts []string
}

func (n *numbering) id(text string) int {
	if id, ok := n.ids[text]; ok {
		return id
	}
	if n.ids == nil {
		n.ids = make(map[string]int)
	}
	n.ids[text] = len(n.texts)
	n.texts = append(n.texts, text)
	return len(n.texts) - 1
}

// newCaller returns a session with the processes that its servers started.
func (res *Result) newCaller(s *finding.Session, below []proctree.Process) *caller {
	image := proctree.BaseName(res.Forest.Texts().Text(s.Worker.Image()))
	c := &caller{
		session: s, host: lastName(res.web.renamed, s.Worker.HostIndex()), pool: s.Application, addresses: make(map[string]bool), own: make(map[int]bool),
		iis: image == proctree.PoolWorker || image == "" && s.Application != "", server: weblog.ServerOfProgram(image), // without an image its pool says it
	}
	found := make(map[proctree.Process]bool, len(s.Findings))
	for _, f := range s.Findings {
		found[f.Process] = true
	}
	for _, p := range below {
		parent, _ := p.Parent()
		direct := parent == s.Worker || parent.Exists() && res.servers.serverOf(parent).kind == finding.ServerWeb
		if !direct || res.servers.serverOf(p).kind == finding.ServerWeb || p.Start() == 0 {
			continue
		}
		c.children = append(c.children, story.Child{Begin: p.Start(), Finding: found[p] || hasFindingBelow(p, found, 0)})
		c.started = append(c.started, p)
	}
	return c
}

// serverOf returns which server wrote a log whose path does not say it: the one
// that all sessions of its host with such logs are of.
func serverOf(callers []*caller) weblog.Server {
	server := weblog.ServerUnknown
	for _, c := range callers {
		if c.iis {
			continue
		}
		if server != weblog.ServerUnknown && server != c.server || c.server == weblog.ServerUnknown {
			return weblog.ServerUnknown
		}
		server = c.server
	}
	return server
}

// maxFindingDepth bounds how far below a child a finding is looked for.
const maxFindingDepth = 8

// hasFindingBelow reports whether something below a process is a finding.
func hasFindingBelow(p proctree.Process, found map[proctree.Process]bool, depth int) bool {
	if depth == maxFindingDepth {
		return false
	}
	for child := range p.Children() {
		if found[child] || hasFindingBelow(child, found, depth+1) {
			return true
		}
	}
	return false
}

// Times around a child in which requests matter: those before tell what is
// usual, and one that ran when the child began may have ended much later.
const (
	requestsBefore = 6 * event.Minute
	requestsAfter  = 30 * event.Minute
)

// window returns the times around the children of some callers.
func window(callers []*caller) weblog.Window {
	var list []weblog.Interval
	for _, c := range callers {
		for _, child := range c.children {
			list = append(list, weblog.Interval{From: child.Begin - requestsBefore, To: child.Begin + requestsAfter})
		}
	}
	return weblog.NewWindow(list)
}

// reads reports whether the requests of a log may be of a session's server.
func (c *caller) reads(l *webLog) bool { return c.iis == l.ofIIS() || c.fronted && l.ofIIS() }

// serves reports whether a request of a log may have been answered by the
// session's server process.
func (w *webLogs) serves(c *caller, l *webLog, r *weblog.Request) bool {
	if !c.reads(l) || !r.ReachedServer() {
		return false
	}
	if !c.iis {
		return true
	}
	if r.Pool != "" && c.pool != "" {
		return strings.EqualFold(r.Pool, c.pool)
	}
	id := weblog.SiteNumber(cmp.Or(l.site, r.Site), w.sites[c.host])
	if len(c.siteIDs) > 0 && id != "" {
		return c.siteIDs[id]
	}
	site := w.sites[c.host][id]
	if site == nil || c.pool == "" {
		return true
	}
	return strings.EqualFold(site.PoolOf(r.URI), c.pool)
}

// tellRequests finds the web requests of sessions, and explains those asked
// for.
func (res *Result) tellRequests(ctx context.Context, sites []map[string]bool, p *storyPass, asked []RequestRef) {
	w := res.web
	logs := append(slices.Clone(w.logs), w.eventLogs(p, res.hostNumbers())...)
	byHost := make(map[int][]*caller)
	var callers []*caller
	for i, s := range res.Sessions {
		if s.ServerRole == finding.ServerOther {
			continue
		}
		c := res.newCaller(s, p.below[i])
		c.siteIDs = sites[i]
		if c.peers = res.web.peers[c.host]; c.peers == nil {
			c.peers = new(peers)
			res.web.peers[c.host] = c.peers
		}
		byHost[c.host] = append(byHost[c.host], c)
		callers = append(callers, c)
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
	res.explainRequests(ctx, asked, byHost)
	for _, c := range callers {
		res.Requests = append(res.Requests, c.finish()...)
	}
}

// visitAll reads a log for the requests around the processes of sessions of its
// host.
func (w *webLogs) visitAll(ctx context.Context, l *webLog, callers []*caller) {
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
			callers[0].peers.note(r)
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
func (w *webLogs) visitFronts(ctx context.Context, logs []*webLog, byHost map[int][]*caller) {
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

// covered reports whether a log of its own covers when one of the processes
// began.
func (c *caller) covered() bool {
	return slices.ContainsFunc(c.children, func(child story.Child) bool { return child.Begin >= c.from && child.Begin <= c.to })
}

// cover notes which times a log covers.
func (c *caller) cover(l *webLog) {
	if l.stats.First == 0 || !c.reads(l) {
		return
	}
	if c.from == 0 || l.stats.First < c.from {
		c.from = l.stats.First
	}
	c.to = max(c.to, l.stats.Last)
}

// siteOf returns the number of the site of a request, or its name.
func (l *webLog) siteOf(r *weblog.Request) string {
	return cmp.Or(l.site, weblog.SiteNumber(r.Site, nil), r.Site)
}

// pageKey is how a page is told apart: by its site and path.
func (l *webLog) pageKey(r *weblog.Request) string { return l.siteOf(r) + " " + r.Page() }

// visit counts a request for the callers that it may be of.
func (w *webLogs) visit(callers []*caller, l *webLog, r *weblog.Request) {
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
		if isServer(r.Client, r) {
			c.own[client] = true
		}
		c.visits = append(c.visits, story.Visit{
			Page: page, Client: client, From: from, To: to, Post: r.HasBody(), Static: r.IsStatic(),
		})
	}
}

// maxSpellings bounds the spellings of a page's name that are looked for.
const maxSpellings = 8

// spell notes how a request spells the last part of its page's path, up to
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

// collect takes a request of an entry point, or of one of its clients: that may
// be of another site or pool of the host.
func (w *webLogs) collect(callers []*caller, l *webLog, r *weblog.Request) {
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
			p.note(q, l)
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

// processesOf returns the direct children that began while a request may have
// run.
func (c *caller) processesOf(r *weblog.Request) []proctree.Process {
	var list []proctree.Process
	from, to := r.Span()
	for i, child := range c.children {
		if child.Begin >= from && child.Begin <= to {
			list = append(list, c.started[i])
		}
	}
	return list
}

// note counts a request of the entry point.
func (p entryPoint) note(r *finding.Request, l *webLog) {
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
