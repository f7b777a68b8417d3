package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webshellscan/scan"
)

// TestInterruptOrError: an error that has nothing to do with the user's wish
// for an end is told as it is, whenever that comes.
func TestInterruptOrError(t *testing.T) {
	cause := errors.New("the user wanted an end")
	ctx, cancel := context.WithCancelCause(t.Context())
	if isInterrupt(ctx, context.Canceled) {
		t.Error("nobody interrupted")
	}
	cancel(cause)
	for _, err := range []error{cause, context.Canceled, fmt.Errorf("finding files: %w", cause)} {
		if !isInterrupt(ctx, err) {
			t.Errorf("%v is an interrupt", err)
		}
	}
	for _, err := range []error{nil, os.ErrPermission} {
		if isInterrupt(ctx, err) {
			t.Errorf("%v is no interrupt", err)
		}
	}
}

// TestInterruptedWhere: what is said to be in a file is in it.
func TestInterruptedWhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.wsp.partial")
	for where, partial := range map[string][]string{"": nil, ", and is in " + file: {file}} {
		var stderr bytes.Buffer
		o := &collectOptions{globals: &globals{stderr: &stderr, quiet: true}}
		done := &scan.Collected{Summary: scan.Summary{Interrupted: context.Canceled, Records: 1}}
		if err := o.summarize(done, false, partial); err == nil {
			t.Error("it was not interrupted")
		}
		if said := stderr.String(); !strings.HasSuffix(said, "up to then"+where+"\n") || strings.Contains(said, "FILE") {
			t.Error(said)
		}
	}
}
