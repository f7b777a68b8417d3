// Package cputime holds tests to a bound of CPU time. On a busy machine the
// wall clock goes on while a test waits for its turn; its CPU time does not.
package cputime

import (
	"testing"
	"time"
)

// underRace is how many times as long code may take under the race detector.
const underRace = 20

// Bound runs f and fails the test if the process used more CPU time meanwhile
// than the limit, or twenty times as much under the race detector. Other
// goroutines count too, so tests that run in parallel cannot use it.
func Bound(t testing.TB, limit time.Duration, f func()) {
	t.Helper()
	if raceEnabled {
		limit *= underRace
	}
	started := Used()
	f()
	if took := Used() - started; took > limit {
		t.Errorf("took %v of CPU time, more than %v", took, limit)
	}
}
