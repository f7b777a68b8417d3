// Package integrity assesses log integrity: records hidden, logs cleared,
// recording stopped or changed, files damaged, and what the logs of each host
// could have shown. It depends neither on how files are opened nor on what
// rules look for. Select Keys, hand each event to a Watcher, and Assess what
// was read.
package integrity

import (
	"cmp"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
)

// Log is what was read of one file.
type Log struct {
	Path  string
	Stats *evtx.Stats
	// Faults are those of a log. Of an export they are only those of the
	// archive that it is a member of. What was searched for chunks has
	// none, since all of it is damage.
	Faults *FaultLog
	// Order are the faults that comparing the chunks shows
	// (evtx.CheckOrder).
	Order []*evtx.FormatError
	// Form is that of an export, Exported what it held, and ExportErr why
	// the rest of it was not read.
	Form      export.Form
	Exported  export.Result
	ExportErr error
}

// Reading is all that was read.
type Reading struct {
	// Logs are in the order of event.Place.File.
	Logs     []*Log
	Watchers []*Watcher
	// Notes are remarks about containers.
	Notes  []source.Note
	Forest *proctree.Forest
	// Since and Until bound the time of interest; 0 means no bound.
	Since, Until event.Time
	// Complete is set if all logs were read to their ends: else silences
	// mean nothing.
	Complete bool
}

// Assess returns the findings about log integrity, the gravest first, and the
// coverage of each host, in the order of the forest's hosts.
func Assess(r *Reading) ([]*Finding, []HostCoverage) {
	logs := logsOf(r.Logs, r.Forest.Hosts())
	events := newLogEvents(r, logs)
	times := make([]*hostTimes, len(logs))
	for i := range times {
		times[i] = timesOf(r.Forest, i, events.hosts[i].power.boots, logs[i].strays)
		if !r.Complete {
			times[i].forget()
		}
	}
	return findingsOf(r, events, logs, times), coverageOf(r, events, logs, times)
}

// findingsOf returns the findings about log integrity: the gravest first, by
// level and kind, then by host, time and place. logs and times are by host.
func findingsOf(r *Reading, events *logEvents, logs []*hostLogs, times []*hostTimes) []*Finding {
	hosts := r.Forest.Hosts()
	list := slices.Concat(events.findings(), assessFaults(r.Logs, hosts, events), assessOrder(r.Logs), assessContainers(r.Notes), assessExports(r.Logs))
	for i, h := range hosts {
		list = append(list, times[i].findings(h.Name)...)
		list = append(list, logs[i].strayTimes(h.Name)...)
		if h.Machines > 1 {
			list = append(list, severalMachines(&h))
		}
	}
	slices.SortStableFunc(list, func(a, b *Finding) int {
		return cmp.Or(
			cmp.Compare(b.Level, a.Level), cmp.Compare(gravity(b), gravity(a)), cmp.Compare(a.Host, b.Host), cmp.Compare(a.First, b.First),
			cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Channel, b.Channel),
			cmp.Compare(a.Text, b.Text),
		)
	})
	return list
}
