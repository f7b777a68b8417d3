package rules

import (
	"sync"
	"sync/atomic"
)

// verdictCache is what the matchers of a Set established about values, for all
// of them: each value is then evaluated by one of them only. Verdicts are
// numbered, and tables have the verdict of a value by its number, so they are
// compact where callers number their values from 0. It is bounded: what has no
// place in it is left to each matcher. Goroutines may share it.
type verdictCache struct {
	mu       sync.RWMutex
	verdicts tupleTable // by verdict: the predicates that hold, ascending. Verdict 0 is the empty one

	tables []atomic.Pointer[verdictTable] // by what a verdict is about
	pages  atomic.Int64                   // that may still be made
}

// verdictTable has verdicts plus one by a value's number, 0 where none is
// known.
type verdictTable [1 << (sharedBits - pageBits)]atomic.Pointer[verdictPage]

type verdictPage [1 << pageBits]atomic.Uint32

const (
	sharedBits = 22 // verdicts of values with numbers below 1<<sharedBits are shared
	pageBits   = 10
	maxPages   = 1 << 12 // of all tables; 16 MiB
	keptPages  = 1 << 11 // of these, what is prefetched leaves so many to what is asked

	maxVerdicts    = 1 << 16 // distinct verdicts
	maxVerdictSize = 1 << 21 // predicates in all verdicts; 8 MiB
)

// newVerdictCache returns an empty cache of verdicts about so many things.
func newVerdictCache(tables int) *verdictCache {
	s := &verdictCache{verdicts: newTupleTable(), tables: make([]atomic.Pointer[verdictTable], tables)}
	s.pages.Store(maxPages)
	s.intern(nil, tupleHash(nil))
	return s
}

// intern returns the number of a verdict, false if it is not there and the
// cache is full.
func (s *verdictCache) intern(predicates []uint32, hash uint32) (verdict uint32, ok bool) {
	s.mu.RLock()
	verdict, ok = s.verdicts.find(predicates, hash)
	s.mu.RUnlock()
	if ok {
		return verdict, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if verdict, ok := s.verdicts.find(predicates, hash); ok {
		return verdict, true
	}
	if s.verdicts.len() >= maxVerdicts || s.verdicts.size()+len(predicates) > maxVerdictSize {
		return 0, false
	}
	return s.verdicts.add(predicates, hash), true
}

// at returns the predicates of a verdict. The slice must not be changed.
func (s *verdictCache) at(verdict uint32) []uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.verdicts.at(verdict)
}

// get returns the verdict of a value, if it is known.
func (s *verdictCache) get(about int, id ValueID) (verdict uint32, ok bool) {
	if id >= 1<<sharedBits {
		return 0, false
	}
	table := s.tables[about].Load()
	if table == nil {
		return 0, false
	}
	page := table[id>>pageBits].Load()
	if page == nil {
		return 0, false
	}
	verdict = page[id&(1<<pageBits-1)].Load()
	return verdict - 1, verdict != 0
}

// put keeps the verdict of a value. It reports whether there was a place for
// it.
func (s *verdictCache) put(about int, id ValueID, verdict uint32) bool {
	place := s.place(about, id, 0)
	if place == nil {
		return false
	}
	place.Store(verdict + 1)
	return true
}

// place returns where the verdict of a value is kept, plus one or 0, and nil if
// there is no place for it without touching the last pages, so many as are to
// be kept.
func (s *verdictCache) place(about int, id ValueID, kept int64) *atomic.Uint32 {
	if id >= 1<<sharedBits {
		return nil
	}
	table := s.tables[about].Load()
	if table == nil {
		s.tables[about].CompareAndSwap(nil, new(verdictTable))
		table = s.tables[about].Load()
	}
	page := table[id>>pageBits].Load()
	if page == nil {
		if s.pages.Load() <= kept || s.pages.Add(-1) < 0 {
			return nil
		}
		if !table[id>>pageBits].CompareAndSwap(nil, new(verdictPage)) {
			s.pages.Add(1)
		}
		page = table[id>>pageBits].Load()
	}
	return &page[id&(1<<pageBits-1)]
}
