package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"webshellscan/scan/source/archive"
)

// contents are what the archives of tests hold.
var contents = map[string]string{
	"a/Security.evtx": "ElfFile\x00" + strings.Repeat("record ", 20_000),
	"b.txt":           "text",
	"empty":           "",
}

// must returns the first value, and panics if there is an error: of a writer to
// memory.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func makeZip(method uint16) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"a/Security.evtx", "b.txt", "empty"} {
		f := must(w.CreateHeader(&zip.FileHeader{Name: name, Method: method}))
		must(io.WriteString(f, contents[name]))
	}
	must(0, w.Close())
	return b.Bytes()
}

func makeTar() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"a/Security.evtx", "b.txt", "empty"} {
		must(0, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(contents[name])), Mode: 0o600, Typeflag: tar.TypeReg}))
		must(io.WriteString(w, contents[name]))
	}
	must(0, w.WriteHeader(&tar.Header{Name: "link.evtx", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}))
	must(0, w.Close())
	return b.Bytes()
}

func makeGzip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	must(w.Write(data))
	must(0, w.Close())
	return b.Bytes()
}

func makeZstd(data []byte) []byte {
	var b bytes.Buffer
	w := must(zstd.NewWriter(&b))
	must(w.Write(data))
	must(0, w.Close())
	return b.Bytes()
}

func makeXZ(data []byte) []byte {
	var b bytes.Buffer
	w := must(xz.NewWriter(&b))
	must(w.Write(data))
	must(0, w.Close())
	return b.Bytes()
}

// unpack returns what an archive holds; of members that cannot be read, the
// error.
func unpack(data []byte, o archive.Options) (map[string]string, error) {
	got := make(map[string]string)
	err := archive.Walk(context.Background(), bytes.NewReader(data), o, func(m *archive.Member) error {
		if m.Special {
			return nil
		}
		r, err := m.Open()
		if err != nil {
			got[m.Name] = "error: " + err.Error()
			return nil
		}
		content, err := io.ReadAll(r)
		got[m.Name] = string(content)
		if err != nil {
			got[m.Name] = "error: " + err.Error()
		}
		if m.Stored && string(data[m.Offset:m.Offset+m.Size]) != string(content) {
			got[m.Name] = "error: it does not lie where it is said to"
		}
		return r.Close()
	})
	return got, err
}

// TestWalk: every form gives the same members.
func TestWalk(t *testing.T) {
	tests := []struct {
		name string
		data []byte
	}{
		{"zip stored", makeZip(zip.Store)},
		{"zip deflate", makeZip(zip.Deflate)},
		{"tar", makeTar()},
		{"tar.gz", makeGzip(makeTar())},
		{"tar.zst", makeZstd(makeTar())},
		{"tar.xz", makeXZ(makeTar())},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := unpack(tt.data, archive.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range contents {
				if got[name] != want {
					t.Errorf("%s: %.60q", name, got[name])
				}
			}
			if len(got) != len(contents) {
				t.Errorf("%d members", len(got))
			}
		})
	}
}

// TestCompressedFile: one log that was compressed has its name without the
// ending.
func TestCompressedFile(t *testing.T) {
	want := contents["a/Security.evtx"]
	for name, data := range map[string][]byte{"Security.evtx.gz": makeGzip([]byte(want)), "Security.evtx.ZST": makeZstd([]byte(want)), "Security.evtx.xz": makeXZ([]byte(want))} {
		got, err := unpack(data, archive.Options{Name: name})
		if err != nil || got["Security.evtx"] != want {
			t.Errorf("%s: %d members, %v", name, len(got), err)
		}
	}
}

// TestPrograms: what 7z and zip write, encrypted members too, is read with the
// right password and with no other.
func TestPrograms(t *testing.T) {
	tests := []struct{ name, tool, arguments string }{
		{"plain.7z", "7z", "a -bd plain.7z a b.txt"},
		{"solid.7z", "7z", "a -bd -ms=on solid.7z a b.txt"},
		{"header.7z", "7z", "a -bd -psecret -mhe=on header.7z a b.txt"},
		{"aes.zip", "7z", "a -bd -tzip -mem=AES256 -psecret aes.zip a b.txt"},
		{"aes128.zip", "7z", "a -bd -tzip -mem=AES128 -mx=0 -psecret aes128.zip a b.txt"},
		{"crypto.zip", "7z", "a -bd -tzip -mem=ZipCrypto -psecret crypto.zip a b.txt"},
		{"streamed.zip", "zip", "-q -r -P secret streamed.zip a b.txt"},
		{"bzip2.zip", "7z", "a -bd -tzip -mm=BZip2 bzip2.zip a b.txt"},
		{"lzma.zip", "7z", "a -bd -tzip -mm=LZMA lzma.zip a b.txt"},
	}
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "a"), 0o700), os.WriteFile(filepath.Join(dir, "a/Security.evtx"), []byte(contents["a/Security.evtx"]), 0o600),
		os.WriteFile(filepath.Join(dir, "b.txt"), []byte("text"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.tool); err != nil {
				t.Skipf("%s is not installed (Debian: p7zip-full, zip)", tt.tool)
			}
			cmd := exec.Command(tt.tool, strings.Fields(tt.arguments)...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			data := must(os.ReadFile(filepath.Join(dir, tt.name)))
			got, err := unpack(data, archive.Options{Passwords: []string{"wrong", "secret"}})
			if err != nil || got["a/Security.evtx"] != contents["a/Security.evtx"] || got["b.txt"] != "text" {
				t.Errorf("%v: %.100q, %.100q", err, got["a/Security.evtx"], got["b.txt"])
			}
			if !strings.Contains(tt.arguments, "secret") {
				return
			}
			got, err = unpack(data, archive.Options{Passwords: []string{"wrong"}})
			if !errors.Is(err, archive.ErrPassword) && !strings.Contains(got["a/Security.evtx"], archive.ErrPassword.Error()) {
				t.Errorf("with a wrong password: %v, %.100q", err, got["a/Security.evtx"])
			}
		})
	}
}

// TestDamage: what is wrong with an archive costs only itself, and is told.
func TestDamage(t *testing.T) {
	stored := makeZip(zip.Store)
	flipped := slices.Clone(stored)
	flipped[bytes.Index(flipped, []byte("record"))] ^= 1
	cut := stored[:len(stored)-200]
	bomb := makeZip(zip.Deflate)
	at := bytes.Index(bomb, []byte("PK\x01\x02")) // the directory's first entry
	copy(bomb[at+24:], "\xFF\xFF\xFF\x7F")
	shared := slices.Clone(stored)
	second := bytes.LastIndex(shared[:bytes.LastIndex(shared, []byte("PK\x01\x02"))], []byte("PK\x01\x02"))
	copy(shared[second+42:], "\x00\x00\x00\x00") // the second member's header is the first's
	unsound := makeGzip(makeTar())
	unsound[len(unsound)-8] ^= 1 // the CRC-32
	two := slices.Concat(makeTar(), makeTar())
	tests := []struct {
		name   string
		data   []byte
		member string
		want   string
		failed bool
	}{
		{"a flipped bit", flipped, "a/Security.evtx", "the CRC-32 is", false},
		{"a directory cut off", cut, "a/Security.evtx", "ElfFile", true},
		{"a bomb by its size", bomb, "a/Security.evtx", archive.ErrBomb.Error(), false},
		{"members that share data", shared, "b.txt", "it shares its data with another member", false},
		{"tar cut off", makeTar()[:2000], "a/Security.evtx", "ElfFile", true},
		{"gzip with another checksum", unsound, "a/Security.evtx", "ElfFile", true},
		{"a tar behind a tar", two, "a/Security.evtx", "ElfFile", true},
		{"a tar behind a tar, packed", makeGzip(two), "a/Security.evtx", "ElfFile", true},
		{"zeros behind a tar", slices.Concat(makeTar(), make([]byte, 100_000)), "a/Security.evtx", "ElfFile", false},
		{"gzip cut off", makeGzip(makeTar())[:300], "a/Security.evtx", "unexpected EOF", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := unpack(tt.data, archive.Options{})
			if !strings.Contains(got[tt.member], tt.want) || tt.failed != (err != nil) {
				t.Errorf("%.120q, %v", got[tt.member], err)
			}
		})
	}
	if err := archive.Walk(t.Context(), strings.NewReader("no archive"), archive.Options{}, nil); !errors.Is(err, archive.ErrFormat) {
		t.Errorf("no archive: %v", err)
	}
}

// TestMethods: zip members packed by LZMA are read, and what is not read is
// called unsupported, not damaged, by the name of its method.
func TestMethods(t *testing.T) {
	const methodLZMA = 14
	log := contents["a/Security.evtx"]
	var packed, b bytes.Buffer
	l := must(lzma.NewWriter(&packed))
	must(io.WriteString(l, log))
	must(0, l.Close())
	w := zip.NewWriter(&b)
	data := slices.Concat([]byte{9, 20, 5, 0}, packed.Bytes()[:5], packed.Bytes()[lzma.HeaderLen:])
	h := &zip.FileHeader{Name: "a/Security.evtx", Method: methodLZMA, Flags: 2, CRC32: crc32.ChecksumIEEE([]byte(log)), CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(log))}
	must(must(w.CreateRaw(h)).Write(data))
	must(0, w.Close())
	filtered := makeXZ([]byte(log))
	filtered[13] |= 1 // one filter more
	z := soundSevenZip()
	z.coders = []byte{1, 3, 4, 1, 9}
	old := makeZip(zip.Deflate)
	for at := 0; ; at += 4 {
		i := bytes.Index(old[at:], []byte("PK\x01\x02"))
		if i < 0 {
			break
		}
		at += i
		old[at+10] = 98
	}
	tests := []struct {
		name string
		data []byte
		want string // in the content, or of the error
	}{
		{"zip, LZMA", b.Bytes(), log},
		{"zip, PPMd", old, "not supported: compression method 98 (PPMd)"},
		{"7z, Deflate64", z.bytes(), "not supported: the compression method Deflate64"},
		{"xz with a filter", filtered, "not supported: xz with a filter"},
		{"zstd with a large window", append([]byte("\x28\xB5\x2F\xFD\x00\xA8"), make([]byte, 100)...), "not supported: a zstd window"},
	}
	for _, tt := range tests {
		got, err := unpack(tt.data, archive.Options{Name: "a/Security.evtx"})
		text := got["a/Security.evtx"]
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, tt.want) || strings.Contains(text, archive.ErrDamaged.Error()) {
			t.Errorf("%s: %.100q", tt.name, text)
		}
	}
}

// TestMarks: what an archive says of the kind of a member hides no log.
func TestMarks(t *testing.T) {
	const size = 4096
	log := "ElfFile\x00" + strings.Repeat("x", size-8)
	var packed, plain bytes.Buffer
	z, w := zip.NewWriter(&packed), tar.NewWriter(&plain)
	for _, mode := range []fs.FileMode{fs.ModeDir, fs.ModeSymlink, fs.ModeDevice} {
		h := &zip.FileHeader{Name: mode.String()}
		h.SetMode(mode | 0o600)
		must(must(z.CreateHeader(h)).Write([]byte(log)))
	}
	must(z.Create("folder/"))
	must(must(z.Create("slash|")).Write([]byte(log))) // no writer gives a folder content
	link := &zip.FileHeader{Name: "link.evtx"}
	link.SetMode(fs.ModeSymlink)
	must(must(z.CreateHeader(link)).Write([]byte("/etc/passwd")))
	must(0, z.Close())
	for _, kind := range []byte{tar.TypeCont, 'Z'} {
		must(0, w.WriteHeader(&tar.Header{Name: string(kind), Size: size, Mode: 0o600, Typeflag: kind, Format: tar.FormatUSTAR}))
		must(io.WriteString(w, log))
	}
	must(0, w.Close())
	for name, data := range map[string][]byte{"zip": bytes.ReplaceAll(packed.Bytes(), []byte("slash|"), []byte("slash/")), "tar": plain.Bytes()} {
		got, err := unpack(data, archive.Options{})
		if want := map[string]int{"zip": 4, "tar": 2}[name]; err != nil || len(got) != want {
			t.Errorf("%s: %d members, %v", name, len(got), err)
		}
		for member, content := range got {
			if content != log {
				t.Errorf("%s: %s: %.100q", name, member, content)
			}
		}
	}
}

// encryptedSeeds returns small archives whose password is "infected", and 7z
// ones, if their program is installed.
func encryptedSeeds(f *testing.F) (list [][]byte) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.evtx"), []byte("ElfFile\x00 and a few words"), 0o600); err != nil {
		f.Fatal(err)
	}
	for _, arguments := range []string{"-t7z -mx=1", "-t7z -mx=1 -pinfected -mhe=on", "-tzip -mem=AES256 -pinfected", "-tzip -mem=ZipCrypto -pinfected", "-tzip -mm=BZip2"} {
		name := fmt.Sprintf("%d.bin", len(list))
		cmd := exec.Command("7z", append(append([]string{"a", "-bd"}, strings.Fields(arguments)...), name, "a.evtx")...)
		cmd.Dir = dir
		if cmd.Run() != nil {
			return list
		}
		list = append(list, must(os.ReadFile(filepath.Join(dir, name))))
	}
	return list
}

// FuzzWalk: no archive makes the walk fail, or gives more than it declares.
func FuzzWalk(f *testing.F) {
	for _, seed := range [][]byte{makeZip(zip.Store), makeZip(zip.Deflate), makeTar(), makeGzip(makeTar()), makeXZ([]byte("x")), makeZstd([]byte("y"))} {
		f.Add(seed)
	}
	for _, seed := range encryptedSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = archive.Walk(t.Context(), bytes.NewReader(data), archive.Options{Name: "x.gz", Passwords: []string{"infected"}}, func(m *archive.Member) error {
			r, err := m.Open()
			if err != nil {
				return nil
			}
			n, _ := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			if m.Size >= 0 && n > m.Size {
				return fmt.Errorf("%s: %d bytes of %d", m.Name, n, m.Size)
			}
			return r.Close()
		})
	})
}

// countedFile counts the bytes that are read of a file.
type countedFile struct {
	*bytes.Reader
	read int64
}

// ReadAt implements io.ReaderAt.
func (f *countedFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.Reader.ReadAt(b, off)
	f.read += int64(n)
	return n, err
}

// TestReopen: members of a stream that are opened again in their order unpack
// it once, and in any other order they have the same content.
func TestReopen(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	random := rand.New(rand.NewPCG(1, 2))
	var want []string
	for i := range 50 {
		text := make([]byte, 10_000)
		for i := range text {
			text[i] = byte(random.IntN(64))
		}
		want = append(want, string(text))
		must(0, w.WriteHeader(&tar.Header{Name: fmt.Sprint(i), Size: int64(len(text)), Mode: 0o600, Typeflag: tar.TypeReg}))
		must(w.Write(text))
	}
	must(0, w.Close())
	f := &countedFile{Reader: bytes.NewReader(makeGzip(b.Bytes()))}
	var members []*archive.Member
	err := archive.Walk(t.Context(), f, archive.Options{Name: "a.tgz"}, func(m *archive.Member) error {
		members = append(members, m)
		return nil
	})
	if err != nil || len(members) != len(want) {
		t.Fatalf("%d members, %v", len(members), err)
	}
	read := func(i int) {
		r, err := members[i].Reopen()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != want[i] {
			t.Errorf("member %d: %d bytes, %v", i, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	f.read = 0
	for i := range members {
		read(i)
	}
	if f.read > f.Size() {
		t.Errorf("read %d bytes of %d", f.read, f.Size())
	}
	for _, i := range random.Perm(len(members)) {
		read(i)
	}
}
