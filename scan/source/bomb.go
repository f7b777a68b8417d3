package source

import (
	"fmt"
	"io"

	"webshellscan/scan/source/archive"
)

// What unpacks to mostRatio times what it takes in an archive holds next to
// nothing: event logs shrink to a tenth, and an empty one of 20 MiB to a five
// hundredth. What is more than that is read of a member only up to suspicious
// bytes, and of all members of all archives up to suspiciousSum.
const (
	mostRatio     = 100
	suspicious    = 64 << 20
	suspiciousSum = 256 << 20
)

// packedSize returns how many bytes of the outermost file a member takes, at
// most.
func (c *container) packedSize(m *archive.Member) int64 {
	if m.Packed < 0 {
		return c.packed
	}
	return min(m.Packed, c.packed)
}

// credit returns how many bytes of a member are no wonder, for what it takes in
// the outermost file. Members that are not packed there one by one share what
// their container takes.
func (c *container) credit(m *archive.Member) int64 {
	own := mostRatio * min(c.packedSize(m), 1<<50)
	if m.Packed >= 0 && !c.unpacked {
		return own
	}
	return max(0, min(own, c.packed*mostRatio-c.used))
}

// room returns how many bytes of a member there is room for beside all others.
func (a *archiveWalk) room(m *archive.Member) int64 {
	return max(a.container.credit(m), suspiciousSum-a.excess)
}

// left returns how many bytes of a member may be unpacked.
func (a *archiveWalk) left(m *archive.Member) int64 {
	return min(max(suspicious, a.container.credit(m)), a.room(m))
}

// count counts so many bytes of a member that were unpacked.
func (a *archiveWalk) count(m *archive.Member, size int64) {
	if size > a.container.credit(m) {
		a.excess += size
		return
	}
	a.container.used += size
}

// admit counts a member, and returns how many bytes of it may be unpacked, with
// an error if that is not all of them. A member of unknown size is to be
// counted when it was unpacked.
func (a *archiveWalk) admit(m *archive.Member) (int64, error) {
	if m.Size <= a.left(m) {
		a.count(m, max(m.Size, 0))
		return m.Size, nil
	}
	cut := max(0, min(suspicious, suspiciousSum-a.excess))
	a.excess += cut
	if cut == 0 {
		return 0, fmt.Errorf("%w: %d bytes", archive.ErrBomb, m.Size)
	}
	return cut, fmt.Errorf("%w: %d bytes, of which the first %d were read", archive.ErrBomb, m.Size, cut)
}

// admitNested counts a container before it is unpacked, or returns an error.
// Disk images may be zeros for the most part: with a folder for temporary files
// they may be of any size that fits.
func (a *archiveWalk) admitNested(m *archive.Member) error {
	if a.options.Temp == "" && m.Size > a.room(m) {
		return fmt.Errorf("%w: %d bytes; unpack it, or give a folder for that with --temp", archive.ErrBomb, m.Size)
	}
	a.count(m, max(m.Size, 0))
	return nil
}

// mostOf returns how many bytes a stream may unpack to that is packed in so
// many.
func mostOf(packed int64) int64 { return max(suspicious, packed*mostRatio) }

// mostOf returns how many bytes may be unpacked of a member, now that so much
// of it was read.
func (a *archiveWalk) mostOf(m *archive.Member, r io.Reader) func() int64 {
	return mostSoFar(r, func() int64 { return a.left(m) })
}

// mostSoFar bounds the bytes of a stream by what it took so far, too, if that
// is known.
func mostSoFar(r io.Reader, most func() int64) func() int64 {
	stream, ok := r.(*archive.Unpacked)
	if !ok {
		return most
	}
	return func() int64 { return min(most(), mostOf(stream.BytesRead())) }
}

// bombError returns the error of a stream that is given up.
func bombError(size int64) error {
	return fmt.Errorf("%w: %d MiB so far", archive.ErrBomb, size>>20)
}
