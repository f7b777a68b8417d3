// Package image reads disk images: raw ones, E01, VHD, VHDX, VMDK, QCOW2 and
// VDI. Open says what an image is by its bytes and gives the bytes of the disk.
// What the disk holds, partitions and volumes, is for Volumes and package ntfs.
//
// An image is an intruder's text: every size, count and offset is compared with
// what is there before it is used, every chain is bounded, and a file beside
// the image is opened only by a name without a folder, through Options.Sibling.
// The package never writes.
package image

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// ErrFormat is returned by Open for what is no image that it knows.
var ErrFormat = errors.New("image: not a disk image of a known format")

// ErrDamaged is wrapped by every error about an image whose own structures are
// inconsistent; ErrUnsupported by those about what is not read.
var (
	ErrDamaged     = errors.New("image is damaged")
	ErrUnsupported = errors.New("not supported")
)

// File is a file that holds an image or a part of one. Goroutines may read it
// at once.
type File interface {
	io.ReaderAt
	Size() int64 // in bytes
}

// Options say what an image may use beside its own file.
type Options struct {
	// Name is the name of the image's file, without a folder. It decides
	// which other files belong to it.
	Name string
	// Sibling opens a file of that name in the folder of the image. It must
	// refuse names that lead elsewhere. If it is nil, images in one file
	// only can be read.
	Sibling func(name string) (File, error)
	// Blocks keeps unpacked blocks of the image and its parents; nil: only
	// the last few are kept.
	Blocks *Blocks

	below []string // the images that this one is a parent of
}

// maxParents bounds the chain of differencing images.
const maxParents = 32

// Image is the disk that an image holds. Goroutines may read it at once.
type Image struct {
	// Format names the format: "raw", "E01", "VHD", "VHDX", "VMDK",
	// "QCOW2" or "VDI".
	Format string
	// Parts are the names of the files that the image consists of beside
	// the one that was opened: segments and extents. Parents are
	// those of the images that a differencing one is based on.
	Parts, Parents []string
	// Notes say what is wrong with the image or not known of it, a sentence
	// each.
	Notes []string
	// Lost says what of the disk is not there, a sentence each.
	Lost []string
	// Stored are the hashes that the disk had when it was acquired, as the
	// image says. Open does not verify them.
	Stored []Digest

	size      int64
	contentID string      // of a VMDK or VHD
	unread    []stretch   // that could not be acquired, in their order
	cache     *blockCache // of compressed blocks, nil if there are none
	// locate says where the bytes at an offset of the disk lie.
	locate func(off int64) (extent, error)
}

// extent is where a stretch of a disk lies.
type extent struct {
	length int64       // of the stretch from the offset asked for, in bytes, at least 1
	from   io.ReaderAt // nil: the stretch is zero
	at     int64       // the offset in from
	// block is the number of a compressed block, skip what of it lies
	// before the offset asked for; used if packed is set.
	packed      bool
	block, skip int64
}

// Size returns the size of the disk in bytes.
func (m *Image) Size() int64 { return m.size }

// ReadAt implements io.ReaderAt for the bytes of the disk.
func (m *Image) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("image: negative offset %d", off)
	}
	read := 0
	for read < len(b) {
		if off >= m.size {
			return read, io.EOF
		}
		e, err := m.locate(off)
		if err != nil {
			return read, err
		}
		n := int(min(e.length, m.size-off, int64(len(b)-read)))
		if n <= 0 {
			return read, fmt.Errorf("%w: an empty extent at offset %d", ErrDamaged, off)
		}
		if err := m.fill(b[read:read+n], e); err != nil {
			return read, fmt.Errorf("disk offset %d: %w", off, err)
		}
		read += n
		off += int64(n)
	}
	return read, nil
}

// fill reads bytes of one extent.
func (m *Image) fill(b []byte, e extent) error {
	switch {
	case e.packed:
		return m.cache.read(b, e.block, e.skip)
	case e.from == nil:
		clear(b)
		return nil
	}
	return readFull(e.from, b, e.at)
}

// maxHole bounds the pieces of one hole, of which each is looked up.
const maxHole = 4096

// Hole returns the end of the stretch of zeros that begins at an offset of the
// disk and takes no room in the image, or a place within it if it is of very
// many pieces; the offset itself if there is none.
func (m *Image) Hole(off int64) int64 {
	for n := 0; off < m.size && n < maxHole; n++ {
		e, err := m.locate(off)
		if err != nil || e.packed || e.from != nil || e.length <= 0 {
			break
		}
		off += e.length
	}
	return min(off, m.size)
}

// packed returns the size of the compressed block that an offset of the disk
// lies in, in bytes; 0 if it lies in none.
func (m *Image) packed(off int64) int64 {
	if e, err := m.locate(off); err == nil && e.packed {
		return m.cache.size
	}
	return 0
}

// maxRemarks bounds what is said of one image.
const maxRemarks = 32

func (m *Image) addNote(message string, args ...any) {
	if len(m.Notes) < maxRemarks {
		m.Notes = append(m.Notes, fmt.Sprintf(message, args...))
	}
}

func (m *Image) lose(message string, args ...any) {
	if len(m.Lost) < maxRemarks {
		m.Lost = append(m.Lost, fmt.Sprintf(message, args...))
	}
}

// readFull fills b from an offset. A source that ends before is damage.
func readFull(r io.ReaderAt, b []byte, at int64) error {
	if at < 0 {
		return fmt.Errorf("%w: negative offset %d", ErrDamaged, at)
	}
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %d bytes at offset %d are missing", ErrDamaged, len(b)-n, at+int64(n))
	}
	return err
}

// readTable reads n bytes at an offset, after comparing them with the file and
// with a bound.
func readTable(f File, at, n, most int64) ([]byte, error) {
	if n < 0 || at < 0 || n > most || at > f.Size()-n {
		return nil, fmt.Errorf("%w: a table of %d bytes at offset %d in a file of %d", ErrDamaged, n, at, f.Size())
	}
	b := make([]byte, n)
	return b, readFull(f, b, at)
}

// packedBlocks are the buffers for blocks that are being unpacked.
var packedBlocks sync.Pool

// withPacked calls use with n bytes at an offset, which are compared as
// readTable does. They are use's until it returns.
func withPacked(f File, at, n, most int64, use func(packed []byte) error) error {
	if n < 0 || at < 0 || n > most || at > f.Size()-n {
		return fmt.Errorf("%w: a block of %d bytes at offset %d in a file of %d", ErrDamaged, n, at, f.Size())
	}
	buffer, _ := packedBlocks.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	defer packedBlocks.Put(buffer)
	*buffer = slices.Grow((*buffer)[:0], int(n))
	b := (*buffer)[:n]
	if err := readFull(f, b, at); err != nil {
		return err
	}
	return use(b)
}

// maxTable bounds one table of an image in bytes.
const maxTable = 256 << 20

// Open opens the image in a file. The error is ErrFormat if the file holds
// none.
func Open(f File, o Options) (*Image, error) {
	k := formatOf(f, o.Name)
	if k == nil {
		return nil, ErrFormat
	}
	m, err := k.open(f, o)
	if err == nil && m.cache != nil {
		m.cache.kept = o.Blocks
	}
	return m, err
}

// begins reports whether a file has these bytes at an offset.
func begins(f File, at int64, text string) bool {
	if at < 0 || at > f.Size()-int64(len(text)) {
		return false
	}
	b := make([]byte, len(text))
	return readFull(f, b, at) == nil && string(b) == text
}

// parent opens the image that a differencing one is based on.
func (m *Image) parent(o Options, name string) (*Image, error) {
	switch chain := append(slices.Clip(o.below), o.Name); {
	case slices.Contains(chain, name):
		return nil, fmt.Errorf("%w: it is its own parent", ErrDamaged)
	case len(chain) > maxParents:
		return nil, fmt.Errorf("%w: a chain of more than %d parents", ErrDamaged, maxParents)
	default:
		o.below = chain
	}
	f, err := o.sibling(name)
	if err != nil {
		return nil, fmt.Errorf("parent image %q: %w", name, err)
	}
	above, err := Open(f, Options{Name: name, Sibling: o.Sibling, Blocks: o.Blocks, below: o.below})
	if err != nil {
		return nil, fmt.Errorf("parent image %q: %w", name, err)
	}
	m.Parents = append(append(m.Parents, name), above.Parents...)
	m.Notes = append(m.Notes, above.Notes...)
	m.Lost = append(m.Lost, above.Lost...)
	return above, nil
}

// sibling opens a file beside the image. Only a plain name can be one.
func (o Options) sibling(name string) (File, error) {
	if !plainName(name) {
		return nil, fmt.Errorf("%w: it is not a file in the folder of the image", ErrUnsupported)
	}
	if o.Sibling == nil {
		return nil, fmt.Errorf("%w: there are no files beside this image", ErrUnsupported)
	}
	return o.Sibling(name)
}

// plainName reports whether a name is that of a file in a folder, and nothing
// else on any system.
func plainName(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > 255 {
		return false
	}
	for _, r := range name {
		if r == '/' || r == '\\' || r == ':' || r < ' ' {
			return false
		}
	}
	return true
}
