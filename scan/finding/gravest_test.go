package finding_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/scan/finding"
)

func TestKeepGravest(t *testing.T) {
	// 0 is above 1, 2 and 5; 2 above 3, that above 4.
	tree := func(weights ...int) []finding.Branch {
		list := make([]finding.Branch, len(weights))
		for i, above := range []int{-1, 0, 0, 2, 3, 0} {
			list[i] = finding.Branch{Above: above, Weight: weights[i], Cost: 1}
		}
		return list
	}
	for _, tt := range []struct {
		name  string
		nodes []finding.Branch
		room  int
		want  []bool
	}{
		{"room for all", tree(0, 3, 0, 0, 5, 3), 6, []bool{true, true, true, true, true, true}},
		{"the gravest with what is above it", tree(0, 3, 0, 0, 5, 3), 4, []bool{true, false, true, true, true, false}},
		{"then the first of the others", tree(0, 3, 0, 0, 5, 3), 5, []bool{true, true, true, true, true, false}},
		{"one whose way is too long leaves its room to others", tree(0, 3, 0, 0, 5, 3), 3, []bool{true, true, false, false, false, true}},
		{"what does not matter from above", tree(0, 0, 0, 0, 0, 3), 4, []bool{true, true, true, false, false, true}},
		{"no room", tree(0, 0, 0, 0, 0, 3), 0, make([]bool, 6)},
	} {
		if diff := cmp.Diff(tt.want, finding.KeepGravest(tt.nodes, tt.room)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestWeight(t *testing.T) {
	known, low, high := &finding.Finding{Level: rules.LevelCritical, Known: true}, &finding.Finding{Level: rules.LevelLow}, &finding.Finding{Level: rules.LevelHigh}
	list := []*finding.Finding{nil, known, {}, low, high}
	for i, f := range list[1:] {
		if finding.Weight(f) <= finding.Weight(list[i]) {
			t.Errorf("%d does not matter more than %d", i+1, i)
		}
	}
}
