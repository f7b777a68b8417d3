package partial

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// zeros is a reader of so many zero bytes.
type zeros int64

func (z *zeros) Read(b []byte) (int, error) {
	if *z == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), int64(*z))
	clear(b[:n])
	*z -= zeros(n)
	return int(n), nil
}

// written returns a file of one part with some sections, of kinds 1, 2, ...
func written(tb testing.TB, sections ...string) []byte {
	tb.Helper()
	w, err := NewWriter()
	if err != nil {
		tb.Fatal(err)
	}
	for i, data := range sections {
		if n, err := w.Add(Kind(i+1), strings.NewReader(data)); err != nil || n != int64(len(data)) {
			tb.Fatal(n, err)
		}
	}
	var out bytes.Buffer
	if n, err := w.WriteTo(&out); err != nil || n != int64(out.Len()) {
		tb.Fatal(n, err)
	}
	return out.Bytes()
}

func opened(tb testing.TB, data []byte) *File {
	tb.Helper()
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// content unpacks a section.
func content(p *Part, s *Section) ([]byte, error) {
	r, err := p.Open(s)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// TestRoundTrip: sections are read as they were written, also of parts that
// were put together; parts are in the file once, whatever the order and
// grouping.
func TestRoundTrip(t *testing.T) {
	long := strings.Repeat("0123456789", 100_000)
	a, b := written(t, "rows", "", long), written(t, "other rows")
	var merged [3]bytes.Buffer
	for i, files := range [][][]byte{{a, b}, {b, a, a}} {
		var parts []*Part
		for _, data := range files {
			parts = append(parts, opened(t, data).Parts...)
		}
		if err := Write(&merged[i], parts); err != nil {
			t.Fatal(err)
		}
	}
	again := append(opened(t, merged[0].Bytes()).Parts, opened(t, b).Parts...)
	if err := Write(&merged[2], again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(merged[0].Bytes(), merged[1].Bytes()) || !bytes.Equal(merged[0].Bytes(), merged[2].Bytes()) {
		t.Error("order, grouping or repetition of parts makes a difference")
	}
	found := make(map[string]bool)
	for _, p := range opened(t, merged[0].Bytes()).Parts {
		for i := range p.Sections {
			data, err := content(p, &p.Sections[i])
			if err != nil {
				t.Fatal(err)
			}
			found[fmt.Sprint(p.Sections[i].Kind, string(data))] = true
		}
	}
	for _, want := range []string{"1rows", "2", "3" + long, "1other rows"} {
		if !found[want] {
			t.Errorf("the section %.20q is lost", want)
		}
	}
}

// TestDamaged: no prefix of a file and no change of one byte is taken for
// sound, nor is what has bytes behind its end.
func TestDamaged(t *testing.T) {
	data := written(t, "rows of processes", "")
	refused := func(what string, data []byte, wants ...error) {
		t.Helper()
		_, err := Open(bytes.NewReader(data), int64(len(data)))
		for _, want := range wants {
			if errors.Is(err, want) {
				return
			}
		}
		t.Errorf("%s: %v", what, err)
	}
	for n := range data {
		refused(fmt.Sprintf("%d of %d bytes", n, len(data)), data[:n], ErrCut)
		changed := bytes.Clone(data)
		changed[n] ^= 0x41
		refused(fmt.Sprintf("byte %d changed", n), changed, ErrMagic, ErrVersion, ErrChanged, ErrCut)
	}
	refused("a byte more", append(bytes.Clone(data), 0), ErrChanged)
	other := bytes.Clone(data)
	binary.LittleEndian.PutUint32(other[len(Magic):], Version+1)
	refused("another version", other, ErrVersion)
	if _, err := Open(bytes.NewReader(data), int64(headSize)); !errors.Is(err, ErrCut) {
		t.Errorf("a file that grew: %v", err)
	}
	refused("no partial result", []byte("ElfFile\x00 and more"), ErrMagic)
}

// TestReadError: an error of the reader is told as it is.
func TestReadError(t *testing.T) {
	data := written(t, "rows")
	failing := readerAt{iotest.ErrReader(io.ErrClosedPipe)}
	if _, err := Open(failing, int64(len(data))); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

type readerAt struct{ io.Reader }

func (r readerAt) ReadAt(b []byte, _ int64) (int, error) { return r.Read(b) }

// sealedAs returns a file whose one section says that it unpacks to so many
// bytes.
func sealedAs(t *testing.T, size int64, from io.Reader) []byte {
	t.Helper()
	w, err := NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w.encoder.Reset(&packed)
	if _, err := io.Copy(w.encoder, from); err != nil {
		t.Fatal(err)
	}
	if err := w.encoder.Close(); err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	head := le.AppendUint64(le.AppendUint64([]byte{1}, uint64(packed.Len())), uint64(size))
	w.body.Write(le.AppendUint32(head, crc32.ChecksumIEEE(packed.Bytes())))
	w.body.Write(packed.Bytes())
	var out bytes.Buffer
	if _, err := w.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBomb: what unpacks to far more than is stored is refused before it is
// unpacked, and so is a size that is not that of the content; nothing that was
// honestly written is.
func TestBomb(t *testing.T) {
	const much = 256 << 20
	from := zeros(much)
	bomb := sealedAs(t, much, &from)
	if _, err := Open(bytes.NewReader(bomb), int64(len(bomb))); !errors.Is(err, ErrSize) {
		t.Errorf("%d bytes that unpack to %d: %v", len(bomb), much, err)
	}
	for _, size := range []int64{0, 9, 11, 1 << 62} {
		lie := sealedAs(t, size, strings.NewReader("0123456789"))
		f, err := Open(bytes.NewReader(lie), int64(len(lie)))
		if err == nil {
			_, err = content(f.Parts[0], &f.Parts[0].Sections[0])
		}
		if !errors.Is(err, ErrSize) {
			t.Errorf("10 bytes that are said to be %d: %v", size, err)
		}
	}
	w, err := NewWriter()
	if err != nil {
		t.Fatal(err)
	}
	from = zeros(much)
	if n, err := w.Add(1, &from); err != nil || n != much {
		t.Fatal(n, err)
	}
	var out bytes.Buffer
	if _, err := w.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	if out.Len() > much/maxRatio+slack {
		t.Errorf("%d zeros are stored in %d bytes", much, out.Len())
	}
	p := opened(t, out.Bytes()).Parts[0]
	r, err := p.Open(&p.Sections[0])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); n != much || errors.Join(err, r.Close()) != nil {
		t.Error(n, err)
	}
}

// TestHostileCounts: lengths and counts beyond what is there are refused.
func TestHostileCounts(t *testing.T) {
	data := written(t, "rows")
	for _, at := range []int{headSize, len(data) - tailSize + 8} {
		for _, value := range []byte{0xFF, 0x7F} {
			hostile := bytes.Clone(data)
			for i := range 4 {
				hostile[at+i] = value
			}
			if _, err := Open(bytes.NewReader(hostile), int64(len(hostile))); err == nil {
				t.Errorf("byte %d: a count of %x is taken", at, value)
			}
		}
	}
}

// FuzzOpen: no file makes Open or the reading of sections panic, unpack without
// bound, or give other parts than a file of them has that is written again.
func FuzzOpen(f *testing.F) {
	f.Add(written(f, "rows", "", strings.Repeat("a", 1000)))
	f.Add(written(f))
	f.Add([]byte(Magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, p := range file.Parts {
			for i := range p.Sections {
				s := &p.Sections[i]
				if got, err := content(p, s); err == nil && int64(len(got)) != s.Size() || int64(len(got)) > limit(int64(len(data))) {
					t.Fatalf("%d bytes of %d (%v)", len(got), s.Size(), err)
				}
			}
		}
		var out bytes.Buffer
		if err := Write(&out, file.Parts); err != nil {
			t.Fatal(err)
		}
		if again, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len())); err != nil || len(again.Parts) != len(distinct(file.Parts)) {
			t.Fatal("written again it is another file: ", err)
		}
	})
}
