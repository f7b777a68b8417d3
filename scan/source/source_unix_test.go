//go:build unix

package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/source"
)

// TestSpecialFiles: a FIFO, a socket or a device is not opened, let alone
// waited for; hard links are one file.
func TestSpecialFiles(t *testing.T) {
	tree(t, "logs/a.evtx")
	if err := syscall.Mkfifo("logs/fifo.evtx", 0o644); err != nil {
		t.Skipf("no FIFOs here: %v", err)
	}
	if err := os.Link("logs/a.evtx", "logs/same.evtx"); err != nil {
		t.Skipf("no hard links here: %v", err)
	}
	got, skipped := find(t, "logs")
	if diff := cmp.Diff([]string{"logs/a.evtx"}, got); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"logs/fifo.evtx"}, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	if _, err := source.Find(t.Context(), []string{"/dev/null"}, source.Options{}); !errors.Is(err, source.ErrNotRegular) {
		t.Errorf("a device by name: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := source.Open("logs/fifo.evtx")
		done <- err
	}()
	select {
	case err := <-done:
		if !errors.Is(err, source.ErrNotRegular) {
			t.Errorf("opening a FIFO: %v", err)
		}
	case <-time.After(2 * time.Minute): // as long as a busy machine may take for nothing
		t.Error("opening a FIFO waits for its writer")
	}
}

// TestLinkBeside: a file that an image names is not opened if it is a link out
// of the folder.
func TestLinkBeside(t *testing.T) {
	volume, _ := twoLogs()
	dir, elsewhere := t.TempDir(), t.TempDir()
	for name, data := range extents(volume) {
		place := dir
		if name == "d-s002.vmdk" {
			place = elsewhere
			if err := os.Symlink(filepath.Join(place, name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(place, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := source.Find(t.Context(), []string{filepath.Join(dir, "d.vmdk")}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text := said(found)["d.vmdk"]; !strings.Contains(text, source.ErrLink.Error()) {
		t.Errorf("not read: %q", text)
	}
}
