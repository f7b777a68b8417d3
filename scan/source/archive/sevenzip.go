package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/bodgit/sevenzip"
)

// walkSevenZip reads the members of a 7z archive in the order in which they are
// packed, which takes one pass.
func walkSevenZip(ctx context.Context, f File, o Options, visit func(*Member) error) error {
	r, err := openSevenZip(f, o.Passwords)
	if err != nil {
		return err
	}
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
		open := func() (io.ReadCloser, error) {
			c, err := file.Open()
			return c, sevenZipError(err)
		}
		m := &Member{Name: cleanName(file.Name), Size: int64(min(file.UncompressedSize, 1<<62)), Packed: -1, Reopen: open, open: open}
		if err := visit(m); err != nil {
			return err
		}
	}
	return nil
}

// openSevenZip opens an archive with the first password that lets its header and
// its first member be read.
func openSevenZip(f File, passwords []string) (*sevenzip.Reader, error) {
	var reason error
	for _, password := range append([]string{""}, passwords...) {
		r, err := sevenzip.NewReaderWithPassword(f, f.Size(), password)
		if err == nil {
			err = probeSevenZip(r)
		}
		if err == nil {
			return r, nil
		}
		if reason == nil || errors.Is(sevenZipError(err), ErrPassword) {
			reason = sevenZipError(err)
		}
	}
	return nil, reason
}

// probeSevenZip reads the start of the first member: a wrong password shows there.
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
