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
	{
		"records of one GUID are of one process if one of them has no image",
		`
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=0 pimage=C:\w3wp.exe
		S1 t=10.5 pid=60 guid=A10 image=- ppid=50 pguid=0 pimage=C:\w3wp.exe
		S1 t=11 pid=64 guid=A11 image=- ppid=50 pguid=0 pimage=C:\w3wp.exe
		S1 t=11.5 pid=64 guid=A11 image=net.exe ppid=50 pguid=0 pimage=C:\w3wp.exe`,
		`
		50 w3wp.exe (stub)
		  60 cmd.exe stub records=[1 2]
		  64 net.exe stub records=[3 4]`,
	},
	{
		"a process is of the machine of its parent, though its record does not say so",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S1 t=6 pid=52 guid=b6 image=w3wp.exe ppid=8 pguid=0 pimage=-
		4688 t=10 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S1 t=12 pid=68 guid=c12 image=net.exe ppid=60 pguid=0 pimage=C:\cmd.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		8 ? (stub)
		  52 w3wp.exe stub
		60 cmd.exe (stub)
		  68 net.exe stub`,
	},
	{
		"the GUID of a parent that only 4688 has names its second, give or take one",
		`
		4688 t=11 pid=50 image=w3wp.exe ppid=8
		4688 t=12 pid=54 image=w3wp.exe ppid=8
		S1 t=20 pid=60 guid=A20 image=cmd.exe ppid=50 pguid=B10 pimage=C:\w3wp.exe
		S1 t=21 pid=64 guid=A21 image=cmd.exe ppid=54 pguid=C10 pimage=C:\w3wp.exe`,
		`
		54 w3wp.exe (stub)
		  64 cmd.exe stub
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		  54 w3wp.exe stub`,
	},
	{
		"or of one or two before",
		`
		4688 t=9 pid=50 image=w3wp.exe ppid=8
		4688 t=8 pid=54 image=w3wp.exe ppid=8
		S1 t=20 pid=60 guid=A20 image=cmd.exe ppid=50 pguid=B10 pimage=C:\w3wp.exe
		S1 t=21 pid=64 guid=A21 image=cmd.exe ppid=54 pguid=C10 pimage=C:\w3wp.exe`,
		`
		8 ? (stub)
		  54 w3wp.exe stub
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		54 w3wp.exe (stub)
		  64 cmd.exe stub`,
	},
	{
		"an end is of the later of two that are called alike if that one began a second before",
		`
		4688 t=1 pid=50 image=w3wp.exe ppid=8
		4688 t=10 pid=50 image=w3wp.exe ppid=8
		4689 t=11 pid=50 image=w3wp.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		  50 w3wp.exe stub end=11`,
	},
	{
		"the copy of an end is of the process whose end it is, though the next owner has begun",
		`
		4688 t=1 pid=50 image=w3wp.exe ppid=8
		4688 t=10 pid=50 image=w3wp.exe ppid=8
		4689 t=10.5 pid=50 image=w3wp.exe id=7
		4689 t=10.5 pid=50 image=w3wp.exe id=7 file=1`,
		`
		8 ? (stub)
		  50 w3wp.exe stub end=10.5
		  50 w3wp.exe stub`,
	},
	{
		"an end is of no process of an earlier start of the system",
		`
		4688 t=1 pid=50 image=w3wp.exe ppid=8
		KG12 t=100
		4608 t=103
		4689 t=110 pid=50 image=w3wp.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub`,
	},
	{
		"also where the one of the present start is young",
		`
		4688 t=1 pid=50 image=w3wp.exe ppid=8
		KG12 t=100
		4608 t=103
		4688 t=110 pid=50 image=w3wp.exe ppid=8
		4689 t=110.5 pid=50 image=w3wp.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		8 ? (stub)
		  50 w3wp.exe stub end=110.5`,
	},
	{
		"Sysmon's command line stands before that of the Security log, one that says something before one that does not",
		`
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=0 pimage=C:\w3wp.exe cmd=one
		4688 t=10.1 pid=60 image=cmd.exe ppid=50 cmd=two
		S1 t=20 pid=64 guid=A20 image=cmd.exe ppid=50 pguid=0 pimage=C:\w3wp.exe cmd=-
		4688 t=20.1 pid=64 image=cmd.exe ppid=50 cmd=two
		4688 t=30 pid=68 image=cmd.exe ppid=50 pimage=C:\w3wp.exe cmd=-
		S1 t=30.1 pid=68 guid=A30 image=cmd.exe ppid=50 pguid=0 pimage=C:\w3wp.exe`,
		`
		50 w3wp.exe (stub)
		  60 cmd.exe stub records=[1 2] cmd=one
		  64 cmd.exe stub records=[3 4] cmd=two
		  68 cmd.exe stub records=[6 5] cmd=-`,
	},
	{
		"an export's record is a copy if its command line is the same, or left out",
		`
		4688 t=10.04 pid=60 image=cmd.exe ppid=50 cmd=one id=7
		4688 t=10 pid=60 image=cmd.exe ppid=50 cmd=one id=7 file=1 exported=
		4688 t=20.04 pid=64 image=cmd.exe ppid=50 cmd=one id=8
		4688 t=20 pid=64 image=cmd.exe ppid=50 id=8 file=1 exported=
		4688 t=30 pid=66 image=cmd.exe ppid=50 cmd=one id=9
		4688 t=30.04 pid=66 image=cmd.exe ppid=50 id=9 file=1 exported=
		4688 t=40.04 pid=68 image=cmd.exe ppid=50 cmd=one id=10
		4688 t=40 pid=68 image=cmd.exe ppid=50 cmd=two id=10 file=1 exported=`,
		`
		50 ? (stub)
		  60 cmd.exe stub records=[7 7] cmd=one
		  64 cmd.exe stub records=[8 8] cmd=one
		  66 cmd.exe stub records=[9 9] cmd=one
		  68 cmd.exe stub cmd=two
		  68 cmd.exe stub cmd=one`,
	},
	{
		"records of one time and number are copies if they say the same",
		`
		4688 t=10 pid=60 image=cmd.exe ppid=50 cmd=one id=7
		4688 t=10 pid=60 image=cmd.exe ppid=50 cmd=one id=7 file=1
		4688 t=20 pid=64 image=cmd.exe ppid=50 cmd=one id=8
		4688 t=20 pid=66 image=cmd.exe ppid=50 cmd=one id=8 file=1
		4688 t=30 pid=68 image=cmd.exe ppid=50 cmd=one id=9
		4688 t=30 pid=68 image=net.exe ppid=50 cmd=one id=9 file=1
		4688 t=40 pid=70 image=cmd.exe ppid=50 cmd=one id=10
		4688 t=40 pid=70 image=cmd.exe ppid=50 cmd=two id=10 file=1
		S1 t=50 pid=72 guid=A50 image=cmd.exe ppid=50 pguid=0 pimage=- cmd=one id=11
		S1 t=50 pid=72 guid=B50 image=cmd.exe ppid=50 pguid=0 pimage=- cmd=one id=11 file=1`,
		`
		50 ? (stub)
		  60 cmd.exe stub records=[7 7] cmd=one
		  64 cmd.exe stub cmd=one
		  66 cmd.exe stub cmd=one
		  68 cmd.exe stub cmd=one
		  68 net.exe stub cmd=one
		  70 cmd.exe stub cmd=one
		  70 cmd.exe stub cmd=two
		  72 cmd.exe stub cmd=one
		  72 cmd.exe stub cmd=one`,
	},
	{
		"a creation without a process ID is none",
		`
		S1 t=10 guid=A10 image=cmd.exe ppid=50 pguid=0 pimage=C:\w3wp.exe
		S1 t=11 pid=64 guid=A11 image=net.exe
		S1 t=12 pid=68 guid=A12 ppid=50 pguid=0 pimage=C:\w3wp.exe`,
		`
		64 net.exe
		50 w3wp.exe (stub)
		  68 ? stub`,
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
