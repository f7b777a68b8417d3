package proctree

import "webshellscan/scan/event"

// A process whose own records do not name its image takes the name that others
// give it, and what else they know: those that name it by its GUID first, then
// its children and its end by the process ID, the earliest first. That is done
// before other links are made, so that a child which names another image is
// another process's.

// completed is the bit of node.sources of a process that is in tree.told.
const completed = 1 << sourceStub

// told is what others say of a process that no record of its own names.
type told struct{ image, logon FacetID }

// said returns what others say of a process.
func (t *tree) said(ref nodeRef) told {
	if n := t.node(ref); n.stub != 0 {
		r := &t.stubs[n.stub-1].record
		return told{r.image, r.logon}
	}
	return t.told[ref]
}

// say sets what others say of a process.
func (t *tree) say(ref nodeRef, what told) {
	n := t.node(ref)
	if n.stub != 0 {
		r := &t.stubs[n.stub-1].record
		r.image, r.logon = what.image, what.logon
		return
	}
	if t.told == nil {
		t.told = make(map[nodeRef]told)
	}
	n.sources |= completed
	t.told[ref] = what
}

// complete adds to a process that no record of its own names what the records
// of one of its children have of it.
func (b *builder) complete(ref nodeRef, child *node) {
	target := b.node(ref)
	if target.stub == 0 && target.image != 0 && target.sources&completed == 0 {
		return
	}
	before := b.tree.said(ref)
	said := before
	for at := child.first; at != 0; {
		r := b.blocks.at(at)
		at = r.next
		if image := b.parentImageOf.known(r.parent); target.image == 0 && image != 0 {
			target.image, said.image = image, b.texts.imageFacet(image)
		}
		if target.commandLine == 0 {
			if text := b.texts.field(r.parent, event.ParentCommandLine); b.texts.Known(text) {
				target.commandLine = text
			}
		}
		if said.logon == 0 {
			if user := b.texts.field(r.parent, event.ParentUser); b.texts.Known(user) {
				said.logon = b.texts.userFacet(user)
			}
		}
	}
	if said != before {
		b.tree.say(ref, said)
	}
}

// imageFacet returns the facet of a process of which only the image is known,
// userFacet that of one of which only the user is.
func (t *Texts) imageFacet(image TextID) FacetID { return t.facet([]fieldText{{event.Image, image}}) }

func (t *Texts) userFacet(user TextID) FacetID { return t.facet([]fieldText{{event.User, user}}) }

// nameByEnd gives a process that has no image the one that its end has.
func (b *builder) nameByEnd(ref nodeRef, image TextID) {
	if n := b.node(ref); n.image == 0 && b.texts.Known(image) {
		said := b.tree.said(ref)
		n.image, said.image = image, b.texts.imageFacet(image)
		b.tree.say(ref, said)
	}
}

// nameByGUID names processes by those of their children that name their GUID.
func (b *builder) nameByGUID() {
	if !b.nameless {
		return
	}
	for i := range b.tree.nodes {
		if n := &b.tree.nodes[i]; n.parent != 0 {
			b.complete(n.parent, n)
		}
	}
}

// namer walks along the time line and names processes by those of their
// children that name their process ID.
type namer struct {
	*builder
	own         *owners
	ahead, next int
}

// upTo lets the processes that started up to a time name their parents.
func (w *namer) upTo(at event.Time) {
	if !w.nameless {
		return
	}
	if w.own == nil {
		w.own = newOwners(len(w.tree.nodes))
	}
	for ; w.next < len(w.tree.nodes) && w.tree.nodes[w.next].at <= at; w.next++ {
		n := &w.tree.nodes[w.next]
		w.ahead = w.own.reach(w.tree.nodes, w.ahead, n.at+tolerance)
		if p := w.parentage(n); n.parent == 0 && p.image != 0 {
			if ref, _ := w.owner(w.own, nodeRef(w.next+1), p); ref != 0 && w.node(ref).image == 0 {
				w.complete(ref, n)
			}
		}
	}
}
