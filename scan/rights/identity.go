package rights

import (
	"slices"
	"strconv"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// identity is whom a process runs as.
type identity struct {
	user      string // "" if not known
	logon     uint64 // logon ID, 0 if not known
	principal finding.Principal
	integrity string
	creator   bool // only its creator's is known: 4688 before Windows 10 has no other
}

// identity returns that of a process. Processes have a few logon sessions, so
// it is read once for many of one.
func (c *Comparer) identity(p proctree.Process) identity {
	logon := p.SharedFacet(proctree.FacetLogon)
	if logon == 0 {
		return c.readIdentity(p)
	}
	slot := &c.known[(logon^logon>>8)%proctree.FacetID(len(c.known))]
	if slot.logon != logon || slot.host != p.HostIndex() {
		slot.logon, slot.host, slot.identity = logon, p.HostIndex(), c.readIdentity(p)
	}
	return slot.identity
}

func (c *Comparer) readIdentity(p proctree.Process) identity {
	texts := c.forest.Texts()
	text := func(f event.FieldID) string { return texts.KnownText(c.fields.Field(p, f)) }
	logon, err := strconv.ParseUint(text(event.LogonID), 0, 64)
	if err != nil {
		logon = 0
	}
	id := identity{user: text(event.User), logon: logon, integrity: text(event.IntegrityLevel)}
	id.principal = finding.PrincipalByLogon[logon]
	id.creator = text(event.SubjectUserSID) != "" && c.fields.Field(p, event.TargetUserSID) == 0 && c.fields.Field(p, event.LogonGUID) == 0
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

// elevatedUser reports whether the user is another than above, whom the parent
// runs as, and both are known. A child of SYSTEM that runs as another user has
// fewer rights, not more. Where the logon IDs are the same so are the users,
// however they are spelled: the Security log has the computer's account where
// Sysmon has SYSTEM or NETWORK SERVICE. Of no other account do two logon IDs
// make two users.
func (id identity) elevatedUser(above identity) bool {
	switch {
	case id.user == "" || above.user == "" || id.logon == above.logon && id.logon != 0:
		return false
	case above.principal == finding.PrincipalSystem || above.principal == finding.PrincipalMachine: // which may be SYSTEM
		return false
	case id.principal != 0 && above.principal != 0:
		return !id.principal.Maybe(above.principal) && (!id.sameName(above) || strings.HasSuffix(id.user, "$"))
	}
	return !id.sameName(above)
}

// sameName reports whether two users have one name, apart from the domain.
func (id identity) sameName(other identity) bool {
	return strings.EqualFold(finding.Account(id.user), finding.Account(other.user))
}

// beside is what a reason calls a user that it names together with another one.
func (id identity) beside(other identity) string {
	if name := principalNames[id.principal]; name != "" && id.sameName(other) {
		return id.user + " (" + name + ")"
	}
	return id.user
}

// principalNames are those that Windows has in English.
var principalNames = map[finding.Principal]string{
	finding.PrincipalSystem: "SYSTEM", finding.PrincipalLocal: "LOCAL SERVICE", finding.PrincipalNetwork: "NETWORK SERVICE",
}

// isMachine reports whether a user is the account of its own computer.
func isMachine(user string, host *proctree.Host) bool {
	name, ok := strings.CutSuffix(finding.Account(user), "$")
	return ok && slices.ContainsFunc(host.Names, func(computer string) bool {
		short, _, _ := strings.Cut(computer, ".")
		return strings.EqualFold(name, short)
	})
}
