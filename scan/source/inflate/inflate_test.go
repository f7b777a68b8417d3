package inflate_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"webshellscan/internal/cputime"
	"webshellscan/scan/source/inflate"
)

// samples are contents of different kinds.
func samples() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var text, skewed bytes.Buffer
	for text.Len() < 100_000 {
		text.WriteString([]string{"cmd.exe ", "whoami", " /c ", "C:\\Windows\\", "\x00\x00\x00", "\r\n"}[random.IntN(6)])
	}
	for skewed.Len() < 60_000 { // gives codes of every size
		skewed.WriteByte(byte(random.ExpFloat64() * 12))
	}
	return map[string][]byte{
		"empty": {}, "one": {7}, "noise": noise, "text": text.Bytes(), "skewed": skewed.Bytes(), "zeros": make([]byte, 65536),
		"period": []byte(strings.Repeat("abcde", 9000)), "words": []byte(strings.Repeat("0123456789abcdef?", 3000)),
	}
}

func packed(tb testing.TB, content []byte, level int) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, level)
	if err == nil {
		_, err = w.Write(content)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestZlib: what zlib packs comes out as it was, with room to the byte and with
// more.
func TestZlib(t *testing.T) {
	for name, content := range samples() {
		for _, level := range []int{zlib.HuffmanOnly, zlib.NoCompression, 1, 6, 9} {
			stream := packed(t, content, level)
			for _, room := range []int{0, 1, 1000} {
				dst := make([]byte, len(content)+room)
				if n, err := inflate.Zlib(dst, stream); err != nil || !bytes.Equal(dst[:n], content) {
					t.Errorf("%s, level %d, room for %d more: %d bytes of %d, %v", name, level, room, n, len(content), err)
				}
			}
		}
	}
}

// TestDamage: what is wrong is told, with what came before it.
func TestDamage(t *testing.T) {
	content := samples()["text"]
	stream := packed(t, content, 6)
	dst := make([]byte, len(content))
	for n := range len(stream) {
		if got, err := inflate.Zlib(dst, stream[:n]); !errors.Is(err, inflate.ErrDamaged) || !bytes.Equal(dst[:got], content[:got]) {
			t.Fatalf("cut at %d: %d bytes, %v", n, got, err)
		}
	}
	if n, err := inflate.Zlib(dst[:500], stream); n != 500 || !errors.Is(err, inflate.ErrDamaged) {
		t.Errorf("too little room: %d bytes, %v", n, err)
	}
	wrong := bytes.Clone(stream)
	wrong[len(wrong)-1] ^= 1
	if _, err := inflate.Zlib(dst, wrong); !errors.Is(err, inflate.ErrDamaged) {
		t.Errorf("a wrong checksum: %v", err)
	}
	wrong[0] = 0
	if _, err := inflate.Zlib(dst, wrong); !errors.Is(err, inflate.ErrDamaged) {
		t.Errorf("no zlib: %v", err)
	}
}

// TestStored: the checksum of a zlib stream is worth more than the second
// length of a stored block; a stream without one has nothing else.
func TestStored(t *testing.T) {
	content := []byte("as Tableau's TD3 writes them")
	stream := packed(t, content, zlib.NoCompression)
	stream[5] ^= 0xFF
	dst := make([]byte, len(content))
	if n, err := inflate.Zlib(dst, stream); err != nil || !bytes.Equal(dst[:n], content) {
		t.Errorf("%q, %v", dst[:n], err)
	}
	if _, err := inflate.Raw(dst, stream[2:]); !errors.Is(err, inflate.ErrDamaged) {
		t.Errorf("without a checksum: %v", err)
	}
}

// bitStream packs numbers of bits, each with how many it has, as RFC 1951 does.
func bitStream(fields ...[2]int) []byte {
	var out []byte
	at := 0
	for _, field := range fields {
		for i := range field[1] {
			if at%8 == 0 {
				out = append(out, 0)
			}
			out[at/8] |= byte(field[0]>>i&1) << (at % 8)
			at++
		}
	}
	return append(out, make([]byte, 8)...) // no end of it is near
}

// TestCodes: codes that no stream may have are damage, for flate as well, and
// what came before them is there.
func TestCodes(t *testing.T) {
	const last, fixed, own = 1, 1, 2
	described := func(lengths ...int) []byte { // of 257 literals and a distance
		fields := [][2]int{{last, 1}, {own, 2}, {0, 5}, {0, 5}, {len(lengths) - 4, 4}}
		for _, n := range lengths {
			fields = append(fields, [2]int{n, 3})
		}
		return bitStream(fields...)
	}
	for name, damaged := range map[string][]byte{
		"a fourth kind of block":      bitStream([2]int{last, 1}, [2]int{3, 2}),
		"287 literals":                bitStream([2]int{last, 1}, [2]int{own, 2}, [2]int{30, 5}, [2]int{0, 5}, [2]int{0, 4}),
		"31 distances":                bitStream([2]int{last, 1}, [2]int{own, 2}, [2]int{0, 5}, [2]int{30, 5}, [2]int{0, 4}),
		"too many codes":              described(1, 1, 1, 0),
		"too few codes":               described(2, 2, 2, 0),
		"one code of two bits":        described(2, 0, 0, 0),
		"no code at all":              described(0, 0, 0, 0),
		"a length before the first":   described(1, 0, 0, 0),
		"more lengths than symbols":   append(described(0, 0, 1, 0)[:3], 0xFF, 0xFF, 0xFF, 0xFF),
		"literal 286":                 bitStream([2]int{last, 1}, [2]int{fixed, 2}, [2]int{0b0000_1100, 8}, [2]int{0b01100011, 8}),
		"distance 30":                 bitStream([2]int{last, 1}, [2]int{fixed, 2}, [2]int{0b0000_1100, 8}, [2]int{0b1000000, 7}, [2]int{0b01111, 5}),
		"a distance before the first": bitStream([2]int{last, 1}, [2]int{fixed, 2}, [2]int{0b0000_1100, 8}, [2]int{0b1000000, 7}, [2]int{0b10000, 5}),
	} {
		for _, behind := range []int{0, 1000} { // with care, and fast
			damaged := append(bytes.Clone(damaged), make([]byte, behind)...)
			want, wrong := io.ReadAll(flate.NewReader(bytes.NewReader(damaged)))
			if wrong == nil {
				t.Errorf("%s: flate reads it", name)
			}
			dst := make([]byte, 1000)
			if n, err := inflate.Raw(dst, damaged); !bytes.Equal(dst[:n], want) || !errors.Is(err, inflate.ErrDamaged) {
				t.Errorf("%s: %x, %v; flate has %x, %v", name, dst[:n], err, want, wrong)
			}
		}
	}
}

// TestManyBlocks: a stream of blocks with nothing in them takes time as its
// length does: the tables of the fixed codes are not made for each.
func TestManyBlocks(t *testing.T) {
	const blocks = 1 << 20
	many := make([]byte, blocks*10/8)
	for i := range blocks { // not the last, fixed codes, and at once the end of it
		bit := 10*i + 1
		many[bit/8] |= 1 << (bit % 8)
	}
	cputime.Bound(t, blocks*200*time.Nanosecond, func() {
		if n, err := inflate.Raw(nil, many); n != 0 || !errors.Is(err, inflate.ErrDamaged) {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

// FuzzRaw: any stream gives what compress/flate gives, up to where it is
// damaged.
func FuzzRaw(f *testing.F) {
	for _, content := range samples() {
		for _, level := range []int{zlib.HuffmanOnly, zlib.NoCompression, 1, 9} {
			stream := packed(f, content[:min(len(content), 5000)], level)
			f.Add(stream[2:], uint32(0), byte(0))
			f.Add(stream[2:], uint32(3), byte(0x81))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, at uint32, flip byte) {
		if len(stream) > 0 {
			stream = bytes.Clone(stream)
			stream[int(at)%len(stream)] ^= flip
		}
		const most = 1 << 20
		want, wrong := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(stream)), most+1))
		dst := make([]byte, most)
		n, err := inflate.Raw(dst, stream)
		switch {
		case len(want) > most:
			if err == nil {
				t.Error("more than there is room for was not told")
			}
		case (err != nil) != (wrong != nil):
			t.Errorf("%d bytes, error %v; flate has %d, %v", n, err, len(want), wrong)
		case errors.Is(wrong, io.ErrUnexpectedEOF) && bytes.HasPrefix(dst[:n], want):
			// flate needs as many bits as the end of the block
			// takes.
		case !bytes.Equal(dst[:n], want):
			t.Errorf("%d bytes, %v, are not those of flate, %d, %v", n, err, len(want), wrong)
		}
	})
}

// BenchmarkZlib: the blocks of an E01 image, beside what the standard library
// needs.
func BenchmarkZlib(b *testing.B) {
	content := samples()["text"][:32<<10]
	stream := packed(b, content, 1)
	dst := make([]byte, len(content))
	b.Run("inflate", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			if _, err := inflate.Zlib(dst, stream); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compress-zlib", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			r, err := zlib.NewReader(bytes.NewReader(stream))
			if err == nil {
				_, err = io.ReadFull(r, dst)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
