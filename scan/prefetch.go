package scan

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/proctree"
)

// loadedRules are the rules of a scan with what applies them.
type loadedRules struct {
	rules *RuleSets
	err   error

	matchers []*rules.Matcher // of RuleSets.Detections
	crashes  crashLog
	events   *eventrule.Plan // of the rules that give findings
}

// ruleLoading is rules on their way.
type ruleLoading struct {
	done  chan *loadedRules
	ready chan struct{} // closed when events is there
	// events is what the rules ask of events, those that identify servers
	// too; nil if the rules could not be loaded.
	events *eventrule.Plan
}

// plan waits for the rules and returns what they ask of events.
func (l *ruleLoading) plan() *eventrule.Plan {
	<-l.ready
	return l.events
}

// startLoading loads the rules while the logs are read. It calls stop if they
// cannot be applied as the options ask, so that no more is read.
func startLoading(ctx context.Context, options *Options, stop func()) *ruleLoading {
	l := &ruleLoading{done: make(chan *loadedRules, 1), ready: make(chan struct{})}
	go l.run(func() (*RuleSets, error) { return LoadRules(ctx, options.Rules, options.goroutines()) }, stop)
	return l
}

// run loads rules and plans what they ask of events. A panic in either leaves
// no rules, and is the error of this program that it is.
func (l *ruleLoading) run(load func() (*RuleSets, error), stop func()) {
	loaded := &loadedRules{}
	err := work.Guard(func() { loaded.err = l.load(loaded, load) })
	if loaded.err = cmp.Or(err, loaded.err); loaded.err != nil {
		stop()
	}
	close(l.ready)
	l.done <- loaded
}

// load is run without its guard. The plan is set last, so that there is none
// unless all is well.
func (l *ruleLoading) load(loaded *loadedRules, load func() (*RuleSets, error)) error {
	sets, err := load()
	if err != nil {
		return err
	}
	if loaded.rules = sets; sets.Selection != nil {
		return sets.Selection
	}
	loaded.events = eventrule.NewPlan(sets.Servers, sets.Events, sets.Correlations)
	l.events = eventrule.NewPlan(sets.Servers, slices.Concat(sets.Events, sets.Signs), sets.Correlations)
	return nil
}

// textPrefetch matches command lines in the background while the trees are
// built: one goroutine builds those of a host, so that mostly a core is free.
// It ends when the trees are there.
type textPrefetch struct {
	stopped atomic.Bool
	done    chan *loadedRules
}

// startPrefetch starts to prefetch, once the rules are there. A scan that is to
// use one core only prefetches nothing.
func startPrefetch(sets <-chan *loadedRules, texts *proctree.Texts, goroutines int) *textPrefetch {
	l := &textPrefetch{done: make(chan *loadedRules, 1)}
	go func() {
		loaded := <-sets
		if loaded.err == nil {
			loaded.err = work.Guard(func() { loaded.matchers = newMatchers(loaded.rules.Detections, goroutines) })
		}
		if loaded.err == nil && goroutines > 1 {
			if err := work.Guard(func() { l.prefetch(loaded.rules.Detections, loaded.matchers[0], texts) }); err != nil {
				loaded.crashes.add("rules", err)
				loaded.err = work.Guard(func() { loaded.matchers = newMatchers(loaded.rules.Detections, goroutines) })
			}
		}
		l.done <- loaded
	}()
	return l
}

// stop ends the prefetching and returns the rules.
func (l *textPrefetch) stop() *loadedRules {
	l.stopped.Store(true)
	return <-l.done
}

// prefetch matches all texts that look like a command line: there are many of
// them, each is long, and nearly all come again. The field whose matching takes
// longest comes first.
func (l *textPrefetch) prefetch(set *rules.Set, matcher *rules.Matcher, texts *proctree.Texts) {
	for _, name := range [...]string{"commandline", "", "parentcommandline", "grandparentcommandline"} {
		for _, field := range set.EagerFields() {
			if strings.ToLower(set.Fields()[field]) == name {
				l.prefetchField(matcher, field, texts)
			}
		}
	}
}

func (l *textPrefetch) prefetchField(matcher *rules.Matcher, field int, texts *proctree.Texts) {
	for id, text := range texts.All() {
		if l.stopped.Load() {
			return
		}
		if strings.Contains(text, " ") {
			matcher.Prefetch(field, rules.ValueID(id), text)
		}
	}
}
