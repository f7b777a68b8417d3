package image_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"webshellscan/scan/source/image"
	"webshellscan/scan/source/image/imagetest"
)

// chunked returns the parts of a disk, padded to one size; nil for one of
// zeros.
func chunked(disk []byte, size int) (parts [][]byte) {
	for part := range slices.Chunk(disk, size) {
		if len(bytes.Trim(part, "\x00")) == 0 {
			parts = append(parts, nil)
			continue
		}
		parts = append(parts, append(slices.Clone(part), make([]byte, size-len(part))...))
	}
	return parts
}

// dynamicVDI returns a dynamic VDI of a disk, in blocks of 4,096 bytes.
func dynamicVDI(disk []byte) []byte {
	const block = 4096
	le := binary.LittleEndian
	parts := chunked(disk, block)
	data := (512 + 4*len(parts) + 511) / 512 * 512
	out := make([]byte, data)
	copy(out[64:], "\x7F\x10\xDA\xBE")
	for at, n := range map[int]int{68: 0x00010001, 76: 1, 340: 512, 344: data, 360: 512, 368: len(disk), 376: block, 384: len(parts)} {
		le.PutUint32(out[at:], uint32(n))
	}
	used := 0
	for i, part := range parts {
		if part == nil {
			le.PutUint32(out[512+4*i:], 0xFFFFFFFF)
			continue
		}
		le.PutUint32(out[512+4*i:], uint32(used))
		used++
		out = append(out, part...)
	}
	return out
}

// TestWritten: images that need no tool to be made are read as their disk.
func TestWritten(t *testing.T) {
	want := disk(300 << 10)
	for name, data := range map[string][]byte{"vmdk": imagetest.SparseVMDK(want), "vdi": dynamicVDI(want), "qcow2": imagetest.QCOW2(want, "")} {
		t.Run(name, func(t *testing.T) {
			m, err := image.Open(bytes.NewReader(data), image.Options{Name: "x." + name})
			if err != nil {
				t.Fatal(err)
			}
			check(t, m, want)
		})
	}
}

// smallImages returns an image of each form: those that are written here, and
// those of tools that are installed.
func smallImages(f *testing.F) [][]byte {
	small := disk(64 << 10)
	w := imagetest.NewEWF(1)
	w.Volume("volume", len(small))
	w.Chunks(small, 0, imagetest.Sealed)
	w.Unread(1, 2, 30, 1)
	w.Section("done", nil)
	list := [][]byte{w.Bytes, dynamicVHD(small, 4096), imagetest.SparseVMDK(small), dynamicVDI(small), imagetest.QCOW2(small, ""), gptDisk(512), mbrDisk(4096)}
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "disk.raw"), small, 0o600); err != nil {
		f.Fatal(err)
	}
	for name, arguments := range map[string][]string{
		"vhdx":        {"-O", "vhdx", "-o", "block_size=1M"},
		"stream.vmdk": {"-O", "vmdk", "-o", "subformat=streamOptimized"},
		"zlib.qcow2":  {"-c", "-O", "qcow2", "-o", "cluster_size=4096"},
	} {
		cmd := exec.Command("qemu-img", slices.Concat([]string{"convert", "-f", "raw"}, arguments, []string{"disk.raw", name})...)
		cmd.Dir = dir
		if cmd.Run() != nil {
			continue // it is not installed
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		list = append(list, data)
	}
	return list
}

// FuzzPatched: an image of any form, or a partition table, with other bytes
// somewhere makes the reader neither fail nor read outside of what there is.
func FuzzPatched(f *testing.F) {
	images := smallImages(f)
	for i := range images {
		f.Add(uint8(i), uint32(20), []byte{0xFF, 0xFF, 0xFF, 0xFF}, uint32(512), []byte{0x80})
		f.Add(uint8(i), uint32(2000), []byte{1}, uint32(len(images[i])-500), []byte{0, 0, 0, 0})
	}
	f.Add(uint8(6), uint32(446+16), []byte{4: 7, 8: 0xE8, 9: 0x17, 12: 0x30, 15: 0}, uint32(510), []byte{0x55, 0xAA}) // a volume behind the disk
	f.Add(uint8(7), uint32(64<<10+48), []byte{1, 2, 3}, uint32(1<<20), []byte("loge"))                                // the log of a VHDX
	f.Fuzz(func(t *testing.T, form uint8, at uint32, patch []byte, also uint32, more []byte) {
		data := slices.Clone(images[int(form)%len(images)])
		copy(data[int(at)%len(data):], patch)
		copy(data[int(also)%len(data):], more)
		m, err := image.Open(bytes.NewReader(data), image.Options{Name: "x.raw"})
		if err != nil {
			return
		}
		for _, from := range []int64{0, 4096, m.Size() / 2, m.Size() - 100} {
			if n, err := m.ReadAt(make([]byte, 5000), max(from, 0)); n < 5000 && err == nil {
				t.Errorf("a short read of %d bytes at %d without an error", n, from)
			}
		}
		for _, v := range first(image.Volumes(m)) {
			missing := v.Kind == image.Missing
			if v.Start < 0 || v.Size < 0 || missing != (v.Start >= m.Size()) || !missing && v.Size > m.Size()-v.Start {
				t.Errorf("volume %d from %d has %d bytes, on a disk of %d", v.Number, v.Start, v.Size, m.Size())
			}
		}
	})
}

// first returns the volumes alone.
func first(list []image.Volume, _ []string) []image.Volume { return list }
