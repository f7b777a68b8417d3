package archive

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/ulikunitz/xz/lzma"
)

// Compression methods. PKWARE APPNOTE 6.3.10, 4.4.5.
const (
	methodStore   = 0
	methodDeflate = 8
	methodBzip2   = 12
	methodLZMA    = 14
	methodOldZstd = 20 // before 6.3.8
	methodZstd    = 93
	methodXZ      = 95
	methodAES     = 99 // WinZip: the real one is in the extra field
)

// methodNames are those of methods that are not read.
var methodNames = map[uint16]string{1: "Shrink", 6: "Implode", 9: "Deflate64", 94: "MP3", 96: "JPEG", 97: "WavPack", 98: "PPMd"}

// Flags of a member. APPNOTE 4.4.4.
const (
	flagEncrypted  = 1 << 0
	flagEndMark    = 1 << 1 // of LZMA: a mark ends the data
	flagDescriptor = 1 << 3
	flagStrong     = 1 << 6
)

// leastLog is a size that every log has. What is smaller, and marked as a
// folder or as a link, may well be one.
const leastLog = 4096

// walkZip reads the members by the central directory, or, of an archive that
// was cut off, by their own headers.
func walkZip(ctx context.Context, f File, o Options, visit func(*Member) error) error {
	r, err := zip.NewReader(f, f.Size())
	if err != nil {
		return walkCutZip(ctx, f, o, err, visit)
	}
	if len(r.File) > maxMembers {
		return fmt.Errorf("%w: %d members", ErrDamaged, len(r.File))
	}
	shared, between := sharedData(f, r.File)
	for _, file := range r.File {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if strings.HasSuffix(file.Name, "/") && file.UncompressedSize64 < leastLog {
			continue
		}
		m := zipMember(f, file, o)
		if !file.Mode().IsRegular() && file.UncompressedSize64 < leastLog {
			m = specialMember(m, file.Mode())
		}
		if shared[file] {
			m.Err = fmt.Errorf("%w: it shares its data with another member", ErrDamaged)
		}
		if err := visit(m); err != nil {
			return err
		}
	}
	return between.walk(ctx, f, o, visit)
}

// specialMember returns a member that is called a link or the like, and is too
// small for a log. The content of a link is where it leads.
func specialMember(m *Member, mode fs.FileMode) *Member {
	if mode&fs.ModeSymlink == 0 {
		return &Member{Name: m.Name, Special: true, Err: errDevice}
	}
	var target []byte
	if r, err := m.Open(); err == nil {
		target, _ = io.ReadAll(r) // of a damaged one as much as there is
		_ = r.Close()             // it was only read
	}
	return symlink(m.Name, string(target))
}

// sharedData returns the members whose data overlap those of a member before
// them, and where between members there is room for more.
func sharedData(f File, files []*zip.File) (map[*zip.File]bool, hidden) {
	type stretch struct {
		file     *zip.File
		from, to int64
	}
	const room = 256 // for extra fields that only local headers have, and padding
	var list []stretch
	between := hidden{known: make(map[int64]bool, len(files))}
	shared := make(map[*zip.File]bool)
	for _, file := range files {
		if at, err := file.DataOffset(); err == nil {
			between.known[at] = true
			list = append(list, stretch{file, at, at + int64(min(file.CompressedSize64, 1<<62))})
		}
	}
	slices.SortStableFunc(list, func(a, b stretch) int { return cmp.Compare(a.from, b.from) })
	var end int64
	for _, s := range list {
		if s.from < end && s.to > s.from {
			shared[s.file] = true
		}
		if s.from-end > room+localHeaderSize+int64(len(s.file.Name)+len(s.file.Extra)) {
			between.gaps = append(between.gaps, gap{end, s.from})
		}
		end = max(end, s.to)
	}
	between.gaps = append(between.gaps, gap{end, f.Size()})
	return shared, between
}

// packed is how a member's data lie in the archive.
type packed struct {
	method    uint16
	flags     uint16
	modified  uint16 // DOS time, which ZipCrypto checks a password by
	crc       uint32
	size      int64
	raw       func() (io.Reader, int64, error) // and how many bytes it has
	aes       *aesExtra
	passwords []string
}

// zipMember returns a member of the central directory.
func zipMember(f File, file *zip.File, o Options) *Member {
	size := int64(min(file.UncompressedSize64, 1<<62))
	p := &packed{
		method: file.Method, flags: file.Flags, modified: file.ModifiedTime, crc: file.CRC32, size: size, passwords: o.Passwords,
		raw: func() (io.Reader, int64, error) {
			r, err := file.OpenRaw()
			return r, int64(min(file.CompressedSize64, 1<<62)), err
		},
	}
	m := &Member{Name: cleanName(file.Name), Size: size, Packed: int64(min(file.CompressedSize64, 1<<62)), Again: true, open: p.open}
	at, err := file.DataOffset()
	switch {
	case err != nil:
		m.Err = fmt.Errorf("%w: %w", ErrDamaged, err)
	case int64(file.CompressedSize64) < 0 || at > f.Size()-int64(file.CompressedSize64):
		m.Err = fmt.Errorf("%w: its data end behind the archive", ErrDamaged)
	default:
		m.Err = p.check(file.Extra, int64(file.CompressedSize64))
	}
	if m.Err == nil && p.method == methodStore && p.flags&flagEncrypted == 0 {
		m.Stored, m.Checked, m.Offset, m.CRC32 = true, true, at, file.CRC32
	}
	return m
}

// check returns why a member cannot be read, as far as its header shows.
func (p *packed) check(extra []byte, packedSize int64) error {
	if p.flags&flagStrong != 0 {
		return fmt.Errorf("%w: PKWARE strong encryption", ErrUnsupported)
	}
	if p.method == methodAES {
		if p.aes = parseAES(extra); p.aes == nil {
			return fmt.Errorf("%w: AES encryption without its extra field", ErrDamaged)
		}
		p.method = p.aes.method
	}
	switch p.method {
	case methodStore:
		if p.flags&flagEncrypted == 0 && p.size != packedSize {
			return fmt.Errorf("%w: %d bytes are stored for %d", ErrDamaged, packedSize, p.size)
		}
	case methodDeflate:
		// A deflate block of 258 bytes takes at least two bits.
		const mostRatio = 1032
		if p.size/mostRatio > packedSize+1 {
			return fmt.Errorf("%w: %d bytes from %d", ErrBomb, p.size, packedSize)
		}
	case methodBzip2, methodLZMA, methodOldZstd, methodZstd, methodXZ:
	default:
		name := cmp.Or(methodNames[p.method], "of another kind")
		return fmt.Errorf("%w: compression method %d (%s): unpack it, or pack it with Deflate", ErrUnsupported, p.method, name)
	}
	return nil
}

// open returns the unpacked data.
func (p *packed) open() (io.ReadCloser, error) {
	if p.flags&flagEncrypted == 0 {
		raw, _, err := p.raw()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return p.unpack(raw, true)
	}
	return p.openEncrypted()
}

// unpack returns what a member's decrypted data unpack to, never more than
// declared. Its end is an error if the checksum does not fit.
func (p *packed) unpack(raw io.Reader, checked bool) (io.ReadCloser, error) {
	var r io.ReadCloser
	switch p.method {
	case methodStore:
		r = io.NopCloser(raw)
	case methodDeflate:
		r = flate.NewReader(raw)
	case methodBzip2:
		r = io.NopCloser(bzip2.NewReader(raw))
	case methodLZMA:
		l, err := p.lzma(raw)
		if err != nil {
			return nil, Damaged(err)
		}
		r = io.NopCloser(l)
	case methodOldZstd, methodZstd:
		z, err := newZstd(raw)
		if err != nil {
			return nil, err
		}
		r = z
	case methodXZ:
		x, err := newXZ(raw)
		if err != nil {
			return nil, Damaged(err)
		}
		r = x
	}
	c := &checkedReader{ReadCloser: r, left: p.size, want: p.crc, hash: crc32.NewIEEE()}
	if !checked {
		c.hash = nil
	}
	return c, nil
}

// lzma returns what LZMA data unpack to: a version, the size of the properties,
// and they stand before them. APPNOTE 5.8.8.
func (p *packed) lzma(raw io.Reader) (io.Reader, error) {
	const head, properties = 4, 5
	b := make([]byte, head+properties, head+lzma.HeaderLen)
	if _, err := io.ReadFull(raw, b); err != nil {
		return nil, err
	}
	if n := binary.LittleEndian.Uint16(b[2:]); n != properties {
		return nil, fmt.Errorf("%d bytes of LZMA properties", n)
	}
	dictionary := binary.LittleEndian.Uint32(b[head+1:])
	if dictionary > maxWindow {
		return nil, fmt.Errorf("%w: an LZMA dictionary of more than %d MiB", ErrUnsupported, maxWindow>>20)
	}
	// Nothing lies further back than what was unpacked.
	binary.LittleEndian.PutUint32(b[head+1:], uint32(min(int64(dictionary), max(p.size, 1<<12))))
	size := uint64(p.size)
	if p.flags&flagEndMark != 0 {
		size = 1<<64 - 1 // not known
	}
	b = binary.LittleEndian.AppendUint64(b, size)
	return lzma.NewReader(io.MultiReader(bytes.NewReader(b[head:]), raw))
}

// checkedReader reads so many bytes, and compares their checksum at the end.
type checkedReader struct {
	io.ReadCloser
	left int64
	want uint32
	hash hash.Hash32 // nil if there is nothing to compare with
}

// Read implements io.Reader.
func (c *checkedReader) Read(b []byte) (int, error) {
	if c.left == 0 {
		return 0, c.finish()
	}
	n, err := c.ReadCloser.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	if c.hash != nil {
		_, _ = c.hash.Write(b[:n]) // never fails
	}
	if errors.Is(err, io.EOF) && c.left > 0 {
		err = fmt.Errorf("%w: %d bytes are missing", ErrDamaged, c.left)
	} else if errors.Is(err, io.EOF) {
		err = nil
	} else if err != nil {
		err = Damaged(err)
	}
	return n, err
}

// finish returns io.EOF if the data were what the archive says, and no more.
func (c *checkedReader) finish() error {
	if n, _ := c.ReadCloser.Read(make([]byte, 1)); n > 0 {
		return fmt.Errorf("%w: more data than declared", ErrBomb)
	}
	if c.hash != nil {
		if err := CompareCRC32(c.hash.Sum32(), c.want); err != nil {
			return err
		}
	}
	return io.EOF
}
