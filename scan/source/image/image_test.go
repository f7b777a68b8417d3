package image_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan/source/image"
	"webshellscan/scan/source/image/imagetest"
)

// disk returns the bytes of a disk: a boot sector of NTFS, data in some places
// and nothing in others.
func disk(size int) []byte {
	b := make([]byte, size)
	random := rand.New(rand.NewPCG(1, 2))
	for at := 0; at+4096 <= size; at += 4096 {
		if random.IntN(3) == 0 {
			for i := range 4096 {
				b[at+i] = byte(random.IntN(7) * i)
			}
		}
	}
	copy(b, "\xEB\x52\x90NTFS    ")
	b[510], b[511] = 0x55, 0xAA
	return b
}

// folder opens the files of a folder.
func folder(dir string) func(string) (image.File, error) {
	return func(name string) (image.File, error) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		return bytes.NewReader(data), err
	}
}

// check compares what an image holds with what it must, in large and small
// reads.
func check(t *testing.T, m *image.Image, want []byte) {
	t.Helper()
	if m.Size() < int64(len(want)) {
		t.Fatalf("%d bytes, want %d", m.Size(), len(want))
	}
	got := make([]byte, len(want))
	if _, err := m.ReadAt(got, 0); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("it differs from offset %d on", mismatch(got, want))
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		at := random.IntN(len(want))
		n := random.IntN(min(70_000, len(want)-at)) + 1
		if _, err := m.ReadAt(got[:n], int64(at)); err != nil || !bytes.Equal(got[:n], want[at:at+n]) {
			t.Fatalf("%d bytes at offset %d: %v", n, at, err)
		}
	}
	if n, err := m.ReadAt(got[:10], m.Size()-4); n != 4 || err != io.EOF {
		t.Errorf("the end: %d, %v", n, err)
	}
	for at := int64(0); at < m.Size(); {
		end := m.Hole(at)
		if end < at || end > m.Size() {
			t.Fatalf("a hole from %d to %d", at, end)
		}
		if len(bytes.Trim(want[min(at, int64(len(want))):min(end, int64(len(want)))], "\x00")) > 0 {
			t.Fatalf("a hole from %d to %d, where there are data", at, end)
		}
		at = max(end, at+4096)
	}
}

func mismatch(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// TestFormats: what qemu-img and ewfacquire write is read as the disk that they
// were given.
func TestFormats(t *testing.T) {
	const size = 6<<20 + 512*7
	want := disk(size)
	tests := []struct{ name, tool, arguments string }{
		{"fixed.vhd", "qemu-img", "convert -f raw -O vpc -o subformat=fixed,force_size=on disk.raw fixed.vhd"},
		{"dynamic.vhd", "qemu-img", "convert -f raw -O vpc -o subformat=dynamic,force_size=on disk.raw dynamic.vhd"},
		{"d.vhdx", "qemu-img", "convert -f raw -O vhdx -o block_size=1M disk.raw d.vhdx"},
		{"sparse.vmdk", "qemu-img", "convert -f raw -O vmdk disk.raw sparse.vmdk"},
		{"stream.vmdk", "qemu-img", "convert -f raw -O vmdk -o subformat=streamOptimized disk.raw stream.vmdk"},
		{"flat.vmdk", "qemu-img", "convert -f raw -O vmdk -o subformat=monolithicFlat disk.raw flat.vmdk"},
		{"split.vmdk", "qemu-img", "convert -f raw -O vmdk -o subformat=twoGbMaxExtentSparse disk.raw split.vmdk"},
		{"d.qcow2", "qemu-img", "convert -f raw -O qcow2 disk.raw d.qcow2"},
		{"v2.qcow2", "qemu-img", "convert -f raw -O qcow2 -o compat=0.10,cluster_size=4096 disk.raw v2.qcow2"},
		{"zlib.qcow2", "qemu-img", "convert -f raw -c -O qcow2 disk.raw zlib.qcow2"},
		{"zstd.qcow2", "qemu-img", "convert -f raw -c -O qcow2 -o compression_type=zstd disk.raw zstd.qcow2"},
		{"d.vdi", "qemu-img", "convert -f raw -O vdi disk.raw d.vdi"},
		{"e.E01", "ewfacquire", "-u -q -t e -f encase6 -c fast disk.raw"},
		{"s.E01", "ewfacquire", "-u -q -t s -f encase5 -c none -S 1MiB disk.raw"},
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "disk.raw"), want, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, dir, tt.tool, strings.Fields(tt.arguments)...)
			f, err := folder(dir)(tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if image.Detect(f, tt.name) == image.NoImage {
				t.Error("it is not recognised")
			}
			m, err := image.Open(f, image.Options{Name: tt.name, Sibling: folder(dir)})
			if err != nil {
				t.Fatal(err)
			}
			check(t, m, want)
		})
	}
}

// run runs a program in a folder, and skips the test where it is not installed.
func run(t *testing.T, dir, tool string, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed (Debian: qemu-utils, ewf-tools, ntfs-3g)", tool)
	}
	cmd := exec.Command(tool, arguments...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", tool, arguments, err, out)
	}
}

// TestDifferencing: what was written after a snapshot is that of the child, all
// else the parent's.
func TestDifferencing(t *testing.T) {
	for _, format := range []string{"qcow2", "vmdk"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			want := disk(4 << 20)
			if err := os.WriteFile(filepath.Join(dir, "disk.raw"), want, 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, dir, "qemu-img", "convert", "-f", "raw", "-O", format, "disk.raw", "base."+format)
			run(t, dir, "qemu-img", "create", "-f", format, "-b", "base."+format, "-F", format, "child."+format)
			run(t, dir, "qemu-io", "-f", format, "-c", "write -P 0x5a 1M 64k", "child."+format)
			copy(want[1<<20:], bytes.Repeat([]byte{0x5A}, 64<<10))
			f, err := folder(dir)("child." + format)
			if err != nil {
				t.Fatal(err)
			}
			m, err := image.Open(f, image.Options{Name: "child." + format, Sibling: folder(dir)})
			if err != nil {
				t.Fatal(err)
			}
			check(t, m, want)
			if !slices.Equal(m.Parents, []string{"base." + format}) {
				t.Errorf("parents %q", m.Parents)
			}
			if _, err := image.Open(f, image.Options{Name: "child." + format}); err == nil {
				t.Error("without its parent it is read all the same")
			}
			if format == "vmdk" {
				checkChangedParent(t, dir, f)
			}
		})
	}
}

// checkChangedParent gives the parent of a VMDK another content ID, which is to
// be told.
func checkChangedParent(t *testing.T, dir string, child image.File) {
	t.Helper()
	path := filepath.Join(dir, "base.vmdk")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[bytes.Index(data, []byte("\nCID=")):], "\nCID=12345678")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := image.Open(child, image.Options{Name: "child.vmdk", Sibling: folder(dir)})
	if err != nil || len(m.Lost) != 1 || !strings.Contains(m.Lost[0], "12345678") {
		t.Errorf("%v, lost %q", err, m.Lost)
	}
}

// dynamicVHD returns a dynamic VHD of a disk, by the specification.
func dynamicVHD(disk []byte, block int) []byte {
	const sector = 512
	entries := (len(disk) + block - 1) / block
	footer := make([]byte, 512)
	copy(footer, "conectix")
	binary.BigEndian.PutUint64(footer[16:], 512)
	binary.BigEndian.PutUint64(footer[48:], uint64(len(disk)))
	binary.BigEndian.PutUint32(footer[60:], 3)
	seal(footer, 64)
	header := make([]byte, 1024)
	copy(header, "cxsparse")
	binary.BigEndian.PutUint64(header[16:], 1536)
	binary.BigEndian.PutUint32(header[28:], uint32(entries))
	binary.BigEndian.PutUint32(header[32:], uint32(block))
	seal(header, 36)
	table := bytes.Repeat([]byte{0xFF}, (entries*4+511)/512*512)
	out := slices.Concat(footer, header, table)
	for i := range entries {
		part := make([]byte, block)
		copy(part, disk[i*block:])
		if len(bytes.Trim(part, "\x00")) == 0 {
			continue
		}
		binary.BigEndian.PutUint32(out[1536+4*i:], uint32(len(out)/sector))
		out = append(out, make([]byte, (block/sector/8+511)/512*512)...)
		out = append(out, part...)
	}
	return append(out, footer...)
}

// seal writes the checksum of a structure to an offset of it.
func seal(b []byte, at int) {
	var sum uint32
	for _, c := range b {
		sum += uint32(c)
	}
	binary.BigEndian.PutUint32(b[at:], ^sum)
}

// TestVHD: a dynamic VHD, also one whose footer is damaged.
func TestVHD(t *testing.T) {
	want := disk(300_000 / 512 * 512)
	data := dynamicVHD(want, 32<<10)
	m, err := image.Open(bytes.NewReader(data), image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, m, want)
	if len(m.Notes) > 0 {
		t.Errorf("notes of a sound image: %q", m.Notes)
	}
	clear(data[len(data)-512:])
	if m, err = image.Open(bytes.NewReader(data), image.Options{}); err != nil {
		t.Fatal(err)
	}
	check(t, m, want)
}

// TestDifferencingVHD: what a differencing VHD does not have is its parent's,
// and it is told if that is another image than the one it was made of.
func TestDifferencingVHD(t *testing.T) {
	const id = "0123456789abcdef"
	want := disk(64 << 10)
	parent := dynamicVHD(want, 32<<10)
	identify := func(data []byte, own, above string) []byte {
		for _, footer := range [][]byte{data[:512], data[len(data)-512:]} {
			copy(footer[68:], own)
			reseal(footer, 64)
		}
		copy(data[512+40:], above)
		reseal(data[512:1536], 36)
		return data
	}
	for name, above := range map[string]string{"the same": id, "another": "fedcba9876543210"} {
		t.Run(name, func(t *testing.T) {
			child := dynamicVHD(make([]byte, len(want)), 32<<10)
			for _, footer := range [][]byte{child[:512], child[len(child)-512:]} {
				footer[63] = 4 // differencing
			}
			copy(child[512+64:], "\x00p\x00.\x00v\x00h\x00d")
			m, err := image.Open(bytes.NewReader(identify(child, "its own ID", above)), image.Options{Name: "c.vhd", Sibling: func(name string) (image.File, error) {
				if name != "p.vhd" {
					t.Errorf("%q was opened", name)
				}
				return bytes.NewReader(identify(parent, id, "")), nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			check(t, m, want)
			if (len(m.Lost) > 0) != (above != id) || len(m.Notes) > 0 {
				t.Errorf("lost %q, notes %q", m.Lost, m.Notes)
			}
		})
	}
}

// reseal is seal for a structure that has a checksum already.
func reseal(b []byte, at int) {
	clear(b[at : at+4])
	seal(b, at)
}

// TestRefused: what an image names outside of its folder is not opened, and
// what it says of its size is not believed.
func TestRefused(t *testing.T) {
	opened := func(name string) (image.File, error) {
		t.Errorf("%q was opened", name)
		return nil, os.ErrNotExist
	}
	huge := dynamicVHD(disk(4096), 4096)
	binary.BigEndian.PutUint32(huge[512+28:], 0xFFFFFFFF)
	tests := []struct {
		name string
		data string
		want error
	}{
		{"VMDK extent above", "# Disk DescriptorFile\nRW 8 FLAT \"../x\" 0\n", nil},
		{"VMDK extent by path", "# Disk DescriptorFile\nRW 8 FLAT \"/etc/passwd\" 0\n", nil},
		{"VMDK extent by drive", "# Disk DescriptorFile\nRW 8 FLAT \"C:x\" 0\n", nil},
		{"VMDK device", "# Disk DescriptorFile\nRW 8 FLAT \"\\\\.\\PhysicalDrive0\" 0\n", nil},
		{"VMDK without extents", "# Disk DescriptorFile\n", image.ErrDamaged},
		{"VHD table", string(huge), image.ErrDamaged},
		{"QCOW2 table", "QFI\xFB\x00\x00\x00\x02" + strings.Repeat("\x00", 12) + "\x00\x00\x00\x10" + strings.Repeat("\x00", 12) + "\xFF\xFF\xFF\xFF" + strings.Repeat("\x00", 80), image.ErrDamaged},
		{"Parallels", "WithouFreSpacExt" + strings.Repeat("\x00", 500), image.ErrUnsupported},
		{"QED", "QED\x00" + strings.Repeat("\x00", 500), image.ErrUnsupported},
		{"nothing", strings.Repeat("x", 1000), image.ErrFormat},
		{"empty", "", image.ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := image.Open(strings.NewReader(tt.data), image.Options{Name: "x", Sibling: opened})
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			if _, err := m.ReadAt(make([]byte, 512), 0); err == nil || len(m.Lost) == 0 {
				t.Errorf("a missing extent reads as if it were there: %v, %q", err, m.Lost)
			}
		})
	}
}

// TestHoleOfTables: what an L1 table says of all clusters of an L2 table that
// is not there is not looked up for each.
func TestHoleOfTables(t *testing.T) {
	b := imagetest.QCOW2(make([]byte, 4096), "")
	const entries = 1 << 20
	binary.BigEndian.PutUint64(b[24:], entries*512*4096)
	binary.BigEndian.PutUint32(b[36:], entries)
	binary.BigEndian.PutUint64(b[40:], uint64(len(b)))
	b = append(b, make([]byte, 8*entries)...)
	m, err := image.Open(bytes.NewReader(b), image.Options{Name: "x.qcow2"})
	if err != nil {
		t.Fatal(err)
	}
	if end := m.Hole(0); end < 1<<32 {
		t.Errorf("the hole ends at %d, want 4 GiB or more at once", end)
	}
}

// TestBackingNames: the backing file of a QCOW2 image is the one of that name
// beside it, however it is named, but nothing that is no file.
func TestBackingNames(t *testing.T) {
	want := disk(100_000)
	base := imagetest.QCOW2(want, "")
	for name, ok := range map[string]bool{
		"base.qcow2": true, "./base.qcow2": true, "file:base.qcow2": true, "/vm/disks/base.qcow2": true, `C:\vm\base.qcow2`: true,
		"nbd://host/base.qcow2": false, "json:{\"file\":\"base.qcow2\"}": false, "..": false,
	} {
		child := imagetest.QCOW2(make([]byte, len(want)), name)
		m, err := image.Open(bytes.NewReader(child), image.Options{Name: "child.qcow2", Sibling: func(name string) (image.File, error) {
			if name != "base.qcow2" {
				return nil, os.ErrNotExist
			}
			return bytes.NewReader(base), nil
		}})
		if ok != (err == nil) {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil {
			continue
		}
		check(t, m, want)
		if said := len(m.Notes) > 0; said != (name != "base.qcow2") {
			t.Errorf("%q: notes %q", name, m.Notes)
		}
	}
}

// TestDataFile: a QCOW2 image whose data lie in another file names it.
func TestDataFile(t *testing.T) {
	b := imagetest.QCOW2(disk(8192), "")
	binary.BigEndian.PutUint64(b[72:], 1<<2)
	copy(b[104:], "\x00\x00\x00\x01\x00\x00\x00\x03abc\x00\x00\x00\x00\x00DATA\x00\x00\x00\x08disk.raw")
	if _, err := image.Open(bytes.NewReader(b), image.Options{}); !errors.Is(err, image.ErrUnsupported) || !strings.Contains(err.Error(), "disk.raw") {
		t.Error(err)
	}
}

// put writes an entry of an MBR.
func put(b []byte, at int, kind byte, start, sectors uint32) {
	b[at+4] = kind
	binary.LittleEndian.PutUint32(b[at+8:], start)
	binary.LittleEndian.PutUint32(b[at+12:], sectors)
}

// TestVolumes: primary and logical partitions, in their places.
func TestVolumes(t *testing.T) {
	b := make([]byte, 200*512)
	mark := func(sector int, kind string) {
		copy(b[sector*512+3:], kind)
	}
	table := func(sector int) []byte {
		t := b[sector*512:]
		t[510], t[511] = 0x55, 0xAA
		return t
	}
	put(table(0), 446, 0x07, 10, 20)
	put(table(0), 462, 0x0F, 50, 100)
	put(table(0), 478, 0x07, 190, 100) // longer than the disk
	put(table(50), 446, 0x07, 2, 10)
	put(table(50), 462, 0x05, 20, 20)
	put(table(70), 446, 0x07, 3, 10)
	mark(10, "NTFS    ")
	mark(52, "NTFS    ")
	mark(73, "-FVE-FS-")
	list, notes := image.Volumes(bytes.NewReader(b))
	var got []string
	for _, v := range list {
		got = append(got, fmt.Sprintf("p%d %d+%d %s", v.Number, v.Start/512, v.Size/512, v.Kind))
	}
	want := []string{"p1 10+20 NTFS", "p5 52+10 NTFS", "p6 73+10 BitLocker", "p3 190+10 "}
	if !slices.Equal(got, want) || len(notes) != 1 {
		t.Errorf("%q, %q", got, notes)
	}
	section := list[0].Section(bytes.NewReader(b))
	if n, err := section.ReadAt(make([]byte, 100), section.Size()-10); n != 10 || err != io.EOF {
		t.Errorf("a read over the end of a volume: %d, %v", n, err)
	}
	put(table(70), 462, 0x05, 0, 20) // back to the first
	put(table(50), 462, 0x05, 0, 20)
	if list, _ := image.Volumes(bytes.NewReader(b)); len(list) != 3 {
		t.Errorf("%d volumes of a table in a circle", len(list))
	}
	if list, _ := image.Volumes(bytes.NewReader(disk(4096))); len(list) != 1 || list[0].Number != 0 || list[0].Kind != "NTFS" {
		t.Errorf("a bare volume: %v", list)
	}
}

// FuzzOpen: no image makes the reader fail, or read for long.
func FuzzOpen(f *testing.F) {
	small := disk(16 << 10)
	f.Add(small)
	f.Add(dynamicVHD(small, 4096))
	f.Add([]byte("# Disk DescriptorFile\nRW 8 FLAT \"a\" 0\nRW 8 ZERO\n"))
	f.Add(append([]byte("EVF\x09\x0D\x0A\xFF\x00\x01\x01\x00\x00\x00volume\x00\x00"), make([]byte, 2000)...))
	f.Add(append([]byte("QFI\xFB\x00\x00\x00\x03"), make([]byte, 500)...))
	f.Add(append([]byte("KDMV\x01\x00\x00\x00"), make([]byte, 2000)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := image.Open(bytes.NewReader(data), image.Options{Name: "x.E01", Sibling: func(string) (image.File, error) { return bytes.NewReader(small), nil }})
		if err != nil {
			return
		}
		for _, at := range []int64{0, m.Size() / 2, m.Size() - 100} {
			if n, err := m.ReadAt(make([]byte, 5000), max(at, 0)); n < 5000 && err == nil {
				t.Errorf("a short read of %d bytes at %d without an error", n, at)
			}
		}
		image.Volumes(m)
	})
}
