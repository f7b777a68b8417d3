package source

import "syscall"

// machineMemory returns the size of the machine's memory in bytes, 0 if it is
// not known.
func machineMemory() int64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}
