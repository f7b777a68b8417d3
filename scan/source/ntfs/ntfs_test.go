package ntfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"webshellscan/internal/cputime"
	"webshellscan/scan/source/ntfs"
	"webshellscan/scan/source/ntfs/ntfstest"
)

// logBytes returns what begins as a log of so many chunks, with text, zeros and
// runs of one byte in it.
func logBytes(chunks int, seed uint64) []byte {
	b := make([]byte, 4096+chunks*65536)
	random := rand.New(rand.NewPCG(seed, 1))
	for at := 0; at < len(b); at += 4096 {
		switch random.IntN(3) {
		case 0:
			for i := range 4096 {
				b[at+i] = byte(random.Uint32())
			}
		case 1:
			for i := range 4096 {
				b[at+i] = 'x'
			}
		}
	}
	copy(b, "ElfFile\x00")
	return b
}

// walk returns the logs of a volume by path.
func walk(t *testing.T, data []byte) (*ntfs.Volume, map[string]*ntfs.File) {
	t.Helper()
	v, err := ntfs.Open(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	list, err := v.Walk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ntfs.File)
	for _, f := range list {
		files[f.Path] = f
	}
	return v, files
}

// read returns the whole content of a file.
func read(t *testing.T, f *ntfs.File) []byte {
	t.Helper()
	if f == nil {
		t.Fatal("the file was not found")
	}
	data, err := io.ReadAll(io.NewSectionReader(f.Content, 0, f.Content.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestWalk: logs are found by name and by content, wherever they lie, and read
// as they were written.
func TestWalk(t *testing.T) {
	const logs = "Windows/System32/winevt/Logs/"
	contents := map[string][]byte{
		logs + "Security.evtx": logBytes(3, 1), logs + "Frag.evtx": logBytes(2, 2), logs + "Packed.evtx": logBytes(4, 3),
		"renamed.bin": logBytes(1, 4), "host.txt:hidden": logBytes(1, 5), "Users/gone.evtx": logBytes(1, 6),
	}
	data := ntfstest.Volume(600,
		ntfstest.File{Path: logs + "Security.evtx", Data: contents[logs+"Security.evtx"]},
		ntfstest.File{Path: logs + "Frag.evtx", Data: contents[logs+"Frag.evtx"], Fragments: 7},
		ntfstest.File{Path: logs + "Packed.evtx", Data: contents[logs+"Packed.evtx"], Compressed: true},
		ntfstest.File{Path: "renamed.bin", Data: contents["renamed.bin"]},
		ntfstest.File{Path: "other.bin", Data: bytes.Repeat([]byte("no log"), 20_000)},
		ntfstest.File{Path: "sized.bin", Data: make([]byte, 4096+65536)}, // the size of a log, and none
		ntfstest.File{Path: "host.txt", Stream: "hidden", Data: contents["host.txt:hidden"]},
		ntfstest.File{Path: "Users/gone.evtx", Data: contents["Users/gone.evtx"], Deleted: true},
		ntfstest.File{Path: "tiny.evtx", Data: []byte("ElfFile\x00"), Resident: true},
	)
	v, files := walk(t, data)
	if len(v.Notes) > 0 {
		t.Errorf("notes of a sound volume: %q", v.Notes)
	}
	for path, want := range contents {
		if got := read(t, files[path]); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes of %d are other ones", path, len(got), len(want))
		}
	}
	if got := read(t, files["tiny.evtx"]); string(got) != "ElfFile\x00" {
		t.Errorf("a small file: %q", got)
	}
	if len(files) != len(contents)+1 {
		t.Errorf("%d files", len(files))
	}
	if f := files["Users/gone.evtx"]; !f.Deleted || f.Overwritten {
		t.Errorf("the deleted file: %+v", f)
	}
	if files["renamed.bin"].Deleted {
		t.Error("a file that is there is called deleted")
	}
}

// TestFree: what no file uses is told, and nothing else.
func TestFree(t *testing.T) {
	gone := logBytes(1, 7)
	data := ntfstest.Volume(100, ntfstest.File{Path: "a.evtx", Data: logBytes(1, 8)}, ntfstest.File{Path: "b.evtx", Data: gone, Deleted: true})
	v, files := walk(t, data)
	var free []byte
	err := v.Free(t.Context(), func(start, end int64) error {
		free = append(free, data[start:end]...)
		return nil
	})
	if err != nil || !bytes.Contains(free, gone[:4096]) || bytes.Contains(free, read(t, files["a.evtx"])[:4096]) {
		t.Errorf("%d free bytes, %v", len(free), err)
	}
}

// TestDamage: what is wrong on a volume costs only itself, and is told.
func TestDamage(t *testing.T) {
	want := logBytes(1, 9)
	build := func() []byte {
		return ntfstest.Volume(100, ntfstest.File{Path: "a.evtx", Data: want}, ntfstest.File{Path: "b.evtx", Data: want})
	}
	const mft, record, first = 4 * ntfstest.Cluster, 1024, 24
	tests := []struct {
		name   string
		damage func(b []byte)
		want   int // sound files
	}{
		{"torn record", func(b []byte) { b[mft+first*record+1023] ^= 1 }, 1},
		{"record marked as bad", func(b []byte) { copy(b[mft+first*record:], "BAAD") }, 1},
		{"attributes beyond the record", func(b []byte) { b[mft+first*record+56+5] = 0xFF }, 1},
		{"boot sector", func(b []byte) {
			copy(b[len(b)-512:], b[:512])
			clear(b[:512])
		}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := build()
			tt.damage(data)
			_, files := walk(t, data)
			sound := 0
			for _, f := range files {
				if bytes.Equal(read(t, f), want) {
					sound++
				}
			}
			if sound != tt.want {
				t.Errorf("%d sound files, want %d", sound, tt.want)
			}
		})
	}
	if _, err := ntfs.Open(bytes.NewReader(make([]byte, 4096))); err == nil {
		t.Error("zeros are a volume")
	}
}

// unreadable is a volume of which a stretch cannot be read.
type unreadable struct {
	*bytes.Reader
	start, end int64
}

// ReadAt implements io.ReaderAt.
func (u unreadable) ReadAt(b []byte, off int64) (int, error) {
	if off >= u.end || off+int64(len(b)) <= u.start {
		return u.Reader.ReadAt(b, off)
	}
	n, _ := u.Reader.ReadAt(b[:max(0, u.start-off)], off) // the whole of it is there
	return n, io.ErrUnexpectedEOF
}

// TestLost: records of the master file table that cannot be read, or not be
// parsed, cost only themselves, and it is told that files may be missing.
func TestLost(t *testing.T) {
	const mft, record, first = 4 * ntfstest.Cluster, 1024, 24
	var files []ntfstest.File
	for i := range 8 {
		files = append(files, ntfstest.File{Path: fmt.Sprintf("%d.evtx", i), Data: logBytes(1, uint64(i))})
	}
	build := func() []byte { return ntfstest.Volume(300, files...) }
	stretch := func(from, to int64) func([]byte) ntfs.Source {
		return func(b []byte) ntfs.Source { return unreadable{bytes.NewReader(b), mft + from*record, mft + to*record} }
	}
	patched := func(at int, text string) func([]byte) ntfs.Source {
		return func(b []byte) ntfs.Source {
			copy(b[mft+first*record+at:], text)
			return bytes.NewReader(b)
		}
	}
	attribute := func(kind uint32, at int, text string) func([]byte) ntfs.Source {
		return func(b []byte) ntfs.Source {
			r := b[mft+first*record:][:record]
			next := int(binary.LittleEndian.Uint16(r[20:]))
			for binary.LittleEndian.Uint32(r[next:]) != kind {
				next += int(binary.LittleEndian.Uint32(r[next+4:]))
			}
			copy(r[next+at:], text)
			return bytes.NewReader(b)
		}
	}
	for _, tt := range []struct {
		name   string
		source func([]byte) ntfs.Source
		files  int
		lost   bool
	}{
		{"three records cannot be read", stretch(first+2, first+5), 5, true},
		{"a part of a record cannot be read", func(b []byte) ntfs.Source {
			return unreadable{bytes.NewReader(b), mft + first*record + 100, mft + first*record + 200}
		}, 7, true},
		{"the end of the table cannot be read", stretch(first+6, 64), 6, true},
		{"no signature", patched(0, "GILE"), 7, true},
		{"marked as bad", patched(0, "BAAD"), 7, true},
		{"no end of the attributes", attribute(0xFFFFFFFF, 0, "\x80"), 8, true},
		{"an attribute of a kind that there is not", attribute(0x80, 0, "\x81"), 7, true},
		{"an attribute of no length", attribute(0x80, 4, "\x00\x00\x00\x00"), 7, true},
		{"an attribute that ends them", attribute(0x80, 0, "\xFF\xFF\xFF\xFF"), 7, true},
		{"an attribute of a kind beyond all others", attribute(0x80, 1, "\x02"), 7, true},
		{"the attribute with the content has become another one", attribute(0x80, 0, "\x90"), 7, true},
		{"a record that goes on one which knows nothing of it", patched(32, "\x05"), 8, true},
		{"a deleted one that goes on another", func(b []byte) ntfs.Source {
			b[mft+first*record+22], b[mft+first*record+32] = 0, 5
			return bytes.NewReader(b)
		}, 8, false},
		{"a deleted record is torn", patched(22, "\x00\x00"+string(make([]byte, 22))+"\xFF\xFF"), 7, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := ntfs.Open(tt.source(build()))
			if err != nil {
				t.Fatal(err)
			}
			list, err := v.Walk(t.Context())
			if err != nil || len(list) != tt.files || (len(v.Lost) > 0) != tt.lost {
				t.Errorf("%d files, lost %q, notes %q, error %v", len(list), v.Lost, v.Notes, err)
			}
		})
	}
}

// TestShadowCatalog: the walk tells where the catalog of shadow copies lies.
func TestShadowCatalog(t *testing.T) {
	content := bytes.Repeat([]byte("catalog "), 2048)
	data := ntfstest.Volume(100, ntfstest.File{Path: "System Volume Information/{3808876b-c176-4e48-b7ae-04046e6cc752}", Data: content})
	v, _ := walk(t, data)
	if at := v.ShadowCatalog(); at == 0 || !bytes.HasPrefix(data[at:], content) {
		t.Errorf("offset %d", at)
	}
}

// TestCancel: a walk ends when it is cancelled.
func TestCancel(t *testing.T) {
	v, err := ntfs.Open(bytes.NewReader(ntfstest.Volume(100)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrUnexpectedEOF)
	if _, err := v.Walk(ctx); err != io.ErrUnexpectedEOF {
		t.Errorf("error %v", err)
	}
}

// TestMkntfs: a volume that mkntfs made, with files that ntfscp put there.
func TestMkntfs(t *testing.T) {
	dir := t.TempDir()
	volume := filepath.Join(dir, "volume")
	if err := os.WriteFile(volume, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "mkntfs", "-q", "-F", volume)
	want := make(map[string][]byte)
	for i := range 4 {
		name := fmt.Sprintf("log%d.evtx", i)
		want[name] = logBytes(i+1, uint64(i))
		if err := os.WriteFile(filepath.Join(dir, name), want[name], 0o600); err != nil {
			t.Fatal(err)
		}
		tool(t, "ntfscp", "-f", volume, filepath.Join(dir, name), name)
	}
	data, err := os.ReadFile(volume)
	if err != nil {
		t.Fatal(err)
	}
	_, files := walk(t, data)
	for name, content := range want {
		if !slices.Equal(read(t, files[name]), content) {
			t.Errorf("%s was read otherwise", name)
		}
	}
}

// tool runs a program, and skips the test where it is not installed.
func tool(t *testing.T, name string, arguments ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed (Debian: ntfs-3g)", name)
	}
	if out, err := exec.Command(path, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// BenchmarkWalk reads a master file table of small files, of which one in a
// hundred is a log.
func BenchmarkWalk(b *testing.B) {
	const records = 40_000
	var files []ntfstest.File
	for i := range records {
		ending := "txt"
		if i%100 == 0 {
			ending = "evtx"
		}
		files = append(files, ntfstest.File{Path: fmt.Sprintf("folder%d/name of a file %d.%s", i/200, i, ending), Data: []byte("ElfFile\x00"), Resident: true})
	}
	data := ntfstest.Volume(12_000, files...)
	b.ReportAllocs()
	before := cputime.Used()
	for b.Loop() {
		v, err := ntfs.Open(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		if list, err := v.Walk(b.Context()); err != nil || len(list) != records/100 {
			b.Fatalf("%d files, %v", len(list), err)
		}
	}
	b.ReportMetric(records*float64(b.N)/(cputime.Used()-before).Seconds(), "records/cpu-s")
}

// FuzzWalk: no volume makes the walk fail, and no file is larger than its
// volume.
func FuzzWalk(f *testing.F) {
	base := ntfstest.Volume(80,
		ntfstest.File{Path: "a/b.evtx", Data: logBytes(1, 1), Fragments: 3},
		ntfstest.File{Path: "c.evtx", Data: logBytes(1, 2), Compressed: true},
		ntfstest.File{Path: "d", Stream: "e.evtx", Data: []byte("ElfFile\x00"), Resident: true})
	f.Add(uint32(0), []byte{})
	f.Add(uint32(4*4096+24*1024+20), []byte{0xFF, 0xFF})
	f.Add(uint32(48), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		data := slices.Clone(base)
		copy(data[int(at)%len(data):], patch)
		v, err := ntfs.Open(bytes.NewReader(data))
		if err != nil {
			return
		}
		list, err := v.Walk(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range list {
			if size := file.Content.Size(); size < 0 || size > 64*int64(len(data)) {
				t.Errorf("%s has %d bytes", file.Path, size)
			}
			_, _ = file.Content.ReadAt(make([]byte, 10_000), 0) // may fail, must end
		}
	})
}
