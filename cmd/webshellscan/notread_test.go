package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"webshellscan/report"
)

// notRead are files that hold no log though they were pointed at, with what is
// said of each.
func notRead(t *testing.T) map[string]struct{ content, why string } {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(strings.Repeat("not a log ", 100))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	wide := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune("just a text\r\n")) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	return map[string]struct{ content, why string }{
		"zeroed.evtx":      {strings.Repeat("\x00", 70_000), "zeroed: nothing but zeros in 70000 bytes"},
		"paper.evtx":       {"%PDF-1.7\n" + strings.Repeat("text ", 300), "a PDF document"},
		"packed.evtx":      {packed.String(), "no event log (EVTX), but text"},
		"text.evtx":        {string(wide), "text"},
		"locked.vhdx":      {"vhdxfile" + strings.Repeat("\x00", 2<<20), "VHDX"},
		"broken.zip":       {"PK\x03\x04" + strings.Repeat("x", 500), "archive is damaged"},
		"broken.7z":        {"7z\xbc\xaf\x27\x1c" + strings.Repeat("x", 500), "archive is damaged"},
		"broken.E01":       {"EVF\x09\x0d\x0a\xff\x00" + strings.Repeat("x", 500), "image is damaged"},
		"Security.evtx.gz": {"\x1f\x8b\x08\x00" + strings.Repeat("x", 500), "archive is damaged"},
	}
}

// TestNotReadIsNamed: whatever was pointed at and not read is named on standard
// error, also with -q, and makes the scan incomplete, in each format.
func TestNotReadIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	files := notRead(t)
	for name, f := range files {
		if err := write("in/"+name, []byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range report.ScanFormats.Names() {
		status, _, errs := runHere(t, "-q", "-f", format, "in")
		if status != exitIncomplete {
			t.Errorf("%s: exit status %d", format, status)
		}
		for name, f := range files {
			if !namesWithReason(errs, name, f.why) {
				t.Errorf("%s: %s is not named with %q:\n%s", format, name, f.why, errs)
			}
		}
	}
}

// namesWithReason reports whether a line has a name and a reason.
func namesWithReason(lines, name, why string) bool {
	for line := range strings.Lines(lines) {
		if _, behind, ok := strings.Cut(line, name); ok && strings.Contains(strings.ToLower(behind), strings.ToLower(why)) {
			return true
		}
	}
	return false
}
