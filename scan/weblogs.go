package scan

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/internal/work"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// WebLogSummary says what was read of the logs that web servers write
// themselves.
type WebLogSummary struct {
	// Found counts the web logs of the evidence. Read counts those that
	// were read, which are those of hosts with sessions, and Lines what is
	// in them.
	Found, Read, Lines int
	// Notes says of logs what may have cost requests, or put them at wrong
	// times.
	Notes []FileError
}

// WebLogInput is what a Manifest says of a web log besides.
type WebLogInput struct {
	// Host is whose log it is, "" if nothing says so.
	Host string
	// Lines counts its lines, Bad those of them that are no request; both
	// are 0 if it was not read.
	Lines, Bad int
}

// Why a web log was not read.
var (
	errNoSession = errors.New("not read: its host has no session of a web server")
	errNoHost    = errors.New("not read: nothing says which host it is of")
	errNoFormat  = errors.New("not read: it is called a log of a web server, and its lines have no known form")
)

// webLog is one log of a web server.
type webLog struct {
	source.Input
	format weblog.Format
	server weblog.Server  // by its path, or by what its host runs
	whole  []float64      // durations of its beginning without a unit
	timed  bool           // it has durations
	noted  bool           // its requests count for the peers of its host
	events *requestEvents // where it is an event log, nil else
	host   int            // -1 if nothing says whose it is
	own    string         // the host that it names itself, "" if it names none that is known
	site   string         // by its folder, "" if that says nothing
	read   bool
	stats  weblog.Stats
	sum    string // SHA-256 in hexadecimal digits
	err    error  // why it could not be read
	fault  error  // what is wrong with it as a member of an archive
	cut    bool   // no more than its beginning is there
	missed bool   // more of it was asked for
}

// ofIIS reports whether it is a log of IIS, or of what belongs to it.
func (l *webLog) ofIIS() bool { return l.site != "" || l.format.OfIIS(l.server) }

// webLogs are the logs of web servers of a scan, and what says which pool
// serves which site.
type webLogs struct {
	logs    []*webLog
	sites   map[int]map[string]*weblog.Site // by host and number
	hash    bool                            // take the hashes of those that are read
	renamed map[int]int                     // the later name of hosts that got another one
	peers   map[int]*peers                  // by host

	failed []FileError // configurations that could not be read
}

func newWebLogs() *webLogs {
	return &webLogs{sites: make(map[int]map[string]*weblog.Site), peers: make(map[int]*peers)}
}

// findWebLogs looks at the files of web servers that were found.
func (res *Result) findWebLogs(others []*otherInput, options *Options) {
	if len(others) == 0 {
		return
	}
	w := res.web
	w.hash = options.Hash
	owners := newOwners(res)
	w.renamed = owners.renamed
	for _, in := range others {
		switch in.Kind {
		case source.KindWebLog:
			l := res.newWebLog(in.Input, owners, options.WebLogs)
			l.cut = in.cut
			w.logs = append(w.logs, l)
		case source.KindAppHostConfig:
			if host := owners.of(in.Path); host >= 0 {
				w.readConfig(in.Input, host)
			}
		}
	}
	slices.SortStableFunc(w.logs, func(a, b *webLog) int { return source.ComparePaths(a.Path, b.Path) })
}

// newWebLog looks at the beginning of a log.
func (res *Result) newWebLog(in source.Input, owners *folderOwners, given map[string]string) *webLog {
	l := &webLog{Input: in, host: -1, site: weblog.SiteOf(slashed(in.Path)), server: weblog.ServerOf(slashed(in.Path))}
	stats, err := l.look()
	if l.err = err; err != nil || l.format == weblog.None {
		return l
	}
	named := []int{owners.of(in.Path)} // whom its lines may mean
	for _, name := range stats.Computers[:min(len(stats.Computers), 1)] {
		if named = owners.machines(res.hostsByName(name)); len(named) == 1 {
			l.host, l.own = named[0], name
			return l
		}
	}
	if host, ok := givenHost(in.Path, given); ok {
		if list := owners.machines(res.hostsByName(host)); len(list) == 1 {
			l.host = list[0]
		}
	} else if owner := owners.of(in.Path); slices.Contains(named, owner) {
		l.host = owner
	}
	return l
}

// look reads the beginning of a log for its format and the names of its server.
func (l *webLog) look() (stats weblog.Stats, err error) {
	file, err := l.Open()
	if err != nil {
		return stats, err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	if l.Size < 0 {
		l.Size = file.Size()
	}
	const looked = 64 << 10
	head := make([]byte, min(looked, file.Size()))
	n, err := file.ReadAt(head, 0)
	if head = head[:n]; err != nil && !errors.Is(err, io.EOF) {
		return stats, err
	}
	if l.format, _ = weblog.Detect(head); l.format == weblog.None {
		return stats, nil
	}
	reader := weblog.Reader{Format: l.format, Server: l.server}
	crash := work.Guard(func() {
		stats, err = reader.Read(context.Background(), bytes.NewReader(head), func(*weblog.Request) error { return nil })
	})
	l.whole, l.timed = stats.Whole, stats.Timed
	return stats, cmp.Or(crash, err)
}

// tell tells a reader what is known of the log.
func (l *webLog) tell(reader weblog.Reader) weblog.Reader {
	reader.Format, reader.Server, reader.Unit, reader.Timed = l.format, l.server, weblog.UnitOf(l.server, l.whole), l.timed
	return reader
}

// scan reads a log: the requests of a window, or those whose line holds one of
// some texts. The first reading of a log counts its lines, and hashes it if
// that is asked for.
func (l *webLog) scan(ctx context.Context, reader weblog.Reader, hash bool, do func(*weblog.Request)) {
	if l.events != nil {
		l.events.read(ctx, reader.Window, do)
		return
	}
	if l.cut {
		l.missed = true
		return
	}
	file, err := l.Open()
	if err != nil {
		l.err = err
		return
	}
	defer func() { l.err = cmp.Or(l.err, file.Close()) }()
	reader = l.tell(reader)
	var text io.Reader = io.NewSectionReader(file, 0, file.Size())
	sum := sha256.New()
	if hash && !l.read {
		text = io.TeeReader(text, sum)
	}
	var stats weblog.Stats
	crash := work.Guard(func() {
		stats, err = reader.Read(ctx, text, func(r *weblog.Request) error {
			do(r)
			return nil
		})
	})
	l.err = cmp.Or(crash, err)
	if !l.read {
		l.read, l.stats, l.fault = true, stats, errors.Join(file.Fault(), file.Changed(l.Input))
		if hash && l.err == nil {
			l.sum = hex.EncodeToString(sum.Sum(nil))
		}
	}
}

// notes says what of a log may have cost requests, or put them at wrong times.
func (l *webLog) notes(given string) []string {
	var list []string
	s := &l.stats
	if s.Bad > 0 {
		list = append(list, fmt.Sprintf("not taken for requests: %d of %d lines (the first is line %d)", s.Bad, s.Lines+s.Long, s.FirstBad))
	}
	if s.Backwards > 0 {
		list = append(list, fmt.Sprintf("times run backwards at %s: the clock was set, or lines were added or moved", plural.Count(s.Backwards, "line")))
	}
	if s.LocalTime {
		list = append(list, "its times have no zone and were taken for UTC")
	}
	if l.own != "" && given != "" && !strings.EqualFold(l.own, given) {
		list = append(list, fmt.Sprintf("it names its host itself, %s: that it is of %s was not followed", l.own, given))
	}
	return list
}

// addWebLogs takes the web logs into the summary and the manifest.
func (res *Result) addWebLogs(given map[string]string) {
	s := &res.Summary
	s.WebLogs.Found = len(res.web.logs)
	var nobodys []string
	for _, l := range res.web.logs {
		if l.read {
			s.WebLogs.Read++
			s.WebLogs.Lines += l.stats.Lines
		}
		host, _ := givenHost(l.Path, given)
		for _, note := range l.notes(host) {
			s.WebLogs.Notes = append(s.WebLogs.Notes, FileError{l.Path, errors.New(note)})
		}
		switch err := cmp.Or(l.err, l.fault); {
		case err != nil:
			s.Unreadable = append(s.Unreadable, FileError{l.Path, err})
		case l.format == weblog.None:
			s.WebLogs.Notes = append(s.WebLogs.Notes, FileError{l.Path, errNoFormat})
		case l.host < 0:
			nobodys = append(nobodys, l.Path)
		}
		res.Manifest.Inputs = append(res.Manifest.Inputs, res.webLogInput(l))
	}
	if len(nobodys) > 0 {
		s.Blind = append(s.Blind, Blind{Text: unattributed(nobodys)})
	}
	s.unreadable(res.web.failed...)
	res.Manifest.sort()
}

// webLogInput returns a log as the manifest has it.
func (res *Result) webLogInput(l *webLog) InputFile {
	file := InputFile{Path: l.Path, Size: max(l.Size, 0), SHA256: l.sum, Origin: l.Origin, WebLog: &WebLogInput{Lines: l.stats.Lines, Bad: l.stats.Bad}}
	if l.host >= 0 {
		file.WebLog.Host = res.Forest.Hosts()[l.host].Name
	}
	switch err := cmp.Or(l.err, l.fault); {
	case err != nil:
		file.Error = FileError{l.Path, err}.Reason()
	case l.format == weblog.None:
		file.Error = errNoFormat.Error()
	case l.missed:
		file.Error = errNotHeld.Error()
	case l.host < 0:
		file.Error = errNoHost.Error()
	case !l.read:
		file.Error = errNoSession.Error()
	}
	return file
}

// unattributed says of which web logs nothing tells whose they are.
func unattributed(paths []string) string {
	const why = "requests are tied to no session (--web-log HOST=PATH says whose they are)"
	if len(paths) == 1 {
		return "web log of an unknown host: " + paths[0] + ": its " + why
	}
	return fmt.Sprintf("%d web logs of unknown hosts, such as %s: their %s", len(paths), paths[0], why)
}

// WrongWebLogs says what of Options.WebLogs means nothing: hosts that the logs
// do not have, and paths without a web log.
func (res *Result) WrongWebLogs(given map[string]string) []string {
	var list []string
	for _, at := range slices.Sorted(maps.Keys(given)) {
		host := given[at]
		if n := len(res.hostsByName(host)); n != 1 {
			what := "no host of these logs is called so"
			if n > 1 {
				what = plural.Count(n, "host") + " of these logs are called so"
			}
			list = append(list, host+"="+at+": "+what)
			continue
		}
		only := map[string]string{at: given[at]}
		if !slices.ContainsFunc(res.web.logs, func(l *webLog) bool { _, ok := givenHost(l.Path, only); return ok }) {
			list = append(list, given[at]+"="+at+": no web log was found there")
		}
	}
	return list
}

// givenHost returns which host the user said a file is of: by the longest of
// the paths that hold it.
func givenHost(file string, given map[string]string) (host string, ok bool) {
	if len(given) == 0 {
		return "", false
	}
	file = absolute(file)
	best := -1
	for at, name := range given {
		at = absolute(at)
		inside := file == at || strings.HasPrefix(file, strings.TrimSuffix(at, "/")+"/") || strings.HasPrefix(file, at+"!")
		if inside && len(at) > best {
			best, host, ok = len(at), name, true
		}
	}
	return host, ok
}

// absolute returns a path in the form in which paths are compared.
func absolute(file string) string {
	if whole, err := filepath.Abs(file); err == nil {
		file = whole
	}
	return slashed(file)
}

func slashed(file string) string { return strings.ReplaceAll(file, `\`, "/") }
