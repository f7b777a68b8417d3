// Package readerutil stands in for go4.org/readerutil: of several readers it
// uses the first. No archive is opened from several files.
package readerutil

import "io"

// SizeReaderAt is a reader that knows its size in bytes.
type SizeReaderAt interface {
	io.ReaderAt
	Size() int64
}

// NewMultiReaderAt returns the first of the readers.
func NewMultiReaderAt(parts ...SizeReaderAt) SizeReaderAt { return parts[0] }
