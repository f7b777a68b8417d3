package source_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"webshellscan/scan/source"
)

// specialTar returns a tar with a log and what is no file.
func specialTar(t *testing.T, kind byte, name, target string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	log := largeLog(4096 + 64<<10)
	err := w.WriteHeader(&tar.Header{Name: "a/ok.evtx", Size: int64(len(log)), Mode: 0o600})
	if err == nil {
		_, err = io.WriteString(w, log)
	}
	if err == nil {
		err = w.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Linkname: target})
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// linkZip returns a zip with a log and a link.
func linkZip(t *testing.T, name, target string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, member := range []struct {
		name, content string
		mode          fs.FileMode
	}{{"a/ok.evtx", largeLog(4096 + 64<<10), 0o600}, {name, target, 0o600 | fs.ModeSymlink}} {
		h := &zip.FileHeader{Name: member.name, Method: zip.Deflate}
		h.SetMode(member.mode)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, member.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDroppedMembers: what is in an archive and was not read is named: links,
// pipes, members that its directory does not name, an end that is missing.
func TestDroppedMembers(t *testing.T) {
	log := largeLog(4096 + 64<<10)
	whole := tarOf(t, "a.evtx", log)
	const size = 4096 + 64<<10
	for _, tt := range []struct {
		name, file string
		data       []byte
		inputs     int
		at, want   string
	}{
		{"link", "x.tar", specialTar(t, tar.TypeSymlink, "b.evtx", "/x/y"), 1, "x.tar!b.evtx", "not supported: a link to /x/y"},
		{"link to a log", "x.tar", specialTar(t, tar.TypeSymlink, "b", "c.evtx"), 1, "x.tar!b", "not supported: a link to c.evtx"},
		{"hard link", "x.tar", specialTar(t, tar.TypeLink, "b.evtx", "c"), 1, "x.tar!b.evtx", "not supported: a link to c"},
		{"link to a member", "x.tar", specialTar(t, tar.TypeSymlink, "a/b.evtx", "ok.evtx"), 1, "x.tar!b.evtx", ""},
		{"hard link to a member", "x.tar", specialTar(t, tar.TypeLink, "b.evtx", "a/ok.evtx"), 1, "x.tar!b.evtx", ""},
		{"pipe", "x.tar", specialTar(t, tar.TypeFifo, "b.evtx", ""), 1, "x.tar!b.evtx", "not supported: a pipe"},
		{"other link", "x.tar", specialTar(t, tar.TypeSymlink, "b.txt", "/x/y"), 1, "x.tar!b.txt", ""},
		{"link in a zip", "x.zip", linkZip(t, "b.evtx", "../c.evtx"), 1, "x.zip!b.evtx", "not supported: a link to ../c.evtx"},
		{"link to a member of a zip", "x.zip", linkZip(t, "a/b.evtx", "ok.evtx"), 1, "x.zip!b.evtx", ""},
		{"two zips", "x.zip", append(zipOf(t, "a.evtx", log), zipOf(t, "b.evtx", log)...), 2, "x.zip", "archive is damaged: its directory does not name 1 member"},
		{"one zip", "x.zip", zipOf(t, "a.evtx", log, "b/", "", "c.evtx", log), 2, "x.zip", ""},
		{"no end", "x.tar", []byte(whole[:512+(size+511)/512*512]), 1, "x.tar", "archive is damaged: it ends without the blocks"},
		{"no end, packed", "x.tar.gz", gzipOf(t, whole[:512+(size+511)/512*512]), 1, "x.tar.gz", "archive is damaged: it ends without the blocks"},
		{"sound, packed", "x.tar.gz", gzipOf(t, whole), 1, "x.tar.gz", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := findIn(t, tt.file, tt.data, source.Options{})
			got := said(found)
			if len(found.Inputs) != tt.inputs || (tt.want == "") != (len(got) == 0) || !strings.HasPrefix(got[tt.at], tt.want) {
				t.Errorf("%d inputs, not read: %q", len(found.Inputs), got)
			}
		})
	}
}

// TestLinkedFolder: a folder that a link leads to was not looked through, and
// is named, unless it lies in one that was.
func TestLinkedFolder(t *testing.T) {
	tree(t, "logs/sub/a.evtx", "outside/b.evtx")
	for link, to := range map[string]string{"logs/in": "sub", "logs/out": "../outside", "logs/broken": "nowhere"} {
		if err := os.Symlink(to, link); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	found, err := source.Find(t.Context(), []string{"logs"}, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := said(found); len(got) != 1 || got["out"] == "" {
		t.Errorf("not read: %q", got)
	}
}
