package filehash

import (
	"cmp"
	"hash/crc32"
	"io"
	"slices"
	"sync"
)

// CRC32 computes the CRC-32 of a file from those of its parts, which several
// goroutines read in any order.
type CRC32 struct {
	mu    sync.Mutex
	parts []partSum
}

// partSum is the CRC-32 of the bytes from at to end.
type partSum struct {
	at, end int64
	sum     uint32
}

func (c *CRC32) add(p partSum) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parts = append(c.parts, p)
}

// Result returns the CRC-32 of a file of size bytes, once it is not read any
// more; false if not all of it was read. The header of a log, which stands
// before the first part, is read again.
func (c *CRC32) Result(file io.ReaderAt, size int64) (uint32, bool) {
	slices.SortFunc(c.parts, func(a, b partSum) int { return cmp.Compare(a.at, b.at) })
	if len(c.parts) == 0 {
		return 0, false
	}
	head := make([]byte, min(c.parts[0].at, size))
	if n, _ := file.ReadAt(head, 0); n < len(head) {
		return 0, false
	}
	sum, next := crc32.ChecksumIEEE(head), int64(len(head))
	for _, p := range c.parts {
		if p.at == next {
			sum, next = joinCRC32(sum, p.sum, p.end-p.at), p.end
		}
	}
	return sum, next == size
}

// joinCRC32 returns the CRC-32 of two texts together, of which the second has n
// bytes: that of the first times x^8n, modulo the polynomial, plus that of the
// second (Adler, zlib, crc32_combine).
func joinCRC32(first, second uint32, n int64) uint32 {
	const one = 1 << 31 // the lowest power is the highest bit
	shift, power := uint32(one), uint32(one>>8)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			shift = multiplyCRC32(shift, power)
		}
		power = multiplyCRC32(power, power)
	}
	return multiplyCRC32(shift, first) ^ second
}

// multiplyCRC32 multiplies two polynomials modulo that of the CRC-32.
func multiplyCRC32(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		if a>>31 != 0 {
			product ^= b
		}
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return product
}
