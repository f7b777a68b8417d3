package evtx_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"

	"webshellscan/internal/evtxtest/faults"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
)

// sparseSource is a file of zeros with a chunk far behind.
type sparseSource struct {
	head  []byte
	chunk []byte
	at    int64 // of chunk
}

func (s sparseSource) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if off < int64(len(s.head)) {
		copy(b, s.head[off:])
	}
	if end := off + int64(len(b)); end > s.at {
		copy(b[max(0, s.at-off):], s.chunk[max(0, off-s.at):])
	}
	if end := s.at + int64(len(s.chunk)); off+int64(len(b)) > end {
		return int(end - off), io.EOF
	}
	return len(b), nil
}

// TestSparse: F51 of the fault matrix, a log of 4.3 GiB that is a hole but for
// a chunk with the number 70,000 at its end. Its records are read, and no more
// memory is used than for a small log.
func TestSparse(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 4.3 GiB of zeros")
	}
	base := faults.Base()
	source := sparseSource{base.Data, base.ChunkData(1), evtx.HeaderSize + 70_000*evtx.ChunkSize}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	res, err := readLog(t, source, source.at+evtx.ChunkSize, allOfBase)
	runtime.ReadMemStats(&after)
	if err != nil || len(res.events) != 129 || res.stats.Records != 129 {
		t.Errorf("%d events, %d records, %v", len(res.events), res.stats.Records, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d bytes allocated", used)
	}
	if !slices.ContainsFunc(res.faults, func(f *evtx.FormatError) bool { return f.Class == evtx.ChunkDuplicate && f.Offset == source.at }) {
		t.Errorf("faults %v", res.faults)
	}
}

// TestShrinking: F65 of the fault matrix, a log that is cut while it is read.
// What was there is read; it is said that the rest is gone.
func TestShrinking(t *testing.T) {
	base := faults.Base()
	for _, left := range []int64{100, evtx.HeaderSize + 200, base.Chunks[1].Records[20].Offset + 5, base.Chunks[2].Offset} {
		f, err := evtx.Open(bytes.NewReader(base.Data), int64(len(base.Data)))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, c := range base.Chunks {
			for _, r := range c.Records {
				if r.Offset+int64(r.Size) <= left {
					want++
				}
			}
		}
		f = f.From(bytes.NewReader(base.Data[:left]))
		r := evtx.NewReader(allOfBase)
		events, truncated := 0, false
		var deferred []evtx.Deferred
		for part := range f.Parts(evtx.DefaultPartSize) {
			reading := r.Records(f, part)
			for ev, err := range reading.Events(t.Context()) {
				if ev != nil {
					events++
				} else if fault, ok := errors.AsType[*evtx.FormatError](err); ok {
					truncated = truncated || fault.Class == evtx.FileTruncated
				}
			}
			deferred = append(deferred, reading.Deferred...)
		}
		var pool evtx.TemplatePool
		pool.Merge(r)
		for ev := range r.Deferred(f, deferred, &pool).Events(t.Context()) {
			if ev != nil {
				events++
			}
		}
		if events != want || !truncated {
			t.Errorf("%d bytes left: %d events of %d, told of: %v", left, events, want, truncated)
		}
	}
}

// TestReadErrors: F66 of the fault matrix, a disk that fails within a chunk, in
// its header, or between chunks. All records that could be read are there.
func TestReadErrors(t *testing.T) {
	base := faults.Base()
	size := int64(len(base.Data))
	for _, bad := range []int64{
		base.Chunks[1].Offset, base.Chunks[1].Offset + 300, base.Chunks[1].Records[10].Offset + 3, base.Chunks[2].Offset - 1,
	} {
		source := badSource{bytes.NewReader(base.Data), bad, bad + 1}
		res, err := readLog(t, source, size, allOfBase)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for i, c := range base.Chunks {
			for _, r := range c.Records {
				if i != 1 || r.Offset+int64(r.Size) <= bad {
					want++
				}
			}
		}
		told := slices.ContainsFunc(res.faults, func(f *evtx.FormatError) bool { return f.Class == evtx.ReadError && f.Offset == bad })
		if len(res.events) != want || !told {
			t.Errorf("read error at %d: %d events, want %d; %v", bad, len(res.events), want, res.faults)
		}
	}
}

// TestDefinitionsOfOtherFiles: a definition that no chunk of a file has any
// more is taken from another file, and where none has it, its records are
// counted.
func TestDefinitionsOfOtherFiles(t *testing.T) {
	rows := faults.Rows()
	row := rows[slices.IndexFunc(rows, func(r faults.Row) bool { return r.ID == "F43" })]
	damaged := row.Log().Data
	one := append(slices.Clone(damaged[:evtx.HeaderSize]), damaged[evtx.HeaderSize+evtx.ChunkSize:][:evtx.ChunkSize]...)
	f, err := evtx.Open(bytes.NewReader(one), int64(len(one)))
	if err != nil {
		t.Fatal(err)
	}
	r := evtx.NewReader(allOfBase)
	reading := r.Records(f, evtx.Part{Start: evtx.HeaderSize, End: f.Size()})
	for ev := range reading.Events(t.Context()) {
		if ev != nil {
			t.Errorf("record %d came without its definition", ev.RecordID)
		}
	}
	resolve := func(pool *evtx.TemplatePool) (events, substituted, lost int) {
		resolving := r.Deferred(f, slices.Clone(reading.Deferred), pool)
		for ev, err := range resolving.Events(t.Context()) {
			if ev != nil {
				events++
				if ev.Marks.Has(event.MarkSubstituted) {
					substituted++
				}
			} else if fault, ok := errors.AsType[*evtx.FormatError](err); ok && fault.Class == evtx.TemplateLost {
				lost++
			}
		}
		if n := resolving.Stats.Lost; n != lost {
			t.Errorf("%d counted as lost, %d told of", n, lost)
		}
		if n := resolving.Stats.Bytes; n != 0 {
			t.Errorf("%d bytes of the chunk are counted a second time", n)
		}
		return events, substituted, lost
	}
	var none evtx.TemplatePool
	none.Merge(r)
	if events, _, lost := resolve(&none); events != 0 || lost != 42 {
		t.Errorf("without definitions: %d events, %d lost", events, lost)
	}
	base := faults.Base().Data
	other := evtx.NewReader(allOfBase)
	g, err := evtx.Open(bytes.NewReader(base), int64(len(base)))
	if err != nil {
		t.Fatal(err)
	}
	for range other.Records(g, evtx.Part{Start: evtx.HeaderSize, End: g.Size()}).Events(t.Context()) {
	}
	var pool evtx.TemplatePool
	pool.Merge(r)
	pool.Merge(other)
	if events, substituted, lost := resolve(&pool); events != 42 || substituted != 42 || lost != 0 {
		t.Errorf("with definitions: %d events, %d substituted, %d lost", events, substituted, lost)
	}
}
