package archive_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"webshellscan/scan/source/archive"
)

// TestSevenZipMemory: however often the members of a solid archive are opened,
// one decoder with its dictionary is kept, not one for each place where a
// reading ended.
func TestSevenZipMemory(t *testing.T) {
	if _, err := exec.LookPath("7z"); err != nil {
		t.Skip("7z is not installed (Debian: p7zip-full)")
	}
	dir := t.TempDir()
	const dictionary, size = 16 << 20, 12 << 20
	for _, name := range []string{"1", "2", "3"} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("log "+name), size/5), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("7z", "a", "-bd", "-ms=on", "-mx=1", "-md=16m", "a.7z", "1", "2", "3")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(dir, "a.7z"))
	if err != nil {
		t.Fatal(err)
	}
	before := heapSize()
	var members []*archive.Member
	err = archive.Walk(t.Context(), bytes.NewReader(data), archive.Options{}, func(m *archive.Member) error {
		if err := readStart(m.Open); err != nil {
			return err
		}
		members = append(members, &archive.Member{Name: m.Name, Reopen: m.Reopen})
		return nil
	})
	if err != nil || len(members) != 3 {
		t.Fatalf("%d members, %v", len(members), err)
	}
	for _, number := range []int{0, 1, 2, 1, 0, 2} {
		if err := readStart(members[number].Reopen); err != nil {
			t.Fatal(err)
		}
		if kept := heapSize() - before; kept > dictionary*3/2 {
			t.Errorf("after member %d: %d MiB are kept", number, kept>>20)
		}
	}
	runtime.KeepAlive(members)
}

// readStart reads the start of a member.
func readStart(open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(r, make([]byte, 512)); err != nil {
		return err
	}
	return r.Close()
}

// heapSize returns how many bytes of the heap are in use.
func heapSize() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
