package proctree

import (
	"cmp"
	"runtime"
	"slices"
	"strings"

	"webshellscan/internal/work"
	"webshellscan/scan/event"
)

// owners maps each process ID to the processes that have held it, up to the
// current place in the time line: to the last owner, and each owner to the one
// before.
type owners struct {
	last   *pidTable
	before []nodeRef // by node
}

func newOwners(nodes int) *owners {
	return &owners{last: newPIDTable(), before: make([]nodeRef, nodes+1)}
}

// add makes a node the last owner of its process ID.
func (o *owners) add(n nodeRef, pid uint32) {
	o.grow(n)
	o.before[n] = o.last.get(pid)
	o.last.set(pid, n)
}

// insert adds a node behind the owners of its process ID that are later than
// it.
func (o *owners) insert(b *builder, n nodeRef, pid uint32) {
	o.grow(n)
	later := nodeRef(0)
	next := o.last.get(pid)
	for next != 0 && b.node(next).at > b.node(n).at {
		later, next = next, o.before[next]
	}
	o.before[n] = next
	if later == 0 {
		o.last.set(pid, n)
	} else {
		o.before[later] = n
	}
}

// reach adds the nodes from ahead on that started up to a time, and returns the
// index of the first that did not.
func (o *owners) reach(nodes []node, ahead int, at event.Time) int {
	for ; ahead < len(nodes) && nodes[ahead].at <= at; ahead++ {
		o.add(nodeRef(ahead+1), nodes[ahead].pid)
	}
	return ahead
}

func (o *owners) grow(n nodeRef) {
	for int(n) >= len(o.before) {
		o.before = append(o.before, 0)
	}
}

// parentage is what the records of a process have of its parent.
type parentage struct {
	pid   uint32
	guid  event.GUID
	image TextID // 0 if no record names it
}

func (b *builder) parentage(n *node) parentage {
	var p parentage
	for ref := n.first; ref != 0; {
		r := b.blocks.at(ref)
		if p.pid == 0 {
			p.pid = r.parentPID
		}
		if p.guid.IsZero() {
			p.guid = r.parentGUID
		}
		if p.image == 0 {
			p.image = b.parentImageOf.known(r.parent)
		}
		ref = r.next
	}
	return p
}

// link finds the parent of each process: by process GUID, by the owner of the
// parent's process ID at that time, or as a stub (docs/FORMAT.md, "Parents").
// It walks along the time line; owners are known a little ahead of it, since a
// parent's event may carry a later time than its child's.
func (b *builder) link() {
	count := len(b.tree.nodes)
	own := newOwners(count)
	ahead := 0
	for i := range count {
		ahead = own.reach(b.tree.nodes, ahead, b.tree.nodes[i].at+tolerance)
		child := nodeRef(i + 1)
		if n := b.node(child); n.parent != 0 {
			n.link = LinkGUID
			continue
		}
		p := b.parentage(b.node(child))
		parent, link := b.parent(own, child, p)
		if parent == 0 && (p.pid != 0 || !p.guid.IsZero()) {
			parent, link = b.addStub(own, child, p), LinkStub
		}
		n := b.node(child)
		n.parent, n.link = parent, link
		if parent != 0 && link != LinkGUID {
			shareMachine(n, b.node(parent))
		}
		if parent != 0 {
			if above := b.node(parent); above.stub != 0 && (link != LinkTime || above.image == 0 || p.pid == systemProcess) {
				n.link = LinkStub
			}
			b.complete(parent, n)
		}
	}
}

// shareMachine makes the machine known of one process that of its parent or
// child too.
func shareMachine(x, y *node) {
	x.machine = cmp.Or(x.machine, y.machine)
	y.machine = x.machine
}

// parent returns the parent of a process among the processes known so far, and
// how sure it is.
func (b *builder) parent(own *owners, child nodeRef, p parentage) (nodeRef, Link) {
	if !p.guid.IsZero() {
		if found := b.guids.find(b, p.guid); found != 0 && found != child {
			return found, LinkGUID
		}
	}
	ref, link := b.owner(own, child, p)
	if ref != 0 {
		if first := b.record(b.node(ref)); first.guid.IsZero() && !p.guid.IsZero() {
			first.guid = p.guid
			b.guids.add(b, p.guid, ref)
		}
	}
	return ref, link
}

// maxOwners bounds how many owners of a process ID within the tolerance are
// compared with what a child says of its parent.
const maxOwners = 64

// owner returns which owner of the parent's process ID is the parent.
func (b *builder) owner(own *owners, child nodeRef, p parentage) (nodeRef, Link) {
	n := b.node(child)
	for ref, compared := own.last.get(p.pid), 0; ref != 0 && p.pid != 0 && compared < maxOwners; ref = own.before[ref] {
		c := b.node(ref)
		if ref == child || c.at > n.at+tolerance || otherMachine(c.machine, n.machine) {
			continue
		}
		if c.boot != n.boot {
			break
		}
		compared++
		if link := b.ownerIsParent(c, n, p); link != LinkNone {
			return ref, link
		}
		if c.at < n.at-tolerance {
			break // it held the ID at that time, so no process before it did
		}
	}
	return 0, LinkNone
}

// ownerIsParent compares the owner of a process ID with what a child's record
// has of its parent.
func (b *builder) ownerIsParent(owner, child *node, p parentage) Link {
	if owner.endAt != 0 && owner.endAt < child.at-tolerance {
		return LinkNone
	}
	link := LinkTime
	if p.image != 0 && owner.image != 0 {
		if !b.images.match(p.image, owner.image) {
			return LinkNone
		}
		if owner.sources&completed == 0 { // else the children's word is all there is
			link = LinkName
		}
	}
	if first := b.record(owner); !p.guid.IsZero() {
		if !first.guid.IsZero() {
			if !sameBirth(first.guid, p.guid) {
				return LinkNone // another process: the GUIDs differ
			}
			link = LinkName
		} else if owner.stub == 0 {
			// A Sysmon process GUID holds the second of the
			// process's start.
			if d := first.start.UnixSeconds() - int64(p.guid.Part2()); d < -1 || d > 1 {
				return LinkNone
			}
			link = LinkName
		}
	}
	return link
}

// sameBirth reports whether two process GUIDs are of one machine and one
// second. With the same process ID they are of one process: what follows in the
// GUID comes of a token, and Sysmon was seen to write another one for the
// parent.
func sameBirth(a, b event.GUID) bool { return a.Part1() == b.Part1() && a.Part2() == b.Part2() }

// otherMachine reports whether two machines are known and differ: two computers
// of one name, or one that was set up anew.
func otherMachine(a, b uint32) bool { return a != 0 && b != 0 && a != b }

// systemProcess is the process ID of the kernel's own process, of which there
// is no event.
const systemProcess = 4

// addStub makes a node for a parent that no log has the creation of.
func (b *builder) addStub(own *owners, child nodeRef, p parentage) nodeRef {
	n := *b.node(child)
	first := b.blocks.at(n.first)
	s := creation{guid: p.guid, pid: p.pid, origin: first.origin, source: sourceStub}
	at := n.at
	if !p.guid.IsZero() {
		s.start = guidStart(p.guid)
		// The GUID's second is of the host's clock, as the child's
		// start is.
		at = min(at, s.start+n.at-first.start)
	}
	image := p.image
	if image == 0 && p.pid == systemProcess {
		image = b.texts.InternString("System")
	}
	if image != 0 {
		s.image = b.texts.imageFacet(image)
	}
	b.tree.stubs = append(b.tree.stubs, stub{node{
		at: at, stub: uint32(len(b.tree.stubs) + 1), pid: p.pid, image: image, boot: n.boot, machine: n.machine,
	}, s})
	ref := nodeRef(b.tree.len())
	if p.pid != 0 {
		own.insert(b, ref, p.pid)
	} else {
		own.grow(ref)
	}
	if !p.guid.IsZero() {
		b.guids.add(b, p.guid, ref)
	}
	return ref
}

// findByGUID finds what Sysmon names by GUID: the parent of each process, and
// the processes that ended. The looking up is divided among goroutines, since
// most of it is waiting for memory.
func (b *builder) findByGUID() {
	if b.nameless {
		b.sortEndings()
	}
	ended := make([]nodeRef, len(b.endings))
	eachStretch(b.goroutines, len(ended), func(from, to int) {
		for ; from < to; from += lookAhead {
			stride := b.endings[from:min(from+lookAhead, to)]
			var touched uint64
			for _, e := range stride {
				touched ^= b.guids.touch(e.guid)
			}
			runtime.KeepAlive(touched)
			for i, e := range stride {
				if !e.guid.IsZero() {
					ended[from+i] = b.guids.find(b, e.guid)
				}
			}
		}
	})
	for i, ref := range ended {
		if e := b.endings[i]; ref != 0 && b.node(ref).pid == e.pid {
			b.end(ref, e)
			e.pid = 0 // done
		}
	}
	eachStretch(b.goroutines, len(b.tree.nodes), func(from, to int) {
		for ; from < to; from += lookAhead {
			stride := b.tree.nodes[from:min(from+lookAhead, to)]
			var touched uint64
			for i := range stride {
				touched ^= b.guids.touch(b.record(&stride[i]).parentGUID)
			}
			runtime.KeepAlive(touched)
			for i := range stride {
				n := &stride[i]
				if guid := b.record(n).parentGUID; !guid.IsZero() {
					if ref := b.guids.find(b, guid); ref != nodeRef(from+i+1) {
						n.parent = ref
					}
				}
			}
		}
	})
}

// eachStretch calls do for stretches of 0 to n-1, on up to that many
// goroutines. If one of the calls panics, so does eachStretch.
func eachStretch(goroutines, n int, do func(from, to int)) {
	const least = 1 << 12
	stretches := max(1, min(goroutines, n/least))
	panics := work.Each(stretches, stretches, func(_, i int) { do(n*i/stretches, n*(i+1)/stretches) })
	if len(panics) > 0 {
		panic(panics[0])
	}
}

// end sets the end of a process; of several records the first one counts.
func (b *builder) end(ref nodeRef, e *ending) {
	n := b.node(ref)
	at := b.clock.line(e.origin, e.file, e.recordID, e.at)
	if n.endAt == 0 || at < n.endAt {
		n.endAt, n.end = at, e.at
	}
	b.nameByEnd(ref, e.image)
}

// placedEnding is an end on the host's time line.
type placedEnding struct {
	at event.Time
	e  *ending
}

// pidEndings returns the ends that no GUID belongs to a process of, along the
// time line. It must not be called before findByGUID.
func (b *builder) pidEndings() []placedEnding {
	if b.ends != nil {
		return b.ends
	}
	line := make([]placedEnding, 0, len(b.endings))
	for _, e := range b.endings {
		if e.pid != 0 {
			line = append(line, placedEnding{b.clock.line(e.origin, e.file, e.recordID, e.at), e})
		}
	}
	slices.SortFunc(line, func(x, y placedEnding) int {
		if x.at != y.at {
			return cmp.Compare(x.at, y.at) // without a look at the records
		}
		return b.compareEndings(x.e, y.e)
	})
	b.ends = line
	return line
}

// sortEndings sorts the ends along the time line, so that which of them names a
// process does not depend on the order in which logs were read.
func (b *builder) sortEndings() {
	line := make([]placedEnding, len(b.endings))
	for i, e := range b.endings {
		line[i] = placedEnding{b.clock.line(e.origin, e.file, e.recordID, e.at), e}
	}
	slices.SortFunc(line, func(x, y placedEnding) int { return cmp.Or(cmp.Compare(x.at, y.at), b.compareEndings(x.e, y.e)) })
	for i, p := range line {
		b.endings[i] = p.e
	}
}

// compareEndings compares ends of one time by what is in them.
func (b *builder) compareEndings(x, y *ending) int {
	c := cmp.Or(cmp.Compare(x.recordID, y.recordID), cmp.Compare(x.source, y.source), cmp.Compare(x.pid, y.pid))
	if c != 0 || x.image == y.image {
		return c
	}
	return strings.Compare(b.texts.Text(x.image), b.texts.Text(y.image))
}

// applyPIDEndings sets the ends of the processes that held those process IDs,
// by a walk along the time line. On its way it names those that have no image.
func (b *builder) applyPIDEndings() {
	own := newOwners(len(b.tree.nodes))
	ahead, names := 0, namer{builder: b}
	for _, p := range b.pidEndings() {
		names.upTo(p.at)
		ahead = own.reach(b.tree.nodes, ahead, p.at+tolerance)
		if ref := b.ended(own, p.e, p.at); ref != 0 {
			b.end(ref, p.e)
		}
	}
	if count := len(b.tree.nodes); count > 0 {
		names.upTo(b.tree.nodes[count-1].at)
	}
	b.endings, b.ends = nil, nil
}

// ended returns the process of an end: the last owner of the process ID that
// has the name and began before. An end may be written after the ID has its
// next owner: then the name decides or, if that is the same, the fact that the
// next owner is too young while the one before has no end yet.
func (b *builder) ended(own *owners, e *ending, at event.Time) nodeRef {
	current := b.bootOf(at)
	for ref := own.last.get(e.pid); ref != 0; ref = own.before[ref] {
		n := b.node(ref)
		if n.boot != current {
			return 0
		}
		if otherMachine(n.machine, b.machine(e.guid)) {
			continue
		}
		if b.texts.Known(e.image) && n.image != 0 && !b.images.match(n.image, e.image) {
			continue
		}
		if n.at > at-tolerance {
			if prev := own.before[ref]; prev != 0 {
				o := b.node(prev)
				if (o.endAt == 0 || abs(o.endAt-at) <= sameStart) && o.boot == current && b.images.agree(o.image, n.image) {
					return prev
				}
			}
		}
		return ref
	}
	return 0
}
