package finding

import (
	"webshellscan/rules"
	"webshellscan/rules/builtin"
)

// ServerRole is which kind of server a worker is.
type ServerRole string

// The roles, in the order in which they are taken for the worker where one
// server runs below another.
const (
	ServerNone    ServerRole = ""
	ServerUnknown ServerRole = "unknown" // behaves as a server does; no rule knows its name
	ServerOther   ServerRole = "other"   // a database, a management agent
	ServerWeb     ServerRole = "web"
)

// serverRoles are the roles by the attribute `role` of the rules that identify
// servers.
var serverRoles = map[string]ServerRole{
	builtin.RoleWebServer: ServerWeb, builtin.RoleOtherServer: ServerOther, builtin.RoleUnknownServer: ServerUnknown,
}

// ServerRoleOf returns the role of the servers that a rule identifies,
// ServerNone if it identifies none.
func ServerRoleOf(r *rules.Rule) ServerRole { return serverRoles[r.Role] }

// Noun is what sentences call a server of that role.
func (r ServerRole) Noun() string {
	switch r {
	case ServerOther:
		return "server"
	case ServerUnknown:
		return "unknown server"
	}
	return "web server"
}
