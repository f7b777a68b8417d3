package evtx_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/internal/evtxtest"
	"webshellscan/scan/evtx"
)

// missingOf returns what the header of a log knows of and the log does not
// hold.
func missingOf(t *testing.T, data []byte) evtx.Missing {
	t.Helper()
	f, err := evtx.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	r := evtx.NewReader(evtx.NewSelection(nil))
	var chunks []evtx.Chunk
	for part := range f.Parts(evtx.DefaultPartSize) {
		reading := r.Records(f, part)
		for range reading.Events(t.Context()) {
		}
		chunks = append(chunks, reading.Chunks...)
	}
	return f.Header().Missing(chunks)
}

// TestMissing cuts chunks off a log, and changes what its header says.
func TestMissing(t *testing.T) {
	const first = 5000
	whole := buildFile(t, evtxtest.Options{RecordsPerChunk: 10, FirstID: first}, made(100)).Data
	cut := func(chunks int) []byte { return slices.Clone(whole[:len(whole)-chunks*evtx.ChunkSize]) }
	header := func(data []byte, change func([]byte)) []byte {
		data = slices.Clone(data)
		change(data)
		evtxtest.FixFile(data)
		return data
	}
	dirty := func(b []byte) { b[120] |= 1 }
	next := func(id uint64) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint64(b[24:], id) }
	}
	empty := buildFile(t, evtxtest.Options{}, nil).Data
	damaged := cut(3)
	damaged[24]++
	for name, tt := range map[string]struct {
		data []byte
		want evtx.Missing
	}{
		"whole":              {whole, evtx.Missing{}},
		"end cut off":        {cut(3), evtx.Missing{Records: 30, FirstID: first + 70, Chunks: 3}},
		"one left":           {cut(9), evtx.Missing{Records: 90, FirstID: first + 10, Chunks: 9}},
		"not closed":         {header(cut(3), dirty), evtx.Missing{Records: 30, FirstID: first + 70}},
		"beginning cut off":  {slices.Delete(slices.Clone(whole), evtx.HeaderSize, evtx.HeaderSize+evtx.ChunkSize), evtx.Missing{Chunks: 1}},
		"header behind":      {header(whole, next(first+50)), evtx.Missing{}},
		"header far ahead":   {header(whole, next(1<<64-1)), evtx.Missing{Records: 1<<64 - 1 - first - 100, FirstID: first + 100}},
		"header damaged":     {damaged, evtx.Missing{}},
		"nothing":            {empty, evtx.Missing{}},
		"nothing left of it": {cut(10), evtx.Missing{Chunks: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := missingOf(t, tt.data); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestMissingIsTold: the records that a log lacks by its header are told by
// their identifiers, from the first to the last.
func TestMissingIsTold(t *testing.T) {
	data := buildFile(t, evtxtest.Options{RecordsPerChunk: 10}, made(100)).Data
	data = data[:len(data)-3*evtx.ChunkSize]
	res, err := readLog(t, bytes.NewReader(data), int64(len(data)), everything)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(res.faults, func(f *evtx.FormatError) bool { return f.Class == evtx.RecordsMissing })
	if i < 0 {
		t.Fatalf("faults %v", res.faults)
	}
	if f := res.faults[i]; f.RecordID != 5070 || f.LastID != 5099 || f.Have != 30 {
		t.Errorf("%d records from %d to %d, want 30 from 5070 to 5099", f.Have, f.RecordID, f.LastID)
	}
}

// TestMissingOfRealLogs: sound logs hold what their headers know of.
func TestMissingOfRealLogs(t *testing.T) {
	needCorpus(t)
	seen, odd := 0, 0
	for _, row := range readInventory(t) {
		if row["dirty_flag"] != "0" || row["header_crc_ok"] != "1" || row["chunk_data_crc_bad"] != "0" || row["chunks_bad_magic"] != "0" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(corpus, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		if seen++; missingOf(t, data) != (evtx.Missing{}) {
			odd++
			t.Logf("%s: %+v", row["path"], missingOf(t, data))
		}
	}
	if seen < 600 || odd > 1 {
		t.Errorf("%d of %d sound logs seem to miss records", odd, seen)
	}
}

// TestHole: of a log whose beginning or middle holds no chunks any more, and
// whose header does not say so, it is told where they were.
func TestHole(t *testing.T) {
	const chunk, first = evtx.ChunkSize, evtx.HeaderSize
	whole := buildFile(t, evtxtest.Options{RecordsPerChunk: 10, ZeroChunks: 2, Flags: evtxtest.FlagDirty}, made(100)).Data
	with := func(from, to int, b byte) []byte {
		data := slices.Clone(whole)
		for i := from; i < to; i++ {
			data[i] = b
		}
		return data
	}
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"whole":                     {whole, ""},
		"first chunk":               {with(first, first+chunk, 0), "zeros 4096 65536"},
		"two in the middle":         {with(first+3*chunk, first+5*chunk, 0), "zeros 200704 131072"},
		"last chunk":                {with(first+9*chunk, first+10*chunk, 0), ""},
		"header":                    {with(0, first, 0), ""},
		"header and two, by zeros":  {with(0, first+2*chunk, 0), "no chunk 4096 131072"},
		"header and two, otherwise": {with(0, first+2*chunk, 0xA5), "no chunk 4096 131072"},
		"no header":                 {whole[first : first+10*chunk], ""},
		"too little for a chunk":    {append(make([]byte, 5000), whole[first:first+10*chunk]...), ""},
		"something before it":       {append(make([]byte, 100_000), whole...), ""},
	} {
		res, err := readLog(t, bytes.NewReader(tt.data), int64(len(tt.data)), evtx.NewSelection(nil))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range res.faults {
			if f.Class == evtx.ChunkLost {
				got = append(got, fmt.Sprintf("%s %d %d", f.What, f.Offset, f.Have))
			}
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
