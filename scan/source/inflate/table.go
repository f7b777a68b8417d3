package inflate

import (
	"math/bits"
	"slices"
)

// table maps codes to symbols: by their first bits, and for longer codes by a
// table of the other bits. An entry has in its lowest bits how many bits there
// are of the code and of what follows it, then flags, from bit 8 on how many of
// these are the code, and from bit 16 on its value. How many bits are the first
// is known where a table is used, so that no index has to be checked.
type table struct {
	head   [1 << literalBits]uint32
	more   []uint32            // of longer codes, by where an entry of head says
	sorted [maxLiterals]uint16 // the symbols, by their codes
}

// The first bits of the tables.
const (
	literalBits  = 10
	distanceBits = 8
	lengthBits   = 7
)

const (
	totalMask = 31
	isLiteral = 1 << 5
	isEnd     = 1 << 6
	isInvalid = 1 << 7
	sizeShift = 8
	sizeMask  = 15      // behind the shift
	isLonger  = 1 << 12 // the value is where the other table begins, the size how many bits it has
)

const longestCode = 15

// literal returns the entry of the code of a literal or length that the bits
// begin with.
func (t *table) literal(bits uint64) uint32 {
	e := t.head[bits&(1<<literalBits-1)]
	if e&isLonger != 0 {
		e = t.more[uint64(e>>16)+bits>>literalBits&(1<<(e>>sizeShift&sizeMask)-1)]
	}
	return e
}

// distance is literal for the codes of distances.
func (t *table) distance(bits uint64) uint32 {
	e := t.head[bits&(1<<distanceBits-1)]
	if e&isLonger != 0 {
		e = t.more[uint64(e>>16)+bits>>distanceBits&(1<<(e>>sizeShift&sizeMask)-1)]
	}
	return e
}

// length is literal for the codes of the sizes of codes, of which none is
// longer.
func (t *table) length(bits uint64) uint32 { return t.head[bits&(1<<lengthBits-1)] }

// build makes the table of the codes of so many bits, 0 for none: those of a
// size are given out in the order of the symbols, shorter ones first. entries
// is what the symbols mean.
func (t *table) build(sizes []uint8, first uint, entries []uint32) error {
	var count, next [longestCode + 2]int
	for _, s := range sizes {
		count[s]++
	}
	used := len(sizes) - count[0]
	count[0] = 0
	taken := 0
	for s := 1; s <= longestCode; s++ {
		taken += count[s] << (longestCode - s)
		next[s+1] = next[s] + count[s]
	}
	for symbol, s := range sizes {
		if s != 0 {
			t.sorted[next[s]] = uint16(symbol)
			next[s]++
		}
	}
	switch {
	case taken == 1<<longestCode:
		t.fill(&count, first, entries)
		return nil
	case used > 1 || used == 1 && count[1] != 1:
		return errCode
	}
	for i := range t.head[:1<<first] { // a single code of one bit is well, and so is none
		if t.head[i] = isInvalid; used == 1 && i&1 == 0 {
			t.head[i] = sized(entries[t.sorted[0]], 1)
		}
	}
	return nil
}

// fill writes the entries of the sorted symbols, of which there are so many of
// each size; all codes are taken. The first bit of a code is its lowest, so
// that a table of one bit more begins with two copies of the table before.
func (t *table) fill(count *[longestCode + 2]int, first uint, entries []uint32) {
	sorted, code, size := t.sorted[:], 0, uint(1)
	for ; size <= first; size++ {
		copy(t.head[1<<(size-1):1<<size], t.head[:1<<(size-1)])
		for _, symbol := range sorted[:count[size]] {
			t.head[code] = sized(entries[symbol], size)
			code = following(code, size)
		}
		sorted = sorted[count[size]:]
	}
	t.more = t.more[:0]
	more, prefix, at := uint(0), -1, 0
	for ; size <= longestCode; size++ {
		for i, symbol := range sorted[:count[size]] {
			if start := code & (1<<first - 1); start != prefix {
				prefix, at = start, len(t.more)
				more = longest(count, first, size, count[size]-i)
				t.more = slices.Grow(t.more, 1<<more)[:at+1<<more]
				t.head[start] = isLonger | uint32(more)<<sizeShift | uint32(at)<<16
			}
			e := sized(entries[symbol], size)
			for j := code >> first; j < 1<<more; j += 1 << (size - first) {
				t.more[at+j] = e
			}
			code = following(code, size)
		}
		sorted = sorted[count[size]:]
	}
}

// longest returns how many bits more than the first the codes have that share
// them. The next code is of a size of which so many are left; those that follow
// it fill the table.
func longest(count *[longestCode + 2]int, first, size uint, left int) uint {
	more := size - first
	for left < 1<<more {
		more++
		left = left<<1 + count[first+more]
	}
	return more
}

// following returns the code after another one of the same size, 0 after the
// last one.
func following(code int, size uint) int {
	zeros := code ^ (1<<size - 1)
	if zeros == 0 {
		return 0
	}
	bit := 1 << (bits.Len(uint(zeros)) - 1)
	return code&(bit-1) | bit
}

// sized returns the entry of a symbol whose code has so many bits. That of the
// symbol has how many bits follow it.
func sized(e uint32, size uint) uint32 { return e + uint32(size) + uint32(size)<<sizeShift }

// What the symbols mean: their entries, but for the sizes of their codes.
var (
	sizeEntries     = entriesOf(19, func(symbol int) uint32 { return uint32(symbol) << 16 })
	literalEntries  = entriesOf(maxLiterals, literalEntry)
	distanceEntries = entriesOf(maxDistances, distanceEntry)
)

func entriesOf(symbols int, entry func(symbol int) uint32) []uint32 {
	list := make([]uint32, symbols)
	for i := range list {
		list[i] = entry(i)
	}
	return list
}

// literalEntry is for bytes, lengths and the end of a block.
func literalEntry(symbol int) uint32 {
	switch {
	case symbol < endOfBlock:
		return isLiteral | uint32(symbol)<<16
	case symbol == endOfBlock:
		return isEnd
	case symbol < 265:
		return uint32(symbol-254) << 16
	case symbol < 285:
		extra := uint32(symbol-261) / 4
		return extra | (4+uint32(symbol-261)%4)<<extra<<16 + 3<<16
	case symbol == 285:
		return longestCopy << 16
	}
	return isInvalid
}

// distanceEntry is for distances.
func distanceEntry(symbol int) uint32 {
	switch {
	case symbol < 4:
		return uint32(symbol+1) << 16
	case symbol < 30:
		extra := uint32(symbol-2) / 2
		return extra | (2+uint32(symbol)%2)<<extra<<16 + 1<<16
	}
	return isInvalid
}
