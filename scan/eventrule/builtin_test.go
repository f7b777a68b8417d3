package eventrule_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan"
	"webshellscan/scan/eventrule"
)

// TestBuiltinEvents: reading begins with the events that the built-in rules ask
// for, before these are loaded.
func TestBuiltinEvents(t *testing.T) {
	sets, err := scan.LoadRules(t.Context(), scan.RuleOptions{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(eventrule.NewPlan(sets.Servers, slices.Concat(sets.Events, sets.Signs), sets.Correlations).Want(), eventrule.Builtin); diff != "" {
		t.Errorf("Builtin is not what the rules ask for (-rules +eventrule.Builtin):\n%s", diff)
	}
}
