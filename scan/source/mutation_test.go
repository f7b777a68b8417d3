package source_test

import (
	"flag"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/scan/source"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// mutations is how many damaged copies are made of each form.
var mutations = flag.Int("mutations", 40, "how many damaged copies of each form of archive and image are read (2000 for a long run)")

// forms returns archives and images by the names of their files. Those of
// images are made by the tools that are installed.
func forms(t *testing.T) map[string][]byte {
	t.Helper()
	const size = 4096 + 64<<10 // a log is known by it even if its name is damaged
	log := "ElfFile\x00" + strings.Repeat("log ", (size-8)/4)
	volume := ntfstest.Volume(300,
		ntfstest.File{Path: "Windows/System32/winevt/Logs/Security.evtx", Data: []byte(log)},
		ntfstest.File{Path: "packed.evtx", Data: []byte(log), Compressed: true},
		ntfstest.File{Path: "fragments.evtx", Data: []byte(log), Fragments: 7},
		ntfstest.File{Path: "gone.evtx", Data: []byte(log), Deleted: true},
		ntfstest.File{Path: "inetpub/logs/u_ex1.log", Data: []byte(webLog)},
	)
	list := map[string][]byte{
		"volume.raw": volume,
		"a.zip":      zipOf(t, "Security.evtx", log, "inner.zip", string(zipOf(t, "x.evtx", log)), "disk.raw", string(volume)),
		"a.tgz":      gzipOf(t, tarOf(t, "Security.evtx", log, "u_ex1.log", webLog)),
		"a.tar":      []byte(tarOf(t, "Security.evtx", log, "u_ex1.log", webLog)),
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "volume.raw"), volume, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []struct{ file, command string }{
		{"a.vhd", "qemu-img convert -O vpc volume.raw a.vhd"},
		{"a.vhdx", "qemu-img convert -O vhdx -o block_size=1M volume.raw a.vhdx"},
		{"a.vmdk", "qemu-img convert -O vmdk volume.raw a.vmdk"},
		{"stream.vmdk", "qemu-img convert -O vmdk -o subformat=streamOptimized volume.raw stream.vmdk"},
		{"a.qcow2", "qemu-img convert -O qcow2 volume.raw a.qcow2"},
		{"packed.qcow2", "qemu-img convert -c -O qcow2 volume.raw packed.qcow2"},
		{"a.vdi", "qemu-img convert -O vdi volume.raw a.vdi"},
		{"a.E01", "ewfacquire -u -q -t a -f encase6 -c fast volume.raw"},
		{"a.7z", "7z a -bd a.7z volume.raw"},
	} {
		words := strings.Fields(tool.command)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%s was not made: %v %s", tool.file, err, out)
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, tool.file))
		if err != nil {
			t.Fatal(err)
		}
		list[tool.file] = data
	}
	return list
}

// mutate returns a damaged copy: cut off, or with flipped bits and extreme
// numbers, most of them where structures are.
func mutate(data []byte, r *rand.Rand) []byte {
	if r.IntN(7) == 0 {
		return data[:r.IntN(len(data))]
	}
	b := append([]byte(nil), data...)
	extreme := []string{"\xff\xff\xff\xff", "\x00\x00\x00\x00", "\xff\xff\xff\x7f", "\x01\x00\x00\x00", "\x00\x00\x00\x80", "\xff\xff\xff\xff\xff\xff\xff\x7f"}
	for range []int{1, 1, 3, 20, 200}[r.IntN(5)] {
		at := r.IntN(len(b))
		switch r.IntN(4) {
		case 0:
			at = r.IntN(min(len(b), 2048))
		case 1:
			at = r.IntN(min(len(b), 70_000))
		case 2:
			at = len(b) - 1 - r.IntN(min(len(b), 4096))
		}
		if r.IntN(2) == 0 {
			b[at] ^= 1 << r.IntN(8)
		} else {
			copy(b[at:], extreme[r.IntN(len(extreme))])
		}
	}
	return b
}

// TestMutations: damaged archives and images cost neither a panic nor much time
// or memory, whatever is damaged, and a log that is missed is told.
func TestMutations(t *testing.T) {
	const slowest, most = 2 * time.Second, 200 << 20
	for name, data := range forms(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			sound := readAll(t, path, 0)
			for seed := range *mutations {
				if err := os.WriteFile(path, mutate(data, rand.New(rand.NewPCG(1, uint64(seed)))), 0o600); err != nil {
					t.Fatal(err)
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				cputime.Bound(t, slowest, func() {
					if got := readAll(t, path, seed); got.logs < sound.logs && !got.saysMoreThan(sound) {
						t.Errorf("%d of %d logs were read, and nothing new was said: %q", got.logs, sound.logs, slices.Sorted(maps.Keys(got.said)))
					}
				})
				if t.Failed() {
					t.Fatalf("mutation %d", seed)
				}
				if runtime.ReadMemStats(&after); after.Sys > before.Sys && after.Sys-before.Sys > most {
					t.Errorf("mutation %d took %d MiB more", seed, (after.Sys-before.Sys)>>20)
				}
			}
		})
	}
}

// reading is what came of reading all that is found in a file.
type reading struct {
	logs int             // that could be read to their end, or as far as they are known
	said map[string]bool // of what could not
}

// saysMoreThan reports whether something was said that was not said of the
// sound file.
func (r reading) saysMoreThan(sound reading) bool {
	for text := range r.said {
		if !sound.said[text] {
			return true
		}
	}
	return false
}

// readAll reads all that is found in a file. Of every second seed the hashes of
// images are verified, too, which finds what nothing else does.
func readAll(t *testing.T, path string, seed int) reading {
	t.Helper()
	options := wantWebLogs()
	options.Carve, options.VerifyImages, options.Memory = true, seed%2 == 1, 64<<20
	found, err := source.Find(t.Context(), []string{path}, options)
	if err != nil {
		t.Fatal(err)
	}
	r := reading{said: make(map[string]bool)}
	for _, s := range found.Skipped {
		r.said[s.Err.Error()] = true
	}
	for _, n := range found.Notes {
		r.said[n.Text] = true
	}
	for i := range found.Others {
		_ = readWhole(t, &found.Others[i]) // one that is damaged may be no log of a web server any more
	}
	for i := range found.Inputs {
		in := &found.Inputs[i]
		if in.Path == path {
			r.said["no container"] = true // what it is then is for the scan to say
		}
		if in.Stretches != nil {
			readStretches(t, in)
		} else if err := readWhole(t, in); err != nil {
			r.said[err.Error()] = true
		} else {
			r.logs++
		}
	}
	return r
}

// readWhole reads an input to its end, and returns why it could not.
func readWhole(t *testing.T, in *source.Input) error {
	t.Helper()
	r, err := in.Stream()
	if err != nil {
		return err
	}
	const most = 1 << 30
	n, err := io.Copy(io.Discard, io.LimitReader(r, most))
	if closed := r.Close(); closed != nil || n == most {
		t.Errorf("%s has %d bytes or more, %v", in.Path, n, closed)
	}
	return err
}

// readStretches reads what would be searched for chunks.
func readStretches(t *testing.T, in *source.Input) {
	t.Helper()
	f, err := in.Open()
	if err != nil {
		return // said so
	}
	defer func() { _ = f.Close() }() // it was only read
	n := int64(0)
	for _, s := range in.Stretches {
		read, _ := io.Copy(io.Discard, io.NewSectionReader(f, s.Start, s.End-s.Start)) // an error is as good as an end
		n += read
	}
	const most = 1 << 30
	if n > most {
		t.Errorf("%s has %d bytes to be searched", in.Path, n)
	}
}
