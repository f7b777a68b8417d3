package source

import (
	"errors"
	"fmt"
	"sync"

	"webshellscan/scan/source/image"
)

// ErrMemory is wrapped by errors about content that would not fit into the memory
// that Options allow.
var ErrMemory = errors.New("more memory needed than is allowed")

// budget is the memory for what is unpacked, shared by all goroutines.
type budget struct {
	most int64

	mu   sync.Mutex
	free *sync.Cond
	used int64
	held int64       // of used: for good
	idle []*unpacked // of used: what nobody reads now, the longest unread first
	kept int64       // of used: blocks of images
	full bool        // others needed the room of blocks: none are kept any more

	blocks *image.Blocks
}

func newBudget(most int64) *budget {
	b := &budget{most: most}
	b.free = sync.NewCond(&b.mu)
	b.blocks = &image.Blocks{Take: b.take}
	return b
}

// take takes n bytes for a block of an image, if they are free, until others need them.
func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full || n > b.most-b.used {
		return false
	}
	b.used += n
	b.kept += n
	return true
}

// hold takes n bytes for as long as the scan lasts.
func (b *budget) hold(n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.evict(n)
	if n > b.most-b.used {
		return fmt.Errorf("%w: %d MiB, of which %d are free", ErrMemory, n>>20, (b.most-b.used)>>20)
	}
	b.used += n
	b.held += n
	return nil
}

// let gives back what hold took.
func (b *budget) let(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.held -= n
	b.free.Broadcast()
}

// acquire takes n bytes, and waits until others give back theirs. The first comes
// through even if it asks for more than is left beside what is held. It returns
// memory that can be used for that, nil if there is none.
func (b *budget) acquire(n int64) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.most {
		return nil, fmt.Errorf("%w: %d MiB of %d", ErrMemory, n>>20, b.most>>20)
	}
	spare := b.evict(n)
	for b.used > b.held && n > b.most-b.used {
		b.free.Wait()
		if memory := b.evict(n); memory != nil {
			spare = memory
		}
	}
	b.used += n
	return spare, nil
}

// evict forgets what nobody reads, and then the blocks of images, until there is room
// for n bytes. It returns memory of something that is large enough, nil if nothing
// was.
func (b *budget) evict(n int64) (spare []byte) {
	for len(b.idle) > 0 && n > b.most-b.used {
		u := b.idle[0]
		b.idle = b.idle[1:]
		b.used -= u.member.Size
		if int64(cap(u.data)) >= n {
			spare = u.data[:n]
		}
		u.data = nil
	}
	if b.kept > 0 && n > b.most-b.used {
		b.blocks.Drop()
		b.used -= b.kept
		b.kept, b.full = 0, true
	}
	return spare
}

// release gives back what acquire took.
func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.free.Broadcast()
}

// defaultMemory returns a quarter of the machine's memory, at most 2 GiB; 1 GiB if it
// is not known.
func defaultMemory() int64 {
	const most = 2 << 30
	if all := machineMemory(); all > 0 {
		return min(all/4, most)
	}
	return most / 2
}
