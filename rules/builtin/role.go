package builtin

import (
	"slices"

	"webshellscan/rules"
)

// The roles of rules that decide whether a process is a server, and of which
// kind. The first rule that matches a process names it, those of
// RoleUnknownServer last.
const (
	// RoleWebServer is of web servers, and of what else has a web console.
	RoleWebServer = "web_server"
	// RoleOtherServer is of servers that serve something else: databases,
	// management agents.
	RoleOtherServer = "other_server"
	// RoleUnknownServer is of what behaves as a server does, and has a name
	// that no rule has.
	RoleUnknownServer = "unknown_server"
)

// RoleWebApplication is the role of rules that identify what runs in a server:
// they are asked of servers only, and the first that matches names the product.
const RoleWebApplication = "web_application"

// RoleTechnique is the role of rules that map one program or behaviour to what
// it is called by MITRE ATT&CK, CAR and D3FEND: they are asked of findings
// only, and their tags are claimed of the processes that they match.
const RoleTechnique = "technique"

// The roles of rules that give no findings by themselves but set how grave
// those of others are. Each has a level, and a sentence with the reason: see
// Why.
const (
	// RoleRaise is the role of rules that raise a finding for what its
	// process did: its level is at least theirs.
	RoleRaise = "raise"
	// RoleLower is the role of rules that know what a finding's process did
	// for a habit: its level is at most theirs.
	RoleLower = "lower"
	// RoleRaiseSession is the role of rules that are asked of the web
	// server of a session: its level is at least theirs.
	RoleRaiseSession = "raise_session"
)

// RoleTrace is the role of rules about events that concern web servers without
// being findings: what they match is reported for hosts without process
// creations.
const RoleTrace = "trace"

// MeasureEnumeration is the custom attribute `measure` of rules whose matches
// count as enumeration.
const MeasureEnumeration = "enumeration"

// IdentifiesServer reports whether a rule has one of the roles by which a
// process is a server.
func IdentifiesServer(r *rules.Rule) bool {
	return r.Role == RoleWebServer || r.Role == RoleOtherServer || r.Role == RoleUnknownServer
}

// Measure returns the custom attribute `measure`: as what a rule's matches
// count when those below one web server are measured together, "" for nothing.
func Measure(r *rules.Rule) string { return r.Custom["measure"] }

// Why returns the custom attribute `why`: the sentence that a rule which weighs
// findings gives as its reason. A field's name in braces stands for its values.
func Why(r *rules.Rule) string { return r.Custom["why"] }

// Behaviour returns the custom attribute `behaviour` of a rule that raises: the
// kind of what the process did. A rule without one is only about how unusual it
// is, which does not count against a habit.
func Behaviour(r *rules.Rule) string { return r.Custom["behaviour"] }

// Despite returns the custom attribute `despite` of a rule that lowers: the
// names or IDs, joined by commas, of rules that raise and are set aside where
// it matches.
func Despite(r *rules.Rule) []string { return rules.SplitList(r.Custom["despite"]) }

// SetsAside reports whether a rule that lowers sets aside one that raises.
func SetsAside(lower, raise *rules.Rule) bool { return slices.ContainsFunc(Despite(lower), raise.Goes) }

// SplitServers returns the rules that identify servers in the order in which
// they are tried (those of RoleUnknownServer last), and the others.
func SplitServers(list []*rules.Rule) (servers, others []*rules.Rule) {
	unknown, known := SplitRole(list, RoleUnknownServer)
	servers, others = split(known, IdentifiesServer)
	return append(servers, unknown...), others
}

// SplitLevels returns the rules that raise or lower the level of findings,
// those that raise that of sessions, and the others.
func SplitLevels(list []*rules.Rule) (levels, sessions, others []*rules.Rule) {
	raise, others := SplitRole(list, RoleRaise)
	lower, others := SplitRole(others, RoleLower)
	sessions, others = SplitRole(others, RoleRaiseSession)
	return slices.Concat(raise, lower), sessions, others
}

// SplitRole returns the rules of a role and the others, each in their order.
func SplitRole(list []*rules.Rule, role string) (with, without []*rules.Rule) {
	return split(list, func(r *rules.Rule) bool { return r.Role == role })
}

// split returns the rules that have something, and those that do not.
func split(list []*rules.Rule, has func(*rules.Rule) bool) (with, without []*rules.Rule) {
	for _, r := range list {
		if has(r) {
			with = append(with, r)
		} else {
			without = append(without, r)
		}
	}
	return with, without
}
