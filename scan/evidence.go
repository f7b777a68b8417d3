package scan

import (
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Evidence returns the records of a process's creation, and an empty list of a
// process whose start is not in the logs.
func (r *Result) Evidence(p proctree.Process) []finding.Evidence {
	list := []finding.Evidence{}
	for record := range p.Records() {
		list = append(list, newEvidence(r.Forest, r.inputs, record))
	}
	return list
}

// newEvidence returns the evidence of a record of one of the inputs.
func newEvidence(forest *proctree.Forest, inputs []*input, r proctree.Record) finding.Evidence {
	texts, place := forest.Texts(), r.Place()
	in := inputs[place.File]
	return finding.New(finding.Record{
		Place: place, RecordID: r.RecordID(), Time: r.Time(), Channel: texts.Text(r.Field(event.Channel)), EventID: r.EventID(), Marks: r.Marks(),
	}, in.Path, in.Origin)
}
