package source_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"webshellscan/scan/source"
)

// largeLog returns what begins as a log and does not shrink much.
func largeLog(size int) string {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range b {
		b[i] = byte(r.IntN(16)) // half of it is left
	}
	copy(b, "ElfFile\x00")
	return string(b)
}

// content returns the content of an input, read in pieces and in a second pass.
func content(t *testing.T, in *source.Input) []byte {
	t.Helper()
	f, err := in.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{f.Size() - 100, 10, f.Size() / 2} {
		b := make([]byte, 100)
		if _, err := f.ReadAt(b, at); err != nil || !bytes.Equal(b, data[at:at+100]) {
			t.Errorf("offset %d reads otherwise than before: %v", at, err)
		}
	}
	if _, err := f.ReadAt(make([]byte, 10), f.Size()-5); !errors.Is(err, io.EOF) || f.Fault() != nil {
		t.Errorf("at the end: %v, fault %v", err, f.Fault())
	}
	return data
}

// TestLarge: logs that do not fit into memory are read in windows, or from
// temporary files, which are gone afterwards.
func TestLarge(t *testing.T) {
	t.Chdir(t.TempDir())
	log := largeLog(5<<20 + 12345)
	files := map[string][]byte{
		"a.zip":     zipOf(t, "a/Security.evtx", log),
		"b.tgz":     gzipOf(t, tarOf(t, "first", "x", "a/Security.evtx", log, "a/Later.evtx", log)),
		"c.evtx.gz": gzipOf(t, log),
	}
	for name, data := range files {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("temp", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, temp := range []string{"", "temp"} {
		for name := range files {
			found, err := source.Find(t.Context(), []string{name}, source.Options{Memory: 1 << 20, Temp: temp})
			if err != nil || len(found.Inputs) == 0 || len(found.Skipped) > 0 {
				t.Fatalf("%s: %d inputs, %v, %v", name, len(found.Inputs), found.Skipped, err)
			}
			for i := range found.Inputs {
				in := &found.Inputs[i]
				if in.Size != int64(len(log)) || string(content(t, in)) != log || in.Sequential != (temp == "") {
					t.Errorf("%s with temporary files in %q: %d bytes, sequential %t", in.Path, temp, in.Size, in.Sequential)
				}
			}
			spilled, err := os.ReadDir("temp")
			if err != nil || (len(spilled) > 0) != (temp != "") || found.Close() != nil {
				t.Errorf("%s: %v, %v", name, spilled, err)
			}
			if left, err := os.ReadDir("temp"); err != nil || len(left) > 0 {
				t.Errorf("%s leaves %v, %v", name, left, err)
			}
		}
	}
}

// TestLargeImage: an image in an archive that does not fit into memory is read
// only from a temporary file.
func TestLargeImage(t *testing.T) {
	t.Chdir(t.TempDir())
	image := forms(t)["volume.raw"]
	if err := os.WriteFile("a.zip", zipOf(t, "disk.raw", string(image)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, temp := range []string{"", t.TempDir()} {
		found, err := source.Find(t.Context(), []string{"a.zip"}, source.Options{Memory: 1 << 18, Temp: temp})
		if err != nil || (len(found.Inputs) > 0) != (temp != "") {
			t.Errorf("%d inputs, %v, %v", len(found.Inputs), found.Skipped, err)
		}
		if temp == "" && (len(found.Skipped) != 1 || !strings.Contains(found.Skipped[0].Err.Error(), "--temp")) {
			t.Errorf("it is not named: %v", found.Skipped)
		}
		if err := found.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWindowFault: what the end of a packed log says of it is told.
func TestWindowFault(t *testing.T) {
	t.Chdir(t.TempDir())
	data := zipOf(t, "Security.evtx", largeLog(3<<20))
	at := bytes.Index(data, []byte("PK\x07\x08"))
	data[at+4] ^= 1 // the checksum
	at = bytes.Index(data, []byte("PK\x01\x02"))
	data[at+16] ^= 1
	if err := os.WriteFile("a.zip", data, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := source.Find(t.Context(), []string{"a.zip"}, source.Options{Memory: 1 << 20})
	if err != nil || len(found.Inputs) != 1 {
		t.Fatal(found.Skipped, err)
	}
	f, err := found.Inputs[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, f.Size()))
	if f.Fault() == nil || n != f.Size() {
		t.Errorf("%d bytes, %v: no fault", n, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
