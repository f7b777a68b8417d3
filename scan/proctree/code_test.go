package proctree

import (
	"bytes"
	"testing"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
)

// example returns a collector with one row of each kind and two creations.
func example(texts *Texts) *Collector {
	c := NewCollector(texts)
	origin := texts.facet([]fieldText{{event.Computer, texts.InternString("A")}, {event.Channel, texts.InternString("Security")}})
	image := texts.facet([]fieldText{{event.Image, texts.InternString(`C:\a.exe`)}})
	*c.blocks.next() = creation{
		start: 5, created: 7, recordID: 9, offset: 4096 + 512, inChunk: 512, pid: 4, parentPID: 2, file: 1, origin: origin, image: image,
		commandLine: texts.InternString("a b"), source: sourceSysmon, guid: event.GUID{1, 2}, parentGUID: event.GUID{1, 3}, marks: event.MarkHidden,
	}
	*c.blocks.next() = creation{
		start: 4, created: 4, recordID: 10, offset: 4096 + 1512, inChunk: 1512, pid: 5, parentPID: 4, file: 0, origin: origin, source: sourceSecurity,
		parentGUID: event.GUID{1, 2},
	}
	*c.endings.next() = ending{at: 8, created: 9, recordID: 11, pid: 4, file: 1, origin: origin, source: sourceSysmon, guid: event.GUID{1, 2}}
	c.marks = append(c.marks, mark{kind: markClock, at: 1, recordID: 3, file: 1, origin: origin, before: 3, after: 1})
	c.counts[origin] = &Counts{SysmonCreate: 1, SecurityCreate: 1}
	return c
}

// TestCode: rows that are read are those that were written, in files of other
// numbers, and written again they have the same bytes.
func TestCode(t *testing.T) {
	written := func(c *Collector) []byte {
		w := wire.NewWriter()
		CollectedRows([]*Collector{c}, c.texts).Code(w, c.texts, 2)
		return w.Data()
	}
	read := func(data []byte, texts *Texts, inputs int) (*Rows, error) {
		rows, c := new(Rows), wire.NewReader(data)
		rows.Code(c, texts, inputs)
		return rows, c.End()
	}
	data := written(example(NewTexts()))
	other := NewTexts()
	other.InternString("something else")
	rows, err := read(data, other, 2)
	if err != nil {
		t.Fatal(err)
	}
	into := NewCollector(other)
	if into.AddRows(rows, []uint32{0, 1}); !bytes.Equal(written(into), data) {
		t.Error("written anew, the rows have other bytes")
	}
	for n := range data {
		if _, err := read(data[:n], NewTexts(), 2); err == nil {
			t.Errorf("%d of %d bytes are taken for the whole", n, len(data))
		}
	}
	if _, err := read(data, NewTexts(), 1); err == nil {
		t.Error("a row of an input that there is not is taken")
	}
}
