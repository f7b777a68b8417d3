package evtx

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
)

// Code writes or reads the counts, so that what was read of a file can be put
// together elsewhere.
func (s *Stats) Code(c *wire.Coder) {
	wire.Num(c, &s.Bytes)
	for _, n := range []*int{&s.Chunks, &s.EmptyChunks, &s.ZeroChunks, &s.Records, &s.Selected, &s.Lost, &s.Hidden, &s.Recovered, &s.Discarded} {
		wire.Count(c, n)
	}
	wire.Num(c, &s.FirstZero)
	wire.Num(c, &s.First)
	wire.Num(c, &s.Last)
	wire.Counts(c, &s.Hosts)
	wire.Map(c, &s.Origins, 4, compareOrigins, func(o *Origin, sum *OriginStats) {
		c.Text(&o.Computer)
		c.Text(&o.Channel)
		wire.Count(c, &sum.Records)
		sum.codePeriods(c)
	})
	c.Bool(&s.MoreHosts)
	c.Bool(&s.trimmed)
}

// codePeriods writes or reads the periods of an origin.
func (o *OriginStats) codePeriods(c *wire.Coder) {
	if wire.Num(c, &o.doublings); o.doublings > maxDoublings {
		c.Fail("length of periods")
		return
	}
	var before event.Time
	wire.List(c, &o.Periods, 3, func(p *Period) {
		after := o.number(before)
		wire.Delta(c, &before, &p.First)
		wire.Delta(c, &before, &p.Last)
		wire.Count(c, &p.Records)
		number := o.number(p.First)
		if p.Records == 0 || !p.First.Plausible() || !p.Last.Plausible() || p.Last < p.First || o.number(p.Last) != number || number <= after {
			c.Fail("period of records")
		}
	})
	if len(o.Periods) > maxPeriods {
		c.Fail("too many periods")
	}
}

func compareOrigins(a, b Origin) int {
	return cmp.Or(strings.Compare(a.Computer, b.Computer), strings.Compare(a.Channel, b.Channel))
}

// Code writes or reads a fault. The reason is kept as a text.
func (e *FormatError) Code(c *wire.Coder) {
	class := string(e.Class)
	c.Text(&class)
	e.Class = Class(class)
	c.Text(&e.What)
	wire.Num(c, &e.Offset)
	c.Uint(&e.RecordID)
	c.Uint(&e.LastID)
	wire.Num(c, &e.From)
	wire.Num(c, &e.To)
	wire.Num(c, &e.Need)
	wire.Num(c, &e.Have)
	text := ""
	if e.Err != nil {
		text = e.Err.Error()
	}
	if c.Text(&text); !c.Writing() {
		e.Err = errors.New(text)
	}
}

// CodeFault writes or reads a fault and makes a new one when it reads.
func CodeFault(c *wire.Coder, f **FormatError) {
	if !c.Writing() {
		*f = new(FormatError)
	}
	(*f).Code(c)
}

// CodeChunks writes or reads what Reader.Chunks needs of chunks, and their
// times. They must be sorted by offset.
func CodeChunks(c *wire.Coder, chunks *[]Chunk) {
	var offset, before int64
	var latest event.Time
	wire.List(c, chunks, 3, func(k *Chunk) {
		before = offset
		wire.Delta(c, &offset, &k.Offset)
		wire.Delta(c, &latest, &k.Latest)
		wire.Num(c, &k.first)
		if k.Offset < before || k.first < 0 || k.first > ChunkSize {
			c.Fail("place of a chunk")
		}
	})
}

// CodeDeferred writes or reads records that wait for a template definition.
func CodeDeferred(c *wire.Coder, records *[]Deferred) {
	var offset int64
	wire.List(c, records, 5, func(d *Deferred) {
		wire.Delta(c, &offset, &d.Offset)
		wire.Num(c, &d.Chunk)
		wire.Num(c, &d.size)
		wire.Num(c, &d.marks)
		c.Bool(&d.counted)
		if within := d.Offset - d.Chunk; d.Chunk < 0 || within < 0 || within > ChunkSize || d.size > ChunkSize {
			c.Fail("place of a record")
		}
	})
}

// keptDefinition is a template definition apart from the chunks that it stood
// in, as it is written: its bytes, and the names that it takes from elsewhere
// in the chunk.
type keptDefinition struct {
	id           uint32
	place        place
	raw          []byte
	refs         []nameRef
	outside      []outsideName
	sure, unsure int
}

// definitionAt is where a definition stands in the chunk that is made for it.
const definitionAt = 4096

// Definitions are template definitions as they are written and read.
type Definitions struct{ list []keptDefinition }

// Code writes or reads the definitions.
func (d *Definitions) Code(c *wire.Coder) {
	wire.List(c, &d.list, definitionHead+6, func(def *keptDefinition) { def.code(c) })
	if len(d.list) > maxCandidates {
		c.Fail("too many template definitions")
	}
}

// AddDefinitions adds definitions that were read: compiled for sel, what a
// selection's lists need. No definition counts for more than the given number
// of chunks, which whoever wrote the definitions states.
func (d *TemplatePool) AddDefinitions(defs *Definitions, sel *Selection, chunks int) {
	reader := NewReader(sel)
	for i := range defs.list {
		def := &defs.list[i]
		def.sure, def.unsure = min(def.sure, chunks), min(def.unsure, chunks)
		reader.offerKept(def)
	}
	d.Merge(reader)
}

func (def *keptDefinition) code(c *wire.Coder) {
	wire.Num(c, &def.id)
	wire.Num(c, &def.place)
	c.Bytes(&def.raw)
	wire.List(c, &def.refs, 2, func(r *nameRef) {
		wire.Num(c, &r.at)
		wire.Num(c, &r.outside)
	})
	wire.List(c, &def.outside, 2, func(n *outsideName) {
		wire.Num(c, &n.hash)
		c.Bytes(&n.text)
	})
	wire.Count(c, &def.sure)
	wire.Count(c, &def.unsure)
	if len(def.raw) > ChunkSize || def.place > inOther {
		c.Fail("template definition")
	}
}

// Definitions returns those of the pool in an order that is always the same.
func (d *TemplatePool) Definitions() *Definitions {
	list := make([]keptDefinition, 0, len(d.byMeaning))
	for key, entry := range d.byMeaning {
		if t := entry.template; !t.unkept {
			list = append(list, keptDefinition{key.id, key.place, t.canonical(), t.refs, t.outside, entry.sure, entry.unsure})
		}
	}
	slices.SortFunc(list, func(a, b keptDefinition) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.place, b.place), slices.Compare(a.raw, b.raw))
	})
	return &Definitions{list}
}

// canonical returns the bytes of a definition without what depends on where it
// stood: the links of its nodes and the offsets of names.
func (t *template) canonical() []byte {
	raw := slices.Clone(t.raw)
	clear(raw[:min(len(raw), definitionGUID)])
	for _, ref := range t.refs {
		size := 4
		if ref.outside < 0 {
			size += 4 // the link of the node
		}
		if at := int(ref.at); at <= len(raw) {
			clear(raw[at:min(at+size, len(raw))])
		}
	}
	return raw
}

// offerKept compiles a definition and offers it to the reader's pool as often
// as it was seen. One that cannot be compiled is left out.
func (rd *Reader) offerKept(def *keptDefinition) {
	chunk := make([]byte, ChunkSize)
	if !def.placeIn(chunk) {
		return
	}
	rd.dec.templates.begin(true)
	t, err := rd.dec.templates.find(chunk, definitionAt, def.id, def.place)
	if err != nil || t.candidate == nil {
		return
	}
	t.candidate.unsure += def.unsure - 1 // find has offered it as one
	t.candidate.sure += def.sure
}

// placeIn writes the definition into an empty chunk, with the names that it
// takes from elsewhere behind it, and reports whether there is room.
func (def *keptDefinition) placeIn(chunk []byte) bool {
	le := binary.LittleEndian
	end := definitionAt + len(def.raw)
	if end > len(chunk) || len(def.raw) < definitionHead {
		return false
	}
	copy(chunk[definitionAt:], def.raw)
	nodes := make([]int, len(def.outside))
	for i, name := range def.outside {
		nodes[i] = end
		if end += nameNodeHead + len(name.text) + nameNodeTail; end > len(chunk) || len(name.text) > 1<<16-1 {
			return false
		}
		le.PutUint16(chunk[nodes[i]+4:], name.hash)
		le.PutUint16(chunk[nodes[i]+6:], uint16(len(name.text)/2))
		copy(chunk[nodes[i]+nameNodeHead:], name.text)
	}
	for _, ref := range def.refs {
		at := definitionAt + int(ref.at)
		switch {
		case int64(ref.at) > int64(len(def.raw)-4) || int(ref.outside) >= len(nodes):
			return false
		case ref.outside < 0:
			le.PutUint32(chunk[at:], uint32(at+4))
		default:
			le.PutUint32(chunk[at:], uint32(nodes[ref.outside]))
		}
	}
	return true
}
