package source

import (
	"fmt"
	"io"
)

// pages is content in memory, in pieces, so that it can grow without being
// copied; or in a temporary file, once it does not fit. Goroutines may read it
// at once when it is complete.
type pages struct {
	memory *memory
	list   [][]byte
	size   int64
	held   int64     // of the budget, in bytes
	file   *tempFile // has all of it, nil if list does
}

// read appends up to n bytes of a reader. The error is that of io.ReadFull.
func (p *pages) read(r io.Reader, n int64) error {
	if p.file != nil {
		copied, err := io.CopyN(io.NewOffsetWriter(p.file, p.size), r, n)
		p.size += copied
		return err
	}
	for n > 0 {
		at := p.size % pageSize
		if at == 0 {
			p.list = append(p.list, p.memory.page())
		}
		last := p.list[len(p.list)-1]
		read, err := io.ReadAtLeast(r, last[at:at+min(n, pageSize-at)], 1) // what r says of an early end stays what it says
		p.size += int64(read)
		n -= int64(read)
		if err != nil {
			return err
		}
	}
	return nil
}

// drop forgets the content, which must not be read any more.
func (p *pages) drop() {
	p.memory.put(p.list)
	if p.file != nil {
		p.file.remove()
	}
	p.list, p.size, p.file = nil, 0, nil
}

// spill moves the content to a file, which has all that comes from then on.
func (p *pages) spill(file *tempFile) error {
	for i, page := range p.list {
		at := int64(i) * pageSize
		if _, err := file.WriteAt(page[:min(pageSize, p.size-at)], at); err != nil {
			return err
		}
	}
	p.memory.put(p.list)
	p.list, p.file = nil, file
	return nil
}

// Size returns the size in bytes.
func (p *pages) Size() int64 { return p.size }

// ReadAt implements io.ReaderAt.
func (p *pages) ReadAt(b []byte, off int64) (int, error) {
	if p.file != nil {
		return p.file.ReadAt(b, off)
	}
	read := 0
	for read < len(b) {
		if off < 0 || off >= p.size {
			return read, io.EOF
		}
		page := p.list[off/pageSize]
		n := copy(b[read:], page[off%pageSize:min(pageSize, p.size-off+off%pageSize)])
		read += n
		off += int64(n)
	}
	return read, nil
}

// makeRoom makes room for n more bytes of content: of the budget, or else in a
// temporary file, if the options allow any.
func (x *expander) makeRoom(p *pages, n int64) error {
	if p.file == nil {
		err := x.budget.hold(n)
		if err == nil {
			p.held += n
		}
		if err == nil || x.options.Temp == "" {
			return err
		}
		file, failed := x.temps.create()
		if failed != nil {
			return fmt.Errorf("%w, and no temporary file: %w", err, failed)
		}
		if err = file.grow(p.held); err == nil {
			err = p.spill(file)
		}
		if err != nil {
			file.remove()
			return err
		}
		x.budget.let(p.held)
		p.held = 0
	}
	return p.file.grow(n)
}
