package scan

import (
	"slices"
	"sync"

	"webshellscan/scan/source"
)

// partFiles are files of partial results. There may be more of them than a
// process may have open: each is opened when it is read, and those that were
// opened the longest time ago are closed, but those that are being read.
type partFiles struct {
	mu   sync.Mutex
	open []*partFile // the one that was opened last at the end
}

// maxPartFiles bounds how many are open at once.
const maxPartFiles = 200

// partFile is one of them. It is safe for several goroutines.
type partFile struct {
	all   *partFiles
	input source.Input
	mu    sync.Mutex
	file  *source.File // nil if it is not open
}

// add opens a file and returns it with its size.
func (p *partFiles) add(in source.Input) (*partFile, int64, error) {
	f := &partFile{all: p, input: in}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reopen(); err != nil {
		return nil, 0, err
	}
	return f, f.file.Size(), nil
}

// ReadAt implements io.ReaderAt.
func (f *partFile) ReadAt(b []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.reopen(); err != nil {
		return 0, err
	}
	return f.file.ReadAt(b, off)
}

// reopen opens a file that is not open, which the caller has locked.
func (f *partFile) reopen() (err error) {
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
func (p *partFiles) opened(f *partFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, f)
	for i := 0; len(p.open) > maxPartFiles && i < len(p.open); {
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
func (f *partFile) close() {
	_ = f.file.Close() // it was only read
	f.file = nil
}

// close closes all.
func (p *partFiles) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.open {
		f.mu.Lock()
		f.close()
		f.mu.Unlock()
	}
	p.open = nil
}
