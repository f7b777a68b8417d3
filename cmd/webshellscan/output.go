package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"webshellscan/internal/work"
	"webshellscan/scan"
)

// output is where a report goes: standard output, or a file that is there
// whole or not at all.
type output struct {
	*bufio.Writer
	format  string
	path    string
	place   string      // path, or what it is a link to
	partial bool        // place is beside that of the whole report
	mode    fs.FileMode // of the file that is replaced, 0 if there is none
	protect protection
	temp    *os.File // becomes place at commit; nil for standard output and devices
	file    *os.File // a device or pipe that is written to directly
}

// standardOutput returns the place for a report that is standard output.
func standardOutput(stdout io.Writer) *output {
	return &output{Writer: bufio.NewWriterSize(stdout, 1<<16)}
}

// openOutput opens the place for a report. An empty path is standard output.
// The error is the context's cause if it is cancelled before a pipe has a
// reader.
func openOutput(ctx context.Context, path string, protect protection, stdout io.Writer) (*output, error) {
	if path == "" {
		return standardOutput(stdout), nil
	}
	info, err := protect.check(path)
	if err != nil {
		return nil, err
	}
	if info != nil && !info.Mode().IsRegular() {
		f, err := work.Await(ctx, func() (*os.File, error) { return os.OpenFile(path, os.O_WRONLY, 0) })
		if err != nil {
			return nil, err
		}
		return &output{Writer: bufio.NewWriterSize(f, 1<<16), path: path, file: f}, nil
	}
	place := targetOf(path)
	temp, err := createTemp(place)
	if err != nil {
		return nil, fmt.Errorf("cannot create %s: %w", path, errors.Unwrap(err))
	}
	o := &output{Writer: bufio.NewWriterSize(temp, 1<<16), path: path, place: place, protect: protect, temp: temp}
	if info != nil {
		o.mode = info.Mode().Perm()
	}
	return o, nil
}

// targetOf returns what a path is a link to, or the path: a link stays, and
// what it names is replaced.
func targetOf(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// createTemp creates a file beside a place, with the rights that the user's
// umask leaves: what a report holds is not for everybody.
func createTemp(place string) (*os.File, error) {
	for try := 0; ; try++ {
		name := filepath.Join(filepath.Dir(place), fmt.Sprintf(".%s.%d", filepath.Base(place), rand.Uint32()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) || try == 100 {
			return f, err
		}
	}
}

// report writes the report of a result and finishes it. If the run is
// interrupted, before or while that is done, what there is is marked and goes
// beside the place of the report.
func (o *output) report(ctx context.Context, res *scan.Result, write func(*output) error) error {
	o.protect = o.protect.andRead(res)
	if res.Summary.Interrupted == nil && ctx.Err() == nil {
		err := o.until(ctx, write)
		if ctx.Err() == nil || o.temp == nil {
			return o.commit(err)
		}
		if err := o.restart(); err != nil {
			return o.commit(err)
		}
	}
	if res.Summary.Interrupted == nil {
		res.Interrupt(context.Cause(ctx))
	}
	if o.temp != nil {
		o.putBeside()
	}
	return o.commit(write(o))
}

// putBeside moves the report, which is not whole, to a place beside its own.
func (o *output) putBeside() {
	o.place, o.partial, o.mode = o.protect.partial(o.place), true, 0
}

// until writes into a file until the context is cancelled, into anything else
// to the end: what has been written there cannot be marked any more.
func (o *output) until(ctx context.Context, write func(*output) error) error {
	if o.temp != nil {
		o.Reset(&untilDone{o.temp, func() error { return context.Cause(ctx) }})
	}
	if err := write(o); err != nil {
		return err
	}
	return o.Flush()
}

// untilDone is a writer that fails once there is a cause.
type untilDone struct {
	out   io.Writer
	cause func() error
}

// Write implements io.Writer.
func (u *untilDone) Write(b []byte) (int, error) {
	if err := u.cause(); err != nil {
		return 0, err
	}
	return u.out.Write(b)
}

// restart drops what was written.
func (o *output) restart() error {
	o.Reset(o.temp)
	if _, err := o.temp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return o.temp.Truncate(0)
}

// commit finishes the report: a file appears under its name. What was written
// of a report that failed is removed.
func (o *output) commit(err error) error {
	if flush := o.Flush(); err == nil {
		err = flush
	}
	switch {
	case o.file != nil:
		err = errors.Join(err, o.file.Close())
		o.file = nil
	case o.temp != nil:
		err = o.replace(err)
	case isClosedPipe(err):
		return nil
	}
	if err != nil {
		return &outputError{o.path, err}
	}
	return nil
}

// outputError is the error that a report could not be written.
type outputError struct {
	path string // "" for standard output
	err  error
}

// Error implements error.
func (e *outputError) Error() string {
	if e.path == "" {
		return "cannot write the report: " + e.err.Error()
	}
	return fmt.Sprintf("cannot write the report %s: %v", e.path, e.err)
}

// Unwrap returns the error that it wraps.
func (e *outputError) Unwrap() error { return e.err }

// replace moves the finished file to its place, or removes the unfinished one.
func (o *output) replace(err error) error {
	temp := o.temp
	o.temp = nil
	if err == nil {
		err = temp.Sync()
	}
	if closing := temp.Close(); err == nil {
		err = closing
	}
	if err == nil && o.mode != 0 {
		err = os.Chmod(temp.Name(), o.mode)
	}
	if err == nil {
		err = o.protect.move(temp.Name(), o.place)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// discard removes what was begun and not committed.
func (o *output) discard() {
	if o.file != nil {
		_ = o.file.Close()
	}
	if o.temp != nil {
		_ = o.temp.Close()
		_ = os.Remove(o.temp.Name())
	}
}
