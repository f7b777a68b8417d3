package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Control codes of volumes and disks (winioctl.h).
const (
	diskGetLengthInfo    = 0x0007405C // IOCTL_DISK_GET_LENGTH_INFO: the size, as 64 bits
	allowExtendedDASDIO  = 0x00090083 // FSCTL_ALLOW_EXTENDED_DASD_IO: read to the end of the partition
	lengthInformationLen = 8
)

// hasDevices is set if the names of isDevice are those of devices on this
// system.
const hasDevices = true

// openDevice opens a volume or a disk for reading.
func openDevice(path string) (*File, error) {
	f, err := os.Open(path)
	if errors.Is(err, syscall.ERROR_ACCESS_DENIED) {
		return nil, fmt.Errorf("%w (only an administrator may read a volume or a disk)", err)
	}
	if err != nil {
		return nil, err
	}
	_, _ = control(f, allowExtendedDASDIO, 0) // a disk knows no such thing, and is read to its end
	size, err := deviceSize(f)
	if err != nil {
		return nil, errors.Join(&fs.PathError{Op: "open", Path: path, Err: err}, f.Close())
	}
	return &File{reader: &aligned{f, size}, size: size, close: f.Close}, nil
}

// deviceSize returns the size of a volume or a disk in bytes: what the system
// says, or else the boot sector.
func deviceSize(f *os.File) (int64, error) {
	out, err := control(f, diskGetLengthInfo, lengthInformationLen)
	if err == nil {
		if size := int64(binary.LittleEndian.Uint64(out)); size > 0 {
			return size, nil
		}
	}
	return bootSize(f)
}

// control sends a control code that wants nothing, and returns the size bytes
// that come back.
func control(f *os.File, code, size uint32) ([]byte, error) {
	out := make([]byte, size+1) // of no bytes there is no address
	var n uint32
	err := syscall.DeviceIoControl(syscall.Handle(f.Fd()), code, nil, 0, &out[0], size, &n, nil)
	if err == nil && n < size {
		err = fmt.Errorf("%d bytes came back, not %d", n, size)
	}
	return out[:size], err
}
