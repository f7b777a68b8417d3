package scan

import (
	"fmt"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// commandLines counts the processes of a host by whether a record has their
// command line.
type commandLines struct{ processes, bare int }

// countCommandLines returns the counts of all hosts. Left aside are processes
// that are only in recovered records, and those that Windows logs whenever it
// starts.
func countCommandLines(forest *proctree.Forest) []commandLines {
	texts := forest.Texts()
	list := make([]commandLines, len(forest.Hosts()))
	for i := range list {
		for p := range forest.Processes(i) {
			if !isAudited(p) {
				continue
			}
			list[i].processes++
			if !texts.Known(p.CommandLine()) {
				list[i].bare++
			}
		}
	}
	return list
}

// isAudited reports whether a process was logged as others are, in a live
// record.
func isAudited(p proctree.Process) bool {
	for r := range p.Records() {
		if !r.Marks().Has(event.MarkRecovered) && !r.Booting() {
			return true
		}
	}
	return false
}

// blind returns what cannot be seen for want of command lines, "" if but few
// processes have none. e are the events of the host.
func (c commandLines) blind(e proctree.Counts) string {
	const few = 10 // one in so many
	switch {
	case c.bare*few <= c.processes:
		return ""
	case c.bare == c.processes:
		if e.SysmonCreate == 0 {
			return "Security 4688 without command lines: arguments cannot be seen"
		}
		return "processes without command lines: their arguments cannot be seen"
	}
	return fmt.Sprintf("%d of %d processes have no command line: their arguments cannot be seen", c.bare, c.processes)
}
