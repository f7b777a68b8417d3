//go:build unix

package source_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"webshellscan/scan/source"
)

// TestPipes: a pipe that is named is read once, and taken apart if it holds an
// archive; its bytes are those that were sent.
func TestPipes(t *testing.T) {
	log := bytes.Repeat([]byte("ElfFile\x00"), 1<<15) // more than a pipe holds
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("fifo", 0o644); err != nil {
		t.Skipf("no FIFOs here: %v", err)
	}
	go func() {
		f, err := os.OpenFile("fifo", os.O_WRONLY, 0)
		if err == nil {
			_, _ = f.Write(log)
			_ = f.Close()
		}
	}()
	found, err := source.Find(t.Context(), []string{"fifo", "-"}, source.Options{Stdin: bytes.NewReader(log)})
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	if len(found.Inputs) != 2 {
		t.Fatalf("%d inputs", len(found.Inputs))
	}
	for i := range found.Inputs {
		f, err := found.Inputs[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
		if err != nil || !bytes.Equal(got, log) {
			t.Errorf("%s: %d bytes, error %v", found.Inputs[i].Path, len(got), err)
		}
	}
	if _, err := source.Find(t.Context(), []string{"-"}, source.Options{}); err == nil {
		t.Error("no standard input: no error")
	}
}

// TestPipeTooLarge: what does not fit into memory is read as far as it does,
// and said to be cut; a folder for temporary files has room for it.
func TestPipeTooLarge(t *testing.T) {
	large := bytes.Repeat([]byte("ElfFile\x00"), 1<<19) // 4 MiB
	options := source.Options{Stdin: bytes.NewReader(large), Memory: 2 << 20}
	found, err := source.Find(t.Context(), []string{"-"}, options)
	if err != nil {
		t.Fatal(err)
	}
	f, err := found.Inputs[0].Open()
	if err != nil || f.Size() != 2<<20 || !errors.Is(f.Fault(), source.ErrMemory) {
		t.Errorf("%d bytes, fault %v, error %v", f.Size(), f.Fault(), err)
	}
	options.Stdin, options.Temp = bytes.NewReader(large), t.TempDir()
	found, err = source.Find(t.Context(), []string{"-"}, options)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	if f, err = found.Inputs[0].Open(); err != nil || f.Size() != int64(len(large)) || f.Fault() != nil {
		t.Errorf("%d bytes, fault %v, error %v", f.Size(), f.Fault(), err)
	}
}

// TestPipeInterrupted: a pipe that nobody writes to does not keep a scan from
// ending.
func TestPipeInterrupted(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Find(ctx, []string{"-"}, source.Options{Stdin: r}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
