package scan

import (
	"cmp"
	"fmt"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
)

// IntegrityKind is the kind of an Integrity finding, as a stable code such as
// "log-cleared".
type IntegrityKind string

// Integrity is one thing that speaks of the logs themselves rather than of what
// ran: records hidden, logs cleared, recording stopped or changed, files
// damaged. It is kept apart from the findings of rules.
type Integrity struct {
	Kind  IntegrityKind
	Level IntegrityLevel
	// Host and Channel say whose log it is, as far as that is known.
	Host, Channel string
	// File is the path of the log, Offset where in it, in bytes from its start, the
	// thing lies.
	File   string
	Offset int64
	// First and Last are the time of what happened, or the time that it may concern; 0
	// if not known.
	First, Last event.Time
	// Count is how many such things there are, of which this one stands first.
	Count int
	// Text is one plain sentence of what was seen, Meaning one of what it may mean.
	Text, Meaning string
	// Evidence names the records that it rests on, if it rests on whole ones.
	Evidence []finding.Evidence
}

// IntegrityLevel says how grave an Integrity finding is.
type IntegrityLevel uint8

// The levels.
const (
	// IntegrityNotice: usual in logs that were copied or exported.
	IntegrityNotice IntegrityLevel = iota
	// IntegrityWarning: records are missing or unreadable, or recording changed.
	IntegrityWarning
	// IntegrityAlarm: hardly to be explained but by tampering, or an act that
	// intruders are known for.
	IntegrityAlarm
)

// String returns "notice", "warning" or "alarm".
func (l IntegrityLevel) String() string {
	return [...]string{"notice", "warning", "alarm"}[min(l, IntegrityAlarm)]
}

// SeveralMachines is the kind of finding for a name that several machines have.
const SeveralMachines IntegrityKind = "several-machines"

// severalMachines says that the process GUIDs of a host are of several machines.
func severalMachines(h *proctree.Host) *Integrity {
	return &Integrity{
		Kind: SeveralMachines, Level: IntegrityNotice, Host: h.Name, Count: h.Machines,
		Text:    fmt.Sprintf("the process GUIDs of this name are of %d machines", h.Machines),
		Meaning: "Several computers have one name, or one was set up anew. No process is linked to one of another machine.",
	}
}

// graveKinds are the kinds of finding that matter most, the gravest first: what
// was done to recording, then what was done to records.
var graveKinds = []IntegrityKind{
	AuditPolicyChanged, LogCleared, IntegrityKind(evtx.RecordHidden), IntegrityKind(evtx.ExportFingerprint), SysmonStopped,
	LogServiceStopped, SysmonFailed, EventsDropped, SysmonConfigured, ProcessSilence,
	IntegrityKind(evtx.RecordsMissing), IntegrityKind(evtx.ChunksMissing), IntegrityKind(evtx.IDGap),
}

// gravity orders findings of one level: the greater, the graver.
func gravity(i *Integrity) int {
	if at := slices.Index(graveKinds, i.Kind); at >= 0 {
		return len(graveKinds) - at
	}
	return 0
}

// integrityOf returns what speaks of the logs themselves: the gravest first, by
// level and kind, then by host, time and place. times are by host.
func integrityOf(events *logEvents, s *Summary, times []*hostTimes, notes []source.Note) []*Integrity {
	list := slices.Concat(events.integrity(), faultIntegrity(s, events), exportIntegrity(events.inputs), containerIntegrity(notes), formIntegrity(events.inputs))
	for i, h := range s.Hosts {
		list = append(list, times[i].integrity(h.Name)...)
		if h.Machines > 1 {
			list = append(list, severalMachines(&h))
		}
	}
	slices.SortStableFunc(list, func(a, b *Integrity) int {
		return cmp.Or(
			cmp.Compare(b.Level, a.Level), cmp.Compare(gravity(b), gravity(a)), cmp.Compare(a.Host, b.Host), cmp.Compare(a.First, b.First),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Channel, b.Channel),
			cmp.Compare(a.Text, b.Text),
		)
	})
	return list
}
