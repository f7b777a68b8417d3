package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/bodgit/sevenzip"
)

// The header of a 7z archive. LZMA SDK, DOC/7zFormat.txt.
const (
	sevenZipStart  = 32 // size of the start header, from which offsets count
	sevenZipHeader = 0x01
	sevenZipPacked = 0x17 // the header is packed as a member is

	sevenZipStreams = 0x04
	sevenZipFiles   = 0x05

	// maxSevenZipHeader bounds a header in bytes: that of as many members
	// as an archive may have, with paths of 60 characters.
	maxSevenZipHeader = 128 << 20
	// maxSevenZipCoders and maxSevenZipStreams are those of a folder, of
	// which usual ones have up to 4 and 7.
	maxSevenZipCoders  = 32
	maxSevenZipStreams = 64
	// maxSevenZipPairs bounds the product of folders and members: the
	// library goes through the folders for each member.
	maxSevenZipPairs = 1 << 32
)

// sevenZipPlain is an archive with another header, which lies behind its end.
type sevenZipPlain struct {
	File
	start  [sevenZipStart]byte
	header []byte

	encrypted bool          // a folder is
	unread    map[int]error // folders that cannot be unpacked, with the reason
}

// newSevenZipPlain returns an archive with a header in place of its own.
func newSevenZipPlain(f File, header []byte) *sevenZipPlain {
	p := &sevenZipPlain{File: f, header: header}
	copy(p.start[:], "7z\xBC\xAF\x27\x1C\x00\x04")
	place := p.start[12:]
	binary.LittleEndian.PutUint64(place, uint64(f.Size()-sevenZipStart))
	binary.LittleEndian.PutUint64(place[8:], uint64(len(header)))
	binary.LittleEndian.PutUint32(place[16:], crc32.ChecksumIEEE(header))
	binary.LittleEndian.PutUint32(p.start[8:], crc32.ChecksumIEEE(place[:20]))
	return p
}

// Size implements File.
func (p *sevenZipPlain) Size() int64 { return p.File.Size() + int64(len(p.header)) }

// ReadAt implements io.ReaderAt.
func (p *sevenZipPlain) ReadAt(b []byte, off int64) (int, error) {
	read := 0
	for read < len(b) {
		at := off + int64(read)
		var n int
		var err error
		switch end := p.File.Size(); {
		case at < 0 || at >= p.Size():
			return read, io.EOF
		case at < sevenZipStart:
			n = copy(b[read:], p.start[at:])
		case at < end:
			n, err = p.File.ReadAt(b[read:min(int64(len(b)), int64(read)+end-at)], at)
		default:
			n = copy(b[read:], p.header[at-end:])
		}
		read += n
		if err != nil && (n == 0 || !errors.Is(err, io.EOF)) {
			return read, err
		}
	}
	return read, nil
}

// plainSevenZip returns an archive whose header is not packed and was compared
// with its own size: the library trusts its counts.
func plainSevenZip(f File, password string) (*sevenZipPlain, error) {
	header, err := sevenZipHeaderOf(f)
	if err != nil {
		return nil, err
	}
	const mostPacked = 4 // one is usual
	for range mostPacked {
		if len(header) == 0 || header[0] != sevenZipPacked {
			break
		}
		if header, err = unpackSevenZipHeader(f, header, password); err != nil {
			return nil, err
		}
	}
	c := &sevenZipCursor{rest: header}
	if id := c.byte(); c.err == nil && id != sevenZipHeader {
		c.fail("no header, but %#x", id)
	}
	c.header()
	if c.err != nil {
		return nil, c.err
	}
	p := newSevenZipPlain(f, header)
	p.encrypted, p.unread = c.encrypted, c.unread
	return p, nil
}

// sevenZipHeaderOf returns the header of an archive as it lies there.
func sevenZipHeaderOf(f File) ([]byte, error) {
	start := make([]byte, sevenZipStart)
	if n, err := f.ReadAt(start, 0); n < len(start) {
		return nil, fmt.Errorf("%w: it ends within its first %d bytes: %w", ErrDamaged, sevenZipStart, err)
	}
	place := start[12:]
	if crc32.ChecksumIEEE(place) != binary.LittleEndian.Uint32(start[8:]) {
		return nil, fmt.Errorf("%w: the checksum of its start is wrong", ErrDamaged)
	}
	at, size := binary.LittleEndian.Uint64(place), binary.LittleEndian.Uint64(place[8:])
	left := uint64(f.Size() - sevenZipStart)
	if at > left || size > left-at {
		return nil, fmt.Errorf("%w: its header of %d bytes at offset %d lies behind the end of the file: a part is missing", ErrDamaged, size, at)
	}
	if size > maxSevenZipHeader {
		return nil, fmt.Errorf("%w: a header of %d MiB", ErrUnsupported, size>>20)
	}
	header := make([]byte, size)
	if n, err := f.ReadAt(header, sevenZipStart+int64(at)); n < len(header) {
		return nil, fmt.Errorf("%w: its header cannot be read: %w", ErrDamaged, err)
	}
	if crc32.ChecksumIEEE(header) != binary.LittleEndian.Uint32(place[16:]) {
		return nil, fmt.Errorf("%w: the checksum of its header is wrong", ErrDamaged)
	}
	return header, nil
}

// unpackSevenZipHeader unpacks a header. For the library it is the only member
// of an archive without names.
func unpackSevenZipHeader(f File, encoded []byte, password string) ([]byte, error) {
	c := &sevenZipCursor{rest: encoded[1:]}
	c.streams()
	if c.err == nil && (c.folders != 1 || c.members != 1) {
		c.fail("its header consists of %d members in %d folders", c.members, c.folders)
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := c.unread[0]; err != nil {
		return nil, err
	}
	oneFile := []byte{sevenZipFiles, 1, 0, 0}
	plain := bytes.Join([][]byte{{sevenZipHeader, sevenZipStreams}, encoded[1 : len(encoded)-len(c.rest)], oneFile}, nil)
	p := newSevenZipPlain(f, plain)
	r, err := sevenzip.NewReaderWithPassword(p, p.Size(), password)
	if err != nil {
		return nil, err
	}
	if len(r.File) != 1 || r.File[0].UncompressedSize > maxSevenZipHeader {
		return nil, fmt.Errorf("%w: a header of more than %d MiB", ErrUnsupported, maxSevenZipHeader>>20)
	}
	m, err := r.File[0].Open()
	if err != nil {
		return nil, err
	}
	header, err := io.ReadAll(m)
	if want := r.File[0].CRC32; err == nil && want != 0 && want != crc32.ChecksumIEEE(header) {
		err = fmt.Errorf("%w: the checksum of its packed header is wrong", ErrDamaged)
	}
	if err != nil && c.encrypted {
		err = fmt.Errorf("%w: %w", ErrPassword, err)
	}
	return header, errors.Join(err, m.Close())
}

// sevenZipCursor parses a header as the library does, and compares the counts
// in it with what is there. Nothing is read after the first error.
type sevenZipCursor struct {
	rest []byte
	err  error

	folders   int
	packed    uint64 // streams that the archive has
	needed    uint64 // streams that its folders are packed in
	members   uint64 // with content
	outputs   []int  // by folder: of its coders
	encrypted bool
	unread    map[int]error // folders that cannot be unpacked
}

func (c *sevenZipCursor) fail(message string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: "+message, append([]any{ErrDamaged}, args...)...)
	}
}

// bytes reads n bytes; nil if there are fewer.
func (c *sevenZipCursor) bytes(n uint64) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.rest)) {
		c.fail("its header ends before %d bytes of it", n)
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *sevenZipCursor) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// number reads a number of up to nine bytes: the leading ones of the first are
// how many follow it.
func (c *sevenZipCursor) number() uint64 {
	first := c.byte()
	more := bits.LeadingZeros8(^first)
	v := uint64(0)
	if more < 7 {
		v = uint64(first&(1<<(8-more)-1)) << (8 * more)
	}
	for i, b := range c.bytes(uint64(more)) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

// count reads a number of things of which each takes at least a byte of what is
// left.
func (c *sevenZipCursor) count(what string) uint64 {
	n := c.number()
	if n > uint64(len(c.rest)) {
		c.fail("%d %s in a header of which %d bytes are left", n, what, len(c.rest))
		return 0
	}
	return n
}

// bitmap reads a bit for each of n things, and returns how many are set.
func (c *sevenZipCursor) bitmap(n uint64) uint64 {
	set := 0
	for i, b := range c.bytes((n + 7) / 8) {
		if last := n - uint64(i)*8; last < 8 {
			b &= 0xFF << (8 - last) // what lies behind the last one is not looked at
		}
		set += bits.OnesCount8(b)
	}
	return uint64(set)
}

// optional reads which of n things something follows for, and returns how many
// they are: all, or those of a bitmap.
func (c *sevenZipCursor) optional(n uint64) uint64 {
	if c.byte() != 0 {
		return n
	}
	return c.bitmap(n)
}

// checksums reads those of n things.
func (c *sevenZipCursor) checksums(n uint64) { c.bytes(4 * c.optional(n)) }

// header reads all behind the first byte.
func (c *sevenZipCursor) header() {
	id := c.byte()
	if id == sevenZipStreams {
		c.streams()
		id = c.byte()
	}
	if id == sevenZipFiles {
		c.files()
		id = c.byte()
	}
	c.end(id)
}

// end fails unless an ID is that of the end of a part.
func (c *sevenZipCursor) end(id byte) {
	if c.err == nil && id != 0 {
		c.err = fmt.Errorf("%w: a header with the part %#x", ErrUnsupported, id)
	}
}

// streams reads where the packed streams lie and how folders of members are
// packed in them.
func (c *sevenZipCursor) streams() {
	const packInfo, unpackInfo, subStreams = 0x06, 0x07, 0x08
	id := c.byte()
	if id == packInfo {
		c.packInfo()
		id = c.byte()
	}
	if id == unpackInfo {
		c.unpackInfo()
		id = c.byte()
	}
	if c.needed > c.packed {
		c.fail("%d packed streams of %d are missing", c.needed-c.packed, c.needed)
	}
	c.members = uint64(min(c.folders, 1)) // without the next part
	if id == subStreams {
		c.subStreams()
		id = c.byte()
	}
	c.end(id)
}

const (
	sevenZipSize = 0x09
	sevenZipCRC  = 0x0A
)

// packInfo reads the sizes of the packed streams.
func (c *sevenZipCursor) packInfo() {
	c.number() // offset
	n := c.count("packed streams")
	id := c.byte()
	if id == sevenZipSize {
		c.packed = n
		for range n {
			c.number()
		}
		id = c.byte()
	}
	if id == sevenZipCRC {
		c.checksums(n)
		id = c.byte()
	}
	c.end(id)
}

// unpackInfo reads how the folders are packed.
func (c *sevenZipCursor) unpackInfo() {
	const folders, unpackSizes = 0x0B, 0x0C
	if id := c.byte(); id != folders {
		c.fail("%#x where folders should be", id)
	}
	n := c.count("folders")
	c.external()
	for range n {
		if c.err != nil {
			return
		}
		c.folder()
		c.folders++
	}
	if id := c.byte(); id != unpackSizes {
		c.fail("%#x where the sizes of folders should be", id)
	}
	for _, outputs := range c.outputs {
		for range outputs {
			c.number()
		}
	}
	id := c.byte()
	if id == sevenZipCRC {
		c.checksums(n)
		id = c.byte()
	}
	c.end(id)
}

// external fails where data are said to lie elsewhere in the archive, which no
// program writes.
func (c *sevenZipCursor) external() {
	if c.byte() != 0 && c.err == nil {
		c.err = fmt.Errorf("%w: a header with parts elsewhere", ErrUnsupported)
	}
}

// folder reads the coders of a folder and how they are connected.
func (c *sevenZipCursor) folder() {
	coders := c.count("coders")
	in, out := uint64(0), uint64(0)
	if coders > maxSevenZipCoders {
		c.fail("a folder with %d coders", coders)
	}
	for range coders {
		i, o := c.coder()
		in, out = in+i, out+o
		if c.err != nil {
			return
		}
	}
	if coders == 0 || out == 0 || in < out || in > maxSevenZipStreams {
		c.fail("a folder with %d coders from %d streams to %d", coders, in, out)
		return
	}
	for range out - 1 {
		if to, from := c.number(), c.number(); to >= in || from >= out {
			c.fail("coder streams %d and %d of %d and %d are connected", to, from, in, out)
		}
	}
	inputs := in - (out - 1)
	if inputs > 1 {
		for range inputs {
			if n := c.number(); n >= in {
				c.fail("the packed stream %d of %d", n, in)
			}
		}
	}
	c.needed += inputs
	c.outputs = append(c.outputs, int(out))
}

// coder reads one coder and returns its streams.
func (c *sevenZipCursor) coder() (in, out uint64) {
	const idSize, connected, properties = 0x0F, 0x10, 0x20
	flags := c.byte()
	id := c.bytes(uint64(flags & idSize))
	in, out = 1, 1
	if flags&connected != 0 {
		in, out = c.number(), c.number()
		if in == 0 || out == 0 || in > maxSevenZipStreams || out > maxSevenZipStreams {
			c.fail("a coder from %d streams to %d", in, out)
		}
	}
	var p []byte
	if flags&properties != 0 {
		p = c.bytes(c.count("bytes of a coder"))
	}
	c.method(id, p)
	return in, out
}

// method records of a folder that it is encrypted, or why it is not unpacked.
func (c *sevenZipCursor) method(id, properties []byte) {
	const aes, lzma, lzma2, ppmd, deflate64 = "\x06\xF1\x07\x01", "\x03\x01\x01", "\x21", "\x03\x04\x01", "\x04\x01\x09"
	dictionary := uint64(0)
	switch string(id) {
	case aes:
		c.encrypted = true
	case deflate64:
		c.refuse(fmt.Errorf("%w: the compression method Deflate64: unpack it, or pack it with LZMA", ErrUnsupported))
	case lzma, ppmd: // its memory
		if len(properties) >= 5 {
			dictionary = uint64(binary.LittleEndian.Uint32(properties[1:]))
		}
	case lzma2:
		if len(properties) == 1 && properties[0] <= 40 {
			dictionary = uint64(2|properties[0]&1) << (properties[0]/2 + 11)
		}
	}
	if dictionary > maxWindow {
		c.refuse(fmt.Errorf("%w: a dictionary of more than %d MiB", ErrUnsupported, maxWindow>>20))
	}
}

// refuse records why the folder whose coders are read is not unpacked.
func (c *sevenZipCursor) refuse(reason error) {
	if c.unread == nil {
		c.unread = make(map[int]error)
	}
	c.unread[c.folders] = reason
}

// subStreams reads how many members lie in each folder, and their sizes.
func (c *sevenZipCursor) subStreams() {
	const counts = 0x0D
	id := c.byte()
	n, sizes := uint64(c.folders), uint64(0)
	if id == counts {
		n = 0
		for range c.folders {
			members := c.count("members of a folder")
			n += members
			sizes += max(members, 1) - 1 // that of the last one is the rest
		}
		if n > uint64(len(c.rest)) {
			c.fail("%d members with content in a header of which %d bytes are left", n, len(c.rest))
		}
		id = c.byte()
	}
	if c.err != nil {
		return
	}
	c.members = n
	if id == sevenZipSize {
		for range sizes {
			c.number()
		}
		id = c.byte()
	} else if sizes > 0 {
		c.fail("the sizes of members are missing")
	}
	if id == sevenZipCRC {
		c.checksums(n)
		id = c.byte()
	}
	c.end(id)
}

// files reads the names and marks of the members.
func (c *sevenZipCursor) files() {
	n := c.count("members")
	if n > maxMembers || n*uint64(c.folders) > maxSevenZipPairs {
		c.err = fmt.Errorf("%w: %d members in %d folders", ErrUnsupported, n, c.folders)
	}
	empty := uint64(0)
	for c.err == nil {
		id := c.byte()
		if id == 0 {
			break
		}
		size := c.number()
		before := uint64(len(c.rest))
		if c.err == nil && size > before {
			c.fail("%d bytes of members in a header of which %d are left", size, before)
		}
		empty += c.property(id, size, n, empty)
		if taken := before - uint64(len(c.rest)); taken != size {
			c.fail("what it says of its members takes %d bytes, not %d", taken, size)
		}
	}
	if c.err == nil && n-min(empty, n) > c.members {
		c.fail("%d members with content, of which %d are there", n-min(empty, n), c.members)
	}
}

// property reads one property of n members, and returns how many have no
// content by it.
func (c *sevenZipCursor) property(id byte, size, n, empty uint64) uint64 {
	const (
		emptyStream, emptyFile  = 0x0E, 0x0F
		names, attributes, skip = 0x11, 0x15, 0x19
		created, accessed       = 0x12, 0x13
		modified                = 0x14
	)
	switch id {
	case emptyStream:
		return c.bitmap(n)
	case emptyFile:
		c.bitmap(empty)
	case names:
		c.external()
		c.bytes(max(size, 1) - 1)
	case created, accessed, modified:
		set := c.optional(n)
		c.external()
		c.bytes(8 * set)
	case attributes:
		set := c.optional(n)
		c.external()
		c.bytes(4 * set)
	case skip:
		c.bytes(size)
	default:
		c.end(id)
	}
	return 0
}
