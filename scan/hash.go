package scan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"

	"webshellscan/scan/source"
)

const (
	// maxReadAhead is how many bytes may wait, in all files, for those
	// before them to be hashed: few enough to be still in a cache when
	// their turn comes.
	maxReadAhead = 1 << 20
	// maxHoles is how many bytes of holes are hashed of one file. They are
	// not read, but an attacker can make a hole of any size.
	maxHoles = 1 << 30
)

// Why a file has no hash.
var (
	errNotWhole  = errors.New("not all of it was read")
	errManyHoles = fmt.Errorf("sparse: more than %d bytes are holes", int64(maxHoles))
)

// hashing computes the SHA-256 of files from the blocks that their readers
// read, in the pass that reads them. Several goroutines read parts of one file
// at once: a block that comes before its turn waits as a copy. The part of a
// file that is read first is never kept waiting, so that there is always one to
// go on.
type hashing struct {
	mu    sync.Mutex
	moved sync.Cond // a turn has come, or there is room again
	room  int       // for blocks that wait
	spare [][]byte  // memory for them
}

func newHashing() *hashing {
	h := &hashing{room: maxReadAhead}
	h.moved.L = &h.mu
	return h
}

// fileHash is the hash of one file.
type fileHash struct {
	*hashing
	sum     digest
	next    int64     // how much is hashed
	busy    bool      // a goroutine is hashing
	waiting []stretch // what comes later, in its order
	holes   int64
	failed  error
}

// digest is what there is of a hash.
type digest interface {
	io.Writer
	Sum(b []byte) []byte
}

// stretch is bytes of a file that wait; without data it is a hole.
type stretch struct {
	at, end int64
	data    []byte
}

func (h *hashing) newFile() *fileHash { return &fileHash{hashing: h, sum: sha256.New()} }

// add adds a stretch, whose data stays the caller's. What is hashed already is
// skipped.
func (f *fileHash) add(s stretch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.failed == nil && s.end > f.next {
		s = s.from(f.next)
		switch {
		case s.at == f.next && !f.busy:
			f.hash(s)
			return
		case len(s.data) <= f.room:
			f.keep(s)
			return
		}
		f.moved.Wait()
	}
}

// from returns what of a stretch does not lie before a place.
func (s stretch) from(place int64) stretch {
	if skip := place - s.at; skip > 0 {
		s.at = place
		if s.data != nil {
			s.data = s.data[skip:]
		}
	}
	return s
}

// keep copies a stretch to wait.
func (f *fileHash) keep(s stretch) {
	if s.data != nil {
		var memory []byte
		if n := len(f.spare); n > 0 {
			memory, f.spare = f.spare[n-1], f.spare[:n-1]
		}
		f.room -= len(s.data)
		s.data = append(memory[:0], s.data...)
	}
	i, _ := slices.BinarySearchFunc(f.waiting, s.at, func(s stretch, at int64) int { return int(min(max(s.at-at, -1), 1)) })
	f.waiting = slices.Insert(f.waiting, i, s)
}

// hash hashes a stretch whose turn it is, and those that waited for it. It lets
// go of the lock meanwhile.
func (f *fileHash) hash(s stretch) {
	f.busy = true
	f.write(s)
	for f.failed == nil && len(f.waiting) > 0 && f.waiting[0].at <= f.next {
		s = f.waiting[0]
		f.waiting = slices.Delete(f.waiting, 0, 1)
		if s.end > f.next {
			f.write(s.from(f.next))
		}
		f.release(s)
	}
	f.busy = false
	f.moved.Broadcast()
}

func (f *fileHash) write(s stretch) {
	if s.data == nil {
		if f.holes += s.end - s.at; f.holes > maxHoles {
			f.fail(errManyHoles)
			return
		}
	}
	f.mu.Unlock()
	if s.data != nil {
		f.sum.Write(s.data)
	} else {
		writeZeros(f.sum, s.end-s.at)
	}
	f.mu.Lock()
	f.next = s.end
}

func writeZeros(w io.Writer, n int64) {
	zeros := make([]byte, min(n, 1<<16))
	for ; n > 0; n -= int64(len(zeros)) {
		_, _ = w.Write(zeros[:min(n, int64(len(zeros)))]) // a hash takes everything
	}
}

// release frees the memory of a stretch that waited.
func (f *fileHash) release(s stretch) {
	if s.data != nil {
		f.room += len(s.data)
		f.spare = append(f.spare, s.data)
		f.moved.Broadcast()
	}
}

// fail records why there is no hash: the first reason counts.
func (f *fileHash) fail(err error) {
	if f.failed == nil {
		f.failed = err
	}
	for _, s := range f.waiting {
		f.release(s)
	}
	f.waiting = nil
	f.moved.Broadcast()
}

// giveUp is fail for those that do not hold the lock.
func (f *fileHash) giveUp(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail(err)
}

// result returns the hash of a file of size bytes in hexadecimal digits, once
// nobody reads it any more.
func (f *fileHash) result(size int64) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == nil && f.next < size {
		f.fail(errNotWhole)
	}
	if f.failed != nil {
		return "", f.failed
	}
	return hex.EncodeToString(f.sum.Sum(nil)), nil
}

// hashedPart is a file whose bytes are hashed as they are read: those of one
// part, by one goroutine, from start to end.
type hashedPart struct {
	file *source.File
	hash *fileHash   // nil if nobody wants the hash
	crc  *contentSum // nil if there is no CRC-32 to compare
	sum  hash.Hash32 // of the part, for crc
	from int64
	at   int64 // what is before was read
	end  int64
	hole int64 // up to here nothing needs to be read
}

// add hashes a stretch.
func (p *hashedPart) add(s stretch) {
	if p.hash != nil {
		p.hash.add(s)
	}
	switch n := min(s.end, p.end) - s.at; {
	case p.crc == nil || n <= 0:
	case s.data == nil:
		writeZeros(p.sum, n)
	default:
		_, _ = p.sum.Write(s.data[:n]) // never fails
	}
}

// ReadAt implements io.ReaderAt.
func (p *hashedPart) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.file.ReadAt(b, off)
	p.pass(off)
	if end := off + int64(n); off <= p.at && end > p.at {
		p.add(stretch{p.at, end, b[p.at-off : n]})
		p.at = end
	}
	return n, err
}

// NextData is that of source.File. What the caller then jumps over is hashed as
// zeros.
func (p *hashedPart) NextData(off int64) int64 {
	next := p.file.NextData(off)
	if off <= p.at {
		p.hole = max(p.hole, next)
	}
	return next
}

// pass hashes the hole that was jumped over to get to a place.
func (p *hashedPart) pass(place int64) {
	if to := min(place, p.hole, p.end); to > p.at {
		p.add(stretch{at: p.at, end: to})
		p.at = to
	}
}

// close ends the reading of the part. If it was not read whole, there will be
// no hash, and nobody need wait for one.
func (p *hashedPart) close() {
	switch p.pass(p.end); {
	case p.at < p.end && p.hash != nil:
		p.hash.giveUp(errNotWhole)
	case p.at >= p.end && p.crc != nil:
		p.crc.add(partSum{p.from, p.end, p.sum.Sum32()})
	}
}

// rest reads on to the end of the part, for the hash alone.
func (p *hashedPart) rest(ctx context.Context) {
	defer p.close()
	block := make([]byte, min(1<<20, max(p.end-p.at, 0)))
	for p.at < p.end && ctx.Err() == nil {
		if next := p.NextData(p.at); next > p.at {
			p.pass(next)
			continue
		}
		before := p.at
		if _, err := p.ReadAt(block[:min(int64(len(block)), p.end-p.at)], p.at); p.at == before {
			p.hash.giveUp(err)
			return
		}
	}
}
