package filehash

import (
	"context"
	"hash"
	"hash/crc32"

	"webshellscan/scan/source"
)

// Part is a part of a file whose bytes are hashed as they are read, by one
// goroutine, from start to end.
type Part struct {
	file *source.File
	hash *SHA256     // nil if the hash is not wanted
	crc  *CRC32      // nil if there is no CRC-32 to compare
	sum  hash.Hash32 // of the part, for crc
	from int64
	at   int64 // what is before was read
	end  int64
	hole int64 // up to here nothing needs to be read
}

// NewPart returns the part of a file from start to end, for its SHA-256 and its
// CRC-32, of which one may be nil. Close must be called when it was read.
func NewPart(file *source.File, sum *SHA256, crc *CRC32, start, end int64) *Part {
	p := &Part{file: file, hash: sum, crc: crc, from: start, at: start, end: end}
	if crc != nil {
		p.sum = crc32.NewIEEE()
	}
	return p
}

// add hashes a stretch.
func (p *Part) add(s stretch) {
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
func (p *Part) ReadAt(b []byte, off int64) (int, error) {
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
func (p *Part) NextData(off int64) int64 {
	next := p.file.NextData(off)
	if off <= p.at {
		p.hole = max(p.hole, next)
	}
	return next
}

// pass hashes the hole that was jumped over to get to a place.
func (p *Part) pass(place int64) {
	if to := min(place, p.hole, p.end); to > p.at {
		p.add(stretch{at: p.at, end: to})
		p.at = to
	}
}

// Close ends the reading of the part. If it was not read whole, there will be
// no hash, and there is none to wait for.
func (p *Part) Close() {
	switch p.pass(p.end); {
	case p.at < p.end && p.hash != nil:
		p.hash.giveUp(errNotWhole)
	case p.at >= p.end && p.crc != nil:
		p.crc.add(partSum{p.from, p.end, p.sum.Sum32()})
	}
}

// Rest reads on to the end of the part, for the hash alone.
func (p *Part) Rest(ctx context.Context) {
	defer p.Close()
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

// Rest reads what no Part of a file of size bytes held, for its hash alone.
func (f *SHA256) Rest(ctx context.Context, file *source.File, size int64) {
	if f.failed == nil && f.next < size {
		NewPart(file, f, nil, f.next, size).Rest(ctx)
	}
}
