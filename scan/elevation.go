package scan

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// lineage looks at everything that ran below a worker, found or not.
type lineage struct {
	forest *proctree.Forest
	fields *proctree.FieldReader
	todo   []proctree.Process
	known  [256]struct { // by logon
		logon    proctree.FacetID
		identity identity
	}
}

func newLineage(forest *proctree.Forest) *lineage {
	return &lineage{forest: forest, fields: proctree.NewFieldReader(forest)}
}

// identity is whom a process runs as.
type identity struct {
	user      string
	logon     uint64 // logon ID, 0 if not known
	integrity string
}

// The logon ID of the system itself ([MS-DTYP], and Microsoft's description of
// logon sessions): SYSTEM is called otherwise in every language.
const logonSystem = 0x3e7

func (l *lineage) identity(p proctree.Process) identity {
	logon := p.SharedFacet(proctree.FacetLogon)
	if logon == 0 {
		return l.readIdentity(p)
	}
	slot := &l.known[(logon^logon>>8)%proctree.FacetID(len(l.known))]
	if slot.logon != logon {
		slot.logon, slot.identity = logon, l.readIdentity(p)
	}
	return slot.identity
}

func (l *lineage) readIdentity(p proctree.Process) identity {
	texts := l.forest.Texts()
	text := func(f event.FieldID) string { return texts.Text(l.fields.Field(p, f)) }
	logon, err := strconv.ParseUint(text(event.LogonID), 0, 64)
	if err != nil {
		logon = 0
	}
	return identity{text(event.User), logon, text(event.IntegrityLevel)}
}

// climb counts the processes below the worker, and notes where one runs as another
// user or at a higher integrity level than its parent.
func (l *lineage) climb(s *Session) {
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
			if own.elevatedUser(above) {
				users.add(p, fmt.Sprintf("%s runs as %s, its parent %s as %s", l.name(p), own.user, l.name(parent), above.user))
			}
			if integrityRank(own.integrity) > integrityRank(above.integrity) && integrityRank(above.integrity) > 0 {
				levels.add(p, fmt.Sprintf("%s runs at integrity level %s, its parent %s at %s", l.name(p), own.integrity, l.name(parent), above.integrity))
			}
		}
	}
	s.userRises, s.integrityRises = users.text(), levels.text()
}

// name is what a reason calls a process.
func (l *lineage) name(p proctree.Process) string {
	return fmt.Sprintf("%s (%d)", cmp.Or(proctree.BaseName(l.forest.Texts().Text(p.Image())), "a process"), p.PID())
}

// elevations counts processes with more rights than their parents, and keeps what
// is to be said of the first.
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
	if e.count > 1 {
		return fmt.Sprintf("%s; so do %d more", e.first, e.count-1)
	}
	return e.first
}

// elevatedUser reports whether the user is another than above, whom the parent
// runs as. Whoever the system hands a process to has less rights, not more. Where
// the logon IDs are the same so are the users, however they are spelled: the
// Security log has the computer's account where Sysmon has SYSTEM.
func (id identity) elevatedUser(above identity) bool {
	if id.user == "" || above.user == "" || above.logon == logonSystem || id.logon == above.logon && id.logon != 0 {
		return false
	}
	return id.logon == logonSystem || !strings.EqualFold(account(id.user), account(above.user))
}

// account returns a user's name without the domain, which logs spell in several
// ways.
func account(user string) string { return user[strings.LastIndexByte(user, '\\')+1:] }

// integrityRank orders integrity levels; 0 is an unknown one.
func integrityRank(level string) int {
	for i, name := range [...]string{"untrusted", "low", "medium", "mediumplus", "high", "system", "protected"} {
		if strings.EqualFold(level, name) {
			return i + 1
		}
	}
	return 0
}
