package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"sync"
)

// tarSource is a tar: a file of its own, whose members lie in it as they are,
// or a stream.
type tarSource struct {
	file   File // nil of a stream
	reader io.Reader
	again  func() (io.ReadCloser, error) // begins the stream anew

	mu   sync.Mutex
	idle *tarCursor // where the last reopened member ended, nil if it is in use
}

// tarCursor is a place in a stream.
type tarCursor struct {
	*tar.Reader
	stream io.ReadCloser
	next   int // number of the header that comes next
}

// walkTar reads the members of a tar.
func walkTar(ctx context.Context, s *tarSource, visit func(*Member) error) error {
	watch := &blockWatch{Reader: s.reader}
	var from io.Reader = watch
	if seeker, ok := s.reader.(io.Seeker); ok {
		from = struct {
			io.Reader
			io.Seeker
		}{watch, seeker}
	}
	t := tar.NewReader(from)
	for number := range maxMembers {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			if err := s.behind(); err != nil || watch.zeros {
				return err
			}
			return fmt.Errorf("%w: it ends without the blocks that end a tar, so members may be missing", ErrDamaged)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if !isFile(h.Typeflag) {
			if err := visitSpecial(h, visit); err != nil {
				return err
			}
			continue
		}
		m := &Member{Name: cleanName(h.Name), Size: h.Size, Packed: -1, open: func() (io.ReadCloser, error) { return io.NopCloser(t), nil }}
		if s.again != nil {
			m.Reopen = func() (io.ReadCloser, error) { return s.reopen(number) }
		}
		if section, ok := s.reader.(*io.SectionReader); ok && s.file != nil && h.Typeflag != tar.TypeGNUSparse && !isSparse(h) {
			if at, err := section.Seek(0, io.SeekCurrent); err == nil {
				m.Stored, m.Again, m.Offset = true, true, at
				size := min(h.Size, s.file.Size()-at)
				m.open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(s.file, at, size)), nil }
				if size < h.Size {
					m.Size = size
				}
				m.Packed = m.Size
			}
		}
		if err := visit(m); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: more than %d members", ErrDamaged, maxMembers)
}

// blockWatch records whether the last block that was read is one of zeros, as
// those are that end a tar.
type blockWatch struct {
	io.Reader
	zeros bool
}

// Read implements io.Reader.
func (w *blockWatch) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	const block = 512
	zeros := len(bytes.Trim(b[:n], "\x00")) == 0
	switch {
	case n == 0:
	case len(b) == block:
		w.zeros = zeros
	case len(b) < block: // the rest of one, or a byte behind a seek
		w.zeros = w.zeros && zeros
	default:
		w.zeros = false
	}
	return n, err
}

// visitSpecial visits a member that is neither a file nor a folder.
func visitSpecial(h *tar.Header, visit func(*Member) error) error {
	switch h.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return nil
	case tar.TypeLink:
		return visit(&Member{Name: cleanName(h.Name), Special: true, Target: cleanName(h.Linkname), Err: linkError(h.Linkname)})
	case tar.TypeSymlink:
		return visit(symlink(h.Name, h.Linkname))
	}
	return visit(&Member{Name: cleanName(h.Name), Special: true, Err: errDevice})
}

// symlink returns a link as a member: it leads on from its own folder.
func symlink(name, target string) *Member {
	m := &Member{Name: cleanName(name), Special: true, Err: linkError(target)}
	m.Target = cleanName(target)
	if !path.IsAbs(target) {
		m.Target = path.Join(path.Dir(m.Name), m.Target)
	}
	return m
}

var errDevice = fmt.Errorf("%w: a pipe or a device", ErrUnsupported)

func linkError(target string) error {
	return fmt.Errorf("%w: a link to %s, which is not in the archive", ErrUnsupported, target)
}

// behind reads what comes behind the end of a tar: zeros, and the checksum of
// what it is packed in. Anything else may be a tar of its own.
func (s *tarSource) behind() error {
	const most = 64 << 20
	buffer := make([]byte, 32<<10)
	for read := 0; read < most; {
		n, err := s.reader.Read(buffer)
		if len(bytes.Trim(buffer[:n], "\x00")) > 0 {
			return fmt.Errorf("%w: what comes behind its end is not read", ErrDamaged)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		read += n
	}
	return fmt.Errorf("%w: more than %d MiB of zeros behind its end", ErrBomb, most>>20)
}

// reopen opens the member that comes after so many headers of a stream.
func (s *tarSource) reopen(number int) (io.ReadCloser, error) {
	c, err := s.cursor(number)
	if err != nil {
		return nil, err
	}
	for ; c.next <= number; c.next++ {
		if _, err := c.Next(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, errors.Join(err, c.stream.Close()))
		}
	}
	return &tarMember{c, s}, nil
}

// cursor returns a place in the stream that is not behind a header.
func (s *tarSource) cursor(number int) (*tarCursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.idle; c != nil && c.next <= number {
		s.idle = nil
		return c, nil
	}
	r, err := s.again()
	if err != nil {
		return nil, err
	}
	return &tarCursor{tar.NewReader(r), r, 0}, nil
}

// tarMember is a member of a stream, open for reading.
type tarMember struct {
	*tarCursor
	source *tarSource
}

// Close implements io.Closer. Of several places in the stream the last one is
// kept.
func (m *tarMember) Close() error {
	m.source.mu.Lock()
	defer m.source.mu.Unlock()
	other := m.source.idle
	if other != nil && other.next >= m.next {
		return m.stream.Close()
	}
	m.source.idle = m.tarCursor
	if other != nil {
		return other.stream.Close()
	}
	return nil
}

// isFile reports whether a member of a type is a file: of unknown types that is
// to be assumed [POSIX, pax].
func isFile(kind byte) bool {
	switch kind {
	case tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo, tar.TypeXGlobalHeader:
		return false
	}
	return true
}

// isSparse reports whether a member has holes that pax headers describe.
func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// isOldTar reports whether a block is the header of a tar without a signature:
// its checksum fits.
func isOldTar(head []byte) bool {
	if len(head) < 512 || head[0] == 0 {
		return false
	}
	want, err := strconv.ParseUint(strings.Trim(string(head[148:156]), " \x00"), 8, 32)
	if err != nil || want == 0 {
		return false
	}
	var sum uint64
	for i, c := range head[:512] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += uint64(c)
	}
	return sum == want
}

// cleanName returns a name with slashes, without those at its start.
func cleanName(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	return strings.TrimLeft(strings.TrimPrefix(name, "./"), "/")
}
