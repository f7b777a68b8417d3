package source_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/source"
	"webshellscan/scan/source/ntfs/ntfstest"
)

const (
	webLog    = "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time cs-uri-stem\r\n2026-03-02 08:00:00 /x.aspx\r\n"
	hostXML   = "\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<configuration><system.applicationHost/></configuration>"
	notWanted = "plain text that nobody asks for\n"
)

// wantWebLogs returns options that want the logs of IIS, and its configuration.
func wantWebLogs() source.Options {
	return source.Options{Wanted: []source.Wanted{
		{
			Kind: source.KindWebLog, Match: func(prefix []byte, _ string) bool { return bytes.HasPrefix(prefix, []byte("#Software: ")) },
			Name: func(name string) bool { return path.Ext(name) != ".evtx" },
			Path: func(file string) bool { return strings.Contains(file, "/w3svc1/") || path.Base(file) == "access_log" },
		},
		source.AppHostConfig(),
	}}
}

func gzipOf(t *testing.T, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipOf returns a zip of files, name and content in turn.
func zipOf(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
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

// tarOf returns a tar of files, name and content in turn.
func tarOf(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		err := w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o600})
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// others returns what Find found besides logs: kind, path and content.
func others(t *testing.T, options source.Options, paths ...string) []string {
	t.Helper()
	found, err := source.Find(t.Context(), paths, options)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, in := range found.Others {
		r, err := in.Stream()
		if err != nil {
			t.Fatal(err)
		}
		streamed, err := io.ReadAll(r)
		if err != nil || r.Close() != nil {
			t.Errorf("%s: %v", in.Path, err)
		}
		f, err := in.Open()
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
		if err != nil || !bytes.Equal(whole, streamed) || f.Close() != nil {
			t.Errorf("%s: %v; %q as a whole, %q as a stream", in.Path, err, whole, streamed)
		}
		name := map[string]string{webLog: "web log", hostXML: "configuration"}[string(streamed)]
		if in.Kind != source.KindWebLog && in.Kind != source.KindAppHostConfig {
			t.Errorf("%s is %v", in.Path, in.Kind)
		}
		lines = append(lines, filepath.ToSlash(in.Path)+": "+name)
	}
	return lines
}

// TestWanted: files of other kinds are found in folders, archives and images if
// they are asked for, and never among the logs.
func TestWanted(t *testing.T) {
	const site, config = "inetpub/logs/LogFiles/W3SVC1/", "Windows/System32/inetsrv/config/applicationHost.config"
	t.Chdir(t.TempDir())
	put := func(name string, data []byte) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packed := string(gzipOf(t, webLog))
	put("in/folder/whatever.txt", []byte(webLog))
	put("in/folder/applicationHost.config", []byte(hostXML))
	put("in/folder/notes.txt", []byte(notWanted))
	put("in/old.log.gz", []byte(packed))
	put("in/a.zip", zipOf(t, "uploads/auto/C%3A/"+site+"u_ex.log", webLog, "notes.txt", notWanted, "x/old.log.gz", packed, "x/"+config, hostXML))
	put("in/b.tgz", gzipOf(t, tarOf(t, "logs/u_ex.log", webLog, "notes.txt", notWanted, "Security.evtx", "ElfFile\x00")))
	put("in/c.img", ntfstest.Volume(200,
		ntfstest.File{Path: site + "u_ex260302.log", Data: []byte(webLog)},
		ntfstest.File{Path: site + "u_ex260301.log.gz", Data: []byte(packed)},
		ntfstest.File{Path: site + "u_ex260228.log", Data: []byte(webLog), Deleted: true},
		ntfstest.File{Path: site + "notes.log", Data: []byte(notWanted)},
		ntfstest.File{Path: "Users/a/Documents/notes.txt", Data: []byte(webLog)}, // in no folder of logs
		ntfstest.File{Path: "apache/access_log", Data: []byte(webLog), Resident: true},
		ntfstest.File{Path: config, Data: []byte(hostXML)},
		ntfstest.File{Path: site + "Security.evtx", Data: []byte("ElfFile\x00")},
	))
	want := []string{
		"in/a.zip!uploads/auto/C:/" + site + "u_ex.log: web log",
		"in/a.zip!x/" + config + ": configuration",
		"in/a.zip!x/old.log.gz!old.log: web log",
		"in/b.tgz!logs/u_ex.log: web log",
		"in/c.img!p0/" + config + ": configuration",
		"in/c.img!p0/apache/access_log: web log",
		"in/c.img!p0/deleted/" + site + "u_ex260228.log: web log",
		"in/c.img!p0/" + site + "u_ex260301.log.gz!u_ex260301.log: web log",
		"in/c.img!p0/" + site + "u_ex260302.log: web log",
		"in/folder/applicationHost.config: configuration",
		"in/folder/whatever.txt: web log",
		"in/old.log.gz!old.log: web log",
	}
	if diff := cmp.Diff(want, others(t, wantWebLogs(), "in")); diff != "" {
		t.Error(diff)
	}
	if got := others(t, source.Options{}, "in"); got != nil {
		t.Errorf("without being asked: %q", got)
	}
	found, err := source.Find(t.Context(), []string{"in"}, wantWebLogs())
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range found.Inputs {
		if strings.HasSuffix(in.Path, ".log") || in.Kind != (source.Kind{}) {
			t.Errorf("%s is among the logs", in.Path)
		}
	}
}
