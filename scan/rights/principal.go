package rights

import (
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// withPrincipal returns the identity with the principal that its name stands
// for on its host, unless it has one already: a parent that is in no log has a
// name only.
func (c *Comparer) withPrincipal(id identity, host int) identity {
	if id.principal != 0 || id.logon != 0 {
		return id
	}
	names := c.names[host]
	if names == nil {
		names = c.principalNames(host)
		c.names[host] = names
	}
	id.principal = names[strings.ToLower(finding.Account(id.user))]
	return id
}

// principalNames returns the names under which a host's processes run in the
// logon sessions of its principals.
func (c *Comparer) principalNames(host int) map[string]finding.Principal {
	names := make(map[string]finding.Principal)
	for p := range c.forest.Processes(host) {
		id := c.identity(p)
		if known := finding.PrincipalByLogon[id.logon]; known != 0 && id.user != "" && !event.IsVirtualAccount(id.user) && !strings.HasSuffix(id.user, "$") {
			names[strings.ToLower(finding.Account(id.user))] = known
		}
	}
	return names
}
