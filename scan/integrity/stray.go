package integrity

import (
	"slices"

	"webshellscan/internal/plural"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// StrayTimes is the kind of records whose times are far from those of all
// others of their host.
const StrayTimes Kind = "stray-times"

// farOff is how far from all others the times of records must be to be stray.
// Strays of a host, before its other records or after them, are at most one
// record in strayShare, or, of few records, one in ten and strayFew.
const (
	farOff     = 90 * event.Day
	strayShare = 100
	strayFew   = 3
)

// Stray counts records of a host whose times are far before or after those of
// all others: a clock that was wrong, or a forgery.
type Stray struct {
	First, Last event.Time
	Records     int
}

// straysOf returns the strays among records, ascending, and the times of the
// first and last of the others.
func straysOf(records *evtx.OriginStats) (strays []Stray, first, last event.Time) {
	var eras []Stray
	total := 0
	for _, p := range records.Periods {
		total += p.Records
		if n := len(eras); n > 0 && p.First-eras[n-1].Last < farOff {
			eras[n-1].Last = p.Last
			eras[n-1].Records += p.Records
			continue
		}
		eras = append(eras, Stray{p.First, p.Last, p.Records})
	}
	if len(eras) == 0 {
		return nil, 0, 0
	}
	limit := max(total/strayShare, min(total/10, strayFew))
	begin, end := 0, len(eras)
	for few := limit; eras[begin].Records <= few; begin++ {
		few -= eras[begin].Records
	}
	for few := limit; eras[end-1].Records <= few; end-- {
		few -= eras[end-1].Records
	}
	return slices.Concat(eras[:begin], eras[end:]), eras[begin].First, eras[end-1].Last
}

// isStray reports whether a time is one of strays.
func isStray(strays []Stray, at event.Time) bool {
	return slices.ContainsFunc(strays, func(s Stray) bool { return s.First <= at && at <= s.Last })
}

// strayTimes returns the finding about the strays of a host: in which file the
// first of each is, and in which channel if that is the only one.
func (h *hostLogs) strayTimes(host string) []*Finding {
	var list []*Finding
	for _, s := range h.strays {
		f := &Finding{
			Kind: StrayTimes, Level: Notice, Host: host, First: s.First, Last: s.Last, Count: s.Records,
			Text:    plural.Count(s.Records, "record has a time", "records have times") + " far from those of all others of the host",
			Meaning: "A clock was wrong, a log of another time lies beside the others, or somebody wrote the times. Coverage is computed without them.",
		}
		for _, o := range h.origins {
			switch {
			case !slices.ContainsFunc(o.stats.Periods, func(p evtx.Period) bool { return s.First <= p.First && p.Last <= s.Last }):
			case f.File == "":
				f.File, f.Channel = o.file, o.channel
			case f.Channel != o.channel:
				f.Channel = ""
			}
		}
		list = append(list, f)
	}
	return list
}
