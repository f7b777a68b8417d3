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
	evaluation
	finder       finder
	set          *rules.Set
	matchers     []*rules.Matcher      // of the set, one for each goroutine
	hosts        []bool                // by host: whether its findings are asked for
	wantsTime    func(event.Time) bool // whether findings of a time are
	correlations *rules.Correlations
	correlates   bool       // whether those ask for processes
	events       *storyPass // reads the events that they ask for

	completed map[event.Place][]*finding.Correlation // by events
	forgotten int                                    // by correlation rules
}

// newDetection returns the detection by the rules that were loaded.
func newDetection(by evaluation, loaded *loadedRules, r *firstPass, options *Options) *detection {
	d := &detection{
		evaluation: by, finder: finder{by.forest, by.servers, r.inputs},
		set: loaded.rules.Detections, matchers: loaded.matchers, wantsTime: options.wantsTime,
		correlations: loaded.rules.Correlations, correlates: slices.ContainsFunc(loaded.rules.Detections.Rules(), loaded.rules.Correlations.Asks),
		events: &storyPass{reading: r, plan: loaded.events, servers: by.servers, since: noSession},
	}
	for _, h := range by.forest.Hosts() {
		d.hosts = append(d.hosts, proctree.MatchesHost(options.Hosts, h.Names))
	}
	return d
}

// run returns the findings: by host, and in the order of the processes' start.
// Correlation rules see the processes and events of all hosts and times,
// whichever findings are asked for.
func (d *detection) run(ctx context.Context) []*finding.Finding {
	evaluators := newEvaluators(d.set, d.matchers, d.forest, d.servers)
	batches := batchesOf(d.forest)
	found := make([][]*finding.Finding, len(batches))
	moments := make([][]moment, len(batches))
	panics := work.Each(len(evaluators), len(batches), func(g, i int) {
		if (d.hosts[batches[i].host] || d.correlates) && ctx.Err() == nil {
			found[i], moments[i] = d.matchBatch(evaluators[g], batches[i])
		}
	})
	d.crashes.merge(crashesOf(evaluators)...)
	d.crashes.addPanics("processes", panics)
	findings := slices.Concat(found...)
	d.crashes.guard("processes between servers and findings", func() { findings = d.matchBetween(evaluators[0], findings) })
	if len(d.correlations.Rules()) > 0 {
		d.crashes.guard("correlation rules", func() { findings = d.correlate(ctx, evaluators[0], slices.Concat(moments...), findings) })
	}
	return findings
}

// wants reports whether the finding of a process is asked for.
func (d *detection) wants(p proctree.Process) bool {
	return d.hosts[p.HostIndex()] && d.wantsTime(p.Start())
}

// matchBatch returns the findings of a batch, and the processes that
// correlation rules ask for.
func (d *detection) matchBatch(e *evaluator, b batch) (found []*finding.Finding, moments []moment) {
	e.each(b, func(p proctree.Process) {
		wanted := d.wants(p)
		if p.Stub() || !wanted && !d.correlates {
			return
		}
		matches := e.match(p)
		if d.correlates && slices.ContainsFunc(matches, func(i int) bool { return d.correlations.Asks(d.set.Rules()[i]) }) {
			moments = append(moments, moment{p.Start(), uint32(p.HostIndex()), uint32(p.Index())})
		}
		if reported := d.reported(matches); wanted && len(reported) > 0 {
			f := d.finder.finding(e.subject)
			f.Rules = reported
			f.SortRules()
			found = append(found, f)
		}
	})
	return found, moments
}

// matchBetween matches the processes between servers and findings a second
// time, for the rules that ask for them. It returns all findings in their
// order.
func (d *detection) matchBetween(e *evaluator, findings []*finding.Finding) []*finding.Finding {
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
		reported := d.reported(e.match(p))
		f := have[p]
		switch {
		case len(reported) == 0:
			continue
		case f == nil:
			f = d.finder.finding(e.subject)
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
		if r := d.set.Rules()[i]; d.correlations.Reported(r) {
			list = append(list, r)
		}
	}
	return list
}
