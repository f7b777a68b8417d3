package source

import "syscall"

// seekData is SEEK_DATA (lseek(2)).
const seekData = 3

// NextData returns the offset of the first byte from off on that the file system
// keeps, or the file's size if there is none: what lies before it reads as zeros.
// It returns off where that is not known. Goroutines may call it at once.
func (f *File) NextData(off int64) int64 {
	next, err := syscall.Seek(int(f.file.Fd()), off, seekData)
	switch {
	case err == syscall.ENXIO:
		return max(off, f.size)
	case err != nil || next < off:
		return off
	}
	return next
}
