package story

import (
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// principals finds the accounts that processes ran as. Millions of processes
// share a few accounts and logon sessions: each of these is worked out once. It
// is for one goroutine.
type principals struct {
	texts  *proctree.Texts
	fields *proctree.FieldReader
	known  map[[3]proctree.TextID]*principal
	logons map[proctree.TextID]uint64
}

// principal is whom a process ran as, in lower case.
type principal struct {
	// identities are the names and SIDs of accounts that belong to one
	// program by their nature.
	identities []string
	sids       []string
}

func newPrincipals(f *proctree.Forest) *principals {
	return &principals{
		texts: f.Texts(), fields: proctree.NewFieldReader(f),
		known: make(map[[3]proctree.TextID]*principal), logons: make(map[proctree.TextID]uint64),
	}
}

// of returns whom a process ran as.
func (ps *principals) of(p proctree.Process) *principal {
	key := [...]proctree.TextID{
		ps.fields.Field(p, event.User), ps.fields.Field(p, event.SubjectUserSID), ps.fields.Field(p, event.TargetUserSID),
	}
	who, ok := ps.known[key]
	if !ok {
		who = newPrincipal(ps.texts.KnownText(key[0]), ps.texts.KnownText(key[1]), ps.texts.KnownText(key[2]))
		ps.known[key] = who
	}
	return who
}

// newPrincipal returns whom the fields User, SubjectUserSid and TargetUserSid
// name.
func newPrincipal(user, subject, target string) *principal {
	user, subject, target = strings.ToLower(user), strings.ToLower(subject), strings.ToLower(target)
	who := new(principal)
	for _, text := range []string{user, subject, target} {
		if event.IsVirtualAccount(text) {
			who.identities = append(who.identities, text)
		}
		if pool := event.PoolOf(text); pool != "" {
			who.identities = append(who.identities, strings.ToLower(event.PoolSID(pool)))
		}
	}
	for _, sid := range []string{target, subject} {
		if strings.HasPrefix(sid, "s-1-5-") {
			who.sids = append(who.sids, sid)
		}
	}
	for _, u := range who.identities {
		if strings.HasPrefix(u, "s-1-") {
			who.sids = append(who.sids, u)
		}
	}
	return who
}

// sharedLogons are the logon sessions that a system has of itself: those of
// SYSTEM, LOCAL SERVICE and NETWORK SERVICE ([MS-DTYP] 2.4.2.4, and Microsoft's
// description of logon sessions).
var sharedLogons = map[uint64]bool{0: true, 0x3e7: true, 0x3e5: true, 0x3e4: true}

// logonOf returns the logon ID of a process, 0 if it is not known or one that
// many share.
func (ps *principals) logonOf(p proctree.Process) uint64 {
	text := ps.fields.Field(p, event.LogonID)
	id, ok := ps.logons[text]
	if !ok {
		if id, ok = number(ps.texts.Text(text)); !ok || sharedLogons[id] {
			id = 0
		}
		ps.logons[text] = id
	}
	return id
}

// identitiesOfPool returns the name and the SID of an application pool's
// identity, in lower case.
func identitiesOfPool(pool string) []string {
	return []string{strings.ToLower(event.PoolAccount(pool)), strings.ToLower(event.PoolSID(pool))}
}
