package inflate

import (
	"hash/adler32"
	"testing"
)

func TestAdler(t *testing.T) {
	b := make([]byte, 70_000)
	for _, fill := range []func(i int) byte{
		func(int) byte { return 0xFF }, // the largest sums
		func(i int) byte { return byte(i * 167 >> 3) },
		func(i int) byte { return byte(i % 9 / 8 * 255) }, // each lane by itself
	} {
		for i := range b {
			b[i] = fill(i)
		}
		for n := range 600 {
			checkAdler(t, b[:n])
		}
		for _, n := range []int{4095, 4096, 4097, 32 << 10, len(b)} {
			checkAdler(t, b[:n])
		}
	}
}

func checkAdler(t *testing.T, b []byte) {
	t.Helper()
	if got, want := adler(b), adler32.Checksum(b); got != want {
		t.Errorf("%d bytes: %08x, want %08x", len(b), got, want)
	}
}
