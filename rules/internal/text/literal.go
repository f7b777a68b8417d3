package text

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/bits"
	"slices"
)

// LiteralIndex finds which of many literals occur in a text. Each literal of
// four bytes or more is filed under the rarest of its windows of four bytes; a
// Text is run over once, and only where one of those windows stands is anything
// compared. Shorter literals are filed under two of their bytes; single bytes
// are looked for one by one. It is immutable once built.
//
// An Aho-Corasick automaton over the 10,000 literals that SigmaHQ's rules have
// for command lines would take 20 MB of tables; this takes half a megabyte and
// has no chain of dependent loads.
type LiteralIndex struct {
	literals []string

	shift   uint     // of the window's hash
	bitmap  []uint64 // hashes of windows in use
	mask    uint32   // of slots
	slots   []windowSlot
	entries []windowEntry

	pairs   *pairTable // of literals of two and three bytes; nil if there are none
	singles []int32    // literals of one byte
}

// windowSlot is where the entries of a window stand. An empty slot has none.
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

// windowHash spreads a window over 32 bits. The multiplier is 2^32 divided by
// the golden ratio.
func windowHash(w uint32) uint32 { return w * 0x9E3779B1 }

// NewLiteralIndex builds the index of distinct, non-empty literals. Their
// places in the slice are their numbers.
func NewLiteralIndex(literals []string) *LiteralIndex {
	x := &LiteralIndex{literals: literals}
	common := countWindows(literals)
	chosen := make(map[uint32][]windowEntry)
	pairs := make(map[uint16][]pairEntry)
	for i, s := range literals {
		switch {
		case len(s) >= windowSize:
			w, offset := rarestWindow(s, common, chosen)
			chosen[w] = append(chosen[w], windowEntry{int32(i), int32(offset)})
		case len(s) == 1:
			x.singles = append(x.singles, int32(i))
		default:
			addPair(pairs, s, int32(i))
		}
	}
	x.fillSlots(chosen)
	x.pairs = newPairTable(pairs)
	return x
}

// windowCount counts windows by the upper bits of their hash: what is common in
// rules is common in texts.
type windowCount struct {
	counts []uint16
	shift  uint
}

// countWindows counts the windows of all literals, in a table that suits their
// number.
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

// rarestWindow returns the window of a literal that occurs least in all
// literals and has the fewest literals filed under it.
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

// fillSlots lays the windows out in an open hash table, with a bitmap before it
// that one window in sixteen passes by chance.
func (x *LiteralIndex) fillSlots(chosen map[uint32][]windowEntry) {
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

func (x *LiteralIndex) place(slot windowSlot) {
	h := windowHash(slot.window)
	b := h >> x.shift
	x.bitmap[b>>6] |= 1 << (b & 63)
	i := h >> 8 & x.mask
	for x.slots[i].end != 0 {
		i = (i + 1) & x.mask
	}
	x.slots[i] = slot
}

// pairTable finds literals of two and three bytes by two of their bytes. It is
// immutable.
type pairTable struct {
	bitmap  [1 << 10]uint64 // pairs in use
	before  [1 << 10]uint16 // by word of the bitmap: pairs in use before it
	starts  []uint32        // by pair in use, in their order: where its entries start; and where the last one's end
	entries []pairEntry
}

// pairEntry is a literal that stands in a text where a pair does, if the byte
// beside that is its third one.
type pairEntry struct {
	literal int32
	beside  int8 // place of the third byte from the pair's first: 2 or -1; 0 for a literal of two bytes
	third   byte
}

// addPair files a literal of two or three bytes under a pair of them: the one
// that has fewer literals already.
func addPair(pairs map[uint16][]pairEntry, s string, literal int32) {
	pair, entry := pairAt(s, 0), pairEntry{literal: literal}
	if len(s) == 3 {
		entry.beside, entry.third = 2, s[2]
		if other := pairAt(s, 1); len(pairs[other]) < len(pairs[pair]) {
			pair, entry.beside, entry.third = other, -1, s[0]
		}
	}
	pairs[pair] = append(pairs[pair], entry)
}

func pairAt(s string, i int) uint16 { return uint16(s[i]) | uint16(s[i+1])<<8 }

// newPairTable lays entries out by their pair. It returns nil for none.
func newPairTable(pairs map[uint16][]pairEntry) *pairTable {
	if len(pairs) == 0 {
		return nil
	}
	t := &pairTable{}
	for _, pair := range slices.Sorted(maps.Keys(pairs)) {
		t.bitmap[pair>>6] |= 1 << (pair & 63)
		t.starts = append(t.starts, uint32(len(t.entries)))
		t.entries = append(t.entries, pairs[pair]...)
	}
	t.starts = append(t.starts, uint32(len(t.entries)))
	used := 0
	for i, word := range t.bitmap {
		t.before[i] = uint16(used)
		used += bits.OnesCount64(word)
	}
	return t
}

// scan is LiteralIndex.Scan for the literals of the table.
func (t *pairTable) scan(dst []int32, s []byte, seen []uint32, mark uint32) []int32 {
	for i := 0; i+2 <= len(s); i++ {
		pair := uint16(s[i]) | uint16(s[i+1])<<8
		word := t.bitmap[pair>>6]
		if word>>(pair&63)&1 == 0 {
			continue
		}
		n := int(t.before[pair>>6]) + bits.OnesCount64(word&(1<<(pair&63)-1))
		for _, e := range t.entries[t.starts[n]:t.starts[n+1]] {
			if beside := i + int(e.beside); seen[e.literal] != mark &&
				(e.beside == 0 || uint(beside) < uint(len(s)) && s[beside] == e.third) {
				seen[e.literal] = mark
				dst = append(dst, e.literal)
			}
		}
	}
	return dst
}

// Scan appends the literals that occur in s, each once. seen and mark are which
// have been met: seen[literal] == mark.
func (x *LiteralIndex) Scan(dst []int32, s []byte, seen []uint32, mark uint32) []int32 {
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
		dst = x.pairs.scan(dst, s, seen, mark)
	}
	for _, l := range x.singles {
		if bytes.IndexByte(s, x.literals[l][0]) >= 0 {
			dst = append(dst, l)
		}
	}
	return dst
}

// scanWindow compares the literals that are filed under the window at place i
// of s. It is kept out of the loop over the text.
func (x *LiteralIndex) scanWindow(dst []int32, s []byte, i int, w uint32, seen []uint32, mark uint32) []int32 {
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

// compare appends those of the literals that stand in s so that their window is
// at place i.
func (x *LiteralIndex) compare(dst []int32, s []byte, i int, entries []windowEntry, seen []uint32, mark uint32) []int32 {
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

// AffixTable finds which of many literals a text begins or ends with. Literals
// are filed under their outermost bytes, eight if they have so many: a text is
// looked up once for each such length. It is immutable once built.
type AffixTable struct {
	fromEnd  bool
	literals []string
	matchers []int32 // by literal
	lengths  []int   // of windows, in bytes, ascending
	mask     uint64
	slots    []affixSlot
	entries  []int32 // literals
}

// affixSlot is where the entries of a window stand. An empty slot has none.
type affixSlot struct {
	window     uint64
	length     int32
	start, end int32
}

// affixWindow is how many bytes a literal is filed under at most.
const affixWindow = 8

// NewAffixTable builds the table of distinct, non-empty literals, given with
// the matcher of each. It returns nil for none.
func NewAffixTable(literals []string, matchers []int32, fromEnd bool) *AffixTable {
	if len(literals) == 0 {
		return nil
	}
	t := &AffixTable{fromEnd: fromEnd, literals: literals, matchers: matchers}
	size := 1 << bits.Len(uint(2*len(literals)-1))
	t.mask, t.slots = uint64(size-1), make([]affixSlot, size)
	byLength := make([]map[uint64][]int32, affixWindow+1)
	for n, s := range literals {
		length := min(len(s), affixWindow)
		if byLength[length] == nil {
			byLength[length] = make(map[uint64][]int32)
		}
		window := t.window([]byte(s), length)
		byLength[length][window] = append(byLength[length][window], int32(n))
	}
	for length, windows := range byLength {
		if len(windows) > 0 {
			t.lengths = append(t.lengths, length)
		}
		for _, window := range slices.Sorted(maps.Keys(windows)) {
			start := int32(len(t.entries))
			t.entries = append(t.entries, windows[window]...)
			*t.slot(window, length) = affixSlot{window, int32(length), start, int32(len(t.entries))}
		}
	}
	return t
}

// window returns the outermost bytes of s, which has so many.
func (t *AffixTable) window(s []byte, length int) uint64 {
	if t.fromEnd {
		s = s[len(s)-length:]
	}
	if len(s) >= affixWindow {
		return binary.LittleEndian.Uint64(s) & (1<<(8*length) - 1)
	}
	var w uint64
	for i := range length {
		w |= uint64(s[i]) << (8 * i)
	}
	return w
}

// slot returns the slot of a window, or the empty one where it would be.
func (t *AffixTable) slot(window uint64, length int) *affixSlot {
	h := (window ^ uint64(length)) * 0x9E3779B97F4A7C15
	for at := (h >> 32) & t.mask; ; at = (at + 1) & t.mask {
		slot := &t.slots[at]
		if slot.end == 0 || slot.window == window && slot.length == int32(length) {
			return slot
		}
	}
}

// Find appends the matchers of the literals that s begins or ends with.
func (t *AffixTable) Find(dst []int32, s []byte) []int32 {
	for _, length := range t.lengths {
		if length > len(s) {
			break
		}
		slot := t.slot(t.window(s, length), length)
		for _, n := range t.entries[slot.start:slot.end] {
			literal := t.literals[n]
			if len(literal) > len(s) {
				continue
			}
			affix := s[:len(literal)]
			if t.fromEnd {
				affix = s[len(s)-len(literal):]
			}
			if string(affix) == literal {
				dst = append(dst, t.matchers[n])
			}
		}
	}
	return dst
}
