package proctree

import "webshellscan/scan/event"

// PoolWorker is the file name of the IIS worker process, in lower case. Only it
// and what it starts run as the identity of an application pool.
const PoolWorker = "w3wp.exe"

// accounts ties to an IIS worker process what runs as an application pool and
// has nothing above it that a log names.
type accounts struct {
	b       *builder
	pools   map[FacetID]TextID // the identity of the pool that a logon names, 0 for none
	workers map[poolLife]nodeRef
}

// poolLife is an application pool in one boot of a machine. Its workers are not
// distinguished: nothing but the pool is known of them.
type poolLife struct {
	pool    TextID
	machine uint32
	boot    uint16
}

// linkAccounts links a worker above the processes of application pools that
// would have none (docs/FORMAT.md, "Parents", 7): the stub that nothing names
// is taken for the worker; a stub without a process ID is put above what a log
// names, and above what has no parent in it.
func (b *builder) linkAccounts() {
	a := accounts{b: b, pools: make(map[FacetID]TextID), workers: make(map[poolLife]nodeRef)}
	for i := range b.tree.nodes {
		n := &b.tree.nodes[i]
		if n.parent != 0 && (b.node(n.parent).stub == 0 || b.node(n.parent).pid == systemProcess) || b.images.base(n.image) == PoolWorker {
			continue // what starts a worker is no worker
		}
		pool := a.creator(n)
		switch {
		case pool == 0:
		case n.parent == 0:
			n.parent, n.link = a.worker(n, pool), LinkAccount
		default:
			a.tie(n, pool)
		}
	}
}

// tie ties a process whose parent is a stub and ran as an application pool.
func (a *accounts) tie(child *node, pool TextID) {
	above := a.b.node(child.parent)
	a.b.tree.runAs(a.b.texts, above, pool)
	switch {
	case above.image == 0:
		child.link = LinkAccount
	case above.parent == 0 && a.b.images.base(above.image) != PoolWorker:
		worker := a.worker(above, pool)
		above = a.b.node(child.parent) // the stubs may have moved
		above.parent, above.link = worker, LinkAccount
	}
}

// worker returns the stub that stands for the workers of a pool at the time of
// one of its processes.
func (a *accounts) worker(n *node, pool TextID) nodeRef {
	life := poolLife{pool, n.machine, n.boot}
	ref := a.workers[life]
	if ref != 0 {
		return ref
	}
	t := &a.b.tree
	t.stubs = append(t.stubs, stub{
		node{at: n.at, stub: uint32(len(t.stubs) + 1), boot: n.boot, machine: n.machine},
		creation{origin: a.b.record(n).origin, source: sourceStub},
	})
	ref = nodeRef(t.len())
	t.runAs(a.b.texts, t.node(ref), pool)
	a.workers[life] = ref
	return ref
}

// runAs sets the account that a stub runs as, unless it is known.
func (t *tree) runAs(texts *Texts, n *node, user TextID) {
	if r := &t.stubs[n.stub-1].record; r.logon == 0 {
		r.logon = texts.userFacet(user)
	}
}

// creator returns the identity of the application pool that the parent of a
// process ran as, 0 if it did not or that is not known. A 4688 has its creator
// as subject; Sysmon names the parent's user from schema 4.80 on. Where neither
// is there, the process's own identity is its parent's, unless that is a
// service which starts processes as whom it is told to.
func (a *accounts) creator(n *node) TextID {
	own := TextID(0)
	for ref := n.first; ref != 0; {
		r := a.b.blocks.at(ref)
		ref = r.next
		if r.source == sourceSecurity {
			return a.pool(r.logon, event.SubjectUserSID, event.SubjectDomainName, event.SubjectUserName)
		}
		if user := a.b.texts.field(r.parent, event.ParentUser); a.b.texts.Known(user) {
			own = a.pool(r.parent, event.FieldNone, event.FieldNone, event.ParentUser)
		} else if n.image != 0 && !a.startsAsOthers(n.parent) {
			own = a.pool(r.logon, event.FieldNone, event.FieldNone, event.User)
		}
	}
	return own
}

// startsAsOthers reports whether a parent is the service control manager, or
// hosts services such as Task Scheduler and Secondary Logon.
func (a *accounts) startsAsOthers(parent nodeRef) bool {
	if parent == 0 {
		return false
	}
	switch a.b.images.base(a.b.node(parent).image) {
	case "services.exe", "svchost.exe", "taskeng.exe", "wmiprvse.exe":
		return true
	}
	return false
}

// pool returns the identity of the application pool that fields of a facet
// name, 0 for another user's. Without a field for the domain, the name has it.
func (a *accounts) pool(id FacetID, sid, domain, name event.FieldID) TextID {
	pool, ok := a.pools[id]
	if ok || id == 0 {
		return pool
	}
	text := func(f event.FieldID) string { return a.b.texts.KnownText(a.b.texts.field(id, f)) }
	user := text(name)
	if domain != event.FieldNone && user != "" {
		user = text(domain) + `\` + user
	}
	switch {
	case event.IsPoolIdentity(user):
		pool = a.b.texts.InternString(user)
	case event.IsPoolIdentity(text(sid)):
		pool = a.b.texts.field(id, sid)
	}
	a.pools[id] = pool
	return pool
}
