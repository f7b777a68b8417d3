package scan

import (
	"slices"
	"testing"

	"webshellscan/scan/proctree"
)

// TestBlindOfRecovered: of a host whose process creations are all recovered,
// nothing is said of command lines of Security 4688, which it has none of.
func TestBlindOfRecovered(t *testing.T) {
	for name, tt := range map[string]struct {
		events proctree.Counts
		want   []Blind
	}{
		"recovered": {proctree.Counts{Recovered: 3}, nil},
		"boot, and recovered": {
			proctree.Counts{SecurityCreate: 9, NoCommandLine: 9, Booting: 9, BootingBare: 9, Recovered: 3}, nil,
		},
		"one more": {
			proctree.Counts{SecurityCreate: 10, NoCommandLine: 10, Booting: 9, BootingBare: 9, Recovered: 3},
			[]Blind{{"A", "Security 4688 without command lines: arguments cannot be seen"}},
		},
	} {
		s := &Summary{Records: 1, Hosts: []proctree.Host{{Name: "A", Events: tt.events}}, Events: proctree.Counts{SecurityCreate: 1}}
		s.Rules.Applied = 1
		if got := blindSpots(s); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
