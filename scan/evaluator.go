package scan

import (
	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/proctree"
)

// evaluation is what all steps need that match processes against rules.
type evaluation struct {
	forest     *proctree.Forest
	servers    *serverMap
	goroutines int // at most at once
	crashes    *crashLog
}

// evaluators returns n evaluators for a set of rules.
func (e *evaluation) evaluators(set *rules.Set, n int) []*evaluator {
	return newEvaluators(set, newMatchers(set, n)[:n], e.forest, e.servers)
}

// evaluator matches processes against a set of rules. It is for one goroutine.
type evaluator struct {
	set     *rules.Set
	subject *subject
	matcher *rules.Matcher
	matches []int
	crashes []stepCrash
}

// newMatchers returns n matchers of processes, at least one.
func newMatchers(set *rules.Set, n int) []*rules.Matcher {
	return set.NewMatchers(max(1, n), bundlesOf(set)...)
}

// newEvaluators returns an evaluator for each of the matchers of a set.
func newEvaluators(set *rules.Set, matchers []*rules.Matcher, forest *proctree.Forest, servers *serverMap) []*evaluator {
	evaluators := make([]*evaluator, len(matchers))
	for i, matcher := range matchers {
		evaluators[i] = &evaluator{set: set, subject: newSubject(set, forest, servers), matcher: matcher}
	}
	return evaluators
}

// match returns the indices of the rules that a process matches. The slice is
// valid until the next call.
func (e *evaluator) match(p proctree.Process) []int {
	e.subject.process = p
	e.matches = e.matcher.Match(e.matches[:0], e.subject)
	return e.matches
}

// each calls do for the processes of a batch. A panic costs the process in hand
// and is kept as a crash; since do may have left the subject and the matcher
// half done, both are made anew.
func (e *evaluator) each(b batch, do func(p proctree.Process)) {
	forest := e.subject.forest
	for i := b.from; i < b.to; i++ {
		err := work.Guard(func() {
			for ; i < b.to; i++ {
				do(forest.Process(b.host, i))
			}
		})
		if err != nil {
			e.crashes = append(e.crashes, stepCrash{process: forest.Process(b.host, i), err: err})
			e.subject = newSubject(e.set, forest, e.subject.servers)
			e.matcher = e.set.NewMatcher(bundlesOf(e.set)...)
		}
	}
}

// crashesOf returns the panics that the evaluators recovered from.
func crashesOf(evaluators []*evaluator) []stepCrash {
	var all []stepCrash
	for _, e := range evaluators {
		all = append(all, e.crashes...)
	}
	return all
}
