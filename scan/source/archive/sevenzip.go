package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/bodgit/sevenzip"
)

// walkSevenZip reads the members of a 7z archive in the order in which they are
// packed, which takes one pass.
func walkSevenZip(ctx context.Context, f File, o Options, visit func(*Member) error) error {
	plain, password, err := sevenZipPassword(f, o.Passwords)
	if err != nil {
		return err
	}
	r, err := newSevenZip(plain, password)
	if err != nil {
		return err
	}
	again := &sevenZipAgain{file: plain, password: password}
	for i, file := range r.File {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if !file.Mode().IsRegular() && file.UncompressedSize < leastLog {
			continue
		}
		m := &Member{Name: strings.TrimSuffix(cleanName(file.Name), "/"), Size: int64(min(file.UncompressedSize, 1<<62)), Packed: -1, Err: plain.unread[file.Stream]}
		m.open = func() (io.ReadCloser, error) { return openSevenZipMember(file) }
		m.Reopen = func() (io.ReadCloser, error) { return again.open(i) }
		if err := visit(m); err != nil {
			return err
		}
	}
	return nil
}

// openSevenZipMember opens a member.
func openSevenZipMember(file *sevenzip.File) (io.ReadCloser, error) {
	c, err := file.Open()
	return c, sevenZipError(err)
}

// sevenZipAgain opens members of an archive after the walk. The library keeps a
// decoder with its dictionary for each place where a reading has ended, so that
// those of the walk, and of a pass over the members that has ended, are let go
// with their reader.
type sevenZipAgain struct {
	file     File
	password string

	mu     sync.Mutex
	reader *sevenzip.Reader
	last   int // number of the member that was opened last
}

// open opens the member of a number.
func (s *sevenZipAgain) open(number int) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reader == nil || number < s.last {
		s.reader = nil // before there is another one
		r, err := newSevenZip(s.file, s.password)
		if err != nil {
			return nil, err
		}
		s.reader = r
	}
	if number >= len(s.reader.File) {
		return nil, fmt.Errorf("%w: it has fewer members than before", ErrDamaged)
	}
	s.last = number
	return openSevenZipMember(s.reader.File[number])
}

// init registers a reader of zstd: the library's own takes windows of any size,
// and two of them at once.
func init() {
	sevenzip.RegisterDecompressor([]byte("\x04\xF7\x11\x01"), func(_ []byte, _ uint64, from []io.ReadCloser) (io.ReadCloser, error) {
		if len(from) != 1 {
			return nil, fmt.Errorf("%w: zstd data of %d streams", ErrDamaged, len(from))
		}
		r, err := newZstd(from[0])
		if err != nil {
			return nil, err
		}
		return withCloser{r, from[0]}, nil
	})
}

// withCloser is a reader that closes what it reads from too.
type withCloser struct {
	io.ReadCloser
	from io.Closer
}

// Close implements io.Closer.
func (w withCloser) Close() error { return errors.Join(w.ReadCloser.Close(), w.from.Close()) }

// newSevenZip opens an archive. What its former reader took is collected first:
// the dictionary of a decoder may have more bytes than all else that the
// program has.
func newSevenZip(f File, password string) (*sevenzip.Reader, error) {
	runtime.GC()
	r, err := sevenzip.NewReaderWithPassword(f, f.Size(), password)
	return r, sevenZipError(err)
}

// sevenZipPassword returns an archive and the first password that lets its
// header and its first member be read; "" if it is not encrypted.
func sevenZipPassword(f File, passwords []string) (*sevenZipPlain, string, error) {
	var reason error
	for _, password := range append([]string{""}, passwords...) {
		plain, err := plainSevenZip(f, password)
		if err == nil && plain.encrypted {
			err = plain.probe(password)
		}
		if err == nil {
			return plain, password, nil
		}
		if err = sevenZipError(err); reason == nil || errors.Is(err, ErrPassword) {
			reason = err
		}
	}
	return nil, "", reason
}

// probe reads the start of the first member: a wrong password shows there.
func (p *sevenZipPlain) probe(password string) error {
	r, err := sevenzip.NewReaderWithPassword(p, p.Size(), password)
	if err != nil {
		return err
	}
	for _, file := range r.File {
		if file.UncompressedSize == 0 || p.unread[file.Stream] != nil {
			continue
		}
		c, err := file.Open()
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }() // it was only read
		const most = 1 << 20
		_, err = io.CopyN(io.Discard, c, int64(min(file.UncompressedSize, most)))
		return err
	}
	return nil
}

// sevenZipError maps the library's errors to those of this package.
func sevenZipError(err error) error {
	if err == nil || errors.Is(err, ErrPassword) || errors.Is(err, ErrUnsupported) || errors.Is(err, ErrDamaged) {
		return err
	}
	if read, ok := errors.AsType[*sevenzip.ReadError](err); ok && read.Encrypted {
		return fmt.Errorf("%w: %w", ErrPassword, err)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
