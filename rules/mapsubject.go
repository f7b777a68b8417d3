package rules

import (
	"maps"
	"slices"
	"strings"
)

// MapSubject is a Subject made of a map. It belongs to the Set that made it,
// and is immutable; goroutines may share it.
type MapSubject struct {
	values [][]string // by field of the set
}

// NewMapSubject returns an event, given by the names of its fields, as a
// Subject for this set's matchers. Names are compared without case; those that
// no rule of the set asks for are ignored. Fields that rules call by other
// names are found by those that the set's sources and Options.Aliases map them
// to.
func (s *Set) NewMapSubject(event map[string]string) *MapSubject {
	m := &MapSubject{values: make([][]string, len(s.fields))}
	for _, name := range slices.Sorted(maps.Keys(event)) {
		for i, field := range s.fields {
			if field == "" || strings.EqualFold(field, name) {
				m.values[i] = append(m.values[i], event[name])
			}
		}
	}
	return m
}

// Values implements Subject. The IDs are the places of the values: they mean
// nothing for another subject, so that nothing about them may be kept.
func (m *MapSubject) Values(dst []ValueID, field int) []ValueID {
	for i := range m.values[field] {
		dst = append(dst, Unkept|ValueID(field)<<32|ValueID(i))
	}
	return dst
}

// Text implements Subject.
func (m *MapSubject) Text(id ValueID) string {
	return m.values[id&^Unkept>>32][uint32(id)]
}
