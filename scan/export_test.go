package scan

import (
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// FieldValues returns what a rule gets for a field of a process.
func (r *Result) FieldValues(p proctree.Process, field string) []string {
	s := newSubject(r.Rules.Servers, r.Forest, r.workers)
	s.process = p
	var list []string
	for _, id := range getterOf(field)(s, nil) {
		list = append(list, s.Text(id))
	}
	return list
}

// FieldNames returns the names of all fields that processes can have, in lower
// case as far as they are no plain fields of a record.
func FieldNames() []string {
	var names []string
	for name := range getters {
		names = append(names, name)
	}
	for id := event.FieldNone + 1; int(id) < event.NumFields; id++ {
		if id.OfProcess() {
			names = append(names, id.String())
		}
	}
	return names
}

// Summarize makes a session of findings and fills in what they alone say.
func Summarize(findings []*Finding) *Session {
	s := &Session{Findings: findings}
	s.summarize()
	return s
}

// FoldArguments is foldArguments.
func FoldArguments(line string) (folded, arguments string) { return foldArguments(line) }
