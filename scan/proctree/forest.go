package proctree

import (
	"context"
	"maps"
	"slices"

	"webshellscan/internal/work"
	"webshellscan/scan/event"
)

// Forest holds all processes of all hosts. It is immutable; goroutines may
// share it.
type Forest struct {
	texts  *Texts
	blocks creations
	hosts  []Host
	trees  []tree // by host

	copies int
}

// tree holds the processes of one host, in the order of their time line, stubs
// last.
type tree struct {
	nodes []node
	stubs []stub
	roots nodeRef          // the first node without a parent; its siblings are the others
	told  map[nodeRef]told // of nodes that their own records do not name
}

// stub is a process that no log has the creation of.
type stub struct {
	node
	record creation // what is known of it
}

// len returns the number of processes.
func (t *tree) len() int { return len(t.nodes) + len(t.stubs) }

// node returns the node of a reference. The pointer is good until the tree gets
// another stub.
func (t *tree) node(ref nodeRef) *node {
	if i := int(ref) - 1; i < len(t.nodes) {
		return &t.nodes[i]
	}
	return &t.stubs[int(ref)-1-len(t.nodes)].node
}

// nodeRef is 1 + the index of a node in its tree, 0 for none.
type nodeRef uint32

// node is one process.
type node struct {
	at    event.Time // on the host's time line; for a stub no later than its first child
	endAt event.Time // on the host's time line, 0 if not known
	end   event.Time // as the log has it, 0 if not known
	first creationRef
	stub  uint32 // 1 + index in tree.stubs, 0 for none
	pid   uint32

	image       TextID
	commandLine TextID

	parent, firstChild, nextSibling nodeRef

	machine uint32 // of the process GUID, its own or that of those it is linked to; 0 if not known
	boot    uint16
	sources uint8 // bits by source, or completed
	link    Link
}

// Link is how sure it is that a process's parent is its parent.
type Link uint8

// Links, from the surest.
const (
	// LinkNone: the process has no parent in the logs.
	LinkNone Link = iota
	// LinkGUID: Sysmon names the parent's process GUID.
	LinkGUID
	// LinkName: the parent held the process ID at that time, and has the
	// name or the second of its start that the child's record gives.
	LinkName
	// LinkStub: the parent's own creation is in no log; it is what the
	// child's record says of it.
	LinkStub
	// LinkAccount: nothing but the account that the child's record names
	// ties it: an application pool's, so that an IIS worker process is
	// above it.
	LinkAccount
	// LinkTime: the parent held the process ID at that time; the child's
	// record gives nothing else to check.
	LinkTime
)

// String returns the link's name as reports have it.
func (l Link) String() string {
	switch l {
	case LinkGUID:
		return "guid"
	case LinkName:
		return "pid+time+name"
	case LinkStub:
		return "stub"
	case LinkAccount:
		return "account"
	case LinkTime:
		return "pid+time"
	}
	return "none"
}

// Build makes the forest of what collectors kept. computers counts the live
// records by spelling of Computer, for hosts without process events; it may be
// nil. goroutines bounds the hosts built at once. The collectors are used up.
// The only error is the context's.
func Build(ctx context.Context, texts *Texts, collectors []*Collector, computers map[string]int, goroutines int) (*Forest, error) {
	f := &Forest{texts: texts}
	var marks []mark
	counts := make(map[FacetID]*Counts)
	creationCount, endingCount := 0, 0
	for _, c := range collectors {
		creationCount += c.blocks.len()
		endingCount += c.endings.len()
		marks = append(marks, c.marks...)
		for origin, n := range c.counts {
			if counts[origin] == nil {
				counts[origin] = new(Counts)
			}
			counts[origin].Add(*n)
		}
	}
	refs := make([]creationRef, 0, creationCount)
	endings := make([]*ending, 0, endingCount)
	for _, c := range collectors {
		base := len(f.blocks.list) * blockLen
		for i := range c.blocks.len() {
			refs = append(refs, creationRef(base+i+1))
		}
		f.blocks.list = append(f.blocks.list, c.blocks.list...)
		for i := range c.endings.len() {
			endings = append(endings, c.endings.at(uint32(i)))
		}
		*c = Collector{}
	}
	hostOf := f.nameHosts(refs, counts, computers)
	builders := make([]*builder, len(f.hosts))
	for i := range builders {
		builders[i] = &builder{
			texts: texts, blocks: &f.blocks, goroutines: max(1, goroutines/len(builders)), several: f.hosts[i].Machines > 1,
		}
	}
	divide(builders, hostOf, refs, func(r creationRef) FacetID { return f.blocks.at(r).origin }, func(b *builder) *[]creationRef { return &b.order })
	divide(builders, hostOf, endings, func(e *ending) FacetID { return e.origin }, func(b *builder) *[]*ending { return &b.endings })
	divide(builders, hostOf, marks, func(m mark) FacetID { return m.origin }, func(b *builder) *[]mark { return &b.marks })
	f.trees = make([]tree, len(f.hosts))
	panics := work.Each(max(1, goroutines), len(builders), func(_, i int) {
		if ctx.Err() == nil {
			builders[i].build()
			f.trees[i] = builders[i].tree
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, p := range panics {
		f.hosts[p.Index].Crash = p
	}
	for i, b := range builders {
		f.copies += b.copies
		f.hosts[i].Events.Recovered = b.recovered
		f.hosts[i].Processes, f.hosts[i].Boots = f.trees[i].len(), b.boots
	}
	return f, nil
}

// divide appends each item to the list of its host's builder, in the order of
// the items.
func divide[T any](builders []*builder, hostOf map[FacetID]int, items []T, origin func(T) FacetID, list func(*builder) *[]T) {
	if len(builders) == 1 {
		*list(builders[0]) = items
		return
	}
	sizes := make([]int, len(builders))
	for _, it := range items {
		sizes[hostOf[origin(it)]]++
	}
	for i, b := range builders {
		if sizes[i] > 0 {
			*list(b) = make([]T, 0, sizes[i])
		}
	}
	for _, it := range items {
		to := list(builders[hostOf[origin(it)]])
		*to = append(*to, it)
	}
}

// addMachines adds to each name the machines that its process GUIDs are of.
func (f *Forest) addMachines(refs []creationRef, ofOrigin func(FacetID) *hostName) {
	var last FacetID
	var machine uint32
	var name *hostName
	for _, ref := range refs {
		r := f.blocks.at(ref)
		if r.guid.IsZero() {
			continue
		}
		if r.origin != last || r.guid.Part1() != machine {
			last, machine, name = r.origin, r.guid.Part1(), ofOrigin(r.origin)
			name.machines[machine] = true
		}
		if !r.parentGUID.IsZero() {
			name.pairs++
			if r.parentGUID.Part1() != machine {
				name.mixed++
			}
		}
	}
}

// nameHosts fills f.hosts and returns the host of each origin.
func (f *Forest) nameHosts(refs []creationRef, counts map[FacetID]*Counts, computers map[string]int) map[FacetID]int {
	byName := make(map[string]*hostName)
	named := func(name string) *hostName {
		n := byName[name]
		if n == nil {
			n = &hostName{name: name, machines: make(map[uint32]bool)}
			byName[name] = n
		}
		return n
	}
	for name, records := range computers {
		named(name).records += records
	}
	byOrigin := make(map[FacetID]*hostName)
	ofOrigin := func(origin FacetID) *hostName {
		n := byOrigin[origin]
		if n == nil {
			n = named(f.texts.Text(f.texts.field(origin, event.Computer)))
			byOrigin[origin] = n
		}
		return n
	}
	for origin := range counts {
		ofOrigin(origin)
	}
	f.addMachines(refs, ofOrigin)
	names := slices.Collect(maps.Values(byName))
	f.hosts = groupHosts(names)
	hostOf := make(map[FacetID]int, len(byOrigin))
	for origin, n := range byOrigin {
		hostOf[origin] = n.host
		f.hosts[n.host].Events.Add(*counts[origin])
	}
	return hostOf
}
