package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
)

// summary counts what became of a sample.
type summary struct {
	killed, survived, equivalent, invalid int
}

// percent returns how many of the mutants that compile and mean something else
// survived.
func (s summary) percent() float64 {
	return 100 * float64(s.survived) / float64(max(1, s.killed+s.survived))
}

// String implements fmt.Stringer.
func (s summary) String() string {
	return fmt.Sprintf("%d mutants: %d killed, %d survived (%.1f %%); left out: %d equivalent, %d that do not compile",
		s.killed+s.survived, s.killed, s.survived, s.percent(), s.equivalent, s.invalid)
}

// queue hands out the mutants of a sample until enough were tried.
type queue struct {
	known map[string]string // reasons of equivalent mutants, by key
	log   *log

	mu     sync.Mutex
	list   []mutant
	wanted int // that may still be tried
	alive  []mutant
	sum    summary
	err    error // of the log
}

// next returns the next mutant to try, false if there is none or enough are
// being tried. What is known is counted on the way.
func (q *queue) next() (mutant, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.list) > 0 && q.wanted > 0 {
		m := q.list[0]
		q.list = q.list[1:]
		if q.known[m.key()] != "" {
			q.sum.equivalent++
			continue
		}
		e, tried := q.log.known[m.id()]
		if tried {
			q.count(m, e.Result)
		}
		if !tried || e.Result != invalid {
			q.wanted--
		}
		if !tried {
			return m, true
		}
	}
	return mutant{}, false
}

// done records the outcome of a mutant.
func (q *queue) done(m mutant, result outcome, by string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count(m, result)
	if result == invalid { // another one makes up for it
		q.wanted++
	}
	q.err = errors.Join(q.err, q.log.add(m, result, by))
}

func (q *queue) count(m mutant, result outcome) {
	switch result {
	case invalid:
		q.sum.invalid++
	case killed:
		q.sum.killed++
	default:
		q.alive = append(q.alive, m)
	}
}

// tryAll tries mutants until enough of them compiled, with the tests of their
// own packages, then those that live with those of all others that depend on
// them. It prints what survives.
func (t *tester) tryAll(ctx context.Context, q *queue, o options) (summary, error) {
	err := t.stage(ctx, q, o.jobs, func(m mutant) []string { return t.of(path.Dir(m.file))[:1] })
	if err != nil {
		return q.sum, err
	}
	fmt.Fprintf(os.Stderr, "%d live after the tests of their own packages\n", len(q.alive))
	wide := &queue{list: q.alive, wanted: len(q.alive), log: q.log}
	if o.own {
		wide = &queue{alive: q.alive}
	}
	err = t.stage(ctx, wide, o.jobs, func(m mutant) []string { return t.of(path.Dir(m.file))[1:] })
	q.sum.killed += wide.sum.killed
	q.sum.survived = len(wide.alive)
	for _, m := range wide.alive {
		fmt.Println(m)
	}
	return q.sum, err
}

// stage tries the mutants of a queue, some at a time, with the tests of the
// packages that are named for each.
func (t *tester) stage(ctx context.Context, q *queue, jobs int, pkgs func(mutant) []string) error {
	var group sync.WaitGroup
	failures := make([]error, max(1, jobs))
	for i := range failures {
		group.Go(func() { failures[i] = t.work(ctx, q, pkgs) })
	}
	group.Wait()
	return errors.Join(append(failures, q.err)...)
}

// work tries mutants of a queue until there are no more.
func (t *tester) work(ctx context.Context, q *queue, pkgs func(mutant) []string) error {
	dir, err := os.MkdirTemp(t.dir, "")
	if err != nil {
		return err
	}
	for {
		m, ok := q.next()
		if !ok {
			return nil
		}
		result, by, err := t.try(ctx, m, pkgs(m), dir)
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, result, by, m)
		q.done(m, result, by)
	}
}
