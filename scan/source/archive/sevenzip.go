package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/bodgit/sevenzip"
)

// walkSevenZip reads the members of a 7z archive in the order in which they are
// packed, which takes one pass.
func walkSevenZip(ctx context.Context, f File, o Options, visit func(*Member) error) error {
	password, err := sevenZipPassword(f, o.Passwords)
	if err != nil {
		return err
	}
	r, err := newSevenZip(f, password)
	if err != nil {
		return err
	}
	again := &sevenZipAgain{file: f, password: password}
	for i, file := range r.File {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if i == maxMembers {
			return fmt.Errorf("%w: more than %d members", ErrDamaged, maxMembers)
		}
		if !file.Mode().IsRegular() {
			continue
		}
		m := &Member{Name: cleanName(file.Name), Size: int64(min(file.UncompressedSize, 1<<62)), Packed: -1}
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

// newSevenZip opens an archive. What its former reader took is collected first:
// the dictionary of a decoder may have more bytes than all else that the
// program has.
func newSevenZip(f File, password string) (*sevenzip.Reader, error) {
	runtime.GC()
	r, err := sevenzip.NewReaderWithPassword(f, f.Size(), password)
	return r, sevenZipError(err)
}

// sevenZipPassword returns the first password that lets the header and the
// first member of an archive be read; "" if it is not encrypted.
func sevenZipPassword(f File, passwords []string) (string, error) {
	var reason error
	for _, password := range append([]string{""}, passwords...) {
		r, err := sevenzip.NewReaderWithPassword(f, f.Size(), password)
		if err == nil {
			err = probeSevenZip(r)
		}
		if err == nil {
			return password, nil
		}
		if reason == nil || errors.Is(sevenZipError(err), ErrPassword) {
			reason = sevenZipError(err)
		}
	}
	return "", reason
}

// probeSevenZip reads the start of the first member: a wrong password shows
// there.
func probeSevenZip(r *sevenzip.Reader) error {
	for _, file := range r.File {
		if !file.Mode().IsRegular() || file.UncompressedSize == 0 {
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

// sevenZipError says of the library's errors what they mean here.
func sevenZipError(err error) error {
	if err == nil {
		return nil
	}
	if read, ok := errors.AsType[*sevenzip.ReadError](err); ok && read.Encrypted {
		return fmt.Errorf("%w: %w", ErrPassword, err)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
