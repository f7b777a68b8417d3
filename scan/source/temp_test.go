package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
)

// packedText writes text of so many bytes, packed by gzip, to a file of the
// working directory, and returns it.
func packedText(t *testing.T, name string, size int) []byte {
	t.Helper()
	text := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = 'a' + byte(r.IntN(26))
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return text
}

// wantTemps compares how many temporary files there are, and how many bytes are
// counted of them.
func wantTemps(t *testing.T, found *Found, files int, bytes int64) {
	t.Helper()
	list, err := os.ReadDir(found.temps.folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != files || found.temps.size < bytes || (bytes == 0) != (found.temps.size == 0) {
		t.Errorf("%d temporary files, %d bytes are counted; want %d, %d bytes or more", len(list), found.temps.size, files, bytes)
	}
}

// TestTempFilesOfOpenInputs: an input that is unpacked into a temporary file
// when it is opened gives it back when it is closed; what is open still goes
// with Found. Goroutines may open inputs at once.
func TestTempFilesOfOpenInputs(t *testing.T) {
	t.Chdir(t.TempDir())
	text := packedText(t, "access.log.gz", 3<<20)
	wanted := Wanted{Kind: KindWebLog, Match: func([]byte, string) bool { return true }}
	found, err := Find(t.Context(), []string{"access.log.gz"}, Options{Memory: 1 << 20, Temp: t.TempDir(), Wanted: []Wanted{wanted}})
	if err != nil || len(found.Others) != 1 {
		t.Fatalf("%d files, %v, %v", len(found.Others), found.Skipped, err)
	}
	const users = 4
	var files [users]*File
	var wg sync.WaitGroup
	for i := range files {
		wg.Go(func() {
			f, err := found.Others[0].Open()
			if err != nil {
				t.Error(err)
				return
			}
			files[i] = f
			if data, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size())); err != nil || !bytes.Equal(data, text) {
				t.Errorf("%d bytes, %v", len(data), err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	wantTemps(t, &found, users, users*int64(len(text)))
	for _, f := range files[1:] {
		if err := errors.Join(f.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	}
	wantTemps(t, &found, 1, int64(len(text)))
	if err := found.Close(); err != nil {
		t.Error(err)
	}
	wantTemps(t, &found, 0, 0)
	if err := files[0].Close(); err != nil {
		t.Error(err)
	}
	f, err := found.Others[0].Open()
	if err != nil || !errors.Is(f.Fault(), fs.ErrClosed) {
		t.Errorf("an input makes a temporary file after Close: %v", err)
	}
	wantTemps(t, &found, 0, 0)
}

// TestTempFilesForgotten: content that is not kept leaves no temporary file.
func TestTempFilesForgotten(t *testing.T) {
	temps := &tempFiles{folder: t.TempDir()}
	x := &expander{options: &Options{Temp: temps.folder}, budget: newBudget(1 << 20), temps: temps}
	data, err := x.keep(t.Context(), bytes.NewReader(make([]byte, 2<<20)), 2<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := &Found{temps: temps}
	wantTemps(t, found, 1, 2<<20)
	x.forget(data)
	wantTemps(t, found, 0, 0)
}
