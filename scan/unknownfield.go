package scan

import (
	"fmt"
	"maps"
	"slices"

	"webshellscan/internal/nearest"
	"webshellscan/rules"
	"webshellscan/scan/event"
)

// UnknownFields returns the items of the rules about processes that ask for a
// field that no process has, with the nearest name, if one is near.
func (s *RuleSets) UnknownFields() []*rules.ParseError {
	names := processFields()
	var list []*rules.ParseError
	for _, set := range s.sets() {
		for _, r := range set.Rules() {
			for item := range r.Detection.Items() {
				if knownGetter(item.Field) == nil {
					list = append(list, &rules.ParseError{
						File: r.File, Line: item.Line, Column: item.Column,
						Reason: fmt.Sprintf("no process has the field %q%s", item.Field, nearest.Question(item.Field, names)),
					})
				}
			}
		}
	}
	return list
}

// processFields returns the names of the fields that rules may ask of
// processes: as logs have them, or, of others, in lower case.
func processFields() []string {
	var names []string
	for id := event.FieldNone + 1; int(id) < event.NumFields; id++ {
		if id.OfProcess() {
			names = append(names, id.String())
		}
	}
	names = append(names, slices.Sorted(maps.Keys(getters))...)
	names = append(names, slices.Sorted(maps.Keys(measureFields))...)
	names = append(names, slices.Sorted(maps.Keys(sessionFields))...)
	return append(names, slices.Sorted(maps.Keys(findingFields))...)
}
