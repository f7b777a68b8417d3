package inflate

import "math/bits"

// table maps codes to symbols: by their first bits, and for longer codes by a
// table of the other bits behind it. An entry has the size of the code in its
// lowest bits, flags, how many bits follow, and from bit 16 on its value.
type table struct {
	entries []uint32
	first   uint                  // bits that choose an entry of the first part
	longest [1 << mostFirst]uint8 // by those: the size of the longest code
}

// mostFirst is the most bits that choose an entry of the first part.
const mostFirst = 10

const (
	sizeMask  = 15
	isLiteral = 1 << 4
	isEnd     = 1 << 5
	isLonger  = 1 << 6 // the value is where the other table begins
	isInvalid = 1 << 7
)

const longestCode = 15

// find returns the entry of the code that the bits begin with.
func (t *table) find(bits uint64) uint32 {
	e := t.entries[bits&(1<<t.first-1)]
	if e&isLonger != 0 {
		e = t.entries[uint64(e>>16)+bits>>t.first&(1<<(e>>8&15)-1)]
	}
	return e
}

// build makes the table of the codes of so many bits, 0 for none: those of a
// size are given out in the order of the symbols, shorter ones first.
func (t *table) build(sizes []uint8, first uint, entry func(symbol int) uint32) error {
	var count, next [longestCode + 2]int
	for _, s := range sizes {
		count[s]++
	}
	count[0] = 0
	code, used := 0, 0
	for s := 1; s <= longestCode; s++ {
		code = (code + count[s-1]) << 1
		next[s] = code
		used += count[s]
	}
	// All codes are taken, but a single one of one bit, or none at all, is
	// well.
	if all := code + count[longestCode]; all != 1<<longestCode && used > 0 && (used != 1 || count[1] != 1) {
		return errCode
	}
	t.first = first
	t.entries = append(t.entries[:0], make([]uint32, 1<<first)...)
	for i := range t.entries {
		t.entries[i] = isInvalid
	}
	t.measure(sizes, next)
	for symbol, s := range sizes {
		if s == 0 {
			continue
		}
		reversed := int(bits.Reverse16(uint16(next[s])) >> (16 - s))
		next[s]++
		t.put(reversed, uint(s), entry(symbol)|uint32(s))
	}
	return nil
}

// measure records how long the codes are at most that begin with the same bits.
// The code that comes next of each size is in next.
func (t *table) measure(sizes []uint8, next [longestCode + 2]int) {
	clear(t.longest[:])
	for _, s := range sizes {
		if uint(s) <= t.first {
			continue
		}
		start := int(bits.Reverse16(uint16(next[s]))>>(16-s)) & (1<<t.first - 1)
		next[s]++
		t.longest[start] = max(t.longest[start], s)
	}
}

// put writes the entry of a code wherever its bits lead.
func (t *table) put(code int, size uint, e uint32) {
	if size <= t.first {
		for i := code; i < 1<<t.first; i += 1 << size {
			t.entries[i] = e
		}
		return
	}
	start := code & (1<<t.first - 1)
	more := uint(t.longest[start]) - t.first
	if t.entries[start]&isLonger == 0 {
		t.entries[start] = isLonger | uint32(more)<<8 | uint32(len(t.entries))<<16
		for range 1 << more {
			t.entries = append(t.entries, isInvalid)
		}
	}
	at := int(t.entries[start] >> 16)
	for i := code >> t.first; i < 1<<more; i += 1 << (size - t.first) {
		t.entries[at+i] = e
	}
}

// plainEntry is for codes that mean no more than their symbol.
func plainEntry(symbol int) uint32 { return uint32(symbol) << 16 }

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
		return extra<<8 | (4+uint32(symbol-261)%4)<<extra<<16 + 3<<16
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
		return extra<<8 | (2+uint32(symbol)%2)<<extra<<16 + 1<<16
	}
	return isInvalid
}
