package scan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"webshellscan/internal/nearest"
	"webshellscan/rules"
	"webshellscan/scan/event"
)

// UnknownFields says which items of the rules about processes ask for a field
// that no process has, with the nearest name, if one is near.
func (s *RuleSets) UnknownFields() []*rules.ParseError {
	names := processFields()
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[strings.ToLower(name)] = true
	}
	var list []*rules.ParseError
	for _, set := range s.sets() {
		for _, r := range set.Rules() {
			for item := range itemsOf(r) {
				if !known[strings.ToLower(item.Field)] {
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

// itemsOf goes through the items of a detection rule.
func itemsOf(r *rules.Rule) func(yield func(*rules.Item) bool) {
	return func(yield func(*rules.Item) bool) {
		for _, by := range r.Detection.Searches {
			for _, group := range by.Groups {
				for _, item := range group.Items {
					if !yield(item) {
						return
					}
				}
			}
		}
	}
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
	return append(names, "matchedrule", "writerimage")
}
