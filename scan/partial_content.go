package scan

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/partial"
	"webshellscan/scan/source"
)

// A partial result holds bytes of the inputs for what is read a second time
// once all parts are together: of logs those records that a report may name and
// the chunks of records that wait for a definition, of exports and web logs the
// whole.

// heldEntry is what a section with bytes of an input holds.
type heldEntry struct {
	other  bool // of an otherInput
	number int  // of the input
	whole  bool // it is the input's content, and not excerpts of chunks
	cut    bool // it is no more than the beginning of it
	chunks []int64
}

// heldIndex is what of a part is held, and what is not.
type heldIndex struct {
	entries []heldEntry
	// seen are the names of the hosts whose process creations the part has.
	seen []string
	// lacking are the numbers of the inputs of which something was to be
	// held and is not: those that are too large, also for what another part
	// may know of their hosts, and those that could not be read a second
	// time.
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

// errNotHeld is why bytes of an input are not there.
var errNotHeld = errors.New("the partial result does not hold its content")

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

// excerpt returns what there is of a chunk, nil if no section is to have
// something.
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

// excerptCache keeps the excerpts of the sections that were asked for last, of
// any input, or why they cannot be had. It is safe for several goroutines: one
// that unpacks a section keeps only those waiting that want the same.
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

// content is an input that a section holds whole. It is unpacked as it is read,
// from the start again if something before is wanted.
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

// seek moves the reader to an offset.
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
