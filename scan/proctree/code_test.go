package proctree

import (
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
	texts := NewTexts()
	w := wire.NewWriter()
	Code(w, texts, []*Collector{example(texts)}, []uint32{0, 1})
	other := NewTexts()
	other.InternString("something else")
	into := NewCollector(other)
	r := wire.NewReader(w.Data())
	Code(r, other, []*Collector{into}, []uint32{0, 1})
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	again := wire.NewWriter()
	Code(again, other, []*Collector{into}, []uint32{0, 1})
	if string(again.Data()) != string(w.Data()) {
		t.Error("written anew, the rows have other bytes")
	}
	for n := range len(w.Data()) {
		cut := wire.NewReader(w.Data()[:n])
		into := NewCollector(NewTexts())
		if Code(cut, into.texts, []*Collector{into}, []uint32{0, 1}); cut.End() == nil {
			t.Errorf("%d of %d bytes are taken for the whole", n, len(w.Data()))
		}
		if into.blocks.len() > 0 {
			t.Error("rows of what is cut were taken")
		}
	}
	if few := wire.NewReader(w.Data()); true {
		into := NewCollector(NewTexts())
		if Code(few, into.texts, []*Collector{into}, []uint32{0}); few.End() == nil {
			t.Error("a row of an input that there is not is taken")
		}
	}
}
