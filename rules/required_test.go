package rules_test

import (
	"slices"
	"testing"

	"webshellscan/rules"
)

// TestRequired: which values of EventID a rule needs, by how its condition
// joins what asks for them, however that is written.
func TestRequired(t *testing.T) {
	const searches = `
title: t
logsource:
    product: windows
detection:
    one: {EventID: 1}
    two: {eventid: [2, 3]}
    both: [{EventID: 5, User: a}, {EventID: 4, User: b}]
    half: [{EventID: 6}, {User: a}]
    pattern: {EventID: '7*'}
    part: {EventID|startswith: '8'}
    null_id: {EventID: null}
    other: {User: a}
    words: [a, b]
    condition: `
	for condition, want := range map[string][]string{
		"one":                               {"1"},
		"two":                               {"2", "3"},
		"both":                              {"4", "5"},
		"half":                              nil,
		"pattern":                           nil,
		"part":                              nil,
		"null_id":                           nil,
		"words":                             nil,
		"not one":                           nil,
		"other and not one":                 nil,
		"words and not one":                 nil,
		"two and not one":                   {"2", "3"},
		"one and (other or words)":          {"1"},
		"other and one":                     {"1"},
		"one or two":                        {"1", "2", "3"},
		"one or other":                      nil,
		"(one)or(other)":                    nil,
		"|-\n        one or\n        other": nil,
		"1 of o*":                           nil,
		"2 of o*":                           {"1"},
		"all of o*":                         {"1"},
		"one and not 1 of p*":               {"1"},
		"[one, two]":                        {"1", "2", "3"},
		"[one, other]":                      nil,
	} {
		list, err := rules.Parse("t.yml", []byte(searches+condition+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		got, ok := list[0].Detection.Required("EventID")
		if ok != (want != nil) || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", condition, got, ok, want)
		}
	}
}
