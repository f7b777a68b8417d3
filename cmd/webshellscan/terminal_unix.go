//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// obeysSequences reports whether a terminal obeys terminal sequences.
func obeysSequences(*os.File) bool { return os.Getenv("TERM") != "dumb" }

// isBrokenPipe reports whether the system says that a pipe has no reader.
func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
