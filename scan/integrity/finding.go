package integrity

import (
	"fmt"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Kind is the kind of a Finding, as a stable code such as
// "log-cleared".
type Kind string

// Finding is a finding about log integrity rather than about what ran: records
// hidden, logs cleared, recording stopped or changed, files damaged. It is kept
// apart from the findings of rules.
type Finding struct {
	Kind  Kind
	Level Level
	// Host and Channel are those of the log, as far as they are known.
	Host, Channel string
	// File is the path of the log, Offset where in it, in bytes from its
	// start, the thing lies.
	File   string
	Offset int64
	// First and Last are the time of what happened, or the time that it may
	// concern; 0 if not known.
	First, Last event.Time
	// Count is how many such things there are, of which this one stands
	// first.
	Count int
	// Times is how often it happened if Text does not say that already,
	// else 0: other counts are of records, chunks or machines.
	Times int
	// Text is one plain sentence of what was seen, Meaning one of what it
	// may mean.
	Text, Meaning string
	// Evidence names the records that it rests on, if it rests on whole
	// ones.
	Evidence []finding.Evidence
}

// Level is how grave a Finding is.
type Level uint8

// The levels.
const (
	// Notice: usual in logs that were copied or exported.
	Notice Level = iota
	// Warning: records are missing or unreadable, or recording changed.
	Warning
	// Alarm: hardly to be explained but by tampering, or an act that
	// intruders are known for.
	Alarm
)

// String returns "notice", "warning" or "alarm".
func (l Level) String() string {
	return [...]string{"notice", "warning", "alarm"}[min(l, Alarm)]
}

// SeveralMachines is the kind of finding for a name that several machines have.
const SeveralMachines Kind = "several-machines"

// severalMachines returns the finding that the process GUIDs of a host are of
// several machines.
func severalMachines(h *proctree.Host) *Finding {
	return &Finding{
		Kind: SeveralMachines, Level: Notice, Host: h.Name, Count: h.Machines,
		Text:    fmt.Sprintf("the process GUIDs under this host name come from %d machines", h.Machines),
		Meaning: "Several computers have one name, or one was set up anew. No process is linked to one of another machine.",
	}
}

// graveKinds are the kinds of finding that matter most, the gravest first: what
// was done to recording, then what was done to records.
var graveKinds = []Kind{
	AuditPolicyChanged, LogCleared, Kind(evtx.RecordHidden), Kind(evtx.ExportFingerprint), SysmonStopped,
	LogServiceStopped, SysmonFailed, EventsDropped, SysmonConfigured, ProcessSilence,
	Kind(evtx.RecordsMissing), Kind(evtx.ChunksMissing), Kind(evtx.IDGap),
}

// gravity orders findings of one level: the greater, the graver.
func gravity(i *Finding) int {
	if at := slices.Index(graveKinds, i.Kind); at >= 0 {
		return len(graveKinds) - at
	}
	return 0
}
