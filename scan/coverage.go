package scan

import "webshellscan/scan/event"

// HostCoverage says what the logs of one host could have shown.
type HostCoverage struct {
	Host string
	// Channels are the host's channels, by name.
	Channels []ChannelCoverage
	// Security4688 and Sysmon1 count process creations; CommandLines and
	// ParentNames how many of the 4688 have them. SysmonFields is the number of
	// fields of Sysmon's process creations, 0 without any.
	Security4688, Sysmon1     int
	CommandLines, ParentNames int
	SysmonFields              int
	// First and Last are the times of the earliest and latest process event; Covered
	// is the share, from 0 to 1, of the time span of interest that process events
	// cover: from Since to Until of the Options, or where they are not given, that of
	// all logs.
	First, Last event.Time
	Covered     float64
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
