package proctree

import "webshellscan/scan/event"

// source is what kind of event a record is of.
type source uint8

const (
	sourceSysmon   source = iota + 1 // Sysmon 1 or 5
	sourceSecurity                   // Security 4688 or 4689
	sourceStub                       // no event: made of what children say of their parent
)

// creation is what is kept of one process creation. It holds no pointers, so
// that tens of millions of them cost the garbage collector nothing.
type creation struct {
	start      event.Time // of the process: Sysmon's UtcTime where it is sound, else created
	created    event.Time // System/TimeCreated
	recordID   uint64
	offset     int64 // in the file, in bytes
	guid       event.GUID
	parentGUID event.GUID
	pid        uint32
	parentPID  uint32
	file       uint32
	inChunk    uint32 // offset from the start of the record's chunk

	// Facets: host, channel and kind of the event; what belongs to the
	// image, to the logon session, to the parent.
	origin, image, logon, parent FacetID

	commandLine      TextID
	currentDirectory TextID

	next   creationRef // the next record of the same process
	source source
	marks  event.Marks
}

// ending is what is kept of one process's end.
type ending struct {
	at       event.Time // Sysmon's UtcTime where it is sound, else created
	created  event.Time // System/TimeCreated
	recordID uint64
	guid     event.GUID
	pid      uint32
	file     uint32
	origin   FacetID
	image    TextID
	source   source
	marks    event.Marks
}

// markKind is what a mark records of a host.
type markKind uint8

const (
	markBoot     markKind = iota + 1 // the system started: nothing else writes this event
	markWeakBoot                     // a service started that starts with the system, but may start by itself
	markClock                        // the clock was set
)

// mark is an event that changes how a host's process events are to be read.
type mark struct {
	kind     markKind
	at       event.Time // System/TimeCreated
	recordID uint64
	file     uint32
	origin   FacetID
	// markClock: the clock before and after.
	before, after event.Time
}

// creationRef is 1 + the number of a creation record, 0 for none.
type creationRef uint32

// blocks holds records in blocks that never move, so that growing costs nothing
// and a reference stays good.
type blocks[T any] struct {
	list []*[blockLen]T
	used int // of the last block
}

const blockLen = 1 << 10

// next returns a place for one more record.
func (b *blocks[T]) next() *T {
	if len(b.list) == 0 || b.used == blockLen {
		b.list = append(b.list, new([blockLen]T))
		b.used = 0
	}
	b.used++
	return &b.list[len(b.list)-1][b.used-1]
}

// at returns the record of a number, from 0.
func (b *blocks[T]) at(i uint32) *T { return &b.list[i/blockLen][i%blockLen] }

// len returns the number of records.
func (b *blocks[T]) len() int {
	if len(b.list) == 0 {
		return 0
	}
	return (len(b.list)-1)*blockLen + b.used
}

// creations holds all creation records of a forest.
type creations struct{ blocks[creation] }

func (c *creations) at(ref creationRef) *creation { return c.blocks.at(uint32(ref - 1)) }
