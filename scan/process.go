package scan

import (
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Describer describes any process as a finding does. A Describer is for one
// goroutine.
type Describer struct {
	finder  finder
	subject *subject
}

// Describer returns what describes the processes of the result.
func (r *Result) Describer() *Describer {
	return &Describer{finder{r.Forest, r.servers, r.inputs}, newSubject(r.Rules.Detections, r.Forest, r.servers)}
}

// Describe returns the finding that a process would be by itself: neither rules
// nor a level, and no evidence if its start is not in the logs.
func (d *Describer) Describe(p proctree.Process) *finding.Finding {
	d.subject.process = p
	return d.finder.finding(d.subject)
}
