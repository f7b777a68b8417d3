package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// windowSize is how much of content that does not fit into memory is unpacked
// at once, in bytes. Two such windows are kept.
const windowSize = 16 << 20

// windows is content that is unpacked as it is read, from its start to its end.
// To go back by more than a window is to unpack it again. Goroutines may read
// it at once, but better does one.
type windows struct {
	open func() (io.ReadCloser, error)
	size int64 // of the content, in bytes
	step int64 // size of a window, in bytes

	memory *memory

	mu     sync.Mutex
	stream io.ReadCloser // nil before the first window
	next   int64         // number of the window that comes next
	kept   [2]window     // the last ones, the newer first
	ended  error         // what the end of the stream said
}

// window is a part of the content.
type window struct {
	number int64
	data   *pages // nil if there is none
}

// ReadAt implements io.ReaderAt.
func (w *windows) ReadAt(b []byte, off int64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	read := 0
	for read < len(b) {
		if off < 0 || off >= w.size {
			return read, io.EOF
		}
		data, err := w.window(off / w.step)
		n := 0
		if data != nil {
			n, _ = data.ReadAt(b[read:], off%w.step) // what is missing is in the next one, or err says why
		}
		read += n
		off += int64(n)
		if n == 0 {
			return read, errors.Join(io.ErrUnexpectedEOF, err)
		}
	}
	return read, nil
}

// window returns the window of a number. An error comes with what there is of
// it.
func (w *windows) window(number int64) (*pages, error) {
	for _, k := range w.kept {
		if k.data != nil && k.number == number {
			return k.data, w.ended
		}
	}
	if w.stream == nil || number < w.next {
		if err := w.restart(); err != nil {
			return nil, err
		}
	}
	for {
		if w.ended != nil {
			return nil, w.ended
		}
		at := w.next
		w.kept[1].drop()
		data := &pages{memory: w.memory}
		err := data.read(w.stream, min(w.step, w.size-at*w.step))
		if err == nil && at*w.step+data.size == w.size {
			if _, err = w.stream.Read(make([]byte, 1)); errors.Is(err, io.EOF) { // the end has the checksum
				err = nil
			}
		}
		w.kept[1], w.kept[0] = w.kept[0], window{at, data}
		w.next++
		if err != nil {
			w.ended = fmt.Errorf("unpacked offset %d: %w", at*w.step+data.size, err)
		}
		if at == number {
			return data, w.ended
		}
	}
}

// drop forgets the window.
func (w *window) drop() {
	if w.data != nil {
		w.data.drop()
		w.data = nil
	}
}

// restart begins the stream anew.
func (w *windows) restart() error {
	_ = w.close()
	stream, err := w.open()
	if err != nil {
		return err
	}
	w.stream, w.next, w.ended = stream, 0, nil
	return nil
}

// fault returns what was wrong with the content that was read.
func (w *windows) fault() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

func (w *windows) close() error {
	for i := range w.kept {
		w.kept[i].drop()
	}
	if w.stream == nil {
		return nil
	}
	stream := w.stream
	w.stream = nil
	return stream.Close()
}

// windowed makes an input of content that does not fit into memory.
func (x *expander) windowed(in Input, size int64, open func() (io.ReadCloser, error)) Input {
	in.Size, in.Sequential, in.stream = size, true, open
	in.open = func() (*File, error) {
		step := max(1<<16, min(windowSize, x.budget.most/4))
		if err := x.budget.acquire(min(2*step, x.budget.most)); err != nil {
			return nil, err
		}
		w := &windows{open: open, size: size, step: step, memory: &x.budget.memory}
		return &File{reader: w, size: size, late: w.fault, close: func() error {
			defer x.budget.release(min(2*step, x.budget.most))
			return w.close()
		}}, nil
	}
	return in
}

// sizeOf unpacks a stream to find out how large it is, at most so many bytes.
func (x *expander) sizeOf(ctx context.Context, open func() (io.ReadCloser, error), most int64) (int64, error) {
	r, err := open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }() // it was only read
	for size := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := io.CopyN(io.Discard, r, 1<<20)
		size += n
		switch {
		case size > most:
			return 0, bombError(size)
		case err != nil:
			return size, nil // what is wrong is reported when it is read
		}
	}
}
