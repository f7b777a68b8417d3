// Package brotli stands in for github.com/andybalholm/brotli: it unpacks
// nothing, and says so.
package brotli

import (
	"errors"
	"fmt"
	"io"
)

// Reader is a reader that always fails.
type Reader struct{}

// NewReader returns a reader.
func NewReader(io.Reader) *Reader { return &Reader{} }

// Reset changes nothing.
func (*Reader) Reset(io.Reader) error { return nil }

// Read implements io.Reader. It returns an error that wraps
// errors.ErrUnsupported.
func (*Reader) Read([]byte) (int, error) { return 0, fmt.Errorf("Brotli: %w", errors.ErrUnsupported) }
