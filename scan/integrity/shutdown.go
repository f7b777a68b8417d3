package integrity

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
)

// power is when a host was started and shut down, and when it was logging, by
// all of its logs. Times are ascending.
type power struct {
	files  map[uint32]*logContext
	boots  []event.Time // starts of the system, by events of their own
	starts []event.Time // those and the ones that the first processes show
	downs  []event.Time // shutdowns of the system
	asked  []event.Time // when somebody or something asked for one
	active []event.Time // of the first and last record of each half hour or so
	stops  []*logEvent  // of the event log service
	told   []event.Time // when the log Security tells of one

	recorders map[string]bool // the channels that record starts
	reaches   spans           // of those channels
	long      spans           // of the periods that may hide that nothing was logged

	forest  *proctree.Forest
	host    int          // of forest, if several or created is asked for
	several bool         // machines of that name
	created []event.Time // see creations
}

// spans are stretches of time by when they begin, each with when those up to it
// end.
type spans []evtx.Period

// newSpans returns the spans of some stretches, which it takes.
func newSpans(list []evtx.Period) spans {
	slices.SortFunc(list, func(a, b evtx.Period) int { return cmp.Compare(a.First, b.First) })
	for i := 1; i < len(list); i++ {
		list[i].Last = max(list[i].Last, list[i-1].Last)
	}
	return list
}

// over reports whether one of them begins at a time or before it, and ends at
// another one or after it.
func (s spans) over(from, to event.Time) bool {
	i, _ := slices.BinarySearchFunc(s, from+1, func(p evtx.Period, at event.Time) int { return cmp.Compare(p.First, at) })
	return i > 0 && s[i-1].Last >= to
}

// The events that are about the same as others, but say less.
const (
	shutdownAsked   = 1074 // of User32; what was asked for may not happen
	eventLogStopped = 6006 // of the log System, beside the 1100 of Security
)

// add adds an event if it is only about the host's power.
func (p *power) add(e *logEvent) bool {
	switch {
	case e.kind == watchBoot:
		p.boots = append(p.boots, e.at)
		p.record(e.channel)
	case e.kind == watchShutdown && e.eventID == shutdownAsked:
		p.asked = append(p.asked, e.at)
	case e.kind == watchShutdown:
		p.downs = append(p.downs, e.at)
	default:
		return false
	}
	return true
}

// record notes that a channel records starts.
func (p *power) record(channel string) {
	if p.recorders == nil {
		p.recorders = make(map[string]bool)
	}
	p.recorders[channel] = true
}

// finish sorts what was added, with the stops among the host's events and the
// starts that its first processes show.
func (p *power) finish(events []logEvent, first []proctree.Record) {
	p.starts = slices.Clone(p.boots)
	for _, r := range first {
		p.starts = append(p.starts, r.Time())
		p.record("Security") // Sysmon starts too late to log them
	}
	for _, times := range [][]event.Time{p.boots, p.starts, p.downs, p.asked} {
		slices.Sort(times)
	}
	for i := range events {
		e := &events[i]
		if e.kind != watchServiceStop {
			continue
		}
		p.stops = append(p.stops, e)
		if e.eventID != eventLogStopped {
			p.told = append(p.told, e.at)
		}
	}
	slices.SortStableFunc(p.stops, func(a, b *logEvent) int { return cmp.Compare(a.at, b.at) })
	slices.Sort(p.told)
}

// addLogs adds when there are records of the host, but for strays.
func (p *power) addLogs(logs *hostLogs) {
	var long, reaches []evtx.Period
	for _, o := range logs.origins {
		for _, period := range o.stats.Periods {
			if isStray(logs.strays, period.First) {
				continue
			}
			p.active = append(p.active, period.First, period.Last)
			if period.Last-period.First > shutdown {
				long = append(long, period)
			}
		}
	}
	for _, c := range logs.channels {
		if p.recorders[c.Channel] {
			reaches = append(reaches, evtx.Period{First: c.First, Last: c.Last})
		}
	}
	slices.Sort(p.active)
	p.long, p.reaches = newSpans(long), newSpans(reaches)
}

// creations returns when processes of the host started, ascending.
func (p *power) creations() []event.Time {
	if p.created == nil {
		p.created = []event.Time{}
		for process := range p.forest.Processes(p.host) {
			if !process.Stub() {
				p.created = append(p.created, process.Start())
			}
		}
		slices.Sort(p.created)
	}
	return p.created
}

// fate is what became of a system as one of its services stopped.
type fate uint8

const (
	fateUnknown  fate = iota
	fateAsked         // unknown, but that a shutdown was asked for
	fateRanOn         // it went on running
	fateWentDown      // it was shut down
)

// shutdown is how long before the next start of the system a service may stop
// as part of the shutdown, and settling how long after the first service that
// stops others still write their last records.
const (
	shutdown = 30 * event.Minute
	settling = 2 * event.Minute
)

// fate returns what became of the system as a service stopped. It went down
// where its end or its next start is logged and nothing else before that,
// however long it was off. It ran on where there are other records first, in
// logs that would show a start, unless several machines have the name.
func (p *power) fate(e *logEvent) fate {
	start := p.startAfter(e)
	switch {
	case start-e.at <= shutdown, anyWithin(p.downs, e.at-settling, e.at+shutdown):
		return fateWentDown
	case start < never && len(p.active) > 0 && !p.isActive(e.at, start) && !p.mayHide(e.at, start):
		return fateWentDown
	}
	if e.kind != watchServiceStop {
		if stop := p.stopNear(e); stop != nil {
			return p.fate(stop)
		}
	}
	switch {
	case p.isActive(e.at, start) && p.reaches.over(e.at, e.at+settling+1) && !p.several:
		return fateRanOn
	case anyWithin(p.asked, e.at-shutdown, e.at+settling):
		return fateAsked
	}
	return fateUnknown
}

// never is later than all times.
const never event.Time = 1<<63 - 1

// startAfter returns when the system started next: as the next records of the
// same log say, whatever its name is since, or any other log of the host.
func (p *power) startAfter(e *logEvent) event.Time {
	if e.kind == watchServiceStop {
		if at, ok := p.files[e.place.File].startAfter(e.recordID); ok {
			return at
		}
	}
	if i, _ := slices.BinarySearch(p.starts, e.at); i < len(p.starts) {
		return p.starts[i]
	}
	return never
}

// isActive reports whether there are records of the host between a stop and a
// start.
func (p *power) isActive(stop, start event.Time) bool {
	from, to := stop+settling+1, start-settling-1
	return anyWithin(p.active, from, to) || p.mayHide(stop, start) && anyWithin(p.creations(), from, to)
}

// mayHide reports whether there may be records between a stop and a start of
// which only those before and after are known: a long period holds both.
func (p *power) mayHide(stop, start event.Time) bool {
	return p.long.over(stop+settling, start-settling)
}

// stopNear returns the stop of the event log service as part of which another
// service may have stopped, nil if there is none.
func (p *power) stopNear(e *logEvent) *logEvent {
	i, _ := slices.BinarySearchFunc(p.stops, e.at-settling, func(stop *logEvent, at event.Time) int { return cmp.Compare(stop.at, at) })
	if i < len(p.stops) && p.stops[i].at <= e.at+shutdown {
		return p.stops[i]
	}
	return nil
}

// anyWithin reports whether any of some times, ascending, is within two.
func anyWithin(times []event.Time, from, to event.Time) bool {
	i, _ := slices.BinarySearch(times, from)
	return i < len(times) && times[i] <= to
}

// describeStop describes that logging stopped: nothing much if the system went
// down. That the log System says so too is said only if it did not.
func describeStop(e *logEvent, p *power, kind Kind, text string) Finding {
	became := p.fate(e)
	switch {
	case e.eventID == eventLogStopped && (became != fateRanOn || anyWithin(p.told, e.at-settling, e.at+settling)):
		return Finding{}
	case became == fateWentDown:
		return Finding{Kind: kind, Level: Notice, Text: text + " as the system was shut down", Meaning: "Usual at every shutdown."}
	case became == fateRanOn:
		return Finding{
			Kind: kind, Level: Warning, Text: text + " and the system was not shut down",
			Meaning: "Other records of the host follow before any start of the system. It is what stopping the service by hand looks like.",
		}
	}
	if became == fateAsked {
		text += " after a shutdown of the system was asked for"
	}
	return Finding{
		Kind: kind, Level: Notice, Text: text,
		Meaning: "Usual at a shutdown; these logs do not show whether there was one. Nothing is logged until it starts again.",
	}
}

// systemProcess is the process ID of the kernel's own process.
const systemProcess = 4

// firstProcesses returns the records of the processes that the system starts
// first, of which each start has its own, by host; nothing if nothing stopped.
func firstProcesses(forest *proctree.Forest, events []logEvent) [][]proctree.Record {
	list := make([][]proctree.Record, len(forest.Hosts()))
	stopped := func(e logEvent) bool { return e.kind == watchServiceStop || e.kind == watchSysmonState }
	if !slices.ContainsFunc(events, stopped) {
		return list
	}
	for i := range list {
		for p := range forest.Processes(i) {
			if p.Stub() || !isFirstProcess(forest.Texts().Text(p.Image())) {
				continue
			}
			for r := range p.Records() {
				if r.ParentPID() == systemProcess {
					list[i] = append(list[i], r)
				}
			}
		}
	}
	return list
}

// isFirstProcess reports whether an image is that of a process that the system
// starts first.
func isFirstProcess(image string) bool {
	name := proctree.BaseName(image)
	return strings.EqualFold(name, "smss.exe") || strings.EqualFold(name, "Registry")
}
