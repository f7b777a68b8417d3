package evtx

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

// File is an EVTX file that has been looked at: its header, and the parts into
// which its chunks can be divided among workers. It is immutable; goroutines
// may share it as far as they may share its source.
type File struct {
	source io.ReaderAt
	size   int64
	header Header
}

// Open looks at the header block of a file of size bytes. A file counts as EVTX
// by its content: it has a file header, or a chunk where the first one belongs.
// The error wraps ErrEmpty, ErrTruncated, ErrNotEVTX or ErrRead. The source must
// stay open as long as the file is read.
func Open(source io.ReaderAt, size int64) (*File, error) {
	if size == 0 {
		return nil, &FormatError{Class: FileTruncated, What: "file", Err: ErrEmpty}
	}
	block := make([]byte, HeaderSize+len(chunkSignature))
	n, err := source.ReadAt(block[:min(size, int64(len(block)))], 0)
	if n < headerUsed {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, &FormatError{Class: ReadError, What: "file header", Err: errors.Join(ErrRead, err)}
		}
		if !bytes.HasPrefix(block[:n], []byte(fileSignature)[:min(n, len(fileSignature))]) {
			return nil, ErrNotEVTX
		}
		return nil, &FormatError{Class: FileTruncated, What: "file header", Need: HeaderSize, Have: int64(n), Err: ErrTruncated}
	}
	f := &File{source: source, size: size, header: parseHeader(block)}
	if !f.header.Present && string(block[HeaderSize:]) != chunkSignature {
		return nil, ErrNotEVTX
	}
	return f, nil
}

// Header returns what the file's header block says.
func (f *File) Header() Header { return f.header }

// Size returns the file's size in bytes as it was when it was opened.
func (f *File) Size() int64 { return f.size }

// Part is a stretch of a file, in bytes from its start: the chunks that begin
// in it can be read on their own.
type Part struct{ Start, End int64 }

// DefaultPartSize is the size of a part, in bytes, that shares a file well among
// workers: large against the cost of a part, small against that of a file.
const DefaultPartSize = 64 * ChunkSize

// Parts divides the file into parts of about size bytes (rounded up to whole
// chunks), in the order of the file. They depend on the file's size only.
func (f *File) Parts(size int64) iter.Seq[Part] { return PartsOf(f.size, size) }

// PartsOf returns the parts of a file of fileSize bytes, as Parts does, before
// it has been opened.
func PartsOf(fileSize, size int64) iter.Seq[Part] {
	size = (max(size, 1) + ChunkSize - 1) / ChunkSize * ChunkSize
	return func(yield func(Part) bool) {
		for start := int64(HeaderSize); ; start += size {
			if !yield(Part{start, max(start, min(start+size, fileSize))}) || start+size >= fileSize {
				return
			}
		}
	}
}
