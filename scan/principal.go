package scan

import "strings"

// principal is one of the accounts that a computer has of itself. They are called
// otherwise in every language, and in the Security log by the computer's own
// name; their logon IDs and SIDs are everywhere the same ([MS-DTYP] 2.4.2.4, and
// Microsoft's description of logon sessions).
type principal uint8

const (
	principalSystem principal = iota + 1
	principalLocal
	principalNetwork
	// principalMachine: SYSTEM or NETWORK SERVICE, by the computer's name and without
	// a logon ID that would say which.
	principalMachine
)

// nullSID is nobody's.
const nullSID = "S-1-0-0"

var (
	principalByLogon = map[uint64]principal{0x3e7: principalSystem, 0x3e5: principalLocal, 0x3e4: principalNetwork}
	principalBySID   = map[string]principal{"S-1-5-18": principalSystem, "S-1-5-19": principalLocal, "S-1-5-20": principalNetwork}
	// principalByName is for processes of which nothing but a name is known. What it
	// lacks is learnt from the host's own logs.
	principalByName = map[string]principal{
		"system": principalSystem, "système": principalSystem, "sistema": principalSystem, "система": principalSystem,
		"local service": principalLocal, "lokaler dienst": principalLocal, "service local": principalLocal,
		"servicio local": principalLocal, "servizio locale": principalLocal,
		"network service": principalNetwork, "netzwerkdienst": principalNetwork, "service réseau": principalNetwork,
		"servicio de red": principalNetwork, "servizio di rete": principalNetwork,
	}
)

// maybe reports whether two principals may be one.
func (p principal) maybe(other principal) bool {
	if p == principalMachine {
		p, other = other, p
	}
	return p == other || other == principalMachine && p != principalLocal
}

// learnt returns the identity with the principal that its name stands for on its
// host, if nothing else tells: a parent that is in no log has a name only.
func (l *lineage) learnt(id identity, host int) identity {
	if id.principal != 0 || id.logon != 0 {
		return id
	}
	names := l.names[host]
	if names == nil {
		names = l.principalNames(host)
		l.names[host] = names
	}
	id.principal = names[strings.ToLower(account(id.user))]
	return id
}

// principalNames returns the names under which a host's processes run in the
// logon sessions of its principals.
func (l *lineage) principalNames(host int) map[string]principal {
	names := make(map[string]principal)
	for p := range l.forest.Processes(host) {
		id := l.identity(p)
		if known := principalByLogon[id.logon]; known != 0 && id.user != "" && !isVirtual(id.user) && !strings.HasSuffix(id.user, "$") {
			names[strings.ToLower(account(id.user))] = known
		}
	}
	return names
}

// isVirtual reports whether a user is the virtual account of an application pool
// or a service. Their domains are the same in every language.
func isVirtual(user string) bool {
	domain, _, _ := strings.Cut(strings.ToUpper(user), `\`)
	return domain == "IIS APPPOOL" || domain == "NT SERVICE"
}
