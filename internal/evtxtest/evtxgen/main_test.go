package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readAll returns the files below a folder by name.
func readAll(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestGenerate writes small logs twice and compares them.
func TestGenerate(t *testing.T) {
	for _, tt := range []struct {
		args  string
		files []string
	}{
		{"-size 3MiB -files 2MiB", []string{
			"SRV0001/Microsoft-Windows-Sysmon%4Operational.evtx", "SRV0001/Security.evtx", "SRV0001/System.evtx",
			"SRV0002/Microsoft-Windows-Sysmon%4Operational.evtx", "SRV0002/Security.evtx",
		}},
		{"-kind process -events 900", []string{"SRV0001/Microsoft-Windows-Sysmon%4Operational.evtx"}},
		{"-kind process -form security -events 900 -distinct", []string{"SRV0001/Security.evtx"}},
		{"-kind mixed -forwarded -size 2MiB", []string{"SRV0001/ForwardedEvents.evtx"}},
		{"-kind none -events 900 -seed 7", []string{"SRV0001/Security.evtx", "SRV0001/Application.evtx"}},
	} {
		var found []map[string][]byte
		for range 2 {
			dir := t.TempDir()
			var stdout, stderr bytes.Buffer
			args := append(strings.Fields(tt.args), "-o", dir)
			if code := run(context.Background(), args, &stdout, &stderr); code != 0 {
				t.Fatalf("%s: status %d, %s", tt.args, code, stderr.String())
			}
			if !strings.Contains(stdout.String(), " files, ") {
				t.Errorf("%s: printed %q", tt.args, stdout.String())
			}
			found = append(found, readAll(t, dir))
		}
		for _, name := range tt.files {
			if len(found[0][name]) < 4096+65536 {
				t.Errorf("%s: %s has %d bytes", tt.args, name, len(found[0][name]))
			}
		}
		for name, data := range found[0] {
			if !bytes.Equal(data, found[1][name]) {
				t.Errorf("%s: %s differs the second time", tt.args, name)
			}
			if chunks := (len(data) - 4096) / 65536; len(data) < 4096 || int(data[42])|int(data[43])<<8 != chunks {
				t.Errorf("%s: header of %s does not count %d chunks", tt.args, name, chunks)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range []string{
		"", "-o " + dir + " rest", "-kind some -o " + dir, "-form etw -o " + dir, "-size 1GB -o " + dir, "-size -1 -o " + dir,
		"-files 3 -o " + dir, "-events -1 -o " + dir, "-none", "-h", "-size 9999999TiB -o " + dir,
	} {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), strings.Fields(args), &stdout, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%q: status %d, said %q", args, code, stderr.String())
		}
	}
	if files := readAll(t, dir); len(files) != 0 {
		t.Errorf("%d files were written", len(files))
	}
}

// TestFailures cannot write, or is interrupted.
func TestFailures(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"-events", "10", "-o", file}, &stdout, &stderr); code != 1 {
		t.Errorf("status %d for a folder that is a file", code)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code := run(ctx, []string{"-size", "2MiB", "-o", t.TempDir()}, &stdout, &stderr); code != 1 {
		t.Errorf("status %d when interrupted", code)
	}
}
