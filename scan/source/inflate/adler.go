package inflate

import "encoding/binary"

// adler returns the Adler-32 checksum of bytes (RFC 1950, section 8.2) in half
// the time that hash/adler32 takes. It adds the bytes of eight-byte words in
// lanes of 16 bits, the even ones apart from the odd ones.
func adler(b []byte) uint32 {
	const (
		modulus = 65521
		words   = 16 // until a lane could run over
		group   = 8 * words
		groups  = 32 // until the modulus is taken
		lanes   = 0x00FF00FF00FF00FF
	)
	sum, sums := uint64(1), uint64(0)
	for len(b) >= group {
		for n := 0; n < groups && len(b) >= group; n++ {
			var even, odd, evens, odds uint64 // sums of the bytes of a lane, and of these sums
			for i := 0; i < group; i += 8 {
				evens, odds = evens+even, odds+odd
				word := binary.LittleEndian.Uint64(b[i : i+8])
				even, odd = even+word&lanes, odd+word>>8&lanes
			}
			// The byte at place i is in group-i of the sums.
			bytes := add(even) + add(odd)
			sums += group*sum + 8*(add(evens)+add(odds)+bytes) - 2*places(even) - 2*places(odd) - add(odd)
			sum += bytes
			b = b[group:]
		}
		sum, sums = sum%modulus, sums%modulus
	}
	for _, c := range b {
		sum += uint64(c)
		sums += sum
	}
	return uint32(sums%modulus<<16 | sum%modulus)
}

// add returns the sum of the four lanes of a word.
func add(word uint64) uint64 {
	return word&0xFFFF + word>>16&0xFFFF + word>>32&0xFFFF + word>>48
}

// places returns the sum of the four lanes of a word, each times its place,
// counted from 0.
func places(word uint64) uint64 {
	return word>>16&0xFFFF + word>>32&0xFFFF*2 + word>>48*3
}
