package webrequest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/internal/work"
	"webshellscan/scan/source"
	"webshellscan/scan/weblog"
)

// log is one log of a web server.
type log struct {
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
func (l *log) ofIIS() bool { return l.site != "" || l.format.OfIIS(l.server) }

// newLog looks at the beginning of a log.
func (w *Logs) newLog(in source.Input, given map[string]string) *log {
	l := &log{Input: in, host: -1, site: weblog.SiteOf(slashed(in.Path)), server: weblog.ServerOf(slashed(in.Path))}
	stats, err := l.look()
	if l.err = err; err != nil || l.format == weblog.None {
		return l
	}
	owner := w.owners.of(in.Path)
	named := []int{owner} // whom its lines may mean
	for _, name := range stats.Computers[:min(len(stats.Computers), 1)] {
		if named = w.owners.machines(w.hostsByName(name)); len(named) == 1 {
			l.host, l.own = named[0], name
			return l
		}
	}
	if host, ok := givenHost(in.Path, given); ok {
		if list := w.owners.machines(w.hostsByName(host)); len(list) == 1 {
			l.host = list[0]
		}
	} else if slices.Contains(named, owner) {
		l.host = owner
	}
	return l
}

// look reads the beginning of a log for its format and the names of its server.
func (l *log) look() (stats weblog.Stats, err error) {
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

// known returns a reader with what is known of the log.
func (l *log) known(reader weblog.Reader) weblog.Reader {
	reader.Format, reader.Server, reader.Unit, reader.Timed = l.format, l.server, weblog.UnitOf(l.server, l.whole), l.timed
	return reader
}

// scan reads a log: the requests of a window, or those whose line holds one of
// some texts. The first reading of a log counts its lines, and hashes it if
// that is asked for.
func (l *log) scan(ctx context.Context, reader weblog.Reader, hash bool, do func(*weblog.Request)) {
	if l.events != nil {
		l.events.requests(ctx, reader.Window, do)
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
	reader = l.known(reader)
	content := file.Content()
	var text io.Reader = content
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
		l.read, l.stats, l.fault = true, stats, errors.Join(content.Fault(), file.Changed(l.Input))
		if hash && l.err == nil {
			l.sum = hex.EncodeToString(sum.Sum(nil))
		}
	}
}

// notes returns what of a log may have cost requests, or put them at wrong
// times.
func (l *log) notes(given string) []string {
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

// siteOf returns the number of the site of a request, or its name.
func (l *log) siteOf(r *weblog.Request) string {
	return cmp.Or(l.site, weblog.SiteNumber(r.Site, nil), r.Site)
}

// pageKey returns what distinguishes a page: its site and path.
func (l *log) pageKey(r *weblog.Request) string { return l.siteOf(r) + " " + r.Page() }

// readConfig reads a configuration of IIS.
func (w *Logs) readConfig(in source.Input, host int) {
	file, err := in.Open()
	if err != nil {
		w.failed = append(w.failed, source.Skipped{Path: in.Path, Err: err, Unreadable: true})
		return
	}
	content := file.Content()
	config, _ := weblog.ReadConfig(content) // what could be read is of use
	if err := errors.Join(content.Fault(), file.Close()); err != nil {
		w.failed = append(w.failed, source.Skipped{Path: in.Path, Err: err, Unreadable: true})
	}
	if w.sites[host] == nil {
		w.sites[host] = make(map[string]*weblog.Site)
	}
	for i := range config.Sites {
		w.sites[host][config.Sites[i].ID] = &config.Sites[i]
		for _, root := range config.Sites[i].Roots {
			if w.roots[host] == nil {
				w.roots[host] = make(map[string]bool)
			}
			w.roots[host][root] = true
		}
	}
}
