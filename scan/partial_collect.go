package scan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/integrity"
	"webshellscan/scan/partial"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/webrequest"
)

// Collected is what a partial result was made of.
type Collected struct {
	// Summary is that of a scan, without what matching rules adds.
	Summary Summary
	// Crashes are errors of this program, in words.
	Crashes []string
}

// ErrIsPartial is the error of Collect for an input that is a partial result
// already.
var ErrIsPartial = errors.New("is a partial result already: partial results are put together by merge")

// Collect reads logs as Scan does and writes what reading leaves behind as a
// partial result, which Scan accepts in place of the logs, on any machine and
// together with others. The rules of options decide which events besides those
// of processes are kept; nothing is found yet. The error says that there was
// nothing to read, or that the partial result could not be written.
func Collect(ctx context.Context, options Options, label string, out io.Writer) (*Collected, error) {
	found, err := options.find(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }() // what is left of temporary files is no evidence
	for _, in := range found.Others {
		if in.Kind == source.KindPartial {
			return nil, fmt.Errorf("%s %w", in.Path, ErrIsPartial)
		}
	}
	return collectFound(ctx, &found, &options, label, out)
}

// collectFound is Collect for what was found.
func collectFound(ctx context.Context, found *source.Found, options *Options, label string, out io.Writer) (*Collected, error) {
	rest := context.WithoutCancel(ctx)
	toRead, stop := context.WithCancel(ctx)
	defer stop()
	sets := startLoading(rest, options, stop)
	reading := newFirstPass(found, options)
	reading.number()
	reading.planEvents(sets, len(options.Rules.Paths) > 0)
	reading.events.KeepArrivals(webrequest.Key)
	reading.collect(toRead)
	loaded := <-sets.done
	if loaded.err != nil {
		return nil, loaded.err
	}
	reading.hashContainers(ctx)
	reading.gather()
	w, err := partial.NewWriter()
	if err != nil {
		return nil, err
	}
	c := &collecting{reading: reading, writer: w, loaded: loaded, plan: sets.plan(), options: options}
	if err := c.rows(); err != nil {
		return nil, err
	}
	// From here on inputs change: what waits is read, so that servers are
	// known. A user who wants no more to be read from here on misses
	// nothing.
	c.result.Summary.Interrupted = context.Cause(ctx)
	meta, err := c.meta(label, c.result.Summary.Interrupted != nil)
	if err != nil {
		return nil, err
	}
	if err := c.held(rest, meta); err != nil {
		return nil, err
	}
	_, err = w.WriteTo(out)
	return &c.result, err
}

// collecting is a partial result on its way.
type collecting struct {
	reading *firstPass
	writer  *partial.Writer
	loaded  *loadedRules
	plan    *eventrule.Plan // that events were matched with
	options *Options
	result  Collected
}

// add writes a section.
func (c *collecting) add(kind partial.Kind, code func(*wire.Coder)) error {
	w := wire.NewWriter()
	code(w)
	_, err := c.writer.Add(kind, bytes.NewReader(w.Data()))
	return cmp.Or(w.Err(), err)
}

// rows writes what the collectors and the watchers kept, and the definitions.
func (c *collecting) rows() error {
	r := c.reading
	// Files that are nothing to a scan are only counted: the others are
	// numbered without them.
	numbers := make([]uint32, len(r.inputs))
	for i, in := range r.inputs {
		numbers[i] = in.index
	}
	return errors.Join(
		c.add(sectionRows, func(w *wire.Coder) { proctree.CollectedRows(r.collectors, r.texts).Code(w, r.texts, len(numbers)) }),
		c.add(sectionWatched, func(w *wire.Coder) { integrity.Code(w, r.watchers, numbers) }),
		c.add(sectionDefinitions, r.pool.Definitions().Code),
	)
}

// meta returns what the part says of itself as it is now, and writes it.
func (c *collecting) meta(label string, interrupted bool) ([]byte, error) {
	r := c.reading
	m := partMeta{
		program: c.options.Version, label: label, hashed: r.hash, interrupted: interrupted, recovered: r.recover, otherFiles: r.otherFiles, hitsLost: r.hitsLost,
		inputs: r.inputs, containers: r.containers, skipped: r.skipped, notes: r.notes, signs: r.signs,
	}
	m.rules = c.plan.RuleKeys()
	m.hits = slices.SortedFunc(maps.Keys(r.hits), comparePlaces)
	for _, t := range r.traced {
		slices.SortFunc(t.Places, comparePlaces)
	}
	m.traced = r.traced
	slices.SortFunc(m.signs, eventrule.CompareSigns)
	m.cutPlaces()
	w := wire.NewWriter()
	m.code(w)
	return w.Data(), w.Err()
}

func comparePlaces(a, b event.Place) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
}

// held writes the bytes that are read a second time once all parts are
// together, and before them meta.
func (c *collecting) held(ctx context.Context, meta []byte) error {
	r := c.reading
	r.resolve(ctx)
	forest, err := proctree.Build(ctx, r.texts, r.collectors, r.computers(), r.goroutines)
	if err != nil {
		return err
	}
	servers := newServerMap(forest, c.loaded.rules.Servers, r.signs, r.goroutines)
	res := &Result{Forest: forest, Rules: c.loaded.rules, inputs: r.inputs, servers: servers, web: webrequest.New(forest, false)}
	h := newHolder(r, forest, servers)
	if _, err := c.writer.Add(sectionMeta, bytes.NewReader(meta)); err != nil {
		return err
	}
	var index heldIndex
	hold := func(e heldEntry, from io.Reader) (int64, error) {
		n, err := c.writer.Add(sectionHeld, from)
		if err == nil {
			index.entries = append(index.entries, e)
		}
		return n, err
	}
	panics, err := h.logs(ctx, hold)
	if err != nil {
		return err
	}
	for _, f := range panics {
		c.result.Crashes = append(c.result.Crashes, f.Error())
	}
	h.exports(hold)
	failed := h.others(res, r.others, hold)
	others := partMeta{others: r.others}
	if err := c.add(sectionOthers, others.codeOthers); err != nil {
		return err
	}
	interrupted := c.result.Summary.Interrupted
	c.result.Summary = summarize(r, forest, c.loaded.rules)
	c.result.Summary.Interrupted = interrupted
	c.result.Summary.unreadable(failed...)
	h.about(&index)
	return c.add(sectionHeldIndex, index.code)
}

// MergePartials writes the parts of several partial results as one partial
// result, each part once. Paths name files or folders. Refused lists the files
// that are not sound, each with the reason.
func MergePartials(ctx context.Context, paths []string, out io.Writer) (refused []FileError, err error) {
	found, err := source.Find(ctx, paths, SourceOptions{Wanted: []source.Wanted{partials()}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }() // what is left of temporary files is no evidence
	files := new(source.OpenFiles)
	defer files.Close()
	var parts []*partial.Part
	for _, s := range found.Skipped {
		if s.Unreadable {
			refused = append(refused, FileError{s.Path, s.Err})
		}
	}
	for i := range found.Inputs {
		if in := &found.Inputs[i]; in.Named || isPartialName(in.Path) {
			refused = append(refused, FileError{in.Path, partial.ErrMagic})
		}
	}
	for i := range found.Others {
		in := &found.Others[i]
		list, err := openPartial(files, in, nil)
		if err != nil {
			refused = append(refused, FileError{in.Path, err})
		}
		for _, p := range list {
			parts = append(parts, p.Part)
		}
	}
	return refused, partial.Write(out, parts)
}
