package html

import (
	"maps"
	"slices"

	"webshellscan/report/phrase"
	"webshellscan/scan"
	"webshellscan/scan/evtx"
	"webshellscan/scan/integrity"
)

// faultRow is one kind of fault of one file.
type faultRow struct {
	Path  string
	Class evtx.Class
	Count int
	First int64 // offset of the first, in bytes from the start of the file
	Loss  bool  // it may have cost records
}

// faultRows lists the faults of files: those first that may have cost records.
func faultRows(damage []scan.FileFaults) []faultRow {
	var rows []faultRow
	for _, loss := range []bool{true, false} {
		for _, d := range damage {
			for _, c := range slices.Sorted(maps.Keys(d.Counts)) {
				if c.Loss() == loss {
					rows = append(rows, faultRow{d.Path, c, phrase.FaultCount(d, c), phrase.FirstOffset(d, c), loss})
				}
			}
		}
	}
	return rows
}

// FaultsListed are the faults in their table.
func (h *reportPage) FaultsListed() []faultRow { return firstOf(h.Faults) }

// FaultsLeft counts the other faults.
func (h *reportPage) FaultsLeft() int { return leftOf(h.Faults) }

// problemTexts writes inputs with what went wrong, visibly.
func problemTexts(list []scan.FileError) []string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = shortText(e.Path) + ": " + shortText(e.Reason())
	}
	return texts
}

// IntegrityListed are the findings about log integrity in their table.
func (h *reportPage) IntegrityListed() []*integrity.Finding { return firstOf(h.Res.Integrity) }

// IntegrityLeft counts the other findings about log integrity.
func (h *reportPage) IntegrityLeft() int { return leftOf(h.Res.Integrity) }

// CoverageListed are the hosts in the table of coverage.
func (h *reportPage) CoverageListed() []integrity.HostCoverage { return firstOf(h.Res.Coverage) }

// CoverageLeft counts the other hosts.
func (h *reportPage) CoverageLeft() int { return leftOf(h.Res.Coverage) }

// InputsListed are the inputs in their table.
func (h *reportPage) InputsListed() []scan.InputFile { return firstOf(h.Res.Manifest.Inputs) }

// InputsLeft counts the other inputs.
func (h *reportPage) InputsLeft() int { return leftOf(h.Res.Manifest.Inputs) }

// BlindListed is what the page of coverage lists of what the logs could not
// have shown.
func (h *reportPage) BlindListed() []scan.Blind { return firstOf(h.Res.Summary.Blind) }

// BlindLeft counts the rest of it.
func (h *reportPage) BlindLeft() int { return leftOf(h.Res.Summary.Blind) }

// Traces are the other events about web servers on hosts without process
// creations.
func (h *reportPage) Traces() []string {
	var lines []string
	for _, t := range firstOf(h.Res.Traces) {
		lines = append(lines, phrase.Trace(&t))
	}
	return lines
}

// TracesLeft counts the traces that are not listed.
func (h *reportPage) TracesLeft() int { return leftOf(h.Res.Traces) }

// TracesTitle is the heading of the traces.
func (h *reportPage) TracesTitle() string { return phrase.Traces }

// BlindFirst is what the overview lists of what the logs could not have shown.
func (h *reportPage) BlindFirst() []scan.Blind {
	return h.Res.Summary.Blind[:min(len(h.Res.Summary.Blind), maxBlindFirst)]
}

// BlindMore counts what the overview leaves to the page of coverage.
func (h *reportPage) BlindMore() int { return max(0, len(h.Res.Summary.Blind)-maxBlindFirst) }

const maxBlindFirst = 5

// GravestIntegrity are the alarms that the overview names, and the warnings for
// which they leave room.
func (h *reportPage) GravestIntegrity() []*integrity.Finding {
	n := min(h.countIntegrity(integrity.Alarm), maxAlarmsFirst)
	n = max(n, min(h.countIntegrity(integrity.Warning), maxWarningsFirst))
	return h.Res.Integrity[:n]
}

// IntegrityMore counts what the overview leaves to the page of integrity.
func (h *reportPage) IntegrityMore() int { return len(h.Res.Integrity) - len(h.GravestIntegrity()) }

// IntegrityAlarms reports whether there are alarms among them.
func (h *reportPage) IntegrityAlarms() bool { return h.countIntegrity(integrity.Alarm) > 0 }

// countIntegrity counts what is of a level or above: it stands first.
func (h *reportPage) countIntegrity(least integrity.Level) int {
	n := slices.IndexFunc(h.Res.Integrity, func(i *integrity.Finding) bool { return i.Level < least })
	if n < 0 {
		return len(h.Res.Integrity)
	}
	return n
}

const (
	maxAlarmsFirst   = 10
	maxWarningsFirst = 5 // with the alarms
)
