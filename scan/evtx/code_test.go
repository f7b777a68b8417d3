package evtx

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"webshellscan/internal/wire"
	"webshellscan/scan/event"
)

// TestAdoptBounds: a definition that was written counts for no more chunks than
// its writer tells of, and for no number that is none.
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
	into.AddDefinitions(defs, sel, 3)
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

// TestChunksInOrder: chunks are looked up by where they are, so that others
// than sorted ones are refused.
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

// TestPeriodsCode: periods are read as they were written, and refused unless
// they are sound and follow each other: what is told of the logs counts on it.
func TestPeriodsCode(t *testing.T) {
	const start = event.Time(0x1DB << 48) // of a period
	sound := []Period{{start + 1, start + 2, 3}, {start + 1<<periodBits, start + 1<<periodBits, 1}}
	for name, periods := range map[string][]Period{
		"no record":             {{start + 1, start + 2, 0}},
		"the end first":         {{start + 2, start + 1, 3}},
		"longer than one is":    {{start + 1, start + 1<<periodBits, 3}},
		"no time":               {{0, 0, 3}},
		"the later ones before": {sound[1], sound[0]},
		"one twice":             {sound[0], sound[0]},
		"":                      sound,
	} {
		w := wire.NewWriter()
		w.Uint(new(uint64)) // doublings
		w.Count(len(periods), 3)
		var before event.Time
		for _, p := range periods {
			wire.Delta(w, &before, &p.First)
			wire.Delta(w, &before, &p.Last)
			wire.Count(w, &p.Records)
		}
		var o OriginStats
		c := wire.NewReader(w.Data())
		o.codePeriods(c)
		read := o.Periods
		switch err := c.End(); {
		case name == "" && (err != nil || !slices.Equal(read, sound)):
			t.Errorf("%v, %v, want %v", read, err, sound)
		case name != "" && err == nil:
			t.Errorf("%s: %v was taken", name, read)
		}
	}
}

// TestFaultCode: a fault that is read says what the written one did, and the
// one that was written is as it was.
func TestFaultCode(t *testing.T) {
	fault := &FormatError{
		Class: IDGap, What: "record identifiers", Offset: 1, RecordID: 2, LastID: 3, From: 4, To: 5, Need: 6, Have: 7, Err: ErrOrder,
	}
	w := wire.NewWriter()
	CodeFault(w, &fault)
	if fault.Err != ErrOrder {
		t.Errorf("writing made the reason %v", fault.Err)
	}
	var read *FormatError
	c := wire.NewReader(w.Data())
	if CodeFault(c, &read); c.End() != nil {
		t.Fatal(c.End())
	}
	if read.Err == nil || read.Err.Error() != ErrOrder.Error() {
		t.Errorf("the reason is %v", read.Err)
	}
	if read.Err = ErrOrder; *read != *fault {
		t.Errorf("%+v, want %+v", read, fault)
	}
}

// TestDefinitionsCode: definitions that are read and adopted are those that
// were written, with the names that they take from elsewhere in their chunks.
func TestDefinitionsCode(t *testing.T) {
	sel := Select(event.Want{Keys: []event.Key{{Provider: "Microsoft-Windows-Sysmon", ID: 7}}})
	var pool TemplatePool
	for _, file := range shapes(t) {
		f, err := Open(bytes.NewReader(file.Data), int64(len(file.Data)))
		if err != nil {
			t.Fatal(err)
		}
		reader := NewReader(sel)
		for range reader.Records(f, Part{Start: HeaderSize, End: f.Size()}).Events(t.Context()) {
			continue
		}
		pool.Merge(reader)
	}
	want := pool.Definitions()
	if !slices.ContainsFunc(want.list, func(def keptDefinition) bool { return len(def.outside) > 0 }) {
		t.Fatal("no definition takes a name from elsewhere")
	}
	w := wire.NewWriter()
	want.Code(w)
	var read Definitions
	c := wire.NewReader(w.Data())
	if read.Code(c); c.End() != nil {
		t.Fatal(c.End())
	}
	var into TemplatePool
	into.AddDefinitions(&read, sel, 1<<20)
	if got := into.Definitions(); !reflect.DeepEqual(got, want) {
		t.Errorf("%d definitions, want the %d that were written", len(got.list), len(want.list))
	}
}

// TestDefinitionBounds: a definition that is larger than a chunk is refused,
// and one of a place that there is not.
func TestDefinitionBounds(t *testing.T) {
	for _, tt := range []struct {
		size  int
		place place
		ok    bool
	}{{ChunkSize, inOther, true}, {ChunkSize + 1, inOther, false}, {ChunkSize, inOther + 1, false}} {
		w := wire.NewWriter()
		defs := Definitions{[]keptDefinition{{raw: make([]byte, tt.size), place: tt.place}}}
		defs.Code(w)
		c := wire.NewReader(w.Data())
		var read Definitions
		if read.Code(c); (c.End() == nil) != tt.ok {
			t.Errorf("%d bytes, place %d: %v", tt.size, tt.place, c.End())
		}
	}
}

// TestDefinitionsBound: more definitions than are kept are refused.
func TestDefinitionsBound(t *testing.T) {
	for n, ok := range map[int]bool{maxCandidates: true, maxCandidates + 1: false} {
		defs := Definitions{make([]keptDefinition, n)}
		for i := range defs.list {
			defs.list[i].raw = make([]byte, definitionHead)
		}
		w := wire.NewWriter()
		defs.Code(w)
		var read Definitions
		c := wire.NewReader(w.Data())
		if read.Code(c); (c.End() == nil) != ok {
			t.Errorf("%d definitions: %v", n, c.End())
		}
	}
}

// TestPlaceIn: a definition that has no room in a chunk, or refers to what it
// has not, is not taken.
func TestPlaceIn(t *testing.T) {
	const room = ChunkSize - definitionAt
	name := func(size int) []outsideName { return []outsideName{{text: make([]byte, size)}} }
	for what, tt := range map[string]struct {
		def  keptDefinition
		want bool
	}{
		"whole":                   {keptDefinition{raw: make([]byte, 100)}, true},
		"no head":                 {keptDefinition{raw: make([]byte, definitionHead-1)}, false},
		"as large as the chunk":   {keptDefinition{raw: make([]byte, room)}, true},
		"larger":                  {keptDefinition{raw: make([]byte, room+1)}, false},
		"a name to the end":       {keptDefinition{raw: make([]byte, 100), outside: name(room - 100 - nameNodeHead - nameNodeTail)}, true},
		"a name beyond":           {keptDefinition{raw: make([]byte, 100), outside: name(room - 99 - nameNodeHead - nameNodeTail)}, false},
		"a reference at the end":  {keptDefinition{raw: make([]byte, 100), refs: []nameRef{{at: 96, outside: -1}}}, true},
		"a reference beyond":      {keptDefinition{raw: make([]byte, 100), refs: []nameRef{{at: 97, outside: -1}}}, false},
		"to a name that is there": {keptDefinition{raw: make([]byte, 100), outside: name(2), refs: []nameRef{{at: 50, outside: 0}}}, true},
		"to a name that is not":   {keptDefinition{raw: make([]byte, 100), outside: name(2), refs: []nameRef{{at: 50, outside: 1}}}, false},
	} {
		if got := tt.def.placeIn(make([]byte, ChunkSize)); got != tt.want {
			t.Errorf("%s: placed %v", what, got)
		}
	}
}
