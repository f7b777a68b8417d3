// Package work runs work on several goroutines and keeps a panic within the
// piece of work that it happened in. A panic is an error of this program, never
// of its input, but even then everything else must be read and reported.
//
// Each is the one parallel loop and Guard the one panic guard of this module.
// They know nothing of what is done, and neither logs nor prints: the caller
// reports each Panic with the name of what it cost.
package work

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
)

// Panic is a recovered panic.
type Panic struct {
	Value any    // what it was called with
	Place string // the file and line of the function that panicked
	Index int    // of the call of Each, 0 for Guard
}

// Error implements error.
func (p *Panic) Error() string { return fmt.Sprintf("%v (%s)", p.Value, p.Place) }

// Guard calls do. If do panics, Guard returns a *Panic that says where; a
// *Panic that do itself panics with is returned as it is.
func Guard(do func()) error {
	if p := recovered(do); p != nil {
		return p
	}
	return nil
}

// recovered calls do and returns its panic, nil if there is none.
func recovered(do func()) (p *Panic) {
	defer func() {
		if value := recover(); value != nil {
			p = newPanic(value)
		}
	}()
	do()
	return nil
}

func newPanic(value any) *Panic {
	if inner, ok := value.(error); ok {
		if p, ok := errors.AsType[*Panic](inner); ok {
			return p
		}
	}
	return &Panic{Value: value, Place: place(string(debug.Stack()))}
}

// place returns the file and line of the panicking function: the first one in
// the stack below the calls of the runtime.
func place(stack string) string {
	_, below, found := strings.Cut(stack, "\npanic(")
	if !found {
		return "unknown place"
	}
	lines := strings.Split(below, "\n")
	for i := 2; i+1 < len(lines); i += 2 { // after the call of panic and its place: a function, its place
		if !strings.HasPrefix(lines[i], "runtime.") {
			where, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " ")
			return where[strings.LastIndexByte(where, '/')+1:]
		}
	}
	return "unknown place"
}
