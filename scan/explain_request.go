package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"webshellscan/internal/work"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// RequestRef names a line of a web log: by its number from 1 on or, if Line is
// 0, by where it begins, as reports have it.
type RequestRef struct {
	File   string
	Line   int
	Offset int64
}

// RequestExplanation is how a web request stands to the sessions.
type RequestExplanation struct {
	RequestRef
	// Found is set if there is such a line, and it is a request; Request is
	// that.
	Found   bool
	Request weblog.Request
	// Host is the host that the log is of, "" if nothing says which.
	Host string
	// Sessions are those of the host, with what ties the request to each.
	Sessions []RequestTie
	// Against is why it is tied to no session.
	Against []string
}

// RequestTie is how a request stands to one session.
type RequestTie struct {
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

// explainRequests explains the requests asked for, once entry points are known.
func (res *Result) explainRequests(ctx context.Context, asked []RequestRef, byHost map[int][]*caller) {
	for _, ref := range asked {
		i := slices.IndexFunc(res.web.logs, func(l *webLog) bool { return absolute(l.Path) == absolute(ref.File) })
		if i < 0 {
			continue
		}
		l := res.web.logs[i]
		x := RequestExplanation{RequestRef: ref}
		x.Found = l.find(ctx, ref, &x.Request)
		switch {
		case l.host < 0:
			x.Against = append(x.Against, "nothing says which host its log is of: no name in its lines, and no event logs of one host beside it")
		case len(byHost[l.host]) == 0:
			x.Host = res.Forest.Hosts()[l.host].Name
			x.Against = append(x.Against, "its host has no session of a web server")
		default:
			x.Host = res.Forest.Hosts()[l.host].Name
			for _, c := range byHost[l.host] {
				x.Sessions = append(x.Sessions, res.web.explain(c, l, &x.Request))
			}
		}
		res.ExplainedRequests = append(res.ExplainedRequests, x)
	}
}

// errFound ends the search for a line.
var errFound = errors.New("found")

// find finds a request of a log, and reports whether it is there.
func (l *webLog) find(ctx context.Context, ref RequestRef, r *weblog.Request) bool {
	file, err := l.Open()
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	reader := l.tell(weblog.Reader{})
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
func (w *webLogs) explain(c *caller, l *webLog, r *weblog.Request) RequestTie {
	tie := RequestTie{Session: c.session, Processes: c.processesOf(r)}
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
func (t RequestTie) against(why string) RequestTie {
	t.Against = append(t.Against, why)
	return t
}

// notServed returns why the server of a session cannot have answered a request
// of a log.
func (c *caller) notServed(l *webLog, r *weblog.Request) string {
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
