package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"webshellscan/internal/plural"
	"webshellscan/internal/wire"
	"webshellscan/internal/work"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/integrity"
	"webshellscan/scan/partial"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
)

// The sections of a part.
const (
	sectionMeta        partial.Kind = iota + 1 // partMeta
	sectionRows                                // proctree.Rows
	sectionWatched                             // integrity.Code
	sectionDefinitions                         // evtx.Definitions
	sectionHeld                                // evtx.CodeExcerpts, or the content of an input
	sectionOthers                              // partMeta.codeOthers
	sectionHeldIndex                           // heldIndex: what sections of sectionHeld hold, in their order
)

// mergePart is a part of a partial result while it is put together with others.
type mergePart struct {
	*partial.Part
	file    string // where it was found
	meta    partMeta
	files   []uint32         // the numbers of its inputs in the scan
	signs   []eventrule.Sign // with their rules
	index   heldIndex
	cache   *excerptCache
	matched bool // the rules are those that it was collected with

	watcher *integrity.Watcher // the integrity events of its logs
}

// PartialEnding is the ending of the names of partial results.
const PartialEnding = partial.Ending

// isPartialName reports whether a file is called a partial result.
func isPartialName(path string) bool {
	return strings.HasSuffix(strings.ToLower(path), PartialEnding)
}

// partials asks for partial results.
func partials() source.Wanted {
	return source.Wanted{Kind: source.KindPartial, Match: func(prefix []byte, _ string) bool {
		return len(prefix) >= len(partial.Magic) && string(prefix[:len(partial.Magic)]) == partial.Magic
	}}
}

// addPartials adds the inputs of partial results, each part once. One that is
// not sound is left out and reported.
func (r *firstPass) addPartials(found []source.Input, version string) *source.OpenFiles {
	files := new(source.OpenFiles)
	var parts []*mergePart
	cache := newExcerptCache(len(r.readers))
	for i := range found {
		if found[i].Kind != source.KindPartial {
			continue
		}
		list, err := openPartial(files, &found[i], cache)
		if err == nil {
			parts = append(parts, list...)
			continue
		}
		r.skipped = append(r.skipped, source.Skipped{Path: found[i].Path, Err: fmt.Errorf("partial result refused: %w", err), Unreadable: true})
	}
	slices.SortStableFunc(parts, func(a, b *mergePart) int { return slices.Compare(a.Sum[:], b.Sum[:]) })
	parts = slices.CompactFunc(parts, func(a, b *mergePart) bool { return a.Sum == b.Sum })
	for _, p := range parts {
		r.addPart(p, version)
	}
	slices.SortStableFunc(r.skipped, func(a, b source.Skipped) int { return source.ComparePaths(a.Path, b.Path) })
	slices.SortStableFunc(r.notes, func(a, b source.Note) int { return source.ComparePaths(a.Path, b.Path) })
	slices.SortStableFunc(r.others, func(a, b *otherInput) int { return source.ComparePaths(a.Path, b.Path) })
	slices.SortStableFunc(r.containers, func(a, b *input) int { return source.ComparePaths(a.Path, b.Path) })
	return files
}

// openPartial opens a partial result and reads of each part what it was made
// of.
func openPartial(files *source.OpenFiles, in *source.Input, cache *excerptCache) ([]*mergePart, error) {
	file, size, err := files.Add(*in)
	if err != nil {
		return nil, err
	}
	f, err := partial.Open(file, size)
	if err != nil {
		return nil, err
	}
	var list []*mergePart
	for _, p := range f.Parts {
		own := &mergePart{Part: p, file: in.Path, cache: cache}
		if err := own.read(sectionMeta, own.meta.code); err != nil {
			return nil, err
		}
		if err := own.read(sectionOthers, own.meta.codeOthers); err != nil {
			return nil, err
		}
		if err := own.readHeld(); err != nil {
			return nil, err
		}
		list = append(list, own)
	}
	return list, nil
}

// read reads a section that each part has once.
func (p *mergePart) read(kind partial.Kind, code func(*wire.Coder)) error {
	s := p.Only(kind)
	if s == nil {
		return fmt.Errorf("%w: section %d is missing", wire.ErrMalformed, kind)
	}
	return readSection(p.Part, s, code)
}

// readSection reads a section. An error of this program in doing so is one of
// the section.
func readSection(p *partial.Part, s *partial.Section, code func(*wire.Coder)) error {
	from, err := p.Open(s)
	if err != nil {
		return err
	}
	c := wire.NewStream(from, s.Size())
	err = cmp.Or(work.Guard(func() { code(c) }), c.End())
	return cmp.Or(err, from.Close())
}

// readHeld ties the sections with bytes of inputs to those.
func (p *mergePart) readHeld() error {
	if err := p.read(sectionHeldIndex, p.index.code); err != nil {
		return err
	}
	index := p.index.entries
	of := make(map[*source.Input]*heldContent)
	n := 0
	for i := range p.Sections {
		if p.Sections[i].Kind != sectionHeld {
			continue
		}
		if n == len(index) || !p.hold(of, &p.Sections[i], index[n]) {
			return fmt.Errorf("%w: index of contents", wire.ErrMalformed)
		}
		n++
	}
	beyond := func(n int) bool { return n < 0 || n >= len(p.meta.inputs) }
	if n < len(index) || slices.ContainsFunc(p.index.lacking, beyond) {
		return fmt.Errorf("%w: index of contents", wire.ErrMalformed)
	}
	for _, in := range p.meta.inputs {
		in.restore(of[&in.Input])
	}
	for _, in := range p.meta.others {
		h := cmp.Or(of[&in.Input], &heldContent{part: p.Part})
		in.Input = in.From(func() (*source.File, error) { return h.openWhole(in.fault) })
	}
	return nil
}

// hold notes what a section holds, and reports whether there is such an input.
func (p *mergePart) hold(of map[*source.Input]*heldContent, s *partial.Section, e heldEntry) bool {
	var in *source.Input
	switch {
	case e.number < 0:
		return false
	case e.other && e.number < len(p.meta.others):
		in = &p.meta.others[e.number].Input
		p.meta.others[e.number].cut = e.cut
	case !e.other && e.number < len(p.meta.inputs):
		in = &p.meta.inputs[e.number].Input
	default:
		return false
	}
	if of[in] == nil {
		of[in] = &heldContent{part: p.Part, cache: p.cache}
	}
	of[in].sections = append(of[in].sections, heldSection{s, e})
	return true
}

// restore makes an input one that is opened by what is held of it.
func (in *input) restore(h *heldContent) {
	if h == nil {
		h = new(heldContent)
	}
	in.held = h
	in.Input = in.From(func() (*source.File, error) {
		if in.evtx != nil && in.form != 0 {
			return h.openWhole("")
		}
		if in.evtx == nil {
			return nil, errNotHeld
		}
		return h.open(in.evtx.Size())
	})
	if in.err != nil && in.evtx == nil && in.kind.Name != "" {
		in.err = &otherKindError{in.promise(), in.kind, in.err}
	}
}

// addPart adds the inputs of a part.
func (r *firstPass) addPart(p *mergePart, version string) {
	p.meta.under()
	r.parts = append(r.parts, p)
	r.inputs = append(r.inputs, p.meta.inputs...)
	r.containers = append(r.containers, p.meta.containers...)
	r.others = append(r.others, p.meta.others...)
	r.skipped = append(r.skipped, p.meta.skipped...)
	r.notes = append(r.notes, p.meta.notes...)
	r.otherFiles += p.meta.otherFiles
	if p.meta.program != version && version != "" {
		r.notes = append(r.notes, source.Note{Path: p.file, Text: fmt.Sprintf("a part was collected by webshellscan %s, and is merged by %s", p.meta.program, version)})
	}
	if r.recover && !p.meta.recovered {
		r.notes = append(r.notes, source.Note{Path: p.file, Text: "a part was collected without --recover: its records that are no longer live were not read"})
	}
	if p.meta.interrupted {
		r.skipped = append(r.skipped, source.Skipped{Path: p.file, Err: errors.New("partial result of a run that was interrupted: not all of its inputs were read"), Unreadable: true})
	}
}

// readParts takes what the parts hold into the collectors. A part that is not
// sound is left out as a whole and reported.
func (r *firstPass) readParts() {
	waiting := slices.ContainsFunc(r.inputs, func(in *input) bool { return len(in.deferred) > 0 })
	failed := make([]error, len(r.parts))
	var pool sync.Mutex
	addDefinitions := func(defs *evtx.Definitions, chunks int) {
		pool.Lock()
		defer pool.Unlock()
		r.pool.AddDefinitions(defs, r.selection, chunks)
	}
	if !waiting {
		addDefinitions = nil
	}
	panics := work.Each(len(r.readers), len(r.parts), func(g, i int) { failed[i] = r.readPart(r.parts[i], r.collectors[g], addDefinitions) })
	for _, f := range panics {
		failed[f.Index] = f
	}
	var sound []*mergePart
	for i, p := range r.parts {
		if failed[i] != nil {
			r.refuse(p, failed[i])
			continue
		}
		sound = append(sound, p)
		r.watchers = append(r.watchers, p.watcher)
	}
	r.parts = sound
}

// readPart reads the sections of a part, and takes its rows once all of them
// are sound. addDefinitions gets the template definitions, and how many chunks
// the part tells of; it is nil if nothing waits for them.
func (r *firstPass) readPart(p *mergePart, into *proctree.Collector, addDefinitions func(defs *evtx.Definitions, chunks int)) error {
	chunks := 0
	for _, in := range p.meta.inputs {
		p.files = append(p.files, in.index)
		chunks += len(in.chunks)
	}
	p.watcher = integrity.NewWatcher(nil)
	if err := p.read(sectionWatched, func(c *wire.Coder) { integrity.Code(c, []*integrity.Watcher{p.watcher}, p.files) }); err != nil {
		return err
	}
	var rows proctree.Rows
	if err := p.read(sectionRows, func(c *wire.Coder) { rows.Code(c, r.texts, len(p.files)) }); err != nil {
		return err
	}
	if addDefinitions != nil {
		var defs evtx.Definitions
		if err := p.read(sectionDefinitions, defs.Code); err != nil {
			return err
		}
		addDefinitions(&defs, chunks)
	}
	into.AddRows(&rows, p.files)
	return nil
}

// refuse leaves out a part that is not sound: nothing of it was read.
func (r *firstPass) refuse(p *mergePart, err error) {
	err = fmt.Errorf("partial result refused: %w", err)
	r.skipped = append(r.skipped, source.Skipped{Path: p.file, Err: fmt.Errorf("a part of it: %w", err), Unreadable: true})
	for _, in := range p.meta.inputs {
		in.refuse(err)
	}
	r.otherFiles -= p.meta.otherFiles
	r.others = removeAll(r.others, p.meta.others)
	r.containers = removeAll(r.containers, p.meta.containers)
}

// removeAll returns a list without some of its elements.
func removeAll[T comparable](list, gone []T) []T {
	set := make(map[T]bool, len(gone))
	for _, e := range gone {
		set[e] = true
	}
	return slices.DeleteFunc(list, func(e T) bool { return set[e] })
}

// refuse makes the input one of which nothing was read.
func (in *input) refuse(err error) {
	in.err, in.evtx, in.held, in.form = err, nil, new(heldContent), export.None
	in.stats, in.faults, in.missing, in.exported = evtx.Stats{}, integrity.FaultLog{}, evtx.Missing{}, export.Result{}
	in.deferred, in.chunks, in.order, in.crashes = nil, nil, nil, nil
	in.changed, in.exportErr, in.sum, in.sumErr = nil, nil, "", nil
}

// matchHeld adds the signs of servers that the parts name, and the records that
// rules about events match: those that were found when a part was collected,
// or, with other rules, those of what the part holds. given says that the plan
// has others than the rules of this version.
func (r *firstPass) matchHeld(ctx context.Context, plan *eventrule.Plan, given bool, version string) {
	servers, keys := plan.Rules(), plan.RuleKeys()
	if given {
		r.noteUnasked(keys)
	}
	var with []*input
	for _, p := range r.parts {
		p.signs = eventrule.WithRules(p.meta.signs, servers)
		if p.matched = !given && p.meta.program == version && slices.Equal(p.meta.rules, keys); p.matched {
			continue
		}
		for _, in := range p.meta.inputs {
			if in.err == nil && len(in.held.sections) > 0 {
				with = append(with, in)
			}
		}
	}
	for _, f := range work.Each(len(r.readers), len(with), func(g, i int) { r.readers[g].matchHeld(ctx, r, with[i]) }) {
		with[f.Index].crash(evtx.Part{End: with[f.Index].Size}, f)
	}
}

// noteUnasked notes how many parts were collected without some of the rules
// about events, given by their keys (eventrule.Plan.RuleKeys): what only those
// match is not in them.
func (r *firstPass) noteUnasked(keys []string) {
	var files []string
	most := 0
	for _, p := range r.parts {
		lacking := 0
		for _, key := range keys {
			if !eventrule.HasRule(p.meta.rules, key) {
				lacking++
			}
		}
		if most = max(most, lacking); lacking > 0 {
			files = append(files, p.file)
		}
	}
	if len(files) == 0 {
		return
	}
	r.notes = append(r.notes, source.Note{Path: slices.MinFunc(files, source.ComparePaths), Text: fmt.Sprintf(
		"%s collected without %s about other events than the creation of processes: of what those match only what is held for other reasons is seen",
		plural.Count(len(files), "part was", "parts were"), plural.Count(most, "rule"))})
}

// matchHeld matches what is held of one input.
func (w *partReader) matchHeld(ctx context.Context, r *firstPass, in *input) {
	again := &storyPass{reading: r}
	signs := len(w.events.Signs.List)
	w.events.Begin()
	add := func(ev *event.Event) { w.events.Add(ev) }
	if in.form != export.None {
		again.readExport(ctx, in, w.want, add)
	} else {
		of := int64(-1)
		for i := range in.held.sections {
			for _, at := range in.held.sections[i].chunks {
				if part := at / evtx.DefaultPartSize; part != of {
					w.events.Begin()
					of = part
				}
				again.readChunks(ctx, in, in.chunksAt(at), w.reader, add)
			}
		}
	}
	w.events.Signs.List = w.events.Signs.List[:signs] // the part has them
}

// addHits adds the records that rules matched when the part was collected.
func (p *mergePart) addHits(r *firstPass) {
	for _, at := range p.inScan(p.meta.hits) {
		r.hits[at] = true
	}
	list := make(map[string]*eventrule.Traced, len(p.meta.traced))
	for computer, t := range p.meta.traced {
		list[computer] = &eventrule.Traced{Places: p.inScan(t.Places), Lost: t.Lost}
	}
	r.addTraced(list)
}

// inScan returns places with the numbers that their inputs have in the scan.
func (p *mergePart) inScan(places []event.Place) []event.Place {
	list := make([]event.Place, len(places))
	for i, at := range places {
		list[i] = event.Place{File: p.files[at.File], Offset: at.Offset}
	}
	return list
}

// chunksAt returns the chunk at an offset.
func (in *input) chunksAt(at int64) []evtx.Chunk {
	i, ok := slices.BinarySearchFunc(in.chunks, at, func(c evtx.Chunk, at int64) int { return cmp.Compare(c.Offset, at) })
	if !ok {
		return []evtx.Chunk{{Offset: at}}
	}
	return in.chunks[i : i+1]
}
