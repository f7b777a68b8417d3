package rules

import (
	"embed"
	"errors"
	"io/fs"
	"path"
	"slices"
	"sync"
)

// builtinFiles holds the rules that are part of the program.
//
//go:embed builtin/*.yml
var builtinFiles embed.FS

// The roles of rules that tell whether a process is a server, and of which kind.
// The first rule that matches a process names it, those of RoleUnknownServer
// last.
const (
	// RoleWebServer is of web servers, and of what else has a web console.
	RoleWebServer = "web_server"
	// RoleOtherServer is of servers that serve something else: databases,
	// management agents.
	RoleOtherServer = "other_server"
	// RoleUnknownServer is of what behaves as a server does, and has a name that
	// no rule knows.
	RoleUnknownServer = "unknown_server"
)

// RoleWebApplication is the role of rules that tell what runs in a server: they
// are asked of servers only, and the first that matches names the product.
const RoleWebApplication = "web_application"

// TellsServer reports whether the rule has one of the roles by which a process
// is a server.
func (r *Rule) TellsServer() bool {
	return r.Role == RoleWebServer || r.Role == RoleOtherServer || r.Role == RoleUnknownServer
}

// RoleTechnique is the role of rules that map one program or behaviour to what
// it is called by MITRE ATT&CK, CAR and D3FEND: they are asked of findings only,
// and their tags are claimed of the processes that they match.
const RoleTechnique = "technique"

// MeasureEnumeration is the custom attribute `measure` of rules whose matches
// count as enumeration.
const MeasureEnumeration = "enumeration"

// Measure returns the custom attribute `measure`: as what a rule's matches
// count when those below one web server are measured together, "" for nothing.
func (r *Rule) Measure() string { return r.Custom["measure"] }

// Builtin returns the rules that are part of the program: those that give
// findings, and those with a role, which judge what a process is. Their File is
// "builtin/" and a name. The slice is the caller's, the rules are everybody's.
func Builtin() ([]*Rule, error) {
	all, err := parseBuiltin()
	return slices.Clone(all), err
}

var parseBuiltin = sync.OnceValues(func() ([]*Rule, error) {
	var all []*Rule
	var faults []error
	entries, err := fs.ReadDir(builtinFiles, "builtin")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		name := path.Join("builtin", entry.Name())
		data, err := builtinFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		rules, errs := Parse(name, data)
		all, faults = append(all, rules...), append(faults, errs...)
	}
	return all, errors.Join(faults...)
})

// SplitServers returns the rules that tell servers in the order in which they
// are asked (those of RoleUnknownServer last), and the others.
func SplitServers(list []*Rule) (servers, others []*Rule) {
	unknown, known := SplitRole(list, RoleUnknownServer)
	servers, others = split(known, (*Rule).TellsServer)
	return append(servers, unknown...), others
}

// SplitRole returns the rules of a role and the others, each in their order.
func SplitRole(list []*Rule, role string) (with, without []*Rule) {
	return split(list, func(r *Rule) bool { return r.Role == role })
}

// split returns the rules that have something, and those that do not.
func split(list []*Rule, has func(*Rule) bool) (with, without []*Rule) {
	for _, r := range list {
		if has(r) {
			with = append(with, r)
		} else {
			without = append(without, r)
		}
	}
	return with, without
}
