package scan

import (
	"errors"
	"testing"

	"webshellscan/internal/work"
	"webshellscan/scan/eventrule"
)

// TestPanicInRules: a panic while rules are loaded, or while what they ask of
// events is planned, leaves no rules and no plan, ends the reading, and is told
// as the error of this program that it is.
func TestPanicInRules(t *testing.T) {
	for what, load := range map[string]func() (*RuleSets, error){
		"loading":        func() (*RuleSets, error) { panic("a rule") },
		"planning":       func() (*RuleSets, error) { return &RuleSets{Events: []eventrule.Set{{}}}, nil },
		"planning signs": func() (*RuleSets, error) { return &RuleSets{Signs: []eventrule.Set{{}}}, nil },
	} {
		l := &ruleLoading{done: make(chan *loadedRules, 1), ready: make(chan struct{})}
		stopped := false
		l.run(load, func() { stopped = true })
		if plan := l.plan(); plan != nil || !stopped {
			t.Errorf("%s: a plan %v, stopped %v", what, plan != nil, stopped)
		}
		if loaded := <-l.done; !isPanic(loaded.err) {
			t.Errorf("%s: %v is told", what, loaded.err)
		}
	}
}

func isPanic(err error) bool {
	_, ok := errors.AsType[*work.Panic](err)
	return ok
}
