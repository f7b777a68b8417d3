package source

import (
	"runtime"
	"sync"
)

// pageSize is the size of the pieces that unpacked content is kept in, in
// bytes.
const pageSize = 64 << 10

// memory gives out pages, and takes them back to give them out again. They are
// not the garbage collector's where the system allows it: that would let the
// program grow to twice of what they take before it looks for garbage. They go
// back to the system when nobody knows the memory any more: whoever has a page
// must know it. Goroutines may use it at once.
type memory struct {
	mu    sync.Mutex
	pages [][]byte
}

// page returns a page, which may have bytes of its last user.
func (m *memory) page() []byte {
	const slab = 64 // pages that are mapped at once
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.pages) == 0 {
		b := mapMemory(slab * pageSize)
		if b == nil {
			return make([]byte, pageSize)
		}
		runtime.AddCleanup(m, unmapMemory, b)
		for i := range slab {
			m.pages = append(m.pages, b[i*pageSize:(i+1)*pageSize:(i+1)*pageSize])
		}
	}
	last := len(m.pages) - 1
	page := m.pages[last]
	m.pages = m.pages[:last]
	return page
}

// put takes pages back.
func (m *memory) put(list [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pages = append(m.pages, list...)
}
