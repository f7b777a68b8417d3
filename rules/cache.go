package rules

import "math/bits"

// valueCache keeps the verdict of values by field and ID: a table of buckets of
// four in one cache line each. It grows with the values, so that a bucket
// seldom overflows, up to a fixed size; after that the oldest of a bucket gives
// way.
type valueCache struct {
	slots []valueSlot
	shift uint // of the hash, to the number of a bucket
	limit int  // slots at most
	used  int  // slots in use
}

// valueSlot is the verdict of one value. A free slot has field 0.
type valueSlot struct {
	id      ValueID
	field   uint32 // index plus one; indices beyond those of fields are those of bundles and groups
	verdict uint32
}

const (
	bucketSize        = 4
	smallestCache     = 1 << 8
	defaultCacheSize  = 1 << 19
	largestCacheShift = 28
)

// newValueCache returns a cache for so many values, rounded up to a power of
// two; 0 means the default.
func newValueCache(size int) valueCache {
	if size <= 0 {
		size = defaultCacheSize
	}
	limit := 1 << min(largestCacheShift, bits.Len(uint(max(size, smallestCache)-1)))
	c := valueCache{limit: limit}
	c.resize(smallestCache)
	return c
}

func (c *valueCache) resize(size int) {
	old := c.slots
	c.slots = make([]valueSlot, size)
	c.shift = uint(64 - bits.TrailingZeros(uint(size/bucketSize)))
	c.used = 0
	for i := range old {
		if old[i].field != 0 {
			c.put(old[i])
		}
	}
}

// bucket returns the bucket of a value. The multipliers are odd numbers with
// well spread bits.
func (c *valueCache) bucket(id ValueID, field uint32) *[bucketSize]valueSlot {
	h := (uint64(id) ^ uint64(field)*0xC2B2AE3D27D4EB4F) * 0x9E3779B97F4A7C15
	i := h >> c.shift * bucketSize
	return (*[bucketSize]valueSlot)(c.slots[i : i+bucketSize])
}

// get returns the verdict of a value, if it is kept. field is the index plus
// one.
func (c *valueCache) get(id ValueID, field uint32) (verdict uint32, ok bool) {
	b := c.bucket(id, field)
	for i := range b {
		if b[i].id == id && b[i].field == field {
			return b[i].verdict, true
		}
	}
	return 0, false
}

// add keeps a verdict that is not kept yet.
func (c *valueCache) add(slot valueSlot) {
	if c.used >= len(c.slots)/4 && len(c.slots) < c.limit {
		c.resize(min(c.limit, 4*len(c.slots)))
	}
	c.put(slot)
}

func (c *valueCache) put(slot valueSlot) {
	b := c.bucket(slot.id, slot.field)
	if b[bucketSize-1].field == 0 {
		c.used++
	}
	copy(b[1:], b[:bucketSize-1])
	b[0] = slot
}

func (c *valueCache) clear() {
	clear(c.slots)
	c.used = 0
}

// tupleTable numbers distinct tuples of numbers, from 0 in the order in which
// they come. It interns verdicts, which are lists of predicates, and finds what
// is known of a subject by its tuple of verdicts.
type tupleTable struct {
	data   []uint32 // of all tuples
	ends   []uint32 // by tuple: its end in data
	hashes []uint32 // by tuple
	slots  []uint32 // open hash table: number of tuple plus one
}

func newTupleTable() tupleTable { return tupleTable{slots: make([]uint32, 64)} }

// len returns how many tuples there are.
func (t *tupleTable) len() int { return len(t.ends) }

// size returns how many numbers all tuples have.
func (t *tupleTable) size() int { return len(t.data) }

// at returns the tuple of a number. The slice must not be changed or kept
// beyond the next add.
func (t *tupleTable) at(n uint32) []uint32 {
	start := uint32(0)
	if n > 0 {
		start = t.ends[n-1]
	}
	return t.data[start:t.ends[n]]
}

const tupleSeed = 0xCBF29CE484222325 // that of FNV-1a, 64 bits

// tupleHash is FNV-1a over whole numbers, folded to spread its upper bits.
func tupleHash(tuple []uint32) uint32 {
	h := uint64(tupleSeed)
	for _, v := range tuple {
		h = (h ^ uint64(v)) * 0x9E3779B97F4A7C15
	}
	return uint32(h >> 32)
}

// find returns the number of a tuple, if it is there.
func (t *tupleTable) find(tuple []uint32, hash uint32) (uint32, bool) {
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; t.slots[i] != 0; i = (i + 1) & mask {
		n := t.slots[i] - 1
		if t.hashes[n] == hash && equalTuples(t.at(n), tuple) {
			return n, true
		}
	}
	return 0, false
}

func equalTuples(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// add adds a tuple that is not there yet and returns its number.
func (t *tupleTable) add(tuple []uint32, hash uint32) uint32 {
	n := uint32(len(t.ends))
	t.data = append(t.data, tuple...)
	t.ends = append(t.ends, uint32(len(t.data)))
	t.hashes = append(t.hashes, hash)
	if 2*len(t.ends) > len(t.slots) {
		t.slots = make([]uint32, 2*len(t.slots))
		for i := range t.ends {
			t.link(uint32(i))
		}
		return n
	}
	t.link(n)
	return n
}

func (t *tupleTable) link(n uint32) {
	mask := uint32(len(t.slots) - 1)
	i := t.hashes[n] & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = n + 1
}

// clear forgets all tuples and keeps the memory.
func (t *tupleTable) clear() {
	t.data, t.ends, t.hashes = t.data[:0], t.ends[:0], t.hashes[:0]
	clear(t.slots)
}
