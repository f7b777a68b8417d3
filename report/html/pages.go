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

// FaultsListed and FaultsLeft are the faults in the table, and how many there
// are besides.
func (h *reportPage) FaultsListed() []faultRow { return firstOf(h.Faults) }
func (h *reportPage) FaultsLeft() int          { return leftOf(h.Faults) }

// problemTexts writes inputs with what went wrong, visibly.
func problemTexts(list []scan.FileError) []string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = shortText(e.Path) + ": " + shortText(e.Reason())
	}
	return texts
}

// IntegrityListed and the like are the rows of tables, IntegrityLeft and the
// like how many there are besides.
func (h *reportPage) IntegrityListed() []*integrity.Finding    { return firstOf(h.Res.Integrity) }
func (h *reportPage) IntegrityLeft() int                       { return leftOf(h.Res.Integrity) }
func (h *reportPage) CoverageListed() []integrity.HostCoverage { return firstOf(h.Res.Coverage) }
func (h *reportPage) CoverageLeft() int                        { return leftOf(h.Res.Coverage) }
func (h *reportPage) InputsListed() []scan.InputFile           { return firstOf(h.Res.Manifest.Inputs) }

func (h *reportPage) InputsLeft() int { return leftOf(h.Res.Manifest.Inputs) }

func (h *reportPage) BlindListed() []scan.Blind { return firstOf(h.Res.Summary.Blind) }

func (h *reportPage) BlindLeft() int { return leftOf(h.Res.Summary.Blind) }

// Traces are what else speaks of web servers on hosts without process
// creations.
func (h *reportPage) Traces() []string {
	var lines []string
	for _, t := range firstOf(h.Res.Traces) {
		lines = append(lines, phrase.Trace(&t))
	}
	return lines
}

// TracesLeft counts the traces that are not listed, TracesTitle stands above
// them.
func (h *reportPage) TracesLeft() int     { return leftOf(h.Res.Traces) }
func (h *reportPage) TracesTitle() string { return phrase.Traces }

// BlindFirst is what the overview says that the logs could not have shown;
// BlindMore counts what it leaves to the page of coverage.
func (h *reportPage) BlindFirst() []scan.Blind {
	return h.Res.Summary.Blind[:min(len(h.Res.Summary.Blind), maxBlindFirst)]
}
func (h *reportPage) BlindMore() int { return max(0, len(h.Res.Summary.Blind)-maxBlindFirst) }

const maxBlindFirst = 5

// GravestIntegrity are the alarms that the overview names, and the warnings for
// which they leave room; IntegrityMore counts what it leaves to the page of
// integrity.
func (h *reportPage) GravestIntegrity() []*integrity.Finding {
	n := min(h.countIntegrity(integrity.Alarm), maxAlarmsFirst)
	n = max(n, min(h.countIntegrity(integrity.Warning), maxWarningsFirst))
	return h.Res.Integrity[:n]
}
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
