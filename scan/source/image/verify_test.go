package image_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"webshellscan/scan/source/image"
	"webshellscan/scan/source/image/imagetest"
)

// ewfImage returns an E01 image in one segment, uncompressed, with these
// hashes.
func ewfImage(disk []byte, md5Sum, sha1Sum []byte) []byte {
	return ewfImageOf(disk, md5Sum, sha1Sum, 0, imagetest.Sealed)
}

// ewfImageOf is ewfImage with chunks that are packed, and marked so.
func ewfImageOf(disk []byte, md5Sum, sha1Sum []byte, mark uint32, pack func(chunk []byte) []byte) []byte {
	w := imagetest.NewEWF(1)
	w.Volume("volume", len(disk))
	w.Chunks(disk, mark, pack)
	w.Section("digest", imagetest.Sealed(slices.Concat(md5Sum, sha1Sum, make([]byte, 40))))
	w.Section("hash", imagetest.Sealed(slices.Concat(md5Sum, make([]byte, 16))))
	w.Section("done", nil)
	return w.Bytes
}

// TestVerify: an image has the hashes that it says, or others.
func TestVerify(t *testing.T) {
	want := disk(200 << 10)
	md5Sum, sha1Sum := md5.Sum(want), sha1.Sum(want)
	data := ewfImage(want, md5Sum[:], sha1Sum[:])
	m, err := image.Open(bytes.NewReader(data), image.Options{Name: "x.E01"})
	if err != nil {
		t.Fatal(err)
	}
	check(t, m, want)
	stored := []image.Digest{{Name: "MD5", Sum: fmt.Sprintf("%x", md5Sum)}, {Name: "SHA-1", Sum: fmt.Sprintf("%x", sha1Sum)}}
	if !slices.Equal(m.Stored, stored) || len(m.Notes)+len(m.Lost) > 0 {
		t.Errorf("stored %v, notes %q, lost %q", m.Stored, m.Notes, m.Lost)
	}
	if got, err := m.Verify(t.Context()); err != nil || !slices.Equal(got, stored) {
		t.Errorf("it has %v, %v", got, err)
	}
	other := md5.Sum(want[1:])
	if m, err = image.Open(bytes.NewReader(ewfImage(want, other[:], sha1Sum[:])), image.Options{Name: "x.E01"}); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Verify(t.Context()); err != nil || len(got) != 2 || got[0] != stored[0] || got[1] != stored[1] || m.Stored[0] == stored[0] {
		t.Errorf("an image with another hash has %v, %v, and says %v", got, err, m.Stored)
	}
	at := bytes.Index(data, want[:64])
	data[at+1000] ^= 1
	if m, err = image.Open(bytes.NewReader(data), image.Options{Name: "x.E01"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Verify(t.Context()); !errors.Is(err, image.ErrDamaged) || !strings.Contains(err.Error(), fmt.Sprintf("offset %d of its segment: the checksum", at)) {
		t.Errorf("a changed chunk: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.ErrUnsupported)
	if _, err := m.Verify(ctx); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("cancelled: %v", err)
	}
}

// counted counts the readings of a file.
type counted struct {
	*bytes.Reader
	readings int
}

// ReadAt implements io.ReaderAt.
func (c *counted) ReadAt(b []byte, off int64) (int, error) {
	c.readings++
	return c.Reader.ReadAt(b, off)
}

// TestBlocks: what there is memory for is unpacked once, until it is dropped;
// the rest is unpacked again, and all is what was packed. A wrong checksum is
// told.
func TestBlocks(t *testing.T) {
	const chunk, chunks = 32 << 10, 200
	want := disk(chunks * chunk)
	data := ewfImageOf(want, make([]byte, 16), make([]byte, 20), 1<<31, packedChunk)
	f := &counted{Reader: bytes.NewReader(data)}
	left := int64(120 * chunk)
	blocks := &image.Blocks{Alloc: func(n int64) []byte {
		if n > left {
			return nil
		}
		left -= n
		return make([]byte, n)
	}}
	m, err := image.Open(f, image.Options{Name: "x.E01", Blocks: blocks})
	if err != nil {
		t.Fatal(err)
	}
	for i, most := range []int{chunks, chunks - 120, chunks} {
		if i == 2 {
			blocks.Drop()
		}
		before, got := f.readings, make([]byte, len(want))
		if _, err := m.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("reading %d: %v", i, err)
		}
		if n := f.readings - before; n > most || i != 1 && n < most {
			t.Errorf("reading %d read %d chunks of the file, want %d", i, n, most)
		}
	}
	blocks = &image.Blocks{Alloc: func(n int64) []byte { return make([]byte, n) }}
	if m, err = image.Open(f, image.Options{Name: "x.E01", Blocks: blocks}); err != nil {
		t.Fatal(err)
	}
	for i, most := range []int{chunks, chunks, 0} { // the second reading keeps what the first did not
		if blocks.Pause(); i > 0 {
			blocks.Resume()
		}
		before, got := f.readings, make([]byte, len(want))
		if _, err := m.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("reading %d after a pause: %v", i, err)
		}
		if n := f.readings - before; n > most || n < most-64 { // of the last ones, which are kept for a while
			t.Errorf("reading %d after a pause read %d chunks of the file, want %d", i, n, most)
		}
	}
	data[bytes.LastIndex(data, []byte("table\x00"))-1] ^= 1 // in the last chunk's checksum
	if m, err = image.Open(bytes.NewReader(data), image.Options{Name: "x.E01"}); err != nil {
		t.Fatal(err)
	}
	if n, err := m.ReadAt(make([]byte, len(want)), 0); n != (chunks-1)*chunk || !errors.Is(err, image.ErrDamaged) {
		t.Errorf("a wrong checksum: %d bytes, %v", n, err)
	}
}
