package eventrule

import (
	"bytes"
	"cmp"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
)

// Sign is an event by which a rule takes its process for a server: one that
// listens or accepts on a web port, for instance. Equal ones are kept once.
type Sign struct {
	SignKey
	By *rules.Rule
	At event.Time // the first
}

// SignKey is what a sign shows. Hour, since the epoch, is 0 where the process
// has a GUID: process IDs come again.
type SignKey struct {
	Rule     string // its ID, or its file and name
	Computer string
	GUID     event.GUID
	PID      uint32
	Image    string
	Hour     int64
}

// imageFields are the fields in which events name the image of their process.
var imageFields = []string{"Image", "ProcessName", "Process Name", "SourceImage", "Application"}

// pidFields are the fields in which events name their process by its ID.
var pidFields = []string{"ProcessId", "ProcessID"}

// Bounds of signs. An intruder may write millions of them, on any computer's
// behalf.
const (
	// maxSigns bounds those of one part of a file.
	maxSigns = 1 << 12
	// maxSignText bounds a computer's name and an image, in bytes.
	maxSignText = 1 << 10
)

// SignLog keeps signs while logs are read. It is for one goroutine.
type SignLog struct {
	List []Sign
	part map[SignKey]int // of the part at hand, by index in List
}

// begin begins a part of a file.
func (l *SignLog) begin() { clear(l.part) }

// add adds an event that a rule matches.
func (l *SignLog) add(r *rules.Rule, ev *event.Event) {
	key := SignKey{Rule: ruleKey(r), Computer: ev.Computer.String(), Image: imageOf(ev).String()}
	key.GUID, _ = ev.Value(event.ProcessGUID).GUID()
	key.PID = pidOf(ev)
	if key.GUID.IsZero() {
		key.Hour = ev.Time.UnixSeconds() / 3600
	}
	if i, ok := l.part[key]; ok {
		l.List[i].At = min(l.List[i].At, ev.Time)
		return
	}
	named := !key.GUID.IsZero() || key.PID != 0
	if !named || len(l.part) == maxSigns || max(len(key.Computer), len(key.Image)) > maxSignText {
		return
	}
	if l.part == nil {
		l.part = make(map[SignKey]int)
	}
	l.part[key] = len(l.List)
	l.List = append(l.List, Sign{key, r, ev.Time})
}

// imageOf returns the image of an event's process, null if it does not name it.
func imageOf(ev *event.Event) event.Value {
	for _, name := range imageFields {
		if v := ev.Payload().Value(name); !v.IsNull() {
			return v
		}
	}
	return event.Value{}
}

// pidOf returns the ID of an event's process, 0 if it does not name it. The
// Security log writes it as a number, or as text in either notation.
func pidOf(ev *event.Event) uint32 {
	for _, name := range pidFields {
		if n, ok := ev.Payload().Value(name).Uint(); ok && n <= 0xFFFFFFFF {
			return uint32(n)
		}
	}
	return 0
}

// CompareSigns orders signs, those of one process by the time of the first.
func CompareSigns(a, b Sign) int {
	return cmp.Or(
		cmp.Compare(a.At, b.At), strings.Compare(a.Computer, b.Computer), strings.Compare(a.Rule, b.Rule),
		cmp.Compare(a.PID, b.PID), strings.Compare(a.Image, b.Image), bytes.Compare(a.GUID[:], b.GUID[:]),
	)
}

// WithRules returns signs with the rules that they are by, of those that are
// loaded.
func WithRules(signs []Sign, servers []*rules.Rule) []Sign {
	byKey := make(map[string]*rules.Rule, len(servers))
	for _, r := range servers {
		byKey[ruleKey(r)] = r
	}
	var list []Sign
	for _, s := range signs {
		if s.By = byKey[s.Rule]; s.By != nil {
			list = append(list, s)
		}
	}
	return list
}
