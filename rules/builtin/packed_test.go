package builtin

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"webshellscan/internal/wire"
	"webshellscan/rules"
)

var update = flag.Bool("update", false, "pack the rules anew")

// TestPacked holds that the program has the rules of the folder.
func TestPacked(t *testing.T) {
	names, err := filepath.Glob("*.yml")
	if err != nil || len(names) == 0 {
		t.Fatal(len(names), "files,", err)
	}
	var files []packedFile
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list, err := rules.Pack(name, data)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, packedFile{name, list})
	}
	c := wire.NewWriter()
	codeFiles(c, &files)
	if *update {
		if err := os.WriteFile("rules.pack", c.Data(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(c.Data(), packed) {
		t.Error("rules.pack is not what the *.yml files say: go test ./rules/builtin -update")
	}
}

// BenchmarkRules reads the built-in rules.
func BenchmarkRules(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if list, err := read(); len(list) == 0 || err != nil {
			b.Fatal(len(list), err)
		}
	}
}
