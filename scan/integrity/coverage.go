package integrity

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
)

// HostCoverage is what the logs of one host could have shown.
type HostCoverage struct {
	Host string
	// Channels are the host's channels, by name.
	Channels []ChannelCoverage
	// Security4688 and Sysmon1 count process creations, copies included;
	// CommandLines and ParentNames how many of the 4688 have them.
	// SysmonFields is the number of fields of Sysmon's process creations, 0
	// without any.
	Security4688, Sysmon1     int
	CommandLines, ParentNames int
	SysmonFields              int
	// Unusable is how many process events hold nothing that can be
	// believed.
	Unusable int
	// Dropped is how many process creations Sysmon reports that its queue
	// dropped.
	Dropped int
	// Apart is set if logs of the host were collected apart from each
	// other, or if partial results do not hold all of them, so that the
	// stories of its sessions may lack events and requests.
	Apart bool
	// Booting counts those of the 4688 that Windows writes while it starts,
	// whatever is audited; Blind is why nothing that ran can be seen, "" if
	// something can.
	Booting int
	Blind   string
	// First and Last are the times of the earliest and latest process
	// creation but for the Booting ones, which cover no time.
	First, Last event.Time
	// Covered is the fraction, from 0 to 1, of the requested time span that
	// process creations cover: from the first to the last one without
	// Silences. That span is from From to Until: Since and Until of the
	// Reading, or where they are not given, the times of the first and last
	// record of the host that is none of Strays.
	Covered     float64
	From, Until event.Time
	// Strays are the records of the host whose times are far from those of
	// all others, ascending.
	Strays []Stray
	// Silences are the stretches without process creations that are long
	// against what is usual on the host.
	Silences []Gap
}

// ChannelCoverage is what was read of one channel of a host.
type ChannelCoverage struct {
	Channel string
	// Files is how many files hold records of it, Records how many there
	// are, copies included.
	Files, Records int
	First, Last    event.Time
	// Gaps are the record IDs that are missing, of each file the first
	// ones, GapsLeft how many more there are.
	Gaps     []Gap
	GapsLeft int
}

// Gap is a stretch of a channel without records.
type Gap struct {
	// From and To are the times of the records before and after it.
	From, To event.Time
	// FirstID and LastID are the record IDs that are missing, both 0 if
	// none are: a silence.
	FirstID, LastID uint64
}

// coverageOf returns what the logs of each host could have shown. times are by
// host.
func coverageOf(r *Reading, events *logEvents, logs []*hostLogs, times []*hostTimes) []HostCoverage {
	hosts := r.Forest.Hosts()
	list := make([]HostCoverage, len(hosts))
	for i, h := range hosts {
		e, t := h.Events, times[i]
		c := HostCoverage{
			Host: h.Name, Channels: logs[i].channels, Strays: logs[i].strays, Security4688: e.SecurityCreate, Sysmon1: e.SysmonCreate,
			CommandLines: e.SecurityCreate - e.NoCommandLine, ParentNames: e.SecurityCreate - e.NoParentName,
			SysmonFields: e.SysmonFields, Unusable: e.Unusable, Dropped: events.hosts[i].droppedCreations(), Booting: e.Booting, First: t.first, Last: t.last,
		}
		if e.Blind() {
			c.Blind = NoCreations(e)
		}
		c.From, c.Until = cmp.Or(r.Since, logs[i].first), cmp.Or(r.Until, logs[i].last)
		if c.Until < c.From { // the logs have nothing of what is asked for
			c.From = cmp.Or(r.Since, c.Until)
			c.Until = max(c.From, r.Until)
		}
		c.Covered = coveredShare(&c, &t.any)
		for _, s := range t.any.silences {
			c.Silences = append(c.Silences, Gap{From: s.from, To: s.to})
		}
		list[i] = c
	}
	return list
}

// coveredShare returns how much of the time of a host its creations cover: of a
// moment, in which all its records are, all of it or nothing.
func coveredShare(c *HostCoverage, creations *timeline) float64 {
	switch {
	case c.Blind != "" || creations.count == 0:
		return 0
	case c.Until > c.From:
		return float64(creations.covered(c.From, c.Until)) / float64(c.Until-c.From)
	case creations.first <= c.From && c.Until <= creations.last:
		return 1
	}
	return 0
}

// NoCreations returns why a host without process creations has none.
func NoCreations(e proctree.Counts) string {
	if e.UnusableCreate > 0 {
		return fmt.Sprintf("no process creations that can be believed (%d are unusable)", e.UnusableCreate)
	}
	if e.Booting > 0 {
		return "no process creations but those that Windows logs whenever it starts"
	}
	return "no process creations (neither Sysmon 1 nor Security 4688)"
}

// hostChannel is one channel of a host, by its index.
type hostChannel struct {
	host    int
	channel string
}

// channels returns what a log holds of each channel. Spellings of one host are
// one host; hosts that are not known are left out.
func (l *Log) channels(hostOf map[string]int) map[hostChannel]evtx.OriginStats {
	sums := make(map[hostChannel]evtx.OriginStats, len(l.Stats.Origins))
	for origin, o := range l.Stats.Origins {
		if host, ok := hostOf[origin.Computer]; ok {
			sum := sums[hostChannel{host, origin.Channel}]
			sum.Add(&o)
			sums[hostChannel{host, origin.Channel}] = sum
		}
	}
	return sums
}

// hostLogs are the logs of one host.
type hostLogs struct {
	channels []ChannelCoverage // by name
	origins  []logOrigin
	// first and last are the times of all records but strays.
	strays      []Stray
	first, last event.Time
}

// logOrigin is what one file holds of a channel of a host.
type logOrigin struct {
	file, channel string
	stats         evtx.OriginStats
}

// logsOf returns the logs of each host.
func logsOf(logs []*Log, hosts []proctree.Host) []*hostLogs {
	hostOf := proctree.HostsByName(hosts)
	list := make([]*hostLogs, len(hosts))
	for i := range list {
		list[i] = new(hostLogs)
	}
	found := make(map[hostChannel]*ChannelCoverage)
	sums := make(map[hostChannel]*evtx.OriginStats)
	for _, l := range logs {
		channels := l.channels(hostOf)
		for k, o := range channels {
			c := found[k]
			if c == nil {
				c, sums[k] = &ChannelCoverage{Channel: k.channel}, new(evtx.OriginStats)
				found[k] = c
			}
			c.Files++
			sums[k].Add(&o)
			list[k.host].origins = append(list[k.host].origins, logOrigin{l.Path, k.channel, o})
			if len(channels) == 1 { // the gaps of a log that holds but one channel are its own
				gaps, left := gapsOf(l)
				c.Gaps, c.GapsLeft = append(c.Gaps, gaps...), c.GapsLeft+left
			}
		}
	}
	all := make([]evtx.OriginStats, len(hosts))
	for k, c := range found {
		c.Records = sums[k].Records
		c.First, c.Last = sums[k].Span()
		list[k.host].channels = append(list[k.host].channels, *c)
		all[k.host].Add(sums[k])
	}
	for i, h := range list {
		slices.SortFunc(h.channels, func(a, b ChannelCoverage) int { return strings.Compare(a.Channel, b.Channel) })
		h.strays, h.first, h.last = straysOf(&all[i])
	}
	return list
}

// gapsOf returns the record IDs that a log lacks, and how many more gaps there
// are.
func gapsOf(l *Log) (gaps []Gap, left int) {
	for _, f := range l.Faults.Kept() {
		if f.Class == evtx.IDGap {
			from, to := inOrder(f.From, f.To)
			gaps = append(gaps, Gap{From: from, To: to, FirstID: f.RecordID, LastID: f.LastID})
		}
	}
	return gaps, l.Faults.Counts()[evtx.IDGap] - len(gaps)
}
