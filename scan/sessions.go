package scan

import (
	"slices"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/finding"
	"webshellscan/scan/rights"
	"webshellscan/scan/story"
)

// grouping groups findings into sessions, and raises the levels of sessions by
// rules.
type grouping struct {
	evaluation
	set *rules.Set
}

// of groups findings by worker: the gravest sessions first, and last those that
// a baseline has. Findings below no worker belong to no session.
func (g *grouping) of(findings []*finding.Finding) []*finding.Session {
	byKey := make(map[string]*finding.Session)
	var sessions []*finding.Session
	for _, f := range findings {
		if f.Session == "" {
			continue
		}
		s := byKey[f.Session]
		if s == nil {
			s = &finding.Session{Key: f.Session, Host: f.Host, Worker: f.Worker, Product: f.Product, ServerRole: f.ServerRole}
			byKey[f.Session] = s
			sessions = append(sessions, s)
		}
		s.Findings = append(s.Findings, f)
	}
	g.summarize(sessions)
	slices.SortFunc(sessions, finding.CompareSessions)
	return sessions
}

// summarize computes the derived fields of sessions.
func (g *grouping) summarize(sessions []*finding.Session) {
	summarizers := g.summarizers(min(g.goroutines, len(sessions)))
	panics := work.Each(len(summarizers), len(sessions), func(by, i int) { summarizers[by].do(sessions[i]) })
	g.crashes.addPanics("sessions", panics)
}

// summarizer computes the derived fields of sessions. It is for one goroutine.
type summarizer struct {
	all    *grouping
	rights *rights.Comparer
	raiser *evaluator // of the rules that raise a session's level
}

func (g *grouping) summarizers(n int) []*summarizer {
	list := make([]*summarizer, n)
	for i, raiser := range g.evaluators(g.set, n) {
		list[i] = &summarizer{g, rights.New(g.forest), raiser}
	}
	return list
}

// do sets the derived fields of a session. Should it panic, the session has
// what was found out before, and what may be left half done in the summarizer
// is made anew.
func (by *summarizer) do(s *finding.Session) {
	done := false
	defer func() {
		if !done {
			*by = *by.all.summarizers(1)[0]
		}
	}()
	s.Summarize()
	if s.Worker.Exists() {
		s.Application = story.ApplicationPool(by.all.forest.Texts(), s.Worker)
	}
	by.rights.Summarize(s)
	by.raise(s)
	done = true
}

// keepLevel leaves out the sessions below a level with their findings, events
// and requests, and of the findings that belong to no session those below it. A
// session is kept whole: what raises its level are findings that have a lower
// one each. It returns how many findings are left out.
func (r *Result) keepLevel(level rules.Level) (below int) {
	left := make(map[string]bool)
	r.Sessions = slices.DeleteFunc(r.Sessions, func(s *finding.Session) bool {
		left[s.Key] = s.Level < level
		return left[s.Key]
	})
	all := len(r.Findings)
	r.Findings = slices.DeleteFunc(r.Findings, func(f *finding.Finding) bool {
		return left[f.Session] || f.Session == "" && f.Level < level
	})
	r.Events = slices.DeleteFunc(r.Events, func(e *finding.Event) bool { return e.Session != nil && left[e.Session.Key] })
	r.Requests = slices.DeleteFunc(r.Requests, func(q *finding.Request) bool { return q.Session != nil && left[q.Session.Key] })
	return all - len(r.Findings)
}
