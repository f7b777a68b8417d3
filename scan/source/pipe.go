package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"webshellscan/internal/work"
)

// stdinPath is the path that stands for the standard input.
const stdinPath = "-"

// pipe adds a path that can be read only once.
func (f *finder) pipe(path string) {
	if !slices.Contains(f.pipes, path) {
		f.pipes = append(f.pipes, path)
	}
}

// readPipes reads what can be read only once, and expands it if it is a
// container.
func (x *expander) readPipes(ctx context.Context, paths []string, stdin io.Reader) error {
	for _, path := range paths {
		data, err := x.readPipe(ctx, path, stdin)
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if data == nil {
			return err
		}
		in := Input{Path: path, Size: data.size, Named: true}
		in.open = func() (*File, error) { return &File{reader: data, size: data.size, fault: err}, nil }
		g := x.probe(&in)
		switch {
		case g.container != noContainer && x.expand(ctx, outermost(data, in)):
			x.containers = append(x.containers, in)
			if err != nil {
				x.skip(path, err)
			}
		case x.options.Carve && !isLogFile(in):
			x.inputs = append(x.inputs, carveFile(in))
		case g.wanted != nil:
			in.Kind = *g.wanted
			x.others = append(x.others, in)
		default:
			x.inputs = append(x.inputs, in)
		}
	}
	return nil
}

// readPipe returns what a pipe gives, up to its end or an error.
func (x *expander) readPipe(ctx context.Context, path string, stdin io.Reader) (*pages, error) {
	from := stdin
	if path != stdinPath {
		file, err := work.Await(ctx, func() (*os.File, error) { return os.Open(path) }) // it waits for a writer
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		from = file
	}
	if from == nil {
		return nil, errors.New("there is no standard input to read")
	}
	data, err := x.keep(ctx, cancelReader(ctx, from), -1, func() int64 { return math.MaxInt64 })
	if errors.Is(err, ErrMemory) {
		err = fmt.Errorf("a pipe has to be kept, in memory or, with --temp, in a file: %w", err)
	}
	return data, err
}

// cancelReader returns a reader whose Read returns when the context is
// cancelled, even if there is nothing to read.
func cancelReader(ctx context.Context, from io.Reader) io.Reader {
	const most = 64 << 10 // as much as a pipe gives at once
	return readFunc(func(b []byte) (int, error) {
		data, err := work.Await(ctx, func() ([]byte, error) {
			data := make([]byte, min(len(b), most)) // its own: b is the caller's again when the context is cancelled
			n, err := from.Read(data)
			return data[:n], err
		})
		return copy(b, data), err
	})
}

// readFunc is a reader made of its Read.
type readFunc func(b []byte) (int, error)

// Read implements io.Reader.
func (f readFunc) Read(b []byte) (int, error) { return f(b) }
