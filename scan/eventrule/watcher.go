package eventrule

import (
	"slices"
	"strings"

	"webshellscan/rules/builtin"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// Reading is which events are read for rules.
type Reading struct {
	want event.Want
	plan func() *Plan // waits for the rules
	// from, if not nil, are the kinds of event whose places are kept if
	// they name where another host came from, with the fields that name it,
	// and whole, kinds whose places are kept in any case.
	from, whole map[event.Key]bool
}

// NewReading returns a reading of the events that are wanted. plan waits for
// the rules, and returns nil if there are none.
func NewReading(want event.Want, plan func() *Plan) *Reading {
	return &Reading{want: want, plan: plan}
}

// cameFields are the fields in which events name where another host came from.
var cameFields = func() []string {
	_, fields := story.CameKeys()
	slices.Sort(fields)
	return slices.Compact(fields)
}()

// KeepArrivals has the places kept of events that name where another host came
// from, and of all events of some kinds.
func (r *Reading) KeepArrivals(also ...event.Key) {
	keys, _ := story.CameKeys()
	keys = append(keys, also...)
	r.from, r.whole = make(map[event.Key]bool, len(keys)), make(map[event.Key]bool)
	for _, k := range also {
		r.whole[k] = true
	}
	r.want.Keys = slices.Clone(r.want.Keys)
	for _, k := range keys {
		r.from[k] = true
		if !slices.Contains(r.want.Keys, k) {
			r.want.Keys = append(r.want.Keys, k)
		}
	}
	r.want.Fields = slices.Concat(r.want.Fields, cameFields)
}

// Add returns what is wanted beside some kinds of event, these first, and which
// of it rules may ask for, by Event.Key.
func (r *Reading) Add(keys []event.Key) (want event.Want, candidates []bool) {
	want = event.Want{Keys: slices.Clone(keys), Providers: r.want.Providers, Channels: r.want.Channels, AllFields: r.want.AllFields, Fields: r.want.Fields}
	candidates = make([]bool, len(keys))
	for _, k := range r.want.Keys {
		if i := slices.IndexFunc(keys, func(have event.Key) bool { return have.ID == k.ID && strings.EqualFold(have.Provider, k.Provider) }); i >= 0 {
			candidates[i] = true
			continue
		}
		want.Keys, candidates = append(want.Keys, k), append(candidates, true)
	}
	for range len(want.Providers) + len(want.Channels) {
		candidates = append(candidates, true)
	}
	if want.Unlisted = slices.Index(candidates, true); want.Unlisted < 0 {
		want.Unlisted = len(candidates)
	}
	return want, candidates
}

// maxHits bounds the events that are kept of one part of a file: an intruder
// may write millions.
const maxHits = 1 << 16

// Watcher keeps the places of events that rules match while the logs are read
// first. It is for one goroutine.
type Watcher struct {
	// Hits are the places of events that rules match, Dropped counts those
	// beyond bounds.
	Hits    map[event.Place]bool
	Dropped int
	// Asked are the places of events that rules match which correlation
	// rules ask for.
	Asked map[event.Place]bool
	// Traced is what only traces are made of, by computer.
	Traced map[string]*Traced
	// Came are the places that Reading.KeepArrivals asks for.
	Came map[event.Place]bool
	// Signs are those of servers.
	Signs SignLog

	reading    *Reading
	want       event.Want
	candidates []bool // by Event.Key
	others     int    // how many of the keys, the first ones, are wanted in any case
	looks      map[int]event.Look

	loaded  bool
	matcher *Matcher // nil if there are no rules
	traces  int      // those of the part at hand
	part    int      // hits of the part at hand
}

// NewWatcher returns a watcher of the events of a selection. candidates is what
// Add returned with it, others how many keys that was asked with.
func (r *Reading) NewWatcher(want event.Want, candidates []bool, others int) *Watcher {
	return &Watcher{reading: r, want: want, candidates: candidates, others: others, looks: make(map[int]event.Look)}
}

// keepArrival keeps the place of an event that names where another host came
// from, or that is a request.
func (w *Watcher) keepArrival(ev *event.Event) {
	key := event.Key{Provider: ev.Provider.String(), ID: ev.ID}
	if !w.reading.from[key] {
		return
	}
	if !w.reading.whole[key] && !slices.ContainsFunc(cameFields, func(name string) bool { return story.CameFrom(ev.Payload().Value(name).String()) }) {
		return
	}
	if w.Came == nil {
		w.Came = make(map[event.Place]bool)
	}
	w.Came[HitPlace(ev.Place)] = true
}

// Begin begins a part of a file.
func (w *Watcher) Begin() {
	w.part, w.traces = 0, 0
	w.Signs.begin()
}

// Add matches an event. The first one waits for the rules.
func (w *Watcher) Add(ev *event.Event) {
	if !w.candidates[ev.Key] {
		return
	}
	if w.reading.from != nil {
		w.keepArrival(ev)
	}
	if !w.loaded {
		w.loaded = true
		if plan := w.reading.plan(); plan != nil {
			w.matcher, w.Hits, w.Asked = NewMatcher(plan, &w.want, nil), make(map[event.Place]bool), make(map[event.Place]bool)
		}
	}
	if w.matcher == nil {
		return
	}
	hit, trace, asked := false, false, false
	for _, r := range w.matcher.Match(ev, proctree.Process{}) {
		asked = asked || w.matcher.plan.correlations.Asks(r)
		switch {
		case builtin.IdentifiesServer(r):
			w.Signs.add(r, ev)
		case r.Role == builtin.RoleTrace:
			trace = true
		default:
			hit = true
		}
	}
	kept := hit && w.addHit(ev) || !hit && trace && w.addTraced(ev)
	if kept && asked {
		w.Asked[HitPlace(ev.Place)] = true
	}
}

// addHit adds an event that rules match, and reports whether there was room.
func (w *Watcher) addHit(ev *event.Event) bool {
	if w.part == maxHits {
		w.Dropped++
		return false
	}
	w.part++
	w.Hits[HitPlace(ev.Place)] = true
	return true
}

// maxTraced bounds the events of traces that are kept of one part of a file.
const maxTraced = 1 << 12

// Traced is where one computer's events of traces are, and how many more there
// are.
type Traced struct {
	Places []event.Place
	Lost   int
}

// addTraced adds an event that only traces are made of, and reports whether
// there was room.
func (w *Watcher) addTraced(ev *event.Event) bool {
	if w.Traced == nil {
		w.Traced = make(map[string]*Traced)
	}
	computer := ev.Computer.String()
	t := w.Traced[computer]
	if t == nil {
		t = &Traced{}
		w.Traced[computer] = t
	}
	if w.traces++; w.traces > maxTraced {
		t.Lost++
		return false
	}
	t.Places = append(t.Places, HitPlace(ev.Place))
	return true
}

// Look implements event.Gate: an event that only rules ask for is decoded only
// if one of them may match it.
func (w *Watcher) Look(key int, _ string) event.Look {
	look, ok := w.looks[key]
	if !ok {
		look = w.newLook(key)
		w.looks[key] = look
	}
	return look
}

func (w *Watcher) newLook(key int) event.Look {
	if key < w.others || key >= len(w.want.Keys) || !w.candidates[key] || w.reading.from[w.want.Keys[key]] {
		return event.Look{}
	}
	plan := w.reading.plan()
	if plan == nil {
		return event.Look{Admits: func(*event.Preview) bool { return false }}
	}
	return plan.look(w.want.Keys[key])
}

// HitPlace returns a place in the form in which hits are compared: by file and
// offset.
func HitPlace(p event.Place) event.Place { return event.Place{File: p.File, Offset: p.Offset} }
