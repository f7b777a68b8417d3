package phrase

import (
	"cmp"
	"slices"

	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// NodeEvents are the events of a session by the process that they are of: those
// that a story has, in the order of time.
func NodeEvents(s *finding.Session) map[proctree.Process][]*finding.Event {
	events := make(map[proctree.Process][]*finding.Event)
	for _, e := range s.Events {
		if e.Process.Exists() && effectWeight(e) > 0 {
			events[e.Process] = append(events[e.Process], e)
		}
	}
	return events
}

// Heaviest returns the n events that weigh most in a story, in their order, and
// how many more there are.
func Heaviest(events []*finding.Event, n int) (list []*finding.Event, more int) {
	if len(events) <= n {
		return events, 0
	}
	byWeight := slices.Clone(events)
	slices.SortStableFunc(byWeight, func(a, b *finding.Event) int { return cmp.Compare(effectWeight(b), effectWeight(a)) })
	list = byWeight[:n]
	slices.SortStableFunc(list, func(a, b *finding.Event) int { return cmp.Compare(a.Time, b.Time) })
	return list, len(events) - n
}

// Because returns what made the level of a finding what it is: what raised it,
// else what lowered it, "" if it is no other than that of its gravest rule.
func Because(f *finding.Finding) string {
	for _, way := range []finding.LevelEffect{finding.LevelAtLeast, finding.LevelAtMost} {
		for _, r := range f.LevelReasons {
			if r.Effect == way && r.Level == f.Level {
				return r.Why
			}
		}
	}
	return ""
}

// OwnHash returns the SHA-256 of a finding's program, "" if it is not known or
// the program is one of Windows or installed.
func OwnHash(f *finding.Finding) string {
	if story.InSystemFolder(f.Image) {
		return ""
	}
	return hashOf(f.Hashes)
}
