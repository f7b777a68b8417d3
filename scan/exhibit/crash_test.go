package exhibit

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/internal/work"
	"webshellscan/scan/evtx"
	"webshellscan/scan/finding"
)

// firstRecords returns the first records of a shipped log.
func firstRecords(t *testing.T, n int) []*Record {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash("../../testdata/logs/WEB02/System.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	chunk := data[evtx.HeaderSize:][:evtx.ChunkSize]
	var list []*Record
	for at := chunkHead; len(list) < n; at += int(binary.LittleEndian.Uint32(chunk[at+4:])) {
		r := &Record{Host: "A", Chunk: chunk, Evidence: finding.Evidence{Channel: "System", RecordID: binary.LittleEndian.Uint64(chunk[at+8:]), Offset: int64(evtx.HeaderSize + at)}}
		r.Place.Chunk = evtx.HeaderSize
		list = append(list, r)
	}
	return list
}

// newFolder makes a folder of the test.
func newFolder(t *testing.T) *Folder {
	t.Helper()
	folder, err := Create(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestCrash: a panic costs the record in hand. Its entry and the manifest say
// so, and those after it are written.
func TestCrash(t *testing.T) {
	folder := newFolder(t)
	for i, r := range firstRecords(t, 3) {
		if i == 1 {
			folder.decoder = nil
		}
		if crash := folder.Add(r); (crash != nil) != (i == 1) {
			t.Errorf("record %d: %v", i, crash)
		}
	}
	size := len(folder.log.chunk.Data)
	if crash := work.Guard(func() { _, _ = folder.log.add(nil, 0) }); crash == nil || len(folder.log.chunk.Data) != size {
		t.Errorf("%v leaves %d bytes of a record", crash, len(folder.log.chunk.Data)-size)
	}
	m, err := folder.Close(Ending{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Records) != 3 || m.Missing() != 1 || !strings.HasPrefix(m.Records[1].Error, "internal error: ") || !m.Incomplete {
		t.Errorf("%d records, %d missing, incomplete %t, %+v", len(m.Records), m.Missing(), m.Incomplete, m.Records)
	}
}

// TestXMLOfAll: the XML of all records is bounded. Those that have none for
// that are in the log, and counted.
func TestXMLOfAll(t *testing.T) {
	folder := newFolder(t)
	records := firstRecords(t, 3)
	folder.xmlRoom = 1 << 20
	if crash := folder.Add(records[0]); crash != nil {
		t.Fatal(crash)
	}
	folder.xmlRoom = 10
	for _, r := range records[1:] {
		if crash := folder.Add(r); crash != nil {
			t.Fatal(crash)
		}
	}
	m, err := folder.Close(Ending{})
	if err != nil {
		t.Fatal(err)
	}
	if m.XMLLeft != 2 || m.Missing() != 0 || m.Incomplete || m.Records[0].XML == "" || m.Records[2].XML != "" || m.Records[2].Error != errFolderXML.Error() {
		t.Errorf("XML of %d is left out, %d missing: %+v", m.XMLLeft, m.Missing(), m.Records)
	}
}
