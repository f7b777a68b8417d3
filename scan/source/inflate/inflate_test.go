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

// TestZlib: what zlib packs comes out as it was, with room to the byte and with more.
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

// TestStored: the checksum of a zlib stream is worth more than the second length of
// a stored block; a stream without one has nothing else.
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

// FuzzRaw: any stream gives what compress/flate gives.
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
		case err == nil && !bytes.Equal(dst[:n], want):
			t.Errorf("%d bytes are not those of flate, %d", n, len(want))
		}
	})
}

// BenchmarkZlib: the blocks of an E01 image, beside what the standard library needs.
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
