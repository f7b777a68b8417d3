package ntfs

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"
)

// Stream is the content of a file, or an alternate data stream of it.
// Goroutines may read it at once.
type Stream struct {
	// Encrypted is set if the content is encrypted by EFS: what is read is
	// cipher text.
	Encrypted bool

	volume     *Volume
	name       string
	vcn        int64 // of the first run
	size       int64
	valid      int64 // what lies behind reads as zeros
	resident   []byte
	runs       []run
	compressed bool
	unit       uint // log2 of the clusters of a compression unit
	torn       bool // the runs are not what the record says

	units *unitCache
}

// Size returns the size in bytes.
func (s *Stream) Size() int64 { return s.size }

// Torn reports whether clusters of the stream are missing from its records.
func (s *Stream) Torn() bool { return s.torn }

func (s *Stream) end() int64 {
	if len(s.runs) == 0 {
		return s.vcn
	}
	last := s.runs[len(s.runs)-1]
	return last.vcn + last.n
}

// trim bounds the stream by what its clusters hold, and makes it ready to be
// read.
func (s *Stream) trim() {
	if s.resident == nil {
		for i, r := range s.runs {
			if r.lcn < 0 || r.n <= s.volume.clusters-r.lcn {
				continue
			}
			s.runs, s.torn = slices.Clone(s.runs[:i]), true // a run that leaves the volume
			if within := s.volume.clusters - r.lcn; within > 0 {
				s.runs = append(s.runs, run{r.vcn, r.lcn, within})
			}
			break
		}
		if most := s.end() * s.volume.cluster; s.size > most {
			s.size, s.torn = most, true
		}
	}
	s.valid = min(s.valid, s.size)
	if s.compressed && s.unit > 0 && s.unit <= 8 {
		s.units = &unitCache{}
	}
}

// ReadAt implements io.ReaderAt.
func (s *Stream) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("ntfs: negative offset %d", off)
	}
	read := 0
	for read < len(b) {
		if off >= s.size {
			return read, io.EOF
		}
		n, err := s.piece(b[read:min(len(b), read+int(min(s.size-off, int64(len(b)-read))))], off)
		read += n
		off += int64(n)
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

// piece reads at least one byte, up to the end of what lies together.
func (s *Stream) piece(b []byte, off int64) (int, error) {
	switch {
	case s.resident != nil:
		return copy(b, s.resident[off:]), nil
	case off >= s.valid:
		clear(b)
		return len(b), nil
	}
	b = b[:min(int64(len(b)), s.valid-off)]
	if s.units != nil {
		return s.unpacked(b, off)
	}
	return s.raw(b, off)
}

// runAt returns the index of the run that has a cluster of the stream; -1 if
// none has it.
func (s *Stream) runAt(vcn int64) int {
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].vcn+s.runs[i].n > vcn })
	if i == len(s.runs) || s.runs[i].vcn > vcn {
		return -1
	}
	return i
}

// raw reads from clusters as they are; holes are zero.
func (s *Stream) raw(b []byte, off int64) (int, error) {
	size := s.volume.cluster
	i := s.runAt(off / size)
	if i < 0 {
		return 0, fmt.Errorf("%w: no clusters for offset %d", ErrDamaged, off)
	}
	r := s.runs[i]
	in := off - r.vcn*size
	b = b[:min(int64(len(b)), r.n*size-in)]
	if r.lcn < 0 {
		clear(b)
		return len(b), nil
	}
	n, err := s.volume.source.ReadAt(b, r.lcn*size+in)
	if n == len(b) {
		err = nil
	}
	return n, err
}

// Hole returns the end of the stretch of zeros that begins at an offset and
// takes no clusters; the offset itself if there is none.
func (s *Stream) Hole(off int64) int64 {
	if s.resident != nil || s.units != nil || off < 0 {
		return off
	}
	for off < s.size {
		if off >= s.valid {
			return s.size
		}
		i := s.runAt(off / s.volume.cluster)
		if i < 0 || s.runs[i].lcn >= 0 {
			break
		}
		off = (s.runs[i].vcn + s.runs[i].n) * s.volume.cluster
	}
	return min(off, s.size)
}

// Runs calls each with the stretches of the volume that the stream takes, in
// bytes.
func (s *Stream) Runs(each func(start, end int64)) {
	for _, r := range s.runs {
		if r.lcn >= 0 {
			each(r.lcn*s.volume.cluster, (r.lcn+r.n)*s.volume.cluster)
		}
	}
}

// Unread returns how many bytes of the clusters could not be read when the
// volume was acquired, as far as its source reports it. They read as zeros.
func (s *Stream) Unread() int64 {
	source, ok := s.volume.source.(interface{ Unread(start, end int64) int64 })
	if !ok {
		return 0
	}
	n := int64(0)
	s.Runs(func(start, end int64) { n += source.Unread(start, end) })
	return n
}

// keptUnits is how many unpacked compression units a stream keeps.
const keptUnits = 8

// unitCache keeps the units that were unpacked last.
type unitCache struct {
	mu    sync.Mutex
	slots [keptUnits]struct {
		number int64
		data   []byte
	}
	next int
}

func (c *unitCache) get(number int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.slots {
		if c.slots[i].data != nil && c.slots[i].number == number {
			return c.slots[i].data
		}
	}
	return nil
}

func (c *unitCache) put(number int64, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots[c.next].number, c.slots[c.next].data = number, data
	c.next = (c.next + 1) % keptUnits
}

// unpacked reads from a compressed stream.
func (s *Stream) unpacked(b []byte, off int64) (int, error) {
	size := s.volume.cluster << s.unit
	number := off / size
	data := s.units.get(number)
	if data == nil {
		var err error
		if data, err = s.unpack(number, size); err != nil {
			return 0, err
		}
		s.units.put(number, data)
	}
	return copy(b, data[off-number*size:]), nil
}

// unpack reads a compression unit: whole clusters are plain, none are zeros,
// and fewer are compressed by LZNT1.
func (s *Stream) unpack(number, size int64) ([]byte, error) {
	cluster := s.volume.cluster
	first, per := number<<s.unit, int64(1)<<s.unit
	var packed []byte
	stored := int64(0)
	for vcn := first; vcn < first+per; {
		i := s.runAt(vcn)
		if i < 0 || s.runs[i].lcn < 0 {
			break
		}
		r := s.runs[i]
		n := min(r.vcn+r.n, first+per) - vcn
		part := make([]byte, n*cluster)
		if read, err := s.volume.source.ReadAt(part, (r.lcn+vcn-r.vcn)*cluster); read < len(part) {
			return nil, fmt.Errorf("%w: compressed clusters: %w", ErrDamaged, err)
		}
		packed = append(packed, part...)
		stored += n
		vcn += n
	}
	if stored == per {
		return packed, nil
	}
	data := make([]byte, size)
	unpackLZNT1(data, packed)
	return data, nil
}

// SamePlace reports whether two streams lie in the same clusters. Small ones,
// which lie in their records, are compared by content.
func (s *Stream) SamePlace(other *Stream) bool {
	return slices.Equal(s.runs, other.runs) && bytes.Equal(s.resident, other.resident)
}
