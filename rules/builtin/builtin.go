// Package builtin holds the rules that are part of webshellscan, and reads
// their custom attributes: which rule identifies what a process is, and which
// sets how grave a finding is. It depends on package rules, and on no process
// and no log.
//
//	list, err := builtin.Rules()
//	servers, others := builtin.SplitServers(list)
package builtin

import (
	_ "embed" // of the rules
	"errors"
	"runtime"
	"slices"
	"sync"

	"webshellscan/internal/wire"
	"webshellscan/internal/work"
	"webshellscan/rules"
)

// packed holds the rule files *.yml of this folder as rules.Pack returns them,
// without the work of reading YAML at every start. TestPacked writes it.
//
//go:embed rules.pack
var packed []byte

// packedFile is a rule file in packed.
type packedFile struct {
	name string
	data []byte
}

// codeFiles writes or reads packed.
func codeFiles(c *wire.Coder, list *[]packedFile) {
	wire.List(c, list, 2, func(f *packedFile) {
		c.Text(&f.name)
		c.Bytes(&f.data)
	})
}

// Rules returns the rules that are part of the program: those that give
// findings, and those with a role, which identify what a process is. Their File
// is "builtin/" and a name. The slice is the caller's, the rules are
// everybody's.
func Rules() ([]*rules.Rule, error) {
	all, err := parse()
	return slices.Clone(all), err
}

var parse = sync.OnceValues(read)

// read reads the rules in packed.
func read() ([]*rules.Rule, error) {
	var files []packedFile
	c := wire.NewReader(packed)
	codeFiles(c, &files)
	if err := c.End(); err != nil {
		return nil, err
	}
	lists, faults := make([][]*rules.Rule, len(files)), make([]error, len(files))
	panics := work.Each(runtime.GOMAXPROCS(0), len(files), func(_, i int) {
		list, errs := rules.ParsePacked("builtin/"+files[i].name, files[i].data)
		lists[i], faults[i] = list, errors.Join(errs...)
	})
	for _, p := range panics {
		faults[p.Index] = p
	}
	return slices.Concat(lists...), errors.Join(faults...)
}
