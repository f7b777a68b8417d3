package scan_test

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	golangevtx "github.com/0xrawsec/golang-evtx/evtx"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/evtx"
)

// benchLogs names the folder with the logs that `make bench` makes: one folder
// for each kind.
const benchLogs = "WEBSHELLSCAN_BENCH"

func benchFolder(b *testing.B, kind string) string {
	b.Helper()
	folder := filepath.Join(os.Getenv(benchLogs), kind)
	if _, err := os.Stat(folder); os.Getenv(benchLogs) == "" || err != nil {
		b.Skipf("no logs: `make bench` makes them and sets %s", benchLogs)
	}
	return folder
}

// scanFolder is benchFolder, but "corpus" is the folder of real logs beside the
// repository: many small ones.
func scanFolder(b *testing.B, kind string) string {
	b.Helper()
	if kind != "corpus" {
		return benchFolder(b, kind)
	}
	folder := filepath.Join(corpus, "logs")
	if _, err := os.Stat(folder); err != nil {
		b.Skipf("no real logs at %s", folder)
	}
	return folder
}

// BenchmarkScan times whole scans, beside reading the same bytes and taking
// their CRC-32 with the same number of goroutines: the ratio of the two is what
// is promised, since machines differ.
func BenchmarkScan(b *testing.B) {
	for _, kind := range []string{"mixed", "none", "forwarded", "real", "sysmon", "security", "distinct", "corpus"} {
		b.Run(kind, func(b *testing.B) {
			folder := scanFolder(b, kind)
			goroutines := runtime.GOMAXPROCS(0)
			b.ReportAllocs()
			var ratio float64
			var events, rounds int
			for b.Loop() {
				b.StopTimer()
				floor, size := readAndSum(b, folder, goroutines)
				b.SetBytes(size)
				runtime.GC()
				b.StartTimer()
				before := b.Elapsed()
				res := mustScan(b, scan.Options{Paths: []string{folder}, Goroutines: goroutines})
				ratio += float64(b.Elapsed()-before) / floor
				events += res.Summary.Events.Total()
				rounds++
			}
			b.ReportMetric(ratio/float64(rounds), "x-read+crc")
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkScaling times two goroutines beside one.
func BenchmarkScaling(b *testing.B) {
	for _, kind := range []string{"mixed", "none", "sysmon"} {
		b.Run(kind, func(b *testing.B) {
			if runtime.GOMAXPROCS(0) < 2 {
				b.Skip("one processor")
			}
			folder := benchFolder(b, kind)
			var one, two time.Duration
			for b.Loop() {
				one += timeScan(b, folder, 1)
				two += timeScan(b, folder, 2)
			}
			b.ReportMetric(float64(one)/float64(two), "x-1-worker")
		})
	}
}

// BenchmarkOracle times a scan of one mixed log beside golang-evtx decoding it.
func BenchmarkOracle(b *testing.B) {
	logs, err := filepath.Glob(filepath.Join(benchFolder(b, "mixed"), "SRV0001", "*Sysmon*.evtx"))
	if err != nil || len(logs) == 0 {
		b.Fatal(err, "no Sysmon log")
	}
	goroutines := runtime.GOMAXPROCS(0)
	started := time.Now()
	decoded := oracleDecode(b, logs[0])
	oracle := time.Since(started)
	var ours time.Duration
	for b.Loop() {
		ours += timeScan(b, logs[0], goroutines)
	}
	b.ReportMetric(float64(oracle)*float64(b.N)/float64(ours), "x-faster-than-golang-evtx")
	b.ReportMetric(float64(decoded), "records")
}

// oracleDecode decodes a log with golang-evtx, as fast as it can, and returns
// the number of its records.
func oracleDecode(b *testing.B, path string) (records int) {
	b.Helper()
	f, err := golangevtx.OpenDirty(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for range f.UnorderedEvents() {
		records++
	}
	return records
}

// timeScan returns how long a scan takes.
func timeScan(b *testing.B, path string, goroutines int) time.Duration {
	b.Helper()
	runtime.GC()
	started := time.Now()
	mustScan(b, scan.Options{Paths: []string{path}, Goroutines: goroutines})
	return time.Since(started)
}

// readAndSum reads the files of a folder as a scan does, takes their CRC-32,
// and returns the nanoseconds and the bytes.
func readAndSum(b *testing.B, folder string, goroutines int) (nanoseconds float64, size int64) {
	b.Helper()
	type piece struct {
		file *os.File
		part evtx.Part
	}
	var pieces []piece
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		b.Cleanup(func() { f.Close() })
		info, err := f.Stat()
		if err != nil {
			return err
		}
		size += info.Size()
		for part := range evtx.PartsOf(info.Size(), evtx.DefaultPartSize) {
			pieces = append(pieces, piece{f, part})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	const rounds = 3
	started := time.Now()
	for range rounds {
		var next atomic.Int64
		var group sync.WaitGroup
		for range goroutines {
			group.Go(func() {
				block := make([]byte, 4*evtx.ChunkSize)
				for i := int(next.Add(1)) - 1; i < len(pieces); i = int(next.Add(1)) - 1 {
					p := pieces[i]
					for at := p.part.Start; at < p.part.End; at += int64(len(block)) {
						n, err := p.file.ReadAt(block[:min(int64(len(block)), p.part.End-at)], at)
						if err != nil && !errors.Is(err, io.EOF) {
							b.Error(err)
						}
						crc32.ChecksumIEEE(block[:n])
					}
				}
			})
		}
		group.Wait()
	}
	return float64(time.Since(started).Nanoseconds()) / rounds, size
}

// ruleFolders returns the folders beside the repository that hold SigmaHQ's
// rules.
func ruleFolders(b *testing.B) []string {
	b.Helper()
	var folders []string
	for _, name := range []string{"rules", "rules-emerging-threats", "rules-threat-hunting"} {
		folder := filepath.Join(corpus, "sigma-rules", name)
		if _, err := os.Stat(folder); err != nil {
			b.Skipf("no rules at %s", folder)
		}
		folders = append(folders, folder)
	}
	return folders
}

// creationRules returns the files of those that are about process creation.
func creationRules(b *testing.B) []string {
	b.Helper()
	var files []string
	for _, r := range rules.Load(b.Context(), ruleFolders(b), 0).Rules {
		if r.LogSource.Category == "process_creation" && r.LogSource.Product == "windows" && r.Status != "deprecated" {
			files = append(files, r.File)
		}
	}
	return files
}

// BenchmarkRules times whole scans of logs that hold nothing but process events
// with SigmaHQ's rules beside scans with the built-in ones, in alternation:
// with the 1,415 about process creation, and with all 3,160.
func BenchmarkRules(b *testing.B) {
	for _, set := range []struct {
		name  string
		paths []string
	}{{"creation", creationRules(b)}, {"all", ruleFolders(b)}} {
		for _, kind := range []string{"sysmon", "security", "distinct"} {
			b.Run(set.name+"/"+kind, func(b *testing.B) {
				folder := benchFolder(b, kind)
				var builtin, given time.Duration
				var found int
				for b.Loop() {
					builtin += timeRules(b, folder, nil, &found)
					given += timeRules(b, folder, set.paths, &found)
				}
				b.ReportMetric(float64(given)/float64(builtin), "x-builtin")
				b.ReportMetric(builtin.Seconds()/float64(b.N), "s-builtin")
				b.ReportMetric(float64(found), "findings")
			})
		}
	}
}

// timeRules returns how long a scan with rules takes.
func timeRules(b *testing.B, path string, paths []string, found *int) time.Duration {
	b.Helper()
	runtime.GC()
	started := time.Now()
	res := mustScan(b, scan.Options{Paths: []string{path}, Rules: scan.RuleOptions{Paths: paths}})
	*found = len(res.Findings)
	return time.Since(started)
}
