//go:build !race

package source_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/internal/work"
	"webshellscan/scan/source"
)

// TestMemory: a process that reads archives with much more in them than the
// memory that is allowed takes no more than that and what any process takes.
// Members are unpacked in whichever way, and two at a time. The race detector
// takes memory of its own.
func TestMemory(t *testing.T) {
	const child, allowed, own = "WEBSHELLSCAN_TEST_MEMORY", 24 << 20, 24 << 20
	if path := os.Getenv(child); path != "" {
		readInTurn(t, path, allowed)
		if most := peak(t); most > allowed+own {
			t.Errorf("took %d MiB, want at most %d", most>>20, (allowed+own)>>20)
		}
		return
	}
	var files []string
	for i := range 40 {
		files = append(files, fmt.Sprintf("%02d.evtx", (i*7+3)%40), sparseLog(4<<20+i))
	}
	tar := tarOf(t, append(files, "a large one.evtx", sparseLog(30<<20))...)
	for name, data := range map[string][]byte{
		"a.tgz": gzipOf(t, tar), "a.zip": zipOf(t, files...), "large.evtx.gz": gzipOf(t, sparseLog(60<<20)),
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		program := exec.Command(os.Args[0], "-test.run=^TestMemory$")
		program.Env = append(os.Environ(), child+"="+path)
		if out, err := program.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// sparseLog returns what begins as a log and shrinks to a sixteenth.
func sparseLog(size int) string {
	b := make([]byte, size)
	for at := 0; at < size; at += 64 << 10 {
		copy(b[at:], largeLog(min(4<<10, size-at)))
	}
	return string(b)
}

// peak returns how many bytes of memory the process took at most. What the
// system tells the parent of it would be the parent's own, if that took more.
func peak(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Skip(err)
	}
	return kib << 10
}

// readInTurn reads all inputs of a container, two at a time in their turns.
func readInTurn(t *testing.T, path string, memory int64) {
	found, err := source.Find(t.Context(), []string{path}, source.Options{Memory: memory})
	if err != nil || len(found.Inputs) == 0 || len(found.Skipped) > 0 {
		t.Fatalf("%d inputs, %v, %v", len(found.Inputs), found.Skipped, err)
	}
	slices.SortStableFunc(found.Inputs, func(a, b source.Input) int { return cmp.Compare(a.Turn, b.Turn) })
	panics := work.Each(2, len(found.Inputs), func(_, i int) {
		f, err := found.Inputs[i].Open()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = f.Close() }() // it was only read
		var head bytes.Buffer
		all := io.NewSectionReader(f, 0, f.Size())
		n, err := io.CopyN(&head, all, 8)
		rest, failed := io.Copy(io.Discard, all)
		if err != nil || failed != nil || n+rest != f.Size() || head.String() != "ElfFile\x00" {
			t.Errorf("%s: %d bytes of %d, %v, %v", found.Inputs[i].Path, n+rest, f.Size(), err, failed)
		}
	})
	for _, f := range panics {
		t.Error(f)
	}
}
