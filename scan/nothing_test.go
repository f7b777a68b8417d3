package scan

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/scan/source"
)

// TestIsNothing: what is left out when it is found is what would be left out
// after it was opened as an input, and no other file.
func TestIsNothing(t *testing.T) {
	chunk := "ElfChnk\x00" + strings.Repeat("\x00", 600)
	files := map[string]string{
		"empty.txt": "", "a.bin": "\x01", "text.txt": "some text", "zeros.bin": strings.Repeat("\x00", 9000),
		"export.xml":   `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System/></Event>`,
		"late.xml":     "<?xml version=\"1.0\"?>" + strings.Repeat(" ", 9000) + `<x>schemas.microsoft.com/win/2004/08/events/event</x>`,
		"export.json":  `{"EventID": 1, "Channel": "Security"}`,
		"list.json":    `[{"name": "x"}]`,
		"page.html":    "<html></html>",
		"begun.dat":    "ElfFile\x00 and no more",
		"log.dat":      "ElfFile\x00" + strings.Repeat("\x00", 5000),
		"chunk.dat":    chunk,
		"behind.dat":   strings.Repeat("x", 4096) + chunk,
		"nearly.dat":   strings.Repeat("x", 4096) + "ElfChnk",
		"named.evtx":   "some text",
		"named.zip":    "some text",
		"named.E01":    "some text",
		"named.gz":     "MZ a program",
		"part.wss":     "some text",
		"hive":         "regf\x00\x00\x00\x00" + strings.Repeat("h", 5000),
		"disk.bin":     strings.Repeat("\x00", 512) + "EFI PART" + strings.Repeat("\x00", 40_000),
		"far.bin":      strings.Repeat("x", 32769) + "CD001" + strings.Repeat("x", 100),
		"old.vhd.copy": strings.Repeat("x", 40_000) + "conectix" + strings.Repeat("x", 504),
		"utf16.txt":    "\xFF\xFEh\x00i\x00",
		"word.docx":    "PK\x03\x04" + strings.Repeat("\x00", 26) + "[Content_Types].xml" + strings.Repeat("\x00", 600),
	}
	some := 0
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			in := &input{Input: source.Input{Path: path, Size: int64(len(content))}}
			if err := in.open(t.Context()); err == nil {
				in.close()
			}
			got := isNothing(&in.Input, bytes.NewReader([]byte(content)))
			if want := in.err != nil && in.ignored(); got != want {
				t.Errorf("nothing: %t, left out once it was opened: %t (%v)", got, want, in.err)
			}
			if got {
				some++
			}
		})
	}
	if some < 5 || some == len(files) {
		t.Errorf("%d of %d files are nothing", some, len(files))
	}
}
