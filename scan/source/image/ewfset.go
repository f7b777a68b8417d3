package image

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strconv"
)

// ewfSegment is one file of an E01 image.
type ewfSegment struct {
	file   File
	number int // as the file says, from 1
}

// maxMissing is how many segments in a row may be missing before it is taken
// that there are no more.
const maxMissing = 16

// ewfSegments opens the segments of the image that a file is one of, and
// returns them in the order of the numbers in them.
func (m *Image) ewfSegments(f File, o Options) ([]ewfSegment, error) {
	set, err := appendSegment(nil, f)
	if err != nil {
		return nil, err
	}
	missing := 0
	for n := 1; n <= ewfMaxSegments && o.Sibling != nil && missing < maxMissing; n++ {
		name, ok := ewfSegmentName(o.Name, n)
		if !ok {
			break
		}
		if name == o.Name {
			continue
		}
		next, err := o.sibling(name)
		switch {
		case err != nil:
			missing++
			continue
		case !isEWF(next):
			m.addNote("%s is no segment of an E01 image", name)
			continue
		}
		missing = 0
		if set, err = appendSegment(set, next); err != nil {
			m.lose("segment %s: %v", name, err)
			continue
		}
		m.Parts = append(m.Parts, name)
	}
	slices.SortStableFunc(set, func(a, b ewfSegment) int { return cmp.Compare(a.number, b.number) })
	return set, nil
}

// appendSegment adds a segment with the number that is in it.
func appendSegment(set []ewfSegment, f File) ([]ewfSegment, error) {
	h, err := readTable(f, 0, ewfHeaderSize, ewfHeaderSize)
	if err != nil {
		return set, err
	}
	return append(set, ewfSegment{f, int(binary.LittleEndian.Uint16(h[9:]))}), nil
}

// ewfSegmentName returns the name of segment n, from 1, of the image that a
// file of that name, with a number up to 99, is a segment of: E01 to E99, then
// EAA to EZZ, FAA to ZZZ.
func ewfSegmentName(of string, n int) (string, bool) {
	ext := path.Ext(of)
	if len(ext) != 4 {
		return "", false
	}
	if _, err := strconv.ParseUint(ext[2:], 10, 8); err != nil {
		return "", false
	}
	stem, letter := of[:len(of)-3], ext[1]
	base := byte('A')
	if letter >= 'a' {
		base = 'a'
	}
	if n <= 99 {
		return fmt.Sprintf("%s%c%02d", stem, letter, n), true
	}
	n -= 100
	major := int(letter) + n/(26*26)
	if major > int(base)+25 {
		return "", false
	}
	return fmt.Sprintf("%s%c%c%c", stem, major, base+byte(n/26%26), base+byte(n%26)), true
}

// readSegments reads the sections of all segments, and notes between which
// chunks others are missing.
func (e *ewf) readSegments(set []ewfSegment) error {
	last, done := 0, false
	for _, s := range set {
		if s.number > last+1 {
			e.gap("%s missing", missingSegments(last+1, s.number-1))
		}
		last = s.number
		ended, err := e.segment(s.file)
		if err != nil {
			if len(set) == 1 && e.chunk == 0 {
				return err
			}
			e.gap("segment %d: %v", s.number, err)
		}
		done = done || ended
	}
	if e.chunk == 0 {
		return fmt.Errorf("%w: an E01 image without a volume section", ErrDamaged)
	}
	if !done {
		e.image.lose("the last segment of the image is missing, or cut off")
	}
	e.place(done)
	return nil
}

// missingSegments names segments.
func missingSegments(first, last int) string {
	if first == last {
		return fmt.Sprintf("segment %d is", first)
	}
	return fmt.Sprintf("segments %d to %d are", first, last)
}

// gap notes that chunks may be missing behind those that are known so far.
func (e *ewf) gap(message string, args ...any) {
	e.image.lose(message, args...)
	if n := len(e.gaps); n == 0 || e.gaps[n-1] != len(e.chunks) {
		e.gaps = append(e.gaps, len(e.chunks))
	}
}

// place puts the chunks behind a gap where they belong: that can be worked out
// if there is one gap, and the end of the image is there. Behind a gap of
// unknown size the disk ends.
func (e *ewf) place(done bool) {
	want := (e.image.size + e.chunk - 1) / e.chunk
	missing := want - int64(len(e.chunks))
	if len(e.gaps) == 0 || missing <= 0 {
		return
	}
	at := e.gaps[0]
	if len(e.gaps) > 1 || !done || missing > maxTable/8 {
		e.chunks = e.chunks[:at]
		return
	}
	e.image.lose("%d bytes of the disk are missing from offset %d on", missing*e.chunk, int64(at)*e.chunk)
	e.chunks = slices.Insert(e.chunks, at, make([]ewfChunk, missing)...)
}
