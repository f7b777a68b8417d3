// Package partial reads and writes partial results: files of what reading logs
// leaves behind, so that parts that were read on several machines are put
// together as if one scan had read all. It knows the frame of the format
// (docs/PARTIAL.md): parts, sections, compression, checksums. What is in the
// sections is for those to say whose it is.
//
// A file holds parts. One that was collected has one part; one that was merged
// has those of all that went into it, each once and byte for byte as it was
// collected. So the order and grouping of merges make no difference. A part is
// known by its SHA-256.
//
// A partial result may come from a machine that an intruder has: all sizes are
// bounded by what is there, Open refuses a file of which a part does not fit
// its SHA-256, and Reader.Close says whether a section fits its checksum.
package partial

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Version is that of the format, of what is in the sections too. Another one is
// refused.
const Version = 4

// Magic is how a file of partial results begins.
const Magic = "\x93WSP\r\n\x1A\n"

// Ending is that of the names of such files.
const Ending = ".wsp"

// Why a file is refused.
var (
	ErrMagic   = errors.New("no partial result")
	ErrVersion = errors.New("of another version of the format")
	ErrCut     = errors.New("cut")
	ErrChanged = errors.New("changed: a checksum does not fit")
	ErrSize    = errors.New("holds a section of an impossible size")
)

// The layout. A file: Magic, version (u32), parts, and a part of length 0 in
// whose place stand the number of parts (u32) and the SHA-256 of their hashes.
// A part: its length (u64), its SHA-256, and its sections: kind (u8), stored
// size (u64), size (u64), CRC-32 of what is stored (u32), and that, compressed
// by zstd.
const (
	headSize    = len(Magic) + 4
	partHead    = 8 + sha256.Size
	sectionHead = 1 + 8 + 8 + 4
	tailSize    = 8 + 4 + sha256.Size
)

// What a section unpacks to is bounded by what is stored of it, so that a small
// file costs little memory whoever wrote it: maxRatio bytes for each byte, and
// slack for any. One that would be packed better is padded with a skippable
// frame.
const (
	maxRatio = 16
	slack    = 64 << 10
)

// limit returns how many bytes so many stored ones may unpack to.
func limit(stored int64) int64 { return maxRatio*min(stored, math.MaxInt64/maxRatio/2) + slack }

const (
	// maxParts bounds the parts of a file, maxSections the sections of a
	// part.
	maxParts    = 1 << 20
	maxSections = 1 << 22
	// maxWindow bounds what unpacking looks back at, in bytes.
	maxWindow = 4 << 20
)

// Kind says what a section holds.
type Kind uint8

// Section is a section of a part, where it lies.
type Section struct {
	Kind   Kind
	at     int64 // of what is stored, in bytes from the start of the file
	stored int64
	size   int64
	crc    uint32
}

// Part is a part of a file: its sections, none of which is unpacked yet.
type Part struct {
	Sum      [sha256.Size]byte
	Sections []Section
	source   io.ReaderAt
	at, size int64 // of the sections
}

// File is a file of partial results that was found sound.
type File struct{ Parts []*Part }

// Open reads a file of size bytes once, checks its checksums and returns its
// parts. source must stay open as long as they are used.
func Open(source io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, headSize)
	if n, err := source.ReadAt(head, 0); n < headSize {
		if n > 0 && !bytes.HasPrefix([]byte(Magic), head[:min(n, len(Magic))]) {
			return nil, ErrMagic
		}
		return nil, unlessEnd(err, ErrCut)
	}
	if string(head[:len(Magic)]) != Magic {
		return nil, ErrMagic
	}
	if v := binary.LittleEndian.Uint32(head[len(Magic):]); v != Version {
		return nil, fmt.Errorf("%w: %d, and not %d", ErrVersion, v, Version)
	}
	f, all := new(File), sha256.New()
	for at := int64(headSize); ; {
		part, next, err := openPart(source, at, size)
		if err != nil {
			return nil, err
		}
		if part == nil {
			return f, checkTail(source, at, size, len(f.Parts), all.Sum(nil))
		}
		if len(f.Parts) == maxParts {
			return nil, ErrSize
		}
		_, _ = all.Write(part.Sum[:]) // a hash takes everything
		f.Parts, at = append(f.Parts, part), next
	}
}

// unlessEnd returns a read error, or other if there is none but the end.
func unlessEnd(err, other error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return other
}

// openPart reads a part and returns it with the place behind it; nil at the end
// of the parts.
func openPart(source io.ReaderAt, at, size int64) (*Part, int64, error) {
	head := make([]byte, partHead)
	if n, err := source.ReadAt(head, at); n < partHead {
		return nil, 0, unlessEnd(err, ErrCut)
	}
	length := binary.LittleEndian.Uint64(head)
	if length == 0 {
		return nil, 0, nil
	}
	p := &Part{Sum: [sha256.Size]byte(head[8:]), source: source, at: at + int64(partHead)}
	if p.at > size || length > uint64(size-p.at) {
		return nil, 0, ErrCut
	}
	p.size = int64(length)
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(source, p.at, p.size)); err != nil {
		return nil, 0, err
	}
	if [sha256.Size]byte(sum.Sum(nil)) != p.Sum {
		return nil, 0, ErrChanged
	}
	return p, p.at + p.size, p.index()
}

// checkTail compares what stands behind the parts with them.
func checkTail(source io.ReaderAt, at, size int64, parts int, sum []byte) error {
	tail := make([]byte, tailSize)
	n, err := source.ReadAt(tail, at)
	switch {
	case n < tailSize:
		return unlessEnd(err, ErrCut)
	case int64(binary.LittleEndian.Uint32(tail[8:])) != int64(parts), !bytes.Equal(tail[12:], sum), at+int64(tailSize) != size:
		return ErrChanged
	}
	return nil
}

// index finds the sections.
func (p *Part) index() error {
	head := make([]byte, sectionHead)
	for at, end := p.at, p.at+p.size; at < end; {
		if end-at < int64(sectionHead) || len(p.Sections) == maxSections {
			return ErrSize
		}
		if _, err := p.source.ReadAt(head, at); err != nil {
			return err
		}
		le := binary.LittleEndian
		stored, size := le.Uint64(head[1:]), le.Uint64(head[9:])
		at += int64(sectionHead)
		if stored > uint64(end-at) || size > uint64(limit(int64(stored))) {
			return ErrSize
		}
		p.Sections = append(p.Sections, Section{Kind(head[0]), at, int64(stored), int64(size), le.Uint32(head[17:])})
		at += int64(stored)
	}
	return nil
}

// Size returns how many bytes a section has when it is unpacked.
func (s *Section) Size() int64 { return s.size }

// decoders unpack sections. They are few, since each holds a window.
var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err // an error of this program: the options are constant
	}
	return d
}}

// Reader unpacks a section. It is for one goroutine.
type Reader struct {
	section *Section
	sum     hash.Hash32
	decoder *zstd.Decoder
	left    int64
}

// Open returns a Reader of a section, which must be closed.
func (p *Part) Open(s *Section) (*Reader, error) {
	d, ok := decoders.Get().(*zstd.Decoder)
	if !ok {
		return nil, errors.New("zstd: wrong options")
	}
	r := &Reader{section: s, sum: crc32.NewIEEE(), decoder: d, left: s.size}
	err := d.Reset(io.TeeReader(io.NewSectionReader(p.source, s.at, s.stored), r.sum))
	return r, err
}

// Read implements io.Reader. Not before Close returns nil is it known that the
// section is sound.
func (r *Reader) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.decoder.Read(b[:min(int64(len(b)), r.left)])
	if r.left -= int64(n); err != nil && r.left > 0 {
		return n, fmt.Errorf("%w: %w", ErrSize, err)
	}
	return n, nil
}

// Close ends the reading. If all was read, its error says that the section is
// not what was stored.
func (r *Reader) Close() error {
	defer func() {
		_ = r.decoder.Reset(nil) // it lets go of what it read
		decoders.Put(r.decoder)
	}()
	if r.left > 0 {
		return nil
	}
	switch n, err := r.decoder.Read(make([]byte, 1)); {
	case n > 0 || !errors.Is(err, io.EOF):
		return ErrSize
	case r.sum.Sum32() != r.section.crc:
		return ErrChanged
	}
	return nil
}

// Only returns the first section of a kind, nil if there is none.
func (p *Part) Only(kind Kind) *Section {
	i := slices.IndexFunc(p.Sections, func(s Section) bool { return s.Kind == kind })
	if i < 0 {
		return nil
	}
	return &p.Sections[i]
}

// Writer writes a part.
type Writer struct {
	body    bytes.Buffer
	encoder *zstd.Encoder
}

// NewWriter returns a Writer.
func NewWriter() (*Writer, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(maxWindow), zstd.WithLowerEncoderMem(true))
	return &Writer{encoder: e}, err
}

// Add adds a section of what a reader holds, and returns its size.
func (w *Writer) Add(kind Kind, from io.Reader) (int64, error) {
	at := w.body.Len()
	w.body.Write(make([]byte, sectionHead))
	w.encoder.Reset(&w.body)
	size, err := io.Copy(w.encoder, from)
	if err = errors.Join(err, w.encoder.Close()); err != nil {
		w.body.Truncate(at)
		return 0, err
	}
	w.pad(w.body.Len()-at-sectionHead, size)
	section := w.body.Bytes()[at:]
	stored := section[sectionHead:]
	le := binary.LittleEndian
	section[0] = byte(kind)
	le.PutUint64(section[1:], uint64(len(stored)))
	le.PutUint64(section[9:], uint64(size))
	le.PutUint32(section[17:], crc32.ChecksumIEEE(stored))
	return size, nil
}

// pad stores a frame that says nothing if what is stored may not unpack to so
// many bytes.
func (w *Writer) pad(stored int, size int64) {
	const (
		magic = 0x184D2A50
		head  = 8
	)
	if size <= limit(int64(stored)) {
		return
	}
	missing := (size-slack+maxRatio-1)/maxRatio - int64(stored)
	le := binary.LittleEndian
	n := max(missing-head, 0)
	w.body.Write(le.AppendUint32(le.AppendUint32(nil, magic), uint32(n)))
	w.body.Write(make([]byte, n))
}

// WriteTo writes a file of the one part.
func (w *Writer) WriteTo(out io.Writer) (int64, error) {
	body := w.body.Bytes()
	return write(out, []sealed{{sha256.Sum256(body), bytes.NewReader(body), int64(len(body))}})
}

// sealed is a part as it is written.
type sealed struct {
	sum  [sha256.Size]byte
	body io.Reader
	size int64
}

// Write writes a file of parts of others: each once, in the order of their
// hashes.
func Write(out io.Writer, parts []*Part) error {
	parts = distinct(parts)
	list := make([]sealed, len(parts))
	for i, p := range parts {
		list[i] = sealed{p.Sum, io.NewSectionReader(p.source, p.at, p.size), p.size}
	}
	_, err := write(out, list)
	return err
}

// distinct returns the parts in the order of their hashes, each once.
func distinct(parts []*Part) []*Part {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b *Part) int { return bytes.Compare(a.Sum[:], b.Sum[:]) })
	return slices.CompactFunc(parts, func(a, b *Part) bool { return a.Sum == b.Sum })
}

func write(out io.Writer, parts []sealed) (int64, error) {
	le := binary.LittleEndian
	written := int64(0)
	put := func(from io.Reader, size int64) error {
		n, err := io.CopyN(out, from, size)
		written += n
		return err
	}
	head := le.AppendUint32([]byte(Magic), Version)
	if err := put(bytes.NewReader(head), int64(len(head))); err != nil {
		return written, err
	}
	all := sha256.New()
	for _, p := range parts {
		_, _ = all.Write(p.sum[:]) // a hash takes everything
		head := append(le.AppendUint64(nil, uint64(p.size)), p.sum[:]...)
		if err := put(io.MultiReader(bytes.NewReader(head), p.body), int64(len(head))+p.size); err != nil {
			return written, err
		}
	}
	tail := append(le.AppendUint32(make([]byte, 8), uint32(len(parts))), all.Sum(nil)...)
	return written, put(bytes.NewReader(tail), int64(len(tail)))
}
