package image

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
)

// Digest is a hash of all bytes of a disk.
type Digest struct {
	Name string // "MD5" or "SHA-1"
	Sum  string // in hexadecimal digits
}

// store notes a hash that the image says its disk has. Zeros stand for none.
func (m *Image) store(name string, sum []byte) {
	const most = 8
	d := Digest{name, hex.EncodeToString(sum)}
	if len(bytes.Trim(sum, "\x00")) > 0 && len(m.Stored) < most && !slices.Contains(m.Stored, d) {
		m.Stored = append(m.Stored, d)
	}
}

// verifyStep is how many bytes of a disk are hashed at once.
const verifyStep = 1 << 20

// Verify reads the whole disk and returns the hashes that it has, in the order
// of Stored. If the context is cancelled, Verify returns its cause.
func (m *Image) Verify(ctx context.Context) ([]Digest, error) {
	hashes := make([]hash.Hash, len(m.Stored))
	for i, d := range m.Stored {
		if hashes[i] = md5.New(); d.Name == "SHA-1" {
			hashes[i] = sha1.New()
		}
	}
	var hashing sync.WaitGroup
	var buffers [2][]byte // one is filled while the other is hashed
	for i := 0; m.size > int64(i)*verifyStep; i++ {
		if err := context.Cause(ctx); err != nil {
			hashing.Wait()
			return nil, err
		}
		off := int64(i) * verifyStep
		if buffers[i%2] == nil {
			buffers[i%2] = make([]byte, verifyStep)
		}
		b := buffers[i%2][:min(verifyStep, m.size-off)]
		n, err := m.ReadAt(b, off)
		hashing.Wait()
		if n < len(b) {
			return nil, fmt.Errorf("disk offset %d: %w", off+int64(n), errors.Join(io.ErrUnexpectedEOF, err))
		}
		for _, h := range hashes {
			hashing.Go(func() { _, _ = h.Write(b) }) // it never fails
		}
	}
	hashing.Wait()
	var list []Digest
	for i, h := range hashes {
		list = append(list, Digest{m.Stored[i].Name, hex.EncodeToString(h.Sum(nil))})
	}
	return list, nil
}
