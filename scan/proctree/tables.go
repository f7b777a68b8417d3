package proctree

import (
	"hash/maphash"

	"webshellscan/scan/event"
)

// guidTable finds a node by its process GUID. It is open-addressed; a slot
// holds half of the GUID's hash above the number of the node, whose record has
// the GUID.
type guidTable struct {
	seed  maphash.Seed
	slots []uint64
	count int
}

func newGUIDTable(n int) guidTable {
	size := 16
	for size < n+n/2 {
		size *= 2
	}
	return guidTable{seed: maphash.MakeSeed(), slots: make([]uint64, size)}
}

// touch loads the slot of a GUID into the processor's cache before the GUID is
// looked up. It returns the slot only so that the load is not optimized away.
func (t *guidTable) touch(guid event.GUID) uint64 {
	return t.slots[maphash.Bytes(t.seed, guid[:])&uint64(len(t.slots)-1)]
}

// find returns the node with a GUID, 0 if there is none.
func (t *guidTable) find(b *builder, guid event.GUID) nodeRef {
	h := maphash.Bytes(t.seed, guid[:])
	mask := uint64(len(t.slots) - 1)
	for i := h & mask; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i]>>32 == h>>32 {
			if n := nodeRef(t.slots[i]); b.record(b.node(n)).guid == guid {
				return n
			}
		}
	}
	return 0
}

// add adds a node with its GUID, which the node's record has, unless the table
// has that GUID already.
func (t *guidTable) add(b *builder, guid event.GUID, n nodeRef) {
	if 4*(t.count+1) > 3*len(t.slots) {
		t.grow(b)
	}
	h := maphash.Bytes(t.seed, guid[:])
	mask := uint64(len(t.slots) - 1)
	i := h & mask
	for ; t.slots[i] != 0; i = (i + 1) & mask {
		if t.slots[i]>>32 == h>>32 && b.record(b.node(nodeRef(t.slots[i]))).guid == guid {
			return
		}
	}
	t.slots[i] = h>>32<<32 | uint64(n)
	t.count++
}

func (t *guidTable) grow(b *builder) {
	old := t.slots
	t.slots = make([]uint64, 2*len(old))
	mask := uint64(len(t.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		guid := b.record(b.node(nodeRef(slot))).guid
		i := maphash.Bytes(t.seed, guid[:]) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = slot
	}
}

// pidTable finds a node by a process ID. It is open-addressed.
type pidTable struct {
	pids  []uint32
	nodes []nodeRef // 0 for a free slot
	count int
}

func newPIDTable() *pidTable {
	return &pidTable{pids: make([]uint32, 256), nodes: make([]nodeRef, 256)}
}

func (t *pidTable) slot(pid uint32) int {
	i := int(pid * 0x9E3779B1 >> 7)
	for {
		i &= len(t.pids) - 1
		if t.nodes[i] == 0 || t.pids[i] == pid {
			return i
		}
		i++
	}
}

func (t *pidTable) get(pid uint32) nodeRef { return t.nodes[t.slot(pid)] }

func (t *pidTable) set(pid uint32, n nodeRef) {
	i := t.slot(pid)
	if t.nodes[i] == 0 {
		if t.count++; 2*t.count > len(t.pids) {
			t.grow()
			i = t.slot(pid)
		}
	}
	t.pids[i], t.nodes[i] = pid, n
}

func (t *pidTable) grow() {
	pids, nodes := t.pids, t.nodes
	t.pids, t.nodes = make([]uint32, 2*len(pids)), make([]nodeRef, 2*len(nodes))
	for i, n := range nodes {
		if n != 0 {
			j := t.slot(pids[i])
			t.pids[j], t.nodes[j] = pids[i], n
		}
	}
}
