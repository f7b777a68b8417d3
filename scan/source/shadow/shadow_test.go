package shadow_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"testing"

	"webshellscan/scan/event"
	"webshellscan/scan/source/image"
	"webshellscan/scan/source/shadow"
)

const (
	block      = 16 << 10
	identifier = "\x6B\x87\x08\x38\x76\xC1\x48\x4E\xB7\xAE\x04\x04\x6E\x6C\xC7\x52"
)

// volume is a volume of blocks, each filled with a letter.
type volume struct{ data []byte }

func newVolume(blocks int) *volume {
	v := &volume{make([]byte, blocks*block)}
	for i := range blocks {
		v.fill(i, 'a'+byte(i%26))
	}
	return v
}

func (v *volume) fill(n int, c byte) { copy(v.data[n*block:], bytes.Repeat([]byte{c}, block)) }

// structure writes the head of a block of a kind, and returns its body.
func (v *volume) structure(n int, kind uint32, next int) []byte {
	b := v.data[n*block:][:block]
	clear(b)
	copy(b, identifier)
	binary.LittleEndian.PutUint32(b[16:], 2)
	binary.LittleEndian.PutUint32(b[20:], kind)
	binary.LittleEndian.PutUint64(b[32:], uint64(n*block))
	binary.LittleEndian.PutUint64(b[40:], uint64(next*block))
	return b[128:]
}

// header points to the catalog.
func (v *volume) header(catalog int) {
	b := v.data[0x1E00:]
	clear(b[:512])
	copy(b, identifier)
	binary.LittleEndian.PutUint64(b[48:], uint64(catalog*block))
}

// descriptor is what a block list has of a block; places are in blocks.
type descriptor struct {
	original, relative, data int
	flags, bitmap            uint32
}

func list(b []byte, all ...descriptor) {
	for _, d := range all {
		for i, n := range []int{d.original, d.relative, d.data} {
			binary.LittleEndian.PutUint64(b[8*i:], uint64(n*block))
		}
		binary.LittleEndian.PutUint32(b[24:], d.flags)
		binary.LittleEndian.PutUint32(b[28:], d.bitmap)
		b = b[32:]
	}
}

// store writes the two catalog entries of a store.
func store(b []byte, id byte, time event.Time, blocks, header, bitmap int) {
	put := func(at int, n uint64) { binary.LittleEndian.PutUint64(b[at:], n) }
	put(0, 2)
	b[16] = id
	put(48, uint64(time))
	put(128, 3)
	b[128+16] = id
	put(128+8, uint64(blocks*block))
	put(128+32, uint64(header*block))
	put(128+48, uint64(bitmap*block))
}

// build returns a volume with two snapshots: blocks 2 to 9 are those of files,
// 20 on those of the stores.
func build() *volume {
	v := newVolume(40)
	v.header(20)
	catalog := v.structure(20, 2, 0)
	store(catalog, 1, 1000, 21, 22, 0)        // the older one
	store(catalog[256:], 2, 2000, 23, 24, 25) // the newer one
	list(v.structure(21, 3, 0),
		descriptor{original: 2, data: 30}) // saved by the older
	list(v.structure(23, 3, 0),
		descriptor{original: 3, data: 31},                                        // saved by the newer
		descriptor{original: 4, relative: 5, flags: 1},                           // moved to block 5
		descriptor{original: 6, relative: 1, data: 33, flags: 2, bitmap: 1 << 1}) // written into the snapshot
	v.structure(22, 4, 0)
	v.structure(24, 4, 0)
	v.structure(25, 6, 0)[0] = 1<<7 | 1<<3 // block 7 was free, and 3, which was saved
	v.fill(30, 'O')
	v.fill(31, 'N')
	v.fill(33, 'W')
	return v
}

// TestSnapshots: each snapshot shows what it saved, then what the newer one
// did, then the volume.
func TestSnapshots(t *testing.T) {
	v := build()
	snapshots, notes := shadow.Open(bytes.NewReader(v.data), 0)
	if len(snapshots) != 2 || len(notes) != 0 || snapshots[0].Time != 2000 || snapshots[1].Time != 1000 {
		t.Fatalf("%d snapshots, %q", len(snapshots), notes)
	}
	const zero = "\x00"
	want := []map[int]string{
		{2: "c", 3: "N", 4: "f", 5: "f", 6: "g", 7: zero, 8: "i"},
		{2: "O", 3: "N", 4: "f", 5: "f", 6: "g", 7: "h", 8: "i"},
	}
	for i, s := range snapshots {
		for n, letter := range want[i] {
			b := make([]byte, 100)
			if _, err := s.ReadAt(b, int64(n*block+700+2000)); err != nil || string(b) != strings.Repeat(letter, 100) {
				t.Errorf("snapshot %d, block %d: %.10q, %v; want %q", i, n, b, err, letter)
			}
		}
	}
	b := make([]byte, 512)
	for i, letter := range []string{"W", "g"} { // an overlay is its own snapshot's only
		if _, err := snapshots[i].ReadAt(b, 6*block+512); err != nil || string(b) != strings.Repeat(letter, 512) {
			t.Errorf("snapshot %d, the sector of the overlay: %.10q, %v", i, b, err)
		}
	}
	for i, want := range []map[int]bool{{2: false, 3: true, 4: true, 6: true, 8: false}, {2: true, 3: false, 8: false}} {
		for n, changed := range want {
			if got := snapshots[i].Changed(int64(n*block), int64((n+1)*block)); got != changed {
				t.Errorf("snapshot %d, block %d: changed %v", i, n, got)
			}
		}
	}
}

// TestResolved: a block that a forwarder leads to, and that was saved later, is
// the forwarder's.
func TestResolved(t *testing.T) {
	v := build()
	list(v.structure(23, 3, 0), descriptor{original: 4, relative: 5, flags: 1}, descriptor{original: 5, data: 31})
	snapshots, _ := shadow.Open(bytes.NewReader(v.data), 0)
	b := make([]byte, 10)
	for n, letter := range map[int]string{4: "N", 5: "f"} {
		if _, err := snapshots[0].ReadAt(b, int64(n*block)); err != nil || string(b) != strings.Repeat(letter, 10) {
			t.Errorf("block %d: %q, %v", n, b, err)
		}
	}
}

// TestDamage: a damaged catalog, store or descriptor is told, and nothing
// fails.
func TestDamage(t *testing.T) {
	tests := []struct {
		name   string
		damage func(v *volume)
		want   string
	}{
		{"a catalog in a circle", func(v *volume) { binary.LittleEndian.PutUint64(v.data[20*block+40:], 20*block) }, "circle"},
		{"no catalog", func(v *volume) { v.fill(20, 0) }, "no block of kind 2"},
		{"half of a store", func(v *volume) { clear(v.data[20*block+128+128:][:8]) }, "not in the catalog as a whole"},
		{"a block list elsewhere", func(v *volume) { binary.LittleEndian.PutUint64(v.data[20*block+128+128+8:], 1<<50) }, "of a volume of"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := build()
			tt.damage(v)
			snapshots, notes := shadow.Open(bytes.NewReader(v.data), 0)
			for _, s := range snapshots {
				notes = append(notes, s.Notes...)
				if s.Fault != nil {
					notes = append(notes, s.Fault.Error())
				}
				_, _ = io.Copy(io.Discard, io.NewSectionReader(s, 0, s.Size())) // may fail, must end
			}
			if all := strings.Join(notes, "; "); !strings.Contains(all, tt.want) {
				t.Errorf("%q, want %q", all, tt.want)
			}
		})
	}
	if snapshots, notes := shadow.Open(bytes.NewReader(newVolume(3).data), 0); len(snapshots) > 0 || len(notes) > 0 {
		t.Errorf("a volume without any: %v, %q", snapshots, notes)
	}
}

// TestLostHeader: without a header the catalog is found by its file, and where
// the file does not hold it either, that is told.
func TestLostHeader(t *testing.T) {
	for name, damage := range map[string]func(v *volume){
		"no identifier":         func(v *volume) { clear(v.data[0x1E00:][:16]) },
		"it points nowhere":     func(v *volume) { v.header(1 << 30) },
		"it points to no block": func(v *volume) { v.header(5) },
	} {
		v := build()
		damage(v)
		list, notes := shadow.Open(bytes.NewReader(v.data), 20*block)
		if len(list) != 2 || len(notes) > 0 || list[1].Time != 1000 || !strings.Contains(strings.Join(list[0].Notes, ""), "found by its file") {
			t.Errorf("%s: %d snapshots, %q", name, len(list), notes)
		}
		v.fill(20, 0)
		if list, notes := shadow.Open(bytes.NewReader(v.data), 20*block); len(list) > 0 || len(notes) != 1 {
			t.Errorf("%s, and the catalog gone: %d snapshots, %q", name, len(list), notes)
		}
	}
	torn := build()
	torn.data[0x1E00+12] ^= 1 // of the identifier
	if list, notes := shadow.Open(bytes.NewReader(torn.data), 0); len(list) != 2 || len(notes) > 0 || !strings.Contains(list[0].Notes[0], "is damaged") {
		t.Errorf("a bit of the identifier: %d snapshots, %q", len(list), notes)
	}
	torn.header(5)
	torn.data[0x1E00+12] ^= 1
	if list, notes := shadow.Open(bytes.NewReader(torn.data), 0); len(list) > 0 || len(notes) != 1 {
		t.Errorf("and the place of the catalog: %d snapshots, %q", len(list), notes)
	}
	v := build()
	v.header(0) // Windows writes that when the last one is deleted
	if list, notes := shadow.Open(bytes.NewReader(v.data), 20*block); len(list) > 0 || len(notes) > 0 {
		t.Errorf("none are left: %d snapshots, %q", len(list), notes)
	}
}

// TestWindows: the stores of an image that Windows made are read as
// libvshadow reads them.
func TestWindows(t *testing.T) {
	data, err := os.ReadFile("../../../../shared/images/vsstest.qcow2")
	if err != nil {
		t.Skip("the image of Windows's shadow copies is not beside the checkout")
	}
	m, err := image.Open(bytes.NewReader(data), image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	snapshots, notes := shadow.Open(m, 0)
	want := []string{
		"41f940d92a534dd8e940a4983d2a766bcb262373f9dc2006851e81fa3a1fa2f2",
		"c8ada35c641a68447640b250f35e623b7f619aaae26bd55a06b8d4c34ebed1da",
	}
	if len(snapshots) != len(want) {
		t.Fatalf("%d snapshots, %q", len(snapshots), notes)
	}
	for i, s := range snapshots {
		hash := sha256.New()
		if _, err := io.Copy(hash, io.NewSectionReader(s, 0, s.Size())); err != nil || hex.EncodeToString(hash.Sum(nil)) != want[i] {
			t.Errorf("snapshot of %v: %x, %v", s.Time, hash.Sum(nil), err)
		}
	}
}

// FuzzOpen: no volume makes the reader fail or go on for ever.
func FuzzOpen(f *testing.F) {
	base := build().data
	f.Add(uint32(20*block+40), []byte{1, 2})
	f.Add(uint32(23*block+128+8), []byte{0xFF})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		data := bytes.Clone(base)
		copy(data[int(at)%len(data):], patch)
		snapshots, _ := shadow.Open(bytes.NewReader(data), 0)
		for _, s := range snapshots {
			_, _ = io.Copy(io.Discard, io.NewSectionReader(s, 0, 12*block)) // may fail, must end
		}
	})
}
