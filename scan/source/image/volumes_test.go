package image_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan/source/image"
)

// ntfsAt writes the boot sector of a volume, and the copy of it in the volume's
// last sector.
func ntfsAt(b []byte, start, size, sector int) {
	boot := make([]byte, 512)
	copy(boot, "\xEB\x52\x90NTFS    ")
	binary.LittleEndian.PutUint16(boot[11:], uint16(sector))
	boot[13] = 1
	binary.LittleEndian.PutUint64(boot[40:], uint64(size/sector-1))
	const mft = 16
	binary.LittleEndian.PutUint64(boot[48:], mft)
	copy(b[start+mft*sector:], "FILE")
	copy(b[start:], boot)
	copy(b[start+size-sector:], boot)
}

// gptDisk returns a disk of 8 MiB with a GPT, a copy of it, and an NTFS volume
// from offset 2 MiB to 5 MiB.
func gptDisk(sector int) []byte {
	b := make([]byte, 8<<20)
	last := len(b)/sector - 1
	table := make([]byte, 128*128)
	table[0] = 1
	binary.LittleEndian.PutUint64(table[32:], uint64(2<<20/sector))
	binary.LittleEndian.PutUint64(table[40:], uint64(5<<20/sector-1))
	header := func(at, entries int) {
		h := b[at*sector:][:92]
		copy(h, "EFI PART")
		binary.LittleEndian.PutUint32(h[12:], 92)
		binary.LittleEndian.PutUint64(h[72:], uint64(entries))
		binary.LittleEndian.PutUint32(h[80:], 128)
		binary.LittleEndian.PutUint32(h[84:], 128)
		binary.LittleEndian.PutUint32(h[88:], crc32.ChecksumIEEE(table))
		binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h))
		copy(b[entries*sector:], table)
	}
	header(1, 2)
	header(last, last-len(table)/sector)
	put(b, 446, 0xEE, 1, uint32(last))
	b[510], b[511] = 0x55, 0xAA
	ntfsAt(b, 2<<20, 3<<20, sector)
	return b
}

// mbrDisk returns a disk of 8 MiB with an MBR, and the same volume.
func mbrDisk(sector int) []byte {
	b := make([]byte, 8<<20)
	put(b, 446, 0x07, uint32(2<<20/sector), uint32(3<<20/sector))
	b[510], b[511] = 0x55, 0xAA
	ntfsAt(b, 2<<20, 3<<20, sector)
	return b
}

// TestLostTables: where a partition table or a boot sector is lost its copy is
// used, and where there is none volumes are found by their boot sectors. All of
// it is told.
func TestLostTables(t *testing.T) {
	bare := func(sector int) []byte {
		b := make([]byte, 2<<20)
		ntfsAt(b, 0, len(b), sector)
		return b
	}
	lost := func(b []byte, from, to int) []byte {
		clear(b[from:to])
		return b
	}
	const volume, whole = "p1 2097152+3145728 NTFS", "p0 0+2097152 NTFS"
	for _, sector := range []int{512, 4096} {
		for _, tt := range []struct {
			name  string
			disk  []byte
			want  string
			notes int
		}{
			{"GPT", gptDisk(sector), volume, 0},
			{"GPT without its header", lost(gptDisk(sector), sector, 2*sector), volume, 1},
			{"GPT without its entries", lost(gptDisk(sector), 2*sector, 2*sector+128), volume, 1},
			{"GPT without its start", lost(gptDisk(sector), 0, 64<<10), volume, 1},
			{"GPT without all of it", lost(lost(gptDisk(sector), 0, 64<<10), 7<<20, 8<<20), volume, 1},
			{"GPT without a boot sector", lost(gptDisk(sector), 2<<20, 2<<20+8192), volume, 0},
			{"MBR", mbrDisk(sector), volume, 0},
			{"MBR that is lost", lost(mbrDisk(sector), 0, 512), volume, 1},
			{"MBR without a boot sector", lost(mbrDisk(sector), 2<<20, 2<<20+8192), volume, 0},
			{"a volume without a boot sector", lost(bare(sector), 0, 8192), whole, 1},
		} {
			t.Run(fmt.Sprintf("%s, sectors of %d", tt.name, sector), func(t *testing.T) {
				f := bytes.NewReader(tt.disk)
				if image.Detect(f, "disk.raw") == image.NoImage {
					t.Error("it is not recognised")
				}
				disk, err := image.Open(f, image.Options{Name: "disk.raw"})
				if err != nil {
					t.Fatal(err)
				}
				list, notes := image.Volumes(disk)
				var got []string
				for _, v := range list {
					got = append(got, fmt.Sprintf("p%d %d+%d %s", v.Number, v.Start, v.Size, v.Kind))
				}
				if !slices.Equal(got, []string{tt.want}) || len(notes) != tt.notes {
					t.Errorf("%q, notes %q", got, notes)
				}
			})
		}
	}
	memory := make([]byte, 4<<20)
	for range 2 {
		if kind := image.Detect(bytes.NewReader(memory), "memory.raw"); kind != image.NoImage {
			t.Errorf("memory is an image of the kind %d", kind)
		}
		copy(memory[1<<20:], mbrDisk(512)[2<<20:][:512]) // a boot sector that was read
	}
}

// emptyDisk is a large disk without anything, which counts how often it is
// read.
type emptyDisk struct{ reads int }

func (d *emptyDisk) Size() int64 { return 1 << 42 }

func (d *emptyDisk) ReadAt(b []byte, _ int64) (int, error) {
	d.reads++
	clear(b)
	return len(b), nil
}

// TestSearchIsBounded: a large disk without a table that is known, as one of
// another system or the memory of a computer, is not looked through.
func TestSearchIsBounded(t *testing.T) {
	var disk emptyDisk
	if kind := image.Detect(&disk, "memory.raw"); kind != image.NoImage {
		t.Errorf("it is an image: %v", kind)
	}
	found, notes := image.Volumes(&disk)
	if len(found) > 0 || len(notes) == 0 || !strings.Contains(notes[0], "looked for up to offset") {
		t.Errorf("%v, %q", found, notes)
	}
	if disk.reads > 10_000 {
		t.Errorf("%d reads", disk.reads)
	}
}

// TestServicePartitions: what a GPT calls a partition of UEFI serves the
// machine, what it calls basic data does not.
func TestServicePartitions(t *testing.T) {
	for guid, want := range map[string]bool{
		"\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B": true,
		"\xA2\xA0\xD0\xEB\xE5\xB9\x33\x44\x87\xC0\x68\xB6\xB7\x26\x99\xC7": false,
	} {
		disk := gptDisk(512)
		for _, sector := range []int{2, len(disk)/512 - 1 - 32} {
			copy(disk[sector*512:], guid) // the checksums are wrong now
		}
		list, _ := image.Volumes(bytes.NewReader(disk))
		if len(list) != 1 || list[0].Service != want {
			t.Errorf("%x: %v", guid, list)
		}
	}
}

// TestSearchUnpacksLittle: nor is an image in large compressed blocks, of which
// each place that is looked at costs one.
func TestSearchUnpacksLittle(t *testing.T) {
	const bits, cluster = 21, 1 << 21
	be := binary.BigEndian
	b := make([]byte, 3*cluster)
	copy(b, "QFI\xFB\x00\x00\x00\x02")
	be.PutUint32(b[20:], bits)
	be.PutUint64(b[24:], 4096*cluster)
	be.PutUint32(b[36:], 1)
	be.PutUint64(b[40:], cluster)
	be.PutUint64(b[cluster:], 2*cluster)
	for i := range 4096 { // all clusters are the same one
		be.PutUint64(b[2*cluster+8*i:], 1<<62|15<<(62-(bits-8))|3*cluster)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(bytes.Repeat([]byte("data"), cluster/4))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	b = append(append(b, packed.Bytes()...), make([]byte, 16*512)...)
	f := &counted{Reader: bytes.NewReader(b)}
	m, err := image.Open(f, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if found, notes := image.Volumes(m); len(found) > 0 || len(notes) == 0 || !strings.Contains(notes[0], "looked for up to offset") {
		t.Errorf("%v, %q", found, notes)
	}
	if f.readings > 200 {
		t.Errorf("%d reads", f.readings)
	}
}
