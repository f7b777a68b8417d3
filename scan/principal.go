package scan

import (
	"strings"

	"webshellscan/scan/finding"
)

// withPrincipal returns the identity with the principal that its name stands
// for on its host, unless it has one already: a parent that is in no log has a
// name only.
func (l *lineage) withPrincipal(id identity, host int) identity {
	if id.principal != 0 || id.logon != 0 {
		return id
	}
	names := l.names[host]
	if names == nil {
		names = l.principalNames(host)
		l.names[host] = names
	}
	id.principal = names[strings.ToLower(finding.Account(id.user))]
	return id
}

// principalNames returns the names under which a host's processes run in the
// logon sessions of its principals.
func (l *lineage) principalNames(host int) map[string]finding.Principal {
	names := make(map[string]finding.Principal)
	for p := range l.forest.Processes(host) {
		id := l.identity(p)
		if known := finding.PrincipalByLogon[id.logon]; known != 0 && id.user != "" && !finding.IsVirtual(id.user) && !strings.HasSuffix(id.user, "$") {
			names[strings.ToLower(finding.Account(id.user))] = known
		}
	}
	return names
}
