package fleet

import (
	"fmt"
	"iter"
	"time"

	"webshellscan/internal/evtxtest"
)

// Crowd is so many hosts that they cannot be read one by one: of 100 hosts one
// each has the incident on the portal, on Tomcat and on the mail server, 24
// have PHP packages that call programs, and the others no web server that
// starts any. On one of those with PHP somebody ran one command more.
type Crowd struct {
	// Seed settles everything that happens by chance, Hosts is how many
	// there are, at least 100.
	Seed  uint64
	Hosts int
}

// CrowdPlanted is the command that somebody ran on one host of a crowd.
const CrowdPlanted = `type C:\www\shop\config.php`

// crowdSpan is how long each host of a crowd is watched.
const crowdSpan = 100 * time.Minute

// share is a hundredth of the hosts: what each incident has.
func (c Crowd) share() int { return c.Hosts / 100 }

// Logs returns the log of each host, one host after the other. The host's name
// is that of the folder.
func (c Crowd) Logs() iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for i := range c.Hosts {
			if !yield(c.log(i)) {
				return
			}
		}
	}
}

// log plays one host and writes its log.
func (c Crowd) log(i int) (File, error) {
	f := New(c.Seed + uint64(i))
	o, play := c.host(i)
	start := demoStart.Add(time.Duration(i%c.share()) * 10 * time.Minute)
	h := f.AddHost(o, start)
	h.At(start, (*Host).Boot)
	if play != nil {
		h.At(start.Add(40*time.Minute), play)
	}
	h.Run(start.Add(crowdSpan))
	channel, name := ChannelSecurity, "Security.evtx"
	if o.Sysmon != 0 {
		channel, name = ChannelSysmon, "Microsoft-Windows-Sysmon%4Operational.evtx"
	}
	return f.Write(FileSpec{Path: h.shortName() + "/" + name, Logs: []*Log{h.Log(channel)}})
}

// host returns what a host is, and what is played on it.
func (c Crowd) host(i int) (HostOptions, func(*Host)) {
	o := HostOptions{
		Name: fmt.Sprintf("H%04d.harbor.example", i), Domain: "HARBOR", Build: 17763, Noise: 0.2,
		Audit: true, CommandLines: true, Roles: []Role{RoleWorkstation},
	}
	switch share := i / c.share(); {
	case share == 0:
		o.Audit, o.Sysmon, o.Roles = false, evtxtest.Sysmon22, []Role{RoleIIS}
		return o, (*Host).PlayPortalUpload
	case share == 1:
		o.Audit, o.Sysmon, o.Roles = false, evtxtest.Sysmon22, []Role{RoleTomcat}
		return o, (*Host).PlayTomcatShell
	case share == 2:
		o.Roles = []Role{RoleExchange}
		return o, (*Host).PlayExchange
	case share < 27:
		o.Roles, o.PHPJobs = []Role{RoleApache}, 2*time.Minute
		if i == 4*c.share() {
			return o, playPlanted
		}
	}
	return o, nil
}

// playPlanted plays the one command more.
func playPlanted(h *Host) {
	h.shell(h.phpWorker(), "/admin/about.php", CrowdPlanted)
}
