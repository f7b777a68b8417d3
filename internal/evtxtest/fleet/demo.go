package fleet

import (
	"slices"
	"time"

	"webshellscan/internal/evtxtest"
)

// demoStart is when the demonstration begins.
var demoStart = time.Date(2024, 3, 11, 6, 0, 0, 0, time.UTC)

// Demo is the fleet whose logs are shipped: its files and what really happened.
type Demo struct {
	Fleet *Fleet
	Files []File
	// Web are the logs of web servers, and the configurations of those that
	// have one.
	Web []File
}

// NewDemo runs the demonstration fleet, a day of six hosts of an invented
// company, and writes its logs.
func NewDemo() (*Demo, error) {
	f := New(20240311)
	hosts := demoHosts(f)
	at := func(hour, minute int) time.Time {
		return demoStart.Add(time.Duration(hour-6)*time.Hour + time.Duration(minute)*time.Minute)
	}
	for _, h := range f.hosts {
		h.At(demoStart, (*Host).Boot)
	}
	hosts.web1.At(at(9, 41), (*Host).PlayPortalUpload)
	hosts.web2.At(at(7, 30), func(h *Host) {
		h.ReservePID("tomcat9", latestChild(f, h.services["lanternd"]).PID)
		h.Reboot(3 * time.Minute)
	})
	hosts.web2.At(at(10, 12), (*Host).PlayTomcatShell)
	hosts.mail.At(at(11, 5), (*Host).PlayExchange)
	hosts.app.At(at(10, 48), (*Host).PlayPHPCommand)
	hosts.dc.At(at(10, 3), (*Host).PlayWayOn)
	for _, h := range f.hosts {
		h.Run(at(12, 0))
	}
	d := &Demo{Fleet: f}
	for _, s := range demoFiles(hosts, at) {
		file, err := f.Write(s)
		if err != nil {
			return nil, err
		}
		d.Files = append(d.Files, file)
	}
	d.Web = demoWebFiles(hosts, at)
	return d, nil
}

// latestChild returns the process that a parent started last.
func latestChild(f *Fleet, parent *Process) *Process {
	for _, p := range slices.Backward(f.processes) {
		if p.Parent == parent {
			return p
		}
	}
	return parent
}

// demoHostSet is the hosts of the demonstration.
type demoHostSet struct{ web1, web2, mail, app, dc, work *Host }

func demoHosts(f *Fleet) demoHostSet {
	inDomain := func(o HostOptions) *Host {
		o.Domain = "HARBOR"
		h := f.AddHost(o, demoStart)
		// These hosts have been running for long: their logs do not
		// begin with record 1.
		for i, channel := range []string{ChannelSysmon, ChannelSecurity, ChannelSystem, ChannelApplication, ChannelPowerShell, ChannelClassicPowerShell, ChannelTasks, ChannelDefender} {
			h.Log(channel).StartAt(uint64(h.machineID%90_000)*uint64(max(11-2*i, 1)) + 1000)
		}
		return h
	}
	return demoHostSet{
		web1: inDomain(HostOptions{
			Name: "WEB01.harbor.example", Build: 17763, Sysmon: evtxtest.Sysmon22, Audit: true, CommandLines: true,
			AuditEnds: true, Roles: []Role{RoleIIS, RoleServer}, Noise: 0.6,
			PowerShell: true, Scripts: true, TaskLog: true, Web: portalServer(),
		}),
		web2: inDomain(HostOptions{
			Name: "WEB02.harbor.example", Build: 9600, Audit: true, AuditForm: evtxtest.ProcessCreatedV1, CommandLines: true,
			AuditEnds: true, Roles: []Role{RoleTomcat, RoleServer}, PowerShell: true, Web: tomcatServer(),
		}),
		mail: inDomain(HostOptions{
			Name: "MAIL01.harbor.example", Build: 20348, Sysmon: evtxtest.Sysmon23, Audit: true, CommandLines: true,
			Roles: []Role{RoleExchange}, Noise: 0.6, PowerShell: true, Scripts: true, Web: mailServer(),
		}),
		app: inDomain(HostOptions{
			Name: "APP01.harbor.example", Build: 17763, Audit: true, CommandLines: true, AuditEnds: true,
			Roles: []Role{RoleApache}, Noise: 0.6, Web: apacheServer(),
		}),
		dc: inDomain(HostOptions{Name: "DC01.harbor.example", Build: 17763, Audit: true, Roles: []Role{RoleDC}, Noise: 0.6}),
		work: inDomain(HostOptions{
			Name: "WS07.harbor.example", Build: 19045, Sysmon: evtxtest.Sysmon21, Roles: []Role{RoleWorkstation}, Noise: 0.5,
		}),
	}
}

// demoFiles returns the logs that are shipped, and how each was taken.
func demoFiles(hosts demoHostSet, at func(hour, minute int) time.Time) []FileSpec {
	const sysmonFile, powershellFile = "Microsoft-Windows-Sysmon%4Operational.evtx", "Microsoft-Windows-PowerShell%4Operational.evtx"
	residue := []byte{0x6F, 0x00, 0x67, 0x00, 0x72, 0x00, 0x61}
	live := evtxtest.Options{Filler: residue}
	dirty := evtxtest.Options{Filler: residue, StaleHeader: true, KeepSlack: true}
	exported := evtxtest.Options{Style: evtxtest.StyleExported, Minor: 2}
	one := func(h *Host, channel string) []*Log { return []*Log{h.Log(channel)} }
	return []FileSpec{
		{Path: "WEB01/" + sysmonFile, Logs: one(hosts.web1, ChannelSysmon), Options: dirty},
		{Path: "WEB01/Security.evtx", Logs: one(hosts.web1, ChannelSecurity), Options: live},
		{Path: "WEB01/System.evtx", Logs: one(hosts.web1, ChannelSystem), Options: live},
		{Path: "WEB01/Application.evtx", Logs: one(hosts.web1, ChannelApplication), Options: live},
		{Path: "WEB01/" + powershellFile, Logs: one(hosts.web1, ChannelPowerShell), Options: live},
		{Path: "WEB01/Microsoft-Windows-TaskScheduler%4Operational.evtx", Logs: one(hosts.web1, ChannelTasks), Options: live},
		{Path: "WEB02/Security.evtx", Logs: one(hosts.web2, ChannelSecurity), Options: live, Ring: 6, RingStart: 2},
		{Path: "WEB02/System.evtx", Logs: one(hosts.web2, ChannelSystem), Options: live},
		{Path: "WEB02/Windows PowerShell.evtx", Logs: one(hosts.web2, ChannelClassicPowerShell), Options: live},
		{Path: "MAIL01/" + powershellFile, Logs: one(hosts.mail, ChannelPowerShell), Options: live},
		{Path: "MAIL01/Microsoft-Windows-Windows Defender%4Operational.evtx", Logs: one(hosts.mail, ChannelDefender), Options: live},
		{Path: "APP01/System.evtx", Logs: one(hosts.app, ChannelSystem), From: at(10, 15), To: at(11, 15), Options: live},
		{Path: "MAIL01/" + sysmonFile, Logs: one(hosts.mail, ChannelSysmon), Options: exported},
		{
			Path: "MAIL01/Archive-Security-2024-03-11-11-30-00-000.evtx", Logs: one(hosts.mail, ChannelSecurity), To: at(11, 30),
			Options: evtxtest.Options{Style: evtxtest.StyleArchived, Minor: 2, Flags: evtxtest.FlagFull},
		},
		{
			Path: "WEC01/ForwardedEvents.evtx", Logs: []*Log{hosts.app.Log(ChannelSecurity), hosts.web2.Log(ChannelSystem)},
			From: at(10, 15), To: at(11, 15), Delay: 1700 * time.Millisecond,
			Options: evtxtest.Options{Style: evtxtest.StyleForwarded, FirstID: 88_120},
		},
		{Path: "DC01/Security.evtx", Logs: one(hosts.dc, ChannelSecurity), From: at(10, 0), To: at(12, 0), Options: live},
		{Path: "WS07/" + sysmonFile, Logs: one(hosts.work, ChannelSysmon), Options: live},
	}
}
