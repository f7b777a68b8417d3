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

// RoleWebServer is the role of rules that tell whether a process is a web
// server.
const RoleWebServer = "web_server"

// RoleWebApplication is the role of rules that tell what runs in a web server:
// they are asked of web servers only, and the first that matches names the
// product.
const RoleWebApplication = "web_application"

// MeasureEnumeration is the custom attribute `measure` of rules whose matches
// count as enumeration.
const MeasureEnumeration = "enumeration"

// Measure returns the custom attribute `measure`: as what a rule's matches
// count when those below one web server are measured together, "" for nothing.
func (r *Rule) Measure() string { return r.Custom["measure"] }

// Builtin returns the rules that are part of the program: those that give
// findings, and those of the role web_server, which judge whether a process is
// a web server. Their File is "builtin/" and a name. The slice is the caller's,
// the rules are everybody's.
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

// SplitRole returns the rules of a role and the others, each in their order.
func SplitRole(list []*Rule, role string) (with, without []*Rule) {
	for _, r := range list {
		if r.Role == role {
			with = append(with, r)
		} else {
			without = append(without, r)
		}
	}
	return with, without
}
