package source

import (
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	scanStep   = 1 << 20 // how much is read at once when zeros are counted
	sampleSize = 1 << 16 // how many bytes are looked at to recognize random ones
	leastBytes = 1024    // fewer show nothing about randomness
)

// holes is what a source may know besides its bytes: where the file system
// keeps none.
type holes interface {
	NextData(off int64) int64
}

// kindOfBytes names a file of no known format by what its bytes look like.
func kindOfBytes(r io.ReaderAt, size int64) (Kind, error) {
	zeros, err := leadingZeros(r, size)
	switch {
	case err != nil:
		return Kind{}, err
	case zeros == size:
		return Kind{fmt.Sprintf("zeroed: nothing but zeros in %d bytes", size), ClassOther}, nil
	}
	sample, err := readSome(r, zeros, min(size-zeros, sampleSize))
	if err != nil {
		return Kind{}, err
	}
	name := "data of an unknown kind"
	if same := leading(sample); same == len(sample) && same >= leastBytes {
		name = fmt.Sprintf("overwritten: nothing but the byte 0x%02X in its first %d", sample[0], same)
	} else if bits := entropy(sample); looksRandom(bits, len(sample)) {
		name = fmt.Sprintf("encrypted or otherwise random-looking data (%.2f of 8 bits of entropy a byte)", bits)
	}
	if zeros >= leastBytes {
		name = fmt.Sprintf("%s, after %d bytes of zeros", name, zeros)
	}
	return Kind{name, ClassOther}, nil
}

// leadingZeros counts the zeros that a file begins with, without reading those
// that the file system does not keep.
func leadingZeros(r io.ReaderAt, size int64) (int64, error) {
	var block []byte
	for pos := int64(0); pos < size; {
		if sparse, ok := r.(holes); ok {
			if pos = min(sparse.NextData(pos), size); pos == size {
				break
			}
		}
		if block == nil {
			block = make([]byte, min(size, scanStep))
		}
		n, err := r.ReadAt(block[:min(int64(len(block)), size-pos)], pos)
		for i, b := range block[:n] {
			if b != 0 {
				return pos + int64(i), nil
			}
		}
		pos += int64(n)
		if n == 0 {
			if errors.Is(err, io.EOF) { // it is shorter by now
				err = nil
			}
			return pos, err
		}
	}
	return size, nil
}

// leading counts the bytes at the start that are the same.
func leading(b []byte) int {
	for i, c := range b {
		if c != b[0] {
			return i
		}
	}
	return len(b)
}

// entropy returns the entropy of bytes in bits a byte.
func entropy(b []byte) float64 {
	var counts [256]int
	for _, c := range b {
		counts[c]++
	}
	bits := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(b))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// looksRandom reports whether n bytes of an entropy may be random ones, such as
// encryption leaves: n random bytes have, on the average, 255/(2n ln 2) bits
// less than 8.
func looksRandom(bits float64, n int) bool {
	const slack = 0.05
	return n >= leastBytes && bits > 8-255/(2*float64(n)*math.Ln2)-slack
}
