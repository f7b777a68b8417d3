package image

import (
	"encoding/binary"
	"path"
	"slices"
	"strings"
)

// isRaw reports whether a file looks like the bytes of a disk or of an NTFS
// volume.
func isRaw(f File) bool {
	if begins(f, 3, NTFSSignature) || begins(f, 512, GPTSignature) || begins(f, 4096, GPTSignature) || isRawByCopy(f) {
		return true
	}
	head := make([]byte, 512)
	return f.Size() >= int64(len(head)) && readFull(f, head, 0) == nil && IsPartitionTable(head)
}

// isRawByCopy reports whether a file ends with the copy of a boot sector or of
// a partition table, whatever it begins with.
func isRawByCopy(f File) bool {
	const least = 1 << 20 // of a volume, in bytes
	if f.Size() < least {
		return false
	}
	return copyKind(f, 0, f.Size()) != "" || slices.ContainsFunc(sectorSizes, func(sector int64) bool {
		return begins(f, lastSector(f.Size(), sector), GPTSignature)
	})
}

// isLostRaw reports whether a file that is called a raw image, and begins and
// ends as none, has volumes all the same.
func isLostRaw(f File, name string) bool {
	if !IsRawName(name) {
		return false
	}
	v := &volumes{disk: f}
	v.search()
	return v.known()
}

// IsRawName reports whether a file is called as raw images are.
func IsRawName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".raw", ".dd", ".img", ".001":
		return true
	}
	return false
}

// isDiskName reports whether a file is called as those are that hold the bytes
// of a disk as they are.
func isDiskName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".vhd", ".bin", ".vmdk":
		return true
	}
	return IsRawName(name)
}

// IsPartitionTable reports whether the first sector of a file is a master boot
// record: its signature, and entries that may be partitions.
func IsPartitionTable(sector []byte) bool {
	const entries, entrySize, signature = 446, 16, 510
	if len(sector) < 512 || sector[signature] != 0x55 || sector[signature+1] != 0xAA {
		return false
	}
	used := 0
	for i := range 4 {
		e := sector[entries+i*entrySize:][:entrySize]
		first, count := binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])
		switch {
		case e[0]&0x7F != 0:
			return false
		case e[4] != 0 && first != 0 && count != 0:
			used++
		}
	}
	return used > 0
}

// openRaw opens a disk that is stored as it is.
func openRaw(f File, _ Options) (*Image, error) {
	m := &Image{Format: "raw", size: f.Size()}
	m.locate = func(off int64) (extent, error) {
		return extent{length: m.size - off, from: f, at: off}, nil
	}
	return m, nil
}
