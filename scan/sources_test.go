package scan_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// shippedLogs returns the logs that are shipped, by name.
func shippedLogs(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(shipped, "*", "*.evtx"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	logs := make(map[string][]byte)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		logs[filepath.Base(filepath.Dir(path))+"-"+filepath.Base(path)] = data
	}
	return logs
}

// write writes a file into a folder of the test and returns its path.
func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// zipOf returns a zip of files.
func zipOf(t *testing.T, method uint16, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, data := range files {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = f.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarOf returns a compressed tar of files.
func tarOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, data := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// volumeOf returns an NTFS volume with files.
func volumeOf(files map[string][]byte) []byte {
	var list []ntfstest.File
	clusters := 200
	for i, name := range slices.Sorted(keysOf(files)) {
		list = append(list, ntfstest.File{Path: "Windows/System32/winevt/Logs/" + name, Data: files[name], Fragments: i, Compressed: i%3 == 2})
		clusters += len(files[name])/ntfstest.Cluster + 64
	}
	return ntfstest.Volume(clusters, list...)
}

func keysOf(files map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	}
}

// foundIn returns what a scan found, without where.
func foundIn(res *scan.Result) []string {
	var list []string
	for _, f := range res.Findings {
		list = append(list, fmt.Sprint(f.Host, f.Time, f.ProcessID, f.Level, f.CommandLine, f.Crosscheck.State, len(f.Evidence)))
	}
	return list
}

// TestSources: the same logs give the same findings, confirmed by the second
// decoder, wherever they lie.
func TestSources(t *testing.T) {
	logs, dir := shippedLogs(t), t.TempDir()
	volume := volumeOf(logs)
	inner := zipOf(t, zip.Deflate, logs)
	tests := []struct {
		name, file string
		data       []byte
		members    string // what the paths of inputs begin with, behind the container
	}{
		{"zip stored", "a.zip", zipOf(t, zip.Store, logs), "!"},
		{"zip deflate", "b.zip", inner, "!"},
		{"zip in a zip", "c.zip", zipOf(t, zip.Deflate, map[string][]byte{"x/b.zip": inner}), "!x/b.zip!"},
		{"tar.gz", "d.tgz", tarOf(t, logs), "!"},
		{"volume", "e.img", volume, "!p0/Windows/System32/winevt/Logs/"},
		{"volume in a zip", "f.zip", zipOf(t, zip.Deflate, map[string][]byte{"disk.raw": volume}), "!disk.raw!p0/Windows/System32/winevt/Logs/"},
		{"volume in a tar", "g.tgz", tarOf(t, map[string][]byte{"disk.raw": volume}), "!disk.raw!p0/"},
		{"whatever it is called", "h.evtx", inner, "!"},
	}
	base, err := scan.Scan(t.Context(), scan.Options{Paths: []string{shipped}, Hash: true})
	if err != nil || len(base.Findings) == 0 {
		t.Fatalf("%d findings, %v", len(base.Findings), err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, dir, tt.file, tt.data)
			for _, goroutines := range []int{1, 4} {
				res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}, Hash: true, Goroutines: goroutines})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(foundIn(base), foundIn(res)); diff != "" {
					t.Errorf("findings (-folder +%s):\n%s", tt.file, diff)
				}
				checkManifest(t, res, path, tt.members, logs)
				if e := res.Findings[0].Evidence[0]; e.Origin == nil || e.Container != path || !strings.HasSuffix(e.File, e.Member) {
					t.Errorf("the origin of %s: %+v", e.File, e.Origin)
				}
			}
		})
	}
}

// checkManifest: each log has its hash, and so has the container.
func checkManifest(t *testing.T, res *scan.Result, path, members string, logs map[string][]byte) {
	t.Helper()
	hashes := make(map[string]string)
	for _, in := range res.Manifest.Inputs {
		hashes[in.Path] = in.SHA256
		if in.Error != "" || in.Container != (in.Path == path) {
			t.Errorf("%+v", in)
		}
	}
	for name, data := range logs {
		sum := sha256.Sum256(data)
		at := path + members + name
		if members == "!disk.raw!p0/" {
			at = path + members + "Windows/System32/winevt/Logs/" + name
		}
		if hashes[at] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has the hash %q", at, hashes[at])
		}
	}
	if len(hashes) != len(logs)+1 || hashes[path] == "" {
		t.Errorf("%d inputs", len(hashes))
	}
}

// TestMemoryBound: members that do not fit into the memory that is allowed are
// read all the same, and give the same findings.
func TestMemoryBound(t *testing.T) {
	path := write(t, t.TempDir(), "a.zip", zipOf(t, zip.Deflate, shippedLogs(t)))
	findings := make([]int, 2)
	for i, memory := range []int64{0, 70_000} {
		res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}, Sources: scan.SourceOptions{Memory: memory}})
		if err != nil || len(res.Summary.Unreadable) > 0 {
			t.Fatalf("%v, not read: %v", err, res.Summary.Unreadable)
		}
		findings[i] = len(res.Findings)
	}
	if findings[0] != findings[1] || findings[0] == 0 {
		t.Errorf("%d findings, and %d within little memory", findings[0], findings[1])
	}
}

// TestDeletedAndCarved: a deleted log is read and marked; what has no record
// any more is found by carving.
func TestDeletedAndCarved(t *testing.T) {
	logs := shippedLogs(t)
	var files []ntfstest.File
	for _, name := range slices.Sorted(keysOf(logs)) {
		files = append(files, ntfstest.File{Path: "Logs/" + name, Data: logs[name], Deleted: true})
	}
	files = append(files, ntfstest.File{Path: "Logs/copy.evtx", Data: files[0].Data, Deleted: true})
	volume := ntfstest.Volume(40_000_000/ntfstest.Cluster, files...)
	dir := t.TempDir()
	deleted, err := scan.Scan(t.Context(), scan.Options{Paths: []string{write(t, dir, "a.img", volume)}})
	if err != nil || len(deleted.Findings) == 0 {
		t.Fatalf("%d findings, %v", len(deleted.Findings), err)
	}
	if e := deleted.Findings[0].Evidence[0]; !e.Deleted || !strings.Contains(e.File, "a.img!p0/deleted/Logs/") {
		t.Errorf("evidence of a deleted log: %+v", e)
	}
	const mft, record = 4 * ntfstest.Cluster, 1024
	clear(volume[mft+24*record : mft+64*record]) // the records of the files
	gone := write(t, dir, "b.img", volume)
	for _, carve := range []bool{false, true} {
		res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{gone}, Sources: scan.SourceOptions{Carve: carve}})
		if err != nil {
			t.Fatal(err)
		}
		if !carve && len(res.Findings) > 0 || carve && len(res.Findings) != len(deleted.Findings) {
			t.Errorf("carve %v: %d findings, want %d", carve, len(res.Findings), len(deleted.Findings))
		}
		if carve && res.Summary.Records != deleted.Summary.Records {
			t.Errorf("%d records are carved, want %d", res.Summary.Records, deleted.Summary.Records)
		}
		for i, f := range res.Findings {
			if want := len(deleted.Findings[i].Evidence); len(f.Evidence) != want {
				t.Errorf("%d records of a process are carved, want %d", len(f.Evidence), want)
			}
		}
		if carve && !res.Findings[0].Evidence[0].Carved {
			t.Error("the evidence is not marked as carved")
		}
		if len(res.Summary.Damage) > 0 {
			t.Errorf("damage in free clusters is told: %v", res.Summary.Damage)
		}
	}
	dump := write(t, dir, "memory.dmp", append([]byte("some memory"), volume[:len(volume)/2]...))
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{dump}, Sources: scan.SourceOptions{Carve: true}})
	if err != nil || len(res.Findings) == 0 {
		t.Errorf("a file that was named: %d findings, %v", len(res.Findings), err)
	}
}

// TestUnreadContainers: containers that cannot be read are named with the
// reason.
func TestUnreadContainers(t *testing.T) {
	bitlocker := make([]byte, 8192)
	copy(bitlocker, "\xEB\x58\x90-FVE-FS-")
	bitlocker[510], bitlocker[511] = 0x55, 0xAA
	disk := make([]byte, 1<<20)
	disk[510], disk[511] = 0x55, 0xAA
	copy(disk[446:], "\x00\x00\x00\x00\x07\x00\x00\x00\x10\x00\x00\x00\x10\x00\x00\x00")
	copy(disk[16*512:], bitlocker)
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"disk.img", disk, "BitLocker"},
		{"cut.zip", zipOf(t, zip.Store, map[string][]byte{"a.evtx": []byte("ElfFile\x00")})[:40], "the directory of the archive is missing"},
		{"bad.vhdx", append([]byte("vhdxfile"), make([]byte, 300<<10)...), "neither header of the VHDX is valid"},
	}
	for _, tt := range tests {
		res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{write(t, t.TempDir(), tt.name, tt.data)}})
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Summary.Unreadable) == 0 || !res.Summary.Incomplete() || !strings.Contains(fmt.Sprint(res.Summary.Unreadable), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, res.Summary.Unreadable, tt.want)
		}
	}
}
