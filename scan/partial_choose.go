package scan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"webshellscan/internal/wire"
	"webshellscan/internal/work"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
)

// holder finds out what a partial result has to hold.
type holder struct {
	reading *firstPass
	index   *story.Index
	forest  *proctree.Forest
	since   event.Time
	spare   int64        // bytes of maxSpare that are left
	active  map[int]bool // hosts with sessions
	unseen  map[int]bool // hosts without process creations
	unheld  map[int]bool // inputs of which not all that was wanted is held
	wanted  inputOffsets // of records
	whole   inputOffsets // of chunks
}

// newHolder returns the holder for all servers below which something ran: which
// of them have sessions is decided by the rules, when all parts are together.
func newHolder(r *firstPass, forest *proctree.Forest, servers *serverMap) *holder {
	h := &holder{
		reading: r, forest: forest, active: make(map[int]bool), unseen: make(map[int]bool), unheld: make(map[int]bool), since: noSession, spare: maxSpare,
		wanted: make(inputOffsets), whole: make(inputOffsets),
	}
	var list []*finding.Session
	byWorker := make(map[proctree.Process]*finding.Session)
	for host, about := range forest.Hosts() {
		h.unseen[host] = about.Events.SysmonCreate+about.Events.SecurityCreate == 0
		for p := range forest.Processes(host) {
			w := servers.workerOf(p)
			if w.Exists() || servers.serverOf(p).kind != finding.ServerNone {
				h.wantRecords(p)
			}
			if !w.Exists() {
				continue
			}
			s := byWorker[w]
			if s == nil {
				s = &finding.Session{Worker: w, First: noSession, Application: story.ApplicationPool(forest.Texts(), w)}
				byWorker[w] = s
				list = append(list, s)
				h.active[host] = true
			}
			if start := p.Start(); start != 0 {
				s.First = min(s.First, start)
			}
		}
	}
	r.addTraceHits(blindNames(forest.Hosts()))
	for place := range r.hits {
		h.wanted.add(place.File, place.Offset)
	}
	for place := range r.came {
		h.wanted.add(place.File, place.Offset)
	}
	for _, in := range r.inputs {
		for _, d := range in.deferred {
			h.whole.add(in.index, d.Chunk)
		}
	}
	h.wanted.sort()
	h.whole.sort()
	h.index = story.NewIndex(forest, nil)
	if p := newStoryPass(r, nil, forest, servers, list); p != nil {
		h.index, h.since = p.index, p.since
	}
	return h
}

// inputOffsets are places in inputs, in bytes from their starts, ascending once
// they are sorted.
type inputOffsets map[uint32][]int64

func (o inputOffsets) add(file uint32, offset int64) { o[file] = append(o[file], offset) }

// sort sorts the offsets and leaves each once.
func (o inputOffsets) sort() {
	for file, list := range o {
		slices.Sort(list)
		o[file] = slices.Compact(list)
	}
}

// within returns the offsets in an input from one place up to another.
func (o inputOffsets) within(file uint32, from, to int64) []int64 {
	list := o[file]
	first, _ := slices.BinarySearch(list, from)
	end, _ := slices.BinarySearch(list, to)
	return list[first:max(first, end)]
}

// in returns the offsets in a chunk of an input.
func (o inputOffsets) in(file uint32, chunk int64) []int64 {
	return o.within(file, chunk, chunk+evtx.ChunkSize)
}

// has reports whether an offset is one of those in an input.
func (o inputOffsets) has(file uint32, offset int64) bool {
	_, ok := slices.BinarySearch(o[file], offset)
	return ok
}

// maxRecords bounds the records that are held of one process: a log that was
// copied a hundred times has each as often.
const maxRecords = 16

// wantRecords adds the records that a finding names: the first is the one that
// the second decoder decodes.
func (h *holder) wantRecords(p proctree.Process) {
	n := 0
	for r := range p.Records() {
		h.wanted.add(r.Place().File, r.Place().Offset)
		if n++; n == maxRecords {
			return
		}
	}
}

// heldUnit is some chunks of one input.
type heldUnit struct {
	in     *input
	chunks []evtx.Chunk
}

// units divides what to hold of logs, in the order of inputs and chunks.
func (h *holder) units() []heldUnit {
	var units []heldUnit
	for _, in := range h.reading.inputs {
		if in.err != nil || in.evtx == nil || in.form != export.None {
			continue
		}
		for chunks := range slices.Chunk(h.chunksOf(in), storyUnitChunks) {
			units = append(units, heldUnit{in, chunks})
		}
	}
	return units
}

// chunksOf returns the chunks of a log that need a look, ascending.
func (h *holder) chunksOf(in *input) []evtx.Chunk {
	known := slices.Clone(in.chunks)
	for _, offset := range h.whole[in.index] {
		known = append(known, evtx.Chunk{Offset: offset})
	}
	slices.SortStableFunc(known, func(a, b evtx.Chunk) int { return cmp.Compare(a.Offset, b.Offset) })
	known = slices.CompactFunc(known, func(a, b evtx.Chunk) bool { return a.Offset == b.Offset })
	return slices.DeleteFunc(known, func(c evtx.Chunk) bool {
		return len(h.wanted.in(in.index, c.Offset)) == 0 && !h.whole.has(in.index, c.Offset) && !h.mayHoldStory(in, c)
	})
}

// mayHoldStory reports whether a chunk may hold events of a story.
func (h *holder) mayHoldStory(in *input, c evtx.Chunk) bool {
	if h.isUnseen(in) {
		return in.stats.Records <= maxApart
	}
	early := c.Latest != 0 && c.Latest < h.since-storySlack
	return h.since != noSession && !early && h.is(in, h.active)
}

// maxApart bounds the logs, in records, of which all events are held that may
// be of a story, for hosts whose processes another part may have.
const maxApart = 8192

// is reports whether an input has records of one of some hosts.
func (h *holder) is(in *input, hosts map[int]bool) bool {
	for name := range in.stats.Hosts {
		if host := h.index.Host(name); host >= 0 && hosts[host] {
			return true
		}
	}
	return false
}

// isUnseen reports whether an input has records of hosts of which this part has
// no processes.
func (h *holder) isUnseen(in *input) bool { return h.is(in, h.unseen) }

// mayBeOfStory reports whether an event may be of a story.
func (h *holder) mayBeOfStory(in *input, ev *event.Event) bool {
	if h.index.MayBeOfStory(ev) {
		return true
	}
	host := h.index.Host(ev.Computer.String())
	return host >= 0 && h.unseen[host] && in.stats.Records <= maxApart && story.IsOfStory(ev)
}

// holdReader reads units of what to hold. It is for one goroutine.
type holdReader struct {
	*holder
	seen    *evtx.Reader // of hosts whose processes are known: it decodes no event that they cannot be of
	unknown *evtx.Reader // of others
	decoder *evtx.Decoder
}

// hold reads what to hold of a unit. What it cannot read the input loses.
func (w *holdReader) hold(ctx context.Context, u heldUnit) []evtx.Excerpt {
	file, err := u.in.Open()
	if err != nil {
		u.in.lose(u.chunks[0].Offset, err)
		return nil
	}
	defer func() { _ = file.Close() }() // it was only read
	ofStory := w.storyRecords(ctx, u, file)
	var list []evtx.Excerpt
	chunk := make([]byte, evtx.ChunkSize)
	for _, c := range u.chunks {
		records, whole := ofStory[c.Offset], w.whole.has(u.in.index, c.Offset)
		for _, at := range w.wanted.in(u.in.index, c.Offset) {
			records = append(records, int(at-c.Offset))
		}
		if len(records) == 0 && !whole {
			continue
		}
		n, err := file.ReadAt(chunk, c.Offset)
		if err != nil && !errors.Is(err, io.EOF) {
			u.in.unread(c.Offset+int64(n), err)
			continue
		}
		slices.Sort(records)
		list = append(list, w.decoder.NewExcerpt(chunk[:n], c.Offset, slices.Compact(records), whole))
	}
	return list
}

// storyRecords returns which records of the chunks of a unit may be of a story:
// their offsets in the chunk, by that of the chunk.
func (w *holdReader) storyRecords(ctx context.Context, u heldUnit, file *source.File) map[int64][]int {
	records := make(map[int64][]int)
	reader := w.seen
	if w.isUnseen(u.in) {
		reader = w.unknown
	}
	chunks := slices.DeleteFunc(slices.Clone(u.chunks), func(c evtx.Chunk) bool { return !w.mayHoldStory(u.in, c) })
	for ev, err := range reader.Chunks(u.in.evtx.From(file), chunks, &w.reading.pool).Events(ctx) {
		if ev == nil {
			u.in.unreadFault(err)
		} else if w.mayBeOfStory(u.in, ev) {
			records[ev.Place.Chunk] = append(records[ev.Place.Chunk], int(ev.Place.Offset-ev.Place.Chunk))
		}
	}
	return records
}

// holdFunc writes a section of what is held, and returns its size in bytes.
type holdFunc func(e heldEntry, from io.Reader) (int64, error)

// logs writes the sections of the logs, with several goroutines. The panics are
// errors of this program.
func (h *holder) logs(ctx context.Context, hold holdFunc) (panics []*work.Panic, err error) {
	readers := make([]*holdReader, max(1, h.reading.goroutines))
	selection := evtx.Select(story.Want())
	for i := range readers {
		readers[i] = &holdReader{h, evtx.NewReader(selection), evtx.NewReader(selection), evtx.NewDecoder(evtx.NewSelection(nil))}
		readers[i].seen.Gate(story.NewCollector(h.index, nil, nil))
	}
	for units := range slices.Chunk(h.units(), 4*len(readers)) {
		lists := make([][]evtx.Excerpt, len(units))
		panicked := work.Each(len(readers), len(units), func(g, i int) { lists[i] = readers[g].hold(ctx, units[i]) })
		for _, f := range panicked {
			h.unheld[int(units[f.Index].in.index)] = true
		}
		panics = append(panics, panicked...)
		for i, list := range lists {
			if len(list) == 0 {
				continue
			}
			entry := heldEntry{number: int(units[i].in.index)}
			for _, x := range list {
				entry.chunks = append(entry.chunks, x.Offset)
			}
			c := wire.NewWriter()
			evtx.CodeExcerpts(c, &list)
			if _, err := hold(entry, bytes.NewReader(c.Data())); err != nil {
				return panics, err
			}
		}
	}
	return panics, nil
}

// Bounds of what is held of one input, in bytes.
const (
	maxWhole = 512 << 20 // whole
	maxLook  = 64 << 10  // of a web log that nobody may ask for, for its format and its names
	// maxSpare bounds the web logs and exports of a part that are held
	// whole for hosts whose processes another part may have.
	maxSpare = 8 << 20
)

// exports writes the sections of the exports.
func (h *holder) exports(hold holdFunc) {
	for _, in := range h.reading.inputs {
		if in.err != nil || in.form == export.None {
			continue
		}
		most := int64(maxWhole)
		if !h.is(in, h.active) && len(h.wanted[in.index]) == 0 {
			if most = h.spare; !h.isUnseen(in) {
				continue
			}
		}
		n, err := h.export(in, most, hold)
		if err != nil {
			in.lose(n, err)
		}
		h.spend(most, n)
	}
}

// export writes the section of an export, unless it has more bytes than most.
func (h *holder) export(in *input, most int64, hold holdFunc) (n int64, err error) {
	file, err := in.Open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // it was only read
	if file.Size() > most {
		h.unheld[int(in.index)] = true
		return 0, nil
	}
	return hold(heldEntry{number: int(in.index), whole: true}, io.NewSectionReader(file, 0, file.Size()))
}

// spend subtracts bytes from spare, if they were bounded by it.
func (h *holder) spend(most, n int64) {
	if most == h.spare {
		h.spare -= n
	}
}

// about sets in an index of what is held the hosts whose processes the part
// has, and what it lacks.
func (h *holder) about(index *heldIndex) {
	held := make(map[int]bool)
	for _, e := range index.entries {
		held[e.number] = held[e.number] || !e.other
	}
	for host, about := range h.forest.Hosts() {
		if !h.unseen[host] {
			index.seen = append(index.seen, about.Names...)
		}
	}
	slices.Sort(index.seen)
	for i, in := range h.reading.inputs {
		apart := in.err == nil && h.isUnseen(in) && !held[i] && (in.form != export.None || in.stats.Records > maxApart)
		if apart || h.unheld[i] || in.lost != nil {
			index.lacking = append(index.lacking, i)
		}
	}
}

// others writes the sections of web logs and configurations: of hosts with
// sessions whole, of the others what is spare, or the beginning. It returns
// which could not be read.
func (h *holder) others(res *Result, list []*otherInput, hold holdFunc) (failed []FileError) {
	if len(list) == 0 {
		return nil
	}
	res.web.AddEventLogs(res.eventLogs(nil))
	for i, in := range list {
		most := int64(maxWhole)
		if in.Kind == source.KindWebLog {
			host, bytes := res.web.HostOf(in.Input)
			if in.Size = bytes; host < 0 || !h.active[host] {
				most = h.spare
			}
		}
		file, err := in.Open()
		if err != nil {
			failed = append(failed, FileError{in.Path, err}) // the merge reports it too, as nothing is held
			continue
		}
		e, size := heldEntry{other: true, number: i, whole: true}, file.Size()
		if size > most {
			e.cut, size = size > maxLook, min(size, maxLook)
		}
		text := file.Content()
		n, err := hold(e, io.LimitReader(text, size))
		if fault := errors.Join(text.Fault(), file.Changed(in.Input)); fault != nil {
			in.fault = fault.Error()
		}
		switch {
		case err != nil:
			failed = append(failed, FileError{in.Path, err})
		case !e.cut:
			h.spend(most, n)
		}
		_ = file.Close() // it was only read
	}
	return failed
}
