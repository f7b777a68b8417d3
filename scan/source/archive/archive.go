// Package archive reads the members of archives and of compressed files: zip,
// 7z, tar, gzip, zstd, xz and bzip2. What a file is, is decided by its bytes.
//
// An archive is an intruder's text: names are labels, never paths to write to;
// declared sizes are compared with what is there; nothing is unpacked that is
// not asked for. The package writes nothing.
package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// ErrFormat is returned by Walk for what is no archive of a known format.
var ErrFormat = errors.New("archive: not an archive of a known format")

// Why a member, or an archive, is not read. Errors wrap these.
var (
	ErrPassword    = errors.New("encrypted, and no password fits")
	ErrUnsupported = errors.New("not supported")
	ErrDamaged     = errors.New("archive is damaged")
	ErrBomb        = errors.New("unpacks to more than it could hold")
)

// Damaged returns why content is not whole: that of an error about what is not
// supported, ErrDamaged with any other.
func Damaged(err error) error {
	if errors.Is(err, ErrUnsupported) || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// Limits on what an archive may make this program do.
const (
	maxMembers = 1 << 20
	maxWindow  = 256 << 20 // of zstd, and the dictionary of xz, in bytes
)

// Member is a file in an archive.
type Member struct {
	// Name is as the archive has it, with slashes. It is text of whoever
	// made the archive.
	Name string
	// Size is the size in bytes as the archive declares it, -1 if it does
	// not.
	Size int64
	// Packed is how many bytes the member takes in the archive, -1 if
	// members are not packed one by one.
	Packed int64
	// Err is why the member cannot be read, nil if it can.
	Err error
	// Special is set if the member is no file, and Err says what it is:
	// a link, with its Target, a pipe or a device.
	Special bool
	Target  string
	// Stored is set if the member lies in the archive as it is: its bytes
	// begin at Offset of the archive. Checked is set if the archive has
	// their CRC-32.
	Stored, Checked bool
	Offset          int64
	CRC32           uint32
	// Again is set if Open may be called more than once, and after Walk has
	// ended.
	Again bool
	// Reopen opens the content of a member that Open opens only once; nil
	// if there is no way. It unpacks what comes before it, from the start
	// or from where the last one that was opened so, and closed, ended. It
	// may be called after Walk has ended.
	Reopen func() (io.ReadCloser, error)

	open func() (io.ReadCloser, error)
}

// CompareCRC32 returns an error that wraps ErrDamaged if the CRC-32 of a
// content is not that which the archive has of it.
func CompareCRC32(got, want uint32) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrDamaged, &crcError{got, want})
}

// crcError is the error of content whose CRC-32 is another one.
type crcError struct{ got, want uint32 }

// Error implements error.
func (e *crcError) Error() string { return fmt.Sprintf("the CRC-32 is %08x, not %08x", e.got, e.want) }

// IsWhole reports whether a fault of content is no more than that its checksum
// is another one, so that all of it was unpacked.
func IsWhole(fault error) bool {
	_, is := errors.AsType[*crcError](fault)
	return is || errors.Is(fault, gzip.ErrChecksum)
}

// Open returns the content. A member that does not allow it Again must be read
// before Walk goes on.
func (m *Member) Open() (io.ReadCloser, error) {
	if m.Err != nil {
		return nil, m.Err
	}
	return m.open()
}

// Options are how an archive is read.
type Options struct {
	// Name is the name of the file, for that of the content of a compressed
	// one.
	Name string
	// Passwords are tried in their order where members are encrypted.
	Passwords []string
}

// File is an archive's file. Goroutines may read it at once.
type File interface {
	io.ReaderAt
	Size() int64 // in bytes
}

// Format is a kind of archive.
type Format uint8

// The formats.
const (
	None Format = iota
	Zip
	SevenZip
	Tar
	Gzip
	Zstd
	XZ
	Bzip2
)

// What archives begin with (PKWARE, APPNOTE.TXT; Igor Pavlov, 7zFormat.txt; RFC
// 1952, RFC 8878, the .xz file format, the magic of a block of bzip2).
const (
	ZipSignature      = "PK\x03\x04" // of a member
	ZipEndSignature   = "PK\x05\x06" // of the end of the directory
	ZipPartSignature  = "PK\x07\x08" // of one of several files
	SevenZipSignature = "7z\xBC\xAF\x27\x1C"
	GzipSignature     = "\x1F\x8B\x08"
	ZstdSignature     = "\x28\xB5\x2F\xFD"
	XZSignature       = "\xFD7zXZ\x00"
	Bzip2Signature    = "1AY&SY" // at offset 4
	TarSignature      = "ustar"  // at offset 257
)

// FormatOf returns the format of a file whose first bytes, up to 512, are
// given.
func FormatOf(head []byte) Format {
	at := func(off int, text string) bool {
		return len(head) >= off+len(text) && string(head[off:off+len(text)]) == text
	}
	switch {
	case at(0, ZipSignature), at(0, ZipEndSignature), at(0, ZipPartSignature):
		return Zip
	case at(0, SevenZipSignature):
		return SevenZip
	case at(0, GzipSignature):
		return Gzip
	case at(0, ZstdSignature), len(head) >= 4 && head[0]&0xF0 == 0x50 && at(1, "\x2A\x4D\x18"):
		return Zstd
	case at(0, XZSignature):
		return XZ
	case at(0, "BZh") && at(4, Bzip2Signature):
		return Bzip2
	case at(257, TarSignature), isOldTar(head):
		return Tar
	}
	return None
}

// Walk calls visit with each member of an archive in the order of the archive,
// and returns what it returns, or why the rest cannot be read.
func Walk(ctx context.Context, f File, o Options, visit func(*Member) error) error {
	head := make([]byte, min(512, f.Size()))
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch format := FormatOfFile(f, head, o.Name, true); format {
	case Zip:
		return walkZip(ctx, f, o, visit)
	case SevenZip:
		return walkSevenZip(ctx, f, o, visit)
	case Tar:
		return walkTar(ctx, &tarSource{file: f, reader: io.NewSectionReader(f, 0, f.Size())}, visit)
	case None:
		return ErrFormat
	default:
		return walkCompressed(ctx, f, format, o, visit)
	}
}

// walkCompressed reads a compressed file: the members of the tar in it, or the
// one file that it is.
func walkCompressed(ctx context.Context, f File, format Format, o Options, visit func(*Member) error) error {
	r, err := Unpack(f, format)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	head := make([]byte, 512)
	n, err := io.ReadFull(r, head)
	if n == 0 && err != nil {
		return Damaged(err)
	}
	if FormatOf(head[:n]) == Tar {
		again := func() (io.ReadCloser, error) { return Unpack(f, format) }
		return walkTar(ctx, &tarSource{reader: io.MultiReader(bytes.NewReader(head[:n]), r), again: again}, visit)
	}
	open := func() (io.ReadCloser, error) { return Unpack(f, format) }
	return visit(&Member{Name: innerName(o.Name), Size: -1, Packed: f.Size(), Again: true, Reopen: open, open: open})
}

// Unpacked is what a file unpacks to.
type Unpacked struct {
	io.ReadCloser
	from *io.SectionReader
}

// BytesRead returns how many bytes of the file were read so far.
func (u *Unpacked) BytesRead() int64 {
	at, _ := u.from.Seek(0, io.SeekCurrent) // it never fails
	return at
}

// Unpack returns a reader of what a file unpacks to whose format is gzip, zstd,
// xz or bzip2.
func Unpack(f File, format Format) (*Unpacked, error) {
	from := io.NewSectionReader(f, 0, f.Size())
	r, err := unpacker(format, from)
	if err != nil {
		return nil, Damaged(err)
	}
	return &Unpacked{r, from}, nil
}

// innerName returns the name of the content of a compressed file.
func innerName(name string) string {
	for _, ext := range []string{".gz", ".zst", ".zstd", ".xz", ".bz2"} {
		if len(name) > len(ext) && strings.EqualFold(name[len(name)-len(ext):], ext) {
			return name[:len(name)-len(ext)]
		}
	}
	return name
}

// unpacker returns a reader of what a stream unpacks to.
func unpacker(format Format, r io.Reader) (io.ReadCloser, error) {
	switch format {
	case Gzip:
		return gzip.NewReader(r)
	case Zstd:
		return newZstd(r)
	case XZ:
		return newXZ(r)
	case Bzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	}
	return nil, ErrFormat
}

// newXZ returns a reader of an xz stream whose dictionary is not too large. The
// .xz File Format, 3.1: the first block's header follows 12 bytes of stream
// header.
func newXZ(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReader(r)
	const (
		blockHeader = 12
		lzma2       = 0x21
	)
	head, _ := b.Peek(blockHeader + 16) // a short stream fails below
	if len(head) == blockHeader+16 && head[blockHeader] != 0 && head[blockHeader+1]&3 != 0 {
		return nil, fmt.Errorf("%w: xz with a filter (BCJ or delta): unpack it", ErrUnsupported)
	}
	if len(head) == blockHeader+16 && head[blockHeader+1]&0xC0 == 0 && head[blockHeader+2] == lzma2 {
		if bits := head[blockHeader+4]; bits > 40 || int64(2|bits&1)<<(bits/2+11) > maxWindow {
			return nil, fmt.Errorf("%w: an xz dictionary of more than %d MiB", ErrUnsupported, maxWindow>>20)
		}
	}
	x, err := xz.NewReader(b)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(x), nil
}

func newZstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(maxWindow))
	if err != nil {
		return nil, err
	}
	return zstdReader{d.IOReadCloser()}, nil
}

// zstdReader returns a plain error for a window that is too large.
type zstdReader struct{ io.ReadCloser }

// Read implements io.Reader.
func (z zstdReader) Read(b []byte) (int, error) {
	n, err := z.ReadCloser.Read(b)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		err = fmt.Errorf("%w: a zstd window of more than %d MiB: unpack it (zstd -d --long=31)", ErrUnsupported, maxWindow>>20)
	}
	return n, err
}
