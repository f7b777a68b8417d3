package proctree_test

// treeTests are small histories of a host, and the trees that they must give.
// Where a rule of docs/FORMAT.md, "Parents", decides, its number is named.
var treeTests = []struct{ name, events, want string }{
	{
		"Sysmon links by GUID (1)",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=4 pguid=0 pimage=-
		S1 t=10 pid=100 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\w3wp.exe
		S1 t=11 pid=104 guid=C11 image=whoami.exe ppid=100 pguid=A10 pimage=C:\cmd.exe
		S5 t=12 pid=104 guid=C11 image=whoami.exe`,
		`
		4 system (stub)
		  50 w3wp.exe stub
		    100 cmd.exe guid
		      104 whoami.exe guid end=12`,
	},
	{
		"4688 without parent names links by PID and time (3)",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=4
		4688 t=10 pid=100 image=cmd.exe ppid=50
		4688 t=11 pid=104 image=whoami.exe ppid=100
		4689 t=12 pid=100 image=cmd.exe`,
		`
		4 system (stub)
		  50 w3wp.exe stub
		    100 cmd.exe pid+time end=12
		      104 whoami.exe pid+time`,
	},
	{
		"4688 with parent names (3, 5)",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=10 pid=100 image=cmd.exe ppid=50 pimage=C:\w3wp.exe`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    100 cmd.exe pid+time+name`,
	},
	{
		"a PID has owners one after the other: the latest before the child is the parent",
		`
		4688 t=1 pid=50 image=agent.exe ppid=4
		4688 t=2 pid=60 image=cmd.exe ppid=50
		4688 t=20 pid=50 image=w3wp.exe ppid=4
		4688 t=30 pid=64 image=cmd.exe ppid=50
		4688 t=40 pid=50 image=agent.exe ppid=4
		4688 t=50 pid=68 image=cmd.exe ppid=50`,
		`
		4 system (stub)
		  50 agent.exe stub
		    60 cmd.exe pid+time
		  50 w3wp.exe stub
		    64 cmd.exe pid+time
		  50 agent.exe stub
		    68 cmd.exe pid+time`,
	},
	{
		"a parent that has ended is none",
		`
		4688 t=1 pid=50 image=w3wp.exe ppid=4
		4689 t=5 pid=50 image=w3wp.exe
		4688 t=10 pid=60 image=cmd.exe ppid=50`,
		`
		4 system (stub)
		  50 w3wp.exe stub end=5
		50 ? (stub)
		  60 cmd.exe stub`,
	},
	{
		"a PID that was reused unseen: the name tells (5)",
		`
		4688 t=1 pid=50 image=agent.exe ppid=8 pimage=C:\services.exe
		4688 t=10 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=11 pid=64 image=net.exe ppid=50 pimage=C:\w3wp.exe`,
		`
		8 services.exe (stub)
		  50 agent.exe stub
		50 w3wp.exe (stub)
		  60 cmd.exe stub
		  64 net.exe stub`,
	},
	{
		"the end of the earlier owner is written after the next one began",
		`
		4688 t=1 pid=50 image=agent.exe ppid=4
		4688 t=10 pid=50 image=w3wp.exe ppid=4
		4689 t=10.5 pid=50 image=agent.exe
		4688 t=20 pid=60 image=cmd.exe ppid=50`,
		`
		4 system (stub)
		  50 agent.exe stub end=10.5
		  50 w3wp.exe stub
		    60 cmd.exe pid+time`,
	},
	{
		"the same, and both are called alike",
		`
		4688 t=1 pid=50 image=w3wp.exe ppid=4
		4688 t=10 pid=50 image=w3wp.exe ppid=4
		4689 t=10.5 pid=50 image=w3wp.exe
		4688 t=20 pid=60 image=cmd.exe ppid=50`,
		`
		4 system (stub)
		  50 w3wp.exe stub end=10.5
		  50 w3wp.exe stub
		    60 cmd.exe pid+time`,
	},
	{
		"the parent's event carries a slightly later time than the child's",
		`
		4688 t=10.4 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=10.7 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name`,
	},
	{
		"Sysmon's UtcTime orders, not the time of writing",
		`
		S1 t=10 utc=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=0 pimage=-
		S1 t=300 utc=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=-`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time`,
	},
	{
		"a parent known by its GUID only becomes a stub with what the child says of it (6)",
		`
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\java.exe pcmd=-Dcatalina.home
		S1 t=11 pid=64 guid=C11 image=net.exe ppid=50 pguid=B5 pimage=C:\java.exe
		S1 t=12 pid=68 guid=D12 image=cmd.exe ppid=50 pguid=E11 pimage=C:\java.exe`,
		`
		50 java.exe (stub) cmd=-Dcatalina.home
		  60 cmd.exe stub
		  64 net.exe stub
		50 java.exe (stub)
		  68 cmd.exe stub`,
	},
	{
		"the second of the parent's start finds a parent that only the Security log has (2)",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=4
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=-
		S1 t=11 pid=64 guid=C11 image=cmd.exe ppid=50 pguid=D8 pimage=-`,
		`
		4 system (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		50 ? (stub)
		  64 cmd.exe stub`,
	},
	{
		"Sysmon 1 and 4688 of one process fold (4), and each finds the other's children",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=-
		4688 t=5.01 pid=50 image=w3wp.exe ppid=8
		4688 t=10 pid=60 image=cmd.exe ppid=50
		S1 t=10.02 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\w3wp.exe cmd=cmd
		4688 t=11 pid=64 image=net.exe ppid=60
		S1 t=12 pid=68 guid=C12 image=whoami.exe ppid=60 pguid=A10 pimage=C:\cmd.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub records=[1 2]
		    60 cmd.exe guid records=[4 3] cmd=cmd
		      64 net.exe pid+time
		      68 whoami.exe guid`,
	},
	{
		"two processes of one PID and name within the time that sources may differ do not fold into one",
		`
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=0 pimage=-
		4688 t=10.1 pid=60 image=cmd.exe ppid=50
		4688 t=11 pid=60 image=cmd.exe ppid=50
		S1 t=11.1 pid=60 guid=B11 image=cmd.exe ppid=50 pguid=0 pimage=-`,
		`
		50 ? (stub)
		  60 cmd.exe stub records=[1 2]
		  60 cmd.exe stub records=[4 3]`,
	},
	{
		"copies of a record fold and keep every place",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=- id=7 file=0
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=- id=7 file=1
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=- id=7 file=2`,
		`
		8 ? (stub)
		  50 w3wp.exe stub records=[7 7 7]`,
	},
	{
		"a start of the system parts the owners of a PID",
		`
		4688 t=1 pid=50 image=w3wp.exe ppid=4
		KG12 t=100
		4608 t=103
		4688 t=200 pid=60 image=cmd.exe ppid=50`,
		`
		4 system (stub)
		  50 w3wp.exe stub
		50 ? (stub)
		  60 cmd.exe stub`,
	},
	{
		"processes that start before the event that tells of the start belong to it",
		`
		4688 t=100 pid=300 image=smss.exe ppid=4
		4688 t=101 pid=400 image=services.exe ppid=300
		4608 t=103
		4688 t=110 pid=500 image=svchost.exe ppid=400`,
		`
		4 system (stub)
		  300 smss.exe stub
		    400 services.exe pid+time
		      500 svchost.exe pid+time`,
	},
	{
		"Sysmon's own restart is no start of the system if a process outlived it",
		`
		S1 t=1 pid=50 guid=B1 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S4 t=100 state=Started
		S1 t=200 pid=60 guid=A200 image=cmd.exe ppid=50 pguid=B1 pimage=C:\w3wp.exe
		4688 t=300 pid=64 image=net.exe ppid=50`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe guid
		    64 net.exe pid+time`,
	},
	{
		"Sysmon's start counts where nothing contradicts it",
		`
		S1 t=1 pid=50 guid=B1 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S4 t=100 state=Started
		S1 t=200 pid=60 guid=A200 image=cmd.exe ppid=50 pguid=0 pimage=-`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		50 ? (stub)
		  60 cmd.exe stub`,
	},
	{
		"the clock is set back: record IDs give the order",
		`
		4688 t=3600 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=60 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=61 pid=64 image=whoami.exe ppid=60 pimage=C:\cmd.exe
		4689 t=62 pid=60 image=cmd.exe
		4688 t=70 pid=68 image=net.exe ppid=60 pimage=C:\cmd.exe`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name end=62
		      64 whoami.exe pid+time+name
		60 cmd.exe (stub)
		  68 net.exe stub`,
	},
	{
		"the clock is set back on a host with both sources, and an event says by how much",
		`
		S1 t=3599 pid=50 guid=B3599 image=w3wp.exe ppid=8 pguid=0 pimage=- id=1
		4688 t=3599 pid=50 image=w3wp.exe ppid=8 id=11
		4616 t=30 old=3630 new=30 id=12
		4688 t=60 pid=60 image=cmd.exe ppid=50 id=13
		S1 t=60 pid=60 guid=A60 image=cmd.exe ppid=50 pguid=0 pimage=- id=2
		S1 t=61 pid=64 guid=C61 image=whoami.exe ppid=60 pguid=0 pimage=- id=3`,
		`
		8 ? (stub)
		  50 w3wp.exe stub records=[1 11]
		    60 cmd.exe pid+time records=[2 13]
		      64 whoami.exe pid+time`,
	},
	{
		"two lives of a channel are not a clock set back",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=4 id=1 file=1
		4688 t=1010 pid=60 image=cmd.exe ppid=50 id=2 file=1
		4688 t=1 pid=50 image=agent.exe ppid=4 id=500 file=0
		4688 t=10 pid=64 image=cmd.exe ppid=50 id=501 file=0`,
		`
		4 system (stub)
		  50 agent.exe stub
		    64 cmd.exe pid+time
		  50 w3wp.exe stub
		    60 cmd.exe pid+time`,
	},
	{
		"names of one host",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=4 host=WEB07
		4688 t=10 pid=60 image=cmd.exe ppid=50 host=web07.corp.example
		S1 t=11 pid=64 guid=A11 image=net.exe ppid=60 pguid=0 pimage=- host=Web07.Corp.Example
		4688 t=12 pid=68 image=cmd.exe ppid=50 host=WEB08`,
		`
		WEB07=Web07.Corp.Example=web07.corp.example
		4 system (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time
		      64 net.exe pid+time
		WEB08
		50 ? (stub)
		  68 cmd.exe stub`,
	},
	{
		"hosts of one short name in two domains are two, and the short name is neither",
		`
		4688 t=5 pid=50 image=a.exe ppid=4 host=web.one.example
		4688 t=5 pid=50 image=b.exe ppid=4 host=web.two.example
		4688 t=10 pid=60 image=cmd.exe ppid=50 host=web`,
		`
		web
		50 ? (stub)
		  60 cmd.exe stub
		web.one.example
		4 system (stub)
		  50 a.exe stub
		web.two.example
		4 system (stub)
		  50 b.exe stub`,
	},
	{
		"clones share GUIDs, but are two hosts",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=- host=PC1
		S1 t=5 pid=50 guid=B5 image=agent.exe ppid=8 pguid=0 pimage=- host=PC2
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=- host=PC2`,
		`
		PC1
		8 ? (stub)
		  50 w3wp.exe stub
		PC2
		8 ? (stub)
		  50 agent.exe stub
		    60 cmd.exe guid`,
	},
	{
		"forged GUIDs ask for a cycle",
		`
		S1 t=5 pid=50 guid=A5 image=a.exe ppid=58 pguid=C7 pimage=-
		S1 t=6 pid=54 guid=B6 image=b.exe ppid=50 pguid=A5 pimage=-
		S1 t=7 pid=58 guid=C7 image=c.exe ppid=54 pguid=B6 pimage=-
		S1 t=8 pid=62 guid=D8 image=d.exe ppid=62 pguid=D8 pimage=-`,
		`
		50 a.exe
		  54 b.exe guid
		    58 c.exe guid
		62 ? (stub)
		  62 d.exe stub`,
	},
	{
		"a command line that only the children know",
		`
		4688 t=5 pid=50 image=java.exe ppid=4
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\java.exe pcmd=-Dcatalina.home`,
		`
		4 system (stub)
		  50 java.exe stub cmd=-Dcatalina.home
		    60 cmd.exe pid+time+name`,
	},
	{
		"8.3 names",
		`
		4688 t=5 pid=50 image=PROGRA~1\httpdserver.exe ppid=4
		4688 t=10 pid=60 image=cmd.exe ppid=50 pimage=C:\APACHE~1\HTTPDS~1.EXE`,
		`
		4 system (stub)
		  50 httpdserver.exe stub
		    60 cmd.exe pid+time+name`,
	},
	{
		"an end whose image is not known ends by its PID",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S5 t=10 pid=50 guid=0 image=<unknown_process>
		4688 t=20 pid=60 image=cmd.exe ppid=50`,
		`
		8 ? (stub)
		  50 w3wp.exe stub end=10
		50 ? (stub)
		  60 cmd.exe stub`,
	},
	{
		"a parent's image that is not known speaks against nobody",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=8 pimage=-
		4688 t=10 pid=60 image=cmd.exe ppid=50 pimage=<unknown_process>
		4688 t=11 pid=64 image=net.exe ppid=54 pimage=?`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time
		54 ? (stub)
		  64 net.exe stub`,
	},
	{
		"an image that is NULL, empty or not known keeps its place",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=4
		4688 t=10 pid=60 ppid=50
		S1 t=11 pid=64 guid=A11 ppid=60 pguid=0
		4688 t=12 pid=68 image=- ppid=64
		4688 t=13 pid=72 image= ppid=68
		S1 t=14 pid=76 guid=B14 image=<unknown_process> ppid=72 pguid=0
		4688 t=15 pid=80 image=net.exe ppid=76 pimage=C:\cmd.exe
		4688 t=16 pid=84
		4688 t=17 image=net.exe ppid=80`,
		`
		4 system (stub)
		  50 w3wp.exe stub
		    60 ? pid+time
		      64 ? pid+time
		        68 ? pid+time
		          72 ? pid+time
		            76 cmd.exe pid+time
		              80 net.exe pid+time`,
	},
	{
		"a process that its own records do not name has the name that its children give it",
		`
		4688 t=5 pid=50 image=- ppid=8 cmd=-
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\java.exe pcmd=-Dcatalina.home
		4688 t=11 pid=64 ppid=60
		4688 t=12 pid=68 image=net.exe ppid=64 pimage=C:\powershell.exe
		4688 t=13 pid=72 image=net.exe ppid=64 pimage=C:\powershell.exe`,
		`
		8 ? (stub)
		  50 java.exe stub cmd=-Dcatalina.home
		    60 cmd.exe pid+time+name
		      64 powershell.exe pid+time
		        68 net.exe pid+time
		        72 net.exe pid+time`,
	},
	{
		"of several names the first counts, and whoever gives another is another's child",
		`
		4688 t=5 pid=50 image=? ppid=8
		4688 t=10 pid=60 image=cmd.exe ppid=50
		4688 t=11 pid=64 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=12 pid=68 image=cmd.exe ppid=50 pimage=C:\java.exe
		4688 t=15 pid=72 image=net.exe ppid=50 pimage=C:\w3wp.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time
		    64 cmd.exe pid+time
		50 java.exe (stub)
		  68 cmd.exe stub
		50 w3wp.exe (stub)
		  72 net.exe stub`,
	},
	{
		"a child that knows the GUID is believed before one that does not",
		`
		S1 t=5 pid=50 guid=B5 image=<unknown_process> ppid=8 pguid=0 pimage=-
		4688 t=10 pid=60 image=cmd.exe ppid=50 pimage=C:\java.exe
		S1 t=11 pid=64 guid=A11 image=cmd.exe ppid=50 pguid=B5 pimage=C:\w3wp.exe
		S1 t=12 pid=68 guid=A12 image=cmd.exe ppid=50 pguid=B5 pimage=C:\java.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    64 cmd.exe guid
		    68 cmd.exe guid
		50 java.exe (stub)
		  60 cmd.exe stub`,
	},
	{
		"a process that has ended takes no name, nor does one of an earlier start of the system",
		`
		4688 t=5 pid=50 image=- ppid=8
		4689 t=8 pid=50 image=-
		4688 t=9 pid=54 image=- ppid=8
		4688 t=10 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		KG12 t=100
		4688 t=110 pid=64 image=cmd.exe ppid=54 pimage=C:\w3wp.exe`,
		`
		8 ? (stub)
		  50 ? stub end=8
		  54 ? stub
		50 w3wp.exe (stub)
		  60 cmd.exe stub
		54 w3wp.exe (stub)
		  64 cmd.exe stub`,
	},
	{
		"a process has the name that its end gives it, unless a child gave it one before",
		`
		4688 t=5 pid=50 image=- ppid=8
		S1 t=6 pid=54 guid=B6 image=- ppid=8 pguid=0 pimage=-
		4688 t=7 pid=58 image=- ppid=8
		4688 t=10 pid=60 image=cmd.exe ppid=50
		4688 t=11 pid=64 image=cmd.exe ppid=58 pimage=C:\w3wp.exe
		4689 t=20 pid=50 image=w3wp.exe
		S5 t=21 pid=54 guid=B6 image=java.exe
		4689 t=22 pid=58 image=net.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub end=20
		    60 cmd.exe pid+time
		  54 java.exe stub end=21
		  58 w3wp.exe stub
		    64 cmd.exe pid+time`,
	},
	{
		"of two sources the one that says something wins, whichever comes first",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=8 cmd=w3wp
		S1 t=5.1 pid=50 guid=B5 image=<unknown_process> ppid=8 pguid=0 pimage=- cmd=-
		S1 t=10 pid=60 guid=A10 image=- ppid=50 pguid=B5 pimage=- cmd=
		4688 t=10.1 pid=60 image=cmd.exe ppid=50 cmd=cmd
		4688 t=20 pid=64 image=- ppid=60 cmd=?
		S1 t=20.1 pid=64 guid=C20 image=net.exe ppid=60 pguid=A10 pimage=- cmd=net
		S1 t=30 pid=68 guid=D30 image=net.exe ppid=60 pguid=A10 pimage=- cmd=net
		4688 t=30.1 pid=68 image=- ppid=60 cmd=-`,
		`
		8 ? (stub)
		  50 w3wp.exe stub records=[2 1] cmd=w3wp
		    60 cmd.exe guid records=[3 4] cmd=cmd
		      64 net.exe guid records=[6 5] cmd=net
		      68 net.exe guid records=[7 8] cmd=net`,
	},
	{
		"two sources without an image do not fold if their parents differ",
		`
		S1 t=10 pid=60 guid=A10 image=<unknown_process> ppid=50 pguid=0 pimage=-
		4688 t=10.1 pid=60 image=cmd.exe ppid=54`,
		`
		50 ? (stub)
		  60 ? stub
		54 ? (stub)
		  60 cmd.exe stub`,
	},
	{
		"two sources that name the image otherwise fold by their command line, if they have one (4)",
		`
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=0 pimage=- cmd=c:\run
		4688 t=10.1 pid=60 image=link.exe ppid=50 cmd=c:\run
		S1 t=20 pid=64 guid=B20 image=cmd.exe ppid=50 pguid=0 pimage=- cmd=-
		4688 t=20.1 pid=64 image=link.exe ppid=50 cmd=-
		S1 t=30 pid=68 guid=C30 image=cmd.exe ppid=50 pguid=0 pimage=- cmd=c:\run
		4688 t=30.1 pid=68 image=link.exe ppid=50 cmd=c:\walk`,
		`
		50 ? (stub)
		  60 cmd.exe stub records=[1 2] cmd=c:\run
		  64 cmd.exe stub cmd=-
		  64 link.exe stub cmd=-
		  68 cmd.exe stub cmd=c:\run
		  68 link.exe stub cmd=c:\walk`,
	},
	{
		"a command line of one dash is not known, and the children's word counts",
		`
		4688 t=5 pid=50 image=java.exe ppid=4 cmd=-
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\java.exe pcmd=-
		S1 t=11 pid=64 guid=C11 image=cmd.exe ppid=50 pguid=B5 pimage=C:\java.exe pcmd=-Dcatalina.home`,
		`
		4 system (stub)
		  50 java.exe stub cmd=-Dcatalina.home
		    60 cmd.exe pid+time+name
		    64 cmd.exe guid`,
	},
	{
		"a parent's GUID of the same machine and second is the parent's, whatever its tail",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=E5 pimage=C:\w3wp.exe
		S1 t=11 pid=64 guid=C11 image=cmd.exe ppid=50 pguid=E6 pimage=C:\w3wp.exe
		S1 t=12 pid=68 guid=D12 image=cmd.exe ppid=50 pguid=E5 pimage=C:\java.exe
		S1 t=13 pid=72 guid=D13 image=cmd.exe ppid=54 pguid=F5 pimage=C:\w3wp.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		50 java.exe (stub)
		  68 cmd.exe stub
		54 w3wp.exe (stub)
		  72 cmd.exe stub
		50 w3wp.exe (stub)
		  64 cmd.exe stub`,
	},
	{
		"an earlier owner of the PID is not the parent, even if the name is right",
		`
		4688 t=5 pid=50 image=w3wp.exe ppid=4
		4688 t=20 pid=50 image=agent.exe ppid=4
		4688 t=30 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe`,
		`
		4 system (stub)
		  50 w3wp.exe stub
		  50 agent.exe stub
		50 w3wp.exe (stub)
		  60 cmd.exe stub`,
	},
	{
		"the start of Sysmon is no start of the system where the System log has none at that time",
		`
		KG12 t=1
		6005 t=5
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2000 state=Started
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"the start of the event log is no start of the system where the System log has none at that time",
		`
		KG12 t=1
		6005 t=5
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		6005 t=2000
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"the start of the event log, and its end, is no start of the system where the System log has none at that time",
		`
		KG12 t=1
		6005 t=5
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		6006 t=1999
		6005 t=2000
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"the same by the version that is written at a start",
		`
		6009 t=1
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2000 state=Started
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"the same where the only start of the System log lies after it",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		6005 t=2000
		KG12 t=9000
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"a System log that does not reach back to it says nothing of it",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2000 state=Started
		4688 t=3000 pid=64 image=net.exe ppid=50
		KG12 t=9000`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"a start that the System log has for certain holds, whatever else starts",
		`
		KG12 t=1
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2010 state=Started
		KG12 t=2000
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"a parent's GUID whose second lies before Sysmon's start speaks against a start of the system",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2000 state=Started
		S1 t=2100 pid=68 guid=A2100 image=cmd.exe ppid=70 pguid=B900 pimage=C:\java.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		70 java.exe (stub)
		  68 cmd.exe stub
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"one whose second lies after it does not",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2000 state=Started
		S1 t=2100 pid=68 guid=A2100 image=cmd.exe ppid=70 pguid=B2090 pimage=C:\java.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		70 java.exe (stub)
		  68 cmd.exe stub
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"creations go on around the start of Sysmon, and none is of a start of the system",
		`
		4688 t=1000 pid=50 image=tomcat.exe ppid=8
		4688 t=1800 pid=60 image=cmd.exe ppid=50
		S4 t=2000 state=Started
		4688 t=2200 pid=64 image=cmd.exe ppid=50
		4688 t=2201 pid=68 image=svchost.exe ppid=8
		4688 t=3000 pid=72 image=net.exe ppid=50`,
		`
		8 ? (stub)
		  50 tomcat.exe stub
		    60 cmd.exe pid+time
		    64 cmd.exe pid+time
		    72 net.exe pid+time
		  68 svchost.exe stub`,
	},
	{
		"nothing for a while before it, or after it, is no sign that they are recorded",
		`
		4688 t=1000 pid=50 image=tomcat.exe ppid=8
		4688 t=1690 pid=60 image=cmd.exe ppid=50
		S4 t=2000 state=Started
		4688 t=2010 pid=64 image=cmd.exe ppid=50
		S4 t=3000 state=Started
		4688 t=3310 pid=68 image=cmd.exe ppid=50
		4688 t=3990 pid=72 image=cmd.exe ppid=50
		S4 t=4000 state=Started
		S1 t=4010 pid=76 guid=A4010 image=net.exe ppid=72 pguid=0 pimage=-`,
		`
		8 ? (stub)
		  50 tomcat.exe stub
		    60 cmd.exe pid+time
		50 ? (stub)
		  64 cmd.exe stub
		50 ? (stub)
		  68 cmd.exe stub
		  72 cmd.exe stub
		72 ? (stub)
		  76 net.exe stub`,
	},
	{
		"what a start of the system alone starts is there",
		`
		4688 t=1000 pid=50 image=tomcat.exe ppid=8
		4688 t=1800 pid=60 image=cmd.exe ppid=50
		4688 t=1990 pid=40 image=lsass.exe ppid=30
		S4 t=2000 state=Started
		4688 t=2200 pid=64 image=cmd.exe ppid=50`,
		`
		8 ? (stub)
		  50 tomcat.exe stub
		    60 cmd.exe pid+time
		30 ? (stub)
		  40 lsass.exe stub
		50 ? (stub)
		  64 cmd.exe stub`,
	},
	{
		"so many services start",
		`
		4688 t=1000 pid=50 image=tomcat.exe ppid=12
		4688 t=1800 pid=60 image=cmd.exe ppid=50
		6005 t=2000
		4688 t=2001 pid=200 image=svchost.exe ppid=8
		4688 t=2002 pid=204 image=svchost.exe ppid=8
		4688 t=2003 pid=208 image=svchost.exe ppid=8
		4688 t=2004 pid=212 image=svchost.exe ppid=8
		4688 t=2005 pid=216 image=svchost.exe ppid=8
		4688 t=2006 pid=220 image=svchost.exe ppid=8
		4688 t=2007 pid=224 image=svchost.exe ppid=8
		4688 t=2008 pid=228 image=svchost.exe ppid=8
		4688 t=2200 pid=64 image=cmd.exe ppid=50`,
		`
		12 ? (stub)
		  50 tomcat.exe stub
		    60 cmd.exe pid+time
		8 ? (stub)
		  200 svchost.exe stub
		  204 svchost.exe stub
		  208 svchost.exe stub
		  212 svchost.exe stub
		  216 svchost.exe stub
		  220 svchost.exe stub
		  224 svchost.exe stub
		  228 svchost.exe stub
		50 ? (stub)
		  64 cmd.exe stub`,
	},
	{
		"a parent that is alive on both sides by its name",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		6005 t=2000
		4688 t=2100 pid=68 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    68 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"a parent in no log that is alive on both sides by its name",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=1990 pid=68 image=cmd.exe ppid=70 pimage=C:\java.exe
		6005 t=2000
		4688 t=2100 pid=72 image=cmd.exe ppid=70 pimage=C:\java.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time
		70 java.exe (stub)
		  68 cmd.exe stub
		  72 cmd.exe stub`,
	},
	{
		"a process that ends after it by its name",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		6005 t=2000
		4689 t=2100 pid=60 image=cmd.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name end=2100
		    64 net.exe pid+time`,
	},
	{
		"another that has the process ID by then does not",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		6005 t=2000
		4689 t=2100 pid=60 image=java.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"what each start of the system starts may have its process ID again",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4689 t=1020 pid=70 image=java.exe
		6005 t=2000
		4688 t=2100 pid=68 image=cmd.exe ppid=8 pimage=C:\svchost.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		8 svchost.exe (stub)
		  68 cmd.exe stub
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"the session manager of a container is no start of the system: another one is alive",
		`
		4688 t=1 pid=300 image=smss.exe ppid=4
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=2000 pid=5000 image=smss.exe ppid=4
		4688 t=2500 pid=5004 image=smss.exe ppid=300 pimage=C:\smss.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		4 system (stub)
		  300 smss.exe stub
		    5004 smss.exe pid+time+name
		  5000 smss.exe stub
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time`,
	},
	{
		"the session manager of a container, and the start of the system is logged",
		`
		4608 t=1
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=2000 pid=5000 image=smss.exe ppid=4
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		    64 net.exe pid+time
		4 system (stub)
		  5000 smss.exe stub`,
	},
	{
		"a session manager that nothing speaks against starts the system",
		`
		4688 t=1 pid=300 image=smss.exe ppid=4
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4688 t=2000 pid=308 image=smss.exe ppid=4
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		4 system (stub)
		  300 smss.exe stub
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		4 system (stub)
		  308 smss.exe stub
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"a certain sign that comes a little later makes a start certain",
		`
		KG12 t=1
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2000 state=Started
		KG12 t=2010
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"nobody outlives a start that is certain",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		S4 t=2000 state=Started
		4688 t=2400 pid=64 image=net.exe ppid=50
		4608 t=2500
		4688 t=3000 pid=68 image=cmd.exe ppid=50 pimage=C:\w3wp.exe`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		50 ? (stub)
		  64 net.exe stub
		50 w3wp.exe (stub)
		  68 cmd.exe stub`,
	},
	{
		"a parent of the same name and process ID that began after it speaks for it",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		S4 t=2000 state=Started
		S1 t=2100 pid=68 guid=A2100 image=cmd.exe ppid=50 pguid=B2090 pimage=C:\w3wp.exe
		4688 t=3100 pid=72 image=net.exe ppid=60
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		50 w3wp.exe (stub)
		  68 cmd.exe stub
		  64 net.exe pid+time
		60 ? (stub)
		  72 net.exe stub`,
	},
	{
		"a process that ended before it outlived nothing",
		`
		4688 t=1000 pid=50 image=w3wp.exe ppid=8 pimage=C:\svchost.exe
		4688 t=1010 pid=60 image=cmd.exe ppid=50 pimage=C:\w3wp.exe
		4689 t=1020 pid=60 image=cmd.exe
		S4 t=2000 state=Started
		4688 t=2100 pid=68 image=net.exe ppid=60 pimage=C:\cmd.exe
		4688 t=3000 pid=64 image=net.exe ppid=50`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name end=1020
		60 cmd.exe (stub)
		  68 net.exe stub
		50 ? (stub)
		  64 net.exe stub`,
	},
	{
		"fields that are shifted are nobody's",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S1 t=10 pid=60 guid=A5000 image=_09:00:02 ppid=50 pguid=B5 pimage=C:\w3wp.exe
		S5 t=11 pid=50 guid=C5000 image=_09:00:03
		S1 t=20 pid=64 guid=D20 image=Registry ppid=50 pguid=B5 pimage=C:\w3wp.exe
		S1 t=30 pid=68 guid=E5000 image=cmd.exe ppid=50 pguid=B5 pimage=C:\w3wp.exe
		S1 t=31 pid=72 guid=F5000 image=<unknown_process> ppid=50 pguid=B5 pimage=C:\w3wp.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    64 registry guid
		    68 cmd.exe guid
		    72 ? guid`,
	},
	{
		"two machines of one name: no link crosses",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S1 t=6 pid=50 guid=b6 image=w3wp.exe ppid=8 pguid=0 pimage=-
		S1 t=10 pid=60 guid=A10 image=cmd.exe ppid=50 pguid=0 pimage=C:\w3wp.exe
		S1 t=11 pid=64 guid=a11 image=cmd.exe ppid=50 pguid=0 pimage=C:\w3wp.exe
		S1 t=12 pid=68 guid=c12 image=net.exe ppid=60 pguid=0 pimage=C:\cmd.exe
		4688 t=13 pid=72 image=whoami.exe ppid=64 pimage=C:\cmd.exe
		S5 t=20 pid=60 guid=d15 image=cmd.exe`,
		`
		8 ? (stub)
		  50 w3wp.exe stub
		    60 cmd.exe pid+time+name
		8 ? (stub)
		  50 w3wp.exe stub
		    64 cmd.exe pid+time+name
		      72 whoami.exe pid+time+name
		60 cmd.exe (stub)
		  68 net.exe stub`,
	},
	{
		"GUIDs that are of another machine in each record are of none",
		`
		S1 t=5 pid=50 guid=B5 image=w3wp.exe ppid=8 pguid=c1 pimage=C:\svchost.exe
		S1 t=10 pid=60 guid=a10 image=cmd.exe ppid=50 pguid=B5 pimage=C:\w3wp.exe
		S1 t=12 pid=68 guid=C12 image=net.exe ppid=60 pguid=0 pimage=C:\cmd.exe`,
		`
		8 svchost.exe (stub)
		  50 w3wp.exe stub
		    60 cmd.exe guid
		      68 net.exe pid+time+name`,
	},
}
