package finding

import (
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Correlation is a correlation rule that several processes met together.
type Correlation struct {
	Rule *rules.Rule
	// Group holds the values of the rule's group-by fields, in order.
	Group []string
	// Value is what the rule's condition asks about, such as a count: the
	// highest as long as the rule went on being met.
	Value float64
	// Processes took part, in the order of their start: the first 1,000.
	// Total counts them all, as far as the rule kept them.
	Processes []CorrelatedProcess
	Total     int
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
