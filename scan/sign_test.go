package scan_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan"
)

const (
	acceptsPort = "unknown server, because it accepts connections on a web port"
	listensPort = "unknown server, because it listens on a web port"
	makesPages  = "unknown server, because it writes what ASP.NET makes of pages"
	sysmonLog   = "Microsoft-Windows-Sysmon/Operational"
	sysmonName  = "Microsoft-Windows-Sysmon"
	shopd       = `D:\Shop\shopd.exe`
)

// shopLog writes the logs of a host on which cmd.exe (4688) runs below PID 100,
// started at its first second or before the log begins, with other events.
func shopLog(t *testing.T, image string, late bool, form evtxtest.ProcessCreatedForm, events ...storyEvent) string {
	t.Helper()
	at := func(second int) time.Time { return storyStart.Add(time.Duration(second) * time.Second) }
	who := evtxtest.Account{SID: evtxtest.MustSID("S-1-5-21-1-2-3-1001"), Name: "web", Domain: "SHOP", LogonID: 0xCCCC}
	logs := make(map[string][]evtxtest.Event)
	add := func(second int, pid, parent uint64, image, parentImage, line string) {
		ev := evtxtest.NewEvent(at(second), "SHOP", &evtxtest.ProcessCreated{
			Subject: who, NewProcessID: pid, NewProcessName: image, ProcessID: parent, CommandLine: line, ParentProcessName: parentImage, Form: form,
		})
		ev.RecordID = uint64(1000 + second)
		logs[securityLog] = append(logs[securityLog], ev)
	}
	if !late {
		add(0, 100, 600, image, `C:\Windows\explorer.exe`, "shopd")
	}
	add(30, 200, 100, shell, image, `cmd.exe /c whoami`)
	for i, e := range events {
		ev := e.record()
		ev.RecordID = uint64(i + 1)
		logs[e.channel] = append(logs[e.channel], ev)
	}
	dir := t.TempDir()
	for channel, list := range logs {
		slices.SortStableFunc(list, func(a, b evtxtest.Event) int { return int(a.Time - b.Time) })
		writeLog(t, filepath.Join(dir, strings.ReplaceAll(channel, "/", "%4")+".evtx"), evtxtest.Options{}, list)
	}
	return dir
}

// connection returns a Sysmon 3.
func connection(second int, image, fields string) storyEvent {
	return storyEvent{second, "SHOP", sysmonLog, sysmonName, 3, 1500, "S-1-5-18", "UtcTime=|ProcessGuid={00000000-0000-0000-0000-000000000000}|ProcessId=100|Image=" + image + "|Protocol=tcp|" + fields, ""}
}

// audited returns an event of the filtering platform; id names the field of the
// process ID.
func audited(second int, id uint16, pid, image, fields string) storyEvent {
	return storyEvent{second, "SHOP", securityLog, auditing, id, 4, "", pid + "=100|Application=" + image + "|" + fields, ""}
}

// TestServersByEvents: what serves is a server, though no rule knows its name.
func TestServersByEvents(t *testing.T) {
	const device = `\device\harddiskvolume3\shop\shopd.exe`
	const inbound = "Initiated=false|SourceIp=203.0.113.9|SourcePort=50123|DestinationIp=10.0.0.5|DestinationPort=8080"
	for _, tt := range []struct {
		name   string
		image  string
		late   bool
		form   evtxtest.ProcessCreatedForm
		events []storyEvent
		want   string
	}{
		{"without events", shopd, false, evtxtest.ProcessCreatedV2, nil, ""},
		{"accepts", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, shopd, inbound)}, acceptsPort},
		{"accepts, as older versions of Sysmon say it", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, shopd, "Initiated=false|SourceIp=10.0.0.5|SourcePort=443|DestinationIp=203.0.113.9|DestinationPort=50123")}, acceptsPort},
		{"connects", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, shopd, "Initiated=true|SourceIp=10.0.0.5|SourcePort=50123|DestinationIp=203.0.113.9|DestinationPort=443")}, ""},
		{"accepts on another port", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, shopd, "Initiated=false|SourceIp=203.0.113.9|SourcePort=50123|DestinationIp=10.0.0.5|DestinationPort=7777")}, ""},
		{"accepts from itself", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, shopd, "Initiated=false|SourceIp=127.0.0.1|SourcePort=50123|DestinationIp=127.0.0.1|DestinationPort=8080")}, ""},
		{"datagrams", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{{5, "SHOP", sysmonLog, sysmonName, 3, 1500, "S-1-5-18", "ProcessId=100|Image=" + shopd + "|Protocol=udp|" + inbound, ""}}, ""},
		{"another program of that ID", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, `D:\Old\old.exe`, inbound)}, ""},
		{"before it began", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(-60, shopd, inbound)}, ""},
		{"before the system started", shopd, true, evtxtest.ProcessCreatedV2, []storyEvent{
			connection(-60, shopd, inbound),
			{-30, "SHOP", "System", "EventLog", 6009, 0, "", "=10.00.|=17763|=|=Multiprocessor Free|=0", ""},
		}, ""},
		{"part of Windows", `C:\Windows\System32\svchost.exe`, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, `C:\Windows\System32\svchost.exe`, inbound)}, ""},
		{"listens", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{audited(5, 5154, "ProcessId", device, "SourceAddress=0.0.0.0|SourcePort=8080|Protocol=6")}, listensPort},
		{"takes a port", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{audited(5, 5158, "ProcessId", device, "SourceAddress=::|SourcePort=8443|Protocol=6")}, listensPort},
		{"takes a port for itself", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{audited(5, 5158, "ProcessId", device, "SourceAddress=127.0.0.1|SourcePort=8443|Protocol=6")}, ""},
		{"is allowed a connection", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{audited(5, 5156, "ProcessID", device, "Direction=%%14592|SourceAddress=10.0.0.5|SourcePort=443|DestAddress=203.0.113.9|DestPort=50123|Protocol=6")}, acceptsPort},
		{"is allowed to connect", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{audited(5, 5156, "ProcessID", device, "Direction=%%14593|SourceAddress=10.0.0.5|SourcePort=50123|DestAddress=203.0.113.9|DestPort=443|Protocol=6")}, ""},
		{"started before the log, named by the event only", shopd, true, evtxtest.ProcessCreatedV1, []storyEvent{audited(5, 5154, "ProcessId", device, "SourceAddress=0.0.0.0|SourcePort=8080|Protocol=6")}, listensPort},
		{"started before the log, a server with a name", `C:\tomcat9\bin\tomcat9.exe`, true, evtxtest.ProcessCreatedV1, []storyEvent{audited(5, 5154, "ProcessId", `\device\harddiskvolume3\tomcat9\bin\tomcat9.exe`, "SourceAddress=0.0.0.0|SourcePort=8080|Protocol=6")}, "Apache Tomcat"},
		{"a server with a name", `C:\nginx\nginx.exe`, false, evtxtest.ProcessCreatedV2, []storyEvent{connection(5, `C:\nginx\nginx.exe`, inbound)}, "nginx"},
		{"makes pages", shopd, false, evtxtest.ProcessCreatedV2, []storyEvent{{5, "SHOP", sysmonLog, sysmonName, 11, 1500, "S-1-5-18", `ProcessId=100|Image=` + shopd + `|TargetFilename=C:\Windows\Microsoft.NET\Framework64\v4.0.30319\Temporary ASP.NET Files\root\a\b\x.cmdline`, ""}}, makesPages},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := mustScan(t, scan.Options{Paths: []string{shopLog(t, tt.image, tt.late, tt.form, tt.events...)}})
			got := ""
			if len(res.Sessions) > 0 {
				got = res.Sessions[0].Product
			}
			if got != tt.want {
				t.Errorf("server %q, want %q", got, tt.want)
			}
		})
	}
}
