package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
)

// localHeaderSize is the size of a member's own header. APPNOTE 4.3.7.
const localHeaderSize = 30

// walkCutZip reads an archive whose central directory is missing, as that of a
// collection that was cut off: member by member, by their own headers.
func walkCutZip(ctx context.Context, f File, o Options, reason error, visit func(*Member) error) error {
	at := int64(0)
	n := 0
	for ; n < maxMembers; n++ {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		m, next, ok := cutMember(f, at, f.Size(), o)
		if !ok {
			break
		}
		if err := visit(m); err != nil {
			return err
		}
		if next <= at {
			break
		}
		at = next
	}
	return fmt.Errorf("%w: the directory of the archive is missing (%w); %d members were read by their own headers", ErrDamaged, reason, n)
}

// cutMember returns the member whose header is at an offset, and where the next
// one is: 0 if there is none. What a header does not state is searched for up
// to end.
func cutMember(f File, at, end int64, o Options) (m *Member, next int64, ok bool) {
	h := make([]byte, localHeaderSize)
	if n, _ := f.ReadAt(h, at); n < len(h) || string(h[:4]) != ZipSignature {
		return nil, 0, false
	}
	nameSize, extraSize := int64(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	rest := make([]byte, nameSize+extraSize)
	if n, _ := f.ReadAt(rest, at+localHeaderSize); n < len(rest) {
		return nil, 0, false
	}
	data := at + localHeaderSize + nameSize + extraSize
	p := &packed{
		flags: binary.LittleEndian.Uint16(h[6:]), method: binary.LittleEndian.Uint16(h[8:]), modified: binary.LittleEndian.Uint16(h[10:]),
		crc: binary.LittleEndian.Uint32(h[14:]), size: int64(binary.LittleEndian.Uint32(h[22:])), passwords: o.Passwords,
	}
	packedSize := int64(binary.LittleEndian.Uint32(h[18:]))
	packedSize, p.size = zip64Sizes(rest[nameSize:], packedSize, p.size)
	m = &Member{Name: cleanName(string(rest[:nameSize])), Size: p.size, Again: true, open: p.open}
	if p.flags&flagDescriptor != 0 && packedSize == 0 {
		return cutDescriptor(f, m, p, data, end)
	}
	if packedSize < 0 || packedSize > f.Size()-data {
		packedSize = f.Size() - data // cut within this member: what is there is read
	}
	m.Packed = packedSize
	p.raw = func() (io.Reader, int64, error) { return io.NewSectionReader(f, data, packedSize), packedSize, nil }
	m.Err = p.check(rest[nameSize:], packedSize)
	if strings.HasSuffix(m.Name, "/") {
		m.Err = fmt.Errorf("%w: a folder", ErrUnsupported)
	}
	return m, data + packedSize, true
}

// cutDescriptor is for a member whose sizes come behind its data, in a
// descriptor: it is read to the end of its stream, or, if it is stored, up to a
// descriptor that fits. The next member is looked for by its header.
func cutDescriptor(f File, m *Member, p *packed, data, limit int64) (*Member, int64, bool) {
	next := find(f, data, limit, ZipSignature, nil)
	switch {
	case p.flags&flagEncrypted != 0 || p.method != methodDeflate && p.method != methodStore:
		m.Size, m.Err = -1, fmt.Errorf("%w: its size is in the missing directory", ErrDamaged)
	case p.method == methodDeflate:
		m.Size, m.Packed = -1, max(next, data)-data
		if next == 0 {
			m.Packed = limit - data
		}
		m.open = func() (io.ReadCloser, error) {
			return flate.NewReader(io.NewSectionReader(f, data, limit-data)), nil
		}
	default:
		end := find(f, data, limit, "PK\x07\x08", func(at int64) bool {
			b := make([]byte, 12)
			n, _ := f.ReadAt(b, at) // a descriptor that is cut off fits nothing
			return n == len(b) && int64(binary.LittleEndian.Uint32(b[8:])) == at-data
		})
		if end == 0 {
			end = limit
		}
		m.Size, m.Packed, m.Stored, m.Offset = end-data, end-data, true, data
		m.open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, data, end-data)), nil }
		next = find(f, end, limit, ZipSignature, nil)
	}
	return m, next, true
}

// find returns where a text next lies in an archive, from a place to another,
// that fits; 0 if it does not.
func find(f File, from, to int64, text string, fits func(at int64) bool) int64 {
	const window = 1 << 20
	b := make([]byte, min(window+int64(len(text))-1, max(to-from, 0)))
	for start := from; start < to; start += window {
		n, _ := f.ReadAt(b[:min(int64(len(b)), to-start)], start) // at the end it is shorter
		for i := 0; ; i++ {
			j := bytes.Index(b[i:n], []byte(text))
			if j < 0 {
				break
			}
			i += j
			if fits == nil || fits(start+int64(i)) {
				return start + int64(i)
			}
		}
	}
	return 0
}

// zip64Sizes returns the sizes of a member, which the extra field has if they
// do not fit into the header. APPNOTE 4.5.3.
func zip64Sizes(extra []byte, packedSize, size int64) (int64, int64) {
	const id, inExtra = 1, 0xFFFFFFFF
	for len(extra) >= 4 {
		kind, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if n > len(extra)-4 {
			break
		}
		if kind == id {
			b := extra[4 : 4+n]
			if size == inExtra && len(b) >= 8 {
				size, b = int64(binary.LittleEndian.Uint64(b)), b[8:]
			}
			if packedSize == inExtra && len(b) >= 8 {
				packedSize = int64(binary.LittleEndian.Uint64(b))
			}
			break
		}
		extra = extra[4+n:]
	}
	return packedSize, max(size, 0)
}
