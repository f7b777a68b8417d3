package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// maxSpilled is how many bytes temporary files may have in all.
const maxSpilled = 64 << 30

// tempFiles are the temporary files with what does not fit into memory. Inputs
// make and remove them also when they are read, so that goroutines may use it
// at once.
type tempFiles struct {
	folder string // where they lie

	mu     sync.Mutex
	files  []*tempFile
	size   int64 // in bytes, of all
	closed bool
}

// tempFile is one of them.
type tempFile struct {
	*os.File
	all  *tempFiles
	size int64 // in bytes, as far as it was allowed to grow
}

// create makes a temporary file.
func (t *tempFiles) create() (*tempFile, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, fs.ErrClosed
	}
	file, err := os.CreateTemp(t.folder, "webshellscan-*.tmp")
	if err != nil {
		return nil, err
	}
	temp := &tempFile{File: file, all: t}
	t.files = append(t.files, temp)
	return temp, nil
}

// grow allows n more bytes of a file. The error wraps ErrMemory if there is no
// room for them.
func (f *tempFile) grow(n int64) error {
	t := f.all
	t.mu.Lock()
	defer t.mu.Unlock()
	if n > maxSpilled-t.size {
		return fmt.Errorf("%w: temporary files of more than %d GiB", ErrMemory, maxSpilled>>30)
	}
	f.size += n
	t.size += n
	return nil
}

// remove closes and removes a file. One that cannot be removed is left to
// close, which reports it.
func (f *tempFile) remove() {
	t := f.all
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.discard() == nil {
		t.files = slices.DeleteFunc(t.files, func(other *tempFile) bool { return other == f })
		t.size -= f.size
		f.size = 0
	}
}

// discard closes a file, unless it is closed, and removes it.
func (f *tempFile) discard() error {
	err := f.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// close removes all files. There are no more from then on.
func (t *tempFiles) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, file := range t.files {
		errs = append(errs, file.discard())
	}
	t.files, t.size, t.closed = nil, 0, true
	return errors.Join(errs...)
}
