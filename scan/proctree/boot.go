package proctree

import (
	"cmp"
	"slices"
	"sort"

	"webshellscan/scan/event"
)

// bootSpread is how far the events of one start of the system lie apart.
const bootSpread = 3 * event.Minute

// bootProof is how good a sign of a start of the system is.
type bootProof uint8

const (
	// proofService: a service started that starts with the system, but may
	// start by itself: when it is installed, brought up to date or
	// restarted.
	proofService bootProof = iota
	// proofSession: a session manager started, as it does with the system,
	// but with each container too.
	proofSession
	// proofCertain: an event that is written at no other time.
	proofCertain
)

// boot is one start of the system: the events that show it.
type boot struct {
	at    event.Time // of the first event
	last  event.Time
	proof bootProof // the best
	// disproved is set if something outlived it: it is no start.
	disproved bool
}

// findBoots finds the starts of the system and numbers the processes by them: a
// process ID means nothing across a start. What is no certain sign counts where
// nothing contradicts it.
func (b *builder) findBoots() {
	signs := b.bootSigns()
	if len(signs.list) == 0 {
		return
	}
	slices.SortFunc(signs.list, func(x, y boot) int { return cmp.Compare(x.at, y.at) })
	boots := signs.list[:1]
	for _, e := range signs.list[1:] {
		if last := &boots[len(boots)-1]; e.at-last.last <= bootSpread {
			last.last, last.proof = e.at, max(last.proof, e.proof)
		} else {
			boots = append(boots, e)
		}
	}
	if slices.ContainsFunc(boots, func(x boot) bool { return x.proof != proofCertain }) {
		d := disproof{builder: b, boots: boots}
		d.byLogs(signs)
		d.byCreations()
		d.byGUIDs()
		d.byNames()
	}
	for _, x := range boots {
		if !x.disproved {
			b.boots = append(b.boots, x.at)
		}
	}
	for i := range b.tree.nodes {
		n := &b.tree.nodes[i]
		n.boot = b.bootOf(n.at)
	}
}

// bootSigns is every sign of a start, and which channels record starts for
// certain: when the first event that is known of each lies.
type bootSigns struct {
	list    []boot
	first   map[TextID]event.Time
	certain map[TextID]bool
}

func (b *builder) bootSigns() bootSigns {
	s := bootSigns{first: make(map[TextID]event.Time), certain: make(map[TextID]bool)}
	for _, m := range b.marks {
		at := b.clock.line(m.origin, m.file, m.recordID, m.at)
		switch m.kind {
		case markBoot:
			s.list = append(s.list, boot{at: at, last: at, proof: proofCertain})
			s.certain[b.clock.channel(m.origin)] = true
		case markWeakBoot:
			s.list = append(s.list, boot{at: at, last: at, proof: proofService})
		}
		s.reach(b.clock.channel(m.origin), at)
	}
	for i := range b.tree.nodes {
		n := &b.tree.nodes[i]
		if r := b.record(n); r.parentPID == systemProcess {
			if base := b.images.base(n.image); base == "smss.exe" || base == "registry" {
				s.list = append(s.list, boot{at: n.at, last: n.at, proof: proofSession})
				s.reach(b.clock.channel(r.origin), n.at)
			}
		}
	}
	return s
}

// reach records that a channel's log reaches back to a time.
func (s *bootSigns) reach(channel TextID, at event.Time) {
	if first, ok := s.first[channel]; !ok || at < first {
		s.first[channel] = at
	}
}

// disproof removes the uncertain starts that something contradicts.
type disproof struct {
	*builder
	boots []boot
}

// byLogs disproves the starts that a log lacks, although it reaches back to
// them and records others for certain.
func (d *disproof) byLogs(signs bootSigns) {
	for channel := range signs.certain {
		for i := range d.boots {
			if x := &d.boots[i]; x.proof != proofCertain && x.last >= signs.first[channel] {
				x.disproved = true
			}
		}
	}
}

// byCreations disproves the starts of services around which the Security log
// records process creations as before, and none of those that it has of every
// start of the system while it records any.
func (d *disproof) byCreations() {
	for i := range d.boots {
		if x := &d.boots[i]; x.proof == proofService && !x.disproved {
			x.disproved = d.runsOn(x)
		}
	}
}

const (
	// audited is how long before and after a start of a service the
	// Security log must have a process creation to be known to record them.
	audited = 5 * event.Minute
	// startedServices is how many processes that host services a start of
	// the system starts at least, in about that time.
	startedServices = 8
)

// onlyAtStart are the programs that nothing else starts than the system does
// when it starts.
var onlyAtStart = map[string]bool{
	"registry": true, "autochk.exe": true, "wininit.exe": true, "services.exe": true, "lsass.exe": true, "lsm.exe": true,
}

// runsOn reports whether 4688 go on around what may be a start of the system as
// if there were none.
func (d *disproof) runsOn(x *boot) bool {
	nodes := d.tree.nodes
	before, after, services := false, false, 0
	i := sort.Search(len(nodes), func(i int) bool { return nodes[i].at >= x.at-audited })
	for ; i < len(nodes) && nodes[i].at <= x.last+audited; i++ {
		n := &nodes[i]
		if n.sources&(1<<sourceSecurity) == 0 || d.record(n).marks.Has(event.MarkRecovered) {
			continue
		}
		before, after = before || n.at < x.at, after || n.at > x.last
		base := d.images.base(n.image)
		if onlyAtStart[base] {
			return false
		}
		if base == "svchost.exe" {
			services++
		}
	}
	return before && after && services < startedServices
}

// byGUIDs disproves the starts that a process outlived which Sysmon names by
// its GUID: it was seen to end after it, or to have a child.
func (d *disproof) byGUIDs() {
	for i := range d.tree.nodes {
		n := &d.tree.nodes[i]
		r := d.record(n)
		if !r.guid.IsZero() && n.endAt != 0 {
			d.outlived(n.at, n.endAt, proofService)
		}
		if n.parent != 0 { // by GUID: others are not found yet
			d.outlived(d.node(n.parent).at, n.at, proofService)
		} else if start := guidStart(r.parentGUID); start.Plausible() && r.parentGUID.Part1() == r.guid.Part1() {
			d.outlived(start+n.at-r.start, n.at, proofService)
		}
	}
}

// guidStart returns the second of a process's start that its GUID holds.
func guidStart(guid event.GUID) event.Time { return event.FromUnix(int64(guid.Part2())) }

// outlived disproves the starts of the system during the life of a process that
// are not certain, and whose proof is not below least.
func (d *disproof) outlived(from, to event.Time, least bootProof) {
	i := sort.Search(len(d.boots), func(i int) bool { return d.boots[i].at > from+tolerance })
	for ; i < len(d.boots) && d.boots[i].at < to-tolerance; i++ {
		if x := &d.boots[i]; x.proof != proofCertain && x.proof >= least {
			x.disproved = true
		}
	}
}

// byNames disproves the starts on both sides of which a process ID has the same
// name, and no other in between: by creations, by what children say of their
// parents, and by ends.
func (d *disproof) byNames() {
	if !slices.ContainsFunc(d.boots, func(x boot) bool { return x.proof != proofCertain && !x.disproved }) {
		return
	}
	w := nameWalk{disproof: d, numbers: newPIDTable()}
	ends := d.pidEndings()
	for i := range d.tree.nodes {
		n := &d.tree.nodes[i]
		for ; len(ends) > 0 && ends[0].at < n.at; ends = ends[1:] {
			w.end(ends[0].e, ends[0].at)
		}
		w.create(n)
	}
	for _, p := range ends {
		w.end(p.e, p.at)
	}
}

// nameWalk walks along the time line for byNames.
type nameWalk struct {
	*disproof
	numbers *pidTable // 1 + index in held
	held    []holder
	next    int // the first start that is ahead
}

// holder is the process that is known to hold a process ID; it has no image if
// none is.
type holder struct {
	image TextID
	since event.Time
}

// pass advances to a time. No process outlives a certain start.
func (w *nameWalk) pass(at event.Time) {
	for ; w.next < len(w.boots) && w.boots[w.next].at <= at; w.next++ {
		if w.boots[w.next].proof == proofCertain {
			clear(w.held)
		}
	}
}

// holder returns who holds a process ID. It is good until the next call.
func (w *nameWalk) holder(pid uint32) *holder {
	n := w.numbers.get(pid)
	if n == 0 {
		w.held = append(w.held, holder{})
		n = nodeRef(len(w.held))
		w.numbers.set(pid, n)
	}
	return &w.held[n-1]
}

// create adds a process: it holds its process ID from now on, and its parent is
// alive.
func (w *nameWalk) create(n *node) {
	w.pass(n.at)
	p := w.parentage(n)
	switch {
	case p.pid == 0 || p.image == 0:
	case p.guid.IsZero():
		w.see(p.pid, p.image, n.at)
	default:
		*w.holder(p.pid) = holder{p.image, guidStart(p.guid)}
	}
	*w.holder(n.pid) = holder{n.image, n.at}
}

// end ends a process.
func (w *nameWalk) end(e *ending, at event.Time) {
	w.pass(at)
	if w.texts.Known(e.image) {
		w.see(e.pid, e.image, at)
	}
	*w.holder(e.pid) = holder{}
}

// see records that a process with a name is alive.
func (w *nameWalk) see(pid uint32, image TextID, at event.Time) {
	h := w.holder(pid)
	if h.image == 0 || !w.images.match(h.image, image) {
		*h = holder{image, at}
		return
	}
	if w.next == 0 || w.boots[w.next-1].at <= h.since {
		return // as mostly: it outlived no start
	}
	least := proofService
	if ofEveryStart[w.images.base(image)] {
		least = proofSession
	}
	w.outlived(h.since, at, least)
}

// ofEveryStart are the programs that start with the system, in the same order
// each time, so that they may have the same process IDs again.
var ofEveryStart = map[string]bool{
	"smss.exe": true, "csrss.exe": true, "wininit.exe": true, "winlogon.exe": true, "services.exe": true,
	"lsass.exe": true, "lsm.exe": true, "svchost.exe": true, "system": true, "registry": true,
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
