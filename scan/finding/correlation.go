package finding

import (
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Correlation is a correlation rule that several processes and events met
// together.
type Correlation struct {
	Rule *rules.Rule
	// Group holds the values of the rule's group-by fields, in order.
	Group []string
	// Value is what the rule's condition asks about, such as a count: the
	// highest as long as the rule went on being met.
	Value float64
	// Processes and Events took part, in the order of time: the first 1,000
	// of both together. Total counts them all, as far as the rule kept
	// them, TotalEvents the events among them.
	Processes          []CorrelatedProcess
	Events             []CorrelatedEvent
	Total, TotalEvents int
}

// First returns when the first of those named was, 0 if none is.
func (c *Correlation) First() event.Time {
	var first event.Time
	if len(c.Processes) > 0 {
		first = c.Processes[0].Time
	}
	if len(c.Events) > 0 && (first == 0 || c.Events[0].Time < first) {
		first = c.Events[0].Time
	}
	return first
}

// CorrelatedProcess is a process that took part in a correlation.
type CorrelatedProcess struct {
	Process   proctree.Process
	Host      string
	Time      event.Time // of its start
	ProcessID uint32
	Image     string
	// File and RecordID name its first record.
	File     string
	RecordID uint64
}

// CorrelatedEvent is an event, of another kind than the creation of a process,
// that took part in a correlation.
type CorrelatedEvent struct {
	Host    string // the computer's name, if it is none of the scan's hosts
	Time    event.Time
	Channel string
	EventID uint16
	// ProcessID and Image are those of the process that it names, 0 and ""
	// if it names none.
	ProcessID uint32
	Image     string
	File      string
	RecordID  uint64
}
