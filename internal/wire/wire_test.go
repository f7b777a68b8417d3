package wire_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"webshellscan/internal/wire"
)

type thing struct {
	Small  uint8
	Signed int64
	Name   string
	Flag   bool
	Counts map[string]int
	More   []thing
}

func (t *thing) code(c *wire.Coder) {
	wire.Num(c, &t.Small)
	wire.Num(c, &t.Signed)
	c.Text(&t.Name)
	c.Bool(&t.Flag)
	wire.Counts(c, &t.Counts)
	wire.List(c, &t.More, 6, func(m *thing) { m.code(c) })
}

func example() thing {
	return thing{
		Small: 255, Signed: -1 << 63, Name: "a", Flag: true, Counts: map[string]int{"x": 1, "a": 2},
		More: []thing{{Name: "a", Signed: 1<<63 - 1}, {Name: "é\x00"}},
	}
}

// TestRoundTrip: what is read is what was written, byte for byte the same
// whenever it is written.
func TestRoundTrip(t *testing.T) {
	in := example()
	w := wire.NewWriter()
	in.code(w)
	var out thing
	r := wire.NewReader(w.Data())
	out.code(r)
	if err := r.End(); err != nil || !reflect.DeepEqual(in, out) {
		t.Fatalf("%+v became %+v (%v)", in, out, err)
	}
	again := wire.NewWriter()
	out.code(again)
	if string(again.Data()) != string(w.Data()) {
		t.Error("written anew it has other bytes")
	}
}

// TestCut: no prefix is taken for the whole, and none makes the reader panic or
// ask for more memory than there are bytes.
func TestCut(t *testing.T) {
	in := example()
	w := wire.NewWriter()
	in.code(w)
	for n := range len(w.Data()) {
		for _, r := range []*wire.Coder{wire.NewReader(w.Data()[:n]), wire.NewStream(bytes.NewReader(w.Data()[:n]), int64(n))} {
			var out thing
			if out.code(r); !errors.Is(r.End(), wire.ErrMalformed) {
				t.Errorf("%d of %d bytes are read as the whole", n, len(w.Data()))
			}
		}
	}
	r := wire.NewReader(append(w.Data(), 0))
	var out thing
	if out.code(r); r.End() == nil {
		t.Error("a byte behind the end is not noticed")
	}
}

// TestStream: a stream is read as the bytes are, whatever the pieces it comes
// in, also things longer than what is held at once; one that ends early is an
// error.
func TestStream(t *testing.T) {
	in := example()
	for i := range 5000 {
		in.More = append(in.More, thing{Name: strings.Repeat("x", i*i%300), Signed: int64(i)})
	}
	in.More = append(in.More, thing{Name: strings.Repeat("long", 100_000)}, thing{Name: "end"})
	w := wire.NewWriter()
	in.code(w)
	size := int64(len(w.Data()))
	for name, from := range map[string]io.Reader{
		"whole": bytes.NewReader(w.Data()), "by bytes": iotest.OneByteReader(bytes.NewReader(w.Data())), "with its end": iotest.DataErrReader(bytes.NewReader(w.Data())),
	} {
		var out thing
		r := wire.NewStream(from, size)
		out.code(r)
		if err := r.End(); err != nil || !reflect.DeepEqual(in, out) {
			t.Errorf("%s: read differently (%v)", name, err)
		}
	}
	var out thing
	r := wire.NewStream(bytes.NewReader(w.Data()[:size-1]), size)
	if out.code(r); !errors.Is(r.End(), io.ErrUnexpectedEOF) {
		t.Error("the early end of a stream is not told")
	}
}

// TestBounds: numbers out of range and counts beyond what is there are refused.
func TestBounds(t *testing.T) {
	huge := []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}
	for name, read := range map[string]func(*wire.Coder){
		"range":  func(c *wire.Coder) { var v uint8; wire.Num(c, &v) },
		"signed": func(c *wire.Coder) { var v int32; wire.Num(c, &v) },
		"count":  func(c *wire.Coder) { var v []uint64; wire.List(c, &v, 1, c.Uint) },
		"bytes":  func(c *wire.Coder) { var v []byte; c.Bytes(&v) },
		"text":   func(c *wire.Coder) { var v string; c.Text(&v) },
		"map":    func(c *wire.Coder) { var v map[string]int; wire.Counts(c, &v) },
		"truth":  func(c *wire.Coder) { var v bool; c.Bool(&v) },
		"fixed":  func(c *wire.Coder) { c.Fixed(make([]byte, 16)) },
	} {
		if c := wire.NewReader(huge); c.Err() == nil {
			if read(c); c.Err() == nil {
				t.Errorf("%s: taken", name)
			}
		}
	}
}

// TestRepeats: a text may be said again as often as it is written, and not so
// often that few bytes make very many.
func TestRepeats(t *testing.T) {
	text := strings.Repeat("x", 1<<16)
	list := make([]string, 10_000)
	for i := range list {
		list[i] = text
	}
	w := wire.NewWriter()
	w.Texts(&list)
	if len(w.Data()) < len(list)*len(text)/100 {
		t.Errorf("%d bytes say %d", len(w.Data()), len(list)*len(text))
	}
	var again []string
	r := wire.NewReader(w.Data())
	if r.Texts(&again); r.End() != nil || !slices.Equal(list, again) {
		t.Error(r.Err())
	}
	w = wire.NewWriter()
	first := list[:1]
	w.Texts(&first)
	data := slices.Concat([]byte{0x90, 0x4E}, w.Data()[1:], bytes.Repeat([]byte{1}, len(list)-1)) // 10,000 of them
	r = wire.NewReader(data)
	if r.Texts(&again); !errors.Is(r.End(), wire.ErrMalformed) {
		t.Errorf("%d bytes were read as %d of %d bytes: %v", len(data), len(again), len(text), r.Err())
	}
}
