package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEvidenceIsKept: no report replaces a file that begins as evidence does,
// with any flag; one that comes after the check is not replaced either.
func TestEvidenceIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	at := func(offset int, text string) string {
		return strings.Repeat("\x00", offset) + text + strings.Repeat("\x00", 600)
	}
	for name, content := range map[string]string{
		"event log": "ElfFile\x00", "chunk": at(0, "ElfChnk\x00"), "zip": "PK\x03\x04", "7z": "7z\xBC\xAF\x27\x1C", "gzip": "\x1F\x8B\x08",
		"tar": at(257, "ustar"), "E01": "EVF\x09\x0D\x0A\xFF\x00", "VHDX": "vhdxfile", "VHD": at(700, "")[:700] + "conectix" + strings.Repeat("\x00", 504),
		"VMDK": "KDMV", "QCOW2": "QFI\xFB", "VDI": at(64, "\x7F\x10\xDA\xBE"), "NTFS": "\xEB\x52\x90NTFS    ", "GPT": at(512, "EFI PART"),
		"XML export": `<?xml version="1.0"?><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">`, "hive": "regf",
	} {
		if err := write("report.csv", []byte(content)); err != nil {
			t.Fatal(err)
		}
		_, err := openOutput("report.csv", protection{force: true}, nil)
		got, _ := os.ReadFile("report.csv")
		if err == nil || string(got) != content {
			t.Errorf("%s: %v, file begins %.8q", name, err, got)
		}
	}
}

// TestCommitReplacesNothing: a file that appears while the scan runs stays.
func TestCommitReplacesNothing(t *testing.T) {
	for _, force := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "report.csv")
		out, err := openOutput(path, protection{force: force}, nil)
		if err != nil {
			t.Fatal(err)
		}
		const log = "ElfFile\x00 came later"
		if err := write(path, []byte(log)); err != nil {
			t.Fatal(err)
		}
		if err := out.commit(nil); err == nil {
			t.Errorf("force %v: no error", force)
		}
		if got, _ := os.ReadFile(path); string(got) != log {
			t.Errorf("force %v: replaced by %q", force, got)
		}
		if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
			t.Errorf("force %v: %d files are left", force, len(list))
		}
	}
}
