package image

import (
	"fmt"
	"sync"
)

// cachedBlocks is how many unpacked blocks an image keeps.
const cachedBlocks = 64

// blockCache keeps the blocks of a compressed image that were unpacked last.
// Goroutines may use it at once; blocks are unpacked side by side.
type blockCache struct {
	size   int64 // of a block, in bytes
	unpack func(block int64, dst []byte) error

	mu     sync.Mutex
	slots  [cachedBlocks]cachedBlock
	next   int
	places map[int64]int // by block: its slot
}

type cachedBlock struct {
	block int64
	data  []byte // nil if the slot is free
}

func newBlockCache(size int64, unpack func(block int64, dst []byte) error) *blockCache {
	return &blockCache{size: size, unpack: unpack, places: make(map[int64]int)}
}

// read fills b with a block's bytes from skip on.
func (c *blockCache) read(b []byte, block, skip int64) error {
	if skip < 0 || skip+int64(len(b)) > c.size {
		return fmt.Errorf("%w: %d bytes at %d of a block of %d", ErrDamaged, len(b), skip, c.size)
	}
	c.mu.Lock()
	if slot, ok := c.places[block]; ok {
		copy(b, c.slots[slot].data[skip:])
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	data := make([]byte, c.size)
	if err := c.unpack(block, data); err != nil {
		return err
	}
	copy(b, data[skip:])
	c.keep(block, data)
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
	c.next = (c.next + 1) % cachedBlocks
}
