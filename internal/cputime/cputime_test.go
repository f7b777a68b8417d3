package cputime_test

import (
	"testing"
	"time"

	"webshellscan/internal/cputime"
)

// recorder is a test that only notes that it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

// TestBound: waiting costs nothing, work does.
func TestBound(t *testing.T) {
	var waits, works recorder
	cputime.Bound(&waits, 100*time.Millisecond, func() { time.Sleep(300 * time.Millisecond) })
	if waits.failed {
		t.Error("a test that waits has used its time")
	}
	cputime.Bound(&works, time.Millisecond, func() {
		for start := cputime.Used(); cputime.Used()-start < 50*time.Millisecond; {
		}
	})
	if !works.failed {
		t.Error("a test that works has not used its time")
	}
}
