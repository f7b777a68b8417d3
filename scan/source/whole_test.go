package source_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan/source"
	"webshellscan/scan/source/image/imagetest"
)

// files are those of a folder, by their names.
type files map[string][]byte

// split cuts data into so many files, whose names are made from their numbers,
// from 0.
func split(data []byte, count int, name func(number int) string) files {
	f := make(files)
	size := (len(data) + count - 1) / count
	for i := range count {
		f[name(i)] = data[i*size : min(len(data), (i+1)*size)]
	}
	return f
}

// spanned cuts a zip archive into so many files as zip does: the last one is
// called X.zip, and the directory has for each member the file in which it
// begins and the offset there.
func spanned(data []byte, count int) files {
	data = slices.Clone(data)
	size := (len(data) + count - 1) / count
	le := binary.LittleEndian
	end := data[bytes.LastIndex(data, []byte("PK\x05\x06")):]
	directory := int(le.Uint32(end[16:]))
	for at := directory; bytes.HasPrefix(data[at:], []byte("PK\x01\x02")); {
		entry := data[at:]
		offset := int(le.Uint32(entry[42:]))
		le.PutUint16(entry[34:], uint16(offset/size))
		le.PutUint32(entry[42:], uint32(offset%size))
		at += 46 + int(le.Uint16(entry[28:])) + int(le.Uint16(entry[30:])) + int(le.Uint16(entry[32:]))
	}
	le.PutUint16(end[4:], uint16(count-1))
	le.PutUint16(end[6:], uint16(directory/size))
	le.PutUint32(end[16:], uint32(directory%size))
	return split(data, count, func(number int) string {
		if number == count-1 {
			return "a.zip"
		}
		return fmt.Sprintf("a.z%02d", number+1)
	})
}

// segmented returns an E01 image in two files.
func segmented(disk []byte) files {
	half := len(disk) / 2 / imagetest.EWFChunk * imagetest.EWFChunk
	first, second := imagetest.NewEWF(1), imagetest.NewEWF(2)
	first.Volume("volume", len(disk))
	first.Chunks(disk[:half], 0, imagetest.Sealed)
	first.Section("next", nil)
	second.Volume("data", len(disk))
	second.Chunks(disk[half:], 0, imagetest.Sealed)
	second.Section("done", nil)
	return files{"x.E01": first.Bytes, "x.E02": second.Bytes}
}

// extents returns a VMDK that a text describes, in two sparse files whose names
// come before it.
func extents(disk []byte) files {
	half := len(disk) / 2 / 512 * 512
	text := fmt.Sprintf("# Disk DescriptorFile\nCID=1\nparentCID=ffffffff\nRW %d SPARSE \"d-s001.vmdk\"\nRW %d SPARSE \"d-s002.vmdk\"\n", half/512, (len(disk)-half)/512)
	return files{"d.vmdk": []byte(text), "d-s001.vmdk": imagetest.SparseVMDK(disk[:half]), "d-s002.vmdk": imagetest.SparseVMDK(disk[half:])}
}

// without returns files but for one.
func (f files) without(name string) files {
	f = maps.Clone(f)
	delete(f, name)
	return f
}

// list returns names and contents in turn, the last name first.
func (f files) list() (list []string) {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(f))) {
		list = append(list, "disks/"+name, string(f[name]))
	}
	return list
}

// TestWhole: what consists of several files is read as a whole, whichever of
// them was named and wherever they lie, and what is missing is named.
func TestWhole(t *testing.T) {
	volume, _ := twoLogs()
	archive := zipOf(t, "a.evtx", largeLog(4096+64<<10), "b.evtx", largeLog(4096+64<<10))
	digits := func(stem string) func(int) string {
		return func(number int) string { return fmt.Sprintf("%s.%03d", stem, number+1) }
	}
	letters := func(number int) string { return "a.tar.a" + string(rune('a'+number)) }
	program := append([]byte("MZ\x90\x00"), make([]byte, 70_000)...)
	sets := map[string]files{
		"zip":     split(archive, 3, digits("a.zip")),
		"tar":     split([]byte(tarOf(t, "a.evtx", largeLog(4096+64<<10), "b.evtx", largeLog(4096+64<<10))), 4, letters),
		"raw":     split(volume, 3, digits("r")),
		"spanned": spanned(archive, 3),
		"program": {"collect.exe": slices.Concat(program, archive)},
		"signed":  {"collect.exe": slices.Concat(program, archive, make([]byte, 9000))},
		"ewf":     segmented(volume),
		"vmdk":    extents(volume),
	}
	tests := []struct {
		name  string
		files files
		named string // of them; "" is the folder
		logs  int
		said  string
	}{
		{"pieces of a zip", sets["zip"], "", 2, ""},
		{"the first piece", sets["zip"], "a.zip.001", 2, ""},
		{"the last piece", sets["zip"], "a.zip.003", 2, ""},
		{"pieces of a tar", sets["tar"], "", 2, ""},
		{"a piece of a tar", sets["tar"], "a.tar.ac", 2, ""},
		{"pieces of a disk", sets["raw"], "", 2, ""},
		{"a piece of a disk", sets["raw"], "r.003", 2, ""},
		{"a missing piece", sets["raw"].without("r.002"), "", 2, "the piece r.002 is missing"},
		{"a zip in three files", sets["spanned"], "", 2, ""},
		{"its last file", sets["spanned"], "a.zip", 2, ""},
		{"its first file", sets["spanned"], "a.z01", 2, ""},
		{"without its second file", sets["spanned"].without("a.z02"), "a.zip", 1, "of which 1 are missing: a.z02"},
		{"a program with a zip", sets["program"], "collect.exe", 2, ""},
		{"a program in a folder", sets["program"], "", 2, ""},
		{"a signed program", sets["signed"], "collect.exe", 2, ""},
		{"segments", sets["ewf"], "", 2, ""},
		{"extents", sets["vmdk"], "", 2, ""},
		{"segments in a zip", files{"case.zip": zipOf(t, sets["ewf"].list()...)}, "case.zip", 2, ""},
		{"segments in a tar.gz", files{"case.tgz": gzipOf(t, tarOf(t, sets["ewf"].list()...))}, "case.tgz", 2, ""},
		{"extents in a tar", files{"case.tar": []byte(tarOf(t, sets["vmdk"].list()...))}, "case.tar", 2, ""},
		{"extents in a tar.gz", files{"case.tgz": gzipOf(t, tarOf(t, sets["vmdk"].list()...))}, "case.tgz", 2, ""},
		{"pieces in a zip", files{"case.zip": zipOf(t, sets["zip"].list()...)}, "case.zip", 2, ""},
		{"pieces of a disk in a tar.gz", files{"case.tgz": gzipOf(t, tarOf(t, sets["raw"].list()...))}, "case.tgz", 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			found, err := source.Find(t.Context(), []string{filepath.Join(dir, tt.named)}, source.Options{})
			if err != nil {
				t.Fatal(err)
			}
			list := slices.Collect(maps.Values(said(found)))
			if len(found.Inputs) != tt.logs || tt.said == "" && len(list) > 0 || tt.said != "" && !strings.Contains(strings.Join(list, "\n"), tt.said) {
				t.Errorf("%d inputs, not read: %q", len(found.Inputs), list)
			}
			if tt.named == "" && len(found.Containers) != len(tt.files) {
				t.Errorf("%d containers", len(found.Containers))
			}
		})
	}
}

// TestBaseInArchive: an image that nothing is in, as that of a machine when its
// snapshot was taken, may be what others are based on.
func TestBaseInArchive(t *testing.T) {
	volume, _ := twoLogs()
	list := []string{"vm/base.qcow2", string(imagetest.QCOW2(make([]byte, len(volume)), "")), "vm/now.qcow2", string(imagetest.QCOW2(volume, "base.qcow2"))}
	want := logsIn(t, "disk.raw", volume)
	for name, data := range map[string][]byte{"a.zip": zipOf(t, list...), "a.tar": []byte(tarOf(t, list...)), "a.tar.gz": gzipOf(t, tarOf(t, list...))} {
		if got := logsIn(t, name, data); got != want || want == 0 {
			t.Errorf("%s: %d logs, want %d", name, got, want)
		}
	}
}

// logsIn returns how many logs a file holds.
func logsIn(t *testing.T, name string, data []byte) int {
	t.Helper()
	return len(findIn(t, name, data, source.Options{}).Inputs)
}

// TestNumberedArchives: archives that are only called one after the other are
// no pieces of one.
func TestNumberedArchives(t *testing.T) {
	folder := t.TempDir()
	for name, log := range map[string]string{"backup.zip.001": "a.evtx", "backup.zip.002": "b.evtx"} {
		if err := os.WriteFile(filepath.Join(folder, name), zipOf(t, log, largeLog(4096+64<<10)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := source.Find(t.Context(), []string{folder}, source.Options{})
	if err != nil || len(found.Inputs) != 2 {
		t.Errorf("%d logs, %v, want both", len(found.Inputs), err)
	}
}

// storedZip returns a zip of a stored member whose sizes stand behind it, as a
// collector writes one that it streams.
func storedZip(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHiddenStored: of archives one behind the other, as from cat, the members
// of all are read, also those of which the size stands behind them.
func TestHiddenStored(t *testing.T) {
	var b []byte
	for _, name := range []string{"a.evtx", "b.evtx", "c.evtx"} {
		b = append(b, storedZip(t, name, largeLog(4096+64<<10))...)
	}
	if got := logsIn(t, "case.zip", b); got != 3 {
		t.Errorf("%d logs, want 3", got)
	}
}

// TestExpandedOnce: what is called as a piece of an image and is none does not
// have it read twice.
func TestExpandedOnce(t *testing.T) {
	volume, _ := twoLogs()
	folder := t.TempDir()
	for name, content := range map[string][]byte{"r.001": volume, "r.100": []byte("nothing of it"), "r.200": []byte("nor this")} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	found, err := source.Find(t.Context(), []string{at("r.100"), at("r.200"), at("r.001")}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	paths := make(map[string]bool)
	for _, in := range found.Inputs {
		if strings.HasSuffix(in.Path, "(2)") || strings.HasSuffix(in.Path, "(3)") {
			t.Errorf("%s is there again", in.Path)
		}
		paths[in.Path] = true
	}
	if want := logsIn(t, "disk.raw", volume); len(paths) < want || want == 0 {
		t.Errorf("%d inputs, want %d logs", len(paths), want)
	}
}

// TestStoredChecksum: a member that lies in a zip as it is has a checksum, too,
// and is told and still read if it does not fit.
func TestStoredChecksum(t *testing.T) {
	log := largeLog(4096 + 64<<10)
	sound := storedZip(t, "a.evtx", log)
	changed := slices.Clone(sound)
	changed[bytes.Index(changed, []byte("ElfFile"))+len(log)-1] ^= 1
	for name, data := range map[string][]byte{"sound": sound, "changed": changed} {
		path := filepath.Join(t.TempDir(), "case.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := source.Find(t.Context(), []string{path}, source.Options{})
		if err != nil || len(found.Inputs) != 1 {
			t.Fatal(err, found.Inputs)
		}
		r, err := found.Inputs[0].Stream()
		if err != nil {
			t.Fatal(err)
		}
		got, fault := io.ReadAll(r)
		if told := fault != nil && strings.Contains(fault.Error(), "the CRC-32 is"); told != (name == "changed") || len(got) != len(log) {
			t.Errorf("%s: %d bytes, %v", name, len(got), fault)
		}
		if err := errors.Join(r.Close(), found.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestLooking: of what takes long to be taken apart the name is told first.
func TestLooking(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a.zip", "b.zip"} {
		if err := os.WriteFile(filepath.Join(folder, name), storedZip(t, "a.evtx", largeLog(4096+64<<10)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	found, err := source.Find(t.Context(), []string{folder}, source.Options{Looking: func(path string) { names = append(names, filepath.Base(path)) }})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a.zip", "b.zip"}; !slices.Equal(names, want) {
		t.Errorf("told %q, want %q", names, want)
	}
	if err := found.Close(); err != nil {
		t.Error(err)
	}
}
