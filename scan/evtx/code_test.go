package evtx

import (
	"bytes"
	"testing"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
)

// TestAdoptBounds: a definition that was written counts for no more chunks than its
// writer tells of, and for no number that is none.
func TestAdoptBounds(t *testing.T) {
	sel := Select(event.Want{Keys: []event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 7}}})
	file := shapes(t)["live"]
	f, err := Open(bytes.NewReader(file.Data), int64(len(file.Data)))
	if err != nil {
		t.Fatal(err)
	}
	reader := NewReader(sel)
	for range reader.Records(f, Part{Start: HeaderSize, End: int64(len(file.Data))}).Events(t.Context()) {
		continue
	}
	var pool TemplatePool
	pool.Merge(reader)
	read := func(sure, unsure int) (*Definitions, error) {
		defs := Definitions{pool.Definitions().list[:1]}
		defs.list[0].sure, defs.list[0].unsure = 0, 0
		w := wire.NewWriter()
		defs.Code(w)
		counts := wire.NewWriter()
		wire.Num(counts, &sure)
		wire.Num(counts, &unsure)
		c := wire.NewReader(append(w.Data()[:len(w.Data())-2], counts.Data()...)) // the counts are the last of it
		var again Definitions
		again.Code(c)
		return &again, c.End()
	}
	for _, counts := range [][2]int{{1 << 62, 0}, {0, 1 << 62}, {-1, 0}, {0, -1}} {
		if _, err := read(counts[0], counts[1]); err == nil {
			t.Errorf("a definition of %v chunks is taken", counts)
		}
	}
	defs, err := read(1<<30, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var into TemplatePool
	into.Adopt(defs, sel, 3)
	adopted := into.Definitions().list
	if len(adopted) == 0 {
		t.Error("nothing is adopted")
	}
	for _, def := range adopted {
		if def.sure != 3 || def.unsure != 3 {
			t.Errorf("a definition counts for %d and %d of 3 chunks", def.sure, def.unsure)
		}
	}
}

// TestChunksInOrder: chunks are looked up by where they are, so that others than
// sorted ones are refused.
func TestChunksInOrder(t *testing.T) {
	read := func(first, second int64) error {
		w := wire.NewWriter()
		w.Count(2, 3)
		var offset int64
		for _, at := range []int64{first, second} {
			var latest, none event.Time
			start := 0
			wire.Delta(w, &offset, &at)
			wire.Delta(w, &latest, &none)
			wire.Num(w, &start)
		}
		c := wire.NewReader(w.Data())
		var chunks []Chunk
		CodeChunks(c, &chunks)
		return c.End()
	}
	if err := read(HeaderSize, HeaderSize+ChunkSize); err != nil {
		t.Error(err)
	}
	for _, at := range [][2]int64{{HeaderSize + ChunkSize, HeaderSize}, {-1, HeaderSize}} {
		if err := read(at[0], at[1]); err == nil {
			t.Errorf("chunks at %d were taken", at)
		}
	}
}
