package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
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
	zeros := strings.Repeat("\x00", 70_000)
	return map[string]struct{ content, why string }{
		"zeroed.evtx":      {zeros, "zeroed: nothing but zeros in 70000 bytes"},
		"filled.evtx":      {strings.Repeat("\xff", 70_000), "nothing but the byte 0xFF"},
		"memo.evtx":        {zipOf(t, "memo.txt", "no log"), "no event log (EVTX), but a zip archive that holds none"},
		"wiped.zip":        {zeros, "no archive or disk image, but zeroed"},
		"wiped.E01":        {zeros, "no archive or disk image, but zeroed"},
		"outer.zip":        {zipOf(t, "inner.7z", zeros), "inner.7z: called an archive or a disk image, and begins as none"},
		"host.vmem":        {strings.Repeat("\x00\x01\x02\xf3", 20_000), "memory of a machine by its name: what is in it was not read"},
		"boot.etl":         {strings.Repeat("\x00\x01\x02\xf3", 20_000), "an event trace by its name (.etl): what is in it was not read"},
		"traces.zip":       {zipOf(t, "Boot.ETL", zeros), "Boot.ETL: an event trace by its name (.etl): what is in it was not read"},
		"pagefile.sys":     {zeros, "memory of a machine by its name: what is in it was not read"},
		"memory.zip":       {zipOf(t, "HIBERFIL.SYS", zeros), "HIBERFIL.SYS: memory of a machine by its name: what is in it was not read"},
		"paper.evtx":       {"%PDF-1.7\n" + strings.Repeat("text ", 300), "a PDF document"},
		"packed.evtx":      {packed.String(), "no event log (EVTX), but text"},
		"text.evtx":        {string(wide), "text"},
		"cut.evtx":         {"<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>1", "an export (XML) of which no record could be read: offset "},
		"none.evtx":        {"<Events></Events>\n", "an export (XML) that holds no record"},
		"locked.vhdx":      {"vhdxfile" + strings.Repeat("\x00", 2<<20), "VHDX"},
		"broken.zip":       {"PK\x03\x04" + strings.Repeat("x", 500), "archive is damaged"},
		"broken.7z":        {"7z\xbc\xaf\x27\x1c" + strings.Repeat("x", 500), "archive is damaged"},
		"broken.E01":       {"EVF\x09\x0d\x0a\xff\x00" + strings.Repeat("x", 500), "image is damaged"},
		"Security.evtx.gz": {"\x1f\x8b\x08\x00" + strings.Repeat("x", 500), "archive is damaged"},
	}
}

// zipOf returns a zip archive with one member.
func zipOf(t *testing.T, name, content string) string {
	t.Helper()
	var b strings.Builder
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
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

// TestNotReadInManifest: the manifest has what was not read once, with its
// reason, size and hash.
func TestNotReadInManifest(t *testing.T) {
	t.Chdir(t.TempDir())
	files := notRead(t)
	for name, f := range files {
		if err := write("in/"+name, []byte(f.content)); err != nil {
			t.Fatal(err)
		}
	}
	_, out, _ := runHere(t, "-q", "-f", "json", "in")
	var doc struct {
		Manifest struct {
			Inputs []struct {
				File, SHA256, Error string
				Size                int
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]int)
	for _, in := range doc.Manifest.Inputs {
		name := strings.TrimPrefix(in.File, "in/")
		f, ok := files[name]
		if !ok {
			continue // a member
		}
		if rows[name]++; in.SHA256 == "" || in.Size != len(f.content) {
			t.Errorf("%s: size %d, hash %q", name, in.Size, in.SHA256)
		}
		if !strings.Contains(out, name+"!") && in.Error == "" {
			t.Errorf("%s: no reason", name)
		}
	}
	for name := range files {
		if rows[name] != 1 {
			t.Errorf("%s: %d times in the manifest", name, rows[name])
		}
	}
}

// TestReadInPartIsNamed: a log whose archive is damaged, so that not all of it
// can be unpacked, is named and makes the scan incomplete, however much was
// read. One of which only the checksum is another is no more than damaged.
func TestReadInPartIsNamed(t *testing.T) {
	log, err := os.ReadFile(filepath.Join(repository, "testdata/logs/WEB02/Security.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(log); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	zipped := zipOf(t, "Security.evtx", string(log))
	broken := []byte(zipped)
	for i := len(broken) / 2; i < len(broken)/2+64; i++ {
		broken[i] = 0xff
	}
	other := bytes.Clone(packed.Bytes())
	other[len(other)-8] ^= 1 // the CRC-32
	for _, test := range []struct {
		name, content string
		status        int
	}{
		{"broken.zip", string(broken), exitIncomplete},
		{"cut.evtx.gz", packed.String()[:packed.Len()/2], exitIncomplete},
		{"whole.evtx.gz", packed.String(), exitFindings},
		{"other.evtx.gz", string(other), exitFindings},
		{"whole.zip", zipped, exitFindings},
	} {
		t.Chdir(t.TempDir())
		if err := write(test.name, []byte(test.content)); err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"table", "csv", "json"} {
			status, _, errs := runHere(t, "-q", "-f", format, test.name)
			if status != test.status || namesWithReason(errs, test.name, "not all of it could be read: ") != (status == exitIncomplete) {
				t.Errorf("%s as %s: exit status %d, %q", test.name, format, status, errs)
			}
		}
	}
}

// TestNamedArchiveWithoutLogs: an archive that was named and holds no log is
// told, beside logs too.
func TestNamedArchiveWithoutLogs(t *testing.T) {
	log, err := filepath.Abs("../../testdata/logs/WEB02/System.evtx")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := write("other.zip", []byte(zipOf(t, "memo.txt", "no log"))); err != nil {
		t.Fatal(err)
	}
	if _, _, errs := runHere(t, log, "other.zip"); !namesWithReason(errs, "Left out: other.zip", "no event log is in it") {
		t.Errorf("not told:\n%s", errs)
	}
}

// TestAbsentOfWhatWasRead: that a process is not there is wrong usage where all
// was read, and an incomplete run where not.
func TestAbsentOfWhatWasRead(t *testing.T) {
	log, err := os.ReadFile(filepath.Join(repository, "testdata/logs/WEB02/Security.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := errors.Join(write("in/Security.evtx", log), write("in/all/Security.evtx", log), write("in/wiped.evtx", make([]byte, 70_000))); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"explain", "tree"} {
		if status, _, errs := runHere(t, verb, "-q", "--pid", "7", "in/all"); status != exitUsage || !strings.Contains(errs, "no process 7") {
			t.Errorf("%s of what was read: exit status %d, %s", verb, status, errs)
		}
		status, _, errs := runHere(t, verb, "-q", "--pid", "7", "in")
		if status != exitIncomplete || !strings.Contains(errs, "no process 7") || !namesWithReason(errs, "wiped.evtx", "zeroed") {
			t.Errorf("%s of what was not all read: exit status %d, %s", verb, status, errs)
		}
	}
}

// TestTimesketchLists: every line has every list, that of a blind host too.
func TestTimesketchLists(t *testing.T) {
	_, out, _ := runHere(t, "-q", "-f", "timesketch", filepath.Join(repository, "testdata/logs/WEB02/System.evtx"))
	if !strings.Contains(out, `"Log Coverage"`) {
		t.Fatalf("no line of a blind host:\n%s", out)
	}
	for line := range strings.Lines(out) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			if value == nil && name != "worker_process_id" { // which may not be known
				t.Errorf("%s is null in %s", name, line)
			}
		}
	}
}

// TestBlindTrees: trees and baselines of hosts of which nothing that ran can be
// seen say so, also with -q.
func TestBlindTrees(t *testing.T) {
	log, err := os.ReadFile(filepath.Join(repository, "testdata/logs/WEB02/System.evtx"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := write("System.evtx", log); err != nil {
		t.Fatal(err)
	}
	const reason = "WEB02.harbor.example: no process creations"
	for _, format := range report.TreeFormats.Names() {
		if status, out, errs := runHere(t, "tree", "-q", "-f", format, "System.evtx"); status != exitNothing || !strings.Contains(out, reason) || !strings.Contains(errs, reason) {
			t.Errorf("%s: exit status %d, %q, %q", format, status, out, errs)
		}
	}
	if status, _, errs := runHere(t, "baseline", "-q", "System.evtx"); status != exitNothing || !strings.Contains(errs, reason) {
		t.Errorf("baseline: exit status %d, %q", status, errs)
	}
}
