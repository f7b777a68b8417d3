package scan

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// judge matches processes against a set of rules. A judge is for one goroutine.
type judge struct {
	set     *rules.Set
	subject *subject
	matcher *rules.Matcher
	matches []int
	crashes []caughtPanic
}

// newMatchers returns a matcher of processes for each worker.
func newMatchers(set *rules.Set, n int) []*rules.Matcher {
	return set.NewMatchers(max(1, n), bundlesOf(set)...)
}

// newJudges returns a judge for each of the matchers of a set.
func newJudges(set *rules.Set, matchers []*rules.Matcher, forest *proctree.Forest, servers *serverMap) []*judge {
	judges := make([]*judge, len(matchers))
	for i, matcher := range matchers {
		judges[i] = &judge{set: set, subject: newSubject(set, forest, servers), matcher: matcher}
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

// each calls do for the processes of a batch, which it judges. A panic costs
// the process in hand, and is kept as the error of this program that it is;
// what do may have left half done in the judge is made anew.
func (j *judge) each(b batch, do func(p proctree.Process)) {
	forest := j.subject.forest
	for i := b.from; i < b.to; i++ {
		err := work.Guard(func() {
			for ; i < b.to; i++ {
				do(forest.Process(b.host, i))
			}
		})
		if err != nil {
			j.crashes = append(j.crashes, caughtPanic{process: forest.Process(b.host, i), err: err})
			j.subject = newSubject(j.set, forest, j.subject.servers)
			j.matcher = j.set.NewMatcher(bundlesOf(j.set)...)
		}
	}
}

// crashesOf returns what the judges were kept from dying of.
func crashesOf(judges []*judge) []caughtPanic {
	var all []caughtPanic
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

// detection applies the rules that give findings to processes.
type detection struct {
	judging
	finder     finder
	set        *rules.Set
	matchers   []*rules.Matcher      // of the set, one for each goroutine
	hosts      []bool                // by host: whether its findings are asked for
	wantsTime  func(event.Time) bool // whether findings of a time are
	correlates bool                  // whether there are correlation rules
	forgotten  int                   // by correlation rules
}

// newDetection returns the detection by the rules that were loaded.
func newDetection(j judging, loaded *loadedRules, inputs []*input, options *Options) *detection {
	d := &detection{
		judging: j, finder: finder{j.forest, j.servers, inputs},
		set: loaded.rules.Detections, matchers: loaded.matchers, wantsTime: options.wantsTime,
		correlates: len(loaded.rules.Detections.Correlations()) > 0,
	}
	for _, h := range j.forest.Hosts() {
		d.hosts = append(d.hosts, MatchesHost(options.Hosts, h.Names))
	}
	return d
}

// run returns the findings: by host, and in the order of the processes' start.
// Correlation rules see the processes of all hosts and times, whichever
// findings are asked for.
func (d *detection) run(ctx context.Context) []*finding.Finding {
	judges := newJudges(d.set, d.matchers, d.forest, d.servers)
	batches := batchesOf(d.forest)
	found := make([][]*finding.Finding, len(batches))
	moments := make([][]moment, len(batches))
	failures := work.Each(len(judges), len(batches), func(g, i int) {
		if (d.hosts[batches[i].host] || d.correlates) && ctx.Err() == nil {
			found[i], moments[i] = d.judge(judges[g], batches[i])
		}
	})
	d.crashes.add(crashesOf(judges)...)
	d.crashes.failed("processes", failures)
	findings := slices.Concat(found...)
	d.crashes.guard("processes between servers and findings", func() { findings = d.judgeBetween(judges[0], findings) })
	if d.correlates {
		d.crashes.guard("correlation rules", func() { findings = d.correlate(judges[0], slices.Concat(moments...), findings) })
	}
	return findings
}

// wants reports whether the finding of a process is asked for.
func (d *detection) wants(p proctree.Process) bool {
	return d.hosts[p.HostIndex()] && d.wantsTime(p.Start())
}

// judge returns the findings of a batch, and the processes that correlation
// rules ask for.
func (d *detection) judge(j *judge, b batch) (found []*finding.Finding, moments []moment) {
	j.each(b, func(p proctree.Process) {
		wanted := d.wants(p)
		if p.Stub() || !wanted && !d.correlates {
			return
		}
		matches := j.match(p)
		if d.correlates && slices.ContainsFunc(matches, d.set.Correlated) {
			moments = append(moments, moment{p.Start(), uint32(p.HostIndex()), uint32(p.Index())})
		}
		if reported := d.reported(matches); wanted && len(reported) > 0 {
			f := d.finder.finding(j.subject)
			f.Rules = reported
			f.SortRules()
			found = append(found, f)
		}
	})
	return found, moments
}

// judgeBetween judges the processes between servers and findings a second time,
// for the rules that ask for them. It returns all findings in their order.
func (d *detection) judgeBetween(j *judge, findings []*finding.Finding) []*finding.Finding {
	asked := slices.ContainsFunc(d.set.Fields(), func(name string) bool { return strings.EqualFold(name, "FindingBelow") })
	if !asked {
		return findings
	}
	d.servers.markBetween(findings)
	have := make(map[proctree.Process]*finding.Finding, len(d.servers.between))
	for _, f := range findings {
		if d.servers.between[f.Process] {
			have[f.Process] = f
		}
	}
	for p := range d.servers.between {
		if p.Stub() || !d.wants(p) {
			continue
		}
		reported := d.reported(j.match(p))
		f := have[p]
		switch {
		case len(reported) == 0:
			continue
		case f == nil:
			f = d.finder.finding(j.subject)
			findings = append(findings, f)
		}
		f.Rules = reported
		f.SortRules()
	}
	slices.SortStableFunc(findings, compareFindings)
	return findings
}

// compareFindings orders findings by host, and as processes started.
func compareFindings(a, b *finding.Finding) int {
	return cmp.Or(cmp.Compare(a.Process.HostIndex(), b.Process.HostIndex()), cmp.Compare(a.Process.Index(), b.Process.Index()))
}

// reported returns those of the matched rules that give findings by themselves.
func (d *detection) reported(matches []int) []*rules.Rule {
	var list []*rules.Rule
	for _, i := range matches {
		if d.set.Reported(i) {
			list = append(list, d.set.Rules()[i])
		}
	}
	return list
}
