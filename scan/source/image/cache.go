package image

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// recentBlocks is how many unpacked blocks an image always keeps.
const recentBlocks = 64

// blockCache keeps the blocks of a compressed image: the last ones that were
// unpacked, and for good as many as there is memory for. Goroutines may use it
// at once; blocks are unpacked side by side.
type blockCache struct {
	size   int64 // of a block, in bytes
	unpack func(block int64, dst []byte) error
	kept   *Blocks // nil: none are kept for good
	spare  sync.Pool

	mu     sync.Mutex
	slots  [recentBlocks]cachedBlock
	next   int
	places map[int64]int // by block: its slot
}

type cachedBlock struct {
	block int64
	data  *[]byte // nil if the slot is free
}

func newBlockCache(size int64, unpack func(block int64, dst []byte) error) *blockCache {
	return &blockCache{size: size, unpack: unpack, places: make(map[int64]int)}
}

// read fills b with a block's bytes from skip on.
func (c *blockCache) read(b []byte, block, skip int64) error {
	if skip < 0 || skip+int64(len(b)) > c.size {
		return fmt.Errorf("%w: %d bytes at %d of a block of %d", ErrDamaged, len(b), skip, c.size)
	}
	if c.kept.read(b, c, block, skip) {
		return nil
	}
	if c.recent(b, block, skip) {
		return nil
	}
	spare, _ := c.spare.Get().(*[]byte)
	if spare == nil {
		spare = new(make([]byte, c.size))
	}
	data := *spare
	clear(data)
	if err := c.unpack(block, data); err != nil {
		return err
	}
	copy(b, data[skip:])
	if !c.kept.put(c, block, data) {
		spare = c.keep(block, spare)
	}
	if spare != nil {
		c.spare.Put(spare) // nobody else has it
	}
	return nil
}

// recent fills b with a block's bytes from skip on if it was one of the last,
// and reports whether it was.
func (c *blockCache) recent(b []byte, block, skip int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	slot, ok := c.places[block]
	if ok {
		copy(b, (*c.slots[slot].data)[skip:])
	}
	return ok
}

// keep puts a block into the oldest slot, and returns what nobody has any more:
// the block that was there, or nil.
func (c *blockCache) keep(block int64, data *[]byte) *[]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.places[block]; ok {
		return data
	}
	slot := &c.slots[c.next]
	old := slot.data
	if old != nil {
		delete(c.places, slot.block)
	}
	*slot = cachedBlock{block, data}
	c.places[block] = c.next
	c.next = (c.next + 1) % recentBlocks
	return old
}

// Blocks are unpacked blocks of several images that are kept until Drop, so
// that what is read twice is unpacked once. Those that came first stay: whoever
// reads an image again begins at its start. Goroutines may use it at once.
type Blocks struct {
	// Alloc returns memory for a block of so many bytes, nil if there is
	// none. After Drop it has no use any more.
	Alloc func(n int64) []byte

	paused  atomic.Bool
	mu      sync.RWMutex
	blocks  map[blockKey][]byte
	dropped bool
}

type blockKey struct {
	cache *blockCache
	block int64
}

// read fills b with a block's bytes from skip on, and reports whether the block
// was kept.
func (k *Blocks) read(b []byte, c *blockCache, block, skip int64) bool {
	if k == nil {
		return false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	data, ok := k.blocks[blockKey{c, block}]
	if ok {
		copy(b, data[skip:])
	}
	return ok
}

// put keeps a copy of a block, and reports whether it did.
func (k *Blocks) put(c *blockCache, block int64, data []byte) bool {
	if k == nil || k.paused.Load() {
		return false
	}
	memory := k.Alloc(c.size) // without the lock: who is asked may call Drop
	if memory == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dropped {
		return false // and the memory is not ours any more
	}
	if k.blocks == nil {
		k.blocks = make(map[blockKey][]byte)
	}
	copy(memory, data)
	k.blocks[blockKey{c, block}] = memory
	return true
}

// Pause has no more blocks kept until Resume: memory that nobody has used yet
// costs as much as unpacking a block.
func (k *Blocks) Pause() { k.paused.Store(true) }

// Resume ends what Pause began.
func (k *Blocks) Resume() { k.paused.Store(false) }

// Drop forgets all blocks. None are kept from then on, and nobody uses their
// memory.
func (k *Blocks) Drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.blocks, k.dropped = nil, true
}
