package integrity

import (
	"cmp"
	"slices"

	"webshellscan/scan/evtx"
)

// FaultLog counts faults by class and keeps the first ones of each. Its zero
// value is empty.
type FaultLog struct {
	counts  map[evtx.Class]int
	missing int
	first   []*evtx.FormatError
}

// maxFaults is how many faults of one class and file are kept with their
// places; the others are only counted. A hostile file has millions.
const maxFaults = 20

// Add counts a fault, and keeps it if it is among the first.
func (l *FaultLog) Add(err *evtx.FormatError) {
	if l.counts == nil {
		l.counts = make(map[evtx.Class]int)
	}
	l.counts[err.Class]++
	if err.Class == evtx.IDGap {
		l.addMissing(int(min(err.Have, maxMissing)))
	}
	l.keep(err)
}

// maxMissing bounds how many identifiers are said to be missing.
const maxMissing = 1<<31 - 1

func (l *FaultLog) addMissing(n int) { l.missing = min(l.missing+n, maxMissing) }

// Missing returns how many record identifiers are missing between others.
func (l *FaultLog) Missing() int { return l.missing }

// keep keeps a fault if it is among the first of its class by offset.
func (l *FaultLog) keep(err *evtx.FormatError) {
	same, last := 0, -1
	for i, e := range l.first {
		if e.Class != err.Class {
			continue
		}
		if same++; last < 0 || compareFaults(e, l.first[last]) > 0 {
			last = i
		}
	}
	switch {
	case same < maxFaults:
		l.first = append(l.first, err)
	case compareFaults(err, l.first[last]) < 0:
		l.first[last] = err
	}
}

// Counts returns how many faults there are, by class. The map is the log's.
func (l *FaultLog) Counts() map[evtx.Class]int { return l.counts }

// compareFaults orders faults by place, and those of one place somehow.
func compareFaults(a, b *evtx.FormatError) int {
	return cmp.Or(
		cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Class, b.Class), cmp.Compare(a.What, b.What),
		cmp.Compare(a.RecordID, b.RecordID), cmp.Compare(a.Have, b.Have), cmp.Compare(a.Need, b.Need),
	)
}

// Merge adds the faults of another log of the same file.
func (l *FaultLog) Merge(other *FaultLog) {
	for class, n := range other.counts {
		if l.counts == nil {
			l.counts = make(map[evtx.Class]int)
		}
		l.counts[class] += n
	}
	l.addMissing(other.missing)
	for _, err := range other.first {
		l.keep(err)
	}
}

// Kept returns the faults that are kept, in the order of the file.
func (l *FaultLog) Kept() []*evtx.FormatError {
	slices.SortStableFunc(l.first, compareFaults)
	return l.first
}
