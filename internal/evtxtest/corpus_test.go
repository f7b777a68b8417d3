package evtxtest_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/internal/evtxtest"
)

// corpus is where the real sample logs are, seen from this folder.
const corpus = "../../../shared/corpus/logs"

// corpusChunk is a chunk of a sample log.
type corpusChunk struct {
	path string
	at   int
	data []byte
}

// corpusChunks calls do for each chunk of the sample logs, and skips the test
// if there are none.
func corpusChunks(t *testing.T, do func(corpusChunk)) {
	t.Helper()
	if _, err := os.Stat(corpus); err != nil {
		t.Skipf("no sample logs: %v", err)
	}
	err := filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".evtx") {
			return err
		}
		file, err := os.ReadFile(path)
		for at := 4096; at+65536 <= len(file); at += 65536 {
			do(corpusChunk{strings.TrimPrefix(path, corpus), at, file[at : at+65536]})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCorpusBytes rebuilds the chunks of real logs from their events alone and
// compares every byte but filler, header times and the bytes of NULL values. It
// shows that our templates, names, tables and plain records are what Windows
// writes. The few chunks that differ are damaged on purpose, or hold
// definitions of kinds that the writer does not know; they may not become more.
func TestCorpusBytes(t *testing.T) {
	var chunks, records, equal, beyond, tables int
	shapes := map[evtxtest.Shape]int{}
	corpusChunks(t, func(c corpusChunk) {
		chunks++
		real := readChunk(c.data)
		if len(real) == 0 {
			beyond++
			return
		}
		records += len(real)
		diff, sameTables := compareChunk(c.data, real)
		if diff != "" {
			t.Logf("%s at %d: %s", c.path, c.at, diff)
			return
		}
		equal += len(real)
		if sameTables {
			tables++
		}
		for i := range real {
			shapes[real[i].shape]++
		}
	})
	t.Logf("%d chunks, %d without records or beyond the writer; %d of %d records equal: %d manifest, "+
		"%d provider, %d plain; %d chunks with equal template tables", chunks, beyond, equal, records,
		shapes[evtxtest.ShapeManifest], shapes[evtxtest.ShapeProvider], shapes[evtxtest.ShapePlain], tables)
	if equal*100 < records*96 {
		t.Errorf("%d of %d records equal, want 96 %%", equal, records)
	}
}

// compareChunk writes the records of a chunk again and returns the first
// difference, and whether the template tables agree: there are versions of
// Windows with another, unknown hash.
func compareChunk(chunk []byte, records []realRecord) (diff string, sameTable bool) {
	o := evtxtest.Options{Style: evtxtest.StyleExported}
	if records[0].shape == evtxtest.ShapePlain {
		o.Shape = evtxtest.ShapePlain
	}
	f, err := evtxtest.BuildFunc(o, func(w *evtxtest.Writer) error {
		for i := range records {
			if err := w.Write(&records[i].event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err.Error(), false
	}
	if len(f.Chunks) != 1 {
		return fmt.Sprintf("%d records in the first chunk, want %d", len(f.Chunks[0].Records), len(records)), false
	}
	got, want := f.ChunkData(0), slices.Clone(chunk)
	sameTable = string(got[384:512]) == string(want[384:512])
	if !sameTable {
		for _, d := range f.Chunks[0].Definitions { // the chains of their table
			clear(got[d.Offset : d.Offset+4])
			clear(want[d.Offset : d.Offset+4])
		}
	}
	for i := range records {
		r := &f.Chunks[0].Records[i]
		from, to := r.ChunkOffset, r.ChunkOffset+r.Size
		if diff := compareRecord(got[from:to], want[from:], &records[i]); diff != "" {
			return fmt.Sprintf("record %d of %d: %s", i, len(records), diff), sameTable
		}
	}
	if string(got[128:384]) != string(want[128:384]) {
		return "name table differs", sameTable
	}
	return "", sameTable
}

// compareRecord compares all but the header time, the bytes of NULL values and
// the filler.
func compareRecord(got, want []byte, r *realRecord) string {
	want = want[:r.size]
	if len(got) != len(want) {
		return fmt.Sprintf("size %d, want %d", len(got), len(want))
	}
	for _, hole := range append(r.nulls, [2]int{16, 24}, [2]int{r.end, r.size - 4}) {
		clear(got[hole[0]:hole[1]])
		clear(want[hole[0]:hole[1]])
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d is %#x, want %#x", i, got[i], want[i])
		}
	}
	return ""
}
