package rules

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// literalIndex finds which of many literals occur in a text. Each literal of four bytes or more is filed under the rarest of its
// windows of four bytes; a text is run over once, and only where one of those windows stands is anything compared. Shorter
// literals are filed under two of their bytes; single bytes are looked for one by one. It is immutable once built.
//
// An Aho-Corasick automaton over the 10,000 literals that SigmaHQ's rules have for command lines would take 20 MB of tables;
// this takes half a megabyte and has no chain of dependent loads.
type literalIndex struct {
	literals []string

	shift   uint     // of the window's hash
	bitmap  []uint64 // hashes of windows in use
	mask    uint32   // of slots
	slots   []windowSlot
	entries []windowEntry

	pairs   *[1 << 10]uint64 // bitmap of pairs of bytes in use, nil if there are none
	byPair  map[uint16][]windowEntry
	singles []int32 // literals of one byte
}

// windowSlot says where the entries of a window stand. An empty slot has none.
type windowSlot struct {
	window     uint32
	start, end int32
}

// windowEntry is a literal and where in it its window stands.
type windowEntry struct {
	literal int32
	offset  int32
}

const windowSize = 4

// windowHash spreads a window over 32 bits. The multiplier is 2^32 divided by the golden ratio.
func windowHash(w uint32) uint32 { return w * 0x9E3779B1 }

// newLiteralIndex builds the index of distinct, non-empty literals. Their places in the slice are their numbers.
func newLiteralIndex(literals []string) *literalIndex {
	x := &literalIndex{literals: literals}
	common := countWindows(literals)
	chosen := make(map[uint32][]windowEntry)
	for i, s := range literals {
		switch {
		case len(s) >= windowSize:
			w, offset := rarestWindow(s, common, chosen)
			chosen[w] = append(chosen[w], windowEntry{int32(i), int32(offset)})
		case len(s) == 1:
			x.singles = append(x.singles, int32(i))
		default:
			x.addPair(s, int32(i))
		}
	}
	x.fillSlots(chosen)
	return x
}

// windowCount counts windows by the upper bits of their hash: what is common in rules is common in texts.
type windowCount struct {
	counts []uint16
	shift  uint
}

// countWindows counts the windows of all literals, in a table that suits their number.
func countWindows(literals []string) windowCount {
	total := 0
	for _, s := range literals {
		total += max(0, len(s)-windowSize+1)
	}
	width := min(16, max(8, bits.Len(uint(4*total))))
	c := windowCount{make([]uint16, 1<<width), uint(32 - width)}
	for _, s := range literals {
		for i := 0; i+windowSize <= len(s); i++ {
			if n := &c.counts[windowHash(windowAt(s, i))>>c.shift]; *n < 1<<15 {
				*n++
			}
		}
	}
	return c
}

func (c windowCount) of(window uint32) int { return int(c.counts[windowHash(window)>>c.shift]) }

func windowAt(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// rarestWindow returns the window of a literal that occurs least in all literals and has the fewest literals filed under it.
func rarestWindow(s string, common windowCount, chosen map[uint32][]windowEntry) (window uint32, offset int) {
	least := -1
	for i := 0; i+windowSize <= len(s); i++ {
		w := windowAt(s, i)
		weight := common.of(w) + 4*len(chosen[w])
		if least < 0 || weight < least {
			least, window, offset = weight, w, i
		}
	}
	return window, offset
}

// addPair files a literal of two or three bytes under a pair of them: the one that has fewer literals already.
func (x *literalIndex) addPair(s string, literal int32) {
	if x.pairs == nil {
		x.pairs, x.byPair = new([1 << 10]uint64), make(map[uint16][]windowEntry)
	}
	offset := 0
	if len(s) == 3 && len(x.byPair[pairAt(s, 1)]) < len(x.byPair[pairAt(s, 0)]) {
		offset = 1
	}
	pair := pairAt(s, offset)
	x.pairs[pair>>6] |= 1 << (pair & 63)
	x.byPair[pair] = append(x.byPair[pair], windowEntry{literal, int32(offset)})
}

func pairAt(s string, i int) uint16 { return uint16(s[i]) | uint16(s[i+1])<<8 }

// fillSlots lays the windows out in an open hash table, with a bitmap before it that one window in sixteen passes by chance.
func (x *literalIndex) fillSlots(chosen map[uint32][]windowEntry) {
	if len(chosen) == 0 {
		return
	}
	width := max(10, bits.Len(uint(len(chosen)*16-1)))
	width = min(width, 20)
	x.shift = uint(32 - width)
	x.bitmap = make([]uint64, 1<<width/64)
	size := 1 << bits.Len(uint(2*len(chosen)-1))
	x.mask = uint32(size - 1)
	x.slots = make([]windowSlot, size)
	filed := make(map[uint32]bool, len(chosen))
	for i := range x.literals { // in the order of literals, so that the layout is always the same
		s := x.literals[i]
		if len(s) < windowSize {
			continue
		}
		for j := 0; j+windowSize <= len(s); j++ {
			w := windowAt(s, j)
			entries := chosen[w]
			if filed[w] || len(entries) == 0 {
				continue
			}
			filed[w] = true
			start := int32(len(x.entries))
			x.entries = append(x.entries, entries...)
			x.place(windowSlot{w, start, int32(len(x.entries))})
		}
	}
}

func (x *literalIndex) place(slot windowSlot) {
	h := windowHash(slot.window)
	b := h >> x.shift
	x.bitmap[b>>6] |= 1 << (b & 63)
	i := h >> 8 & x.mask
	for x.slots[i].end != 0 {
		i = (i + 1) & x.mask
	}
	x.slots[i] = slot
}

// scan appends the literals that occur in s, each once. seen and mark tell which have been met: seen[literal] == mark.
func (x *literalIndex) scan(dst []int32, s []byte, seen []uint32, mark uint32) []int32 {
	if x.slots != nil {
		shift, bitmap := x.shift, x.bitmap
		for i := 0; i+windowSize <= len(s); i++ {
			w := binary.LittleEndian.Uint32(s[i:])
			b := windowHash(w) >> shift
			if bitmap[b>>6]>>(b&63)&1 != 0 {
				dst = x.scanWindow(dst, s, i, w, seen, mark)
			}
		}
	}
	if x.pairs != nil {
		for i := 0; i+2 <= len(s); i++ {
			pair := uint16(s[i]) | uint16(s[i+1])<<8
			if x.pairs[pair>>6]>>(pair&63)&1 != 0 {
				dst = x.compare(dst, s, i, x.byPair[pair], seen, mark)
			}
		}
	}
	for _, l := range x.singles {
		if bytes.IndexByte(s, x.literals[l][0]) >= 0 {
			dst = append(dst, l)
		}
	}
	return dst
}

// scanWindow compares the literals that are filed under the window at place i of s. It is kept out of the loop over the text.
func (x *literalIndex) scanWindow(dst []int32, s []byte, i int, w uint32, seen []uint32, mark uint32) []int32 {
	h := windowHash(w) >> 8 & x.mask
	for ; x.slots[h].end != 0; h = (h + 1) & x.mask {
		slot := &x.slots[h]
		if slot.window != w {
			continue
		}
		return x.compare(dst, s, i, x.entries[slot.start:slot.end], seen, mark)
	}
	return dst
}

// compare appends those of the literals that stand in s so that their window is at place i.
func (x *literalIndex) compare(dst []int32, s []byte, i int, entries []windowEntry, seen []uint32, mark uint32) []int32 {
	for _, e := range entries {
		literal := x.literals[e.literal]
		start := i - int(e.offset)
		if seen[e.literal] == mark || start < 0 || len(s)-start < len(literal) {
			continue
		}
		if string(s[start:start+len(literal)]) == literal {
			seen[e.literal] = mark
			dst = append(dst, e.literal)
		}
	}
	return dst
}

// affixTable finds which of many literals a text begins or ends with: texts are hashed byte by byte from that end, and looked up
// at every length that a literal has.
type affixTable struct {
	fromEnd  bool
	literals []string
	matchers []int32 // by literal
	lengths  []bool  // by length in bytes
	mask     uint64
	slots    []int32 // number of literal plus one, 0 for none
}

const (
	affixSeed  = 0xCBF29CE484222325 // FNV-1a, 64 bits
	affixPrime = 0x100000001B3
)

// newAffixTable builds the table of distinct, non-empty literals, given with the matcher of each. It returns nil for none.
func newAffixTable(literals []string, matchers []int32, fromEnd bool) *affixTable {
	if len(literals) == 0 {
		return nil
	}
	t := &affixTable{fromEnd: fromEnd, literals: literals, matchers: matchers}
	size := 1 << bits.Len(uint(4*len(literals)-1))
	t.mask, t.slots = uint64(size-1), make([]int32, size)
	for n, s := range literals {
		for len(t.lengths) <= len(s) {
			t.lengths = append(t.lengths, false)
		}
		t.lengths[len(s)] = true
		h, text := uint64(affixSeed), []byte(s)
		for i := range text {
			h = (h ^ uint64(t.byteAt(text, i))) * affixPrime
		}
		at := t.slotOf(h)
		for t.slots[at] != 0 {
			at = (at + 1) & t.mask
		}
		t.slots[at] = int32(n + 1)
	}
	return t
}

func (t *affixTable) slotOf(h uint64) uint64 { return (h ^ h>>32) & t.mask }

// byteAt returns the i-th byte of s, counted from the end that the table looks at.
func (t *affixTable) byteAt(s []byte, i int) byte {
	if t.fromEnd {
		return s[len(s)-1-i]
	}
	return s[i]
}

// find appends the matchers of the literals that s begins or ends with.
func (t *affixTable) find(dst []int32, s []byte) []int32 {
	h := uint64(affixSeed)
	for i := 0; i < len(s) && i+1 < len(t.lengths); i++ {
		h = (h ^ uint64(t.byteAt(s, i))) * affixPrime
		if !t.lengths[i+1] {
			continue
		}
		affix := s[:i+1]
		if t.fromEnd {
			affix = s[len(s)-1-i:]
		}
		for at := t.slotOf(h); t.slots[at] != 0; at = (at + 1) & t.mask {
			n := t.slots[at] - 1
			if string(affix) == t.literals[n] {
				dst = append(dst, t.matchers[n])
				break
			}
		}
	}
	return dst
}
