package story

import (
	"cmp"
	"math"
	"slices"

	"webshellscan/scan/event"
)

// Confidence says how sure it is that a page started processes.
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
	// Post says that the request had a body, Static that it asked for a
	// file that no server runs, such as a picture.
	Post, Static bool
}

// Entry is what the pattern of a page's requests says of it.
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

// around is how far from the children requests tell what is usual.
const around = 5 * event.Minute

// Rank returns the pages that may have started children, the best first. visits
// are the requests of the times around the children, in the order of the log;
// from and to are the times that the log covers.
func Rank(children []Child, visits []Visit, from, to event.Time) []Entry {
	r := &ranking{pages: make(map[int]*pageVisits)}
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
	spans    []span       // the times around them, ascending and apart
	pages    map[int]*pageVisits
}

// span is a time from from to to.
type span struct{ from, to event.Time }

// pageVisits is what was seen of one page.
type pageVisits struct {
	requests, coinciding int
	others               int        // around the children, and coinciding with none
	width                event.Time // of all spans
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
	switch {
	case hit:
		p.coinciding++
	case r.near(v):
		p.others++
	}
}

// near reports whether a visit was around the children.
func (r *ranking) near(v *Visit) bool {
	return slices.ContainsFunc(r.spans, func(s span) bool { return v.To >= s.from && v.From <= s.to })
}

// length returns how long the times around the children are.
func (r *ranking) length() event.Time {
	var sum event.Time
	for _, s := range r.spans {
		sum += s.to - s.from
	}
	return max(sum, event.Second)
}

// rareRequests is up to how many requests a page is a rare one: what coincides
// then is compared with what all rare pages together would give.
const rareRequests = 3

// rareKind divides rare pages: what has a body, or is no file, is rarer.
type rareKind struct{ post, dynamic bool }

func (p *pageVisits) kind() rareKind { return rareKind{p.post, p.dynamic} }

// entries judges the pages.
func (r *ranking) entries() []Entry {
	findings := 0
	for _, i := range r.children {
		if r.all[i].Finding {
			findings++
		}
	}
	rare := make(map[rareKind]int)
	for _, p := range r.pages {
		if p.requests <= rareRequests {
			rare[p.kind()] += p.others
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
		e.judge(len(r.pages), p)
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(-cmp.Compare(a.Confidence, b.Confidence), -cmp.Compare(a.weight, b.weight), cmp.Compare(a.Page, b.Page))
	})
	return list
}

// byChance returns how many of the children would coincide with requests that
// came as often as those of the page that coincide with none.
func (r *ranking) byChance(p *pageVisits, rare map[rareKind]int) float64 {
	others := p.others
	if p.requests <= rareRequests {
		others = rare[p.kind()]
	}
	width := float64(p.width) / float64(p.requests)
	rate := float64(others) / float64(r.length())
	return float64(len(r.children)) * (1 - math.Exp(-rate*width))
}

// judge says how sure it is that the page started what it explains.
func (e *Entry) judge(pages int, p *pageVisits) {
	n := float64(len(e.Explained))
	expected := max(e.ByChance, 1e-4)
	half := 2*len(e.Explained) >= e.Covered || e.CoveredFindings > 0 && 2*e.Findings >= e.CoveredFindings
	enough := len(e.Explained) >= 3 || len(e.Explained) == e.Covered || e.CoveredFindings > 0 && e.Findings == e.CoveredFindings
	if !p.dynamic && p.requests > rareRequests {
		e.weight = n
		return // a file that is sent as it is starts nothing
	}
	chance := tail(len(e.Explained), e.Covered, e.ByChance)
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
