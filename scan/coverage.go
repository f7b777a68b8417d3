package scan

import (
	"cmp"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// HostCoverage says what the logs of one host could have shown.
type HostCoverage struct {
	Host string
	// Channels are the host's channels, by name.
	Channels []ChannelCoverage
	// Security4688 and Sysmon1 count process creations, copies included;
	// CommandLines and ParentNames how many of the 4688 have them. SysmonFields is
	// the number of fields of Sysmon's process creations, 0 without any.
	Security4688, Sysmon1     int
	CommandLines, ParentNames int
	SysmonFields              int
	// First and Last are the times of the earliest and latest process creation.
	First, Last event.Time
	// Covered is the share, from 0 to 1, of the time of interest that process
	// creations cover: from the first to the last one without Silences. The time of
	// interest is from Since to Until of the Options, or where they are not given,
	// that of all logs.
	Covered float64
	// Silences are the stretches without process creations that are long against
	// what is usual on the host.
	Silences []Gap
}

// ChannelCoverage says what was read of one channel of a host.
type ChannelCoverage struct {
	Channel     string
	Files       int
	Records     int
	First, Last event.Time
	Gaps        []Gap
}

// Gap is a stretch of a channel without records.
type Gap struct {
	// From and To are the times of the records before and after it.
	From, To event.Time
	// FirstID and LastID are the record IDs that are missing, both 0 if none are: a
	// silence.
	FirstID, LastID uint64
}

// coverageOf says what the logs of each host could have shown. times are by host.
func coverageOf(options *Options, s *Summary, hosts []proctree.Host, times []*hostTimes) []HostCoverage {
	since, until := cmp.Or(options.Since, s.First), cmp.Or(options.Until, s.Last)
	list := make([]HostCoverage, len(hosts))
	for i, h := range hosts {
		e, t := h.Events, times[i]
		c := HostCoverage{
			Host: h.Name, Security4688: e.SecurityCreate, Sysmon1: e.SysmonCreate,
			CommandLines: e.SecurityCreate - e.NoCommandLine, ParentNames: e.SecurityCreate - e.NoParentName,
			SysmonFields: e.SysmonFields, First: t.any.first, Last: t.any.last,
		}
		if until > since {
			c.Covered = float64(t.any.covered(since, until)) / float64(until-since)
		}
		for _, s := range t.any.silences {
			c.Silences = append(c.Silences, Gap{From: s.from, To: s.to})
		}
		list[i] = c
	}
	return list
}
