//go:build !linux

package source

// machineMemory returns 0: the size of the memory is not asked for on this
// system.
func machineMemory() int64 { return 0 }
