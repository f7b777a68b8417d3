package scan_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/faults"
	"webshellscan/scan"
	"webshellscan/scan/evtx"
	"webshellscan/scan/integrity"
)

// hashOf returns the SHA-256 of a file.
func hashOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// longLog writes a log of so many records, a process creation each.
func longLog(t *testing.T, path string, records int) {
	t.Helper()
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	events := make([]evtxtest.Event, records)
	for i := range events {
		events[i] = evtxtest.NewEvent(at.Add(time.Duration(i)*time.Second), "WEB01", &evtxtest.ProcessCreated{
			NewProcessID: uint64(4 * i), NewProcessName: `C:\Windows\System32\cmd.exe`, CommandLine: strings.Repeat("x", 2000),
		})
		events[i].RecordID = uint64(i + 1)
	}
	writeLog(t, path, evtxtest.Options{}, events)
}

// TestHashes: the hash of each input is that of its bytes, whatever the number
// of goroutines, and whether it is a log, a damaged one or something else.
func TestHashes(t *testing.T) {
	folder := t.TempDir()
	longLog(t, filepath.Join(folder, "large.evtx"), 5000)
	for name, data := range map[string][]byte{
		"small.evtx": faults.Base().Data, "cut.evtx": faults.Base().Data[:100_000], "zeroed.evtx": make([]byte, 5<<20), "text.evtx": []byte("no log"),
		"tiny.evtx": []byte("ElfFile"), "behind.evtx": append([]byte(strings.Repeat("junk", 1000)), faults.Base().Data...), "a.bin": []byte("PK\x03\x04 and more"),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, goroutines := range []int{1, 2, 8} {
		res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{folder}, Goroutines: goroutines, Hash: true})
		if err != nil || len(res.Manifest.Inputs) != 8 {
			t.Fatalf("%d inputs, %v", len(res.Manifest.Inputs), err)
		}
		for _, in := range res.Manifest.Inputs {
			if want := hashOf(t, in.Path); in.SHA256 != want {
				t.Errorf("%d goroutines: %s: %s, want %s; %s", goroutines, in.Path, in.SHA256, want, in.Error)
			}
		}
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{folder}})
	if err != nil || res.Manifest.Inputs[0].SHA256 != "" {
		t.Errorf("a hash nobody asked for: %+v, %v", res.Manifest.Inputs[0], err)
	}
}

// TestHashesOfHoles: what a sparse file does not hold is hashed as zeros
// without being read, up to a limit.
func TestHashesOfHoles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse.evtx")
	for _, size := range []int64{20 << 20, 40 << 30} {
		if err := os.WriteFile(path, faults.Base().Data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Skipf("no sparse files here: %v", err)
		}
		var res *scan.Result
		var err error
		cputime.Bound(t, 10*time.Second, func() {
			res, err = scan.Scan(t.Context(), scan.Options{Paths: []string{path}, Hash: true, Goroutines: 2})
		})
		if err != nil {
			t.Fatal(err)
		}
		in := res.Manifest.Inputs[0]
		switch {
		case size < 1<<30 && in.SHA256 != hashOf(t, path):
			t.Errorf("%d bytes: %+v", size, in)
		case size > 1<<30 && (in.SHA256 != "" || !strings.HasPrefix(in.Error, "not hashed: sparse")):
			t.Errorf("%d bytes: %+v", size, in)
		}
	}
}

// whileReading scans a log with one worker or more and calls do when a part of
// it was read.
func whileReading(t *testing.T, path string, goroutines int, do func(cancel func())) *scan.Result {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var progress scan.Progress
	var watch sync.WaitGroup
	watch.Go(func() {
		for progress.Done.Load() == 0 {
			runtime.Gosched()
		}
		do(cancel)
	})
	defer watch.Wait()
	res, err := scan.Scan(ctx, scan.Options{Paths: []string{path}, Hash: true, Goroutines: goroutines, Progress: &progress})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// tries is how often a test tries to meet a scan while it reads.
const tries = 20

// TestInterruptedInventsNothing: when a scan is interrupted, nothing is said of
// the parts that were not read, and a file that was not read whole has no hash.
func TestInterruptedInventsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.evtx")
	longLog(t, path, 10000)
	met := 0
	for range tries {
		res := whileReading(t, path, 8, func(cancel func()) { cancel() })
		if res.Summary.Interrupted == nil || !res.Manifest.Interrupted {
			t.Error("not marked")
		}
		in := res.Manifest.Inputs[0]
		if in.Error == "" {
			continue // all was read before
		}
		met++
		for _, i := range res.Integrity {
			if i.Kind == "id-gap" || i.Kind == "file-header-stale" || i.Kind == integrity.ProcessSilence {
				t.Errorf("%s: %s", i.Kind, i.Text)
			}
		}
		for _, c := range res.Coverage {
			for _, ch := range c.Channels {
				if len(ch.Gaps) > 0 {
					t.Errorf("gaps %v", ch.Gaps)
				}
			}
		}
		if in.SHA256 != "" || in.Error != "read in part: interrupted" {
			t.Errorf("%+v", in)
		}
		if blind := res.Summary.Blind; len(blind) != 1 || !strings.HasPrefix(blind[0].Text, "not all was read") {
			t.Errorf("blind %v", blind)
		}
	}
	if met == 0 {
		t.Errorf("in %d tries no scan was met while it read", tries)
	}
}

// TestChangedInputs: a file that is not what it was when it was found is named.
func TestChangedInputs(t *testing.T) {
	log := filepath.Join(t.TempDir(), "large.evtx")
	longLog(t, log, 10000)
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(path string) error{
		"grown":   func(path string) error { return os.Truncate(path, 300<<20) },
		"shrunk":  func(path string) error { return os.Truncate(path, 1<<20) },
		"written": func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) },
		"gone":    os.Remove,
	} {
		met := false
		for try := 0; try < tries && !met; try++ {
			path := filepath.Join(t.TempDir(), "large.evtx")
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			res := whileReading(t, path, 1, func(func()) { _ = change(path) }) // where an open file cannot be removed, nothing is met
			u := res.Summary.Unreadable
			if met = len(u) > 0; met && (!strings.Contains(u[0].Reason(), "changed while it was read") || !res.Summary.Incomplete()) {
				t.Errorf("%s: %v", name, u)
			}
			if in := res.Manifest.Inputs[0]; met && !strings.Contains(in.Error, "changed while it was read") {
				t.Errorf("%s: %+v", name, in)
			}
		}
		if !met && runtime.GOOS != "windows" {
			t.Errorf("%s: told in none of %d tries", name, tries)
		}
	}
}

// TestStoredChecksum: a log, an export or a configuration that lies in a zip as
// it is, is compared with the checksum that the zip has of it, in the pass that
// reads it: in parts, by any number of goroutines, with hashes and without.
func TestStoredChecksum(t *testing.T) {
	folder := t.TempDir()
	log := filepath.Join(folder, "large.evtx")
	longLog(t, log, 5000)
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 2*evtx.DefaultPartSize {
		t.Fatalf("%d bytes are of one part", len(data))
	}
	export := []byte(`<Events><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><EventID>1</EventID><Computer>WEB01</Computer></System></Event></Events>`)
	config := []byte(`<configuration><system.applicationHost><sites><site name="a" id="1"/></sites></system.applicationHost></configuration>`)
	sound := zipOf(t, zip.Store, map[string][]byte{"Security.evtx": data, "short.evtx": data[:100], "empty.evtx": nil, "e.xml": export, "applicationHost.config": config})
	at := bytes.Index(sound, data[:64])
	for name, changed := range map[string]int{
		"sound": -1, "in the header": at + 200, "in the first part": at + 4096 + 65535, "at the end": at + len(data) - 1,
		"in an export":       bytes.Index(sound, []byte("1</EventID>")),
		"in a configuration": bytes.Index(sound, []byte(`a" id="1"`)),
	} {
		zipped := slices.Clone(sound)
		if changed >= 0 {
			zipped[changed] ^= 1
		}
		path := filepath.Join(folder, "case.zip")
		writeFile(t, path, zipped)
		for _, goroutines := range []int{1, 2, 8} {
			for _, hash := range []bool{false, true} {
				res := mustScan(t, scan.Options{Paths: []string{path}, Goroutines: goroutines, Hash: hash})
				told := 0
				for _, f := range res.Integrity {
					if f.Kind == integrity.Kind(evtx.ReadError) && strings.HasPrefix(f.Text, "the log is not as its archive says: archive is damaged: the CRC-32 is ") {
						told++
					}
				}
				for _, e := range res.Summary.Unreadable {
					if strings.Contains(e.Reason(), "archive is damaged: the CRC-32 is ") {
						told++
					}
				}
				if want := min(changed+1, 1); told != want {
					t.Errorf("%s, %d goroutines, hashes %t: told %d times, want %d", name, goroutines, hash, told, want)
				}
			}
		}
	}
}
