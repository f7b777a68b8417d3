package evtxtest

import (
	"encoding/binary"
	"fmt"
)

// Rotate returns a copy of file as a ring that has wrapped: its chunks are
// moved by n places, so that the oldest one stands at position n and the newest
// before it, and the header names them. Chunks keep their bytes, since nothing
// in a chunk depends on its place.
func Rotate(file []byte, n int) ([]byte, error) {
	chunks := (len(file) - fileHeaderSize) / chunkSize
	if chunks <= 0 || n < 0 || n >= chunks {
		return nil, fmt.Errorf("evtxtest: cannot rotate %d chunks by %d", chunks, n)
	}
	out := make([]byte, len(file))
	copy(out, file[:fileHeaderSize])
	for i := range chunks {
		from := fileHeaderSize + i*chunkSize
		to := fileHeaderSize + (i+n)%chunks*chunkSize
		copy(out[to:to+chunkSize], file[from:])
	}
	last := (n + chunks - 1) % chunks
	binary.LittleEndian.PutUint64(out[8:], uint64(n))
	binary.LittleEndian.PutUint64(out[16:], uint64(last))
	FixFile(out)
	return out, nil
}
