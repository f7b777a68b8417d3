package ntfs

import (
	"bytes"
	"testing"
)

// TestLZNT1: literals and references unpack, and what is damaged leaves the
// rest of its block zero, and no other. [MS-XCA] 2.5.
func TestLZNT1(t *testing.T) {
	a := []byte{4 - 1, 0xB0, 0x02, 'a', 0x04, 0x00} // one letter, and 7 more of it
	for _, tt := range []struct {
		name   string
		packed []byte
		want   string
	}{
		{"a reference that overlaps itself", a, "aaaaaaaa"},
		{"a block as it is", []byte{2, 0x30, 'x', 'y', 'z'}, "xyz"},
		{"a reference before the start", []byte{4 - 1, 0xB0, 0x02, 'a', 0x04, 0xF0}, "a"},
		{"the end in the middle", a[:5], ""},
	} {
		dst := make([]byte, 2*lzBlock)
		unpackLZNT1(dst, tt.packed)
		if got := string(bytes.TrimRight(dst, "\x00")); got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

// FuzzLZNT1: whatever is unpacked, nothing is written behind the end, and the
// same bytes unpack to the same.
func FuzzLZNT1(f *testing.F) {
	f.Add([]byte{4 - 1, 0xB0, 0x02, 'a', 0x04, 0x00}, uint16(4096))
	f.Add([]byte{2, 0x30, 'x', 'y', 'z'}, uint16(2))
	f.Add(bytes.Repeat([]byte{0xFF, 0xBF, 0xFF}, 2000), uint16(65535))
	f.Fuzz(func(t *testing.T, packed []byte, size uint16) {
		const guard = 16
		one, two := make([]byte, int(size)+guard), make([]byte, int(size))
		unpackLZNT1(one[:size], packed)
		unpackLZNT1(two, packed)
		if !bytes.Equal(one[:size], two) || !bytes.Equal(one[size:], make([]byte, guard)) {
			t.Error("it differs, or went on")
		}
	})
}
