package evtx

import (
	"fmt"

	"webshellscan/scan/event"
)

// maxSubstituted bounds the bytes that all substitutions of one record's
// templates take from its values, each counted as often as it is used. A real
// template uses a value once, so this is more than a record can hold.
const maxSubstituted = 4 * ChunkSize

// Whole decodes the record at an offset of a chunk without regard to the
// reader's selection, and returns it only if all of it is sound: also the
// values that are in no field, and what they hold. Such a record is safe to
// pass to a decoder that does not validate its input: it nests no deeper,
// refers to nothing else, and unfolds to no more than a real one. The chunk is
// in memory from its start on. The event is valid until the reader's next use.
func (d *Decoder) Whole(chunkData []byte, offset int) (*event.Event, error) {
	if offset < 0 || offset > len(chunkData) {
		return nil, ErrSize
	}
	size, ok := recordSize(chunkData, offset, len(chunkData))
	if !ok {
		return nil, ErrSignature
	}
	d.templates.begin(true)
	return d.whole(chunkData, offset, size)
}

// whole is Whole for a record whose size is known, of a chunk that has begun.
func (d *Decoder) whole(chunkData []byte, offset, size int) (*event.Event, error) {
	c := chunkWalk{data: chunkData}
	ev := &d.ev
	ev.Reset()
	d.arena = d.arena[:0]
	ev.Place = event.Place{Offset: int64(offset), HeaderID: recordID(chunkData, offset)}
	d.queue = append(d.queue[:0], document{pos: offset + recordHead, end: offset + size - recordTail})
	d.outer, d.substituted, d.checkInstance = nil, 0, d.checkSound
	defer func() { d.checkInstance = nil }()
	for i := 0; i < len(d.queue); i++ {
		if i >= maxDocuments || d.queue[i].depth > maxEmbedded {
			return nil, ErrBudget
		}
		if err := d.document(&c, d.queue[i]); err != nil {
			return nil, err
		}
	}
	if ev.Damaged > 0 {
		return nil, fmt.Errorf("%w: %d values", ErrSize, ev.Damaged)
	}
	if ev.RecordID == 0 {
		ev.RecordID = ev.Place.HeaderID
	}
	return ev, nil
}

// Definition returns the template definition of the record that Whole returned
// last: its offset in the chunk, and a number that it shares with definitions
// of other chunks only if they are the same in all that matters. The number is
// 0 for a record without a template.
func (d *Decoder) Definition() (offset uint32, serial uint64) {
	if d.outer == nil {
		return 0, 0
	}
	return d.outer.offset, d.outer.serial
}

// checkSound checks what fill does not look at, for Whole.
func (d *Decoder) checkSound(t *template, doc document) error {
	for _, index := range t.substitutions {
		if int(index) < len(d.vals) {
			d.substituted += int(d.vals[index].size)
		}
	}
	if d.substituted += len(t.raw); d.substituted > maxSubstituted {
		return ErrBudget
	}
	for i, v := range d.vals {
		if v.typ == event.TypeBinXML && v.size > 0 && !t.embedsValue(i) {
			d.queue = append(d.queue, document{v.off, v.off + int(v.size), inOther, doc.depth + 1, false})
		}
	}
	return nil
}

func (t *template) embedsValue(index int) bool {
	for _, e := range t.embeds {
		if int(e.index) == index {
			return true
		}
	}
	return false
}
