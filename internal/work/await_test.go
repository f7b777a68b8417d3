package work_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"webshellscan/internal/work"
)

// TestAwait: what is done comes back, and what never is ends with the context.
func TestAwait(t *testing.T) {
	if n, err := work.Await(t.Context(), func() (int, error) { return 3, io.EOF }); n != 3 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v, want 3 and %v", n, err, io.EOF)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	never := make(chan int)
	defer close(never)
	cancel(io.ErrClosedPipe)
	if n, err := work.Await(ctx, func() (int, error) { return <-never, nil }); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%d, %v, want 0 and %v", n, err, io.ErrClosedPipe)
	}
}
