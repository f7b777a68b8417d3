package rules

import (
	"maps"
	"slices"
)

// SetLimit makes a Correlator keep no more than so many events, for tests.
func (c *Correlator) SetLimit(events int) { c.limit = events }

// Kept returns what a matcher keeps: pages of the tables that it shares,
// verdicts of its own, and bytes of states of automata, as counted and as they
// are.
func (m *Matcher) Kept() (pages, verdicts, counted, size int) {
	for i := range m.shared.tables {
		if table := m.shared.tables[i].Load(); table != nil {
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
