package proctree

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
)

// Rows are all that collectors kept, in an order that does not depend on them.
type Rows struct {
	creations []*creation
	endings   []*ending
	marks     []mark
	counts    map[FacetID]*Counts
}

// rowCoder writes or reads rows: column by column, with facets and texts
// numbered as they come first.
type rowCoder struct {
	*wire.Coder
	texts *Texts

	facets   []FacetID // by number, less one
	strings  []TextID
	facetNo  map[FacetID]uint32
	stringNo map[TextID]uint32
	inputs   int
}

// Code writes or reads the rows of a number of inputs. Their texts are in
// texts, or put there. They are added (Collector.AddRows) once all is known to
// be sound.
func (r *Rows) Code(c *wire.Coder, texts *Texts, inputs int) {
	k := &rowCoder{Coder: c, texts: texts, facetNo: make(map[FacetID]uint32), stringNo: make(map[TextID]uint32), inputs: inputs}
	if c.Writing() {
		k.number(r)
	}
	k.tables()
	k.creations(r)
	k.endings(r)
	k.marks(r)
	k.counts(r)
}

// CollectedRows returns what the collectors kept. It shares rows with them.
func CollectedRows(collectors []*Collector, texts *Texts) *Rows {
	r := &Rows{counts: make(map[FacetID]*Counts)}
	for _, c := range collectors {
		for i := range c.blocks.len() {
			r.creations = append(r.creations, c.blocks.at(uint32(i)))
		}
		for i := range c.endings.len() {
			r.endings = append(r.endings, c.endings.at(uint32(i)))
		}
		r.marks = append(r.marks, c.marks...)
		for origin, n := range c.counts {
			if r.counts[origin] == nil {
				r.counts[origin] = new(Counts)
			}
			r.counts[origin].Add(*n)
		}
	}
	slices.SortFunc(r.creations, func(a, b *creation) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.offset, b.offset), compareCreations(a, b))
	})
	slices.SortFunc(r.endings, func(a, b *ending) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.recordID, b.recordID), cmp.Compare(a.created, b.created), cmp.Compare(a.at, b.at),
			cmp.Compare(a.pid, b.pid), slices.Compare(a.guid[:], b.guid[:]), cmp.Compare(a.marks, b.marks), strings.Compare(texts.Text(a.image), texts.Text(b.image)))
	})
	slices.SortFunc(r.marks, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.recordID, b.recordID), cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.before, b.before), cmp.Compare(a.after, b.after))
	})
	return r
}

// number numbers the facets and texts of rows.
func (k *rowCoder) number(r *Rows) {
	for _, n := range r.creations {
		k.addFacets(n.origin, n.image, n.logon, n.parent)
		k.addTexts(n.commandLine, n.currentDirectory)
	}
	for _, e := range r.endings {
		k.addFacets(e.origin)
		k.addTexts(e.image)
	}
	for _, m := range r.marks {
		k.addFacets(m.origin)
	}
	for _, origin := range k.origins(r) {
		k.addFacets(origin)
	}
}

// origins returns those that have counts, in an order that is always the same.
func (k *rowCoder) origins(r *Rows) []FacetID {
	var list []FacetID
	texts := make(map[FacetID]string)
	for origin := range r.counts {
		var b strings.Builder
		for _, id := range k.texts.FacetTexts(nil, origin) {
			b.WriteString(k.texts.Text(id) + "\x00")
		}
		texts[origin] = b.String()
		list = append(list, origin)
	}
	slices.SortFunc(list, func(a, b FacetID) int { return strings.Compare(texts[a], texts[b]) })
	return list
}

func (k *rowCoder) addFacets(ids ...FacetID) {
	for _, id := range ids {
		if _, known := k.facetNo[id]; !known && id != 0 {
			k.facets = append(k.facets, id)
			k.facetNo[id] = uint32(len(k.facets))
		}
	}
}

func (k *rowCoder) addTexts(ids ...TextID) {
	for _, id := range ids {
		if _, known := k.stringNo[id]; !known && id != 0 {
			k.strings = append(k.strings, id)
			k.stringNo[id] = uint32(len(k.strings))
		}
	}
}

// tables codes the facets and the texts.
func (k *rowCoder) tables() {
	wire.List(k.Coder, &k.facets, 1, func(id *FacetID) {
		entries := k.entries(*id)
		wire.List(k.Coder, &entries, 2, func(e *fieldText) {
			k.field(&e.field)
			k.interned(&e.text)
		})
		if !k.Writing() && len(entries) > maxFacetFields {
			k.Fail("too many fields")
		}
		if !k.Writing() && k.Err() == nil {
			*id = k.texts.facet(entries)
		}
	})
	wire.List(k.Coder, &k.strings, 1, k.interned)
}

// field codes a field by its name: its number changes with the fields that the
// program knows.
func (k *rowCoder) field(id *event.FieldID) {
	name := id.String()
	if k.Text(&name); k.Writing() {
		return
	}
	known := false
	if *id, known = event.ProcessField(name); !known {
		k.Fail("field that is unknown")
	}
}

// maxFacetFields bounds the fields of one facet.
const maxFacetFields = 32

// interned codes a text of the store.
func (k *rowCoder) interned(id *TextID) {
	text := k.texts.Text(*id)
	if k.Text(&text); !k.Writing() && k.Err() == nil {
		*id = k.texts.InternString(text)
	}
}

// entries returns the fields of a facet.
func (k *rowCoder) entries(id FacetID) []fieldText {
	var list []fieldText
	enc := k.texts.facets.Text(TextID(id))
	for ; len(enc) >= facetEntrySize; enc = enc[facetEntrySize:] {
		list = append(list, fieldText{event.FieldID(enc[0]), entryText(enc)})
	}
	return list
}

// facet codes the number of a facet, text that of a text.
func (k *rowCoder) facet(id *FacetID) {
	n := k.facetNo[*id]
	wire.Num(k.Coder, &n)
	if k.Writing() {
		return
	}
	if *id = 0; n > uint32(len(k.facets)) {
		k.Fail("facet")
	} else if n > 0 {
		*id = k.facets[n-1]
	}
}

// origin codes the facet of where a row comes from, which none lacks.
func (k *rowCoder) origin(id *FacetID) {
	if k.facet(id); *id == 0 {
		k.Fail("row without an origin")
	}
}

func (k *rowCoder) text(id *TextID) {
	n := k.stringNo[*id]
	wire.Num(k.Coder, &n)
	if k.Writing() {
		return
	}
	if *id = 0; n > uint32(len(k.strings)) {
		k.Fail("text")
	} else if n > 0 {
		*id = k.strings[n-1]
	}
}

// file codes the number of an input.
func (k *rowCoder) file(before, file *uint32) {
	if wire.Delta(k.Coder, before, file); int64(*file) >= int64(k.inputs) {
		k.Fail("input")
	}
}

// source codes what kind of event a row is of.
func (k *rowCoder) source(s *source) {
	if wire.Num(k.Coder, s); *s != sourceSysmon && *s != sourceSecurity {
		k.Fail("source")
	}
}

// column codes one field of all rows.
func column[T any](k *rowCoder, list []*T, do func(*T)) {
	for _, row := range list {
		if k.Err() != nil {
			return
		}
		do(row)
	}
}

// some returns so many rows of their own.
func some[T any](k *rowCoder, list []*T, least int) []*T {
	n := k.Count(len(list), least)
	if k.Writing() {
		return list
	}
	list = make([]*T, 0, n)
	var b blocks[T]
	for range n {
		list = append(list, b.next())
	}
	return list
}

// creations codes the process creations.
func (k *rowCoder) creations(r *Rows) {
	const columns = 17
	r.creations = some(k, r.creations, columns)
	c, list := k.Coder, r.creations
	var file uint32
	var created event.Time
	var recordID uint64
	var offset int64
	column(k, list, func(n *creation) { k.file(&file, &n.file) })
	column(k, list, func(n *creation) { k.source(&n.source) })
	column(k, list, func(n *creation) { wire.Num(c, &n.marks) })
	column(k, list, func(n *creation) { wire.Delta(c, &created, &n.created) })
	column(k, list, func(n *creation) { from := n.created; wire.Delta(c, &from, &n.start) })
	column(k, list, func(n *creation) { wire.Delta(c, &recordID, &n.recordID) })
	column(k, list, func(n *creation) { wire.Delta(c, &offset, &n.offset) })
	column(k, list, func(n *creation) {
		usual := uint32(uint64(n.offset-headerSize) % chunkSize)
		if wire.Delta(c, &usual, &n.inChunk); n.offset < 0 || int64(n.inChunk) > n.offset {
			k.Fail("place")
		}
	})
	column(k, list, func(n *creation) { wire.Num(c, &n.pid) })
	column(k, list, func(n *creation) { wire.Num(c, &n.parentPID) })
	column(k, list, func(n *creation) { k.origin(&n.origin) })
	column(k, list, func(n *creation) { k.facet(&n.image) })
	column(k, list, func(n *creation) { k.facet(&n.logon) })
	column(k, list, func(n *creation) { k.facet(&n.parent) })
	column(k, list, func(n *creation) { k.text(&n.commandLine) })
	column(k, list, func(n *creation) { k.text(&n.currentDirectory) })
	g := newGUIDCoder(k)
	column(k, list, func(n *creation) { g.code(&n.guid) })
	column(k, list, func(n *creation) { g.code(&n.parentGUID) })
}

// The usual places of chunks: behind the header of a log, one after the other.
const (
	headerSize = 4096
	chunkSize  = 65536
)

// guidCoder codes GUIDs: one that was met before takes its number.
type guidCoder struct {
	k      *rowCoder
	number map[event.GUID]uint64
	list   []event.GUID
	before event.GUID
}

func newGUIDCoder(k *rowCoder) *guidCoder {
	return &guidCoder{k: k, number: map[event.GUID]uint64{{}: 1}, list: []event.GUID{{}}}
}

// code codes a GUID: 0 and the GUID, or its number as the distance from the
// last.
func (g *guidCoder) code(p *event.GUID) {
	var back uint64
	if number, known := g.number[*p]; known && g.k.Writing() {
		back = uint64(len(g.list)) - number + 1
	}
	g.k.Uint(&back)
	switch {
	case back > uint64(len(g.list)):
		g.k.Fail("GUID")
	case back > 0:
		*p = g.list[uint64(len(g.list))-back]
	default:
		g.whole(p)
		g.list = append(g.list, *p)
		if g.k.Writing() {
			g.number[*p] = uint64(len(g.list))
		}
	}
}

// whole codes a GUID by what its parts differ from those of the one before:
// that of Sysmon has a machine, a time, and a number that grows.
func (g *guidCoder) whole(p *event.GUID) {
	le := binary.LittleEndian
	for _, at := range []int{0, 4, 8, 12} {
		was, is := le.Uint32(g.before[at:]), le.Uint32(p[at:])
		wire.Delta(g.k.Coder, &was, &is)
		le.PutUint32(p[at:], is)
	}
	g.before = *p
}

// endings codes the ends of processes.
func (k *rowCoder) endings(r *Rows) {
	const columns = 10
	r.endings = some(k, r.endings, columns)
	c, list := k.Coder, r.endings
	var file uint32
	var created event.Time
	var recordID uint64
	column(k, list, func(e *ending) { k.file(&file, &e.file) })
	column(k, list, func(e *ending) { k.source(&e.source) })
	column(k, list, func(e *ending) { wire.Num(c, &e.marks) })
	column(k, list, func(e *ending) { wire.Delta(c, &created, &e.created) })
	column(k, list, func(e *ending) { from := e.created; wire.Delta(c, &from, &e.at) })
	column(k, list, func(e *ending) { wire.Delta(c, &recordID, &e.recordID) })
	column(k, list, func(e *ending) { wire.Num(c, &e.pid) })
	column(k, list, func(e *ending) { k.origin(&e.origin) })
	column(k, list, func(e *ending) { k.text(&e.image) })
	g := newGUIDCoder(k)
	column(k, list, func(e *ending) { g.code(&e.guid) })
}

// marks codes starts of the system and changes of the clock.
func (k *rowCoder) marks(r *Rows) {
	var file uint32
	wire.List(k.Coder, &r.marks, 7, func(m *mark) {
		if wire.Num(k.Coder, &m.kind); m.kind < markBoot || m.kind > markClock {
			k.Fail("mark")
		}
		wire.Num(k.Coder, &m.at)
		wire.Num(k.Coder, &m.recordID)
		k.file(&file, &m.file)
		k.origin(&m.origin)
		wire.Num(k.Coder, &m.before)
		wire.Num(k.Coder, &m.after)
	})
}

// counts codes the counts by origin.
func (k *rowCoder) counts(r *Rows) {
	var list []FacetID
	if k.Writing() {
		list = k.origins(r)
	} else {
		r.counts = make(map[FacetID]*Counts)
	}
	wire.List(k.Coder, &list, 14, func(id *FacetID) {
		k.origin(id)
		n := r.counts[*id]
		if n == nil {
			n = new(Counts)
			r.counts[*id] = n
		}
		for _, p := range []*int{
			&n.SysmonCreate, &n.SysmonEnd, &n.SecurityCreate, &n.SecurityEnd, &n.NoCommandLine, &n.NoParentName,
			&n.Booting, &n.BootingBare, &n.SysmonFields, &n.Unusable, &n.UnusableCreate, &n.Shifted, &n.Recovered,
		} {
			wire.Count(k.Coder, p)
		}
	})
}

// AddRows adds rows that were read. files are the numbers of their inputs.
func (c *Collector) AddRows(r *Rows, files []uint32) {
	for _, n := range r.creations {
		n.file = files[n.file]
		*c.blocks.next() = *n
	}
	for _, e := range r.endings {
		e.file = files[e.file]
		*c.endings.next() = *e
	}
	for _, m := range r.marks {
		m.file = files[m.file]
		c.marks = append(c.marks, m)
	}
	for origin, n := range r.counts {
		if c.counts[origin] == nil {
			c.counts[origin] = new(Counts)
		}
		c.counts[origin].Add(*n)
	}
}
