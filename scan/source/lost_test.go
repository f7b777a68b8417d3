package source_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/scan/source"
	"webshellscan/scan/source/image/imagetest"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// ewfOf returns an E01 image of a disk, and says that these sectors of it could
// not be read.
func ewfOf(disk []byte, unread ...uint32) []byte {
	w := imagetest.NewEWF(1)
	w.Volume("volume", len(disk))
	w.Chunks(disk, 0, imagetest.Sealed)
	if len(unread) > 0 {
		w.Unread(unread...)
	}
	w.Section("done", nil)
	return w.Bytes
}

// twoLogs returns a volume with two logs, and where the second one lies.
func twoLogs() (volume []byte, at int) {
	volume = ntfstest.Volume(100, ntfstest.File{Path: "a.evtx", Data: []byte(largeLog(4096 + 64<<10))},
		ntfstest.File{Path: "b.evtx", Data: []byte(largeLog(4096 + 64<<10))})
	return volume, bytes.LastIndex(volume, []byte("ElfFile"))
}

// said returns what was not read, by path.
func said(found source.Found) map[string]string {
	list := make(map[string]string)
	for _, s := range found.Skipped {
		if s.Unreadable {
			list[filepath.Base(s.Path)] += s.Err.Error()
		}
	}
	return list
}

// TestUnread: a log that lies in sectors which could not be acquired is told,
// and so is the master file table; the others are not touched by it.
func TestUnread(t *testing.T) {
	volume, at := twoLogs()
	const mft = 4 * ntfstest.Cluster / 512
	for _, tt := range []struct {
		name   string
		sector uint32
		path   string
		want   string
	}{
		{"a log", uint32(at/512 + 20), "b.evtx", "1024 of its bytes could not be read when the disk was acquired"},
		{"the table", mft + 60, "x.E01!p0", "1024 bytes of the master file table could not be read"},
		{"nothing of use", uint32(len(volume)/512 - 3), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := findIn(t, "x.E01", ewfOf(volume, tt.sector, 2), source.Options{})
			list := said(found)
			if len(found.Inputs) != 2 || len(list) > 1 || !strings.HasPrefix(list[tt.path], tt.want) {
				t.Errorf("%d inputs, not read: %q", len(found.Inputs), list)
			}
		})
	}
}

// TestCutVolume: of a log behind the end of an image that was cut off it is
// said where its content is, and what there is of one is read.
func TestCutVolume(t *testing.T) {
	volume, at := twoLogs()
	for _, tt := range []struct {
		name   string
		keep   int
		inputs int
		want   string
	}{
		{"before the log", at - 4096, 1, "its clusters are not there"},
		{"within the log", at + 8192, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := findIn(t, "x.raw", volume[:tt.keep], source.Options{})
			if got := said(found)["b.evtx"]; len(found.Inputs) != tt.inputs || !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("%d inputs, not read: %q", len(found.Inputs), said(found))
			}
		})
	}
}

// TestMissingSegment: an image of which a segment is missing is read as far as
// it is there, as one image, and what is missing is told.
func TestMissingSegment(t *testing.T) {
	volume, _ := twoLogs()
	half := len(volume) / 2 / imagetest.EWFChunk * imagetest.EWFChunk
	dir := t.TempDir()
	for i, part := range [][]byte{volume[:half], volume[half:]} {
		w := imagetest.NewEWF(byte(1 + 2*i)) // segment 2 has nothing
		w.Volume([]string{"volume", "data"}[i], len(volume)+imagetest.EWFChunk)
		w.Chunks(part, 0, imagetest.Sealed)
		w.Section([]string{"next", "done"}[i], nil)
		if err := os.WriteFile(filepath.Join(dir, []string{"x.E01", "x.E03"}[i]), w.Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := source.Find(t.Context(), []string{dir}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := said(found)
	if len(found.Containers) != 2 || !strings.Contains(list["x.E01"], "segment 2 is missing") || list["x.E03"] != "" {
		t.Errorf("%d containers, not read: %q", len(found.Containers), list)
	}
}

// TestNestedChecksum: a container in an archive whose checksum is another one
// is told of, and what is in it is read all the same.
func TestNestedChecksum(t *testing.T) {
	volume, _ := twoLogs()
	packed := zipOf(t, "disk.raw", string(volume))
	at := bytes.LastIndex(packed, []byte("PK\x01\x02"))
	packed[at+16] ^= 0xFF // CRC-32 in the central directory: APPNOTE.TXT, 4.3.12
	path := filepath.Join(t.TempDir(), "case.zip")
	if err := os.WriteFile(path, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := source.Find(t.Context(), []string{path}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	if why := said(found)["case.zip!disk.raw"]; !strings.Contains(why, "checksum") && !strings.Contains(why, "CRC-32") {
		t.Errorf("said of the image: %q (%v)", why, said(found))
	}
	if len(found.Inputs) != 2 {
		t.Errorf("%d logs, want 2", len(found.Inputs))
	}
}
