package binxml

import (
	"encoding/binary"
	"slices"

	"webshellscan/scan/event"
)

// Chunk is where documents are written to: a chunk from its start on, with the
// names and definitions that it has so far. The zero Chunk is not ready for
// use: call Reset first.
type Chunk struct {
	// Data is the chunk up to its end so far. Whoever writes records puts
	// what belongs around the documents behind it.
	Data []byte

	names       map[name]uint32
	definitions map[string]uint32 // by definition.text
	nameHeads   [nameBuckets]uint32
	headLists   [templateBuckets]uint32
}

// The tables of a chunk: how many lists of names and of definitions it has.
const (
	nameBuckets     = 64
	templateBuckets = 32
	tablesAt        = 128
)

// Reset empties the chunk but for so many bytes at its start.
func (c *Chunk) Reset(head int) {
	*c = Chunk{Data: append(c.Data[:0], make([]byte, head)...), names: make(map[name]uint32), definitions: make(map[string]uint32)}
}

// Mark is a state of a chunk, to which Restore brings it back.
type Mark struct {
	size      int
	nameHeads [nameBuckets]uint32
	headLists [templateBuckets]uint32
}

// Mark returns the state of the chunk.
func (c *Chunk) Mark() Mark { return Mark{len(c.Data), c.nameHeads, c.headLists} }

// Restore forgets what was written since a Mark.
func (c *Chunk) Restore(m Mark) {
	c.Data, c.nameHeads, c.headLists = c.Data[:m.size], m.nameHeads, m.headLists
	for n, at := range c.names {
		if int(at) >= m.size {
			delete(c.names, n)
		}
	}
	for text, at := range c.definitions {
		if int(at) >= m.size {
			delete(c.definitions, text)
		}
	}
}

// PutTables writes the tables of names and definitions into the chunk's header.
func (c *Chunk) PutTables() {
	at := c.Data[tablesAt:]
	for _, head := range slices.Concat(c.nameHeads[:], c.headLists[:]) {
		binary.LittleEndian.PutUint32(at, head)
		at = at[4:]
	}
}

// Write appends a document.
func (c *Chunk) Write(doc *Document) {
	for _, n := range doc.nodes {
		c.node(n)
	}
	c.Data = append(append(c.Data, event.TokenEOF), doc.rest...)
}

func (c *Chunk) uint16(v uint16) { c.Data = binary.LittleEndian.AppendUint16(c.Data, v) }

func (c *Chunk) uint32(v uint32) { c.Data = binary.LittleEndian.AppendUint32(c.Data, v) }

// sized appends a size and what write does, which the size counts.
func (c *Chunk) sized(write func()) {
	at := len(c.Data)
	c.uint32(0)
	write()
	binary.LittleEndian.PutUint32(c.Data[at:], uint32(len(c.Data)-at-4))
}

// node appends a node.
func (c *Chunk) node(n *node) {
	c.Data = append(c.Data, n.token)
	switch n.token &^ event.MoreFollows {
	case event.TokenOpenElement:
		c.element(n)
	case event.TokenAttribute:
		c.name(n.name)
		for _, part := range n.content {
			c.node(part)
		}
	case event.TokenValueText:
		c.Data = append(c.Data, n.typ)
		c.text(n.text)
	case event.TokenCDATA, event.TokenPIData:
		c.text(n.text)
	case event.TokenCharRef:
		c.uint16(n.number)
	case event.TokenEntityRef, event.TokenPITarget:
		c.name(n.name)
	case event.TokenSubstitution, event.TokenOptionalSubstitution:
		c.uint16(n.number)
		c.Data = append(c.Data, n.typ)
	case event.TokenTemplateInstance:
		c.instance(n.instance)
	case event.TokenFragmentHeader:
		c.Data = append(c.Data, 1, 1, 0)
	}
}

// text appends UTF-16LE text with the count of its units.
func (c *Chunk) text(text []byte) {
	c.uint16(uint16(len(text) / 2))
	c.Data = append(c.Data, text...)
}

// element appends an element behind its token.
func (c *Chunk) element(n *node) {
	if n.dependency {
		c.uint16(n.depends)
	}
	c.sized(func() {
		c.name(n.name)
		if n.token&event.MoreFollows != 0 {
			c.sized(func() {
				for _, a := range n.attributes {
					c.node(a)
				}
			})
		}
		if n.empty {
			c.Data = append(c.Data, event.TokenCloseEmpty)
			return
		}
		c.Data = append(c.Data, event.TokenCloseStart)
		for _, part := range n.content {
			c.node(part)
		}
		c.Data = append(c.Data, event.TokenEndElement)
	})
}

// name appends a reference to a name, and the name if the chunk has none of it
// yet: first in its list, as Windows does.
func (c *Chunk) name(n name) {
	if at, ok := c.names[n]; ok {
		c.uint32(at)
		return
	}
	at := uint32(len(c.Data) + 4)
	hash := nameHash(n)
	head := &c.nameHeads[hash%nameBuckets]
	c.uint32(at)
	c.uint32(*head)
	c.uint16(hash)
	c.text([]byte(n))
	c.uint16(0)
	*head, c.names[n] = at, at
}

// nameHash returns the hash of a name: the low word of the sum that multiplies
// by 65599 before it adds each unit ([MS-EVEN6] 2.2.12.4 NameHash).
func nameHash(n name) uint16 {
	var h uint32
	for i := 0; i+1 < len(n); i += 2 {
		h = h*65599 + uint32(n[i]) + uint32(n[i+1])<<8
	}
	return uint16(h)
}

// instance appends a template instance behind its token, with the definition if
// the chunk has none of it yet.
func (c *Chunk) instance(in *instance) {
	c.Data = append(c.Data, in.version)
	c.uint32(in.id)
	d := in.definition
	if at, ok := c.definitions[d.text]; ok {
		c.uint32(at)
	} else {
		at = uint32(len(c.Data) + 4)
		head := &c.headLists[binary.LittleEndian.Uint32(d.guid[:])%templateBuckets]
		c.uint32(at)
		c.uint32(*head)
		*head, c.definitions[d.text] = at, at
		c.Data = append(c.Data, d.guid[:]...)
		c.sized(func() { c.Write(d.body) })
	}
	c.values(in.values)
}

// values appends the values of an instance.
func (c *Chunk) values(list []value) {
	c.uint32(uint32(len(list)))
	specs := len(c.Data)
	for _, v := range list {
		c.Data = append(c.Data, byte(len(v.Data)), byte(len(v.Data)>>8), byte(v.Type), v.pad)
	}
	for i, v := range list {
		if v.embedded == nil {
			c.Data = append(c.Data, v.Data...)
			continue
		}
		at := len(c.Data)
		c.Write(v.embedded)
		binary.LittleEndian.PutUint16(c.Data[specs+4*i:], uint16(len(c.Data)-at))
	}
}

// canonical returns the definition as a chunk would have it that has nothing
// else.
func (d *definition) canonical() []byte {
	var c Chunk
	c.Reset(0)
	c.Data = append(c.Data, d.guid[:]...)
	c.Write(d.body)
	return c.Data
}
