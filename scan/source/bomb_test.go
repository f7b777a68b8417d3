package source_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/scan/source"
	"webshellscan/scan/source/archive"
)

// emptyLog returns what begins as a log and is zeros for the rest.
func emptyLog(mib int) string {
	return "ElfFile\x00" + strings.Repeat("\x00", mib<<20)
}

// findIn writes a file and returns what is found in it.
func findIn(t *testing.T, name string, data []byte, options source.Options) source.Found {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := source.Find(t.Context(), []string{path}, options)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestBombs: of a member that unpacks to more than an event log could, the
// start is read, and said to be no more; what lies beside it is read.
func TestBombs(t *testing.T) {
	log := largeLog(1 << 18)
	bomb := emptyLog(70)
	for name, data := range map[string][]byte{
		"a.zip":  zipOf(t, "bomb.evtx", bomb, "good.evtx", log),
		"a.tgz":  gzipOf(t, tarOf(t, "bomb.evtx", bomb, "good.evtx", log)),
		"in.zip": zipOf(t, "inner.evtx.gz", string(gzipOf(t, bomb)), "good.evtx", log),
	} {
		t.Run(name, func(t *testing.T) {
			found := findIn(t, name, data, source.Options{})
			if len(found.Inputs) != 2 {
				t.Fatalf("inputs %v, skipped %v", found.Inputs, found.Skipped)
			}
			for i := range found.Inputs {
				f, err := found.Inputs[i].Open()
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if strings.HasSuffix(found.Inputs[i].Path, "good.evtx") {
					if b := content(t, &found.Inputs[i]); string(b) != log {
						t.Errorf("%d bytes of the log beside the bomb", len(b))
					}
				} else if f.Size() != 64<<20 || !errors.Is(f.Fault(), archive.ErrBomb) {
					t.Errorf("%s: %d bytes, %v", found.Inputs[i].Path, f.Size(), f.Fault())
				}
			}
		})
	}
}

// TestManyBombs: members that are no bombs one by one are so together, and cost
// the others nothing.
func TestManyBombs(t *testing.T) {
	log := largeLog(1 << 18)
	list := []string{}
	for i := range 6 {
		list = append(list, fmt.Sprintf("%d.evtx", i), emptyLog(60))
	}
	found := findIn(t, "a.zip", zipOf(t, append(list, "good.evtx", log)...), source.Options{})
	size := int64(0)
	for _, in := range found.Inputs {
		size += in.Size
	}
	last := &found.Inputs[len(found.Inputs)-1]
	if size > 257<<20 || string(content(t, last)) != log {
		t.Errorf("%d bytes in all, the last input is %s", size, last.Path)
	}
	if len(found.Skipped) != 1 || !errors.Is(found.Skipped[0].Err, archive.ErrBomb) {
		t.Errorf("skipped %v", found.Skipped)
	}
}

// TestImageOfZeros: a disk image in an archive that is nothing but zeros is
// unpacked only where there is a folder for it.
func TestImageOfZeros(t *testing.T) {
	image := "\xEB\x52\x90NTFS    " + strings.Repeat("\x00", 300<<20)
	found := findIn(t, "a.zip", zipOf(t, "disk.raw", image), source.Options{})
	if len(found.Skipped) != 1 || !errors.Is(found.Skipped[0].Err, archive.ErrBomb) || !strings.Contains(found.Skipped[0].Err.Error(), "--temp") {
		t.Errorf("skipped %v", found.Skipped)
	}
	found = findIn(t, "a.zip", zipOf(t, "disk.raw", image), source.Options{Temp: t.TempDir(), Memory: 1 << 20})
	defer found.Close()
	if len(found.Skipped) != 1 || errors.Is(found.Skipped[0].Err, archive.ErrBomb) {
		t.Errorf("with a folder, skipped %v", found.Skipped)
	}
}

// TestUnpackedOnce: what was unpacked is not unpacked again as long as there is
// room for it, and forgotten when there is none.
func TestUnpackedOnce(t *testing.T) {
	first, second := largeLog(1<<18), largeLog(1<<18)+"x"
	path := filepath.Join(t.TempDir(), "a.zip")
	for _, memory := range []int64{1 << 20, 1<<18 + 100} {
		data := zipOf(t, "1.evtx", first, "2.evtx", second)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := source.Find(t.Context(), []string{path}, source.Options{Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{first, second} {
			if string(content(t, &found.Inputs[i])) != want {
				t.Errorf("memory %d: input %d has another content", memory, i)
			}
		}
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(make([]byte, len(data)/2), 40); err != nil { // the first member is gone
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := found.Inputs[0].Open()
		if err == nil {
			b, _ := io.ReadAll(io.NewSectionReader(f, 0, f.Size())) // damaged is what it may be
			if kept := string(b) == first; kept != (memory == 1<<20) {
				t.Errorf("memory %d: still there: %v", memory, kept)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			if _, err := f.ReadAt(make([]byte, 1), 0); err == nil {
				t.Error("a closed file is still read")
			}
		}
	}
}
