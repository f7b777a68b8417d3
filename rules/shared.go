package rules

import "sync"

// sharedVerdicts is what several matchers found out about values: the predicates that hold, by field and ID. Each value is then
// judged by one of them. It is bounded: when it is full nothing more is added. A nil one is empty and takes nothing.
type sharedVerdicts struct {
	shards [sharedShards]struct {
		sync.RWMutex
		verdicts map[sharedKey][]uint32
		_        [64]byte // so that two shards do not share a cache line
	}
}

// sharedKey names a value: fields number their values together, but judge them by different predicates.
type sharedKey struct {
	id    ValueID
	field uint32
}

const (
	sharedShards   = 64 // a power of two
	maxSharedShard = 1 << 11
)

func newSharedVerdicts() *sharedVerdicts {
	s := &sharedVerdicts{}
	for i := range s.shards {
		s.shards[i].verdicts = make(map[sharedKey][]uint32)
	}
	return s
}

// shard returns the number of a key's shard.
func (k sharedKey) shard() uint64 {
	return (uint64(k.id) ^ uint64(k.field)<<32) * 0x9E3779B97F4A7C15 >> 58
}

// get returns the predicates that hold for a value, if they are known. The slice must not be changed.
func (s *sharedVerdicts) get(key sharedKey) (holds []uint32, ok bool) {
	if s == nil {
		return nil, false
	}
	shard := &s.shards[key.shard()]
	shard.RLock()
	holds, ok = shard.verdicts[key]
	shard.RUnlock()
	return holds, ok
}

// add keeps a copy of the predicates that hold for a value.
func (s *sharedVerdicts) add(key sharedKey, holds []uint32) {
	if s == nil {
		return
	}
	shard := &s.shards[key.shard()]
	shard.Lock()
	defer shard.Unlock()
	if len(shard.verdicts) < maxSharedShard {
		shard.verdicts[key] = append([]uint32(nil), holds...)
	}
}
