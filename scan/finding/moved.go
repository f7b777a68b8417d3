package finding

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// MovedKind is what something that moved between hosts is.
type MovedKind string

// The kinds of what moves.
const (
	MovedHash    MovedKind = "hash"
	MovedAddress MovedKind = "address"
	MovedAccount MovedKind = "account"
	MovedCommand MovedKind = "command"
)

// Movement is something that occurs in grave sessions of several hosts: it was
// carried from one to the other, or comes from the same hand.
type Movement struct {
	Kind MovedKind
	// Value is the hash, address or account, or the command line as it was
	// first seen.
	Value string
	// Name is the file of a hash, or the image of a command, as it was
	// first seen.
	Name string
	// Sightings are at least two, one for each host, in the order of time.
	Sightings []Sighting
}

// Sighting is where and when something that moved was first seen on a host.
type Sighting struct {
	Host    string
	Time    event.Time
	Session *Session
}

// movedLevel is from which level on a session, and a finding within it, may
// show what moved.
const movedLevel = rules.LevelHigh

// moved returns what stands in grave sessions of several hosts. What stands in
// other sessions of as many hosts or more is common there, and left out.
func moved(sessions []*Session) []Movement {
	m := &mover{index: make(map[movableKey]int), seen: make(map[movableHost]int)}
	inTime := byTime(sessions)
	for _, s := range inTime {
		if s.isGrave() {
			m.session(s)
		}
	}
	common := m.common(inTime)
	var list []Movement
	for key, i := range m.index {
		if move := m.list[i]; len(move.Sightings) > max(1, common[key]) {
			slices.SortFunc(move.Sightings, compareSightings)
			list = append(list, move)
		}
	}
	slices.SortFunc(list, func(a, b Movement) int {
		return cmp.Or(compareSightings(a.Sightings[0], b.Sightings[0]), strings.Compare(string(a.Kind), string(b.Kind)),
			strings.Compare(a.Value, b.Value), strings.Compare(a.Name, b.Name))
	})
	return list
}

// isGrave reports whether a session may show what moved.
func (s *Session) isGrave() bool { return !s.Known && s.Level >= movedLevel }

func compareSightings(a, b Sighting) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(a.Host, b.Host))
}

// movableKey is what several hosts may have in common, in lower case. Of a
// command name is the file name of its image.
type movableKey struct {
	kind        MovedKind
	value, name string
}

// movableHost is a movable on a host.
type movableHost struct {
	movableKey
	host string
}

// movable is something of one session that may have moved, with what Movement
// has of it.
type movable struct {
	movableKey
	text, name string
	at         event.Time
}

// mover collects what stands in grave sessions.
type mover struct {
	list  []Movement
	index map[movableKey]int  // into list
	seen  map[movableHost]int // index of the sighting
}

// session adds the movables of a session, which began no earlier than those
// before it.
func (m *mover) session(s *Session) {
	for _, t := range s.movables() {
		i, ok := m.index[t.movableKey]
		if !ok {
			i = len(m.list)
			m.index[t.movableKey] = i
			m.list = append(m.list, Movement{Kind: t.kind, Value: t.text, Name: t.name})
		}
		sightings := &m.list[i].Sightings
		key := movableHost{t.movableKey, s.Host}
		n, ok := m.seen[key]
		switch {
		case !ok:
			m.seen[key] = len(*sightings)
			*sightings = append(*sightings, Sighting{s.Host, t.at, s})
		case t.at < (*sightings)[n].Time:
			(*sightings)[n].Time, (*sightings)[n].Session = t.at, s
		}
	}
}

// common counts the hosts on which the movables are in sessions that are not
// grave.
func (m *mover) common(sessions []*Session) map[movableKey]int {
	counts, counted := make(map[movableKey]int), make(map[movableHost]bool)
	for _, s := range sessions {
		if s.isGrave() {
			continue
		}
		for _, t := range s.movables() {
			key := movableHost{t.movableKey, s.Host}
			if _, ok := m.index[t.movableKey]; ok && !counted[key] {
				counted[key] = true
				counts[t.movableKey]++
			}
		}
	}
	return counts
}

// movables returns what of a session may have moved.
func (s *Session) movables() []movable {
	var list []movable
	add := func(kind MovedKind, text, name string, at event.Time) {
		if text != "" {
			list = append(list, movable{movableKey{kind, strings.ToLower(text), ""}, text, name, cmp.Or(at, s.First)})
		}
	}
	for _, in := range s.Indicators.Files {
		add(MovedHash, strongestHash(in.Hash), proctree.BaseName(in.Value), in.First)
	}
	for _, in := range s.Indicators.Addresses {
		add(MovedAddress, in.Value, "", in.First)
	}
	for _, in := range s.Indicators.Accounts {
		if !isServiceAccount(in.Value, "") {
			add(MovedAccount, Account(in.Value), "", in.First)
		}
	}
	var commands []*Finding
	named := s.namedThings()
	for _, f := range s.Findings {
		if f.Known {
			continue
		}
		if f.User != s.User && !isServiceAccount(f.User, f.LogonID) {
			add(MovedAccount, Account(f.User), "", f.Time)
		}
		if f.Level == rules.LevelCritical && !story.InSystemFolder(f.Image) {
			add(MovedHash, strongestHash(f.Hashes), proctree.BaseName(f.Image), f.Time)
		}
		if f.isPeculiar(named) {
			commands = append(commands, f)
		}
	}
	for _, f := range s.withoutEchoes(commands) {
		key := f.ranKey()
		list = append(list, movable{movableKey{MovedCommand, key.line, key.image}, f.CommandLine, f.Image, cmp.Or(f.Time, s.First)})
	}
	return list
}

// maxNamedThings bounds the things of each kind that the command lines of a
// session are searched for.
const maxNamedThings = 128

// namedThings returns what a session left or fetched and a command line may
// name, in lower case.
func (s *Session) namedThings() []string {
	const shortest = 4 // characters of a name that says something
	var list []string
	for _, in := range [][]story.Indicator{s.Indicators.Files, s.Indicators.URLs, s.Indicators.Services, s.Indicators.Tasks} {
		for _, one := range in[:min(len(in), maxNamedThings)] {
			if len(one.Value) >= shortest {
				list = append(list, strings.ToLower(one.Value))
			}
		}
	}
	return list
}

// isPeculiar reports whether a finding's command is one that hosts do not have
// in common by chance: it is critical, or grave and names one of some things.
func (f *Finding) isPeculiar(named []string) bool {
	switch {
	case f.CommandLine == "" || f.Level < movedLevel:
		return false
	case f.Level == rules.LevelCritical:
		return true
	}
	line := strings.ToLower(f.CommandLine)
	return slices.ContainsFunc(named, func(thing string) bool { return strings.Contains(line, thing) })
}

// isServiceAccount reports whether a user is the computer itself, one of its
// principals, or the virtual account of a service or a pool.
func isServiceAccount(user, logonID string) bool {
	name := strings.ToLower(Account(user))
	logon, _ := strconv.ParseUint(logonID, 0, 64)
	return name == "" || strings.HasSuffix(name, "$") || event.IsVirtualAccount(user) || PrincipalByName[name] != 0 || PrincipalByLogon[logon] != 0
}

// strongestHash returns the hash to know a file by, of those that Sysmon writes
// as NAME=HEX and joins by commas; "" if there is none.
func strongestHash(hashes string) string {
	best, rank := "", -1
	for part := range strings.SplitSeq(hashes, ",") {
		name, value, _ := strings.Cut(part, "=")
		if n := slices.Index([]string{"MD5", "SHA1", "SHA256"}, strings.ToUpper(name)); n > rank && strings.Trim(value, "0") != "" {
			best, rank = value, n
		}
	}
	return best
}
