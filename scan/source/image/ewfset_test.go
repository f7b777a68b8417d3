package image_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"os"
	"strings"
	"testing"

	"webshellscan/scan/source/image"
	"webshellscan/scan/source/image/imagetest"
)

// ewfSet returns an E01 image in so many segments of the same size, by name.
func ewfSet(disk []byte, segments int) map[string][]byte {
	set := make(map[string][]byte)
	per := (len(disk)/imagetest.EWFChunk + segments - 1) / segments * imagetest.EWFChunk
	for i := range segments {
		w := imagetest.NewEWF(byte(i + 1))
		first, last := "data", "next"
		if i == 0 {
			first = "volume"
		}
		if i == segments-1 {
			last = "done"
		}
		w.Volume(first, len(disk))
		w.Chunks(disk[i*per:min(len(disk), (i+1)*per)], 0, imagetest.Sealed)
		w.Section(last, nil)
		set[fmt.Sprintf("x.E%02d", i+1)] = w.Bytes
	}
	return set
}

// openSet opens an image by one of its segments.
func openSet(t *testing.T, set map[string][]byte, name string) *image.Image {
	t.Helper()
	m, err := image.Open(bytes.NewReader(set[name]), image.Options{Name: name, Sibling: func(name string) (image.File, error) {
		data, ok := set[name]
		if !ok {
			return nil, os.ErrNotExist
		}
		return bytes.NewReader(data), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestEWFGaps: what is missing of an image in segments costs itself only, if it
// can be told where it was, and is told. Nothing is read in another place.
func TestEWFGaps(t *testing.T) {
	const segments, chunks = 5, 20
	want := disk(chunks * imagetest.EWFChunk)
	per := int64(len(want) / segments)
	without := func(names ...string) map[string][]byte {
		set := ewfSet(want, segments)
		for _, name := range names {
			delete(set, name)
		}
		return set
	}
	damaged := func(kind string) map[string][]byte {
		set := ewfSet(want, segments)
		at := bytes.LastIndex(set["x.E03"], []byte(kind+"\x00"))
		set["x.E03"][at+76+4] ^= 1 // in the head of a table
		return set
	}
	cut := func(behind int) map[string][]byte {
		set := ewfSet(want, segments)
		at := bytes.Index(set["x.E05"], []byte("sectors\x00")) + 76
		set["x.E05"] = set["x.E05"][:at+behind]
		return set
	}
	for _, tt := range []struct {
		name             string
		set              map[string][]byte
		first            string
		from, to, length int64 // what cannot be read, and the size of the disk
		lost             string
	}{
		{"whole", without(), "x.E01", 0, 0, 5 * per, ""},
		{"one segment", without("x.E03"), "x.E01", 2 * per, 3 * per, 5 * per, "segment 3 is missing"},
		{"two segments", without("x.E02", "x.E03"), "x.E01", per, 3 * per, 5 * per, "segments 2 to 3 are missing"},
		{"the first segment", without("x.E01"), "x.E02", 0, per, 5 * per, "segment 1 is missing"},
		{"the last segment", without("x.E05"), "x.E01", 0, 0, 4 * per, "the last segment of the image is missing"},
		{"two gaps", without("x.E02", "x.E04"), "x.E01", 0, 0, per, "segment 4 is missing"},
		{"a gap and the end", without("x.E02", "x.E05"), "x.E01", 0, 0, per, "the last segment of the image is missing"},
		{"a table", damaged("table"), "x.E01", 0, 0, 5 * per, ""},
		{"the end of the last segment", cut(2*imagetest.EWFChunk + 1000), "x.E01", 0, 0, 4*per + 2*imagetest.EWFChunk, "the last segment of the image is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := openSet(t, tt.set, tt.first)
			if said := strings.Join(m.Lost, "; "); !strings.Contains(said, tt.lost) || (said == "") != (tt.lost == "") {
				t.Errorf("lost %q", m.Lost)
			}
			if m.Size() != tt.length {
				t.Errorf("%d bytes, want %d", m.Size(), tt.length)
			}
			b := make([]byte, imagetest.EWFChunk)
			for at := int64(0); at < m.Size(); at += int64(len(b)) {
				n, err := m.ReadAt(b, at)
				switch missing := at >= tt.from && at < tt.to; {
				case missing && err == nil:
					t.Errorf("offset %d is missing, and was read", at)
				case !missing && (n < len(b) || !bytes.Equal(b, want[at:at+int64(len(b))])):
					t.Errorf("offset %d: %d bytes, %v, or other ones", at, n, err)
				}
			}
			if len(m.Parts) != len(tt.set)-1 {
				t.Errorf("parts %q", m.Parts)
			}
		})
	}
}

// TestEWFWithoutTable: of an image that was cut off before its table the chunks
// that are there are read, packed ones too, and no more.
func TestEWFWithoutTable(t *testing.T) {
	want := disk(20*imagetest.EWFChunk + 512)
	w := imagetest.NewEWF(1)
	w.Volume("volume", len(want))
	start := len(w.Bytes)
	w.Chunks(want, 1<<31, packedChunk)
	for _, tt := range []struct {
		name string
		keep int
		size int
	}{
		{"before the table", bytes.LastIndex(w.Bytes, []byte("table\x00")), len(want)},
		{"within the data", start + 76 + (bytes.LastIndex(w.Bytes, []byte("table\x00"))-start)/2, 0},
		{"before the data", start + 80, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := image.Open(bytes.NewReader(w.Bytes[:tt.keep]), image.Options{Name: "x.E01"})
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, m.Size())
			if n, err := m.ReadAt(got, 0); n < len(got) || !bytes.Equal(got, want[:n]) {
				t.Errorf("%d bytes, %v", n, err)
			}
			if tt.size > 0 && len(got) != tt.size || tt.size == 0 && len(got) > len(want)*2/3 || len(m.Lost) == 0 {
				t.Errorf("%d bytes, lost %q", len(got), m.Lost)
			}
			if tt.name == "within the data" && len(got) == 0 {
				t.Error("nothing was read")
			}
		})
	}
}

// packedChunk returns a chunk as zlib packs it.
func packedChunk(part []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(part) // a buffer takes all
	_ = z.Close()
	return b.Bytes()
}

// TestEWFUnread: sectors that could not be acquired are told, and which they
// are; the others are as they were.
func TestEWFUnread(t *testing.T) {
	want := disk(4 * imagetest.EWFChunk)
	for _, tt := range []struct {
		name    string
		sectors []uint32
		damage  func(section []byte)
		bytes   int64 // that were not read
		notes   int
	}{
		{"none", nil, nil, 0, 0},
		{"two", []uint32{10, 2, 100, 1}, nil, 3 * 512, 1},
		{"out of order, and overlapping", []uint32{100, 3, 10, 2, 11, 4}, nil, 8 * 512, 1},
		{"beyond the disk", []uint32{255, 100, 1 << 31, 7}, nil, 512, 1},
		{"more entries than there are", []uint32{10, 2}, func(section []byte) { section[76] = 200 }, 2 * 512, 2},
		{"another entry", []uint32{10, 2}, func(section []byte) { section[76+520]++ }, 2 * 512, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := imagetest.NewEWF(1)
			w.Volume("volume", len(want))
			w.Chunks(want, 0, imagetest.Sealed)
			at := len(w.Bytes)
			w.Unread(tt.sectors...)
			if tt.damage != nil {
				tt.damage(w.Bytes[at:])
			}
			w.Section("done", nil)
			m, err := image.Open(bytes.NewReader(w.Bytes), image.Options{Name: "x.E01"})
			if err != nil {
				t.Fatal(err)
			}
			check(t, m, want)
			if n := m.Unread(0, m.Size()); n != tt.bytes || len(m.Notes) != tt.notes {
				t.Errorf("%d bytes, notes %q", n, m.Notes)
			}
			if tt.bytes > 0 && tt.name == "two" && (m.Unread(0, 10*512+1) != 1 || m.Unread(12*512, 100*512) != 0 || m.Unread(100*512, 101*512) != 512) {
				t.Error("they are others")
			}
		})
	}
}
