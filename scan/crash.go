package scan

import (
	"webshellscan/internal/work"
	"webshellscan/scan/proctree"
)

// stepCrash is a recovered panic. process is the process being matched; if it
// is zero, what names the step.
type stepCrash struct {
	what    string
	process proctree.Process
	err     error
}

// crashLog keeps the crashes of a scan, each an error of this program and none
// of its input. It is for one goroutine.
type crashLog struct{ list []stepCrash }

// guard runs do, one step of a scan. A panic costs the step.
func (l *crashLog) guard(what string, do func()) { l.add(what, work.Guard(do)) }

// add keeps the panic of a step, unless it is nil.
func (l *crashLog) add(what string, err error) {
	if err != nil {
		l.list = append(l.list, stepCrash{what: what, err: err})
	}
}

// merge adds crashes of other steps.
func (l *crashLog) merge(crashes ...stepCrash) { l.list = append(l.list, crashes...) }

// addPanics keeps the panics of a step that work.Each ran.
func (l *crashLog) addPanics(what string, panics []*work.Panic) {
	for _, p := range panics {
		l.add(what, p)
	}
}
