package rules_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"webshellscan/rules/builtin"
)

// TestCatalogue: what the built-in rules are tagged with is in the catalogues
// of MITRE CAR and D3FEND, and an analytic covers a technique of the rule.
func TestCatalogue(t *testing.T) {
	data, err := os.ReadFile("testdata/catalogue.tsv")
	if err != nil {
		t.Fatal(err)
	}
	covered, used := make(map[string][]string), make(map[string]bool)
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cells) != 3 || cells[1] == "" {
			t.Fatalf("%q is no row", line)
		}
		covered[cells[0]] = strings.Fields(cells[2])
	}
	list, err := builtin.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		for _, tag := range r.Tags {
			if !strings.HasPrefix(tag, "car.") && !strings.HasPrefix(tag, "d3fend.") {
				continue
			}
			techniques, ok := covered[tag]
			used[tag] = true
			covers := func(technique string) bool { return slices.Contains(r.Tags, "attack."+technique) }
			if !ok || len(techniques) > 0 && !slices.ContainsFunc(techniques, covers) {
				t.Errorf("%s: %s is in no catalogue, or covers none of %q", r.Label(), tag, r.Tags)
			}
		}
	}
	for tag := range covered {
		if !used[tag] {
			t.Errorf("no rule has %s", tag)
		}
	}
}
