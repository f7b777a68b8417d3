package proctree

import (
	"hash/maphash"
	"iter"
	"sync"
	"sync/atomic"
	"unsafe"
)

// TextID numbers a text of an Interner: equal numbers mean equal texts. Zero
// stands for no text, which is not the same as the empty one. Numbers differ
// from run to run, so nothing may be ordered by them.
type TextID uint32

// Interner keeps each distinct text once and numbers it. Goroutines may share
// it.
type Interner struct {
	seed   maphash.Seed
	shards [numShards]shard
}

const (
	numShards  = 32
	entryBlock = 1 << 10 // entries are allocated so many at a time
	minSlab    = 1 << 10 // bytes of a shard's first slab of text
	maxSlab    = 1 << 18 // bytes of its later ones, unless one text is longer
)

// shard is one part of an Interner: an open-addressed table of the texts whose
// hash falls to it.
type shard struct {
	mu    sync.Mutex
	slots []uint64 // upper half: of the hash; lower half: 1 + index of the entry
	count int
	// What readers without the lock see: slices of blocks that never move.
	entries atomic.Pointer[[]*[entryBlock]entry]
	slabs   atomic.Pointer[[][]byte]
	free    []byte // the rest of the last slab
	_       [64]byte
}

// entry is where a text lies.
type entry struct{ slab, off, size uint32 }

// NewInterner returns an empty Interner.
func NewInterner() *Interner { return &Interner{seed: maphash.MakeSeed()} }

// Intern returns the number of a text, which it copies if it is new.
func (in *Interner) Intern(text []byte) TextID {
	h := maphash.Bytes(in.seed, text)
	n := uint32(h % numShards)
	return TextID(in.shards[n].intern(text, h>>32)*numShards+n) + 1
}

// InternString is Intern for a string.
func (in *Interner) InternString(text string) TextID {
	return in.Intern(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// Text returns the text of a number that Intern returned, "" for zero. The text
// shares the Interner's memory.
func (in *Interner) Text(id TextID) string {
	if id == 0 {
		return ""
	}
	id--
	return in.shards[id%numShards].text(uint32(id) / numShards)
}

// All yields the texts with their numbers. Others may intern while it goes on:
// what they add may or may not be among them.
func (in *Interner) All() iter.Seq2[TextID, string] {
	return func(yield func(TextID, string) bool) {
		for n := range in.shards {
			s := &in.shards[n]
			s.mu.Lock()
			count := s.count
			s.mu.Unlock()
			for index := range count {
				if !yield(TextID(index*numShards+n)+1, s.text(uint32(index))) {
					return
				}
			}
		}
	}
}

func (s *shard) text(index uint32) string {
	e := &(*s.entries.Load())[index/entryBlock][index%entryBlock]
	if e.size == 0 {
		return ""
	}
	slab := (*s.slabs.Load())[e.slab]
	return unsafe.String(&slab[e.off], e.size)
}

// intern returns the index of the text's entry. hash is the upper half of the
// text's hash.
func (s *shard) intern(text []byte, hash uint64) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if 4*s.count >= 3*len(s.slots) {
		s.grow()
	}
	mask := uint64(len(s.slots) - 1)
	i := hash & mask
	for ; s.slots[i] != 0; i = (i + 1) & mask {
		if slot := s.slots[i]; slot>>32 == hash && s.text(uint32(slot)-1) == string(text) {
			return uint32(slot) - 1
		}
	}
	index := s.add(text)
	s.slots[i] = hash<<32 | uint64(index+1)
	return index
}

// grow doubles the table.
func (s *shard) grow() {
	old := s.slots
	s.slots = make([]uint64, max(64, 2*len(old)))
	mask := uint64(len(s.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := slot >> 32 & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = slot
	}
}

// add keeps a new text and returns the index of its entry.
func (s *shard) add(text []byte) uint32 {
	index := uint32(s.count)
	s.count++
	if index%entryBlock == 0 {
		s.addBlock()
	}
	if len(text) == 0 {
		return index
	}
	if len(s.free) < len(text) {
		s.addSlab(len(text))
	}
	slabs := *s.slabs.Load()
	last := len(slabs) - 1
	off := len(slabs[last]) - len(s.free)
	copy(s.free, text)
	s.free = s.free[len(text):]
	(*s.entries.Load())[index/entryBlock][index%entryBlock] = entry{uint32(last), uint32(off), uint32(len(text))}
	return index
}

func (s *shard) addBlock() {
	var list []*[entryBlock]entry
	if p := s.entries.Load(); p != nil {
		list = *p
	}
	list = append(list, new([entryBlock]entry))
	s.entries.Store(&list)
}

// addSlab begins a slab with room for at least need bytes.
func (s *shard) addSlab(need int) {
	var slabs [][]byte
	if p := s.slabs.Load(); p != nil {
		slabs = *p
	}
	size := maxSlab
	if len(slabs) < 8 {
		size = minSlab << len(slabs)
	}
	s.free = make([]byte, max(size, need))
	slabs = append(slabs, s.free)
	s.slabs.Store(&slabs)
}
