package inflate

import "math/bits"

// table maps codes to symbols: by their first bits, and for longer codes by a
// table of the other bits. An entry has the size of the code in
// its lowest bits, flags, how many bits follow, and from bit 16 on its value.
// How many bits are the first is known where a table is used, so that no index
// has to be checked.
type table struct {
	head    [1 << literalBits]uint32
	more    []uint32                // of longer codes, by where an entry of head says
	longest [1 << literalBits]uint8 // by the first bits: the size of the longest code
}

// The first bits of the tables.
const (
	literalBits  = 10
	distanceBits = 8
	lengthBits   = 7
)

const (
	sizeMask  = 15
	isLiteral = 1 << 4
	isEnd     = 1 << 5
	isLonger  = 1 << 6 // the value is where the other table begins
	isInvalid = 1 << 7
)

const longestCode = 15

// literal returns the entry of the code of a literal or length that the bits
// begin with.
func (t *table) literal(bits uint64) uint32 {
	e := t.head[bits&(1<<literalBits-1)]
	if e&isLonger != 0 {
		e = t.more[uint64(e>>16)+bits>>literalBits&(1<<(e>>8&15)-1)]
	}
	return e
}

// distance is literal for the codes of distances.
func (t *table) distance(bits uint64) uint32 {
	e := t.head[bits&(1<<distanceBits-1)]
	if e&isLonger != 0 {
		e = t.more[uint64(e>>16)+bits>>distanceBits&(1<<(e>>8&15)-1)]
	}
	return e
}

// length is literal for the codes of the sizes of codes, of which none is
// longer.
func (t *table) length(bits uint64) uint32 { return t.head[bits&(1<<lengthBits-1)] }

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
	t.more = t.more[:0]
	for i := range t.head[:1<<first] {
		t.head[i] = isInvalid
	}
	t.measure(sizes, first, next)
	for symbol, s := range sizes {
		if s == 0 {
			continue
		}
		reversed := int(bits.Reverse16(uint16(next[s])) >> (16 - s))
		next[s]++
		t.put(reversed, uint(s), first, entry(symbol)|uint32(s))
	}
	return nil
}

// measure records how long the codes are at most that begin with the same bits.
// The code that comes next of each size is in next.
func (t *table) measure(sizes []uint8, first uint, next [longestCode + 2]int) {
	clear(t.longest[:])
	for _, s := range sizes {
		if uint(s) <= first {
			continue
		}
		start := int(bits.Reverse16(uint16(next[s]))>>(16-s)) & (1<<first - 1)
		next[s]++
		t.longest[start] = max(t.longest[start], s)
	}
}

// put writes the entry of a code wherever its bits lead.
func (t *table) put(code int, size, first uint, e uint32) {
	if size <= first {
		for i := code; i < 1<<first; i += 1 << size {
			t.head[i] = e
		}
		return
	}
	start := code & (1<<first - 1)
	more := uint(t.longest[start]) - first
	if t.head[start]&isLonger == 0 {
		t.head[start] = isLonger | uint32(more)<<8 | uint32(len(t.more))<<16
		for range 1 << more {
			t.more = append(t.more, isInvalid)
		}
	}
	at := int(t.head[start] >> 16)
	for i := code >> first; i < 1<<more; i += 1 << (size - first) {
		t.more[at+i] = e
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
