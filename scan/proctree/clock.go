package proctree

import (
	"cmp"
	"slices"

	"webshellscan/scan/event"
)

// A clock that is set back makes a child look older than its parent. What holds
// is the order in which a channel's records were written, which is that of
// their record IDs. Where a channel's times fall while its IDs rise, the clock
// was set back, and everything after is moved forward on the host's time line
// by as much. Clocks that are set forward need nothing.

// maxDisorder is how far a record's time may lie before that of the record
// written before it without the clock having been set: events of several
// processors are written as they come, and Sysmon's may wait a little.
const maxDisorder = 5 * event.Second

// channelFile identifies a sequence of records: IDs mean something within one
// channel, and one file holds one life of a channel.
type channelFile struct {
	channel TextID
	file    uint32
}

// sequence is what is known of the records of one channel in one file.
type sequence struct {
	records []sequenceRecord // only while the clock is looked into
	minID   uint64
	minTime event.Time
	steps   []clockStep

	// For the first look: the highest ID so far in order of time, and its
	// time.
	maxID uint64
	maxAt event.Time
}

type sequenceRecord struct {
	id uint64
	at event.Time
}

// clockStep is one setting back of the clock: records of IDs above after are
// later than their times say, by the given time.
type clockStep struct {
	after       uint64
	before, now event.Time // the times on either side
	by          event.Time
}

// clock is a host's clock.
type clock struct {
	texts     *Texts
	sequences map[channelFile]*sequence
	channels  map[FacetID]TextID // by origin
	stepped   bool

	lastKey struct {
		origin FacetID
		file   uint32
	}
	last *sequence // that of lastKey
}

func newClock(texts *Texts) *clock {
	return &clock{texts: texts, sequences: make(map[channelFile]*sequence), channels: make(map[FacetID]TextID)}
}

func (k *clock) channel(origin FacetID) TextID {
	ch, ok := k.channels[origin]
	if !ok {
		ch = k.texts.field(origin, event.Channel)
		k.channels[origin] = ch
	}
	return ch
}

func (k *clock) sequence(origin FacetID, file uint32) *sequence {
	if k.last != nil && k.lastKey.origin == origin && k.lastKey.file == file {
		return k.last
	}
	key := channelFile{k.channel(origin), file}
	s := k.sequences[key]
	if s == nil {
		s = new(sequence)
		k.sequences[key] = s
	}
	k.lastKey.origin, k.lastKey.file, k.last = origin, file, s
	return s
}

// isDisordered reports whether the order of IDs up to a record contradicts the
// order of times so far that clock steps must be looked for. Records are given
// in the order of their times.
func (k *clock) isDisordered(origin FacetID, file uint32, id uint64, at event.Time) bool {
	s := k.sequence(origin, file)
	if id >= s.maxID {
		s.maxID, s.maxAt = id, at
		return false
	}
	return at-s.maxAt > maxDisorder
}

// add adds a record for find.
func (k *clock) add(origin FacetID, file uint32, id uint64, at event.Time) {
	s := k.sequence(origin, file)
	s.records = append(s.records, sequenceRecord{id, at})
}

// find finds where the clock was set back, from the records added and from
// the marks of clock changes.
func (k *clock) find(marks []mark) {
	var all []*clockStep
	for _, s := range k.sequences {
		s.find()
		for i := range s.steps {
			all = append(all, &s.steps[i])
		}
	}
	if len(all) == 0 {
		return
	}
	k.stepped = true
	reconcile(all, marks)
	for key, s := range k.sequences {
		for other, o := range k.sequences {
			if other.channel == key.channel && other.file != key.file {
				s.addSteps(o)
			}
		}
		s.records = nil
	}
}

// find finds the sequence's own steps.
func (s *sequence) find() {
	slices.SortFunc(s.records, func(a, b sequenceRecord) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.at, b.at))
	})
	for i, r := range s.records {
		if i == 0 {
			s.minID, s.minTime = r.id, r.at
			continue
		}
		s.minTime = min(s.minTime, r.at)
		last := s.records[i-1]
		if last.at-r.at > maxDisorder {
			s.steps = append(s.steps, clockStep{after: last.id, before: last.at, now: r.at, by: last.at - r.at})
		}
	}
}

// reconcile sets the steps that channels saw of one setting of the clock to one
// size: the largest that any of them saw, since time had passed between the
// records on either side, or the size that an event gives.
func reconcile(steps []*clockStep, marks []mark) {
	const near = 30 * event.Minute
	slices.SortFunc(steps, func(a, b *clockStep) int {
		return cmp.Or(cmp.Compare(a.before, b.before), cmp.Compare(a.now, b.now))
	})
	for i := 0; i < len(steps); {
		j, by := i, event.Time(0)
		for ; j < len(steps) && steps[j].before-steps[i].before <= near && abs(steps[j].by-steps[i].by) <= near; j++ {
			by = max(by, steps[j].by)
		}
		for _, m := range marks {
			size := m.before - m.after
			if m.kind == markClock && size >= by && size-by <= near && abs(m.before-steps[i].before) <= near {
				by = size
				break
			}
		}
		for ; i < j; i++ {
			steps[i].by = by
		}
	}
}

func abs(t event.Time) event.Time { return max(t, -t) }

// addSteps adds the steps of another file of the same channel that lie before
// this file's records by both ID and time.
func (s *sequence) addSteps(o *sequence) {
	for _, step := range o.steps {
		if s.minID > step.after && s.minTime >= step.now-maxDisorder && !slices.ContainsFunc(s.steps, func(own clockStep) bool {
			return own.after == step.after
		}) {
			s.steps = append(s.steps, step)
		}
	}
}

// line returns the place of a time on the host's time line, for a record of the
// given sequence and ID.
func (k *clock) line(origin FacetID, file uint32, id uint64, at event.Time) event.Time {
	if !k.stepped {
		return at
	}
	for _, step := range k.sequence(origin, file).steps {
		if id > step.after {
			at += step.by
		}
	}
	return at
}
