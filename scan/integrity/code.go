package integrity

import (
	"cmp"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// Code writes what the watchers kept, which stay as they are, or adds what it
// reads to the first of them. files are the numbers of the inputs by those that
// were written.
func Code(c *wire.Coder, watchers []*Watcher, files []uint32) {
	var w Watcher
	if c.Writing() {
		w.events, w.more = mergeWatched(watchers)
	}
	wire.List(c, &w.events, 20, func(e *logEvent) { e.code(c, files) })
	wire.Map(c, &w.more, 3, compareMore, func(k *moreEvents, n *int) {
		k.file = codeFile(c, k.file, files)
		if wire.Num(c, &k.kind); k.kind >= numWatchKinds {
			c.Fail("kind")
		}
		wire.Count(c, n)
	})
	if c.Writing() || c.Err() != nil {
		return
	}
	first := watchers[0]
	first.events = append(first.events, w.events...)
	for key, n := range w.more {
		first.more[key] += n
	}
}

func compareMore(a, b moreEvents) int {
	return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.kind, b.kind))
}

// code writes or reads one event.
func (e *logEvent) code(c *wire.Coder, files []uint32) {
	if wire.Num(c, &e.kind); e.kind == watchNone || e.kind >= numWatchKinds {
		c.Fail("kind")
	}
	e.place.File = codeFile(c, e.place.File, files)
	wire.Num(c, &e.place.Offset)
	wire.Num(c, &e.place.Chunk)
	c.Uint(&e.place.HeaderID)
	for _, t := range []*event.Time{&e.at, &e.before, &e.after, &e.last} {
		wire.Num(c, t)
	}
	c.Uint(&e.recordID)
	wire.Num(c, &e.eventID)
	for _, text := range []*string{&e.computer, &e.channel, &e.subject, &e.what, &e.extra, &e.counterText} {
		c.Text(text)
	}
	wire.Num(c, &e.marks)
	wire.Count(c, &e.repeats)
	wire.Count(c, &e.dropped)
}

// codeFile codes the number of an input.
func codeFile(c *wire.Coder, file uint32, files []uint32) uint32 {
	wire.Num(c, &file)
	switch {
	case c.Writing():
		return file
	case int64(file) >= int64(len(files)):
		c.Fail("input")
		return 0
	}
	return files[file]
}

// Code writes or reads the faults.
func (l *FaultLog) Code(c *wire.Coder) {
	wire.Counts(c, &l.counts)
	if wire.Count(c, &l.missing); l.missing > maxMissing {
		c.Fail("missing identifiers")
	}
	if c.Writing() {
		l.Kept()
	}
	if wire.List(c, &l.first, 10, func(f **evtx.FormatError) { evtx.CodeFault(c, f) }); len(l.first) > maxFaults*len(l.counts) {
		c.Fail("more faults than were counted")
	}
}
