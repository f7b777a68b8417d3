package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/scan/source/extract"
)

// makeZip writes a zip whose members have these names and contents.
func makeZip(t *testing.T, path string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := write(path, b.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// readManifest reads the manifest of a folder.
func readManifest(t *testing.T, dir string) extract.Manifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, extract.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	var m extract.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestExtract: logs come out of an archive under harmless names, with where
// they lay and their hashes; what is there already stays as it is.
func TestExtract(t *testing.T) {
	t.Chdir(t.TempDir())
	log := "ElfFile\x00" + strings.Repeat("x", 5000) + strings.Repeat("\x00", 200_000)
	const iis = "#Software: IIS\r\n#Fields: date time cs-uri-stem\r\n"
	makeZip(t, "in/case.zip", map[string]string{
		`..\..\Windows/Security.evtx`: log, "../../" + strings.Repeat("n", 300) + "\x1b[31m.evtx": log + "2",
		"logs/u_ex1.log": iis, "notes.txt": "nothing",
	})
	status, _, errs := runHere(t, "extract", "in", "-o", "out")
	if status != exitNothing || !strings.Contains(errs, "2 files, ") {
		t.Errorf("exit status %d: %s", status, errs)
	}
	m := readManifest(t, "out")
	entries, err := os.ReadDir("out")
	if err != nil || len(entries) != 3 || len(m.Files) != 2 || len(m.Containers) != 1 || m.Containers[0].SHA256 == "" {
		t.Fatalf("%v, %+v, %v", entries, m, err)
	}
	for _, f := range m.Files {
		data, err := os.ReadFile(filepath.Join("out", f.File))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(data)) != f.SHA256 || int64(len(data)) != f.Size || !strings.HasPrefix(string(data), log) {
			t.Errorf("%+v: %d bytes, %v", f, len(data), err)
		}
		if f.Origin == nil || f.Container != filepath.Join("in", "case.zip") || len(f.File) > 120 || strings.ContainsAny(f.File, `/\ :`+"\x1b") {
			t.Errorf("%+v", f)
		}
	}
	if status, _, errs := runHere(t, "extract", "in", "-o", "out"); status != exitUsage || !strings.Contains(errs, "exists") {
		t.Errorf("into the same folder: %d, %s", status, errs)
	}
	if status, _, errs := runHere(t, "extract", "in", "-o", "in/new/out"); status != exitUsage || !strings.Contains(errs, "among evidence") {
		t.Errorf("into the input: %d, %s", status, errs)
	}
	if status, _, _ := runHere(t, "extract", "in", "-o", "all", "--all"); status != exitNothing || len(readManifest(t, "all").Files) != 3 {
		t.Errorf("with all: %d, %+v", status, readManifest(t, "all").Files)
	}
	status, _, errs = runHere(t, "extract", "in", "-o", "little", "--max-size", "206K")
	if m := readManifest(t, "little"); status != exitIncomplete || m.Files[1].File != "" || !strings.Contains(errs, "more than is to be written") {
		t.Errorf("with too little room: %d, %s, %+v", status, errs, m)
	}
	for _, args := range [][]string{{"in"}, {"-o", "x"}, {"in", "-o", "x", "--max-size", "much"}} {
		if status, _, errs := runHere(t, append([]string{"extract"}, args...)...); status != exitUsage {
			t.Errorf("%q: %d, %s", args, status, errs)
		}
	}
}

// TestExtractNamesNoLogs: what is called a log and is none costs itself and is
// named, though it lies in no container.
func TestExtractNamesNoLogs(t *testing.T) {
	t.Chdir(t.TempDir())
	makeZip(t, "in/case.zip", map[string]string{"Security.evtx": "ElfFile\x00" + strings.Repeat("x", 5000)})
	for name, content := range map[string]string{
		"zeroed.evtx": strings.Repeat("\x00", 70_000), "paper.evtx": "%PDF-1.7\n" + strings.Repeat("text ", 300),
		"whole.evtx": "ElfFile\x00" + strings.Repeat("x", 5000), "notes.txt": "nothing", "u_ex1.log": "#Software: IIS\r\n#Fields: date time cs-uri-stem\r\n",
	} {
		if err := write(filepath.Join("in", name), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"-o", "named"}, {"-o", "all", "--all"}} {
		if status, _, errs := runHere(t, append([]string{"extract", "in/u_ex1.log", "in/whole.evtx", "in/case.zip"}, args...)...); status != exitNothing {
			t.Errorf("of evidence that lies there already, %q: %d, %s", args, status, errs)
		}
	}
	status, _, errs := runHere(t, "extract", "in", "-o", "out")
	m := readManifest(t, "out")
	if status != exitIncomplete || len(m.Files) != 1 || len(m.NotRead) != 2 {
		t.Fatalf("exit status %d, %+v: %s", status, m, errs)
	}
	for i, want := range []string{"but a PDF document", "but zeroed: nothing but zeros in 70000 bytes"} {
		if !strings.HasSuffix(m.NotRead[i].Text, want) || !strings.Contains(errs, want) {
			t.Errorf("%+v lacks %q: %s", m.NotRead[i], want, errs)
		}
	}
}
