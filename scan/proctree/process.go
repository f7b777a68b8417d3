package proctree

import (
	"cmp"
	"iter"

	"webshellscan/scan/event"
)

// Process is one process of a Forest: a handle that is passed by value and
// compares with ==. The zero Process is no process.
type Process struct {
	forest *Forest
	host   uint32
	ref    nodeRef
}

// Hosts returns the hosts, sorted by name. The slice belongs to the forest.
func (f *Forest) Hosts() []Host { return f.hosts }

// Texts returns where the forest's texts are.
func (f *Forest) Texts() *Texts { return f.texts }

// Copies returns how many creation records were copies of others: read from two
// logs, or twice from one.
func (f *Forest) Copies() int { return f.copies }

// Processes returns the processes of a host, by its index in Hosts: in the
// order of their start, and stubs last.
func (f *Forest) Processes(host int) iter.Seq[Process] {
	return func(yield func(Process) bool) {
		for i := range f.trees[host].len() {
			if !yield(Process{f, uint32(host), nodeRef(i + 1)}) {
				return
			}
		}
	}
}

// Roots returns the processes of a host that have no parent, in the order of
// their start.
func (f *Forest) Roots(host int) iter.Seq[Process] {
	return f.siblings(uint32(host), f.trees[host].roots)
}

func (f *Forest) siblings(host uint32, first nodeRef) iter.Seq[Process] {
	return func(yield func(Process) bool) {
		for ref := first; ref != 0; ref = f.trees[host].node(ref).nextSibling {
			if !yield(Process{f, host, ref}) {
				return
			}
		}
	}
}

// Process returns the process of a host with an index, as Index gives it.
func (f *Forest) Process(host, index int) Process {
	return Process{f, uint32(host), nodeRef(index + 1)}
}

func (p Process) node() *node { return p.forest.trees[p.host].node(p.ref) }

// record returns the process's first record: Sysmon's, else the Security log's,
// else what is known of a stub.
func (p Process) record() *creation {
	n := p.node()
	if n.stub != 0 {
		return &p.forest.trees[p.host].stubs[n.stub-1].record
	}
	return p.forest.blocks.at(n.first)
}

// Exists reports whether p is a process.
func (p Process) Exists() bool { return p.ref != 0 }

// Index returns the process's number within its host, from 0. A parent that is
// no stub mostly, but not always, has a lower one than its children.
func (p Process) Index() int { return int(p.ref - 1) }

// HostIndex returns the index of the process's host in Hosts.
func (p Process) HostIndex() int { return int(p.host) }

// Host returns the process's host.
func (p Process) Host() *Host { return &p.forest.hosts[p.host] }

// Parent returns the process's parent, and how sure that is. The zero Process
// stands for none.
func (p Process) Parent() (Process, Link) {
	n := p.node()
	if n.parent == 0 {
		return Process{}, LinkNone
	}
	return Process{p.forest, p.host, n.parent}, n.link
}

// Children returns the process's children in the order of their start.
func (p Process) Children() iter.Seq[Process] {
	return p.forest.siblings(p.host, p.node().firstChild)
}

// FirstChild returns the child that started first, the zero Process if there is
// none. It is Children, with NextSibling, for loops that are run for every
// process: an iterator would allocate.
func (p Process) FirstChild() Process { return p.at(p.node().firstChild) }

// NextSibling returns the process that its parent started next, the zero
// Process if there is none.
func (p Process) NextSibling() Process { return p.at(p.node().nextSibling) }

// at returns another process of the host.
func (p Process) at(ref nodeRef) Process {
	if ref == 0 {
		return Process{}
	}
	return Process{p.forest, p.host, ref}
}

// Stub reports whether no log has the process's creation, so that all that is
// known of it comes from the records of its children.
func (p Process) Stub() bool { return p.node().stub != 0 }

// PID returns the process ID, 0 if not known.
func (p Process) PID() uint32 { return p.node().pid }

// GUID returns the Sysmon process GUID, zero if not known.
func (p Process) GUID() event.GUID { return p.record().guid }

// Start returns when the process started, 0 if not known. A stub's start comes
// from its process GUID and is exact to a second.
func (p Process) Start() event.Time { return p.record().start }

// End returns when the process ended, 0 if not known.
func (p Process) End() event.Time { return p.node().end }

// Image returns the path of the process's image, 0 if not known.
func (p Process) Image() TextID { return p.node().image }

// CommandLine returns the command line, from the process's own records or from
// those of its children.
func (p Process) CommandLine() TextID { return p.node().commandLine }

// ParentPID returns the process ID of the parent as the process's own records
// have it, 0 if they do not.
func (p Process) ParentPID() uint32 {
	for r := range p.Records() {
		if pid := r.record.parentPID; pid != 0 {
			return pid
		}
	}
	return 0
}

// ParentGUID returns the process GUID of the parent as the process's own
// records have it, zero if they do not.
func (p Process) ParentGUID() event.GUID {
	for r := range p.Records() {
		if guid := r.record.parentGUID; !guid.IsZero() {
			return guid
		}
	}
	return event.GUID{}
}

// Field returns what the process's own records have for a field: the first text
// that is known, those of Sysmon first; else what others know of a process that
// its own records do not name; else the first that is there, as "-"; 0 if none
// has it. Fields that only one source names answer under Sysmon's names for
// both: Image, User, LogonId, IntegrityLevel, ParentImage. Numbers of processes
// and GUIDs have methods of their own.
func (p Process) Field(field event.FieldID) TextID {
	if p.Stub() {
		return p.forest.recordField(p.record(), field)
	}
	first := TextID(0)
	for ref := p.node().first; ref != 0; {
		r := p.forest.blocks.at(ref)
		text := p.forest.recordField(r, field)
		if p.forest.texts.Known(text) {
			return text
		}
		first = cmp.Or(first, text)
		ref = r.next
	}
	return cmp.Or(p.forest.texts.field(p.told(facetOf[field]), field), first)
}

// told returns the facet of what others say of a process that its own records
// do not name, 0 if there is none.
func (p Process) told(facet Facet) FacetID {
	if p.node().sources&completed == 0 {
		return 0
	}
	said := p.forest.trees[p.host].told[p.ref]
	switch facet {
	case FacetImage:
		return said.image
	case FacetLogon:
		return said.logon
	}
	return 0
}

// SharedFacet returns the number of what the process has all fields of a facet
// from; 0 if it has none of them, or if its records do not agree.
func (p Process) SharedFacet(facet Facet) FacetID {
	if p.Stub() {
		return p.record().facet(facet)
	}
	shared := FacetID(0)
	for ref := p.node().first; ref != 0; {
		r := p.forest.blocks.at(ref)
		if id := r.facet(facet); id != 0 && id != shared {
			if shared != 0 {
				return 0
			}
			shared = id
		}
		ref = r.next
	}
	if p.told(facet) != 0 {
		return 0
	}
	return shared
}

// FieldReader reads fields of many processes of a forest, and remembers what
// facets hold. It is for one goroutine.
type FieldReader struct {
	forest *Forest
	caches [event.NumFields]*textCache
}

// NewFieldReader returns a FieldReader.
func NewFieldReader(f *Forest) *FieldReader { return &FieldReader{forest: f} }

// Field is Process.Field.
func (fr *FieldReader) Field(p Process, field event.FieldID) TextID {
	text, _ := fr.read(p, field)
	return text
}

// Known returns Process.Field if that is known, else 0.
func (fr *FieldReader) Known(p Process, field event.FieldID) TextID {
	if text, known := fr.read(p, field); known {
		return text
	}
	return 0
}

// read returns Process.Field, and whether that is known.
func (fr *FieldReader) read(p Process, field event.FieldID) (text TextID, known bool) {
	kind := facetOf[field]
	if kind == numFacets {
		text = p.Field(field)
		return text, fr.forest.texts.Known(text)
	}
	cache := fr.caches[field]
	if cache == nil {
		cache = newTextCache(fr.forest.texts, field)
		fr.caches[field] = cache
	}
	n := p.node()
	if n.stub != 0 {
		slot := cache.slot(p.record().facet(kind))
		return slot.text, slot.known
	}
	first := TextID(0)
	for ref := n.first; ref != 0; {
		r := fr.forest.blocks.at(ref)
		slot := cache.slot(r.facet(kind))
		if slot.known {
			return slot.text, true
		}
		first = cmp.Or(first, slot.text)
		ref = r.next
	}
	if said := p.told(kind); said != 0 {
		if slot := cache.slot(said); slot.known {
			return slot.text, true
		}
	}
	return first, false
}

// facetOf returns the facet that has a field.
var facetOf = func() (of [event.NumFields]Facet) {
	for i := range of {
		of[i] = numFacets
	}
	for _, from := range facetFields {
		for kind, fields := range from {
			for _, f := range fields {
				of[f] = Facet(kind)
			}
		}
	}
	for _, f := range []event.FieldID{event.Computer, event.Channel, event.ProviderName, event.EventID, event.Version} {
		of[f] = FacetOrigin
	}
	return of
}()

func (f *Forest) recordField(r *creation, field event.FieldID) TextID {
	switch field {
	case event.CommandLine:
		return r.commandLine
	case event.CurrentDirectory:
		return r.currentDirectory
	}
	return f.texts.field(r.facet(facetOf[field]), field)
}

// facet returns the record's facet of a kind, 0 for numFacets.
func (r *creation) facet(kind Facet) FacetID {
	switch kind {
	case FacetOrigin:
		return r.origin
	case FacetImage:
		return r.image
	case FacetLogon:
		return r.logon
	case FacetParent:
		return r.parent
	}
	return 0
}

// Record is one creation record of a process: a place in the evidence.
type Record struct {
	forest *Forest
	record *creation
}

// Records returns the creation records of the process: Sysmon's first, and of
// each source the copies in the order of the input. A stub has none.
func (p Process) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for ref := p.node().first; ref != 0; {
			r := p.forest.blocks.at(ref)
			if !yield(Record{p.forest, r}) {
				return
			}
			ref = r.next
		}
	}
}

// Recovered reports whether no live record has the process's creation, but only
// ones that were recovered.
func (p Process) Recovered() bool {
	recovered := false
	for r := range p.Records() {
		if !r.Marks().Has(event.MarkRecovered) {
			return false
		}
		recovered = true
	}
	return recovered
}

// Place returns where the record lies. Its HeaderID is not kept.
func (r Record) Place() event.Place {
	return event.Place{File: r.record.file, Offset: r.record.offset, Chunk: r.record.offset - int64(r.record.inChunk)}
}

// Marks returns how the record was read.
func (r Record) Marks() event.Marks { return r.record.marks }

// RecordID returns System/EventRecordID.
func (r Record) RecordID() uint64 { return r.record.recordID }

// Time returns System/TimeCreated.
func (r Record) Time() event.Time { return r.record.created }

// PID returns the process ID that the record has.
func (r Record) PID() uint32 { return r.record.pid }

// ParentPID returns the parent's process ID that the record has.
func (r Record) ParentPID() uint32 { return r.record.parentPID }

// EventID returns System/EventID: 1 of Sysmon, or 4688 of the Security log.
func (r Record) EventID() uint16 {
	if r.record.source == sourceSysmon {
		return 1
	}
	return 4688
}

// Facets returns the groups of fields that the record shares with others: where
// it comes from, its image, its logon session and its parent.
func (r Record) Facets() [4]FacetID {
	return [...]FacetID{r.record.origin, r.record.image, r.record.logon, r.record.parent}
}

// Field returns what the record has for a field, 0 if it does not have it.
func (r Record) Field(field event.FieldID) TextID { return r.forest.recordField(r.record, field) }

// Forest returns the forest that the process belongs to.
func (p Process) Forest() *Forest { return p.forest }
