package rules_test

import (
	"testing"

	"webshellscan/rules"
)

// TestShows: a rule is chosen by what the processes that it finds may do, also
// by a part of a number, and its tags stay as they are.
func TestShows(t *testing.T) {
	list, errs := rules.Parse("r.yml", []byte(`title: t
tags: [attack.t1505.003]
shows: "attack.t1033, attack.t1087.001 ,"
logsource: {product: windows}
detection: {a: {Image: x}, condition: a}
`))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for tag, want := range map[string]bool{
		"T1033": true, "attack.t1087": true, "t1087.001": true, "T1505.003": true, "T1087.002": false, "": false, "attack.t103": false,
	} {
		if got := list[0].HasTag(tag); got != want {
			t.Errorf("%q: %v", tag, got)
		}
	}
	if len(list[0].Tags) != 1 {
		t.Errorf("tags %q", list[0].Tags)
	}
}
