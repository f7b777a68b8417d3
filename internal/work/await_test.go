package work_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"webshellscan/internal/work"
)

// TestAwait: what is done comes back, a panic as an error, and what never is
// done ends with the context.
func TestAwait(t *testing.T) {
	if n, err := work.Await(t.Context(), func() (int, error) { return 3, io.EOF }); n != 3 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v, want 3 and %v", n, err, io.EOF)
	}
	_, err := work.Await(t.Context(), func() (int, error) { panic("lost") })
	if _, ok := errors.AsType[*work.Panic](err); !ok {
		t.Errorf("a panic comes back as %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	never := make(chan int)
	defer close(never)
	cancel(io.ErrClosedPipe)
	if n, err := work.Await(ctx, func() (int, error) { return <-never, nil }); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%d, %v, want 0 and %v", n, err, io.ErrClosedPipe)
	}
}
