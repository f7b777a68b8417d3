package scan

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
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
	// Unusable is how many process events hold nothing that can be believed.
	Unusable int
	// Dropped is how many process creations Sysmon says that its queue dropped.
	Dropped int
	// Booting counts those of the 4688 that Windows writes while it starts, whatever
	// is audited; Blind says why nothing that ran can be seen, "" if something can.
	Booting int
	Blind   string
	// First and Last are the times of the earliest and latest process creation.
	First, Last event.Time
	// Covered is the share, from 0 to 1, of the time of interest that process
	// creations cover: from the first to the last one without Silences. The time of
	// interest is from From to Until: Since and Until of the Options, or where they
	// are not given, the times of the first and last record of the host.
	Covered     float64
	From, Until event.Time
	// Silences are the stretches without process creations that are long against
	// what is usual on the host.
	Silences []Gap
}

// ChannelCoverage says what was read of one channel of a host.
type ChannelCoverage struct {
	Channel string
	// Files is how many files hold records of it, Records how many there are, copies
	// included.
	Files, Records int
	First, Last    event.Time
	// Gaps are the record IDs that are missing, of each file the first ones, GapsLeft
	// how many more there are.
	Gaps     []Gap
	GapsLeft int
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
func coverageOf(options *Options, s *Summary, inputs []*input, times []*hostTimes) []HostCoverage {
	hosts := s.Hosts
	channels := channelsOf(inputs, hosts)
	list := make([]HostCoverage, len(hosts))
	for i, h := range hosts {
		e, t := h.Events, times[i]
		c := HostCoverage{
			Host: h.Name, Channels: channels[i], Security4688: e.SecurityCreate, Sysmon1: e.SysmonCreate,
			CommandLines: e.SecurityCreate - e.NoCommandLine, ParentNames: e.SecurityCreate - e.NoParentName,
			SysmonFields: e.SysmonFields, Unusable: e.Unusable, Booting: e.Booting, First: t.any.first, Last: t.any.last,
		}
		if e.Blind() {
			c.Blind = noCreations(e)
		}
		c.From, c.Until = spanOfChannels(c.Channels)
		c.From, c.Until = cmp.Or(options.Since, c.From), cmp.Or(options.Until, c.Until)
		if c.Until > c.From && c.Blind == "" {
			c.Covered = float64(t.any.covered(c.From, c.Until)) / float64(c.Until-c.From)
		}
		for _, s := range t.any.silences {
			c.Silences = append(c.Silences, Gap{From: s.from, To: s.to})
		}
		list[i] = c
	}
	return list
}

// spanOfChannels returns the times of the first and last record of channels.
func spanOfChannels(channels []ChannelCoverage) (first, last event.Time) {
	var sum evtx.OriginStats
	for _, c := range channels {
		sum.Add(&evtx.OriginStats{First: c.First, Last: c.Last})
	}
	return sum.First, sum.Last
}

// hostChannel is one channel of a host, by its index.
type hostChannel struct {
	host    int
	channel string
}

// channels returns what an input holds of each channel. Spellings of one host are
// one host; hosts that are not known are left out.
func (in *input) channels(hostOf map[string]int) map[hostChannel]evtx.OriginStats {
	sums := make(map[hostChannel]evtx.OriginStats, len(in.stats.Origins))
	for origin, o := range in.stats.Origins {
		if host, ok := hostOf[origin.Computer]; ok {
			sum := sums[hostChannel{host, origin.Channel}]
			sum.Add(&o)
			sums[hostChannel{host, origin.Channel}] = sum
		}
	}
	return sums
}

// channelsOf returns the channels of each host, by name.
func channelsOf(inputs []*input, hosts []proctree.Host) [][]ChannelCoverage {
	hostOf := hostsByName(hosts)
	found := make(map[hostChannel]*ChannelCoverage)
	sums := make(map[hostChannel]*evtx.OriginStats)
	for _, in := range inputs {
		channels := in.channels(hostOf)
		for k, o := range channels {
			c := found[k]
			if c == nil {
				c, sums[k] = &ChannelCoverage{Channel: k.channel}, new(evtx.OriginStats)
				found[k] = c
			}
			c.Files++
			sums[k].Add(&o)
			if len(channels) == 1 { // the gaps of a log that holds but one channel are its own
				gaps, left := gapsOf(in)
				c.Gaps, c.GapsLeft = append(c.Gaps, gaps...), c.GapsLeft+left
			}
		}
	}
	list := make([][]ChannelCoverage, len(hosts))
	for k, c := range found {
		c.Records, c.First, c.Last = sums[k].Records, sums[k].First, sums[k].Last
		list[k.host] = append(list[k.host], *c)
	}
	for _, channels := range list {
		slices.SortFunc(channels, func(a, b ChannelCoverage) int { return strings.Compare(a.Channel, b.Channel) })
	}
	return list
}

// gapsOf returns the record IDs that a log lacks, and how many more gaps there
// are.
func gapsOf(in *input) (gaps []Gap, left int) {
	for _, f := range in.faults.sorted() {
		if f.Class == evtx.IDGap {
			from, to := inOrder(f.From, f.To)
			gaps = append(gaps, Gap{From: from, To: to, FirstID: f.RecordID, LastID: f.LastID})
		}
	}
	return gaps, in.faults.counts[evtx.IDGap] - len(gaps)
}

// hostsByName returns the index of the host of each spelling.
func hostsByName(hosts []proctree.Host) map[string]int {
	hostOf := make(map[string]int)
	for i, h := range hosts {
		for _, name := range h.Names {
			hostOf[name] = i
		}
	}
	return hostOf
}
