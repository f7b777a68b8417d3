package scan_test

import (
	"slices"
	"strings"
	"testing"

	"webshellscan/scan"
)

// TestUnknownFields: a field that no process has is told with the nearest one;
// of the built-in rules none asks for such a field.
func TestUnknownFields(t *testing.T) {
	path := ruleFile(t, detect("typo", "CommandLin|contains: x, image: y, AncestorImage: z, QuiteAnother: null", "level: high\n"))
	sets, err := scan.LoadRules(t.Context(), scan.RuleOptions{Paths: []string{path}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range sets.UnknownFields() {
		if u.Line == 0 || !strings.HasSuffix(u.File, path) {
			t.Errorf("%s:%d", u.File, u.Line)
		}
		got = append(got, u.Reason)
	}
	want := []string{
		`no process has the field "CommandLin" (did you mean CommandLine?)`,
		`no process has the field "QuiteAnother"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
