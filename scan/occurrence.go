package scan

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// occurrence is an event whose matches correlation rules ask for, as far as
// they do.
type occurrence struct {
	finding.CorrelatedEvent // without its file
	place                   event.Place
	host                    int    // in the forest, -1 if it is none of its
	sum                     uint64 // of its values
	matches                 []rules.Match
}

// maxOccurrences bounds the events of a scan that correlation rules see; some
// 300 bytes each.
const maxOccurrences = 1 << 20

// occurrences reads the events that correlation rules ask for, and returns them
// in the order of time, each once however many files hold it; and how many more
// there are.
func (p *storyPass) occurrences(ctx context.Context, of *rules.Correlations) (list []occurrence, lost int) {
	at, lost := p.reading.occurred()
	if len(at) == 0 {
		return nil, lost
	}
	p.setHits(at)
	want, units, trees := p.want(), p.units(), p.trees()
	seed, hosts := maphash.MakeSeed(), proctree.HostsByName(p.servers.forest.Hosts())
	observers := make([]*observer, p.goroutines(units))
	sinks := make([]sink, len(observers))
	for i := range observers {
		observers[i] = &observer{pass: p, of: of, matcher: eventrule.NewMatcher(p.plan, &want, trees), hosts: hosts, texts: make(map[string]string)}
		observers[i].hash.SetSeed(seed)
		sinks[i] = observers[i]
	}
	p.readUnits(ctx, sinks, want, units)
	for _, o := range observers {
		list = append(list, o.list...)
	}
	slices.SortFunc(list, func(a, b occurrence) int { return cmp.Or(cmp.Compare(a.Time, b.Time), comparePlaces(a.place, b.place)) })
	return uniqueOccurrences(list), lost
}

// occurred returns the places of the events that correlation rules ask for, and
// how many more there are than they can see. Of a part whose events were
// matched when it was collected all that rules match may be asked for.
func (r *firstPass) occurred() (at map[event.Place]bool, lost int) {
	at = r.asked
	for _, p := range r.parts {
		if p.matched {
			for _, place := range p.inScan(p.meta.hits) {
				at[place] = true
			}
		}
	}
	return firstPlaces(at, maxOccurrences)
}

// firstPlaces returns the first of some places, and how many it left out.
func firstPlaces(at map[event.Place]bool, most int) (first map[event.Place]bool, lost int) {
	if len(at) <= most {
		return at, 0
	}
	places := make([]event.Place, 0, len(at))
	for place := range at {
		places = append(places, place)
	}
	slices.SortFunc(places, comparePlaces)
	first = make(map[event.Place]bool, most)
	for _, place := range places[:most] {
		first[place] = true
	}
	return first, len(at) - most
}

// uniqueOccurrences drops copies: the same record of the same host and channel,
// read from two files. It keeps the first.
func uniqueOccurrences(list []occurrence) []occurrence {
	type recordKey struct {
		host    int
		channel string
		id      uint64
		at      event.Time
		event   uint16
		sum     uint64
	}
	seen := make(map[recordKey]bool, len(list))
	return slices.DeleteFunc(list, func(o occurrence) bool {
		key := recordKey{o.host, strings.ToLower(o.Channel), o.RecordID, o.Time, o.EventID, o.sum}
		copied := seen[key]
		seen[key] = true
		return copied
	})
}

// observer keeps what correlation rules may ask of events. It is for one
// goroutine.
type observer struct {
	pass    *storyPass
	of      *rules.Correlations
	matcher *eventrule.Matcher
	hosts   map[string]int
	hash    maphash.Hash
	texts   map[string]string // those that come again
	scratch []byte
	file    uint32
	list    []occurrence
}

// Begin implements sink.
func (o *observer) Begin(file uint32) { o.file = file }

// Look implements event.Gate.
func (o *observer) Look(int, string) event.Look {
	return event.Look{Admits: func(g *event.Preview) bool { return o.pass.at[event.Place{File: o.file, Offset: g.Offset}] }}
}

// Add implements sink.
func (o *observer) Add(ev *event.Event) {
	if !o.pass.hit(ev.Place) {
		return
	}
	observed := o.matcher.Observe(ev)
	if len(observed) == 0 {
		return
	}
	at := occurrence{place: eventrule.HitPlace(ev.Place), host: -1, sum: o.sum(ev)}
	at.Time, at.RecordID, at.EventID, at.Channel, at.Host = ev.Time, ev.RecordID, ev.ID, o.text(ev.Channel), o.text(ev.Computer)
	forest := o.pass.servers.forest
	if host, ok := o.hosts[at.Host]; ok {
		at.host, at.Host = host, forest.Hosts()[host].Name
	}
	if p := o.matcher.ProcessOf(ev, proctree.Process{}); p.Exists() {
		at.ProcessID, at.Image = p.PID(), forest.Texts().KnownText(p.Image())
	} else {
		named := story.ProcessNamed(ev)
		at.ProcessID, at.Image = named.PID, o.intern(named.Image)
	}
	for _, m := range observed {
		at.matches = append(at.matches, o.keep(m))
	}
	o.list = append(o.list, at)
}

// sum returns a hash of an event's own values.
func (o *observer) sum(ev *event.Event) uint64 {
	o.hash.Reset()
	for _, f := range ev.Payload() {
		o.hash.WriteString(f.Name)
		o.scratch = f.Value.AppendText(append(o.scratch[:0], 0xFF)) // not in UTF-8
		o.hash.Write(append(o.scratch, 0xFF))
	}
	return o.hash.Sum64()
}

// keep returns a match with a subject that stays. The first set of correlation
// rules is that of processes.
func (o *observer) keep(m rules.Match) rules.Match {
	kept := &keptValues{}
	set := m.Set + 1
	var ids []rules.ValueID
	for _, field := range o.of.Fields(set) {
		if ids = m.Subject.Values(ids[:0], field); len(ids) > 0 {
			kept.fields, kept.texts = append(kept.fields, field), append(kept.texts, o.intern(m.Subject.Text(ids[0])))
		}
	}
	return rules.Match{Set: set, Rules: m.Rules, Subject: kept}
}

// text returns the text of a value, which stays.
func (o *observer) text(v event.Value) string {
	o.scratch = v.AppendText(o.scratch[:0])
	return o.intern(string(o.scratch))
}

// maxInterned bounds the texts that are kept once.
const maxInterned = 1 << 16

// intern returns a text that is kept once, if others like it came before.
func (o *observer) intern(text string) string {
	known, ok := o.texts[text]
	if !ok && len(o.texts) < maxInterned {
		known = strings.Clone(text)
		o.texts[known] = known
	} else if !ok {
		known = strings.Clone(text)
	}
	return known
}

// keptValues is a subject of which the first values of some fields are known.
type keptValues struct {
	fields []int
	texts  []string
}

// Values implements rules.Subject.
func (k *keptValues) Values(dst []rules.ValueID, field int) []rules.ValueID {
	if i := slices.Index(k.fields, field); i >= 0 {
		dst = append(dst, rules.ValueID(i))
	}
	return dst
}

// Text implements rules.Subject.
func (k *keptValues) Text(id rules.ValueID) string { return k.texts[id] }
