package source

import (
	"runtime"
	"sync"
)

// pageSize is the size of the pieces that unpacked content is kept in, in
// bytes.
const pageSize = 64 << 10

// memory allocates pages, and reuses those that are put back. They are outside
// of the garbage collector's heap where the system allows it: with them the
// heap would grow to twice their size before it is collected. They are unmapped
// when the memory is no longer referenced: whoever has a page must hold a
// reference to it. Goroutines may use it at once.
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

// put puts pages back.
func (m *memory) put(list [][]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pages = append(m.pages, list...)
}
