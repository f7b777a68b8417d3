package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// isDevice reports whether a path is the name that Windows gives to a volume or
// a disk: \\.\C:, \\.\PhysicalDrive0, \\.\HarddiskVolume3, \\?\Volume{GUID}, or
// \\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy1. What goes on behind such a
// name is a file on the volume.
func isDevice(path string) bool {
	path = strings.ToLower(strings.ReplaceAll(path, "/", `\`))
	name, ok := strings.CutPrefix(path, `\\.\`)
	if !ok {
		name, ok = strings.CutPrefix(path, `\\?\`)
	}
	name = strings.TrimPrefix(name, `globalroot\device\`)
	if !ok || strings.Contains(name, `\`) {
		return false
	}
	if len(name) == 2 && name[0] >= 'a' && name[0] <= 'z' && name[1] == ':' {
		return true
	}
	for _, kind := range []string{"physicaldrive", "harddiskvolumeshadowcopy", "harddiskvolume", "volume{"} {
		if rest, ok := strings.CutPrefix(name, kind); ok && rest != "" {
			return true
		}
	}
	return false
}

// sectorAlign is what offsets and lengths of reads of a device are multiples
// of: the largest sector there is, and a multiple of all others.
const sectorAlign = 4096

// aligned reads a device, which takes no other reads than those of whole
// sectors. Goroutines may use it at once, if they may use the device.
type aligned struct {
	device io.ReaderAt
	size   int64 // in bytes
}

// ReadAt implements io.ReaderAt.
func (a *aligned) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("negative offset %d", off)
	}
	read := 0
	for read < len(b) {
		if off >= a.size {
			return read, io.EOF
		}
		n, err := a.piece(b[read:], off)
		read += n
		off += int64(n)
		if err != nil {
			return read, err
		}
	}
	return read, nil
}

// piece reads some bytes: whole sectors to where they belong, others by a
// buffer.
func (a *aligned) piece(b []byte, off int64) (int, error) {
	const most = 1 << 20
	skip := int(off % sectorAlign)
	if whole := len(b) / sectorAlign * sectorAlign; skip == 0 && whole > 0 && int64(whole) <= a.size-off {
		return a.sectors(b[:min(whole, most)], off)
	}
	start := off - int64(skip)
	want := min(skip+len(b), most)
	buffer := make([]byte, min(int64(want+sectorAlign-1)/sectorAlign*sectorAlign, a.size-start))
	n, err := a.sectors(buffer, start)
	if n <= skip {
		return 0, err
	}
	if n = copy(b, buffer[skip:n]); n == len(b) {
		err = nil
	}
	return n, err
}

// sectors reads whole sectors. Fewer than there should be are an error.
func (a *aligned) sectors(b []byte, off int64) (int, error) {
	n, err := a.device.ReadAt(b, off)
	switch {
	case n == len(b):
		err = nil
	case err == nil || errors.Is(err, io.EOF):
		err = fmt.Errorf("%w: the device ends at offset %d of %d", io.ErrUnexpectedEOF, off+int64(n), a.size)
	}
	return n, err
}

// bootSize returns the size that the boot sector of an NTFS volume states, in
// bytes. The sector with the copy of the boot sector is not counted there.
func bootSize(device io.ReaderAt) (int64, error) {
	b := make([]byte, sectorAlign)
	if n, err := device.ReadAt(b, 0); n < len(b) {
		return 0, errors.Join(io.ErrUnexpectedEOF, err)
	}
	sector, sectors := int64(binary.LittleEndian.Uint16(b[11:])), binary.LittleEndian.Uint64(b[40:])
	if string(b[3:11]) != "NTFS    " || sector < 256 || sector > sectorAlign || sectors == 0 || sectors > 1<<50 {
		return 0, errors.New("its size is not known: it is no NTFS volume")
	}
	return int64(sectors) * sector, nil
}

// device adds a volume or a disk of the running system.
func (f *finder) device(path string) error {
	d, err := openDevice(path)
	if err != nil {
		return err
	}
	id := identity{path: strings.ToLower(path)}
	if _, ok := f.seen[id]; !ok {
		f.seen[id] = len(f.inputs)
		f.inputs = append(f.inputs, Input{Path: path, Size: d.Size(), Modified: time.Now(), Named: true, Live: true})
	}
	return d.Close()
}
