package proctree

import (
	"bytes"
	"cmp"
	"runtime"
	"slices"

	"webshellscan/scan/event"
)

// tolerance is how far the times of two events may disagree about their order
// (docs/FORMAT.md, "Parents"): the one that came first may carry the later time
// by so much.
const tolerance = event.Second

// sameStart is how far the times of a Sysmon 1 and a 4688 of one process may
// lie apart.
const sameStart = 2 * event.Second

// builder makes the tree of one host. Its parts follow each other in build.
type builder struct {
	texts      *Texts
	blocks     *creations
	goroutines int
	several    bool          // machines have this host's name
	nameless   bool          // records without an image are among them
	order      []creationRef // as they came
	line       []placed      // by start
	endings    []*ending
	ends       []placedEnding // what pidEndings found
	marks      []mark

	images        *images
	imageOf       *textCache // of image facets
	parentImageOf *textCache // of parents' facets
	clock         *clock
	guids         guidTable
	boots         []event.Time // on the time line, ascending

	tree      tree
	copies    int
	recovered int
}

func (b *builder) build() {
	b.images = newImages(b.texts)
	b.imageOf, b.parentImageOf = newTextCache(b.texts, event.Image), newTextCache(b.texts, event.ParentImage)
	b.sort()
	b.setClock()
	b.makeNodes()
	b.findByGUID()
	b.nameByGUID()
	b.findBoots()
	b.applyPIDEndings()
	b.link()
	b.linkAccounts()
	b.fillParents()
	b.cutCycles()
	b.listChildren()
}

// placed is a record on the host's time line.
type placed struct {
	at  event.Time
	ref creationRef
}

// sort sorts the creations by their start and folds copies of one record: the
// copy that lies first in the input stands for all, and the others hang on it.
// Recovered copies of others are dropped.
func (b *builder) sort() {
	b.line = make([]placed, len(b.order))
	exported := false
	for i, ref := range b.order {
		r := b.blocks.at(ref)
		b.line[i] = placed{r.start, ref}
		exported = exported || r.marks.Has(event.MarkExported)
	}
	b.order = nil
	slices.SortFunc(b.line, func(x, y placed) int {
		if x.at != y.at {
			return cmp.Compare(x.at, y.at)
		}
		return compareCreations(b.blocks.at(x.ref), b.blocks.at(y.ref))
	})
	kept := b.line[:0]
	var first, last *creation
	for _, p := range b.line {
		r := b.blocks.at(p.ref)
		if first != nil && first.start == r.start && isCopy(first, r) {
			if r.marks.Has(event.MarkRecovered) {
				continue
			}
			last.next, last = p.ref, r
			b.copies++
			continue
		}
		if exported {
			if head, ok := b.foldExport(kept, p); ok {
				first, last = b.blocks.at(head), b.lastCopy(head)
				continue
			}
		}
		if r.marks.Has(event.MarkRecovered) {
			b.recovered++
		}
		first, last = r, r
		kept = append(kept, p)
	}
	if exported { // a record of a log may have taken the place of an earlier one
		slices.SortStableFunc(kept, func(x, y placed) int { return cmp.Compare(x.at, y.at) })
	}
	b.line = kept
}

// compareCreations orders creations of one start by everything in which they
// differ, so that the order does not depend on who collected them.
func compareCreations(x, y *creation) int {
	return cmp.Or(
		cmp.Compare(x.created, y.created), cmp.Compare(x.source, y.source), cmp.Compare(x.recordID, y.recordID),
		cmp.Compare(x.pid, y.pid), bytes.Compare(x.guid[:], y.guid[:]),
		cmp.Compare(x.marks&event.MarkRecovered, y.marks&event.MarkRecovered),
		cmp.Compare(x.file, y.file), cmp.Compare(x.offset, y.offset))
}

// isCopy reports whether two records are one: read from two files, or twice
// from one.
func isCopy(x, y *creation) bool {
	return x.start == y.start && x.created == y.created && x.recordID == y.recordID && x.source == y.source &&
		x.pid == y.pid && x.guid == y.guid && x.image == y.image && x.commandLine == y.commandLine
}

// foldExport joins a record with one of those kept that it is a copy of, where
// one of the two is of an export, and returns which stands for both: that of a
// log, if one is. Exports round times, so it may be one of the last few.
func (b *builder) foldExport(kept []placed, p placed) (creationRef, bool) {
	const asked = 256
	r := b.blocks.at(p.ref)
	for i := len(kept) - 1; i >= max(0, len(kept)-asked) && p.at-kept[i].at <= event.Second; i-- {
		other := b.blocks.at(kept[i].ref)
		if !(r.marks | other.marks).Has(event.MarkExported) || !isExportedCopy(other, r) {
			continue
		}
		b.copies++
		if other.marks.Has(event.MarkExported) && !r.marks.Has(event.MarkExported) {
			r.next = kept[i].ref
			kept[i] = p
			return p.ref, true
		}
		b.lastCopy(kept[i].ref).next = p.ref
		return kept[i].ref, true
	}
	return 0, false
}

// isExportedCopy reports whether two records are one, although exports round
// times and leave out fields that are empty.
func isExportedCopy(x, y *creation) bool {
	return x.recordID == y.recordID && x.recordID != 0 && x.source == y.source && x.pid == y.pid && x.guid == y.guid &&
		(x.commandLine == y.commandLine || x.commandLine == 0 || y.commandLine == 0)
}

// setClock finds out whether the host's clock was set back.
func (b *builder) setClock() {
	b.clock = newClock(b.texts)
	suspect := false
	for _, p := range b.line {
		r := b.blocks.at(p.ref)
		if !r.marks.Has(event.MarkRecovered) && b.clock.isDisordered(r.origin, r.file, r.recordID, r.created) {
			suspect = true
			break
		}
	}
	for _, m := range b.marks {
		suspect = suspect || m.kind == markClock && m.before-m.after > maxDisorder
	}
	if !suspect {
		return
	}
	for _, p := range b.line {
		for r := b.blocks.at(p.ref); ; r = b.blocks.at(r.next) {
			if !r.marks.Has(event.MarkRecovered) { // a stale record may be of another log
				b.clock.add(r.origin, r.file, r.recordID, r.created)
			}
			if r.next == 0 {
				break
			}
		}
	}
	for _, e := range b.endings {
		if !e.marks.Has(event.MarkRecovered) {
			b.clock.add(e.origin, e.file, e.recordID, e.created)
		}
	}
	for _, m := range b.marks {
		b.clock.add(m.origin, m.file, m.recordID, m.at)
	}
	b.clock.find(b.marks)
}

// makeNodes makes a node of each process, and merges the records that both
// sources have of one into one node.
func (b *builder) makeNodes() {
	if b.clock.stepped {
		for i := range b.line {
			p := &b.line[i]
			r := b.blocks.at(p.ref)
			p.at = b.clock.line(r.origin, r.file, r.recordID, r.start)
		}
		slices.SortStableFunc(b.line, func(x, y placed) int { return cmp.Compare(x.at, y.at) })
	}
	b.tree.nodes = make([]node, 0, len(b.line))
	recent := newPIDTable()
	for _, p := range b.line {
		r := b.blocks.at(p.ref)
		if n := recent.get(r.pid); n != 0 && b.sameProcess(n, r, p.at) {
			b.merge(n, p.ref)
			continue
		}
		image := b.imageOf.known(r.image)
		b.nameless = b.nameless || image == 0
		b.tree.nodes = append(b.tree.nodes, node{
			at: p.at, first: p.ref, pid: r.pid, sources: 1 << r.source,
			image: image, commandLine: r.commandLine, machine: b.machine(r.guid),
		})
		recent.set(r.pid, nodeRef(len(b.tree.nodes)))
	}
	b.line = nil
	b.indexGUIDs()
}

// sameProcess reports whether a record is of the process that held the record's
// process ID last: the same one as Sysmon and the Security log have it, or the
// same one again.
func (b *builder) sameProcess(last nodeRef, r *creation, at event.Time) bool {
	n := b.node(last)
	first, image := b.record(n), b.imageOf.known(r.image)
	if n.sources&(1<<r.source) != 0 {
		return !r.guid.IsZero() && r.guid == first.guid && b.images.agree(n.image, image)
	}
	if at-n.at > sameStart && abs(first.created-r.created) > sameStart {
		return false
	}
	if n.image == 0 || image == 0 {
		return first.parentPID == r.parentPID
	}
	return b.images.match(n.image, image) || r.commandLine == n.commandLine && b.texts.Known(r.commandLine)
}

// merge adds a record, with its copies, to a node. Sysmon's record has more and
// stands first; but a known text wins over one that is not.
func (b *builder) merge(to nodeRef, ref creationRef) {
	n, r := b.node(to), b.blocks.at(ref)
	image := b.imageOf.known(r.image)
	n.machine = cmp.Or(n.machine, b.machine(r.guid))
	if r.source == sourceSysmon && n.sources&(1<<sourceSysmon) == 0 {
		b.lastCopy(ref).next, n.first = n.first, ref
		n.image = cmp.Or(image, n.image)
		n.commandLine = b.firstKnown(r.commandLine, n.commandLine)
	} else {
		b.lastCopy(n.first).next = ref
		n.image = cmp.Or(n.image, image)
		n.commandLine = b.firstKnown(n.commandLine, r.commandLine)
	}
	n.sources |= 1 << r.source
}

// machine returns the machine of a process GUID if there are several, else 0.
func (b *builder) machine(guid event.GUID) uint32 {
	if !b.several {
		return 0
	}
	return guid.Part1()
}

// firstKnown returns the first text, unless only the other one is known.
func (b *builder) firstKnown(first, other TextID) TextID {
	if first == 0 || !b.texts.Known(first) && b.texts.Known(other) {
		return other
	}
	return first
}

func (b *builder) lastCopy(ref creationRef) *creation {
	r := b.blocks.at(ref)
	for r.next != 0 {
		r = b.blocks.at(r.next)
	}
	return r
}

func (b *builder) node(ref nodeRef) *node { return b.tree.node(ref) }

// record returns the first record of a node: its creation as Sysmon, else the
// Security log, has it, or what is known of a stub.
func (b *builder) record(n *node) *creation {
	if n.stub != 0 {
		return &b.tree.stubs[n.stub-1].record
	}
	return b.blocks.at(n.first)
}

// indexGUIDs makes the nodes known by their process GUIDs. It goes ahead in
// strides and first only looks at where in the table each will go, so that
// waiting for memory is done for all of a stride at once.
func (b *builder) indexGUIDs() {
	b.guids = newGUIDTable(len(b.tree.nodes))
	for from := 0; from < len(b.tree.nodes); from += lookAhead {
		to := min(from+lookAhead, len(b.tree.nodes))
		var touched uint64
		for i := from; i < to; i++ {
			touched ^= b.guids.touch(b.record(&b.tree.nodes[i]).guid)
		}
		runtime.KeepAlive(touched)
		for i := from; i < to; i++ {
			if guid := b.record(&b.tree.nodes[i]).guid; !guid.IsZero() {
				b.guids.add(b, guid, nodeRef(i+1))
			}
		}
	}
}

// lookAhead is how many look-ups are begun before the first is finished.
const lookAhead = 32

// fillParents sets the command line of each process that no log has from the
// records of its children.
func (b *builder) fillParents() {
	for i := range b.tree.nodes {
		n := &b.tree.nodes[i]
		if n.parent == 0 {
			continue
		}
		parent := b.node(n.parent)
		if b.texts.Known(parent.commandLine) {
			continue
		}
		for ref := n.first; ref != 0; ref = b.blocks.at(ref).next {
			text := b.texts.field(b.blocks.at(ref).parent, event.ParentCommandLine)
			if b.texts.Known(text) {
				parent.commandLine = text
				break
			}
		}
	}
}

// cutCycles makes roots of nodes that would be their own ancestors, which
// forged GUIDs can ask for: of each cycle the earliest.
func (b *builder) cutCycles() {
	const onPath, done = 1, 2
	state := make([]uint8, b.tree.len()+1)
	var path []nodeRef
	for i := range b.tree.len() {
		path = path[:0]
		at := nodeRef(i + 1)
		for at != 0 && state[at] == 0 {
			state[at] = onPath
			path = append(path, at)
			at = b.node(at).parent
		}
		if at != 0 && state[at] == onPath {
			root := slices.Min(path[slices.Index(path, at):])
			b.node(root).parent, b.node(root).link = 0, LinkNone
		}
		for _, n := range path {
			state[n] = done
		}
	}
}

// listChildren links siblings, in the order of the time line.
func (b *builder) listChildren() {
	order := make([]nodeRef, b.tree.len())
	for i := range order {
		order[i] = nodeRef(i + 1)
	}
	if len(b.tree.stubs) > 0 {
		slices.SortStableFunc(order, func(x, y nodeRef) int { return cmp.Compare(b.node(x).at, b.node(y).at) })
	}
	for i := len(order) - 1; i >= 0; i-- {
		n := b.node(order[i])
		list := &b.tree.roots
		if n.parent != 0 {
			list = &b.node(n.parent).firstChild
		}
		n.nextSibling, *list = *list, order[i]
	}
}
