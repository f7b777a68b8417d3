package scan

import (
	"context"
	"iter"
	"slices"

	"webshellscan/rules"
	"webshellscan/scan/guard"
	"webshellscan/scan/proctree"
)

// judge matches processes against a set of rules. A judge is for one goroutine.
type judge struct {
	set     *rules.Set
	subject *subject
	matcher *rules.Matcher
	matches []int
	crashes []crash
}

// crash is a panic that was caught while a process was judged.
type crash struct {
	process proctree.Process
	err     error
}

// newJudges returns a judge for each worker.
func newJudges(set *rules.Set, forest *proctree.Forest, workers *workerMap, n int) []*judge {
	judges := make([]*judge, max(1, n))
	for i := range judges {
		judges[i] = &judge{set: set, subject: newSubject(set, forest, workers), matcher: set.NewMatcher()}
	}
	return judges
}

// match returns the indices of the rules that a process matches. The slice is
// valid until the next call.
func (j *judge) match(p proctree.Process) []int {
	j.subject.process = p
	j.matches = j.matcher.Match(j.matches[:0], j.subject)
	return j.matches
}

// guard runs do, which judges a process. A panic costs this process, and is kept
// as the error of this program that it is; what do may have left half done in
// the judge is made anew.
func (j *judge) guard(p proctree.Process, do func()) {
	if err := guard.Run(do); err != nil {
		j.crashes = append(j.crashes, crash{p, err})
		j.subject = newSubject(j.set, p.Forest(), j.subject.workers)
		j.matcher = j.set.NewMatcher()
	}
}

// crashesOf returns what the judges were kept from dying of.
func crashesOf(judges []*judge) []crash {
	var all []crash
	for _, j := range judges {
		all = append(all, j.crashes...)
	}
	return all
}

// batch is some of the processes of a host.
type batch struct{ host, from, to int }

const batchSize = 1 << 13

// batchesOf divides all processes, in their order.
func batchesOf(forest *proctree.Forest) []batch {
	var list []batch
	for host, h := range forest.Hosts() {
		for from := 0; from < h.Processes; from += batchSize {
			list = append(list, batch{host, from, min(from+batchSize, h.Processes)})
		}
	}
	return list
}

func (b batch) processes(forest *proctree.Forest) iter.Seq[proctree.Process] {
	return func(yield func(proctree.Process) bool) {
		for i := b.from; i < b.to; i++ {
			if !yield(forest.Process(b.host, i)) {
				return
			}
		}
	}
}

// detection is the second half of a scan: processes to findings.
type detection struct {
	options *Options
	forest  *proctree.Forest
	set     *rules.Set
	workers *workerMap
	inputs  []*input
	crashes []crash
}

// run returns the findings: by host, and in the order of the processes' start.
func (d *detection) run(ctx context.Context) []*Finding {
	judges := newJudges(d.set, d.forest, d.workers, d.options.workers())
	batches := batchesOf(d.forest)
	found := make([][]*Finding, len(batches))
	wanted := make([]bool, len(d.forest.Hosts()))
	for i, h := range d.forest.Hosts() {
		wanted[i] = MatchesHost(d.options.Hosts, h.Names)
	}
	share(judges, len(batches), func(j *judge, i int) {
		if !wanted[batches[i].host] || ctx.Err() != nil {
			return
		}
		for p := range batches[i].processes(d.forest) {
			if p.Stub() || !d.options.wantsTime(p.Start()) {
				continue
			}
			j.guard(p, func() {
				if matches := j.match(p); len(matches) > 0 {
					found[i] = append(found[i], d.finding(j.subject, matches))
				}
			})
		}
	})
	d.crashes = append(d.crashes, crashesOf(judges)...)
	return slices.Concat(found...)
}
