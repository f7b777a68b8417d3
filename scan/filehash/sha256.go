// Package filehash computes the SHA-256 and the CRC-32 of files in the pass
// that reads them, though several goroutines read parts of one file at once:
// each reads its Part, which passes on what it read.
//
// It knows neither what is in a file nor who wants its hash.
package filehash

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
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

// Pass computes the SHA-256 of files from the blocks that their readers read,
// in the pass that reads them. Several goroutines read parts of one file at
// once: a block that comes before its turn waits as a copy. The part of a file
// that is read first is never kept waiting, so that there is always one to go
// on.
type Pass struct {
	mu    sync.Mutex
	moved sync.Cond // a turn has come, or there is room again
	room  int       // for blocks that wait
	spare [][]byte  // memory for them
}

// NewPass returns a Pass over files, which share its memory.
func NewPass() *Pass {
	h := &Pass{room: maxReadAhead}
	h.moved.L = &h.mu
	return h
}

// SHA256 is the hash of one file. Goroutines may use it at once.
type SHA256 struct {
	pass    *Pass
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

// NewFile returns the hash of another file.
func (h *Pass) NewFile() *SHA256 { return &SHA256{pass: h, sum: sha256.New()} }

// add adds a stretch, whose data stays the caller's. What is hashed already is
// skipped.
func (f *SHA256) add(s stretch) {
	f.pass.mu.Lock()
	defer f.pass.mu.Unlock()
	for f.failed == nil && s.end > f.next {
		s = s.from(f.next)
		switch {
		case s.at == f.next && !f.busy:
			f.hash(s)
			return
		case len(s.data) <= f.pass.room:
			f.keep(s)
			return
		}
		f.pass.moved.Wait()
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
func (f *SHA256) keep(s stretch) {
	if s.data != nil {
		var memory []byte
		if n := len(f.pass.spare); n > 0 {
			memory, f.pass.spare = f.pass.spare[n-1], f.pass.spare[:n-1]
		}
		f.pass.room -= len(s.data)
		s.data = append(memory[:0], s.data...)
	}
	i, _ := slices.BinarySearchFunc(f.waiting, s.at, func(s stretch, at int64) int { return int(min(max(s.at-at, -1), 1)) })
	f.waiting = slices.Insert(f.waiting, i, s)
}

// hash hashes a stretch whose turn it is, and those that waited for it. It lets
// go of the lock meanwhile.
func (f *SHA256) hash(s stretch) {
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
	f.pass.moved.Broadcast()
}

func (f *SHA256) write(s stretch) {
	if s.data == nil {
		if f.holes += s.end - s.at; f.holes > maxHoles {
			f.fail(errManyHoles)
			return
		}
	}
	f.pass.mu.Unlock()
	if s.data != nil {
		f.sum.Write(s.data)
	} else {
		writeZeros(f.sum, s.end-s.at)
	}
	f.pass.mu.Lock()
	f.next = s.end
}

func writeZeros(w io.Writer, n int64) {
	zeros := make([]byte, min(n, 1<<16))
	for ; n > 0; n -= int64(len(zeros)) {
		_, _ = w.Write(zeros[:min(n, int64(len(zeros)))]) // a hash takes everything
	}
}

// release frees the memory of a stretch that waited.
func (f *SHA256) release(s stretch) {
	if s.data != nil {
		f.pass.room += len(s.data)
		f.pass.spare = append(f.pass.spare, s.data)
		f.pass.moved.Broadcast()
	}
}

// fail records why there is no hash: the first reason counts.
func (f *SHA256) fail(err error) {
	if f.failed == nil {
		f.failed = err
	}
	for _, s := range f.waiting {
		f.release(s)
	}
	f.waiting = nil
	f.pass.moved.Broadcast()
}

// giveUp is fail for those that do not hold the lock.
func (f *SHA256) giveUp(err error) {
	f.pass.mu.Lock()
	defer f.pass.mu.Unlock()
	f.fail(err)
}

// Result returns the hash of a file of size bytes in hexadecimal digits, once
// nobody reads it any more.
func (f *SHA256) Result(size int64) (string, error) {
	f.pass.mu.Lock()
	defer f.pass.mu.Unlock()
	if f.failed == nil && f.next < size {
		f.fail(errNotWhole)
	}
	if f.failed != nil {
		return "", f.failed
	}
	return hex.EncodeToString(f.sum.Sum(nil)), nil
}
