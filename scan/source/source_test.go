package source_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/source"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// tree makes files in a temporary folder and goes there.
func tree(t *testing.T, files ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func find(t *testing.T, paths ...string) (files, skipped []string) {
	t.Helper()
	found, err := source.Find(t.Context(), paths, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range found.Inputs {
		name := filepath.ToSlash(in.Path)
		if in.Named {
			name += " (named)"
		}
		files = append(files, name)
	}
	for _, s := range found.Skipped {
		skipped = append(skipped, filepath.ToSlash(s.Path))
	}
	return files, skipped
}

func TestFind(t *testing.T) {
	tree(t, "logs/b.evtx", "logs/a/z", "logs/a/%4.EVTX", "logs/-x.evtx", "more.evtx")
	all := []string{"logs/-x.evtx", "logs/a/%4.EVTX", "logs/a/z", "logs/b.evtx"}
	tests := []struct {
		name  string
		paths []string
		want  []string
	}{
		{"folder", []string{"logs"}, all},
		{"folder by other names", []string{"./logs/", "logs/../logs"}, all},
		{"folder and a file in it", []string{"logs/b.evtx", "logs"}, []string{all[0], all[1], all[2], "logs/b.evtx (named)"}},
		{"folder in a folder", []string{"logs/a", "logs"}, all},
		{"file", []string{"more.evtx"}, []string{"more.evtx (named)"}},
		{"everything", []string{"."}, append(append([]string{}, all...), "more.evtx")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, skipped := find(t, tt.paths...)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(skipped) != 0 {
				t.Errorf("inputs (-want +got):\n%s\nskipped %v", diff, skipped)
			}
		})
	}
}

func TestFindErrors(t *testing.T) {
	tree(t, "a")
	if _, err := source.Find(t.Context(), []string{"a", "nowhere"}, source.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that does not exist: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrUnexpectedEOF)
	if _, err := source.Find(ctx, []string{"."}, source.Options{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cancelled context: %v", err)
	}
}

// TestLinks: links are not followed, except those that the user names; loops do
// no harm.
func TestLinks(t *testing.T) {
	tree(t, "logs/a.evtx", "outside/b.evtx")
	for link, to := range map[string]string{
		"logs/loop": ".", "logs/out": "../outside", "logs/file": "../outside/b.evtx", "logs/again": "a.evtx", "logs/broken": "nowhere",
		"named": "logs",
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	got, skipped := find(t, "logs")
	if diff := cmp.Diff([]string{"logs/a.evtx"}, got); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"logs/again", "logs/broken", "logs/file", "logs/loop", "logs/out"}, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	if got, _ = find(t, "named"); cmp.Diff([]string{"named/a.evtx"}, got) != "" {
		t.Errorf("a named link: %v", got)
	}
}

func TestOpen(t *testing.T) {
	tree(t, "a")
	f, err := source.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 2)
	n, err := f.ReadAt(b, 0)
	if n != 1 || !errors.Is(err, io.EOF) || f.Size() != 1 || b[0] != 'a' {
		t.Errorf("%d bytes of %d, %v", n, f.Size(), err)
	}
	if _, err := source.Open("."); !errors.Is(err, source.ErrNotRegular) {
		t.Errorf("a folder: %v", err)
	}
}

// TestVerifyImages: an image that is not what its maker stored the hash of is
// told, and read all the same.
func TestVerifyImages(t *testing.T) {
	if _, err := exec.LookPath("ewfacquire"); err != nil {
		t.Skip("ewfacquire is not installed (Debian: ewf-tools)")
	}
	t.Chdir(t.TempDir())
	volume := ntfstest.Volume(100, ntfstest.File{Path: "Security.evtx", Data: []byte("ElfFile\x00" + strings.Repeat("log ", 1<<14))})
	if err := os.WriteFile("volume.raw", volume, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ewfacquire", "-u", "-q", "-t", "a", "-f", "encase6", "volume.raw").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	sound, err := os.ReadFile("a.E01")
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum(volume)
	if !bytes.Contains(sound, sum[:]) {
		t.Fatal("the image has no MD5 of the disk")
	}
	other := bytes.Repeat([]byte{0xAB}, len(sum))
	if err := os.WriteFile("b.E01", bytes.ReplaceAll(sound, sum[:], other), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]source.Note{
		"a.E01": {Path: "a.E01", Text: fmt.Sprintf("the stored MD5 %x is that of the disk", sum)},
		"b.E01": {Path: "b.E01", Text: fmt.Sprintf("the stored MD5 is %x, but the disk has %x", other, sum), Mismatch: true},
	} {
		found, err := source.Find(t.Context(), []string{file}, source.Options{VerifyImages: true})
		if err != nil || len(found.Inputs) != 1 {
			t.Fatalf("%s: %v, inputs %v", file, err, found.Inputs)
		}
		if !slices.Contains(found.Notes, want) {
			t.Errorf("%s: notes are %v, want %v", file, found.Notes, want)
		}
	}
}
