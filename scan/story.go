package scan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
	"webshellscan/scan/webrequest"
)

// storyPass reads the logs a second time, for the events of the sessions: those
// chunks that can hold some.
type storyPass struct {
	reading *firstPass
	index   *story.Index
	below   [][]proctree.Process // by session
	plan    *eventrule.Plan
	servers *serverMap
	at      map[event.Place]bool // where rules matched events
	hits    inputOffsets         // the same by input
	since   event.Time           // when the first session began
	// completed are the correlation rules that events met, by place.
	completed map[event.Place][]*finding.Correlation
}

// newStoryPass returns the pass for some sessions, nil if there are none and no
// rule matched an event.
func newStoryPass(r *firstPass, plan *eventrule.Plan, forest *proctree.Forest, servers *serverMap, sessions []*finding.Session) *storyPass {
	if len(sessions) == 0 && len(r.hits) == 0 {
		return nil
	}
	below := membersOf(forest, servers, sessions)
	list := make([]story.Session, len(sessions))
	p := &storyPass{reading: r, below: below, plan: plan, servers: servers, since: noSession}
	for i, s := range sessions {
		list[i] = story.Session{Server: s.Worker, Below: below[i], Pool: s.Application, Servers: make(map[proctree.Process]bool)}
		for _, b := range below[i] {
			if servers.serverOf(b).kind == finding.ServerWeb {
				list[i].Servers[b] = true
			}
		}
		begin := s.First
		if start := s.Worker.Start(); start != 0 {
			begin = min(begin, start)
		}
		p.since = min(p.since, begin)
	}
	p.index = story.NewIndex(forest, list)
	p.setHits(r.hits)
	return p
}

// setHits sets the places of the events that rules match.
func (p *storyPass) setHits(at map[event.Place]bool) {
	p.at, p.hits = at, make(inputOffsets)
	for place := range at {
		p.hits.add(place.File, place.Offset)
	}
	p.hits.sort()
}

// noSession is later than any event: without a session only hits are read.
const noSession = event.Time(1<<63 - 1)

// membersOf returns the processes below the server of each session.
func membersOf(forest *proctree.Forest, servers *serverMap, sessions []*finding.Session) [][]proctree.Process {
	number := make(map[proctree.Process]int, len(sessions))
	hosts := make(map[int]bool)
	for i, s := range sessions {
		number[s.Worker] = i
		hosts[s.Worker.HostIndex()] = true
	}
	below := make([][]proctree.Process, len(sessions))
	for host := range hosts {
		for p := range forest.Processes(host) {
			if i, ok := number[servers.workerOf(p)]; ok && servers.workerOf(p).Exists() {
				below[i] = append(below[i], p)
			}
		}
	}
	return below
}

// storySlack is how long before the first session began an event may be of
// interest.
const storySlack = event.Minute

// read reads the chunks of all inputs whose times are of interest, and then
// once more what came from where a session reached out.
func (p *storyPass) read(ctx context.Context) []*story.Collector {
	want, units, trees := p.want(), p.units(), p.trees()
	collectors := make([]*story.Collector, p.goroutines(units))
	sinks := make([]sink, len(collectors))
	for i := range collectors {
		var matcher story.Matcher
		if p.plan != nil {
			matcher = eventrule.NewMatcher(p.plan, &want, trees)
		}
		collectors[i] = story.NewCollector(p.index, matcher, p.hit)
		sinks[i] = collectors[i]
	}
	p.readUnits(ctx, sinks, want, units)
	if places := p.index.Arrived(collectors); len(places) > 0 {
		for _, c := range collectors {
			c.Only(places)
		}
		p.readUnits(ctx, sinks, want, unitsWith(units, places))
	}
	return collectors
}

// want returns the events that are read: those of stories first, then those
// that only rules ask for.
func (p *storyPass) want() event.Want {
	want := story.Want()
	if p.plan != nil {
		planned := p.plan.Want()
		want.Keys, want.Providers, want.Channels = append(want.Keys, planned.Keys...), planned.Providers, planned.Channels
	}
	return want
}

// goroutines returns how many are to read some units.
func (p *storyPass) goroutines(units []storyUnit) int {
	return max(1, min(p.reading.goroutines, len(units)))
}

// trees returns what rules about events may ask.
func (p *storyPass) trees() *eventrule.Trees {
	forest := p.servers.forest
	return &eventrule.Trees{
		Servers: p.servers, Processes: eventrule.NewProcesses(forest), Blind: blindNames(forest.Hosts()), WebRoot: p.webRoots(), Completed: p.rulesCompleted,
	}
}

// rulesCompleted returns the correlation rules that the event at a place
// completed, each once.
func (p *storyPass) rulesCompleted(place event.Place) []*rules.Rule {
	var list []*rules.Rule
	for _, c := range p.completed[place] {
		if !slices.Contains(list, c.Rule) {
			list = append(list, c.Rule)
		}
	}
	return list
}

// webRoots returns what finds the folder that a site shows around a file of a
// computer.
func (p *storyPass) webRoots() func(computer, file string) string {
	hosts := proctree.HostsByName(p.servers.forest.Hosts())
	return func(computer, file string) string {
		if host, known := hosts[computer]; known {
			return p.servers.webRoot(host, file)
		}
		return ""
	}
}

// sink is given the events of units. It is for one goroutine.
type sink interface {
	event.Gate
	// Begin begins a unit of an input.
	Begin(file uint32)
	Add(ev *event.Event)
}

// readUnits reads units into sinks, one of each goroutine.
func (p *storyPass) readUnits(ctx context.Context, sinks []sink, want event.Want, units []storyUnit) {
	selection := evtx.Select(want)
	readers := make([]*storyReader, len(sinks))
	for i, to := range sinks {
		readers[i] = &storyReader{evtx.NewReader(selection), to, want}
		readers[i].reader.Gate(to)
	}
	panics := work.Each(len(readers), len(units), func(g, i int) { readers[g].read(ctx, p, units[i]) })
	for _, f := range panics {
		in := units[f.Index].in
		in.crash(evtx.Part{End: in.Size}, f)
	}
}

// storyReader reads units of the pass. It is for one goroutine.
type storyReader struct {
	reader *evtx.Reader
	sink   sink
	want   event.Want
}

// storyUnit is a piece of work: some chunks of a log, or an export.
type storyUnit struct {
	in     *input
	chunks []evtx.Chunk
}

// storyUnitChunks is how many chunks one unit has: 16 MiB of a log.
const storyUnitChunks = 256

// units divides what to read.
func (p *storyPass) units() []storyUnit {
	var units []storyUnit
	for _, in := range p.reading.inputs {
		switch {
		case in.err != nil:
		case in.form != export.None && p.since == noSession && len(p.hits[in.index]) == 0:
		case in.form != export.None:
			units = append(units, storyUnit{in: in})
		default:
			for chunks := range slices.Chunk(p.chunksOf(in), storyUnitChunks) {
				units = append(units, storyUnit{in, chunks})
			}
		}
	}
	return units
}

// unitsWith returns the units that hold events at some places, and of those
// only the chunks that do. Places are by file, in bytes from its start,
// ascending.
func unitsWith(units []storyUnit, places map[uint32][]int64) []storyUnit {
	var list []storyUnit
	for _, u := range units {
		offsets := places[u.in.index]
		if len(offsets) == 0 {
			continue
		}
		if u.chunks != nil {
			u.chunks = slices.DeleteFunc(slices.Clone(u.chunks), func(c evtx.Chunk) bool { return !holdsAny(c, offsets) })
			if len(u.chunks) == 0 {
				continue
			}
		}
		list = append(list, u)
	}
	return list
}

// holdsAny reports whether one of some offsets, ascending, lies in a chunk.
func holdsAny(c evtx.Chunk, offsets []int64) bool {
	i, _ := slices.BinarySearch(offsets, c.Offset)
	return i < len(offsets) && offsets[i] < c.Offset+evtx.ChunkSize
}

// read reads one unit.
func (w *storyReader) read(ctx context.Context, p *storyPass, u storyUnit) {
	w.sink.Begin(u.in.index)
	switch {
	case ctx.Err() != nil:
	case u.chunks == nil:
		p.readExport(ctx, u.in, w.want, w.sink.Add)
	default:
		p.readChunks(ctx, u.in, u.chunks, w.reader, w.sink.Add)
	}
}

// chunksOf returns the chunks of an input that may hold an event of a session.
func (p *storyPass) chunksOf(in *input) []evtx.Chunk {
	return slices.DeleteFunc(slices.Clone(in.chunks), func(c evtx.Chunk) bool {
		return (p.since == noSession || c.Quiet || c.Latest != 0 && c.Latest < p.since-storySlack) && !p.hitIn(in, c)
	})
}

// hit reports whether a rule matched the event at a place.
func (p *storyPass) hit(place event.Place) bool { return p.at[eventrule.HitPlace(place)] }

// hitIn reports whether a rule matched an event of a chunk.
func (p *storyPass) hitIn(in *input, c evtx.Chunk) bool { return holdsAny(c, p.hits[in.index]) }

// readChunks reads some chunks of a log. What is wrong with them was reported
// by the first pass, but for what can no longer be read.
func (p *storyPass) readChunks(ctx context.Context, in *input, chunks []evtx.Chunk, reader *evtx.Reader, do func(*event.Event)) {
	file, err := in.Open()
	if err != nil {
		in.lose(0, err)
		return
	}
	defer func() { _ = file.Close() }() // it was only read
	if in.held != nil {
		chunks = p.heldOf(in, chunks)
	}
	err = work.Guard(func() {
		for ev, err := range reader.Chunks(in.evtx.From(file), chunks, &p.reading.pool).Events(ctx) {
			if ev == nil {
				in.unreadFault(err)
				continue
			}
			ev.Place.File = in.index
			do(ev)
		}
	})
	if err != nil {
		in.crash(evtx.Part{End: in.Size}, err)
	}
}

// heldOf returns those of some chunks of which a partial result holds
// something. A record that a rule matched is lost if it does not.
func (p *storyPass) heldOf(in *input, chunks []evtx.Chunk) []evtx.Chunk {
	return slices.DeleteFunc(slices.Clone(chunks), func(c evtx.Chunk) bool {
		held := in.held.has(c.Offset)
		if !held && p.hitIn(in, c) {
			in.lose(c.Offset, errNotHeld)
		}
		return !held
	})
}

// readAll reads all of an input again for some events.
func (p *storyPass) readAll(ctx context.Context, in *input, want event.Want, do func(*event.Event)) {
	if in.form != export.None {
		p.readExport(ctx, in, want, do)
	} else {
		p.readChunks(ctx, in, in.chunks, evtx.NewReader(evtx.Select(want)), do)
	}
}

// readExport reads an export again. That a partial result does not hold it is
// lost only if a rule matched a record of it: for stories heldIndex.lacking
// counts it.
func (p *storyPass) readExport(ctx context.Context, in *input, want event.Want, do func(*event.Event)) {
	file, err := in.Open()
	if err != nil {
		if !errors.Is(err, errNotHeld) || len(p.hits[in.index]) > 0 {
			in.lose(0, err)
		}
		return
	}
	crash := work.Guard(func() {
		_, err = export.Read(ctx, file, in.evtx.Size(), in.form, want, func(r *export.Record) error {
			if r.Event.Key >= 0 {
				r.Event.Place.File = in.index
				do(r.Event)
			}
			return nil
		})
	})
	switch err = cmp.Or(err, file.Close()); {
	case crash != nil:
		in.crash(evtx.Part{End: in.Size}, crash)
	case err != nil && in.exportErr == nil && ctx.Err() == nil: // else reported already
		in.lose(0, err)
	}
}

// addStories reads the stories of the sessions and adds them to the result.
func (res *Result) addStories(ctx context.Context, r *firstPass, plan *eventrule.Plan, o *Options) {
	r.addTraceHits(blindNames(res.Forest.Hosts()))
	p := newStoryPass(r, plan, res.Forest, res.servers, res.Sessions)
	if p == nil {
		return
	}
	p.completed = res.completed
	collectors := p.read(ctx)
	sites := p.index.Sites(collectors)
	stories, found, lost := p.index.Stories(collectors)
	res.eventsLost = lost + r.hitsLost
	res.explainRecords(ctx, p, stories, o.Explain)
	res.addRequests(ctx, p, sites, o.ExplainRequests)
	armed := p.index.Armed(stories)
	for i, st := range stories {
		s := res.Sessions[i]
		s.Members = p.below[i]
		res.findWriters(s, st)
		s.Armed = armed[i]
		s.Indicators = p.index.Indicators(i, st, webrequest.Clients(s))
		s.EventCounts = make(map[story.Category]int)
		s.EventsOmitted = st.Omitted
		for _, e := range st.Events {
			s.EventCounts[e.Category] += e.Count
			ev := res.newEvent(e)
			ev.Session = s
			s.Events = append(s.Events, ev)
		}
		res.Events = append(res.Events, s.Events...)
	}
	for _, e := range found {
		res.addFound(res.newEvent(e), o)
	}
	res.sortTraces()
}

// wantsEvent reports whether an event that belongs to no session is asked for.
func (o *Options) wantsEvent(e *finding.Event) bool {
	return e.Level() >= o.MinLevel && o.wantsTime(e.Time) && proctree.MatchesHost(o.Hosts, []string{e.Host})
}

// Found reports whether anything was found: a process, or an event that matched
// a rule.
func (res *Result) Found() bool {
	return len(res.Findings) > 0 || slices.ContainsFunc(res.Events, func(e *finding.Event) bool { return len(e.Rules) > 0 })
}

// WebLogs selects the logs of web servers, and text files that are named as
// such logs are.
func WebLogs() source.Wanted {
	return source.Wanted{Kind: source.KindWebLog, Name: weblog.MayBeName, Path: weblog.MayBePath, Match: func(prefix []byte, name string) bool {
		_, ok := weblog.Detect(prefix)
		return ok || len(prefix) > 0 && weblog.IsNamed(name) && bytes.IndexByte(prefix, 0) < 0
	}}
}

// newEvent returns an event with its host and the paths of its evidence.
func (res *Result) newEvent(e *story.Event) *finding.Event {
	ev := &finding.Event{Event: e}
	if e.Host >= 0 {
		ev.Host = res.Forest.Hosts()[e.Host].Name
	}
	for _, ref := range e.Records {
		in := res.inputs[ref.Place.File]
		record := finding.Record{Place: ref.Place, RecordID: ref.RecordID, Time: ref.Time, Channel: e.Record.Channel, EventID: e.Record.ID, Marks: ref.Marks}
		ev.Evidence = append(ev.Evidence, finding.New(record, in.Path, in.Origin))
		ev.Correlated = append(ev.Correlated, res.completed[eventrule.HitPlace(ref.Place)]...)
	}
	return ev
}
