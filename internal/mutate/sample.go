package main

import (
	"context"
	"fmt"
	"os"
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

func (s summary) String() string {
	return fmt.Sprintf("%d mutants: %d killed, %d survived (%.1f %%); left out: %d equivalent, %d that do not compile",
		s.killed+s.survived, s.killed, s.survived, s.percent(), s.equivalent, s.invalid)
}

// queue hands out the mutants of a sample until enough were tried.
type queue struct {
	mu     sync.Mutex
	list   []mutant
	wanted int // that may still be tried
	sum    summary
}

// next returns the next mutant, false if there is none or enough are being
// tried.
func (q *queue) next() (mutant, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 || q.wanted == 0 {
		return mutant{}, false
	}
	m := q.list[0]
	q.list, q.wanted = q.list[1:], q.wanted-1
	return m, true
}

// done counts a mutant. One that says nothing is made up for by another.
func (q *queue) done(m mutant, result outcome, equivalent bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case equivalent:
		q.sum.equivalent++
		q.wanted++
	case result == invalid:
		q.sum.invalid++
		q.wanted++
	case result == killed:
		q.sum.killed++
	default:
		q.sum.survived++
		fmt.Println(m)
	}
}

// tryAll tries mutants until enough of them compiled.
func (t *tester) tryAll(ctx context.Context, sample []mutant, known map[string]string, o options) summary {
	q := &queue{list: sample, wanted: o.n}
	var group sync.WaitGroup
	for range max(1, o.jobs) {
		group.Go(func() {
			if err := t.work(ctx, q, known); err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "mutate:", err)
			}
		})
	}
	group.Wait()
	return q.sum
}

// work tries mutants of a queue until there are no more.
func (t *tester) work(ctx context.Context, q *queue, known map[string]string) error {
	dir, err := os.MkdirTemp(t.dir, "")
	if err != nil {
		return err
	}
	for {
		m, ok := q.next()
		if !ok {
			return nil
		}
		if known[m.key()] != "" {
			q.done(m, survived, true)
			continue
		}
		result, by, err := t.try(ctx, m, dir)
		if err != nil {
			return err
		}
		if result == killed {
			fmt.Fprintf(os.Stderr, "killed by %s: %s\n", by, m)
		}
		q.done(m, result, false)
	}
}
