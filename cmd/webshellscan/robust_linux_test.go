package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSparse: of a file of 5 GiB that is a hole but for its header and its last
// chunk, the hole costs nothing and the chunk is read.
func TestSparse(t *testing.T) {
	const headerSize, chunkSize, holes = 4096, 65536, 5 << 30 / 65536
	data, err := os.ReadFile(filepath.Join(shippedPath(t), "WEB02", "Security.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "Security.evtx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := f.Write(data[:headerSize])
	_, err2 := f.WriteAt(data[headerSize:headerSize+chunkSize], headerSize+holes*chunkSize)
	if err := errors.Join(err1, err2, f.Close()); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := runHere(t, path)
	if status != exitNothing || !strings.Contains(stderr, "Read 1 EVTX file, 5.0 GiB, 119 records in 1 chunk") {
		t.Errorf("exit status %d, %s", status, stderr)
	}
}
