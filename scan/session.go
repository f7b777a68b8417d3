package scan

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Session is what ran below one web server process and was found: the worker
// and its findings.
type Session struct {
	// Key is the session's name: the same for all findings below one worker, and
	// for no others.
	Key    string
	Host   string
	Worker proctree.Process
	// Product is the web server's name, Application what the worker's command line
	// and user say of the site or application it ran for; "" if they say nothing.
	Product, Application string
	// Level is the highest level of the findings, raised by what Raised says.
	Level  rules.Level
	Raised []string
	// First and Last are the times of the earliest and latest finding.
	First, Last event.Time
	// Findings are those below the worker, in the order of their start.
	Findings []*Finding
	// Processes counts the processes below the worker, found or not.
	Processes int
	// Commands counts the distinct command lines of the findings, Enumeration the
	// distinct ones of enumeration programs.
	Commands, Enumeration int
	// Burst is the highest number of distinct enumeration commands within 30
	// minutes, which is what MITRE CAR-2013-04-002 asks for; BurstStart is when
	// those minutes begin.
	Burst      int
	BurstStart event.Time
	// Users and IntegrityLevels are those of the findings, in the order in which they
	// come first.
	Users, IntegrityLevels []string
	// Link is the least sure link of all findings.
	Link proctree.Link
	// Shapes are the findings folded: those that differ in numbers, GUIDs and
	// temporary names only are one shape.
	Shapes []Shape
	// Known says that a baseline knows every shape of the session.
	Known bool
}

// Shape is a finding, or several that have the same parent image, image and
// command line but for numbers, GUIDs and temporary names.
type Shape struct {
	// Findings has at least one finding, in the order of their start.
	Findings []*Finding
	// Known says that a baseline has the shape.
	Known bool
}

// sessionsOf puts findings that hang from one worker together: the highest
// level first, then by time, host and key. Findings below no worker belong to no
// session.
func sessionsOf(findings []*Finding) []*Session {
	byKey := make(map[string]*Session)
	var sessions []*Session
	for _, f := range findings {
		if f.Session == "" {
			continue
		}
		s := byKey[f.Session]
		if s == nil {
			s = &Session{Key: f.Session, Host: f.Host, Worker: f.Worker, First: f.Time, Last: f.Time}
			byKey[f.Session] = s
			sessions = append(sessions, s)
		}
		s.Level, s.First, s.Last = max(s.Level, f.Level), min(s.First, f.Time), max(s.Last, f.Time)
		s.Findings = append(s.Findings, f)
	}
	slices.SortFunc(sessions, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.First, b.First), strings.Compare(a.Host, b.Host), strings.Compare(a.Key, b.Key))
	})
	return sessions
}
