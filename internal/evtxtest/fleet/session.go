package fleet

import (
	"crypto/sha1"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"webshellscan/internal/evtxtest"
)

// Session is a logon session: who is logged on, since when, how trusted.
type Session struct {
	// Account is what Security events name the user; services run as the
	// computer's own account.
	Account evtxtest.Account
	// User is what Sysmon names the user, such as `NT AUTHORITY\SYSTEM`.
	User string
	// Logon is when the session began.
	Logon evtxtest.FileTime
	// Terminal is the number of the terminal session; services have 0.
	Terminal uint32
	// Integrity is the integrity level in words, Label as a SID.
	Integrity string
	Label     evtxtest.SID
	// Elevation is the token's type as event 4688 spells it.
	Elevation string

	guid evtxtest.GUID
}

// Token elevation types and integrity levels of events 4688, from Microsoft's
// description of the event.
const (
	elevationDefault = "%%1936"
	elevationFull    = "%%1937"
	elevationLimited = "%%1938"
)

var (
	labelSystem = evtxtest.MustSID("S-1-16-16384")
	labelHigh   = evtxtest.MustSID("S-1-16-12288")
	labelMedium = evtxtest.MustSID("S-1-16-8192")
)

// Names of the sessions that every host has.
const (
	sessionSystem  = "SYSTEM"
	sessionNetwork = "NETWORK SERVICE"
	sessionLocal   = "LOCAL SERVICE"
)

// bootSessions begins the sessions of the operating system.
func (h *Host) bootSessions() {
	clear(h.sessions)
	computer := strings.ToUpper(h.shortName()) + "$"
	for _, s := range [...]struct {
		name, sid string
		id        uint64
	}{
		{sessionSystem, "S-1-5-18", 0x3E7},
		{sessionNetwork, "S-1-5-20", 0x3E4},
		{sessionLocal, "S-1-5-19", 0x3E5},
	} {
		account := evtxtest.Account{
			SID: evtxtest.MustSID(s.sid), Name: computer, Domain: h.options.Domain, LogonID: s.id,
		}
		if s.name == sessionLocal {
			account.Name, account.Domain = s.name, "NT AUTHORITY"
		}
		h.sessions[s.name] = h.session(account, `NT AUTHORITY\`+s.name, Session{
			Integrity: "System", Label: labelSystem, Elevation: elevationDefault,
		})
	}
}

// session completes a session that begins now.
func (h *Host) session(a evtxtest.Account, user string, s Session) *Session {
	s.Account, s.User, s.Logon = a, user, h.now
	binary.LittleEndian.PutUint32(s.guid[0:], h.machineID)
	binary.LittleEndian.PutUint32(s.guid[4:], h.now.UnixSeconds())
	// Older Sysmon marks sessions by 0x20000000, newer has the logon ID
	// alone.
	key := a.LogonID
	if h.options.Sysmon < evtxtest.Sysmon23 {
		key = a.LogonID<<32 | 0x20000000
	}
	binary.LittleEndian.PutUint64(s.guid[8:], key)
	return &s
}

// poolSession returns the session of an application pool's identity, which
// begins when it is first used.
func (h *Host) poolSession(pool string) *Session {
	if s, ok := h.sessions["pool "+pool]; ok {
		return s
	}
	sid := evtxtest.MustSID("S-1-5-82")
	sid[1] += sha1.Size / 4
	sid = append(sid, poolHash(pool)...)
	a := evtxtest.Account{SID: sid, Name: pool, Domain: "IIS APPPOOL", LogonID: h.newLogonID()}
	s := h.session(a, `IIS APPPOOL\`+pool, Session{
		Integrity: "High", Label: labelHigh, Elevation: elevationDefault,
	})
	h.sessions["pool "+pool] = s
	h.logon(s, 5, "")
	return s
}

// poolHash returns what stands behind 82 in a pool's SID, as the SID has it:
// the SHA-1 of the name in lower case and UTF-16LE.
func poolHash(pool string) []byte {
	var text []byte
	for _, u := range utf16.Encode([]rune(strings.ToLower(pool))) {
		text = binary.LittleEndian.AppendUint16(text, u)
	}
	sum := sha1.Sum(text)
	return sum[:]
}

// person is a user of the domain.
type person struct {
	Name  string // without domain
	RID   uint32
	Admin bool
}

// domainSID is the SID of the invented domain.
const domainSID = "S-1-5-21-1004336348-1177238915-682003330"

// accountSID returns the SID of a user.
func accountSID(p person) evtxtest.SID {
	sid := evtxtest.MustSID(domainSID)
	sid[1]++
	return binary.LittleEndian.AppendUint32(sid, p.RID)
}

// interactive returns a session of a user at the screen or over the network,
// with the limited token of an administrator who has not elevated.
func (h *Host) interactive(p person, logonType uint32, from string) *Session {
	a := evtxtest.Account{SID: accountSID(p), Name: p.Name, Domain: h.options.Domain, LogonID: h.newLogonID()}
	s := Session{Terminal: 1, Integrity: "Medium", Label: labelMedium, Elevation: elevationDefault}
	if p.Admin {
		s.Elevation = elevationLimited
	}
	if logonType == 10 {
		s.Terminal = 2 + uint32(h.rng.IntN(3))
	}
	made := h.session(a, h.options.Domain+`\`+p.Name, s)
	h.logon(made, logonType, from)
	return made
}

// elevated returns the session that s has with its full token.
func (h *Host) elevated(s *Session) *Session {
	e := *s
	e.Account.LogonID = h.newLogonID()
	e.Integrity, e.Label, e.Elevation = "High", labelHigh, elevationFull
	return h.session(e.Account, e.User, e)
}

func (h *Host) newLogonID() uint64 {
	h.nextLogon += 0x100 + uint64(h.rng.IntN(0x4000))
	return h.nextLogon
}
