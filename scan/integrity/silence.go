package integrity

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// leastSilence is the shortest gap between process creations that is reported,
// and silenceFactor how many times as long as between two
// creations on the average.
const (
	leastSilence  = event.Hour
	silenceFactor = 50
	maxSilences   = 4096 // of a host and source; the longest are kept
	nearBoot      = 10 * event.Minute
)

// timeline is when processes were created, by the records of one source.
type timeline struct {
	first, last event.Time
	count       int
	silences    []silence
}

// silence is a stretch without process creations.
type silence struct {
	from, to event.Time
	boot     bool // the system started at its end
}

// add adds a creation. Creations must come in the order of their time, nearly:
// one that comes late ends no silence, unless it is before all others.
func (t *timeline) add(at event.Time, boot bool) {
	if !at.Plausible() {
		return
	}
	if t.count++; t.first == 0 {
		t.first, t.last = at, at
		return
	}
	switch {
	case at-t.last >= leastSilence:
		t.silences = append(t.silences, silence{t.last, at, boot})
	case t.first-at >= leastSilence: // records run backwards
		t.silences = append(t.silences, silence{at, t.first, false})
	}
	if len(t.silences) > 2*maxSilences {
		t.trim()
	}
	t.first, t.last = min(t.first, at), max(t.last, at)
}

// trim keeps the longest silences.
func (t *timeline) trim() {
	if len(t.silences) > maxSilences {
		slices.SortStableFunc(t.silences, func(a, b silence) int { return cmp.Compare(b.to-b.from, a.to-a.from) })
		t.silences = t.silences[:maxSilences]
	}
	slices.SortFunc(t.silences, func(a, b silence) int { return cmp.Compare(a.from, b.from) })
}

// finish leaves the silences that are long against what is usual.
func (t *timeline) finish() {
	t.trim()
	usual := (t.last - t.first) / event.Time(max(t.count-1, 1))
	t.silences = slices.DeleteFunc(t.silences, func(s silence) bool { return s.to-s.from < silenceFactor*usual })
}

// covered returns how much of the time from since to until lies between the
// first and the last creation and in no silence.
func (t *timeline) covered(since, until event.Time) event.Time {
	within := func(from, to event.Time) event.Time { return max(0, min(to, until)-max(from, since)) }
	sum := within(t.first, t.last)
	for _, s := range t.silences {
		sum -= within(s.from, s.to)
	}
	return sum
}

// hostTimes are the timelines of one host: of each source, and of both. first
// and last are the times of the earliest and latest creation, strays too.
type hostTimes struct {
	sysmon, security, any timeline
	first, last           event.Time
}

// add adds the creation of a record.
func (h *hostTimes) add(r proctree.Record, boot bool, strays []Stray) {
	at := r.Time()
	if at.Plausible() {
		if h.first == 0 || at < h.first {
			h.first = at
		}
		h.last = max(h.last, at)
	}
	switch {
	case isStray(strays, at):
		return
	case r.EventID() == 1:
		h.sysmon.add(at, boot)
	default:
		h.security.add(at, boot)
	}
	h.any.add(at, boot)
}

// timesOf collects the times of a host's processes, which are in the order of
// their start. boots are the starts of the system, ascending; strays are no
// time in which others are missing.
func timesOf(forest *proctree.Forest, host int, boots []event.Time, strays []Stray) *hostTimes {
	h := new(hostTimes)
	texts := forest.Texts()
	var started event.Time // of Windows, by what it logs then
	for p := range forest.Processes(host) {
		if p.Stub() {
			continue
		}
		boot := false
		if p.Start()-h.any.last >= leastSilence {
			boot = startsNear(boots, p.Start()) || p.Start()-started <= nearBoot || strings.EqualFold(proctree.BaseName(texts.Text(p.Image())), "smss.exe")
		}
		for r := range p.Records() {
			if r.Booting() {
				started = p.Start()
				continue
			}
			h.add(r, boot, strays)
		}
	}
	for _, t := range []*timeline{&h.sysmon, &h.security, &h.any} {
		t.finish()
	}
	return h
}

// forget drops the silences: where not all was read, they say nothing.
func (h *hostTimes) forget() {
	for _, t := range []*timeline{&h.sysmon, &h.security, &h.any} {
		t.silences = nil
	}
}

// startsNear reports whether the system started a little before or after a
// time.
func startsNear(boots []event.Time, at event.Time) bool {
	i, _ := slices.BinarySearch(boots, at-nearBoot)
	return i < len(boots) && boots[i] <= at+nearBoot
}

// ProcessSilence is the kind of a stretch without process creations.
const ProcessSilence Kind = "process-silence"

// findings returns the findings about the silences of a host: one source silent
// while the other goes on is worse than both, and a system that was off says
// nothing.
func (h *hostTimes) findings(host string) []*Finding {
	var list []*Finding
	for _, source := range []struct {
		name  string
		times *timeline
		other *timeline
	}{{"Sysmon 1", &h.sysmon, &h.security}, {"Security 4688", &h.security, &h.sysmon}} {
		for _, s := range source.times.silences {
			if s.boot {
				continue
			}
			i := &Finding{
				Kind: ProcessSilence, Level: Notice, Host: host, First: s.from, Last: s.to, Count: 1,
				Text:    "no " + source.name + " for " + spanText(s.to-s.from) + ": none from " + s.from.String() + " to " + s.to.String(),
				Meaning: "The system may have been asleep or logging was stopped; what ran in this time cannot be seen.",
			}
			if source.other.covers(s.from, s.to) {
				i.Level = Warning
				i.Meaning = "The other source went on logging processes in this time, so the system was running and this one was not logging."
			}
			list = append(list, i)
		}
	}
	return list
}

// covers reports whether there were creations between two times.
func (t *timeline) covers(from, to event.Time) bool {
	if t.count == 0 || t.first >= to || t.last <= from {
		return false
	}
	return !slices.ContainsFunc(t.silences, func(s silence) bool { return s.from <= from && s.to >= to })
}
