package image

import (
	"fmt"
	"path"
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

// Detect returns what a file of a name is by its first and last bytes. It reads
// a few sectors; of what is called a raw image and begins as none, one of each
// MiB.
func Detect(f File, name string) Kind {
	switch {
	case isVMDK(f) && !begins(f, 0, vmdkMagic):
		return Description
	case isEWF(f), isVMDK(f), isVHDX(f), isQCOW2(f), isVHD(f):
		return ManyFiles
	case isVDI(f), isOther(f):
		return OneFile
	case isRaw(f), isLostRaw(f, name):
		return OneFile
	}
	return NoImage
}

// DetectHead reports whether the first bytes of a file, 512 of them, are those
// of an image. A boot sector is one only if the file is called so.
func DetectHead(head []byte, name string) bool {
	f := headFile(head)
	if isEWF(f) || isVMDK(f) || isVHDX(f) || isQCOW2(f) || isVDI(f) || isOther(f) || begins(f, 0, vhdCookie) || begins(f, 3, "NTFS    ") {
		return true
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".raw", ".dd", ".img", ".001", ".vhd", ".bin", ".vmdk":
		return IsPartitionTable(head)
	}
	return false
}

// headFile is the start of a file.
type headFile []byte

func (h headFile) Size() int64 { return int64(len(h)) }

// ReadAt implements io.ReaderAt.
func (h headFile) ReadAt(b []byte, off int64) (int, error) {
	return strings.NewReader(string(h)).ReadAt(b, off)
}

// others are images that are not read, by what they begin with. What ends as a
// disk would be taken for the bytes of one.
var others = map[string]string{"WithoutFreeSpace": "Parallels", "WithouFreSpacExt": "Parallels", "QED\x00": "QED"}

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
