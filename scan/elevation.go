package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// lineage compares the rights of everything that ran below a worker, found or
// not.
type lineage struct {
	forest *proctree.Forest
	fields *proctree.FieldReader
	todo   []proctree.Process
	names  map[int]map[string]finding.Principal // by host, of accounts in lower case
	known  [256]struct {                        // by logon
		logon    proctree.FacetID
		host     int
		identity identity
	}
}

func newLineage(forest *proctree.Forest) *lineage {
	return &lineage{forest: forest, fields: proctree.NewFieldReader(forest), names: make(map[int]map[string]finding.Principal)}
}

// identity is whom a process runs as.
type identity struct {
	user      string // "" if not known
	logon     uint64 // logon ID, 0 if not known
	principal finding.Principal
	integrity string
}

func (l *lineage) identity(p proctree.Process) identity {
	logon := p.SharedFacet(proctree.FacetLogon)
	if logon == 0 {
		return l.readIdentity(p)
	}
	slot := &l.known[(logon^logon>>8)%proctree.FacetID(len(l.known))]
	if slot.logon != logon || slot.host != p.HostIndex() {
		slot.logon, slot.host, slot.identity = logon, p.HostIndex(), l.readIdentity(p)
	}
	return slot.identity
}

func (l *lineage) readIdentity(p proctree.Process) identity {
	texts := l.forest.Texts()
	text := func(f event.FieldID) string { return texts.KnownText(l.fields.Field(p, f)) }
	logon, err := strconv.ParseUint(text(event.LogonID), 0, 64)
	if err != nil {
		logon = 0
	}
	id := identity{user: text(event.User), logon: logon, integrity: text(event.IntegrityLevel)}
	id.principal = finding.PrincipalByLogon[logon]
	if logon == 0 {
		sid := text(event.TargetUserSID)
		if sid == "" || sid == finding.NullSID {
			sid = text(event.SubjectUserSID)
		}
		id.principal = finding.PrincipalBySID[sid]
	}
	if id.principal == 0 {
		id.principal = finding.PrincipalByName[strings.ToLower(finding.Account(id.user))]
	}
	if id.principal == 0 && isMachine(id.user, p.Host()) {
		id.principal = finding.PrincipalMachine
	}
	return id
}

// climb counts the processes below the worker, and records where one runs as
// another user or at a higher integrity level than its parent.
func (l *lineage) climb(s *finding.Session) {
	if !s.Worker.Exists() {
		return
	}
	s.User = l.identity(s.Worker).user
	var users, levels elevations
	l.todo = append(l.todo[:0], s.Worker)
	for len(l.todo) > 0 {
		parent := l.todo[len(l.todo)-1]
		l.todo = l.todo[:len(l.todo)-1]
		above := l.identity(parent)
		for p := range parent.Children() {
			s.Processes++
			l.todo = append(l.todo, p)
			own := l.identity(p)
			if l.rises(own, above, parent.HostIndex()) {
				users.add(p, fmt.Sprintf("%s runs as %s, its parent %s as %s", l.name(p), own.user, l.name(parent), above.user))
			}
			if integrityRank(own.integrity) > integrityRank(above.integrity) && integrityRank(above.integrity) > 0 {
				levels.add(p, fmt.Sprintf("%s runs at integrity level %s, its parent %s at %s",
					l.name(p), integrityName(own.integrity), l.name(parent), integrityName(above.integrity)))
			}
		}
	}
	s.UserRises, s.IntegrityRises = users.text(), levels.text()
}

// rises reports whether a process that runs as own has a user with more rights
// than its parent on that host, who runs as above.
func (l *lineage) rises(own, above identity, host int) bool {
	return own.elevatedUser(above) && own.elevatedUser(l.withPrincipal(above, host))
}

// name is what a reason calls a process.
func (l *lineage) name(p proctree.Process) string {
	return fmt.Sprintf("%s (%d)", cmp.Or(proctree.BaseName(l.forest.Texts().Text(p.Image())), "a process"), p.PID())
}

// elevations counts processes with more rights than their parents, and keeps a
// sentence about the first.
type elevations struct {
	count int
	at    event.Time
	first string
}

func (e *elevations) add(p proctree.Process, text string) {
	e.count++
	if e.count == 1 || p.Start() < e.at {
		e.at, e.first = p.Start(), text
	}
}

func (e *elevations) text() string {
	switch e.count {
	case 0, 1:
		return e.first
	case 2:
		return e.first + "; so does one more"
	}
	return fmt.Sprintf("%s; so do %d more", e.first, e.count-1)
}

// elevatedUser reports whether the user is another than above, whom the parent
// runs as, and both are known. Whoever the system hands a process to has less
// rights, not more. Where the logon IDs are the same so are the users, however
// they are spelled: the Security log has the computer's account where Sysmon
// has SYSTEM or NETWORK SERVICE.
func (id identity) elevatedUser(above identity) bool {
	switch {
	case id.user == "" || above.user == "" || id.logon == above.logon && id.logon != 0:
		return false
	case above.principal == finding.PrincipalSystem || above.principal == finding.PrincipalMachine: // which may be SYSTEM
		return false
	case id.principal != 0 && above.principal != 0:
		return !id.principal.Maybe(above.principal)
	}
	return id.principal == finding.PrincipalSystem || !strings.EqualFold(finding.Account(id.user), finding.Account(above.user))
}

// isMachine reports whether a user is the account of its own computer.
func isMachine(user string, host *proctree.Host) bool {
	name, ok := strings.CutSuffix(finding.Account(user), "$")
	return ok && slices.ContainsFunc(host.Names, func(computer string) bool {
		short, _, _ := strings.Cut(computer, ".")
		return strings.EqualFold(name, short)
	})
}

// integrityLevels are the levels of integrity as Sysmon names them, by the last
// part of their SID, which orders them ([MS-DTYP] 2.4.2.4).
var integrityLevels = []struct {
	name string
	rank int
}{
	{"Untrusted", 0}, {"Low", 0x1000}, {"Medium", 0x2000}, {"MediumPlus", 0x2100}, {"High", 0x3000}, {"System", 0x4000}, {"Protected", 0x5000},
}

// integrityRank orders integrity levels, which are names or SIDs; 0 is an
// unknown one.
func integrityRank(level string) int {
	if last, ok := strings.CutPrefix(level, "S-1-16-"); ok {
		if n, err := strconv.ParseUint(last, 10, 16); err == nil {
			return int(n) + 1
		}
	}
	for _, l := range integrityLevels {
		if strings.EqualFold(level, l.name) {
			return l.rank + 1
		}
	}
	return 0
}

// integrityName returns the name of an integrity level that may be a SID.
func integrityName(level string) string {
	for _, l := range integrityLevels {
		if l.rank+1 == integrityRank(level) {
			return l.name
		}
	}
	return level
}
