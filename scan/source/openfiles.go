package source

import (
	"io"
	"slices"
	"sync"
)

// OpenFiles are inputs of which there may be more than a process may have open:
// each is opened when it is read, and those that were opened the longest time
// ago are closed, unless they are being read. The zero value holds none.
// Goroutines may read the inputs at once.
type OpenFiles struct {
	mu   sync.Mutex
	open []*reopened // the one that was opened last at the end
}

// maxOpenFiles bounds how many are open at once.
const maxOpenFiles = 200

// reopened is one of them.
type reopened struct {
	all   *OpenFiles
	input Input
	mu    sync.Mutex
	file  *File // nil if it is not open
}

// Add opens an input and returns what reads it, until Close, with its size.
func (p *OpenFiles) Add(in Input) (io.ReaderAt, int64, error) {
	f := &reopened{all: p, input: in}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reopen(); err != nil {
		return nil, 0, err
	}
	return f, f.file.Size(), nil
}

// ReadAt implements io.ReaderAt.
func (f *reopened) ReadAt(b []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reopen(); err != nil {
		return 0, err
	}
	return f.file.ReadAt(b, off)
}

// reopen opens a file that is not open, which the caller has locked.
func (f *reopened) reopen() (err error) {
	if f.file != nil {
		return nil
	}
	f.file, err = f.input.Open()
	if err == nil {
		f.all.opened(f)
	}
	return err
}

// opened notes an open file, and closes others if there are too many.
func (p *OpenFiles) opened(f *reopened) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, f)
	for i := 0; len(p.open) > maxOpenFiles && i < len(p.open); {
		if other := p.open[i]; other != f && other.mu.TryLock() {
			other.close()
			other.mu.Unlock()
			p.open = slices.Delete(p.open, i, i+1)
			continue
		}
		i++ // it is being read
	}
}

// close closes a file that the caller has locked.
func (f *reopened) close() {
	_ = f.file.Close() // it was only read
	f.file = nil
}

// Close closes all.
func (p *OpenFiles) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.open {
		f.mu.Lock()
		f.close()
		f.mu.Unlock()
	}
	p.open = nil
}
