//go:build unix

package source

import "syscall"

// mapMemory returns n bytes that the garbage collector does not know, nil if
// the system has none.
func mapMemory(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return b
}

// unmapMemory releases what mapMemory returned.
func unmapMemory(b []byte) { _ = syscall.Munmap(b) } // it was mapped
