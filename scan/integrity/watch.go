package integrity

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// watchKind is what an event means to the integrity of logs. Partial results
// hold its number: a new one is the last.
type watchKind uint8

const (
	watchNone watchKind = iota
	watchCleared
	watchServiceStop
	watchDropped
	watchSysmonState
	watchSysmonConfig
	watchSysmonError
	watchAuditPolicy
	watchClock
	watchBoot
	watchShutdown

	numWatchKinds
)

// String returns what events of the kind are about.
func (k watchKind) String() string {
	return [numWatchKinds]string{
		"none", "a log was cleared", "the event log service stopped", "events were dropped", "state of Sysmon",
		"configuration of Sysmon", "error of Sysmon", "audit policy", "the clock was set", "start of the system", "shutdown of the system",
	}[k]
}

// providerEventlog is that of the service since Windows Vista, in several logs;
// providerUser32 writes who asked for a shutdown into the log System.
const (
	providerEventlog = "Microsoft-Windows-Eventlog"
	providerUser32   = "User32"
)

// watched lists the integrity events (Microsoft, "Appendix L: Events to
// Monitor"; Sysinternals, "Sysmon").
var watched = []struct {
	key  event.Key
	kind watchKind
}{
	{event.Key{Provider: providerEventlog, ID: 104}, watchCleared},      // a log was cleared
	{event.Key{Provider: providerEventlog, ID: 1102}, watchCleared},     // the Security log was cleared
	{event.Key{Provider: providerEventlog, ID: 1100}, watchServiceStop}, // the event log service has shut down
	{event.Key{Provider: providerEventlog, ID: 1101}, watchDropped},     // audit events were dropped
	{event.Key{Provider: event.ProviderSysmon, ID: 4}, watchSysmonState},
	{event.Key{Provider: event.ProviderSysmon, ID: 16}, watchSysmonConfig},
	{event.Key{Provider: event.ProviderSysmon, ID: 255}, watchSysmonError},
	{event.Key{Provider: event.ProviderSecurity, ID: 4719}, watchAuditPolicy},
	{event.Key{Provider: event.ProviderSecurity, ID: 4616}, watchClock},
	{event.Key{Provider: event.ProviderKernel, ID: 1}, watchClock},
	{event.Key{Provider: event.ProviderSecurity, ID: 4608}, watchBoot},
	{event.Key{Provider: event.ProviderSecurity, ID: 4826}, watchBoot}, // boot configuration was loaded
	{event.Key{Provider: event.ProviderKernel, ID: 12}, watchBoot},
	{event.Key{Provider: event.ProviderEventLog, ID: 6009}, watchBoot},
	{event.Key{Provider: event.ProviderEventLog, ID: eventLogStopped}, watchServiceStop},
	{event.Key{Provider: event.ProviderKernel, ID: 13}, watchShutdown},
	{event.Key{Provider: providerUser32, ID: shutdownAsked}, watchShutdown},
}

// Keys returns the events that a Watcher wants to see.
func Keys() []event.Key {
	keys := make([]event.Key, len(watched))
	for i, w := range watched {
		keys[i] = w.key
	}
	return keys
}

// kindsOf returns what each of some events means to a Watcher.
func kindsOf(keys []event.Key) []watchKind {
	kinds := make([]watchKind, len(keys))
	for _, w := range watched {
		if i := slices.Index(keys, w.key); i >= 0 {
			kinds[i] = w.kind
		}
	}
	return kinds
}

// logEvent is one integrity event.
type logEvent struct {
	kind              watchKind
	place             event.Place
	at                event.Time
	recordID          uint64
	eventID           uint16
	computer, channel string
	subject           string // who did it: domain and name
	what              string // the log cleared, the state, the change, the configuration
	extra             string // the backup, the subcategory, the hash, the program
	before, after     event.Time
	marks             event.Marks
	repeats           int        // others of the same part that say the same, which are not kept
	last              event.Time // of those
	counterText       string     // an error of Sysmon with its numbers, extra is without
	dropped           int        // process creations, by errors of Sysmon, those of repeats too
}

// Watcher keeps integrity events: those about the logs themselves. A Watcher is
// for one goroutine.
type Watcher struct {
	kinds  []watchKind // by Event.Key
	events []logEvent
	more   map[moreEvents]int

	// Of the part at hand.
	kept [numWatchKinds][2]int    // events kept, by kind and whether they are grave
	same map[logEvent]*sameEvents // by what they say
}

// sameEvents are events of one part that say the same.
type sameEvents struct {
	first int // in Watcher.events
	kept  int
}

// moreEvents are events of one kind and file that were only counted.
type moreEvents struct {
	file uint32
	kind watchKind
}

// Limits of one part of a file, since an intruder may write millions of events:
// how many that say the same are kept each by itself, and how many of one kind
// that say something else, grave ones apart so that nothing can bury them.
const (
	maxSame      = 16
	maxDifferent = 256
	maxPower     = 4096 // starts and stops: what other events mean depends on each
	maxCleared   = 2048 // Windows has some 1,200 logs, and one command clears all
)

// NewWatcher returns a Watcher of events whose Key is an index in keys, or
// beyond them.
func NewWatcher(keys []event.Key) *Watcher {
	return &Watcher{kinds: kindsOf(keys), more: make(map[moreEvents]int), same: make(map[logEvent]*sameEvents)}
}

// Begin begins a part of a file.
func (w *Watcher) Begin() {
	clear(w.same)
	clear(w.kept[:])
}

// Add adds an event if it is one of those that are watched.
func (w *Watcher) Add(ev *event.Event) {
	if ev.Key >= len(w.kinds) {
		return
	}
	kind := w.kinds[ev.Key]
	if kind == watchNone || (kind == watchBoot || kind == watchShutdown) && ev.Marks.Has(event.MarkRecovered) {
		return // a stale start or end of the system may be one of another log
	}
	e := logEvent{
		kind: kind, eventID: ev.ID, computer: ev.Computer.String(), channel: ev.Channel.String(), subject: subjectOf(ev), marks: ev.Marks,
	}
	e.readFields(ev)
	if e.isRoutine() {
		return
	}
	counterText, dropped := e.counters(ev)
	group := w.same[e]
	if group != nil && group.kept == most(kind, maxSame) {
		first := &w.events[group.first]
		first.repeats++
		first.last = max(first.last, ev.Time)
		first.dropped = min(first.dropped+dropped, maxDropped)
		return
	}
	if group == nil {
		if w.kept[kind][e.grave()] == most(kind, maxDifferent) {
			w.more[moreEvents{ev.Place.File, kind}]++
			return
		}
		w.kept[kind][e.grave()]++
		group = &sameEvents{first: len(w.events)}
		w.same[e] = group
	}
	group.kept++
	e.place, e.at, e.recordID, e.counterText, e.dropped = ev.Place, ev.Time, ev.RecordID, counterText, dropped
	w.events = append(w.events, e)
}

// most returns how many events of a kind are kept where others are bounded by
// usual.
func most(kind watchKind, usual int) int {
	switch kind {
	case watchBoot, watchShutdown, watchServiceStop, watchSysmonState:
		return maxPower
	case watchCleared:
		return max(usual, maxCleared)
	}
	return usual
}

// counters returns the text of an error of Sysmon with its numbers, and how
// many process creations were dropped by it.
func (e *logEvent) counters(ev *event.Event) (counterText string, dropped int) {
	if e.kind != watchSysmonError {
		return "", 0
	}
	counterText = ev.Value(event.Description).String()
	return counterText, droppedCreations(counterText)
}

// readFields reads the fields of the event.
func (e *logEvent) readFields(ev *event.Event) {
	text := func(field event.FieldID) string { return ev.Value(field).String() }
	switch e.kind {
	case watchCleared:
		e.what, e.extra = cmp.Or(text(event.ClearedChannel), e.channel), text(event.BackupPath)
	case watchSysmonState:
		e.what = text(event.State)
	case watchSysmonConfig:
		e.what, e.extra = text(event.Configuration), text(event.ConfigurationFileHash)
	case watchSysmonError:
		e.what, e.extra = text(event.ErrorID), withoutNumbers(text(event.Description))
	case watchAuditPolicy:
		e.what, e.extra = text(event.AuditPolicyChanges), strings.ToUpper(text(event.SubcategoryGUID))
	case watchClock:
		e.before, e.after, e.extra = oldTime(ev), newTime(ev), text(event.ProcessName)
	}
}

// isRoutine reports whether an event is too common to report, as most clock
// adjustments are.
func (e *logEvent) isRoutine() bool {
	switch e.kind {
	case watchClock:
		return e.before == 0 || e.after == 0 || max(e.after-e.before, e.before-e.after) < clockNotice
	case watchSysmonState:
		return e.what == "Started"
	}
	return false
}

// grave returns 1 for an event that must not be buried below others of its
// kind, else 0.
func (e *logEvent) grave() int {
	switch e.kind {
	case watchAuditPolicy:
		if e.extra == auditProcessCreation {
			return 1
		}
	case watchClock:
		if max(e.after-e.before, e.before-e.after) >= clockWarning {
			return 1
		}
	}
	return 0
}

// subjectOf returns the subject of an event as DOMAIN\name, "" if it names
// none.
func subjectOf(ev *event.Event) string {
	name, domain := ev.Value(event.SubjectUserName).String(), ev.Value(event.SubjectDomainName).String()
	switch {
	case !proctree.IsKnown(name):
		return ""
	case !proctree.IsKnown(domain):
		return name
	}
	return domain + `\` + name
}

// oldTime and newTime return the time before and after the clock was set.
func oldTime(ev *event.Event) event.Time {
	if t, ok := ev.Value(event.PreviousTime).Time(); ok {
		return t
	}
	t, _ := ev.Value(event.OldTime).Time()
	return t
}

func newTime(ev *event.Event) event.Time {
	t, _ := ev.Value(event.NewTime).Time()
	return t
}

// mergeWatched returns the events of all watchers, sorted by their places.
func mergeWatched(watchers []*Watcher) ([]logEvent, map[moreEvents]int) {
	var events []logEvent
	more := make(map[moreEvents]int)
	for _, w := range watchers {
		events = append(events, w.events...)
		for key, n := range w.more {
			more[key] += n
		}
	}
	slices.SortFunc(events, func(a, b logEvent) int {
		return cmp.Or(cmp.Compare(a.place.File, b.place.File), cmp.Compare(a.place.Offset, b.place.Offset))
	})
	return events, more
}
