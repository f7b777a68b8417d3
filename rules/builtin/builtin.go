// Package builtin holds the rules that are part of webshellscan, and reads
// their custom attributes: which rule identifies what a process is, and which
// sets how grave a finding is. It depends on package rules, and on no process
// and no log.
//
//	list, err := builtin.Rules()
//	servers, others := builtin.SplitServers(list)
package builtin

import (
	"embed"
	"errors"
	"io/fs"
	"slices"
	"sync"

	"webshellscan/rules"
)

//go:embed *.yml
var files embed.FS

// Rules returns the rules that are part of the program: those that give
// findings, and those with a role, which identify what a process is. Their File
// is "builtin/" and a name. The slice is the caller's, the rules are
// everybody's.
func Rules() ([]*rules.Rule, error) {
	all, err := parse()
	return slices.Clone(all), err
}

var parse = sync.OnceValues(func() ([]*rules.Rule, error) {
	var all []*rules.Rule
	var faults []error
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		data, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, err
		}
		list, errs := rules.Parse("builtin/"+entry.Name(), data)
		all, faults = append(all, list...), append(faults, errs...)
	}
	return all, errors.Join(faults...)
})
