package evtx

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
)

// Excerpt is the part of a chunk that is needed to decode some of its records:
// the records, and the template definitions and names that they refer to
// elsewhere in the chunk. It is the whole chunk if the chunk is not sound, or
// its records cannot be separated from it.
type Excerpt struct {
	// Offset is where the chunk begins, in bytes from the start of the
	// file.
	Offset int64
	pieces []piece // ascending; one that begins at 0 is the whole chunk
	head   []byte  // of the chunk's header, what says something
}

// piece is a stretch of a chunk.
type piece struct {
	at     uint32 // from the chunk's start
	record bool   // it is a record that is wanted
	data   []byte
}

func (p *piece) end() int { return int(p.at) + len(p.data) }

// chunkHeadUsed is how much of a chunk's header is meaningful besides the
// places of names and definitions, which no reader need believe.
const chunkHeadUsed = 128

// NewExcerpt returns the excerpt of a chunk, which is in memory from its start
// on, for the records at some offsets in it. With whole it is the whole chunk.
// It shares no memory with the chunk.
func (d *Decoder) NewExcerpt(chunk []byte, base int64, offsets []int, whole bool) Excerpt {
	x := Excerpt{Offset: base}
	if whole || !d.cut(&x, chunk, offsets) {
		x.pieces, x.head = []piece{{data: slices.Clone(chunk)}}, nil
	}
	return x
}

// cut copies the records and what they need, and reports whether that is
// enough.
func (d *Decoder) cut(x *Excerpt, chunk []byte, offsets []int) bool {
	if len(chunk) != ChunkSize || string(chunk[:len(event.ChunkSignature)]) != event.ChunkSignature {
		return false
	}
	h := parseChunkHeader(chunk)
	if !h.headerCRC || !h.dataCRC || h.empty() {
		return false
	}
	sizes, ok := framesOf(chunk[:h.free], offsets)
	if !ok {
		return false
	}
	d.needs = new(chunkNeeds)
	defer func() { d.needs = nil }()
	d.templates.begin(true)
	for i, off := range offsets {
		d.alone = true
		if _, err := d.whole(chunk, off, sizes[i]); err != nil || !d.alone {
			return false
		}
		x.pieces = append(x.pieces, piece{uint32(off), true, chunk[off : off+sizes[i]]})
	}
	x.pieces = append(x.pieces, d.needs.pieces...)
	x.head = slices.Clone(chunk[:chunkHeadUsed])
	x.tidy()
	return true
}

// chunkNeeds are the template definitions that records of a chunk refer to, and
// the names that these refer to.
type chunkNeeds struct {
	pieces []piece
	seen   [ChunkSize / 64]uint64 // a bit for each offset of a definition
}

// add adds a stretch of the chunk.
func (n *chunkNeeds) add(chunk []byte, from, to int) {
	n.pieces = append(n.pieces, piece{uint32(from), false, chunk[from:to]})
}

// framesOf returns the sizes of the records at some offsets, ascending, in the
// used part of a chunk. It reports false if one of them is no record, or the
// chunk is not one record behind the other.
func framesOf(used []byte, offsets []int) (sizes []int, ok bool) {
	sizes = make([]int, 0, len(offsets))
	for pos := chunkHeaderSize; pos < len(used); {
		size, ok := recordSize(used, pos, len(used))
		if !ok {
			return nil, false
		}
		if len(sizes) < len(offsets) && offsets[len(sizes)] == pos {
			sizes = append(sizes, size)
		}
		pos += size
	}
	return sizes, len(sizes) == len(offsets)
}

// tidy sorts the pieces, joins those that overlap outside of records, drops
// what lies in a record, and copies their bytes.
func (x *Excerpt) tidy() {
	slices.SortFunc(x.pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(len(b.data), len(a.data)))
	})
	kept, size := x.pieces[:0], 0
	for _, p := range x.pieces {
		if n := len(kept); n > 0 && p.end() <= kept[n-1].end() && !p.record {
			continue
		}
		if n := len(kept); n > 0 && p.record && kept[n-1].record && p.at == kept[n-1].at {
			continue
		}
		kept, size = append(kept, p), size+len(p.data)
	}
	data := make([]byte, 0, size)
	for i, p := range kept {
		data = append(data, p.data...)
		kept[i].data = data[len(data)-len(p.data):]
	}
	x.pieces = kept
}

// needTemplate adds the stretches of a chunk that a definition at an offset
// takes, unless they were added before.
func (d *Decoder) needTemplate(t *template, chunk []byte, offset int) {
	d.alone = d.alone && !t.unkept
	end := min(offset+definitionHead+int(max(t.consumed, min(t.length, ChunkSize))), len(chunk))
	if offset < 0 || offset >= end {
		return
	}
	bit := uint64(1) << (offset % 64)
	if d.needs.seen[offset/64]&bit != 0 {
		return
	}
	d.needs.seen[offset/64] |= bit
	d.needs.add(chunk, offset, end)
	for _, ref := range t.refs {
		at := offset + int(ref.at)
		if ref.outside < 0 || at+4 > len(chunk) {
			continue
		}
		node := int(binary.LittleEndian.Uint32(chunk[at:]))
		if text, _, err := nameNode(chunk, node); err == nil {
			d.needs.add(chunk, node, min(node+nameNodeHead+len(text)+nameNodeTail, len(chunk)))
		}
	}
}

// Holds reports whether the excerpt has the record at an offset of the file.
func (x *Excerpt) Holds(offset int64) bool {
	return slices.ContainsFunc(x.pieces, func(p piece) bool {
		return p.at == 0 || p.record && x.Offset+int64(p.at) == offset
	})
}

// Chunk writes the excerpt as a chunk to buf, which has room for one, and
// returns it: where the other records were is one frame without an event, and
// the checksums are those of what there is.
func (x *Excerpt) Chunk(buf []byte) []byte {
	if len(x.pieces) > 0 && x.pieces[0].at == 0 {
		return buf[:copy(buf, x.pieces[0].data)]
	}
	chunk := buf[:ChunkSize]
	clear(chunk)
	copy(chunk, x.head)
	for _, p := range x.pieces {
		copy(chunk[p.at:], p.data)
	}
	h := parseChunkHeader(chunk)
	pos := chunkHeaderSize
	for _, p := range x.pieces {
		if p.record && int(p.at) >= pos {
			writeFrame(chunk[pos:p.at])
			pos = p.end()
		}
	}
	if int(h.free) > pos && int(h.free) <= ChunkSize {
		writeFrame(chunk[pos:h.free])
	}
	if h.free >= chunkHeaderSize && h.free <= ChunkSize {
		binary.LittleEndian.PutUint32(chunk[52:], crc32.ChecksumIEEE(chunk[chunkHeaderSize:h.free]))
	}
	sum := crc32.ChecksumIEEE(chunk[:120])
	binary.LittleEndian.PutUint32(chunk[124:], crc32.Update(sum, crc32.IEEETable, chunk[chunkHeadUsed:chunkHeaderSize]))
	return chunk
}

// writeFrame makes a stretch one record's frame, without an event, so that a
// walk steps over it.
func writeFrame(b []byte) {
	if len(b) < minRecord {
		return
	}
	le := binary.LittleEndian
	le.PutUint32(b, recordSignature)
	le.PutUint32(b[4:], uint32(len(b)))
	le.PutUint64(b[8:], 0)
	le.PutUint64(b[16:], 0)
	le.PutUint32(b[len(b)-recordTail:], uint32(len(b)))
}

// CodeExcerpts writes or reads excerpts, ascending by offset.
func CodeExcerpts(c *wire.Coder, list *[]Excerpt) {
	offset, before := int64(0), int64(-1)
	wire.List(c, list, 3, func(x *Excerpt) {
		if wire.Delta(c, &offset, &x.Offset); x.Offset <= before {
			c.Fail("place of a chunk")
		}
		before = x.Offset
		c.Bytes(&x.head)
		var at uint32
		wire.List(c, &x.pieces, 3, func(p *piece) {
			wire.Delta(c, &at, &p.at)
			c.Bool(&p.record)
			if c.Bytes(&p.data); len(p.data) > ChunkSize || p.at > ChunkSize || p.end() > ChunkSize {
				c.Fail("stretch of a chunk")
			}
		})
		if len(x.head) > chunkHeadUsed {
			c.Fail("header of a chunk")
		}
	})
}
