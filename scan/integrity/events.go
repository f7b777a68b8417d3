package integrity

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// The kinds of integrity findings from events.
const (
	LogCleared         Kind = "log-cleared"
	LogServiceStopped  Kind = "log-service-stopped"
	EventsDropped      Kind = "events-dropped"
	SysmonStopped      Kind = "sysmon-stopped"
	SysmonConfigured   Kind = "sysmon-configuration-changed"
	SysmonFailed       Kind = "sysmon-error"
	AuditPolicyChanged Kind = "audit-policy-changed"
	ClockChanged       Kind = "clock-changed"
	TooManyEvents      Kind = "too-many-events"
)

// hostEvents are the integrity events of one host.
type hostEvents struct {
	host   string
	events []logEvent
	copies map[int][]logEvent // by index in events
	power  power
}

// droppedCreations returns how many process creations Sysmon reports as
// dropped.
func (h *hostEvents) droppedCreations() int {
	sum := 0
	for i := range h.events {
		sum = min(sum+h.events[i].dropped, maxDropped)
	}
	return sum
}

// logEvents are the integrity events of all hosts.
type logEvents struct {
	logs  []*Log
	files map[uint32]*logContext
	hosts []*hostEvents      // as the forest's
	more  map[moreEvents]int // those that were only counted
}

// newLogEvents collects what was read. logs are those of the hosts.
func newLogEvents(r *Reading, logs []*hostLogs) *logEvents {
	events, more := mergeWatched(r.Watchers)
	first := firstProcesses(r.Forest, events)
	files := contextsOf(events, first)
	hosts := eventsByHost(events, r.Forest)
	for i, h := range hosts {
		h.power.files = files
		if i >= len(logs) { // beyond the hosts that statistics name
			h.power.finish(h.events, nil)
			continue
		}
		h.power.finish(h.events, first[i])
		h.power.forest, h.power.host, h.power.several = r.Forest, i, r.Forest.Hosts()[i].Machines > 1
		if r.Complete {
			h.power.addLogs(logs[i])
		}
	}
	return &logEvents{r.Logs, files, hosts, more}
}

// findings returns the findings that the events give.
func (l *logEvents) findings() []*Finding {
	b := &findingBuilder{logs: l.logs}
	for _, h := range l.hosts {
		b.host(h)
	}
	list := make([]*Finding, len(b.list))
	for i, w := range b.list {
		list[i] = &w.Finding
	}
	for key, n := range l.more {
		were := "integrity events (%s) were"
		if n == 1 {
			were = "integrity event (%s) was"
		}
		list = append(list, &Finding{
			Kind: TooManyEvents, Level: Warning, File: l.logs[key.file].Path, Count: n,
			Text:    fmt.Sprintf("%d more "+were+" only counted", n, key.kind),
			Meaning: "So many different ones are no accident. Among them may be some that matter.",
		})
	}
	return list
}

// eventsByHost divides events by host. A record that stands in several files is
// one event.
func eventsByHost(events []logEvent, forest *proctree.Forest) []*hostEvents {
	hostOf := proctree.HostsByName(forest.Hosts())
	list := make([]*hostEvents, len(forest.Hosts()))
	for i, h := range forest.Hosts() {
		list[i] = &hostEvents{host: h.Name, copies: make(map[int][]logEvent)}
	}
	type identity struct {
		host     int
		channel  string
		eventID  uint16
		recordID uint64
		at       event.Time
	}
	seen := make(map[identity]int)
	for _, e := range liveFirst(events) {
		i, ok := hostOf[e.computer]
		if !ok { // beyond the hosts that statistics name
			i = len(list)
			hostOf[e.computer] = i
			list = append(list, &hostEvents{host: e.computer, copies: make(map[int][]logEvent)})
		}
		h := list[i]
		if h.power.add(&e) {
			continue
		}
		id := identity{i, e.channel, e.eventID, e.recordID, e.at}
		if first, ok := seen[id]; ok {
			if live := !h.events[first].marks.Has(event.MarkRecovered); !live || !e.marks.Has(event.MarkRecovered) {
				h.copies[first] = append(h.copies[first], e)
			}
			continue // a stale copy of a live record says nothing more
		}
		seen[id] = len(h.events)
		h.events = append(h.events, e)
	}
	return list
}

// liveFirst returns events with those of live records before the others.
func liveFirst(events []logEvent) []logEvent {
	slices.SortStableFunc(events, func(a, b logEvent) int {
		return cmp.Compare(a.marks&event.MarkRecovered, b.marks&event.MarkRecovered)
	})
	return events
}

// findingBuilder makes integrity findings of events. Events of one kind that
// say the same become one finding.
type findingBuilder struct {
	logs  []*Log
	list  []*eventFinding
	byKey map[string]*eventFinding
}

type eventFinding struct {
	Finding
	kind    watchKind
	by      string   // who cleared logs
	logs    []string // that were cleared, each once
	dropped int      // process creations
}

// maxEvidence is how many records an integrity finding names.
const maxEvidence = 20

func (b *findingBuilder) host(h *hostEvents) {
	b.byKey = make(map[string]*eventFinding)
	first := len(b.list)
	for _, i := range h.inTime() {
		e := &h.events[i]
		described := describe(e, h)
		if described.Kind == "" {
			continue
		}
		suffix := ""
		switch {
		case e.marks.Has(event.MarkHidden):
			suffix = " (from a record hidden within another)"
		case e.marks.Has(event.MarkRecovered):
			suffix = " (from a record that is no longer live)"
		}
		described.Text += suffix
		f := b.find(h, e, described, suffix)
		f.Count += 1 + e.repeats
		f.First, f.Last = min(f.First, e.at), max(f.Last, e.at, e.last)
		f.dropped = min(f.dropped+e.dropped, maxDropped)
		if e.kind == watchCleared && !slices.Contains(f.logs, e.what) {
			f.logs = append(f.logs, e.what)
		}
		b.evidence(f, e)
		for _, same := range h.copies[i] {
			b.evidence(f, &same)
		}
	}
	for _, f := range b.list[first:] {
		f.finish()
	}
}

// inTime returns the indexes of the host's events in the order of their time.
func (h *hostEvents) inTime() []int {
	order := make([]int, len(h.events))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(h.events[a].at, h.events[b].at) })
	return order
}

// find returns the finding that an event belongs to, a new one if there is none
// yet.
func (b *findingBuilder) find(h *hostEvents, e *logEvent, described Finding, suffix string) *eventFinding {
	key := string(described.Kind) + "\x00" + e.channel + "\x00" + described.Text
	switch described.Kind {
	case LogCleared:
		key = string(described.Kind) + "\x00" + strings.ToLower(e.subject) + suffix
	case SysmonFailed:
		key = string(described.Kind) + "\x00" + e.channel + "\x00" + sysmonErrorKey(e) + suffix
	}
	f := b.byKey[key]
	if f == nil || described.Kind == LogCleared && e.at-f.Last > clearedTogether {
		f = &eventFinding{Finding: described, kind: e.kind, by: e.by() + suffix}
		f.Host, f.Channel, f.First, f.Last = h.host, e.channel, e.at, e.at
		f.File, f.Offset = b.logs[e.place.File].Path, e.place.Offset
		b.byKey[key] = f
		b.list = append(b.list, f)
	}
	return f
}

// clearedTogether is how long after one log another may be cleared by the same
// account to be of one deed.
const clearedTogether = event.Minute

// maxLogsNamed is how many of the logs that were cleared together are named.
const maxLogsNamed = 3

// finish writes the text of a finding that stands for several events.
func (f *eventFinding) finish() {
	switch {
	case f.Kind == SysmonFailed:
		f.Text = withCounts(f.Text, f.Count, f.dropped)
	case len(f.logs) > 1:
		names := strings.Join(f.logs[:min(len(f.logs), maxLogsNamed)], ", ")
		if more := len(f.logs) - maxLogsNamed; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		f.Text = fmt.Sprintf("%d logs were cleared%s: %s", len(f.logs), f.by, names)
	default:
		f.Times = f.Count
	}
}

func (b *findingBuilder) evidence(f *eventFinding, e *logEvent) {
	if len(f.Evidence) < maxEvidence {
		record := finding.Record{Place: e.place, RecordID: e.recordID, Time: e.at, Channel: e.channel, EventID: e.eventID, Marks: e.marks}
		f.Evidence = append(f.Evidence, finding.New(record, b.logs[e.place.File].Path, nil))
	}
}

// by returns " by" and who did it, "" if that is not known.
func (e *logEvent) by() string {
	if e.subject == "" {
		return ""
	}
	return " by " + e.subject
}

// describe describes an event. The Kind is empty if the event is not worth
// reporting.
func describe(e *logEvent, h *hostEvents) Finding {
	by := e.by()
	switch e.kind {
	case watchCleared:
		return describeCleared(e, by)
	case watchServiceStop:
		return describeStop(e, &h.power, LogServiceStopped, "the event log service stopped")
	case watchSysmonState:
		return describeStop(e, &h.power, SysmonStopped, "Sysmon said: "+strings.ToLower(e.what))
	case watchDropped:
		return Finding{
			Kind: EventsDropped, Level: Warning, Text: "audit events were dropped before they could be written",
			Meaning: "Records of this time are missing from the log. It happens under load, and when the event log service is kept from working.",
		}
	case watchSysmonConfig:
		return Finding{
			Kind: SysmonConfigured, Level: Warning,
			Text:    strings.TrimSpace("Sysmon's configuration was changed: " + e.what + " " + e.extra),
			Meaning: "From here on Sysmon may log less than before. Compare the configuration with the one that was meant to be in force.",
		}
	case watchSysmonError:
		return describeSysmonError(e)
	case watchAuditPolicy:
		return describePolicy(e, by)
	case watchClock:
		return describeClock(e, by)
	}
	return Finding{}
}

func describeCleared(e *logEvent, by string) Finding {
	backup := ""
	if e.extra != "" {
		backup = ", after a copy was saved to " + e.extra
	}
	return Finding{
		Kind: LogCleared, Level: Alarm, Text: "the log " + e.what + " was cleared" + by + backup,
		Meaning: "All that the log held before is gone from it. Copies, forwarded events and stale records may still hold some.",
	}
}

// The subcategories of the audit policy that make 4688 and 4689
// (Microsoft, [MS-GPAC] 2.2.1.2).
const (
	auditProcessCreation    = "{0CCE922B-69AE-11D9-BED3-505054503030}"
	auditProcessTermination = "{0CCE922C-69AE-11D9-BED3-505054503030}"
)

// policyChanges names the changes that 4719 lists (Microsoft, "4719(S): System
// audit policy was changed").
var policyChanges = strings.NewReplacer(
	"%%8448", "success removed", "%%8449", "success added", "%%8450", "failure removed", "%%8451", "failure added",
)

func describePolicy(e *logEvent, by string) Finding {
	change, subcategory := policyChanges.Replace(e.what), e.extra
	i := Finding{
		Kind: AuditPolicyChanged, Level: Notice, Text: fmt.Sprintf("the audit policy was changed%s: %s", by, cmp.Or(change, "?")),
		Meaning: "Logging of other events than process creations was switched on or off here.",
	}
	removed := strings.Contains(change, "removed")
	switch subcategory {
	case auditProcessCreation:
		i.Text = fmt.Sprintf("the audit policy for process creation was changed%s: %s", by, change)
		i.Meaning = "Process creations are logged from here on."
		if removed {
			i.Level, i.Meaning = Alarm, "Process creations (4688) are no longer logged from here on: what ran later cannot be seen."
		}
	case auditProcessTermination:
		i.Text = fmt.Sprintf("the audit policy for process termination was changed%s: %s", by, change)
		i.Meaning = "Ends of processes (4689) are logged from here on, or no longer."
	default:
		if removed {
			i.Level = Warning
		}
	}
	return i
}

// The least steps of the clock that are reported. Time services correct smaller
// ones all day.
const (
	clockNotice  = event.Minute
	clockWarning = 10 * event.Minute
)

func describeClock(e *logEvent, by string) Finding {
	step := e.after - e.before
	way := "forward"
	if step < 0 {
		step, way = -step, "back"
	}
	i := Finding{
		Kind: ClockChanged, Level: Notice,
		Text: fmt.Sprintf("the clock was set %s by %s%s: from %s to %s", way, spanText(step), by, e.before, e.after),
		Meaning: "Times before and after do not compare as they stand. Trees are built by the order of the records, but times are " +
			"reported as they were logged.",
	}
	if step >= clockWarning {
		i.Level = Warning
	}
	if e.extra != "" {
		i.Text += ", by " + e.extra
	}
	return i
}

// spanText writes a length of time in the unit that suits it.
func spanText(t event.Time) string {
	switch {
	case t >= 2*event.Day:
		return fmt.Sprintf("%d days", t/event.Day)
	case t >= 2*event.Hour:
		return fmt.Sprintf("%d hours", t/event.Hour)
	case t >= 2*event.Minute:
		return fmt.Sprintf("%d minutes", t/event.Minute)
	}
	return fmt.Sprintf("%d seconds", t/event.Second)
}
