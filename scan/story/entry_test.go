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
			entries := Rank(children, s.visits, s.begin, s.begin+s.length)
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
			entries := Rank(children, s.visits, s.begin, s.begin+s.length)
			if len(entries) == 0 || entries[0].Page != shell || entries[0].Confidence != ConfidenceLikely {
				missed++
			}
		}
		if missed*100 > runs {
			t.Errorf("at %g requests a second the page is missed in %d of %d runs", perSecond, missed, runs)
		}
	}
}
