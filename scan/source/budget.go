package source

import (
	"container/list"
	"errors"
	"fmt"
	"sync"

	"webshellscan/scan/source/archive"
	"webshellscan/scan/source/image"
)

// ErrMemory is wrapped by errors about content that would not fit into the
// memory that Options allow.
var ErrMemory = errors.New("more memory needed than is allowed")

// budget is the memory for what is unpacked, shared by all goroutines.
type budget struct {
	most int64

	mu       sync.Mutex
	free     *sync.Cond
	used     int64
	held     int64 // of used: for good
	idle     idle  // of used: what is not being read
	kept     int64 // of used: blocks of images
	decoders int64 // of held: what unpacking takes beside the content
	full     bool  // others needed the room of blocks: none are kept any more

	memory memory
	blocks *image.Blocks
	pages  [][]byte // what the blocks lie in
	rest   []byte   // of the last page, for more of them
}

func newBudget(most int64) *budget {
	b := &budget{most: most}
	b.free = sync.NewCond(&b.mu)
	b.blocks = &image.Blocks{Alloc: b.alloc}
	return b
}

// alloc returns memory for a block of an image of n bytes, until others need
// it; nil if none is free.
func (b *budget) alloc(n int64) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full || n > b.most-b.used {
		return nil
	}
	b.used += n
	b.kept += n
	if n > pageSize {
		return make([]byte, n)
	}
	if int64(len(b.rest)) < n {
		b.rest = b.memory.page()
		b.pages = append(b.pages, b.rest)
	}
	block := b.rest[:n:n]
	b.rest = b.rest[n:]
	return block
}

// dropBlocks forgets the blocks of images, for good.
func (b *budget) dropBlocks() {
	b.blocks.Drop()
	b.memory.put(b.pages)
	b.used -= b.kept
	b.pages, b.rest, b.kept, b.full = nil, nil, 0, true
}

// hold reserves n bytes until let releases them.
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

// holdDecoder reserves what unpacking an archive needs beside the content, for
// good, as its members may be unpacked again: dictionaries of 16 to 64 MiB are
// usual for these formats, and the garbage collector lets them double.
func (b *budget) holdDecoder(format archive.Format) {
	const usual = 64 << 20
	switch format {
	case archive.SevenZip, archive.XZ, archive.Zstd:
		b.mu.Lock()
		defer b.mu.Unlock()
		more := min(usual, b.most/4) - b.decoders // one is unpacked at a time
		if more > 0 && more <= b.most-b.used {
			b.used += more
			b.held += more
			b.decoders += more
		}
	}
}

// let releases what hold reserved.
func (b *budget) let(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.held -= n
	b.free.Broadcast()
}

// acquire reserves n bytes, and waits until others release theirs. The first
// call succeeds even if it asks for more than is left beside what is held.
func (b *budget) acquire(n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.most {
		return fmt.Errorf("%w: %d MiB of %d", ErrMemory, n>>20, b.most>>20)
	}
	b.evict(n)
	for b.used > b.held && n > b.most-b.used {
		b.free.Wait()
		b.evict(n)
	}
	b.used += n
	return nil
}

// evict forgets what is not being read, and then the blocks of images, until
// there is room for n bytes.
func (b *budget) evict(n int64) {
	for b.idle.any() && n > b.most-b.used {
		u := b.idle.oldest()
		b.idle.remove(u)
		b.used -= u.room
		u.data.drop()
		u.data = nil
	}
	if b.kept > 0 && n > b.most-b.used {
		b.dropBlocks()
	}
}

// idle is content that is not being read, the longest unread first.
type idle struct {
	fresh, read list.List // of *unpacked: what was never read, and the rest
}

func (l *idle) any() bool { return l.fresh.Len()+l.read.Len() > 0 }

// of returns the list that content belongs to.
func (l *idle) of(u *unpacked) *list.List {
	if u.read {
		return &l.read
	}
	return &l.fresh
}

func (l *idle) add(u *unpacked)    { u.place = l.of(u).PushBack(u) }
func (l *idle) remove(u *unpacked) { l.of(u).Remove(u.place) }

// oldest returns what goes first: what was read once may never be asked for
// again.
func (l *idle) oldest() *unpacked {
	front := l.read.Front()
	if front == nil {
		front = l.fresh.Front()
	}
	return front.Value.(*unpacked)
}

// release releases what acquire reserved.
func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.free.Broadcast()
}

// defaultMemory returns a quarter of the machine's memory, at most 2 GiB; 1 GiB
// if it is not known.
func defaultMemory() int64 {
	const most = 2 << 30
	if all := machineMemory(); all > 0 {
		return min(all/4, most)
	}
	return most / 2
}
