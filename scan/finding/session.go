package finding

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// Session is what ran below one server process and was found: the worker
// and its findings.
type Session struct {
	// Key is the session's name: the same for all findings below one
	// worker, and for no others.
	Key    string
	Host   string
	Worker proctree.Process
	// Product is the server's name, or that of what runs in it, such as
	// "Exchange OWA"; Application is the application pool of an IIS worker,
	// "" if it is not known.
	Product, Application string
	// ServerRole is which kind of server the worker is.
	ServerRole ServerRole
	// User is the account that the worker ran as, "" if not known.
	User string
	// Level is the highest level of the findings that no baseline has (of
	// all, if it has them all), raised for the reasons in Raised.
	// LevelReasons are why: first why the gravest finding is so, then the
	// same as Raised.
	Level        rules.Level
	LevelReasons []LevelReason
	Raised       []string
	// First and Last are the times of the earliest and latest finding.
	First, Last event.Time
	// Findings are those below the worker, in the order of their start.
	Findings []*Finding
	// Processes counts the processes below the worker, found or not.
	Processes int
	// Commands counts the distinct command lines of the findings,
	// Enumeration the distinct ones of enumeration programs. Command lines
	// that differ in numbers, GUIDs and temporary names only are one.
	Commands, Enumeration int
	// Burst is the highest number of distinct enumeration commands within
	// 30 minutes, which is what MITRE CAR-2013-04-002 asks for; BurstStart
	// is when those minutes begin. What a baseline has is left out, unless
	// it has all.
	Burst      int
	BurstStart event.Time
	// Users and IntegrityLevels are those of the findings, in the order in
	// which they come first.
	Users, IntegrityLevels []string
	// Link is the least sure link of all findings.
	Link proctree.Link
	// Shapes are the findings folded: those that differ in numbers, GUIDs
	// and temporary names only are one shape.
	Shapes []Shape
	// Known is set if a baseline has every shape of the session, and
	// nothing but repetition raises its level: no user or integrity level
	// rises.
	Known bool
	// Members are the processes below the worker, found or not, in the
	// order of the forest; nil if the stories were not read.
	Members []proctree.Process
	// Events are the other events of it, in the order of time;
	// EventsOmitted is how many of them the bound story.MaxEvents left out.
	// EventCounts counts them by what they are about, Armed are processes
	// that were started by what it left behind.
	Events        []*Event
	EventsOmitted int
	EventCounts   map[story.Category]int
	Armed         []story.Armed
	Indicators    story.Indicators
	// EntryPoints are the pages that may have started its processes, the
	// surest first. Requests are those of entry points and others of their
	// clients, in the order of time; RequestsOmitted is how many more there
	// are, RequestsUncounted how many of those around its processes were
	// not counted when the pages were rated.
	EntryPoints       []*EntryPoint
	Requests          []*Request
	RequestsOmitted   int
	RequestsUncounted int

	// UserRises and IntegrityRises are sentences that say where rights
	// rise, "" if they do not. Behaviours are the kinds of behaviour of
	// those findings that no baseline has.
	UserRises, IntegrityRises string
	Behaviours                []string
	// Against and AgainstStart are Burst and BurstStart without habits and
	// what a baseline knows: what speaks against the session.
	Against      int
	AgainstStart event.Time
}

// FirstFinding returns the earliest finding.
func (s *Session) FirstFinding() *Finding {
	return slices.MinFunc(s.Findings, func(a, b *Finding) int { return cmp.Compare(a.Time, b.Time) })
}

// FirstCommand returns the command line of the earliest finding, its image
// where the log has no command lines.
func (s *Session) FirstCommand() string {
	first := s.FirstFinding()
	return cmp.Or(first.CommandLine, first.Image)
}

// Summarize sets the fields that follow from the findings alone. It may be
// called again when their levels have changed.
func (s *Session) Summarize() {
	s.Processes, s.Raised, s.Behaviours = 0, nil, nil
	s.First, s.Last = s.Findings[0].Time, s.Findings[0].Time
	commands := make(map[string]bool)
	keys := make([]string, len(s.Findings))
	for i, f := range s.Findings {
		keys[i] = commandKey(f)
		commands[keys[i]] = true
		s.First, s.Last = min(s.First, f.Time), max(s.Last, f.Time)
		s.Link = max(s.Link, f.Link)
		s.Users = appendNew(s.Users, f.User)
		s.IntegrityLevels = appendNew(s.IntegrityLevels, f.IntegrityLevel)
	}
	s.Commands = len(commands)
	s.Shapes = Fold(s.Findings)
	s.Known = !slices.ContainsFunc(s.Shapes, func(sh Shape) bool { return !sh.Known })
	enumeration := enumerationCommands(s.Findings, keys)
	s.Enumeration = countDistinct(enumeration)
	s.setLevel()
	s.Burst, s.BurstStart = burst(enumeration, func(f *Finding) bool { return s.Known || !f.Known })
	s.Against, s.AgainstStart = burst(enumeration, (*Finding).isQuestion)
}

// isQuestion reports whether a finding may count as what an intruder asks: no
// baseline has it, and it is no habit, not even one that is no lower than
// medium.
func (f *Finding) isQuestion() bool {
	habit := slices.ContainsFunc(f.LevelReasons, func(r LevelReason) bool {
		return r.Effect == LevelSetAside && r.Rule != nil && builtin.Behaviour(r.Rule) != ""
	})
	return !f.Known && f.Level > rules.LevelLow && (f.Level > rules.LevelMedium || !habit)
}

// setLevel sets the level to that of the gravest finding, the earliest of
// those.
func (s *Session) setLevel() {
	var gravest *Finding
	for _, f := range s.Findings {
		if !s.Known && f.Known {
			continue
		}
		s.addBehaviours(f)
		if gravest == nil || f.Level > gravest.Level || f.Level == gravest.Level && f.Time < gravest.Time {
			gravest = f
		}
	}
	s.Level, s.LevelReasons = gravest.Level, gravest.decisive()
}

// addBehaviours adds the kinds of behaviour of a finding, unless a baseline has
// it.
func (s *Session) addBehaviours(f *Finding) {
	if f.Known {
		return
	}
	for _, r := range f.LevelReasons {
		if r.Effect == LevelAtLeast {
			s.Behaviours = appendNew(s.Behaviours, builtin.Behaviour(r.Rule))
		}
	}
}

// maxDecisive bounds the reasons that a session has from its gravest finding.
const maxDecisive = 4

// decisive returns where the level of a finding started, and what made it what
// it is.
func (f *Finding) decisive() []LevelReason {
	var list []LevelReason
	for _, r := range f.LevelReasons {
		if r.Effect == LevelStart || r.Effect != LevelSetAside && r.Level == f.Level && len(list) < maxDecisive {
			list = append(list, r)
		}
	}
	return list
}

// maxListed bounds how many users and integrity levels a session lists.
const maxListed = 32

// appendNew appends a text that is not empty and not yet there.
func appendNew(list []string, text string) []string {
	if text == "" || len(list) >= maxListed || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// CompareSessions orders sessions as they are read: by level, by how many
// things the burst and the whole session tried, and by time.
func CompareSessions(a, b *Session) int {
	if a.Known != b.Known {
		if a.Known {
			return 1
		}
		return -1
	}
	return cmp.Or(
		cmp.Compare(b.Level, a.Level), cmp.Compare(b.Burst, a.Burst), cmp.Compare(b.Commands, a.Commands),
		cmp.Compare(a.First, b.First), strings.Compare(a.Host, b.Host), strings.Compare(a.Key, b.Key))
}
