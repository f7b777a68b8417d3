package binxml_test

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/scan/binxml"
	"webshellscan/scan/evtx"
)

// corpus holds real logs.
const corpus = "../../../shared/corpus/logs"

// chunkHead and recordHead are where records begin in a chunk, and documents in
// records.
const chunkHead, recordHead, recordTail = 512, 24, 4

// eachRecord calls do for the sound records of the shipped and the real logs,
// with their chunks.
func eachRecord(t *testing.T, do func(path string, chunk []byte, at, size int)) {
	t.Helper()
	decoder := evtx.NewDecoder(evtx.NewSelection(nil))
	files := 0
	for _, root := range []string{"../../testdata/logs", corpus} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".evtx" {
				return nil
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if files++; testing.Short() && files > 20 || len(data) > 8<<20 {
				return nil
			}
			for at := evtx.HeaderSize; at+evtx.ChunkSize <= len(data); at += evtx.ChunkSize {
				eachOf(decoder, data[at:at+evtx.ChunkSize], func(offset, size int) { do(path, data[at:at+evtx.ChunkSize], offset, size) })
			}
			return nil
		})
	}
	if files == 0 {
		t.Fatal("no logs")
	}
}

// eachOf calls do for the sound records of a chunk.
func eachOf(decoder *evtx.Decoder, chunk []byte, do func(at, size int)) {
	for at := chunkHead; at+recordHead+recordTail <= len(chunk) && string(chunk[at:at+2]) == "**"; {
		size := int(binary.LittleEndian.Uint32(chunk[at+4:]))
		if size < recordHead+recordTail || size > len(chunk)-at {
			return
		}
		if _, err := decoder.Whole(chunk, at); err == nil {
			do(at, size)
		}
		at += size
	}
}

// TestRoundTrip: every sound record can be taken apart, and says in another
// chunk, behind other records, what it said in its own.
func TestRoundTrip(t *testing.T) {
	var chunk binxml.Chunk
	chunk.Reset(chunkHead)
	records := 0
	eachRecord(t, func(path string, data []byte, at, size int) {
		records++
		doc, err := binxml.Parse(data, at+recordHead, at+size-recordTail)
		if err != nil {
			t.Errorf("%s: record at %d: %v", path, at, err)
			return
		}
		want, err := doc.XML()
		if err != nil {
			t.Errorf("%s: record at %d: XML: %v", path, at, err)
			return
		}
		if err := wellFormed(want); err != nil {
			t.Errorf("%s: record at %d: %v in\n%s", path, at, err, want)
		}
		if len(chunk.Data) > evtx.ChunkSize {
			chunk.Reset(chunkHead)
		}
		from := len(chunk.Data)
		chunk.Write(doc)
		again, err := binxml.Parse(chunk.Data, from, len(chunk.Data))
		if err != nil {
			t.Errorf("%s: record at %d, written again: %v", path, at, err)
			return
		}
		if got, err := again.XML(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: record at %d, written again (%v), is\n%s\nwant\n%s", path, at, err, got, want)
		}
	})
	t.Logf("%d records", records)
}

// wellFormed returns an error if something is no XML document.
func wellFormed(text []byte) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestMark: a chunk that was brought back to a state has nothing of what came
// after it, so that what is written next refers to nothing that is gone.
func TestMark(t *testing.T) {
	var plain, marked binxml.Chunk
	plain.Reset(chunkHead)
	marked.Reset(chunkHead)
	n := 0
	eachRecord(t, func(path string, data []byte, at, size int) {
		doc, err := binxml.Parse(data, at+recordHead, at+size-recordTail)
		if n++; n > 40 || err != nil {
			return
		}
		if n%2 == 0 {
			mark := marked.Mark()
			marked.Write(doc)
			marked.Restore(mark)
			return
		}
		plain.Write(doc)
		marked.Write(doc)
	})
	plain.PutTables()
	marked.PutTables()
	if !bytes.Equal(plain.Data, marked.Data) {
		t.Error("the chunk that was brought back differs")
	}
}

// FuzzParse: whatever the bytes are, parsing and writing end, and what is XML
// is well formed.
func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("../../testdata/logs/WEB02/System.evtx")
	if err != nil {
		f.Fatal(err)
	}
	chunk := data[evtx.HeaderSize:][:8192]
	f.Add(chunk, uint16(chunkHead+recordHead), uint16(len(chunk)))
	f.Add([]byte(strings.Repeat("\x0c", 600)), uint16(0), uint16(600))
	f.Fuzz(func(t *testing.T, chunk []byte, from, to uint16) {
		doc, err := binxml.Parse(chunk, int(from), int(to))
		if err != nil {
			return
		}
		if text, err := doc.XML(); err == nil && len(text) > 8<<20 {
			t.Errorf("%d bytes of XML", len(text))
		}
		var c binxml.Chunk
		c.Reset(chunkHead)
		c.Write(doc)
	})
}
