package ntfs

import "encoding/binary"

// lzBlock is how much one block of LZNT1 unpacks to.
const lzBlock = 4096

// unpackLZNT1 unpacks src into dst, which is zero. What is damaged leaves the
// rest of its block of 4,096 bytes zero. [MS-XCA] 2.5.
func unpackLZNT1(dst, src []byte) {
	for len(src) >= 2 && len(dst) > 0 {
		head := binary.LittleEndian.Uint16(src)
		size := int(head&0x0FFF) + 1
		if head == 0 || size > len(src)-2 {
			return
		}
		block := dst[:min(len(dst), lzBlock)]
		if head&0x8000 != 0 {
			unpackLZBlock(block, src[2:2+size])
		} else {
			copy(block, src[2:2+size])
		}
		dst, src = dst[len(block):], src[2+size:]
	}
}

// unpackLZBlock unpacks one compressed block: groups of a byte of flags and
// eight literals or references.
func unpackLZBlock(dst, src []byte) {
	at := 0
	for len(src) > 0 {
		flags := src[0]
		src = src[1:]
		for bit := 0; bit < 8 && len(src) > 0; bit, flags = bit+1, flags>>1 {
			if at >= len(dst) {
				return
			}
			if flags&1 == 0 {
				dst[at] = src[0]
				at, src = at+1, src[1:]
				continue
			}
			if len(src) < 2 || at == 0 {
				return
			}
			at = copyBack(dst, at, binary.LittleEndian.Uint16(src))
			if at < 0 {
				return
			}
			src = src[2:]
		}
	}
}

// copyBack does one reference, and returns the new end; -1 if it leads before
// the block. How many bits are the distance depends on how far the block has
// come.
func copyBack(dst []byte, at int, reference uint16) int {
	shift := 12
	for n := at - 1; n >= 16; n >>= 1 {
		shift--
	}
	back, length := int(reference>>shift)+1, int(reference&(1<<shift-1))+3
	if back > at {
		return -1
	}
	end := min(at+length, len(dst))
	for ; at < end; at++ {
		dst[at] = dst[at-back]
	}
	return at
}
