package finding

import "strings"

// Principal is one of the built-in accounts of a computer. Their names differ
// between languages, and the Security log calls them by the computer's own
// name; their logon IDs and SIDs are the same everywhere ([MS-DTYP] 2.4.2.4,
// and Microsoft's description of logon sessions).
type Principal uint8

// The principals.
const (
	PrincipalSystem Principal = iota + 1
	PrincipalLocal
	PrincipalNetwork
	// PrincipalMachine: SYSTEM or NETWORK SERVICE, by the computer's name
	// and without a logon ID that would identify it.
	PrincipalMachine
)

// NullSID is the SID that stands for no account.
const NullSID = "S-1-0-0"

// Principals by what processes have of them.
var (
	PrincipalByLogon = map[uint64]Principal{0x3e7: PrincipalSystem, 0x3e5: PrincipalLocal, 0x3e4: PrincipalNetwork}
	PrincipalBySID   = map[string]Principal{"S-1-5-18": PrincipalSystem, "S-1-5-19": PrincipalLocal, "S-1-5-20": PrincipalNetwork}
	// PrincipalByName is for processes of which nothing but a name is
	// known. What it lacks comes from the host's own logs.
	PrincipalByName = map[string]Principal{
		"system": PrincipalSystem, "système": PrincipalSystem, "sistema": PrincipalSystem, "система": PrincipalSystem,
		"local service": PrincipalLocal, "lokaler dienst": PrincipalLocal, "service local": PrincipalLocal,
		"servicio local": PrincipalLocal, "servizio locale": PrincipalLocal,
		"network service": PrincipalNetwork, "netzwerkdienst": PrincipalNetwork, "service réseau": PrincipalNetwork,
		"servicio de red": PrincipalNetwork, "servizio di rete": PrincipalNetwork,
	}
)

// Maybe reports whether two principals may be one.
func (p Principal) Maybe(other Principal) bool {
	if p == PrincipalMachine {
		p, other = other, p
	}
	return p == other || other == PrincipalMachine && p != PrincipalLocal
}

// Account returns a user's name without the domain, which logs write in several
// ways: before the name, or after it as in a user principal name (Microsoft,
// "User Naming Attributes"; no account name has an @).
func Account(user string) string {
	if i := strings.LastIndexByte(user, '\\'); i >= 0 {
		return user[i+1:]
	}
	name, _, _ := strings.Cut(user, "@")
	return name
}
