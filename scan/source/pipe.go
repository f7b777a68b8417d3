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
func (x *expander) readPipes(paths []string, stdin io.Reader) error {
	for _, path := range paths {
		data, err := x.readPipe(path, stdin)
		if cause := context.Cause(x.ctx); cause != nil {
			return cause
		}
		if data == nil {
			return err
		}
		in := Input{Path: path, Size: data.size, Named: true}
		in.open = func() (*File, error) { return &File{reader: data, size: data.size, fault: err}, nil }
		g := x.probe(&in)
		switch {
		case g.container != noContainer && x.expand(outermost(data, in)):
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
func (x *expander) readPipe(path string, stdin io.Reader) (*pages, error) {
	from := stdin
	if path != stdinPath {
		file, err := work.Await(x.ctx, func() (*os.File, error) { return os.Open(path) }) // it waits for a writer
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // it was only read
		from = file
	}
	if from == nil {
		return nil, errors.New("there is no standard input to read")
	}
	data, err := x.keep(&cancelReader{x.ctx, from}, -1, func() int64 { return math.MaxInt64 })
	if errors.Is(err, ErrMemory) {
		err = fmt.Errorf("a pipe has to be kept, in memory or, with --temp, in a file: %w", err)
	}
	return data, err
}

// cancelReader is a reader whose Read returns when the context is cancelled,
// even if there is nothing to read.
type cancelReader struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (r *cancelReader) Read(b []byte) (int, error) {
	const most = 64 << 10 // as much as a pipe gives at once
	data, err := work.Await(r.ctx, func() ([]byte, error) {
		data := make([]byte, min(len(b), most)) // its own: b is the caller's again when the context is cancelled
		n, err := r.from.Read(data)
		return data[:n], err
	})
	return copy(b, data), err
}
