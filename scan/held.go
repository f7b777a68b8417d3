package scan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"webshellscan/internal/wire"
	"webshellscan/internal/work"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/finding"
	"webshellscan/scan/partial"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
)

// A partial result holds bytes of the inputs for what is read a second time once
// all parts are together: of logs those records that a report may name and the
// chunks of records that wait for a definition, of exports and web logs the whole.

// heldEntry says what a section with bytes of an input holds.
type heldEntry struct {
	other  bool // of an otherInput
	number int  // of the input
	whole  bool // it is the input's content, and not excerpts of chunks
	cut    bool // it is no more than the beginning of it
	chunks []int64
}

// heldIndex says what of a part is held, and what is not.
type heldIndex struct {
	entries []heldEntry
	// seen are the names of the hosts whose process creations the part has.
	seen []string
	// lacking are the numbers of the inputs of which something was to be held and is
	// not: those that are too large, also for what another part may know of their
	// hosts, and those that could not be read a second time.
	lacking []int
}

func (x *heldIndex) code(c *wire.Coder) {
	wire.List(c, &x.entries, 5, func(e *heldEntry) {
		c.Bool(&e.other)
		wire.Num(c, &e.number)
		c.Bool(&e.whole)
		c.Bool(&e.cut)
		at, before := int64(0), int64(-1)
		wire.List(c, &e.chunks, 1, func(offset *int64) {
			if wire.Delta(c, &at, offset); *offset <= before {
				c.Fail("order of chunks")
			}
			before = *offset
		})
	})
	c.Texts(&x.seen)
	wire.List(c, &x.lacking, 1, func(n *int) { wire.Num(c, n) })
}

// Why bytes of an input are not there.
var (
	errNotHeld = errors.New("the partial result does not hold its content")
	errRecord  = errors.New("the partial result does not hold the record")
)

// heldContent is what a partial result holds of one input.
type heldContent struct {
	part     *partial.Part
	sections []heldSection
	cache    *excerptCache
}

type heldSection struct {
	*partial.Section
	heldEntry
}

// has reports whether there is something of a chunk.
func (h *heldContent) has(chunk int64) bool { return h.sectionOf(chunk) != nil }

func (h *heldContent) sectionOf(chunk int64) *heldSection {
	for i := range h.sections {
		if _, ok := slices.BinarySearch(h.sections[i].chunks, chunk); ok {
			return &h.sections[i]
		}
	}
	return nil
}

// excerpt returns what there is of a chunk, nil if no section is to have something.
func (h *heldContent) excerpt(chunk int64) (*evtx.Excerpt, error) {
	s := h.sectionOf(chunk)
	if s == nil {
		return nil, nil
	}
	list, err := h.cache.of(h.part, s.Section)
	if err != nil {
		return nil, err
	}
	i, ok := slices.BinarySearchFunc(list, chunk, func(x evtx.Excerpt, at int64) int { return cmp.Compare(x.Offset, at) })
	if !ok {
		return nil, errNotHeld
	}
	return &list[i], nil
}

// maxExcerpts bounds what one section with excerpts unpacks to, in bytes.
const maxExcerpts = storyUnitChunks*(evtx.ChunkSize+1<<10) + 1<<10

// excerptCache keeps the excerpts of the sections that were asked for last, of any
// input, or why they cannot be had. It is safe for several goroutines: one that
// unpacks a section keeps only those waiting that want the same.
type excerptCache struct {
	mu   sync.Mutex
	room int               // for so many sections
	last []*cachedExcerpts // the newest first
}

type cachedExcerpts struct {
	section *partial.Section
	once    sync.Once
	list    []evtx.Excerpt
	err     error
}

// newExcerptCache returns a cache with room for what some goroutines read.
func newExcerptCache(goroutines int) *excerptCache {
	return &excerptCache{room: 4 + 2*goroutines}
}

// of returns the excerpts of a section, which must stay as they are.
func (c *excerptCache) of(part *partial.Part, s *partial.Section) ([]evtx.Excerpt, error) {
	k := c.entry(s)
	k.once.Do(func() {
		if s.Size() > maxExcerpts {
			k.err = fmt.Errorf("%w: records of %d bytes", wire.ErrMalformed, s.Size())
			return
		}
		k.err = readSection(part, s, func(c *wire.Coder) { evtx.CodeExcerpts(c, &k.list) })
	})
	return k.list, k.err
}

// entry returns what is kept of a section, first in the order, and makes it if
// there is none.
func (c *excerptCache) entry(s *partial.Section) *cachedExcerpts {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.last, func(k *cachedExcerpts) bool { return k.section == s })
	if i < 0 {
		c.last = append(c.last[:min(len(c.last), c.room-1)], &cachedExcerpts{section: s})
		i = len(c.last) - 1
	}
	k := c.last[i]
	copy(c.last[1:i+1], c.last[:i])
	c.last[0] = k
	return k
}

// holds reports whether a record is there.
func (h *heldContent) holds(place event.Place) bool {
	x, err := h.excerpt(place.Chunk)
	return err == nil && x != nil && x.Holds(place.Offset)
}

// open opens what is held of a log of size bytes.
func (h *heldContent) open(size int64) (*source.File, error) {
	return source.NewFile(&heldLog{h, size}, size, nil, nil), nil
}

// openWhole opens what is held of another input.
func (h *heldContent) openWhole(fault string) (*source.File, error) {
	if len(h.sections) != 1 || !h.sections[0].whole {
		return nil, errNotHeld
	}
	var err error
	if fault != "" {
		err = errors.New(fault)
	}
	whole := &content{part: h.part, section: h.sections[0].Section}
	return source.NewFile(whole, whole.section.Size(), err, whole.Close), nil
}

// content is an input that a section holds whole. It is unpacked as it is read, from
// the start again if something before is wanted.
type content struct {
	part    *partial.Part
	section *partial.Section
	mu      sync.Mutex
	reader  *partial.Reader // nil if it is not open
	at      int64           // where the reader is
}

// ReadAt implements io.ReaderAt.
func (c *content) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= c.section.Size() {
		return 0, io.EOF
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.seek(off); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(c.reader, b)
	if c.at += int64(n); errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// seek puts the reader at an offset.
func (c *content) seek(off int64) error {
	if c.reader != nil && c.at > off {
		if err := c.close(); err != nil {
			return err
		}
	}
	if c.reader == nil {
		var err error
		if c.reader, err = c.part.Open(c.section); err != nil {
			return err
		}
		c.at = 0
	}
	n, err := io.CopyN(io.Discard, c.reader, off-c.at)
	c.at += n
	return err
}

// Close ends the reading.
func (c *content) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.close()
}

func (c *content) close() error {
	if c.reader == nil {
		return nil
	}
	err := c.reader.Close()
	c.reader = nil
	return err
}

// heldLog is a log of which some chunks are held. The others read as zeros.
type heldLog struct {
	held *heldContent
	size int64
}

// ReadAt implements io.ReaderAt.
func (l *heldLog) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= l.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), l.size-off))
	clear(b[:n])
	for i := range l.held.sections {
		chunks := l.held.sections[i].chunks
		first, _ := slices.BinarySearch(chunks, off-evtx.ChunkSize+1)
		for _, at := range chunks[first:] {
			if at >= off+int64(n) {
				break
			}
			if err := l.put(b[:n], off, at); err != nil {
				return 0, err
			}
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// put writes what is held of a chunk to its place in bytes that are read at an
// offset.
func (l *heldLog) put(b []byte, off, chunk int64) error {
	x, err := l.held.excerpt(chunk)
	if err != nil || x == nil {
		return err
	}
	at := int(chunk - off)
	if at >= 0 && len(b)-at >= evtx.ChunkSize {
		x.Chunk(b[at:])
		return nil
	}
	data := x.Chunk(make([]byte, evtx.ChunkSize))
	if at < 0 {
		data = data[min(-at, len(data)):]
	}
	copy(b[max(at, 0):], data)
	return nil
}

// holder finds out what a partial result has to hold.
type holder struct {
	reading *firstPass
	index   *story.Index
	forest  *proctree.Forest
	since   event.Time
	spare   int64                     // bytes of maxSpare that are left
	active  map[int]bool              // hosts with sessions
	unseen  map[int]bool              // hosts without process creations
	unheld  map[int]bool              // inputs of which not all is held that was to be
	wanted  map[uint32]map[int64]bool // offsets of records, by input
	whole   map[uint32]map[int64]bool // offsets of chunks
}

// newHolder returns the holder for all servers below which something ran: which of
// them have sessions is for the rules to say, when all parts are together.
func newHolder(r *firstPass, forest *proctree.Forest, servers *workerMap) *holder {
	h := &holder{
		reading: r, forest: forest, active: make(map[int]bool), unseen: make(map[int]bool), unheld: make(map[int]bool), since: noSession, spare: maxSpare,
		wanted: make(map[uint32]map[int64]bool), whole: make(map[uint32]map[int64]bool),
	}
	var list []*finding.Session
	byWorker := make(map[proctree.Process]*finding.Session)
	for host, about := range forest.Hosts() {
		h.unseen[host] = about.Events.SysmonCreate+about.Events.SecurityCreate == 0
		for p := range forest.Processes(host) {
			w := servers.workerOf(p)
			if w.Exists() || servers.told(p).kind != finding.ServerNone {
				h.wantRecords(p)
			}
			if !w.Exists() {
				continue
			}
			s := byWorker[w]
			if s == nil {
				s = &finding.Session{Worker: w, First: noSession, Application: applicationPool(forest.Texts(), w)}
				byWorker[w] = s
				list = append(list, s)
				h.active[host] = true
			}
			if start := p.Start(); start != 0 {
				s.First = min(s.First, start)
			}
		}
	}
	r.takeTraces(blindNames(forest.Hosts()))
	for place := range r.hits {
		h.want(place.File, place.Offset)
	}
	for place := range r.came {
		h.want(place.File, place.Offset)
	}
	for _, in := range r.inputs {
		for _, d := range in.deferred {
			put(h.whole, in.index, d.Chunk)
		}
	}
	h.index = story.NewIndex(forest, nil)
	if p := newStoryPass(r, nil, forest, servers, list); p != nil {
		h.index, h.since = p.index, p.since
	}
	return h
}

func put(to map[uint32]map[int64]bool, file uint32, offset int64) {
	if to[file] == nil {
		to[file] = make(map[int64]bool)
	}
	to[file][offset] = true
}

func (h *holder) want(file uint32, offset int64) { put(h.wanted, file, offset) }

// maxRecords bounds the records that are held of one process: a log that was copied
// a hundred times has each as often.
const maxRecords = 16

// wantRecords takes the records that a finding names: the first is the one that the
// second decoder is asked about.
func (h *holder) wantRecords(p proctree.Process) {
	n := 0
	for r := range p.Records() {
		h.want(r.Place().File, r.Place().Offset)
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

// units divides what is to be held of logs, in the order of inputs and chunks.
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

// chunksOf returns the chunks of a log that are to be looked at, ascending.
func (h *holder) chunksOf(in *input) []evtx.Chunk {
	known := slices.Clone(in.chunks)
	for offset := range h.whole[in.index] {
		if !slices.ContainsFunc(known, func(c evtx.Chunk) bool { return c.Offset == offset }) {
			known = append(known, evtx.Chunk{Offset: offset})
		}
	}
	slices.SortFunc(known, func(a, b evtx.Chunk) int { return cmp.Compare(a.Offset, b.Offset) })
	known = slices.CompactFunc(known, func(a, b evtx.Chunk) bool { return a.Offset == b.Offset })
	wanted := make(map[int64]bool)
	for offset := range h.wanted[in.index] {
		if i, ok := chunkAt(known, offset); ok {
			wanted[known[i].Offset] = true
		}
	}
	return slices.DeleteFunc(known, func(c evtx.Chunk) bool {
		return !wanted[c.Offset] && !h.whole[in.index][c.Offset] && !h.tells(in, c)
	})
}

// chunkAt returns which of some chunks an offset of the file lies in.
func chunkAt(chunks []evtx.Chunk, offset int64) (int, bool) {
	i, ok := slices.BinarySearchFunc(chunks, offset, func(c evtx.Chunk, at int64) int { return cmp.Compare(c.Offset, at) })
	if !ok {
		i--
	}
	return i, i >= 0 && offset < chunks[i].Offset+evtx.ChunkSize
}

// tells reports whether a chunk may hold events of a story.
func (h *holder) tells(in *input, c evtx.Chunk) bool {
	if h.isUnseen(in) {
		return in.stats.Records <= maxApart
	}
	early := c.Latest != 0 && c.Latest < h.since-storySlack
	return h.since != noSession && !early && h.is(in, h.active)
}

// maxApart bounds the logs, in records, of which all events are held that may be
// of a story, for hosts of whose processes another part may tell.
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

// isUnseen reports whether an input has records of hosts whose processes nothing
// in this part tells of.
func (h *holder) isUnseen(in *input) bool { return h.is(in, h.unseen) }

// mayTell reports whether an event may be of a story.
func (h *holder) mayTell(in *input, ev *event.Event) bool {
	if h.index.MayTell(ev) {
		return true
	}
	host := h.index.Host(ev.Computer.String())
	return host >= 0 && h.unseen[host] && in.stats.Records <= maxApart && story.Tells(ev)
}

// holdWorker reads units of what is to be held. It is for one goroutine.
type holdWorker struct {
	*holder
	seen    *evtx.Reader // of hosts whose processes are known: it decodes no event that they cannot be of
	unknown *evtx.Reader // of others
	decoder *evtx.Decoder
}

// hold reads what is to be held of a unit. What it cannot read the input loses.
func (w *holdWorker) hold(ctx context.Context, u heldUnit) []evtx.Excerpt {
	file, err := u.in.Open()
	if err != nil {
		u.in.lose(u.chunks[0].Offset, err)
		return nil
	}
	defer func() { _ = file.Close() }() // it was only read
	offsets := w.offsetsIn(ctx, u, file)
	var list []evtx.Excerpt
	chunk := make([]byte, evtx.ChunkSize)
	for _, c := range u.chunks {
		whole := w.whole[u.in.index][c.Offset]
		if len(offsets[c.Offset]) == 0 && !whole {
			continue
		}
		n, err := file.ReadAt(chunk, c.Offset)
		if err != nil && !errors.Is(err, io.EOF) {
			u.in.unread(c.Offset+int64(n), err)
			continue
		}
		slices.Sort(offsets[c.Offset])
		list = append(list, w.decoder.NewExcerpt(chunk[:n], c.Offset, slices.Compact(offsets[c.Offset]), whole))
	}
	return list
}

// offsetsIn returns which records of the chunks of a unit are to be held: their
// offsets in the chunk, by that of the chunk.
func (w *holdWorker) offsetsIn(ctx context.Context, u heldUnit, file *source.File) map[int64][]int {
	offsets := make(map[int64][]int)
	for offset := range w.wanted[u.in.index] {
		if i, ok := chunkAt(u.chunks, offset); ok {
			at := u.chunks[i].Offset
			offsets[at] = append(offsets[at], int(offset-at))
		}
	}
	reader := w.seen
	if w.isUnseen(u.in) {
		reader = w.unknown
	}
	told := slices.DeleteFunc(slices.Clone(u.chunks), func(c evtx.Chunk) bool { return !w.tells(u.in, c) })
	for ev, err := range reader.Chunks(u.in.evtx.From(file), told, &w.reading.pool).Events(ctx) {
		if ev == nil {
			u.in.unreadFault(err)
		} else if w.mayTell(u.in, ev) {
			offsets[ev.Place.Chunk] = append(offsets[ev.Place.Chunk], int(ev.Place.Offset-ev.Place.Chunk))
		}
	}
	return offsets
}

// holdFunc takes a section of what is held, and returns how many bytes it has.
type holdFunc func(e heldEntry, from io.Reader) (int64, error)

// logs gives the sections of the logs, with several goroutines. The failures are
// errors of this program.
func (h *holder) logs(ctx context.Context, hold holdFunc) (failures []work.Failure, err error) {
	workers := make([]*holdWorker, max(1, h.reading.workers))
	selection := evtx.Select(story.Want())
	for i := range workers {
		workers[i] = &holdWorker{h, evtx.NewReader(selection), evtx.NewReader(selection), evtx.NewDecoder(evtx.NewSelection(nil))}
		workers[i].seen.Gate(story.NewCollector(h.index, nil, nil))
	}
	for units := range slices.Chunk(h.units(), 4*len(workers)) {
		lists := make([][]evtx.Excerpt, len(units))
		crashes := work.Each(len(workers), len(units), func(g, i int) { lists[i] = workers[g].hold(ctx, units[i]) })
		for _, f := range crashes {
			h.unheld[int(units[f.Index].in.index)] = true
		}
		failures = append(failures, crashes...)
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
				return failures, err
			}
		}
	}
	return failures, nil
}

// Bounds of what is held of one input, in bytes.
const (
	maxWhole = 512 << 20 // whole
	maxLook  = 64 << 10  // of a web log that nobody may ask for, for its format and its names
	// maxSpare bounds the web logs and exports of a part that are held whole for hosts
	// of whose processes another part may tell.
	maxSpare = 8 << 20
)

// exports gives the sections of the exports.
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

// export gives the section of an export, unless it has more bytes than most.
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

// spend takes bytes off what is spare, if they were bounded by that.
func (h *holder) spend(most, n int64) {
	if most == h.spare {
		h.spare -= n
	}
}

// about says of which hosts the part knows the processes, and what it lacks, in an
// index of what it holds.
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

// others gives the sections of web logs and configurations: of hosts with sessions
// whole, of the others what is spare, or the beginning. It returns which could not
// be read.
func (h *holder) others(res *Result, list []*otherInput, hold holdFunc) (failed []FileError) {
	if len(list) == 0 {
		return nil
	}
	owners := newOwners(res)
	for i, in := range list {
		most := int64(maxWhole)
		if in.Kind == source.KindWebLog {
			l := res.newWebLog(in.Input, owners, nil)
			if in.Size = l.Size; l.host < 0 || !h.active[l.host] {
				most = h.spare
			}
		}
		file, err := in.Open()
		if err != nil {
			failed = append(failed, FileError{in.Path, err}) // the merge tells too, as nothing is held
			continue
		}
		if fault := errors.Join(file.Fault(), file.Changed(in.Input)); fault != nil {
			in.fault = fault.Error()
		}
		e, size := heldEntry{other: true, number: i, whole: true}, file.Size()
		if size > most {
			e.cut, size = size > maxLook, min(size, maxLook)
		}
		n, err := hold(e, io.NewSectionReader(file, 0, size))
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
