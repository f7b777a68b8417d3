package filehash

import (
	"bytes"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCRC32: the CRC-32 of a file is that of its parts, whatever the order
// in which they were read, and none if one is missing.
func TestCRC32(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		data := make([]byte, random.IntN(5000))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		head, size := random.IntN(len(data)+1), int64(len(data))
		var parts []partSum
		for at := head; at < len(data) || len(parts) == 0; {
			end := min(at+1+random.IntN(2000), len(data))
			parts = append(parts, partSum{int64(at), int64(end), crc32.ChecksumIEEE(data[at:end])})
			at = end
		}
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		c := CRC32{parts: slices.Clone(parts)}
		if sum, whole := c.Result(bytes.NewReader(data), size); !whole || sum != crc32.ChecksumIEEE(data) {
			t.Fatalf("%d bytes in %d parts behind %d: %08x, %t", size, len(parts), head, sum, whole)
		}
		if missing := slices.IndexFunc(parts, func(p partSum) bool { return p.end > p.at && p.at > int64(head) }); missing >= 0 {
			c.parts = slices.Delete(slices.Clone(parts), missing, missing+1)
			if _, whole := c.Result(bytes.NewReader(data), size); whole {
				t.Fatal("a part is missing, and nobody noticed")
			}
		}
	}
}
