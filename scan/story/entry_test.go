package story

import (
	"math/rand/v2"
	"testing"

	"webshellscan/scan/event"
)

// simulation is a web server with some pages, and requests of them.
type simulation struct {
	*rand.Rand
	visits []Visit
	begin  event.Time
	length event.Time
}

// traffic makes requests of so many pages, at so many a second: some pages are
// asked for much more than others, and some once.
func (s *simulation) traffic(pages int, perSecond float64) {
	n := int(perSecond * float64(s.length) / float64(event.Second))
	for range n {
		page := int(float64(pages) * s.Float64() * s.Float64() * s.Float64())
		s.visit(page, s.IntN(200), s.begin+event.Time(s.Float64()*float64(s.length)), page%3 == 0)
	}
}

func (s *simulation) visit(page, client int, at event.Time, post bool) {
	d := event.Time(float64(event.Second) * (0.02 + s.ExpFloat64()*0.2))
	s.visits = append(s.visits, Visit{Page: page, Client: client, From: at - event.Second, To: at + d + event.Second, Post: post})
}

func newSimulation(seed uint64) *simulation {
	return &simulation{Rand: rand.New(rand.NewPCG(seed, 7)), begin: event.FromUnix(1_700_000_000), length: event.Hour}
}

// TestEntryOfNothing: children that no request started have no likely entry
// point, however busy the server is.
func TestEntryOfNothing(t *testing.T) {
	likely, possible, runs := 0, 0, 0
	for _, perSecond := range []float64{0.02, 0.2, 1, 10} {
		for seed := range uint64(100) {
			s := newSimulation(seed)
			s.traffic(300, perSecond)
			var children []Child
			for range 1 + s.IntN(12) {
				children = append(children, Child{Begin: s.begin + event.Time(s.Float64()*float64(s.length)), Finding: true})
			}
			runs++
			entries := Rank(children, nil, s.visits, s.begin, s.begin+s.length)
			if len(entries) > 0 && entries[0].Confidence == ConfidenceLikely {
				likely++
			}
			if len(entries) > 0 && entries[0].Confidence >= ConfidencePossible {
				possible++
			}
		}
	}
	if likely*100 > runs || possible*20 > runs {
		t.Errorf("of %d runs without an entry point %d have a likely one, %d a possible one", runs, likely, possible)
	}
}

// TestEntryOfWebShell: the page that started the children is the first,
// whatever else was asked for.
func TestEntryOfWebShell(t *testing.T) {
	for _, perSecond := range []float64{0.02, 0.2, 1, 10} {
		missed, runs := 0, 0
		for seed := range uint64(100) {
			s := newSimulation(seed)
			s.traffic(300, perSecond)
			const shell = 1000
			var children []Child
			for range 3 + s.IntN(8) {
				at := s.begin + event.Time(s.Float64()*float64(s.length))
				s.visit(shell, 999, at, true)
				children = append(children, Child{Begin: at + 30*event.Millisecond, Finding: true})
			}
			runs++
			entries := Rank(children, nil, s.visits, s.begin, s.begin+s.length)
			if len(entries) == 0 || entries[0].Page != shell || entries[0].Confidence != ConfidenceLikely {
				missed++
			}
		}
		if missed*100 > runs {
			t.Errorf("at %g requests a second the page is missed in %d of %d runs", perSecond, missed, runs)
		}
	}
}

// TestEntryOfPolling: where children begin every few seconds, ordinary pages
// coincide with many of them, and are no entry points; the page that is polled
// is.
func TestEntryOfPolling(t *testing.T) {
	const shell = 1000
	for _, width := range []event.Time{0, event.Minute} { // a minute: logs without durations
		named := 0
		for seed := range uint64(20) {
			s := newSimulation(seed)
			s.traffic(30, 0.4)
			var children []Child
			for at := s.begin + 10*event.Minute; at < s.begin+50*event.Minute; at += 5 * event.Second {
				s.visit(shell, 999, at, true)
				children = append(children, Child{Begin: at + 30*event.Millisecond, Finding: true})
			}
			for i := range s.visits {
				s.visits[i].To += width
			}
			found := false
			for _, e := range Rank(children, nil, s.visits, s.begin, s.begin+s.length) {
				switch {
				case e.Page == shell:
					found = e.Confidence == ConfidenceLikely
				case e.Confidence >= ConfidencePossible:
					named++
				}
			}
			if !found && width == 0 {
				t.Errorf("seed %d: the page that is polled is not likely", seed)
			}
		}
		if named > 12 { // of 600 pages; 1 in 100 is by chance
			t.Errorf("width %v: %d ordinary pages are entry points", width, named)
		}
	}
}

// TestEntryBesideOthers: what explains the children of another server is not
// held against a page.
func TestEntryBesideOthers(t *testing.T) {
	s := newSimulation(1)
	s.traffic(30, 0.1)
	const shell = 1000
	var children []Child
	var others []event.Time
	for i := range 12 {
		at := s.begin + 20*event.Minute + event.Time(i)*20*event.Second
		s.visit(shell, 999, at, true)
		if i%2 == 0 {
			children = append(children, Child{Begin: at + 30*event.Millisecond, Finding: true})
		} else {
			others = append(others, at+30*event.Millisecond)
		}
	}
	chance := make(map[bool]float64)
	for beside, list := range map[bool][]event.Time{true: others, false: nil} {
		entries := Rank(children, list, s.visits, s.begin, s.begin+s.length)
		if len(entries) == 0 || entries[0].Page != shell {
			t.Fatalf("the first page is not that of the children: %+v", entries)
		}
		chance[beside] = entries[0].ByChance
	}
	if chance[true] != 0 || chance[false] < 0.05 {
		t.Errorf("by chance %.3f beside another server, want 0; %.3f if nothing is known of it, want more", chance[true], chance[false])
	}
}
