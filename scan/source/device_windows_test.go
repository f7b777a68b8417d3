package source_test

import (
	"errors"
	"io/fs"
	"testing"

	"webshellscan/scan/source"
)

// TestSystemVolume: the volume of the running system is read, or the reason
// says who may.
func TestSystemVolume(t *testing.T) {
	f, err := source.Open(`\\.\C:`)
	if err != nil {
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer f.Close()
	b := make([]byte, 11)
	if n, err := f.ReadAt(b, 0); n < len(b) || f.Size() < 1<<20 {
		t.Errorf("%d bytes of %d: %v", n, f.Size(), err)
	}
}
