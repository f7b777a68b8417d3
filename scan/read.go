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
	"webshellscan/scan/eventrule"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/filehash"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
)

// unit is one piece of work: a part of an input.
type unit struct {
	in   *input
	part evtx.Part
}

// firstPass is the first half of a scan: files to collected process events.
type firstPass struct {
	inputs     []*input
	texts      *proctree.Texts
	progress   *Progress
	goroutines int
	keep       func() // see source.Found.KeepUnpacked
	recover    bool   // also read stale records
	watchers   []*integrity.Watcher
	containers []*input
	skipped    []source.Skipped
	hash       bool              // take the hashes of files
	pool       evtx.TemplatePool // of the definitions in all files
	events     *eventrule.Reading
	hits       map[event.Place]bool         // records that rules about events match
	traced     map[string]*eventrule.Traced // records that only traces are made of, by computer
	came       map[event.Place]bool         // records that name where another host came from, if they are wanted
	hitsLost   int                          // how many more there are
	asked      map[event.Place]bool         // records whose matches correlation rules ask for
	signs      []eventrule.Sign
	others     []*otherInput
	notes      []source.Note
	otherFiles int // that are no inputs since they are nothing to a scan

	parts      []*mergePart // of partial results
	readers    []*partReader
	collectors []*proctree.Collector
	selection  *evtx.Selection
}

// partReader reads units, one after the other.
type partReader struct {
	reader    *evtx.Reader
	collector *proctree.Collector
	watcher   *integrity.Watcher
	want      event.Want
	trees     int // how many of the kinds of event, the first ones, the collector needs
	progress  *Progress
	events    *eventrule.Watcher
	keep      func() // see source.Found.KeepUnpacked; nil once it was called
}

// newFirstPass plans the reading of the files found.
func newFirstPass(found *source.Found, options *Options) *firstPass {
	r := &firstPass{texts: proctree.NewTexts(), progress: options.Progress, goroutines: options.goroutines(), keep: found.KeepUnpacked}
	r.recover, r.hash, r.notes = options.Recover, options.Hash, found.Notes
	r.skipped, r.otherFiles = found.Skipped, found.Nothing
	for _, f := range found.Inputs {
		r.inputs = append(r.inputs, &input{Input: f})
	}
	for _, c := range found.Containers {
		r.containers = append(r.containers, &input{Input: c})
	}
	for _, o := range found.Others {
		if o.Kind != source.KindPartial {
			r.others = append(r.others, &otherInput{Input: o})
		}
	}
	return r
}

// number numbers the inputs in the order of their paths.
func (r *firstPass) number() {
	slices.SortStableFunc(r.inputs, func(a, b *input) int { return source.ComparePaths(a.Path, b.Path) })
	for i, in := range r.inputs {
		in.index = uint32(i)
	}
}

// collect reads all inputs with several goroutines, as far as it can be done
// without what other inputs hold: what it leaves behind is what Collect writes,
// and what merge goes on with. If the context is cancelled it ends early.
func (r *firstPass) collect(ctx context.Context) {
	units := r.units()
	r.makeReaders(max(1, min(r.goroutines, max(len(units), len(r.parts)))))
	for _, f := range work.Each(len(r.readers), len(units), func(g, i int) { r.readers[g].part(ctx, units[i]) }) {
		units[f.Index].in.crash(units[f.Index].part, f)
	}
	odd := r.those(func(in *input) bool { return len(in.odd) > 0 })
	for _, f := range work.Each(len(r.readers), len(odd), func(g, i int) { r.readers[g].carve(ctx, odd[i]) }) {
		odd[f.Index].crash(evtx.Part{End: odd[f.Index].Size}, f)
	}
	for _, w := range r.readers {
		r.pool.Merge(w.reader)
	}
	for _, in := range r.inTurn() {
		if !in.restored {
			in.close()
			in.stats.Bound()
			in.checkRead()
			in.compare()
		}
	}
}

// units returns the pieces of work, and sets how much there is to read.
func (r *firstPass) units() []unit {
	var units []unit
	var total int64
	hashes := filehash.NewPass()
	for _, in := range r.inTurn() {
		if in.restored {
			continue
		}
		if r.hash && !in.carved() {
			in.hash = hashes.NewFile()
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
	return units
}

// makeReaders makes n readers, one for each goroutine.
func (r *firstPass) makeReaders(n int) {
	keys := selected()
	want, candidates := r.events.Add(keys)
	want.Recovered, want.Noted = r.recover, story.Keys()
	r.selection = evtx.Select(want)
	for range n {
		w := &partReader{
			reader: evtx.NewReader(r.selection), collector: proctree.NewCollector(r.texts), watcher: integrity.NewWatcher(keys), want: want,
			trees: len(proctree.Keys()), progress: r.progress,
			events: r.events.NewWatcher(want, candidates, len(keys)), keep: r.keep,
		}
		w.reader.Gate(w.events)
		r.readers, r.collectors, r.watchers = append(r.readers, w), append(r.collectors, w.collector), append(r.watchers, w.watcher)
	}
}

// inTurn returns the inputs in the order in which they are best read.
func (r *firstPass) inTurn() []*input {
	ordered := slices.Clone(r.inputs)
	slices.SortStableFunc(ordered, func(a, b *input) int { return cmp.Compare(a.Turn, b.Turn) })
	return ordered
}

// those returns some of the inputs, in turn.
func (r *firstPass) those(are func(*input) bool) []*input {
	var list []*input
	for _, in := range r.inTurn() {
		if are(in) {
			list = append(list, in)
		}
	}
	return list
}

// resolve reads the records that wait for the definitions of other inputs, and
// gathers what the readers kept of events.
func (r *firstPass) resolve(ctx context.Context) {
	waiting := r.those(func(in *input) bool { return len(in.deferred) > 0 })
	for _, f := range work.Each(len(r.readers), len(waiting), func(g, i int) { r.readers[g].resolve(ctx, waiting[i], &r.pool) }) {
		waiting[f.Index].crash(evtx.Part{End: waiting[f.Index].Size}, f)
	}
	for _, in := range waiting {
		in.stats.Bound()
	}
	r.gather()
}

// gather joins what the readers kept of events.
func (r *firstPass) gather() {
	r.hits, r.came, r.signs = make(map[event.Place]bool), make(map[event.Place]bool), nil
	r.hitsLost, r.traced, r.asked = 0, make(map[string]*eventrule.Traced), make(map[event.Place]bool)
	for _, w := range r.readers {
		maps.Copy(r.hits, w.events.Hits)
		maps.Copy(r.asked, w.events.Asked)
		maps.Copy(r.came, w.events.Came)
		r.addTraced(w.events.Traced)
		r.hitsLost += w.events.Dropped
		r.signs = append(r.signs, w.events.Signs.List...)
	}
	for _, p := range r.parts {
		r.hitsLost += p.meta.hitsLost
		r.signs = append(r.signs, p.signs...)
		if p.matched {
			p.addHits(r)
		}
	}
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

// hashContainers computes the hashes of the files that other inputs lie in.
func (r *firstPass) hashContainers(ctx context.Context) {
	if !r.hash {
		return
	}
	if r.progress != nil && len(r.containers) > 0 {
		r.progress.ToHash.Store(int64(len(r.containers)))
		r.progress.Enter(PhaseHashing)
	}
	hashes := filehash.NewPass()
	hash := func(_, i int) {
		r.containers[i].hashWhole(ctx, hashes)
		if r.progress != nil {
			r.progress.Hashed.Add(1)
		}
	}
	for _, f := range work.Each(r.goroutines, len(r.containers), hash) {
		r.containers[f.Index].err = f
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
func (r *firstPass) complete() bool {
	return !slices.ContainsFunc(r.inputs, func(in *input) bool { return in.err == nil && !in.complete() })
}

// part reads one part of an input.
func (w *partReader) part(ctx context.Context, u unit) {
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
func (w *partReader) read(ctx context.Context, u unit) (*evtx.Reading, *integrity.FaultLog) {
	var faults integrity.FaultLog
	if u.in.Stretches != nil {
		reading := w.reader.Carve(u.in.evtx, []evtx.Part{u.part})
		w.collect(ctx, u.in, u.part, &faults, reading)
		return reading, new(integrity.FaultLog) // all of it is damage
	}
	from := u.in.source(u.part)
	reading := w.reader.Records(u.in.evtx.From(from), u.part)
	w.collect(ctx, u.in, u.part, &faults, reading)
	if hashed, ok := from.(*filehash.Part); ok {
		hashed.Close()
	}
	return reading, &faults
}

// export reads an export, all of it with its first part: where a record begins
// is known only from the start on.
func (w *partReader) export(ctx context.Context, u unit) {
	if u.part.Start > evtx.HeaderSize {
		return
	}
	in := u.in
	from := in.source(evtx.Part{End: in.evtx.Size()})
	var stats evtx.Stats
	err := work.Guard(func() {
		w.watcher.Begin()
		w.events.Begin()
		in.exported, in.exportErr = export.Read(ctx, from, in.evtx.Size(), in.form, w.want, func(r *export.Record) error {
			stats.Count(r.Computer, r.Channel, r.Event.Time)
			if r.Event.Key < 0 {
				return nil
			}
			stats.Selected++
			w.add(in, r.Event)
			return nil
		})
	})
	if err != nil {
		in.crash(u.part, err)
	}
	if hashed, ok := from.(*filehash.Part); ok {
		hashed.Close()
	}
	if cause := context.Cause(ctx); cause != nil {
		in.interrupt()
		if errors.Is(in.exportErr, cause) {
			in.exportErr = nil // no fault of the export
		}
	}
	stats.Lost, stats.Bytes = in.exported.Bad, in.evtx.Size()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.Add(&stats)
}

// carve reads what lies beside the chunks of an input. The file is opened
// again: more files may wait for this than a process may have open.
func (w *partReader) carve(ctx context.Context, in *input) {
	if ctx.Err() != nil {
		in.interrupt()
		return
	}
	odd := in.odd
	part := evtx.Part{Start: odd[0].Start, End: odd[len(odd)-1].End}
	w.again(ctx, in, part, func(file *evtx.File) *evtx.Reading { return w.reader.Carve(file, odd) })
}

// again opens an input again and does a reading of it.
func (w *partReader) again(ctx context.Context, in *input, part evtx.Part, of func(*evtx.File) *evtx.Reading) {
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
	w.collect(ctx, in, part, &faults, reading)
	in.add(ctx, reading, &faults)
	if in.changed == nil {
		in.changed = file.Changed(in.Input)
	}
}

// resolve reads the records of an input whose template definitions are lost, by
// those of other chunks and files.
func (w *partReader) resolve(ctx context.Context, in *input, pool *evtx.TemplatePool) {
	if ctx.Err() != nil {
		in.interrupt()
		return
	}
	whole := evtx.Part{Start: evtx.HeaderSize, End: in.evtx.Size()}
	w.again(ctx, in, whole, func(file *evtx.File) *evtx.Reading { return w.reader.Deferred(file, in.deferred, pool) })
}

// collect passes the events of a reading on, and adds its faults. A panic in
// reading costs the rest of the part and is reported as a crash of this
// program.
func (w *partReader) collect(ctx context.Context, in *input, part evtx.Part, faults *integrity.FaultLog, reading *evtx.Reading) {
	err := work.Guard(func() { w.collectAll(in, faults, reading.Events(ctx)) })
	if err != nil {
		in.crash(part, err)
	}
}

// collectAll is collect without its guard.
func (w *partReader) collectAll(in *input, faults *integrity.FaultLog, events iter.Seq2[*event.Event, error]) {
	w.watcher.Begin()
	w.events.Begin()
	for ev, err := range events {
		if ev == nil {
			if fault, ok := errors.AsType[*evtx.FormatError](err); ok {
				faults.Add(fault)
			}
			continue
		}
		w.add(in, ev)
	}
}

// add adds an event of an input. Where processes start there may be a story,
// for which logs are read again.
func (w *partReader) add(in *input, ev *event.Event) {
	ev.Place.File = in.index
	if ev.Key < w.trees {
		w.collector.Add(ev)
		if w.keep != nil && w.collector.HasCreations() {
			w.keep()
			w.keep = nil
		}
	}
	w.watcher.Add(ev)
	w.events.Add(ev)
}
