package scan

import (
	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/proctree"
)

// judging is what the steps share that apply rules to processes.
type judging struct {
	forest     *proctree.Forest
	servers    *serverMap
	goroutines int // at most at once
	crashes    *crashLog
}

// judges returns n judges for a set of rules.
func (j *judging) judges(set *rules.Set, n int) []*judge {
	return newJudges(set, newMatchers(set, n)[:n], j.forest, j.servers)
}

// caughtPanic is a panic that was caught: while a process was judged, or in
// what.
type caughtPanic struct {
	what    string
	process proctree.Process
	err     error
}

// crashLog keeps the panics that steps of a scan were kept from dying of, as
// the errors of this program that they are. It is for one goroutine.
type crashLog struct{ list []caughtPanic }

// guard runs do, one step of a scan. A panic costs the step.
func (l *crashLog) guard(what string, do func()) { l.tell(what, work.Guard(do)) }

// tell keeps an error of this program, if it is one.
func (l *crashLog) tell(what string, err error) {
	if err != nil {
		l.list = append(l.list, caughtPanic{what: what, err: err})
	}
}

// add keeps panics that others caught.
func (l *crashLog) add(crashes ...caughtPanic) { l.list = append(l.list, crashes...) }

// failed keeps the failures of shared work.
func (l *crashLog) failed(what string, failures []work.Failure) {
	for _, f := range failures {
		l.tell(what, f.Err)
	}
}
