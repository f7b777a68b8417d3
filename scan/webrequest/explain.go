package webrequest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"webshellscan/internal/work"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// Ref names a line of a web log: by its number from 1 on or, if Line is 0, by
// where it begins, as reports have it. Of an event log Line is the ID of a
// record.
type Ref struct {
	File   string
	Line   int
	Offset int64
}

// Explanation is how a web request stands to the sessions.
type Explanation struct {
	Ref
	// Found is set if there is such a line, and it is a request; Request is
	// that.
	Found   bool
	Request weblog.Request
	// Host is the host that the log is of, "" if it is not known.
	Host string
	// Sessions are those of the host, with what ties the request to each.
	Sessions []Tie
	// Against is why it is tied to no session.
	Against []string
}

// Tie is how a request stands to one session.
type Tie struct {
	Session *finding.Session
	// Confidence is that of the entry point that the request's page is,
	// story.ConfidenceNone if it is none.
	Confidence story.Confidence
	// Processes are those that its server started while the request may
	// have run.
	Processes []proctree.Process
	// For are the reasons for a tie, Against those against one. Both may
	// hold text of the log.
	For, Against []string
}

// explainAll explains the requests asked for, once entry points are known.
func (w *Logs) explainAll(ctx context.Context, logs []*log, asked []Ref, byHost map[int][]*caller) []Explanation {
	var list []Explanation
	for _, ref := range asked {
		x := Explanation{Ref: ref}
		var l *log
		for _, other := range logs { // an event log is one for each of its hosts
			if !x.Found && source.Absolute(other.Path) == source.Absolute(ref.File) {
				l, x.Found = other, other.find(ctx, ref, &x.Request)
			}
		}
		switch {
		case l == nil:
			continue
		case l.host < 0:
			x.Against = append(x.Against, "nothing says which host its log is of: no name in its lines, and no event logs of one host beside it")
		case len(byHost[l.host]) == 0:
			x.Host = w.forest.Hosts()[l.host].Name
			x.Against = append(x.Against, "its host has no session of a web server")
		default:
			x.Host = w.forest.Hosts()[l.host].Name
			for _, c := range byHost[l.host] {
				x.Sessions = append(x.Sessions, w.explain(c, l, &x.Request))
			}
		}
		list = append(list, x)
	}
	return list
}

// errFound ends the search for a line.
var errFound = errors.New("found")

// find finds a request of a log, and reports whether it is there.
func (l *log) find(ctx context.Context, ref Ref, r *weblog.Request) bool {
	if l.events != nil {
		return l.events.find(ctx, ref, r)
	}
	file, err := l.Open()
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	reader := l.known(weblog.Reader{})
	crash := work.Guard(func() {
		_, err = reader.Read(ctx, io.NewSectionReader(file, 0, file.Size()), func(found *weblog.Request) error {
			if ref.Line != 0 && found.Line != ref.Line || ref.Line == 0 && found.Offset != ref.Offset {
				return nil
			}
			*r = *found
			return errFound
		})
	})
	return crash == nil && errors.Is(err, errFound)
}

// explain returns how a request of a log stands to a session.
func (w *Logs) explain(c *caller, l *log, r *weblog.Request) Tie {
	tie := Tie{Session: c.session, Processes: c.processesOf(r)}
	if !w.serves(c, l, r) {
		tie.Processes = nil
		return tie.against(c.notServed(l, r))
	}
	from, to := r.Span()
	ran := fmt.Sprintf("it may have run from %s to %s", from, to)
	if r.Duration == weblog.Unknown {
		ran += ", as its log has no duration"
	}
	if len(tie.Processes) == 0 {
		tie = tie.against(ran + ": the server started nothing then")
	} else {
		tie.For = append(tie.For, fmt.Sprintf("%s: the server started %d of its %d processes then", ran, len(tie.Processes), len(c.children)))
	}
	if client := c.peers.clientOf(r); c.addresses[client] {
		tie.For = append(tie.For, "its client "+client+" asked for a likely entry point")
	}
	key := l.pageKey(r)
	for _, p := range c.points {
		if p.page == key {
			tie.Confidence = p.Confidence
			tie.For = append(tie.For, fmt.Sprintf("its page is an entry point, %s: %d of %d processes began while it ran, %.3g would by chance",
				p.Confidence, p.Processes, p.OfProcesses, p.ByChance))
			return tie
		}
	}
	return tie.against(c.noEntry(key))
}

// against returns the tie with one more reason against it.
func (t Tie) against(why string) Tie {
	t.Against = append(t.Against, why)
	return t
}

// notServed returns why the server of a session cannot have answered a request
// of a log.
func (c *caller) notServed(l *log, r *weblog.Request) string {
	if !r.ReachedServer() {
		return "HTTP.sys answered it itself"
	}
	if !c.reads(l) {
		return "its log is not one of such a server as the session's"
	}
	return "its site, " + cmp.Or(l.site, r.Site) + ", is not one that the application pool of the session's server serves"
}

// noEntry returns why a page is no entry point.
func (c *caller) noEntry(page string) string {
	for _, e := range c.ranked {
		if c.pages.texts[e.Page] == page {
			return fmt.Sprintf("its page is no entry point: %d of %d processes began while it ran, %.3g would by chance, of %d of its requests around them",
				len(e.Explained), e.Covered, e.ByChance, e.Requests)
		}
	}
	return "its page is no entry point: none of its requests around the processes coincides with one"
}
