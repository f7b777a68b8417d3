package webrequest

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
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

// Session is a session whose requests are looked for.
type Session struct {
	*finding.Session
	// Below are the processes below its server.
	Below []proctree.Process
	// Sites are the numbers of the sites that events say its server serves;
	// nil if none does.
	Sites map[string]bool
}

// caller is a session as its web requests are looked for.
type caller struct {
	session *finding.Session
	host    int
	pool    string
	iis     bool
	server  weblog.Server // that its image shows
	// fronted is set if its own server has no log of the time, so that
	// those of the IIS of its host are read, which may hand requests on;
	// apart if it has logs all the same.
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
func (w *Logs) newCaller(s Session, isServer func(proctree.Process) bool) *caller {
	image := proctree.BaseName(w.forest.Texts().Text(s.Worker.Image()))
	c := &caller{
		session: s.Session, siteIDs: s.Sites, host: w.owners.machine(s.Worker.HostIndex()), pool: s.Application, addresses: make(map[string]bool), own: make(map[int]bool),
		iis: image == proctree.PoolWorker || image == "" && s.Application != "", server: weblog.ServerOfProgram(image), // without an image its pool says it
	}
	found := make(map[proctree.Process]bool, len(s.Findings))
	for _, f := range s.Findings {
		found[f.Process] = true
	}
	for _, p := range s.Below {
		parent, _ := p.Parent()
		direct := parent == s.Worker || parent.Exists() && isServer(parent)
		if !direct || isServer(p) || p.Start() == 0 {
			continue
		}
		c.children = append(c.children, story.Child{Begin: p.Start(), Finding: found[p] || hasFindingBelow(p, found, 0)})
		c.started = append(c.started, p)
	}
	return c
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

// Times around a child in which requests matter: those before show what is
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

// reads reports whether the requests of a log may be of a session's server.
func (c *caller) reads(l *log) bool { return c.iis == l.ofIIS() || c.fronted && l.ofIIS() }

// serves reports whether a request of a log may have been answered by the
// session's server process.
func (w *Logs) serves(c *caller, l *log, r *weblog.Request) bool {
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

// covered reports whether a log of its own covers when one of the processes
// began.
func (c *caller) covered() bool {
	return slices.ContainsFunc(c.children, func(child story.Child) bool { return child.Begin >= c.from && child.Begin <= c.to })
}

// cover adds the times that a log covers.
func (c *caller) cover(l *log) {
	if l.stats.First == 0 || !c.reads(l) {
		return
	}
	if c.from == 0 || l.stats.First < c.from {
		c.from = l.stats.First
	}
	c.to = max(c.to, l.stats.Last)
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
