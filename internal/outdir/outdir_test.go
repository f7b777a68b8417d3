package outdir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"webshellscan/internal/outdir"
)

// TestHarmless: letters, digits and what names of logs are made of stay.
func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"Microsoft-Windows-Sysmon%4Operational.evtx": "Microsoft-Windows-Sysmon%4Operational.evtx",
		`..\..\a/b c`: ".._.._a_b_c", "a\x00:*?\"<>|\n$(x)`'": "a___________x___", "日é\xff": "___", "": "",
	} {
		if got := outdir.Harmless(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestCreate: nothing is written over, and nothing out of the folder.
func TestCreate(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	file, err := outdir.Create(root, outdir.ManifestName)
	if err != nil {
		t.Fatal(err)
	}
	if err := outdir.WriteManifest(file, map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := outdir.Create(root, outdir.ManifestName); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := outdir.Create(root, "../out"); err == nil {
		t.Error("a file was created above the folder")
	}
	if data, err := os.ReadFile(filepath.Join(dir, outdir.ManifestName)); err != nil || string(data) != "{\n  \"a\": 1\n}\n" {
		t.Errorf("%q, %v", data, err)
	}
}
