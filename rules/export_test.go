package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SetLimit makes a Correlator keep no more than so many events, for tests.
func (c *Correlator) SetLimit(events int) { c.limit = events }

// Kept returns what a matcher keeps: pages of the tables that it shares,
// verdicts of its own, and bytes of states of automata, as counted and as they
// are.
func (m *Matcher) Kept() (pages, verdicts, counted, size int) {
	for i := range m.store.tables {
		if table := m.store.tables[i].Load(); table != nil {
			for j := range table {
				if table[j].Load() != nil {
					pages++
				}
			}
		}
	}
	for _, a := range m.scratch.automata {
		if a != nil {
			size += a.Size
		}
	}
	return pages, m.verdicts.len(), m.scratch.automataSize, size
}

const (
	MaxPages        = maxPages
	KeptPages       = keptPages
	MaxVerdicts     = maxVerdicts
	MaxAutomataSize = maxAutomataSize
)

// ModifierNames returns the names of all modifiers.
func ModifierNames() []string { return slices.Sorted(maps.Keys(classOf)) }

// ReadTwice reads each document of a file by lines and by the YAML reader, and
// returns how many there are, how many could be read by lines, and how the
// first that differs does.
func ReadTwice(data []byte) (documents, byLines int, difference string) {
	for _, part := range splitDocuments(data) {
		documents++
		n, ok := readLines(part)
		if !ok {
			continue
		}
		byLines++
		var want []*node
		err := decodeDocument("", part, func(n *node) { want = append(want, n) })
		if got, want := dump([]*node{n}), dump(want); difference == "" && (err != nil || got != want) {
			difference = fmt.Sprintf("by lines:\n%s\nby the YAML reader (%v):\n%s\nof:\n%s", got, err, want, part.data)
		}
	}
	return documents, byLines, difference
}

// dump writes nodes with all that they hold.
func dump(nodes []*node) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "%d:%d kind %d value %d %q keys %d [%s%s]\n", n.line, n.column, n.kind, n.value, n.text, len(n.keys), dump(n.keys), dump(n.items))
	}
	return b.String()
}
