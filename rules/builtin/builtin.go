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
	"runtime"
	"slices"
	"sync"

	"webshellscan/internal/work"
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
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	lists, faults := make([][]*rules.Rule, len(entries)), make([]error, len(entries))
	panics := work.Each(runtime.GOMAXPROCS(0), len(entries), func(_, i int) {
		data, err := files.ReadFile(entries[i].Name())
		if err != nil {
			faults[i] = err
			return
		}
		list, errs := rules.Parse("builtin/"+entries[i].Name(), data)
		lists[i], faults[i] = list, errors.Join(errs...)
	})
	for _, p := range panics {
		faults[p.Index] = p
	}
	return slices.Concat(lists...), errors.Join(faults...)
})
