//go:build unix

package source

import (
	"io/fs"
	"syscall"
)

// nonBlocking keeps Open from waiting for the writer of a FIFO.
const nonBlocking = syscall.O_NONBLOCK

// identity identifies a file, whatever it is called.
type identity struct {
	device, inode uint64
	path          string // where the file system has no inodes
}

func identify(path string, info fs.FileInfo) identity {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{device: uint64(st.Dev), inode: uint64(st.Ino)}
	}
	return identity{path: path}
}
