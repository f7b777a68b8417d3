package scan

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"webshellscan/internal/work"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
)

// unit is one piece of work: a part of an input.
type unit struct {
	in   *input
	part evtx.Part
}

// reading is the first half of a scan: files to collected process events.
type reading struct {
	inputs     []*input
	texts      *proctree.Texts
	progress   *Progress
	workers    int
	recover    bool // also read stale records
	watchers   []*integrity.Watcher
	containers []*input
	skipped    []source.Skipped
	hash       bool              // take the hashes of files
	pool       evtx.TemplatePool // of the definitions in all files
	events     eventReading
	hits       map[event.Place]bool // records that rules about events match
	traced     map[string]*traced   // records that only traces are made of, by computer
	hitsLost   int                  // how many more there are
	signs      []sign
}

// worker reads units, one after the other.
type worker struct {
	reader    *evtx.Reader
	collector *proctree.Collector
	watcher   *integrity.Watcher
	want      event.Want
	trees     int // how many of the kinds of event, the first ones, the collector takes
	progress  *Progress
	events    eventWatcher
}

// newReading plans the reading of the files found.
func newReading(found []source.Input, workers int, progress *Progress) *reading {
	r := &reading{texts: proctree.NewTexts(), progress: progress, workers: workers}
	for i, f := range found {
		r.inputs = append(r.inputs, &input{Input: f, index: uint32(i)})
	}
	return r
}

// run reads all inputs with several workers and returns what they collected.
// If the context is cancelled it returns early with what there is.
func (r *reading) run(ctx context.Context) []*proctree.Collector {
	var units []unit
	var total int64
	hashes := newHashing()
	ordered := slices.Clone(r.inputs)
	slices.SortStableFunc(ordered, func(a, b *input) int { return cmp.Compare(a.Turn, b.Turn) })
	for _, in := range ordered {
		if r.hash && !in.carved() {
			in.hash = hashes.newFile()
		}
		for part := range in.parts() {
			units = append(units, unit{in, part})
			in.left++
			total += part.End - part.Start
		}
	}
	if r.progress != nil {
		r.progress.Total.Store(total)
	}
	keys := selected()
	want, candidates := r.events.add(keys)
	want.Recovered = r.recover
	selection := evtx.Select(want)
	trees := len(proctree.Keys())
	workers := make([]*worker, max(1, min(r.workers, len(units))))
	collectors := make([]*proctree.Collector, len(workers))
	for i := range workers {
		collectors[i] = proctree.NewCollector(r.texts)
		r.watchers = append(r.watchers, integrity.NewWatcher(keys))
		workers[i] = &worker{
			reader: evtx.NewReader(selection), collector: collectors[i], watcher: r.watchers[i], want: want, trees: trees, progress: r.progress,
			events: eventWatcher{want: want, candidates: candidates, others: len(keys), plan: r.events.plan, looks: make(map[int]event.Look)},
		}
		workers[i].reader.Gate(&workers[i].events)
	}
	for _, f := range work.Each(len(workers), len(units), func(g, i int) { workers[g].part(ctx, units[i]) }) {
		units[f.Index].in.crash(units[f.Index].part, f.Err)
	}
	var odd []*input
	for _, in := range ordered {
		if len(in.odd) > 0 {
			odd = append(odd, in)
		}
	}
	for _, f := range work.Each(len(workers), len(odd), func(g, i int) { workers[g].carve(ctx, odd[i]) }) {
		odd[f.Index].crash(evtx.Part{End: odd[f.Index].Size}, f.Err)
	}
	var waiting []*input
	for _, w := range workers {
		r.pool.Merge(w.reader)
	}
	for _, in := range ordered {
		in.close()
		if len(in.deferred) > 0 {
			waiting = append(waiting, in)
		}
	}
	for _, f := range work.Each(len(workers), len(waiting), func(g, i int) { workers[g].resolve(ctx, waiting[i], &r.pool) }) {
		waiting[f.Index].crash(evtx.Part{End: waiting[f.Index].Size}, f.Err)
	}
	r.hits, r.traced = make(map[event.Place]bool), make(map[string]*traced)
	for _, w := range workers {
		maps.Copy(r.hits, w.events.hits)
		r.addTraced(w.events.traced)
		r.hitsLost += w.events.dropped
		r.signs = append(r.signs, w.events.signs.list...)
	}
	for _, in := range r.inputs {
		in.stats.Settle()
		in.checkBody()
	}
	return collectors
}

// selected returns the events that a scan reads whatever its rules: those that
// trees are made of, and after them those that are only watched.
func selected() []event.Key {
	keys := proctree.Keys()
	for _, key := range integrity.Keys() {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// hashContainers takes the hashes of the files that other inputs lie in.
func (r *reading) hashContainers(ctx context.Context) {
	if !r.hash {
		return
	}
	if r.progress != nil && len(r.containers) > 0 {
		r.progress.ToHash.Store(int64(len(r.containers)))
		r.progress.Enter(PhaseHashing)
	}
	hashes := newHashing()
	hash := func(_, i int) {
		r.containers[i].hashWhole(ctx, hashes)
		if r.progress != nil {
			r.progress.Hashed.Add(1)
		}
	}
	for _, f := range work.Each(r.workers, len(r.containers), hash) {
		r.containers[f.Index].err = f.Err
	}
}

// parts yields the parts of an input that are read on their own.
func (in *input) parts() iter.Seq[evtx.Part] {
	switch {
	case in.Sequential:
		return evtx.PartsOf(in.Size, in.Size)
	case in.Stretches == nil:
		return evtx.PartsOf(in.Size, evtx.DefaultPartSize)
	}
	return func(yield func(evtx.Part) bool) {
		for _, s := range in.Stretches {
			for at := s.Start; at < s.End; at += evtx.DefaultPartSize {
				if !yield(evtx.Part{Start: at, End: min(at+evtx.DefaultPartSize, s.End)}) {
					return
				}
			}
		}
	}
}

// complete reports whether all inputs were read to their ends.
func (r *reading) complete() bool {
	return !slices.ContainsFunc(r.inputs, func(in *input) bool { return in.err == nil && !in.complete() })
}

// part reads one part of an input.
func (w *worker) part(ctx context.Context, u unit) {
	if ctx.Err() != nil {
		return
	}
	if w.progress != nil {
		w.progress.File.Store(&u.in.Path)
	}
	if u.in.open(ctx) == nil && u.in.form != export.None {
		w.export(ctx, u)
		u.in.finish(ctx)
	} else if u.in.err == nil {
		reading, faults := w.read(ctx, u)
		if ctx.Err() != nil {
			u.in.interrupt()
		}
		u.in.add(ctx, reading, faults)
	}
	if w.progress != nil {
		w.progress.Done.Add(max(0, u.part.End-u.part.Start))
	}
}

// read reads one part of an open input and returns the faults in it.
func (w *worker) read(ctx context.Context, u unit) (*evtx.Reading, *integrity.FaultLog) {
	var faults integrity.FaultLog
	if u.in.Stretches != nil {
		reading := w.reader.Carve(u.in.evtx, []evtx.Part{u.part})
		w.take(ctx, u.in, u.part, &faults, reading)
		return reading, new(integrity.FaultLog) // all of it is damage
	}
	from := u.in.source(u.part)
	reading := w.reader.Records(u.in.evtx.From(from), u.part)
	w.take(ctx, u.in, u.part, &faults, reading)
	if hashed, ok := from.(*hashedPart); ok {
		hashed.close()
	}
	return reading, &faults
}

// export reads an export, all of it with its first part: where a record begins is
// known only from the start on.
func (w *worker) export(ctx context.Context, u unit) {
	if u.part.Start > evtx.HeaderSize {
		return
	}
	in := u.in
	from := in.source(evtx.Part{End: in.evtx.Size()})
	var stats evtx.Stats
	err := work.Guard(func() {
		w.watcher.Begin()
		w.events.begin()
		in.exported, in.exportErr = export.Read(ctx, from, in.evtx.Size(), in.form, w.want, func(r *export.Record) error {
			stats.Count(r.Computer, r.Channel, r.Event.Time)
			if r.Event.Key < 0 {
				return nil
			}
			stats.Selected++
			r.Event.Place.File = in.index
			if r.Event.Key < w.trees {
				w.collector.Add(r.Event)
			}
			w.watcher.Add(r.Event)
			w.events.add(r.Event)
			return nil
		})
	})
	if err != nil {
		in.crash(u.part, err)
	}
	if hashed, ok := from.(*hashedPart); ok {
		hashed.close()
	}
	if ctx.Err() != nil {
		in.interrupt()
	}
	stats.Lost, stats.Bytes = in.exported.Bad, in.evtx.Size()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.Add(&stats)
}

// carve reads what lies beside the chunks of an input. The file is opened again:
// more files may wait for this than a process may have open.
func (w *worker) carve(ctx context.Context, in *input) {
	if ctx.Err() != nil {
		in.interrupt()
		return
	}
	odd := in.odd
	part := evtx.Part{Start: odd[0].Start, End: odd[len(odd)-1].End}
	w.again(ctx, in, part, func(file *evtx.File) *evtx.Reading { return w.reader.Carve(file, odd) })
}

// again opens an input again and does a reading of it.
func (w *worker) again(ctx context.Context, in *input, part evtx.Part, of func(*evtx.File) *evtx.Reading) {
	var faults integrity.FaultLog
	file, err := in.Open()
	if err != nil {
		in.stats.Lost += len(in.deferred)
		faults.Add(&evtx.FormatError{Class: evtx.ReadError, What: "file", Offset: part.Start, Err: errors.Join(evtx.ErrRead, err)})
		in.faults.Merge(&faults)
		return
	}
	defer func() { _ = file.Close() }() // it was only read
	reading := of(in.evtx.From(file))
	w.take(ctx, in, part, &faults, reading)
	in.add(ctx, reading, &faults)
	if in.changed == nil {
		in.changed = file.Changed(in.Input)
	}
}

// resolve reads the records of an input whose template definitions are lost, by
// those of other chunks and files.
func (w *worker) resolve(ctx context.Context, in *input, pool *evtx.TemplatePool) {
	if ctx.Err() != nil {
		in.interrupt()
		return
	}
	whole := evtx.Part{Start: evtx.HeaderSize, End: in.evtx.Size()}
	w.again(ctx, in, whole, func(file *evtx.File) *evtx.Reading { return w.reader.Deferred(file, in.deferred, pool) })
}

// take hands events to the collector and notes faults. A panic in reading costs
// the rest of the part and is reported as the error of this program that it is.
func (w *worker) take(ctx context.Context, in *input, part evtx.Part, faults *integrity.FaultLog, reading *evtx.Reading) {
	err := work.Guard(func() { w.takeAll(in, faults, reading.Events(ctx)) })
	if err != nil {
		in.crash(part, err)
	}
}

// takeAll is take without its guard.
func (w *worker) takeAll(in *input, faults *integrity.FaultLog, events iter.Seq2[*event.Event, error]) {
	w.watcher.Begin()
	w.events.begin()
	for ev, err := range events {
		if ev == nil {
			if fault, ok := errors.AsType[*evtx.FormatError](err); ok {
				faults.Add(fault)
			}
			continue
		}
		ev.Place.File = in.index
		if ev.Key < w.trees {
			w.collector.Add(ev)
		}
		w.watcher.Add(ev)
		w.events.add(ev)
	}
}
