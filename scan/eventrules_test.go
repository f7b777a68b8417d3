package scan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBuiltinEvents: reading begins with the events that the built-in rules ask
// for, before these are loaded.
func TestBuiltinEvents(t *testing.T) {
	sets, err := LoadRules(t.Context(), RuleOptions{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newEventPlan(sets.Servers, slices.Concat(sets.Events, sets.Signs)).want(), builtinEvents); diff != "" {
		t.Errorf("builtinEvents is not what the rules ask for (-rules +builtinEvents):\n%s", diff)
	}
}
