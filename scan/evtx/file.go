package evtx

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"

	"webshellscan/scan/event"
)

// File is an EVTX file that has been looked at: its header, and the parts into
// which its chunks can be divided among goroutines. It is immutable; goroutines
// may share it as far as they may share its source.
type File struct {
	source io.ReaderAt
	size   int64
	header Header
	// first is where the first chunk or file header may be: what lies
	// before is not the log's.
	first int64
	// beheaded is set if the file's header, and chunks that stood between
	// it and the first one, are something else now.
	beheaded bool
}

// Open reads the header block of a file of size bytes. A file counts as EVTX by
// its content: it has a file header, or a chunk where the first one belongs or
// at its start. The error wraps ErrEmpty, ErrTruncated, ErrNotEVTX or ErrRead.
// The source must stay open as long as the file is read.
func Open(source io.ReaderAt, size int64) (*File, error) {
	if size == 0 {
		return nil, &FormatError{Class: FileTruncated, What: "file", Err: ErrEmpty}
	}
	block := make([]byte, min(size, HeaderSize+int64(len(event.ChunkSignature))))
	n, err := source.ReadAt(block, 0)
	if n < headerUsed {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, &FormatError{Class: ReadError, What: "file header", Err: errors.Join(ErrRead, err)}
		}
		if !bytes.HasPrefix(block[:n], []byte(event.FileSignature)[:min(n, len(event.FileSignature))]) {
			return nil, ErrNotEVTX
		}
		return nil, &FormatError{Class: FileTruncated, What: "file header", Need: HeaderSize, Have: int64(n), Err: ErrTruncated}
	}
	f := &File{source: source, size: size, header: parseHeader(block), first: HeaderSize}
	switch {
	case string(block[:len(event.ChunkSignature)]) == event.ChunkSignature:
		f.first = 0
	case !f.header.Present && !bytes.HasSuffix(block[min(len(block), HeaderSize):], []byte(event.ChunkSignature)):
		return nil, ErrNotEVTX
	}
	return f, nil
}

// searchStep is how much of a file Search reads at once.
const searchStep = 1 << 20

// Search is Open for a file that is believed to be a log though it does not
// begin as one: it looks for a chunk anywhere in the file, behind whatever
// stands before it. The error is that of Open if there is none. If the context
// is cancelled it is its cause.
func Search(ctx context.Context, source io.ReaderAt, size int64) (*File, error) {
	f, err := Open(source, size)
	if !errors.Is(err, ErrNotEVTX) {
		return f, err
	}
	const overlap = headerUsed
	block := make([]byte, min(size, searchStep+overlap))
	fault := error(ErrNotEVTX)
	for pos := int64(0); pos < size; pos += searchStep {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if sparse, ok := source.(holes); ok {
			if pos = sparse.NextData(pos); pos >= size {
				break
			}
		}
		n, err := source.ReadAt(block[:min(int64(len(block)), size-pos)], pos)
		if at := nextChunk(block[:n], 0, n); at < n {
			f := &File{source: source, size: size, first: pos + int64(at)}
			f.beheaded = f.first >= HeaderSize+ChunkSize && !hasHeader(source, f.first-HeaderSize)
			return f, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			fault = &FormatError{Class: ReadError, What: "file", Offset: pos + int64(n), Err: errors.Join(ErrRead, err)}
		}
	}
	return nil, fault
}

// hasHeader reports whether a file header stands at an offset.
func hasHeader(source io.ReaderAt, offset int64) bool {
	var b [len(event.FileSignature)]byte
	n, _ := source.ReadAt(b[:], offset)
	return string(b[:n]) == event.FileSignature
}

// Raw returns a file that is no log but may hold chunks anywhere, such as the
// free clusters of a volume, for Reader.Carve.
func Raw(source io.ReaderAt, size int64) *File { return &File{source: source, size: size} }

// Header returns the file's header block.
func (f *File) Header() Header { return f.header }

// From returns the file as it is read from another source: the same file,
// opened again.
func (f *File) From(source io.ReaderAt) *File {
	g := *f
	g.source = source
	return &g
}

// Size returns the file's size in bytes as it was when it was opened.
func (f *File) Size() int64 { return f.size }

// Part is a stretch of a file, in bytes from its start: the chunks that begin
// in it can be read on their own.
type Part struct{ Start, End int64 }

// DefaultPartSize is the size of a part, in bytes, that shares a file well
// among goroutines: large against the cost of a part, small against that of a
// file.
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
