package finding

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Stack is what the sessions of many hosts have in common: which kinds there
// are, and what moved between the hosts.
type Stack struct {
	// Kinds are the kinds of session: the gravest first, of one level the
	// rarest first, and last those that a baseline has.
	Kinds []Kind
	// Moved is what occurs in grave sessions of several hosts, in the order
	// of time.
	Moved []Movement
}

// Kind is a group of sessions of one server, at one level, in which the same
// commands ran.
type Kind struct {
	Product    string
	ServerRole ServerRole
	Level      rules.Level
	Known      bool
	// Sessions has at least one session, in the order of time.
	Sessions []*Session
	// Hosts are those of the sessions, in the order in which they come
	// first.
	Hosts []string
	// Findings counts those of all sessions.
	Findings int
	// Ran are the findings that show what ran, as the first session has
	// them, one of each command: the gravest first, then in the order of
	// time; habits by on how few hosts they are.
	Ran []*Finding
}

// First is the earliest session: its host is the first that the kind was seen
// on.
func (k *Kind) First() *Session { return k.Sessions[0] }

// Last returns the time of the latest finding.
func (k *Kind) Last() event.Time {
	last := k.Sessions[0].Last
	for _, s := range k.Sessions {
		last = max(last, s.Last)
	}
	return last
}

// NewStack groups sessions by kind. What ran are the commands of the findings
// above low that no baseline has, as FoldCommand gives them: below that are
// habits, of which another few run every day. The kind of a session that has
// nothing else is its rarest habit.
func NewStack(sessions []*Session) *Stack {
	b := &stackBuilder{habits: countHabits(sessions), index: make(map[kindKey]int), seen: make(map[kindHost]bool)}
	for _, s := range byTime(sessions) {
		b.add(s)
	}
	slices.SortStableFunc(b.kinds, compareKinds)
	return &Stack{Kinds: b.kinds, Moved: moved(sessions)}
}

// byTime returns sessions in the order in which they began.
func byTime(sessions []*Session) []*Session {
	list := slices.Clone(sessions)
	slices.SortFunc(list, func(a, b *Session) int {
		return cmp.Or(cmp.Compare(a.First, b.First), strings.Compare(a.Host, b.Host), strings.Compare(a.Key, b.Key))
	})
	return list
}

// compareKinds orders kinds as they are read; those that are alike stay
// in the order of time.
func compareKinds(a, b Kind) int {
	if a.Known != b.Known {
		if a.Known {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(len(a.Hosts), len(b.Hosts)))
}

// ranKey is what ran, whoever ran it and whatever started it: an image's file
// name and a folded command line, in lower case.
type ranKey struct{ image, line string }

func (f *Finding) ranKey() ranKey {
	folded, _ := f.Fold()
	return ranKey{proctree.BaseName(f.Image), strings.ToLower(folded)}
}

func compareRan(a, b ranKey) int {
	return cmp.Or(strings.Compare(a.image, b.image), strings.Compare(a.line, b.line))
}

// typical returns the findings that show what ran in a session, one of each
// shape, and whether they are more than habits.
func (s *Session) typical() (list []*Finding, grave bool) {
	for _, sh := range s.Shapes {
		if sh.Known && !s.Known {
			continue
		}
		f := sh.Gravest()
		if f.Level > rules.LevelLow && !grave {
			list, grave = list[:0], true
		}
		if f.Level > rules.LevelLow || !grave {
			list = append(list, f)
		}
	}
	return list, grave
}

// Gravest returns the first of the gravest findings of a shape.
func (s *Shape) Gravest() *Finding {
	return slices.MaxFunc(s.Findings, func(a, b *Finding) int { return cmp.Compare(a.Level, b.Level) })
}

// habitKey is a command of one product's sessions.
type habitKey struct {
	product string
	ran     ranKey
}

// habitCount counts the hosts of a habit; last is the last of them.
type habitCount struct {
	hosts int
	last  string
}

// countHabits counts on how many hosts each command runs of the sessions that
// have nothing but habits.
func countHabits(sessions []*Session) map[habitKey]habitCount {
	byHost := slices.Clone(sessions)
	slices.SortFunc(byHost, func(a, b *Session) int { return strings.Compare(a.Host, b.Host) })
	counts := make(map[habitKey]habitCount)
	for _, s := range byHost {
		list, grave := s.typical()
		if grave {
			continue
		}
		for _, f := range list {
			key := habitKey{s.Product, f.ranKey()}
			c := counts[key]
			if c.hosts == 0 || c.last != s.Host {
				counts[key] = habitCount{c.hosts + 1, s.Host}
			}
		}
	}
	return counts
}

// kindKey is what the sessions of a kind have in common.
type kindKey struct {
	product string
	role    ServerRole
	level   rules.Level
	known   bool
	ran     string
}

// stackBuilder makes the kinds of sessions.
type stackBuilder struct {
	habits map[habitKey]habitCount
	index  map[kindKey]int
	kinds  []Kind
	seen   map[kindHost]bool
}

// kindHost is a kind, by its number, on a host.
type kindHost struct {
	kind int
	host string
}

// add adds a session, which began no earlier than those before it.
func (b *stackBuilder) add(s *Session) {
	list, grave := s.typical()
	same := list
	if !grave {
		b.sortHabits(s, list)
		same = list[:min(len(list), 1)]
	}
	key := kindKey{s.Product, s.ServerRole, s.Level, s.Known, ranText(same)}
	i, ok := b.index[key]
	if !ok {
		i = len(b.kinds)
		b.index[key] = i
		b.kinds = append(b.kinds, Kind{Product: s.Product, ServerRole: s.ServerRole, Level: s.Level, Known: s.Known, Ran: sortRan(s.withoutEchoes(list), grave)})
	}
	k := &b.kinds[i]
	k.Sessions, k.Findings = append(k.Sessions, s), k.Findings+len(s.Findings)
	if host := (kindHost{i, s.Host}); !b.seen[host] {
		b.seen[host] = true
		k.Hosts = append(k.Hosts, s.Host)
	}
}

// sortHabits sorts a session's habits: those on the fewest hosts first.
func (b *stackBuilder) sortHabits(s *Session, list []*Finding) {
	slices.SortStableFunc(list, func(x, y *Finding) int {
		m, n := x.ranKey(), y.ranKey()
		return cmp.Or(cmp.Compare(b.habits[habitKey{s.Product, m}].hosts, b.habits[habitKey{s.Product, n}].hosts), compareRan(m, n))
	})
}

// ranText returns the commands of findings as one text, the same for any order.
func ranText(list []*Finding) string {
	lines := make([]string, len(list))
	for i, f := range list {
		key := f.ranKey()
		lines[i] = key.image + "\x00" + key.line
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\x01")
}

// withoutEchoes leaves out of a session's findings the shells whose command
// line holds that of what they started, and programs that were handed the
// arguments of the one above: they say nothing more.
func (s *Session) withoutEchoes(list []*Finding) []*Finding {
	found := make(map[proctree.Process]*Finding, len(s.Findings))
	for _, f := range s.Findings {
		if f.Process.Exists() {
			found[f.Process] = f
		}
	}
	echoes := make(map[ranKey]bool)
	for _, f := range s.Findings {
		if !f.Process.Exists() || f.CommandLine == "" {
			continue
		}
		parent, _ := f.Process.Parent()
		above := found[parent]
		switch arguments := Arguments(f.CommandLine); {
		case above == nil || above.ranKey() == f.ranKey():
		case arguments != "" && arguments == Arguments(above.CommandLine):
			echoes[f.ranKey()] = true
		case strings.Contains(spaced(above.CommandLine), spaced(f.CommandLine)):
			echoes[above.ranKey()] = true
		}
	}
	left := slices.DeleteFunc(slices.Clone(list), func(f *Finding) bool { return echoes[f.ranKey()] })
	if len(left) == 0 {
		return slices.Clone(list)
	}
	return left
}

// spaced returns a text in lower case with one blank between its words.
func spaced(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

// sortRan sorts findings as Kind.Ran, one of each command. Habits are in it.
func sortRan(list []*Finding, grave bool) []*Finding {
	if grave {
		slices.SortStableFunc(list, func(a, b *Finding) int {
			return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.Time, b.Time))
		})
	}
	seen := make(map[ranKey]bool, len(list))
	return slices.DeleteFunc(list, func(f *Finding) bool {
		key := f.ranKey()
		again := seen[key]
		seen[key] = true
		return again
	})
}
