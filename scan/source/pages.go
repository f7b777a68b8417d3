package source

import "io"

// pageSize is the size of the pieces that content of unknown size is kept in.
const pageSize = 1 << 20

// pages is content in memory, in pieces, so that it can grow without being copied.
// Goroutines may read it at once when it is complete.
type pages struct {
	list [][]byte // of pageSize bytes each, but for the last
	size int64
	held int64 // of the budget, in bytes
}

// read appends up to n bytes of a reader. The error is that of io.ReadFull.
func (p *pages) read(r io.Reader, n int64) error {
	for n > 0 {
		if p.size%pageSize == 0 {
			p.list = append(p.list, make([]byte, 0, pageSize))
		}
		last := &p.list[len(p.list)-1]
		at := len(*last)
		end := at + int(min(n, int64(pageSize-at)))
		read, err := io.ReadFull(r, (*last)[at:end])
		*last = (*last)[:at+read]
		p.size += int64(read)
		n -= int64(read)
		if err != nil {
			return err
		}
	}
	return nil
}

// Size returns the size in bytes.
func (p *pages) Size() int64 { return p.size }

// ReadAt implements io.ReaderAt.
func (p *pages) ReadAt(b []byte, off int64) (int, error) {
	read := 0
	for read < len(b) {
		if off < 0 || off >= p.size {
			return read, io.EOF
		}
		n := copy(b[read:], p.list[off/pageSize][off%pageSize:])
		read += n
		off += int64(n)
	}
	return read, nil
}
