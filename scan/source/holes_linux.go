package source

import (
	"os"
	"syscall"
)

// seekData is SEEK_DATA (lseek(2)).
const seekData = 3

// holesOf returns how the holes of a file are found: a function that returns
// the offset of the first byte from an offset on that the file system keeps.
func holesOf(file *os.File, size int64) func(off int64) int64 {
	return func(off int64) int64 {
		next, err := syscall.Seek(int(file.Fd()), off, seekData)
		switch {
		case err == syscall.ENXIO:
			return max(off, size)
		case err != nil || next < off:
			return off
		}
		return next
	}
}
