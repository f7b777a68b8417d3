package scan_test

import (
	"archive/zip"
	"compress/flate"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/scan"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// BenchmarkSources times scans of archives and images beside scans of the
// folder that is in them, in alternation: the ratio of the CPU times is what is
// promised, and it is at most want; of an E01, it is how much log is read in a
// CPU second, where the logs say nothing of web servers.
func BenchmarkSources(b *testing.B) {
	for _, form := range []struct {
		name string
		logs string
		want float64
		make func(b *testing.B, folder, path string)
	}{
		{"stored.zip", "mixed", 1.1, func(b *testing.B, folder, path string) { zipFolder(b, folder, path, zip.Store) }},
		{"deflate.zip", "mixed", 2, func(b *testing.B, folder, path string) { zipFolder(b, folder, path, zip.Deflate) }},
		{"d.raw", "mixed", 1.3, writeVolume},
		{"d.vhd", "mixed", 1.3, converted("-O vpc")},
		{"d.vhdx", "mixed", 1.3, converted("-O vhdx")},
		{"d.vmdk", "mixed", 1.3, converted("-O vmdk")},
		{"d.qcow2", "mixed", 1.3, converted("-O qcow2")},
		{"d.E01", "mixed", 0, acquired},
		{"none.E01", "none", 0, acquired},
	} {
		b.Run(form.name, func(b *testing.B) {
			folder, path := filepath.Join(benchFolder(b, form.logs), "SRV0001"), filepath.Join(b.TempDir(), form.name)
			size := int64(0)
			for _, file := range logsOf(b, folder) {
				size += int64(len(file.Data))
			}
			form.make(b, folder, path)
			b.ReportAllocs()
			var alone, within time.Duration
			for b.Loop() {
				alone += cpuOfScan(b, folder)
				within += cpuOfScan(b, path)
			}
			b.ReportMetric(float64(within)/float64(alone), "x-folder-cpu")
			b.ReportMetric(float64(size)*float64(b.N)/1e6/within.Seconds(), "MB/cpu-s")
			if ratio := float64(within) / float64(alone); form.want > 0 && ratio > form.want {
				b.Logf("%.2f times the folder, more than %.1f", ratio, form.want)
			}
		})
	}
}

// cpuOfScan returns the CPU time of a scan.
func cpuOfScan(b *testing.B, path string) time.Duration {
	b.Helper()
	before := cputime.Used()
	mustScan(b, scan.Options{Paths: []string{path}})
	return cputime.Used() - before
}

// logsOf returns the files of a folder.
func logsOf(b *testing.B, folder string) (list []ntfstest.File) {
	b.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		list = append(list, ntfstest.File{Path: "Windows/System32/winevt/Logs/" + entry.Name(), Data: data, Fragments: 4})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return list
}

// zipFolder writes a zip of a folder.
func zipFolder(b *testing.B, folder, path string, method uint16) {
	b.Helper()
	out, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	z := zip.NewWriter(out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	for _, file := range logsOf(b, folder) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: file.Path, Method: method})
		if err == nil {
			_, err = w.Write(file.Data)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
}

// writeVolume writes an NTFS volume with the files of a folder.
func writeVolume(b *testing.B, folder, path string) {
	b.Helper()
	files := logsOf(b, folder)
	clusters := 1024
	for _, file := range files {
		clusters += len(file.Data)/ntfstest.Cluster + 2
	}
	if err := os.WriteFile(path, ntfstest.Volume(clusters, files...), 0o600); err != nil {
		b.Fatal(err)
	}
}

// converted returns how qemu-img makes an image of a volume.
func converted(options string) func(b *testing.B, folder, path string) {
	return func(b *testing.B, folder, path string) {
		raw := path + ".raw"
		writeVolume(b, folder, raw)
		defer os.Remove(raw)
		runTool(b, filepath.Dir(path), "qemu-img convert -f raw "+options+" "+filepath.Base(raw)+" "+filepath.Base(path))
	}
}

// acquired makes an image of a volume by ewfacquire.
func acquired(b *testing.B, folder, path string) {
	raw := path + ".raw"
	writeVolume(b, folder, raw)
	defer os.Remove(raw)
	target := strings.TrimSuffix(filepath.Base(path), ".E01")
	runTool(b, filepath.Dir(path), "ewfacquire -u -q -t "+target+" -f encase6 -c fast "+filepath.Base(raw))
}

// runTool runs a program; the benchmark is skipped where it is not installed.
func runTool(b *testing.B, dir, command string) {
	b.Helper()
	words := strings.Fields(command)
	if _, err := exec.LookPath(words[0]); err != nil {
		b.Skip(err)
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v %s", command, err, out)
	}
}
