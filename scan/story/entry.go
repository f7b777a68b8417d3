package story

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"webshellscan/scan/event"
)

// Confidence is how sure it is that a page started processes.
type Confidence uint8

// The confidences.
const (
	ConfidenceNone Confidence = iota
	// ConfidencePossible: the page's requests coincide with processes more
	// often than by chance (p < 0.01, for all pages together).
	ConfidencePossible
	// ConfidenceLikely: the page explains at least half of the direct
	// children that began while the log covers, or of those of them that
	// are findings; at least three, or all of them; and ten times as many
	// as by chance.
	ConfidenceLikely
)

// String returns the confidence as reports have it.
func (c Confidence) String() string {
	return [...]string{"none", "possible", "likely"}[min(c, ConfidenceLikely)]
}

// Child is a process that a web server process started: what entry points
// explain.
type Child struct {
	Begin   event.Time
	Finding bool
}

// Visit is one request of a page, with the time in which it may have run.
type Visit struct {
	Page, Client int
	From, To     event.Time
	// Post is set if the request had a body, Static if it asked for a file
	// that no server runs, such as a picture.
	Post, Static bool
}

// Entry is what the pattern of a page's requests shows of it.
type Entry struct {
	Page int
	// Explained are the children that began while a request of the page
	// ran, by index; Findings counts those of them that are findings.
	// Covered counts the children that began while the log covers, and
	// CoveredFindings the findings among them.
	Explained                []int
	Findings                 int
	Covered, CoveredFindings int
	Requests, Coinciding     int     // of those that were given
	ByChance                 float64 // children that would coincide by chance
	Confidence               Confidence
	weight                   float64
}

// around is how far from the children requests show what is usual.
const around = 5 * event.Minute

// Rank returns the pages that may have started children, the best first. others
// are the times, ascending, at which children of other servers began that the
// same log is of. visits are the requests of the times around the children, in
// the order of the log; from and to are the times that the log covers.
func Rank(children []Child, others []event.Time, visits []Visit, from, to event.Time) []Entry {
	r := &ranking{pages: make(map[int]*pageVisits), others: others}
	for i, c := range children {
		if c.Begin >= from && c.Begin <= to {
			r.children = append(r.children, i)
			r.begins = append(r.begins, c.Begin)
		}
	}
	if len(r.children) == 0 {
		return nil
	}
	r.all = children
	r.order()
	r.spans = spansAround(r.begins, from, to)
	for _, s := range r.spans {
		r.length += s.to - s.from
	}
	r.length = max(r.length, event.Second)
	r.gaps = gapsBefore(mergeTimes(r.begins, others), r.spans)
	for i := range visits {
		r.add(&visits[i])
	}
	return r.entries()
}

// ranking is the state of Rank.
type ranking struct {
	all      []Child
	children []int        // those covered, by begin
	begins   []event.Time // of those
	others   []event.Time // of children of other servers
	spans    []span       // the times around them, ascending and apart
	length   event.Time   // of those together
	gaps     gaps         // between the begins of all children, within the spans
	pages    map[int]*pageVisits
}

// span is a time from from to to.
type span struct{ from, to event.Time }

// pageVisits is what was seen of one page.
type pageVisits struct {
	requests, coinciding int
	width                event.Time // of all spans
	near                 int        // around the children
	expected             float64    // those of them that would coincide with a child by chance
	load                 float64    // of those that coincide with none: see loadOf
	explained            map[int]bool
	clients              map[int]bool
	post, dynamic        bool // of any request
}

// maxClients bounds the clients that are counted of a page.
const maxClients = 16

func (r *ranking) order() {
	slices.SortStableFunc(r.children, func(a, b int) int { return cmp.Compare(r.all[a].Begin, r.all[b].Begin) })
	slices.Sort(r.begins)
}

// spansAround returns the times around some moments within bounds.
func spansAround(begins []event.Time, from, to event.Time) []span {
	var list []span
	for _, b := range begins {
		s := span{max(b-around, from), min(b+around, to)}
		if n := len(list); n > 0 && s.from <= list[n-1].to {
			list[n-1].to = max(list[n-1].to, s.to)
			continue
		}
		list = append(list, s)
	}
	return list
}

// add counts a visit.
func (r *ranking) add(v *Visit) {
	p := r.pages[v.Page]
	if p == nil {
		p = &pageVisits{explained: make(map[int]bool), clients: make(map[int]bool)}
		r.pages[v.Page] = p
	}
	p.post, p.dynamic = p.post || v.Post, p.dynamic || !v.Static
	p.requests++
	p.width += v.To - v.From
	if len(p.clients) < maxClients {
		p.clients[v.Client] = true
	}
	first, _ := slices.BinarySearch(r.begins, v.From)
	hit := false
	for i := first; i < len(r.begins) && r.begins[i] <= v.To; i++ {
		p.explained[r.children[i]] = true
		hit = true
	}
	if hit {
		p.coinciding++
	}
	if !hit && (!r.around(v) || anyWithin(r.others, v.From, v.To)) {
		return
	}
	p.near++
	p.expected += 1 - float64(r.idle(v.To-v.From))/float64(r.length)
	if !hit {
		p.load += r.loadOf(v.To - v.From)
	}
}

// anyWithin reports whether one of some times, ascending, lies between two.
func anyWithin(times []event.Time, from, to event.Time) bool {
	i, _ := slices.BinarySearch(times, from)
	return i < len(times) && times[i] <= to
}

// mergeTimes returns the times of two lists, ascending.
func mergeTimes(a, b []event.Time) []event.Time {
	list := slices.Concat(a, b)
	slices.Sort(list)
	return list
}

// around reports whether a visit was around the children.
func (r *ranking) around(v *Visit) bool {
	i, _ := slices.BinarySearchFunc(r.spans, v.From, func(s span, from event.Time) int { return cmp.Compare(s.to, from) })
	return i < len(r.spans) && v.To >= r.spans[i].from
}

// rareRequests is up to how many requests a page is a rare one: what coincides
// then is compared with what all rare pages together would give.
const rareRequests = 3

// rareKind divides rare pages: what has a body, or is no file, is rarer.
type rareKind struct{ post, dynamic bool }

func (p *pageVisits) kind() rareKind { return rareKind{p.post, p.dynamic} }

// entries rates the pages.
func (r *ranking) entries() []Entry {
	findings := 0
	for _, i := range r.children {
		if r.all[i].Finding {
			findings++
		}
	}
	rare := make(map[rareKind]float64)
	for _, page := range slices.Sorted(maps.Keys(r.pages)) { // sums of floats depend on their order
		if p := r.pages[page]; p.requests <= rareRequests {
			rare[p.kind()] += p.load
		}
	}
	var list []Entry
	for page, p := range r.pages {
		if len(p.explained) == 0 {
			continue
		}
		e := Entry{Page: page, Covered: len(r.children), CoveredFindings: findings, Requests: p.requests, Coinciding: p.coinciding}
		for i := range p.explained {
			e.Explained = append(e.Explained, i)
			if r.all[i].Finding {
				e.Findings++
			}
		}
		slices.Sort(e.Explained)
		e.ByChance = r.byChance(p, rare)
		e.rate(len(r.pages), p)
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(-cmp.Compare(a.Confidence, b.Confidence), -cmp.Compare(a.weight, b.weight), cmp.Compare(a.Page, b.Page))
	})
	return list
}

// leastIdle divides the times around the children into how much of them, at
// least, has to be such that a request there coincides with no child: with less
// no request can be distinguished from one that started something.
const leastIdle = 20

// loadOf returns how often, at any moment, a request like one of a width that
// coincides with no child would be running: requests that last are rarely idle,
// so each stands for those that were not.
func (r *ranking) loadOf(width event.Time) float64 {
	return float64(width) / float64(max(r.idle(width), r.length/leastIdle, 1))
}

// byChance returns how many of the children would coincide with requests that
// came as often as those of the page that coincide with none, and ran as long.
func (r *ranking) byChance(p *pageVisits, rare map[rareKind]float64) float64 {
	load := p.load
	if p.requests <= rareRequests {
		load = rare[p.kind()]
	}
	if all := r.length; r.idle(p.width/event.Time(p.requests)) < all/leastIdle {
		load = max(load, float64(p.width)/float64(all)) // all of them may be by chance
	}
	return float64(len(r.children)) * (1 - math.Exp(-load))
}

// idle returns how long the times around the children are in which a request of
// a width may begin and coincide with no child.
func (r *ranking) idle(width event.Time) event.Time {
	return max(r.length-r.gaps.within(width), 0)
}

// gaps are the times before moments, up to the moment before, ascending.
type gaps struct {
	list []event.Time
	sums []event.Time // of those before, by index
}

// gapsBefore returns the gaps before those of some moments, ascending, that lie
// in spans.
func gapsBefore(moments []event.Time, spans []span) gaps {
	var g gaps
	i := 0
	for _, s := range spans {
		for i < len(moments) && moments[i] < s.from {
			i++
		}
		for before := s.from; i < len(moments) && moments[i] <= s.to; i++ {
			g.list = append(g.list, moments[i]-before)
			before = moments[i]
		}
	}
	slices.Sort(g.list)
	g.sums = make([]event.Time, len(g.list)+1)
	for i, gap := range g.list {
		g.sums[i+1] = g.sums[i] + gap
	}
	return g
}

// within returns the sum of the gaps, of each no more than a width.
func (g *gaps) within(width event.Time) event.Time {
	i, _ := slices.BinarySearch(g.list, width)
	return g.sums[i] + width*event.Time(len(g.list)-i)
}

// rate sets how confident it is that the page started what it explains.
func (e *Entry) rate(pages int, p *pageVisits) {
	n := float64(len(e.Explained))
	expected := max(e.ByChance, 1e-4)
	half := 2*len(e.Explained) >= e.Covered || e.CoveredFindings > 0 && 2*e.Findings >= e.CoveredFindings
	enough := len(e.Explained) >= 3 || len(e.Explained) == e.Covered || e.CoveredFindings > 0 && e.Findings == e.CoveredFindings
	if !p.dynamic && p.requests > rareRequests {
		e.weight = n
		return // a file that is sent as it is starts nothing
	}
	chance := tail(len(e.Explained), e.Covered, e.ByChance)
	if p.near < e.Covered { // children far more than requests, as of a shell that is polled
		chance = max(chance, tail(p.coinciding, p.near, p.expected))
	}
	if p.requests > rareRequests {
		chance *= float64(pages) // each of them might have
	}
	switch {
	case half && enough && n >= 10*e.ByChance && chance < 0.01:
		e.Confidence = ConfidenceLikely
	case chance < 0.01:
		e.Confidence = ConfidencePossible
	}
	e.weight = n * math.Log(n/expected)
	if e.Findings > 0 {
		e.weight += 1e6 * float64(e.Findings) / float64(max(e.CoveredFindings, 1))
	}
	if len(p.clients) <= 2 {
		e.weight *= 2
	}
}

// tail returns how probable it is that at least k of n children coincide, of
// which so many are expected to.
func tail(k, n int, expected float64) float64 {
	if k <= 0 {
		return 1
	}
	p := min(expected/float64(n), 1)
	if p == 0 {
		return 0
	}
	sum := 0.0
	for i := k; i <= n; i++ {
		sum += math.Exp(logChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-min(p, 1-1e-12)))
	}
	return min(sum, 1)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
