package image

import (
	"fmt"
	"strings"
)

// Kind says what Open would make of a file.
type Kind uint8

// The kinds.
const (
	NoImage Kind = iota
	OneFile
	// ManyFiles may name other files in its folder: segments or parents.
	ManyFiles
	// Description is a text that names files which look like images of
	// their own: the extents of a VMDK.
	Description
)

// format is a kind of image.
type format struct {
	kind Kind
	// is reports whether a file is of the format, by its bytes.
	is func(f File) bool
	// head says that its first 512 bytes are enough for is.
	head bool
	open func(f File, o Options) (*Image, error)
}

// formats are those that are known, in the order of their tests: a fixed VHD is
// known by its end only, and raw comes last, since a boot sector may begin any
// of them.
func formats(name string) [9]format {
	return [...]format{
		{ManyFiles, isEWF, true, openEWF},
		{ManyFiles, isVHDX, true, openVHDX},
		{ManyFiles, isSparseVMDK, true, openVMDK},
		{Description, isVMDK, true, openVMDK},
		{ManyFiles, isQCOW2, true, openQCOW2},
		{OneFile, isVDI, true, openVDI},
		{OneFile, isOther, true, openOther},
		{ManyFiles, isVHD, true, openVHD},
		{OneFile, func(f File) bool { return isRaw(f) || isLostRaw(f, name) }, false, openRaw},
	}
}

// formatOf returns the format of a file of a name, nil if it is of none.
func formatOf(f File, name string) *format {
	all := formats(name)
	for i := range all {
		if all[i].is(f) {
			return &all[i]
		}
	}
	return nil
}

// Detect returns what a file of a name is by its first and last bytes. It reads
// a few sectors; of what is called a raw image and begins as none, one of each
// MiB.
func Detect(f File, name string) Kind {
	if k := formatOf(f, name); k != nil {
		return k.kind
	}
	return NoImage
}

// DetectHead reports whether the first bytes of a file, 512 of them, are those
// of an image. A boot sector is one only if the file is called so, or it is of
// NTFS.
func DetectHead(head []byte, name string) bool {
	f := headFile(head)
	for _, k := range formats(name) {
		if k.head && k.is(f) {
			return true
		}
	}
	return begins(f, 3, NTFSSignature) || isDiskName(name) && IsPartitionTable(head)
}

// headFile is the start of a file.
type headFile []byte

// Size returns the size in bytes.
func (h headFile) Size() int64 { return int64(len(h)) }

// ReadAt implements io.ReaderAt.
func (h headFile) ReadAt(b []byte, off int64) (int, error) {
	return strings.NewReader(string(h)).ReadAt(b, off)
}

// others are images that are not read, by what they begin with. What ends as a
// disk would be taken for the bytes of one.
var others = map[string]string{ParallelsSignature: "Parallels", ParallelsExtSignature: "Parallels", QEDSignature: "QED"}

// isOther reports whether a file is an image of a format that is not read.
func isOther(f File) bool { return otherName(f) != "" }

// otherName returns the format of an image that is not read, "" if the file is
// none. It reads once: most files are none.
func otherName(f File) string {
	const longest = 16
	head := make([]byte, min(longest, f.Size()))
	if readFull(f, head, 0) != nil {
		return ""
	}
	for mark, name := range others {
		if strings.HasPrefix(string(head), mark) {
			return name
		}
	}
	return ""
}

func openOther(f File, _ Options) (*Image, error) {
	return nil, fmt.Errorf("%w: a disk image of the format %s: convert it to raw (qemu-img convert)", ErrUnsupported, otherName(f))
}
