package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"webshellscan/scan/source/ntfs/ntfstest"
)

// TestDeviceNames: only whole volumes and disks are devices, not files on them.
func TestDeviceNames(t *testing.T) {
	for path, want := range map[string]bool{
		`\\.\C:`: true, `//./c:`: true, `\\?\D:`: true, `\\.\PhysicalDrive0`: true, `\\.\HarddiskVolume3`: true,
		`\\?\Volume{4c1b02c1-d990-11dc-99ae-806e6f6e6963}`:  true,
		`\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy12`:  true,
		`\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy1\W`: false,
		`\\.\C:\`: false, `\\.\C:\Windows`: false, `\\?\C:\logs\a.evtx`: false, `C:`: false, `\\server\C:`: false,
		`\\.\pipe\x`: false, `\\.\COM1`: false, `\\.\NUL`: false, `\\.\PhysicalDrive`: false, `\\.\`: false, `\\.\1:`: false, ``: false, `./C:`: false,
	} {
		if got := isDevice(path); got != want {
			t.Errorf("isDevice(%q) = %v", path, got)
		}
	}
}

// sectors is a device as Windows has it: reads that are not of whole sectors
// within it fail.
type sectors struct {
	data   []byte
	sector int64 // in bytes
}

// ReadAt implements io.ReaderAt.
func (d *sectors) ReadAt(b []byte, off int64) (int, error) {
	if off%d.sector != 0 || int64(len(b))%d.sector != 0 || off+int64(len(b)) > int64(len(d.data)) {
		return 0, fmt.Errorf("the parameter is incorrect: %d bytes at offset %d", len(b), off)
	}
	return copy(b, d.data[off:]), nil
}

// TestAlignedReads: any stretch of a device is read by whole sectors, whatever
// their size, up to its end.
func TestAlignedReads(t *testing.T) {
	for _, device := range []struct{ sector, size int64 }{{512, 70<<10 + 512*3}, {4096, 64 << 10}, {512, 2<<20 + 512}, {512, 512}} {
		d := &sectors{data: make([]byte, device.size), sector: device.sector}
		r := rand.New(rand.NewPCG(5, uint64(device.size)))
		for i := range d.data {
			d.data[i] = byte(r.Uint32())
		}
		a := &aligned{d, device.size}
		for range 2000 {
			off := r.Int64N(device.size)
			b := make([]byte, r.Int64N(device.size-off+1))
			if n, err := a.ReadAt(b, off); n != len(b) || err != nil || !bytes.Equal(b, d.data[off:off+int64(n)]) {
				t.Fatalf("%d bytes at offset %d of %d: %d, %v", len(b), off, device.size, n, err)
			}
		}
		if device.size < 1<<20 { // it reads byte by byte
			if err := iotest.TestReader(io.NewSectionReader(a, 0, device.size), d.data); err != nil {
				t.Error(err)
			}
		}
		if n, err := a.ReadAt(make([]byte, 9), device.size-4); n != 4 || !errors.Is(err, io.EOF) {
			t.Errorf("over the end: %d bytes, %v", n, err)
		}
		if _, err := a.ReadAt(make([]byte, 9), -1); err == nil {
			t.Error("a negative offset has no error")
		}
	}
}

// TestAlignedShort: a device that ends before its size is an error that says
// where.
func TestAlignedShort(t *testing.T) {
	a := &aligned{bytes.NewReader(make([]byte, 8192)), 1 << 20}
	n, err := a.ReadAt(make([]byte, 100), 8150)
	if n != 42 || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(fmt.Sprint(err), "offset 8192") {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestLiveVolume: the logs of a volume that is read by sectors are those of its
// image, and nothing is looked for beside it.
func TestLiveVolume(t *testing.T) {
	log := "ElfFile\x00" + strings.Repeat("log ", 1<<14)
	volume := ntfstest.Volume(300,
		ntfstest.File{Path: "Windows/System32/winevt/Logs/Security.evtx", Data: []byte(log)},
		ntfstest.File{Path: "packed.evtx", Data: []byte(log), Compressed: true},
		ntfstest.File{Path: "fragments.evtx", Data: []byte(log), Fragments: 7},
		ntfstest.File{Path: "small.evtx", Data: []byte(log[:200]), Resident: true},
	)
	size := int64(len(volume))
	d := &sectors{data: volume, sector: 512}
	const path = `\\.\C:`
	x := &expander{options: &Options{}, budget: newBudget(1 << 20), paths: make(map[string]int), consumed: make(map[string]bool)}
	if !x.expand(t.Context(), &container{file: &File{reader: &aligned{d, size}, size: size}, name: "C:", path: path, origin: &Origin{Container: path}}) {
		t.Fatal("no image")
	}
	var got []string
	for i := range x.inputs {
		f, err := x.inputs[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, f.Size())
		if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) || string(b) != log[:len(b)] {
			t.Errorf("%s is not the log: %v", x.inputs[i].Path, err)
		}
		got = append(got, x.inputs[i].Path)
	}
	want := `\\.\C:!p0/Windows/System32/winevt/Logs/Security.evtx \\.\C:!p0/packed.evtx \\.\C:!p0/fragments.evtx \\.\C:!p0/small.evtx`
	if strings.Join(got, " ") != want {
		t.Errorf("inputs %q", got)
	}
}

// TestDeviceSize: of a volume whose size the system does not tell, the boot
// sector does; of anything else nothing does.
func TestDeviceSize(t *testing.T) {
	boot := make([]byte, 8192)
	copy(boot[3:], "NTFS    \x00\x02\x08")
	boot[40+2] = 1 // 65,536 sectors
	if size, err := bootSize(&sectors{data: boot, sector: 4096}); size != 65536*512 || err != nil {
		t.Errorf("%d bytes, %v", size, err)
	}
	for _, bad := range [][]byte{make([]byte, 8192), boot[:512]} {
		if size, err := bootSize(bytes.NewReader(bad)); err == nil {
			t.Errorf("%d bytes of what is no volume", size)
		}
	}
}
