package image

import (
	"cmp"
	"encoding/binary"
	"hash/adler32"
	"slices"
)

// stretch is a part of a disk, in bytes.
type stretch struct{ start, end int64 }

// maxUnread bounds the stretches of a disk that could not be acquired.
const maxUnread = 1 << 18

// errors takes the sectors that could not be read when the disk was acquired,
// from an error2 section: a count, 512 bytes of nothing and a checksum, then
// the first sector and how many of each stretch, and another checksum. In the
// image they are zero.
func (e *ewf) errors(f File, s *ewfSection) error {
	const headSize, entrySize = 4 + 512 + 4, 8
	body := s.size - ewfSectionSize
	if body < headSize {
		e.image.addNote("the list of sectors that could not be acquired is cut off")
		return nil
	}
	b, err := readTable(f, s.at+ewfSectionSize, body, maxTable)
	if err != nil {
		return err
	}
	head, list := b[:headSize], b[headSize:]
	count := int64(binary.LittleEndian.Uint32(head))
	size := min(count, int64(len(list))/entrySize) * entrySize
	sum := list[size:]
	if size < count*entrySize || len(sum) < 4 || adler32.Checksum(list[:size]) != binary.LittleEndian.Uint32(sum) ||
		adler32.Checksum(head[:headSize-4]) != binary.LittleEndian.Uint32(head[headSize-4:]) {
		e.image.addNote("the list of sectors that could not be acquired, at offset %d, is damaged", s.at)
	}
	for entry := range slices.Chunk(list[:size], entrySize) {
		first, n := int64(binary.LittleEndian.Uint32(entry)), int64(binary.LittleEndian.Uint32(entry[4:]))
		if n > 0 && len(e.image.unread) < maxUnread {
			e.image.unread = append(e.image.unread, stretch{first * e.sector, (first + n) * e.sector})
		}
	}
	return nil
}

// joinUnread sorts the stretches that could not be acquired, joins those that
// touch and says how many there are.
func (m *Image) joinUnread(sector int64) {
	slices.SortFunc(m.unread, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	var joined []stretch
	total := int64(0)
	for _, s := range m.unread {
		s.end = min(s.end, m.size)
		last := len(joined) - 1
		switch {
		case s.start >= s.end:
			continue
		case last >= 0 && s.start <= joined[last].end:
			total += max(0, s.end-joined[last].end)
			joined[last].end = max(joined[last].end, s.end)
		default:
			total += s.end - s.start
			joined = append(joined, s)
		}
	}
	if m.unread = joined; len(joined) > 0 {
		m.addNote("sectors that could not be read when the disk was acquired: %d, the first at offset %d; they are zero in the image",
			total/sector, joined[0].start)
	}
}

// Unread returns how many bytes of a stretch of the disk could not be read when
// it was acquired, as the image says. They are zero in the image.
func (m *Image) Unread(start, end int64) int64 {
	i, _ := slices.BinarySearchFunc(m.unread, start, func(s stretch, at int64) int { return cmp.Compare(s.end, at+1) })
	n := int64(0)
	for ; i < len(m.unread) && m.unread[i].start < end; i++ {
		n += min(end, m.unread[i].end) - max(start, m.unread[i].start)
	}
	return n
}

// Unread is Image.Unread for a stretch of the volume.
func (s *section) Unread(start, end int64) int64 {
	if m, ok := s.file.(*Image); ok {
		return m.Unread(s.at+start, s.at+min(end, s.size))
	}
	return 0
}
