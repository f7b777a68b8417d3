package proctree

import (
	"cmp"
	"slices"
	"sort"

	"webshellscan/scan/event"
)

// bootSpread is how far the events of one start of the system lie apart.
const bootSpread = 3 * event.Minute

// boot is one start of the system: the events that speak of it.
type boot struct {
	at     event.Time // of the first event
	last   event.Time
	strong bool // one of them is written at no other time
}

// findBoots finds the starts of the system and numbers the processes by them:
// a process ID means nothing across a start. The session manager that the kernel
// starts is as good a sign as the events made for it. Where only a service says
// that it has started, which it may do alone, processes that lived on disprove
// it.
func (b *builder) findBoots() {
	list := b.bootEvents()
	if len(list) == 0 {
		return
	}
	slices.SortFunc(list, func(x, y boot) int { return cmp.Compare(x.at, y.at) })
	boots := list[:1]
	for _, e := range list[1:] {
		if last := &boots[len(boots)-1]; e.at-last.last <= bootSpread {
			last.last, last.strong = e.at, last.strong || e.strong
		} else {
			boots = append(boots, e)
		}
	}
	b.disprove(boots)
	for _, x := range boots {
		if x.at != 0 {
			b.boots = append(b.boots, x.at)
		}
	}
	for i := range b.tree.nodes {
		n := &b.tree.nodes[i]
		n.boot = b.bootOf(n.at)
	}
}

// bootEvents returns every sign of a start.
func (b *builder) bootEvents() []boot {
	var list []boot
	for _, m := range b.marks {
		if m.kind == markBoot || m.kind == markWeakBoot {
			at := b.clock.line(m.origin, m.file, m.recordID, m.at)
			list = append(list, boot{at, at, m.kind == markBoot})
		}
	}
	for i := range b.tree.nodes {
		n := &b.tree.nodes[i]
		if b.record(n).parentPID == systemProcess {
			if base := b.images.base(n.image); base == "smss.exe" || base == "registry" {
				list = append(list, boot{n.at, n.at, true})
			}
		}
	}
	return list
}

// disprove takes out (sets at to 0) the weakly attested starts that a process
// outlived: one whose GUID was seen to end, or to have a child, after it.
func (b *builder) disprove(boots []boot) {
	if !slices.ContainsFunc(boots, func(x boot) bool { return !x.strong }) {
		return
	}
	outlived := func(from, to event.Time) {
		i := sort.Search(len(boots), func(i int) bool { return boots[i].at > from+tolerance })
		for ; i < len(boots) && boots[i].at < to-tolerance; i++ {
			if !boots[i].strong {
				boots[i].last = 0 // for now: at keeps the order for the search
			}
		}
	}
	for i := range b.tree.nodes {
		n := &b.tree.nodes[i]
		if !b.record(n).guid.IsZero() && n.endAt != 0 {
			outlived(n.at, n.endAt)
		}
		if n.parent != 0 { // by GUID: others are not found yet
			outlived(b.node(n.parent).at, n.at)
		}
	}
	for i := range boots {
		if boots[i].last == 0 {
			boots[i].at = 0
		}
	}
}

// bootOf returns the number of starts up to a time on the time line.
func (b *builder) bootOf(at event.Time) uint16 {
	n, _ := slices.BinarySearchFunc(b.boots, at, func(x, at event.Time) int {
		if x <= at {
			return -1
		}
		return 1
	})
	return uint16(min(n, 1<<16-1))
}
