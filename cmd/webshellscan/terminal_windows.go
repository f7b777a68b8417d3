package main

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// obeysSequences makes a console obey terminal sequences and reports whether it
// does: consoles before Windows 10 1511 do not.
func obeysSequences(f *os.File) bool {
	handle := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) != nil {
		return false
	}
	return mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 ||
		windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// isBrokenPipe reports whether the system says that a pipe has no reader.
func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
