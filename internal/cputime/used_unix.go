//go:build unix

package cputime

import (
	"syscall"
	"time"
)

// Used returns the CPU time of the process: of all its threads, in user code
// and in the kernel. It is 0 if the system does not say.
func Used() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
