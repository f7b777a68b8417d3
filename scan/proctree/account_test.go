package proctree_test

import (
	"math/rand/v2"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// accountTests are histories of what ran as an application pool, and the trees
// that they must give (docs/FORMAT.md, "Parents", 7).
var accountTests = []struct{ name, events, want string }{
	{
		"a stub without a name is taken for the worker",
		`
		4688 t=10 pid=100 image=cmd.exe ppid=50 creator=IIS_APPPOOL\shop
		4688 t=11 pid=104 image=whoami.exe ppid=100 creator=IIS_APPPOOL\shop`,
		`
		50 ? (stub)
		  100 cmd.exe account
		    104 whoami.exe pid+time`,
	},
	{
		"the SID says it where the name is not known",
		`
		4688 t=10 pid=100 image=cmd.exe ppid=50 creatorsid=S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415`,
		`
		50 ? (stub)
		  100 cmd.exe account`,
	},
	{
		"a worker is put above what a log names, one for the pool and boot",
		`
		4688 t=10 pid=100 image=whoami.exe ppid=50 pimage=C:\cmd.exe creator=IIS_APPPOOL\shop
		4688 t=11 pid=104 image=net.exe ppid=60 pimage=C:\php-cgi.exe creator=IIS_APPPOOL\shop
		4688 t=12 pid=108 image=net.exe ppid=64 pimage=C:\cmd.exe creator=IIS_APPPOOL\mail`,
		`
		0 ? (stub)
		  50 cmd.exe account (stub)
		    100 whoami.exe stub
		  60 php-cgi.exe account (stub)
		    104 net.exe stub
		0 ? (stub)
		  64 cmd.exe account (stub)
		    108 net.exe stub`,
	},
	{
		"each boot has workers of its own",
		`
		4688 t=10 pid=100 image=whoami.exe ppid=50 pimage=C:\cmd.exe creator=IIS_APPPOOL\shop
		4608 t=1000
		4688 t=1001 pid=8 image=smss.exe ppid=4
		4688 t=1100 pid=104 image=net.exe ppid=60 pimage=C:\cmd.exe creator=IIS_APPPOOL\shop`,
		`
		0 ? (stub)
		  50 cmd.exe account (stub)
		    100 whoami.exe stub
		4 system (stub)
		  8 smss.exe stub
		0 ? (stub)
		  60 cmd.exe account (stub)
		    104 net.exe stub`,
	},
	{
		"and above what has no parent at all",
		`
		S1 t=10 pid=100 guid=A10 image=cmd.exe ppid=0 pguid=0 pimage=- user=IIS_APPPOOL\shop
		S1 t=11 pid=104 guid=C11 image=whoami.exe ppid=100 pguid=A10 pimage=C:\cmd.exe user=IIS_APPPOOL\shop`,
		`
		0 ? (stub)
		  100 cmd.exe account
		    104 whoami.exe guid`,
	},
	{
		"Sysmon names the parent's user; the process's own tells nothing of a service that runs tasks, nor of a worker",
		`
		S1 t=10 pid=100 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\run.exe creator=IIS_APPPOOL\shop
		S1 t=11 pid=104 guid=C11 image=cmd.exe ppid=54 pguid=F6 pimage=C:\taskeng.exe user=IIS_APPPOOL\shop
		S1 t=12 pid=200 guid=D12 image=w3wp.exe ppid=60 pguid=E7 pimage=- user=IIS_APPPOOL\shop`,
		`
		0 ? (stub)
		  50 run.exe account (stub)
		    100 cmd.exe stub
		54 taskeng.exe (stub)
		  104 cmd.exe stub
		60 ? (stub)
		  200 w3wp.exe stub`,
	},
	{
		"before it did, the process's own tells whom a parent ran as that is no such service",
		`
		S1 t=10 pid=100 guid=A10 image=whoami.exe ppid=50 pguid=B5 pimage=C:\powershell.exe user=IIS_APPPOOL\hr
		S1 t=11 pid=104 guid=C11 image=net.exe ppid=50 pguid=B5 pimage=C:\powershell.exe user=IIS_APPPOOL\hr
		S1 t=12 pid=108 guid=D12 image=net.exe ppid=54 pguid=F6 pimage=C:\w3wp.exe user=IIS_APPPOOL\hr`,
		`
		0 ? (stub)
		  50 powershell.exe account (stub)
		    100 whoami.exe stub
		    104 net.exe stub
		54 w3wp.exe (stub)
		  108 net.exe stub`,
	},
	{
		"a named worker needs none, nor does what another account started as the pool",
		`
		4688 t=10 pid=100 image=cmd.exe ppid=50 pimage=C:\w3wp.exe creator=IIS_APPPOOL\shop
		4688 t=11 pid=104 image=job.exe ppid=60 pimage=C:\taskeng.exe creator=NT_AUTHORITY\SYSTEM user=IIS_APPPOOL\shop
		4688 t=12 pid=108 image=run.exe ppid=64 creator=CORP\dev`,
		`
		50 w3wp.exe (stub)
		  100 cmd.exe stub
		60 taskeng.exe (stub)
		  104 job.exe stub
		64 ? (stub)
		  108 run.exe stub`,
	},
	{
		"what starts a worker is none, whoever is said to have started it, nor is the kernel's own process",
		`
		4688 t=10 pid=100 image=w3wp.exe ppid=50 pimage=C:\svchost.exe creator=IIS_APPPOOL\shop
		4688 t=11 pid=104 image=w3wp.exe ppid=54 creator=IIS_APPPOOL\shop
		4688 t=12 pid=108 image=smss.exe ppid=4 creator=IIS_APPPOOL\shop`,
		`
		50 svchost.exe (stub)
		  100 w3wp.exe stub
		54 ? (stub)
		  104 w3wp.exe stub
		4 system (stub)
		  108 smss.exe stub`,
	},
	{
		"nor what a process of these logs started",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe creator=NT_AUTHORITY\SYSTEM user=IIS_APPPOOL\shop
		4688 t=10 pid=100 image=cmd.exe ppid=50 creator=IIS_APPPOOL\shop`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    100 cmd.exe pid+time`,
	},
}

// TestAccounts builds the trees of accountTests, of events that several
// collectors took in any order.
func TestAccounts(t *testing.T) {
	for _, tt := range accountTests {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(4) {
				random := rand.New(rand.NewPCG(seed, 1))
				events := parseEvents(t, tt.events)
				random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				if diff := gocmp.Diff(undent(tt.want), dump(build(t, events, 1+int(seed), random))); diff != "" {
					t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
				}
			}
		})
	}
}
