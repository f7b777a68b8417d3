package scan

import (
	"context"
	"slices"

	"webshellscan/internal/plural"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/webrequest"
)

// Result is what a scan found, and what it read.
type Result struct {
	// Findings are sorted by host, and in the order in which the processes
	// started.
	Findings []*finding.Finding
	// Sessions are the findings by worker: the gravest first.
	Sessions []*finding.Session
	// Events are the events of the sessions' stories, and those that are
	// findings by themselves.
	Events []*finding.Event
	// Traces are the other events about the web servers of hosts without
	// process creations, by host.
	Traces []Trace
	// Requests are those of Session.Requests.
	Requests []*finding.Request
	// Explained says of each record of Options.Explain which session it is
	// tied to, or why to none.
	Explained []RecordExplanation
	// ExplainedRequests are the same for the requests of
	// Options.ExplainRequests; requests of files that are no web logs, or
	// do not exist, are left out.
	ExplainedRequests []webrequest.Explanation
	// Integrity are the findings about log integrity, of the hosts that
	// Options ask for: the gravest first.
	Integrity []*integrity.Finding
	// Coverage is what the logs of each host could have shown, in the order
	// of Forest.Hosts.
	Coverage []integrity.HostCoverage
	Manifest Manifest
	// Forest holds all processes, found or not.
	Forest *proctree.Forest
	// Rules are the rules that were applied.
	Rules   *RuleSets
	Summary Summary

	servers    *serverMap
	inputs     []*input
	eventsLost int
	// completed are the correlation rules that events met, by place
	// (eventrule.HitPlace).
	completed map[event.Place][]*finding.Correlation
	web       *webrequest.Logs
	traceAt   map[traceKey]int // index in Traces
	weighed   []*weighed
	// writers are the images of what wrote the programs of findings in
	// their sessions.
	writers map[*finding.Finding]string
}

// InputPath returns the path of an input by its number in an event.Place.
func (r *Result) InputPath(file uint32) string { return r.inputs[file].Path }

// Scan runs a scan. The error says that there was nothing to scan: a path or an
// option is wrong. What goes wrong with one input costs that input and is
// reported in the summary. If the context is cancelled, Scan returns what was
// found so far, and Summary.Interrupted holds the cause.
func Scan(ctx context.Context, options Options) (*Result, error) {
	found, err := options.find(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }() // what is left of temporary files is no evidence
	// What was read is matched and reported to the end, even if the user
	// wants no more to be read.
	rest := context.WithoutCancel(ctx)
	toRead, stop := context.WithCancel(ctx)
	defer stop()
	sets := startLoading(rest, &options, stop)
	reading := newFirstPass(&found, &options)
	defer reading.addPartials(found.Others, options.Version).Close()
	reading.number()
	reading.planEvents(sets, len(options.Rules.Paths) > 0)
	options.Progress.Enter(PhaseReading)
	reading.collect(toRead)
	reading.merge(toRead, sets, &options)
	options.Progress.Enter(PhaseTrees)
	prefetching := startPrefetch(sets.done, reading.texts, options.goroutines())
	forest, err := proctree.Build(rest, reading.texts, reading.collectors, reading.computers(), options.goroutines())
	loaded := prefetching.stop()
	if err != nil {
		return nil, err
	}
	if loaded.err != nil {
		return nil, loaded.err
	}
	options.Progress.Enter(PhaseRules)
	res := &Result{Forest: forest, Rules: loaded.rules, inputs: reading.inputs, web: webrequest.New(forest, options.Hash), writers: make(map[*finding.Finding]string), traceAt: make(map[traceKey]int)}
	crashes := &loaded.crashes
	res.findServers(reading, &options, crashes)
	by := evaluation{forest, res.servers, options.goroutines(), crashes}
	d := newDetection(by, loaded, reading, &options)
	crashes.guard("findings", func() { res.Findings = d.run(rest) })
	res.completed = d.completed
	crashes.guard("techniques", func() { by.mapTechniques(loaded.rules.Techniques, res.Findings) })
	grades, together := &grading{by, loaded.rules.Levels}, &grouping{by, loaded.rules.SessionLevels}
	crashes.guard("levels", func() { res.weighed = grades.weigh(res.Findings) })
	crashes.guard("baseline", func() { options.Baseline.Mark(res.Findings) })
	crashes.guard("sessions", func() { res.Sessions = together.of(res.Findings) })
	options.Progress.Enter(PhaseStory)
	crashes.guard("story", func() { res.addStories(rest, reading, loaded.events, &options) })
	crashes.guard("levels", func() { res.weighWritten(grades, together, options.Baseline) })
	below := 0
	crashes.guard("least level", func() { below = res.keepLevel(options.MinLevel) })
	crashes.guard("second decoder", func() { res.crosscheck(&options, crashes) })
	crashes.guard(whatCut, func() { res.cut(ctx, crashes, options.Found) })
	options.Progress.Enter(PhaseIntegrity)
	only := options.only(below)
	crashes.guard("summary", func() {
		res.Summary = summarize(reading, forest, loaded.rules)
		res.Summary.Rules.Forgotten, res.Summary.EventsLost = d.forgotten, res.eventsLost
		res.Summary.expect(options.Expect, reading.parts)
		res.Summary.setScope(&options, only)
	})
	crashes.guard("integrity and coverage", func() { res.assessLogs(reading, &options, reading.notes) })
	reading.hashContainers(ctx)
	crashes.guard("manifest", func() { res.Manifest = newManifest(reading, loaded.rules.Detections, &options) })
	res.Manifest.Only = only
	crashes.guard("web logs", func() { res.addWebLogs(res.web.Reports(options.WebLogs)) })
	crashes.guard("hosts collected apart", func() { res.markApart(reading) })
	res.Summary.addCrashes(crashes.list, &d.finder)
	res.Interrupt(context.Cause(ctx))
	return res, nil
}

// findServers finds the servers and what runs in them. Web logs come first,
// since rules may ask for the folders that sites show.
func (res *Result) findServers(reading *firstPass, options *Options, crashes *crashLog) {
	crashes.guard("web logs", func() { res.findWebLogs(reading.others, options.WebLogs) })
	res.servers = newServerMap(res.Forest, res.Rules.Servers, reading.signs, options.goroutines())
	res.servers.webRoot = res.web.WebRoot
	crashes.guard("applications", func() { res.servers.findApplications(res.Rules.Applications, options.goroutines()) })
	crashes.merge(res.servers.crashes.list...)
}

// find lists what there is to read.
func (o *Options) find(ctx context.Context) (source.Found, error) {
	o.Sources.Wanted = append(slices.Clone(o.Sources.Wanted), partials(), WebLogs(), source.AppHostConfig())
	o.Sources.Nothing, o.Sources.Export = isNothing, isExportText
	if o.Progress != nil {
		o.Sources.Looking = func(path string) { o.Progress.File.Store(&path) }
	}
	return source.Find(ctx, o.Paths, o.Sources)
}

// planEvents plans which events are read for rules. given is set if there may
// be others than those built in.
func (r *firstPass) planEvents(sets *ruleLoading, given bool) {
	want := eventrule.Builtin
	if given {
		if plan := sets.plan(); plan != nil {
			want = plan.Want()
		}
	}
	r.events = eventrule.NewReading(want, sets.plan)
}

// merge joins what collecting left behind with that of partial results, and
// reads what could not be read, or matched, before all was there.
func (r *firstPass) merge(ctx context.Context, sets *ruleLoading, options *Options) {
	if len(r.parts) > 0 {
		r.readParts()
		if plan := sets.plan(); plan != nil {
			r.matchHeld(ctx, plan, len(options.Rules.Paths) > 0, options.Version)
		}
	}
	r.resolve(ctx)
}

// Interrupt marks the result as one that was cut short, if there is a cause.
func (r *Result) Interrupt(cause error) {
	r.Summary.Interrupted = cause
	r.Manifest.Interrupted = cause != nil
}

// UnknownHosts returns those of the wanted hosts that the logs do not have.
func (r *Result) UnknownHosts(wanted []string) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(want string) bool {
		return slices.ContainsFunc(r.Summary.Hosts, func(h proctree.Host) bool { return proctree.MatchesHost([]string{want}, h.Names) })
	})
}

// assessLogs sets what the logs could have shown, and the findings about their
// integrity.
func (res *Result) assessLogs(r *firstPass, options *Options, notes []source.Note) {
	logs := &integrity.Reading{
		Watchers: r.watchers, Notes: notes, Forest: res.Forest, Since: options.Since, Until: options.Until, Complete: r.complete(),
	}
	for _, in := range r.inputs {
		logs.Logs = append(logs.Logs, in.log())
	}
	res.Integrity, res.Coverage = integrity.Assess(logs)
	res.addDropped(options.Hosts)
	res.Integrity = slices.DeleteFunc(res.Integrity, func(f *integrity.Finding) bool {
		return f.Host != "" && !proctree.MatchesHost(options.Hosts, []string{f.Host})
	})
}

// addDropped adds to what could not be seen the process creations that Sysmon
// dropped on the wanted hosts.
func (res *Result) addDropped(wanted []string) {
	for i, c := range res.Coverage {
		if c.Dropped > 0 && proctree.MatchesHost(wanted, res.Summary.Hosts[i].Names) {
			res.Summary.Blind = append(res.Summary.Blind, Blind{
				c.Host, "Sysmon dropped " + plural.Count(c.Dropped, "process creation") + " from its queue (Sysmon 255): what they started cannot be seen",
			})
		}
	}
}

// computers counts the records by spelling of Computer.
func (r *firstPass) computers() map[string]int {
	counts := make(map[string]int)
	for _, in := range r.inputs {
		for name, n := range in.stats.Hosts {
			counts[name] += n
		}
	}
	return counts
}
