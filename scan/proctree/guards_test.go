package proctree_test

import (
	"math/rand/v2"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// guardTests are histories for guards of second order: each is the one in which
// leaving the guard out gives another tree.
var guardTests = []struct{ name, events, want string }{
	{
		"a short name belongs to the domain whose machine it shares",
		`
		S1 t=5 pid=50 guid=B5 image=a.exe ppid=8 pguid=0 pimage=- host=web.one.example
		4688 t=5 pid=50 image=b.exe ppid=8 host=web.two.example
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\a.exe host=web`,
		`
		web=web.one.example
		8 ? (stub)
		  50 a.exe stub
		    60 cmd.exe guid
		web.two.example
		8 ? (stub)
		  50 b.exe stub`,
	},
}

// TestGuards builds the trees of guardTests.
func TestGuards(t *testing.T) {
	for _, tt := range guardTests {
		t.Run(tt.name, func(t *testing.T) {
			got := dump(build(t, parseEvents(t, tt.events), 1, rand.New(rand.NewPCG(1, 1))))
			if diff := gocmp.Diff(undent(tt.want), got); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}
