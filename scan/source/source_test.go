package source_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/source"
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
