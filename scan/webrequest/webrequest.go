// Package webrequest ties the requests in the logs of web servers to sessions:
// by which pages the intruder's processes came about, what else was asked of
// these pages, and what else their clients asked for.
//
// It finds whose a log is by the names in its lines, by what the user says, and
// by the event logs that lie beside it; which process may have answered a
// request by the log's format, site and pool; and whom a request behind proxies
// is of. How lines are read is for weblog, what coincidence means for story;
// which processes are servers, and which sessions there are, the caller says,
// who also reads event logs again for the requests that IIS writes as events.
// What a line says is a client's text: what is kept of it is bounded.
//
// Make Logs of a forest, AddEventLogs, Add the files of web servers, and Find
// the requests of the sessions; Reports say of each log what was read of it.
// Logs are for one goroutine.
package webrequest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// Logs are the logs of web servers of a scan, and what says which pool serves
// which site.
type Logs struct {
	forest *proctree.Forest
	hash   bool // take the hashes of those that are read
	logs   []*log
	sites  map[int]map[string]*weblog.Site // by host and number
	roots  map[int]map[string]bool         // by host: folders that sites show
	owners *folderOwners
	peers  map[int]*peers // by host
	failed []source.Skipped
}

// New returns the web logs of a scan, none yet. hash says that what is read is
// hashed.
func New(forest *proctree.Forest, hash bool) *Logs {
	return &Logs{
		forest: forest, hash: hash, sites: make(map[int]map[string]*weblog.Site), roots: make(map[int]map[string]bool),
		owners: newOwners(), peers: make(map[int]*peers),
	}
}

// EventLog is what there is to know of an event log.
type EventLog struct {
	Path   string
	Origin *source.Origin
	// Stats has the names of its computers, and when each wrote to which
	// channel.
	Stats *evtx.Stats
	// Own is set if, as far as its form shows, the machine that wrote a
	// record wrote it here: no export is such, and no collector's log.
	Own bool
	// Read calls do for its events of a selection; nil if it cannot be
	// read again.
	Read func(ctx context.Context, want event.Want, do func(*event.Event))
}

// File is a log or a configuration of a web server.
type File struct {
	source.Input
	// Cut is set if no more than its beginning is there.
	Cut bool
}

// Add looks at the files of web servers that were found. given says of paths of
// which host they are.
func (w *Logs) Add(files []File, given map[string]string) {
	for _, in := range files {
		switch in.Kind {
		case source.KindWebLog:
			l := w.newLog(in.Input, given)
			l.cut = in.Cut
			w.logs = append(w.logs, l)
		case source.KindAppHostConfig:
			if host := w.owners.of(in.Path); host >= 0 {
				w.readConfig(in.Input, host)
			}
		}
	}
	slices.SortStableFunc(w.logs, func(a, b *log) int { return source.ComparePaths(a.Path, b.Path) })
}

// WebRoot returns the innermost folder around a file of a host that a site of
// its IIS shows, by the configuration, in lower case; "" if there is none.
// Goroutines may share it once Add has returned.
func (w *Logs) WebRoot(host int, file string) string {
	roots := w.roots[host]
	if len(roots) == 0 {
		return ""
	}
	// What lies deeper than the longest root is not looked up: a path of
	// 32,767 separators would cost as many times its length.
	folder := strings.ToLower(strings.ReplaceAll(file, "/", `\`))
	folder = folder[:min(len(folder), weblog.MaxRoot+1)]
	for {
		end := strings.LastIndexByte(folder, '\\')
		if end < 0 {
			return ""
		}
		if folder = folder[:end]; roots[folder] {
			return folder
		}
	}
}

// HostOf returns the host that a log is of, -1 if nothing says it, and the size
// of the log.
func (w *Logs) HostOf(in source.Input) (host int, size int64) {
	l := w.newLog(in, nil)
	return l.host, l.Size
}

// Missed reports whether more of a host's logs was asked for than is there.
func (w *Logs) Missed(host int) bool {
	return slices.ContainsFunc(w.logs, func(l *log) bool { return l.missed && l.host == host })
}

// Failed returns the configurations that could not be read, and why.
func (w *Logs) Failed() []source.Skipped { return w.failed }

// Report is what was read of one log.
type Report struct {
	source.Input
	// Host is whose log it is, "" if nothing says so.
	Host string
	// Known is set if its lines have a known form.
	Known bool
	// Read is set if it was read. Then Lines counts its lines, Bad those of
	// them that are no request, and SHA256 is its hash in hexadecimal
	// digits, if that was asked for.
	Read       bool
	Lines, Bad int
	SHA256     string
	// Missed is set if no more than its beginning is there, but was asked
	// for.
	Missed bool
	// Err is why it could not be read, or what is wrong with it as a
	// member of an archive.
	Err error
	// Notes are what may have cost requests, or put them at wrong times.
	Notes []string
}

// Reports returns what was read of the logs, in the order of their paths. given
// is what Add was given.
func (w *Logs) Reports(given map[string]string) []Report {
	var list []Report
	for _, l := range w.logs {
		host, _ := givenHost(l.Path, given)
		r := Report{
			Input: l.Input, Known: l.format != weblog.None, Read: l.read, Lines: l.stats.Lines, Bad: l.stats.Bad, SHA256: l.sum, Missed: l.missed,
			Err: cmp.Or(l.err, l.fault), Notes: l.notes(host),
		}
		if l.host >= 0 {
			r.Host = w.forest.Hosts()[l.host].Name
		}
		list = append(list, r)
	}
	return list
}

// Wrong returns what of the hosts that are given means nothing: hosts that the
// event logs do not have, and paths without a web log.
func (w *Logs) Wrong(given map[string]string) []string {
	var list []string
	for _, at := range slices.Sorted(maps.Keys(given)) {
		host := given[at]
		if n := len(w.hostsByName(host)); n != 1 {
			what := "no host of these logs is called so"
			if n > 1 {
				what = plural.Count(n, "host") + " of these logs are called so"
			}
			list = append(list, host+"="+at+": "+what)
			continue
		}
		only := map[string]string{at: host}
		if !slices.ContainsFunc(w.logs, func(l *log) bool { _, ok := givenHost(l.Path, only); return ok }) {
			list = append(list, host+"="+at+": no web log was found there")
		}
	}
	return list
}
