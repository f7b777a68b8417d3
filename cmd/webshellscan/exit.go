package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"webshellscan/internal/work"
	"webshellscan/report/text"
)

// The exit statuses. Help texts and docs/USAGE.md repeat them.
const (
	exitNothing     = 0
	exitFindings    = 1
	exitUsage       = 2
	exitIncomplete  = 3
	exitInterrupted = 130
)

const exitHelp = `Exit status:
  0    nothing found
  1    findings
  2    wrong usage
  3    incomplete: an input could not be read or the report not be written,
       no event log record was found, or no rule could be loaded; with
       --strict also a host without process creations; there may be findings too
  130  interrupted; what was found up to then was reported
`

// exitHelpAnyway is exitHelp for commands whose status does not depend on
// findings.
const exitHelpAnyway = `Exit status:
  0    done, whether there are findings or not
  2    wrong usage
  3    incomplete: an input could not be read or the output not be written,
       no event log record was found, or no rule could be loaded
  130  interrupted; a tree has what was read up to then, a baseline is not
       written
`

// outcome is how a run ended that did what it was asked: its exit status. It is
// an error so that it passes through cobra.
type outcome int

// Error implements error.
func (o outcome) Error() string { return fmt.Sprintf("exit status %d", int(o)) }

// isInterrupt reports whether an error means no more than that the user wanted
// an end.
func isInterrupt(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// exitStatus turns the error of a run into its exit status, and writes what of
// it has not been written yet.
func exitStatus(err error, stderr io.Writer) int {
	if err == nil {
		return exitNothing
	}
	if o, ok := errors.AsType[outcome](err); ok {
		return int(o)
	}
	status := exitUsage
	for _, err := range joined(err) {
		// If standard error is gone as well, nobody can read it.
		_, _ = fmt.Fprintf(stderr, "webshellscan: %s\n", text.Visible(err.Error()))
		_, unwritten := errors.AsType[*outputError](err)
		_, internal := errors.AsType[*work.Panic](err)
		if unwritten || internal {
			status = exitIncomplete
		}
	}
	return status
}

// joined returns the errors that errors.Join has put together.
func joined(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()
	}
	return []error{err}
}

// isClosedPipe reports whether a write failed because the reader has gone.
func isClosedPipe(err error) bool {
	return isBrokenPipe(err) || errors.Is(err, io.ErrClosedPipe)
}
