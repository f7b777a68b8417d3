package image

import (
	"fmt"
	"sync"
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
	data  []byte // nil if the slot is free; never written to
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
	data := c.recent(block)
	if data == nil {
		spare, _ := c.spare.Get().(*[]byte)
		if spare == nil {
			spare = new(make([]byte, c.size))
		}
		data = *spare
		clear(data)
		if err := c.unpack(block, data); err != nil {
			return err
		}
		if c.kept.put(c, block, data) {
			defer c.spare.Put(spare) // nobody else has it
		} else {
			c.keep(block, data)
		}
	}
	copy(b, data[skip:])
	return nil
}

// recent returns a block if it was one of the last, nil if not.
func (c *blockCache) recent(block int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slot, ok := c.places[block]; ok {
		return c.slots[slot].data
	}
	return nil
}

// keep puts a block into the oldest slot.
func (c *blockCache) keep(block int64, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.places[block]; ok {
		return
	}
	slot := &c.slots[c.next]
	if slot.data != nil {
		delete(c.places, slot.block)
	}
	*slot = cachedBlock{block, data}
	c.places[block] = c.next
	c.next = (c.next + 1) % recentBlocks
}

// Blocks are unpacked blocks of several images that are kept until Drop, so
// that what is read twice is unpacked once. Those that came first stay: whoever
// reads an image again begins at its start. Goroutines may use it at once.
type Blocks struct {
	// Alloc returns memory for a block of so many bytes, nil if there is
	// none. After Drop it has no use any more.
	Alloc func(n int64) []byte

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
	if k == nil {
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

// Drop forgets all blocks. None are kept from then on, and nobody uses their
// memory.
func (k *Blocks) Drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.blocks, k.dropped = nil, true
}
