package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"webshellscan/scan/evtx"
	"webshellscan/scan/source"
)

// input is one file while it is scanned: opened when its first part is due,
// closed after its last one.
type input struct {
	source.Input
	index uint32

	once sync.Once
	file *source.File
	evtx *evtx.File
	err  error // why it is not read

	mu      sync.Mutex
	left    int // parts still to come
	stats   evtx.Stats
	faults  faultLog
	odd     []evtx.Part   // stretches to carve
	orphans []evtx.Orphan // records to read when the definitions of all files are known
	chunks  []evtx.Chunk
	order   []*evtx.FormatError // what comparing the chunks shows
	crashes []string            // panics that were caught: errors of this program
}

// open opens the input if it is not open yet, and returns why it cannot be read.
func (in *input) open(ctx context.Context) error {
	in.once.Do(func() {
		if in.file, in.err = source.Open(in.Path); in.err != nil {
			return
		}
		size := min(in.Size, in.file.Size())
		if in.claimed() {
			in.evtx, in.err = evtx.Search(ctx, in.file, size)
		} else {
			in.evtx, in.err = evtx.Open(in.file, size)
		}
		if in.err != nil {
			in.close() // at once: a folder may hold more other files than a process may open
		}
	})
	return in.err
}

// claimed reports whether somebody says that the file is a log: by its name, or
// by naming it.
func (in *input) claimed() bool { return in.Named || strings.EqualFold(filepath.Ext(in.Path), ".evtx") }

// take adds what a reader met in one part, and reports whether it was the last
// one.
func (in *input) take(r *evtx.Reader, faults *faultLog) bool {
	stats := r.Stats()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.Add(&stats)
	in.odd = append(in.odd, r.Irregular()...)
	in.orphans = append(in.orphans, r.Orphans()...)
	in.chunks = append(in.chunks, r.Chunks()...)
	in.faults.merge(faults)
	in.left--
	if in.left == 0 {
		slices.SortFunc(in.odd, func(a, b evtx.Part) int { return cmp.Compare(a.Start, b.Start) })
	}
	return in.left == 0
}

// crash notes a panic, which is an error of this program.
func (in *input) crash(at evtx.Part, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.crashes = append(in.crashes, fmt.Sprintf("offset %d to %d: %v", at.Start, at.End, err))
}

// close closes the file. Its error means nothing: the file was only read.
func (in *input) close() {
	if in.file != nil {
		_ = in.file.Close()
		in.file = nil
	}
}

// faultLog counts faults by class and keeps the first ones of each.
type faultLog struct {
	counts map[evtx.Class]int
	first  []*evtx.FormatError
}

// maxFaults is how many faults of one class and file are kept with their
// places; the others are only counted. A hostile file has millions.
const maxFaults = 20

func (l *faultLog) add(err *evtx.FormatError) {
	if l.counts == nil {
		l.counts = make(map[evtx.Class]int)
	}
	l.counts[err.Class]++
	l.keep(err)
}

// keep keeps a fault if it is among the first of its class by offset.
func (l *faultLog) keep(err *evtx.FormatError) {
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

// compareFaults orders faults by place, and those of one place somehow.
func compareFaults(a, b *evtx.FormatError) int {
	return cmp.Or(
		cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Class, b.Class), cmp.Compare(a.What, b.What),
		cmp.Compare(a.RecordID, b.RecordID), cmp.Compare(a.Have, b.Have), cmp.Compare(a.Need, b.Need),
	)
}

func (l *faultLog) merge(other *faultLog) {
	for class, n := range other.counts {
		if l.counts == nil {
			l.counts = make(map[evtx.Class]int)
		}
		l.counts[class] += n
	}
	for _, err := range other.first {
		l.keep(err)
	}
}

// sorted returns the faults kept, in the order of the file.
func (l *faultLog) sorted() []*evtx.FormatError {
	slices.SortStableFunc(l.first, compareFaults)
	return l.first
}

// notLog reports whether a file that a folder held is none of our business: it
// is no EVTX file, and was not named as one.
func (in *input) notLog() bool {
	if in.Named {
		return false
	}
	return errors.Is(in.err, evtx.ErrNotEVTX) ||
		errors.Is(in.err, evtx.ErrEmpty) && !strings.EqualFold(filepath.Ext(in.Path), ".evtx")
}
