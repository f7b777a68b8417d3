package binxml

import (
	"encoding/binary"

	"webshellscan/scan/event"
)

// Limits, as of package evtx: at least ten times what the largest real log
// needs.
const (
	maxDepth  = 64      // elements, and documents within values
	maxValues = 1024    // of one instance
	maxNodes  = 1 << 15 // of one record
)

// Parse returns the tree of the binary XML from one offset of a chunk to
// another. The chunk is in memory from its start on: definitions and names are
// looked up in it. The tree has views into the chunk.
func Parse(chunk []byte, from, to int) (*Document, error) {
	if from < 0 || from > to || to > len(chunk) {
		return nil, ErrMalformed
	}
	p := &parser{chunk: chunk, pos: from, end: to, definitions: make(map[uint32]*definition)}
	doc := p.document(0)
	if p.bad {
		return nil, ErrMalformed
	}
	doc.rest = nil // filler of the record
	return doc, nil
}

// parser walks over a chunk. Its getters return zero after the first failure.
type parser struct {
	chunk       []byte
	pos, end    int
	bad         bool
	nodes       int
	named       int                    // bytes of names so far
	within      bool                   // it is within a definition
	definitions map[uint32]*definition // by offset; nil while one is parsed
}

func (p *parser) fail() { p.bad = true }

// bytes returns the next n bytes as a view into the chunk.
func (p *parser) bytes(n int) []byte {
	if p.bad || n < 0 || n > p.end-p.pos {
		p.fail()
		return nil
	}
	b := p.chunk[p.pos : p.pos+n : p.pos+n]
	p.pos += n
	return b
}

func (p *parser) uint8() uint8 {
	if b := p.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) uint16() uint16 {
	if b := p.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (p *parser) uint32() uint32 {
	if b := p.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// text returns counted UTF-16LE text.
func (p *parser) text() []byte { return p.bytes(2 * int(p.uint16())) }

// peek returns the next token, the end of a document where there is none.
func (p *parser) peek() byte {
	if p.bad || p.pos >= p.end {
		return event.TokenEOF
	}
	return p.chunk[p.pos]
}

// document reads up to the end of a document.
func (p *parser) document(depth int) *Document {
	doc := new(Document)
	for !p.bad && p.peek() != event.TokenEOF {
		doc.nodes = append(doc.nodes, p.node(depth))
	}
	if p.pos < p.end {
		p.pos++ // the token of the end
		doc.rest = p.chunk[p.pos:p.end:p.end]
	}
	return doc
}

// node reads a token and what belongs to it.
func (p *parser) node(depth int) *node {
	n := &node{token: p.uint8()}
	if p.nodes++; p.nodes > maxNodes || depth > maxDepth {
		p.fail()
		return n
	}
	switch n.token &^ event.MoreFollows {
	case event.TokenOpenElement:
		p.element(n, depth)
	case event.TokenValueText:
		n.typ = p.uint8()
		n.text = p.text()
	case event.TokenCDATA, event.TokenPIData:
		n.text = p.text()
	case event.TokenCharRef:
		n.number = p.uint16()
	case event.TokenEntityRef, event.TokenPITarget:
		n.name = p.name()
	case event.TokenSubstitution, event.TokenOptionalSubstitution:
		n.number = p.uint16()
		n.typ = p.uint8()
	case event.TokenTemplateInstance:
		n.instance = p.instance(depth + 1)
	case event.TokenFragmentHeader:
		p.bytes(3) // version and flags, of one value in all logs
	default:
		p.fail()
	}
	return n
}

// element reads an element behind its token.
func (p *parser) element(n *node, depth int) {
	if n.dependency = p.within; n.dependency {
		n.depends = p.uint16()
	}
	p.uint32() // its size
	n.name = p.name()
	if n.token&event.MoreFollows != 0 {
		size := int(p.uint32())
		end := p.pos + size
		for !p.bad && p.pos < end {
			n.attributes = append(n.attributes, p.attribute(depth))
		}
	}
	switch p.uint8() {
	case event.TokenCloseEmpty:
		n.empty = true
		return
	case event.TokenCloseStart:
	default:
		p.fail()
	}
	for !p.bad && p.peek() != event.TokenEndElement {
		if p.peek() == event.TokenEOF {
			p.fail()
			return
		}
		n.content = append(n.content, p.node(depth+1))
	}
	p.uint8()
}

// attribute reads an attribute with its content.
func (p *parser) attribute(depth int) *node {
	n := &node{token: p.uint8()}
	if n.token&^event.MoreFollows != event.TokenAttribute {
		p.fail()
	}
	n.name = p.name()
	for !p.bad {
		switch p.peek() &^ event.MoreFollows {
		case event.TokenValueText, event.TokenCharRef, event.TokenEntityRef, event.TokenSubstitution, event.TokenOptionalSubstitution:
			n.content = append(n.content, p.node(depth+1))
			continue
		}
		break
	}
	return n
}

// maxNamed bounds the names of one record, in bytes, each as often as it stands
// there: a reference takes four bytes, and what it names may take a chunk.
const maxNamed = 4 << 16

// name reads a reference to a name, and the name where it stands behind it.
func (p *parser) name() name {
	at := int(p.uint32())
	if p.bad || at > len(p.chunk)-8 {
		p.fail()
		return ""
	}
	size := 2 * int(binary.LittleEndian.Uint16(p.chunk[at+6:]))
	if size > len(p.chunk)-at-8 {
		p.fail()
		return ""
	}
	if p.named += size; p.named > maxNamed {
		p.fail()
		return ""
	}
	if at == p.pos {
		p.bytes(8 + size + 2)
	}
	return name(p.chunk[at+8 : at+8+size])
}

// instance reads a template instance behind its token.
func (p *parser) instance(depth int) *instance {
	in := &instance{version: p.uint8(), id: p.uint32()}
	in.definition = p.definition(p.uint32(), depth)
	count := int(p.uint32())
	specs := p.bytes(4 * min(count, maxValues+1))
	if p.bad || count > maxValues || p.within {
		p.fail() // a template within a template was never seen; one could hold itself
		return in
	}
	for ; len(specs) > 0; specs = specs[4:] {
		data := p.bytes(int(binary.LittleEndian.Uint16(specs)))
		v := value{Value: event.Value{Type: event.ValueType(specs[2]), Data: data}, pad: specs[3]}
		if v.Type == event.TypeBinXML && len(data) > 0 && !p.bad {
			v.embedded = p.inValue(len(data), depth)
		}
		in.values = append(in.values, v)
	}
	return in
}

// inValue parses the document that the value of a size before the position
// holds.
func (p *parser) inValue(size, depth int) *Document {
	end := p.end
	p.end, p.pos = p.pos, p.pos-size
	doc := p.document(depth)
	p.pos, p.end = p.end, end
	return doc
}

// definition returns the definition at an offset of the chunk, and steps over
// it where it stands at the position.
func (p *parser) definition(at uint32, depth int) *definition {
	head := int(at)
	if p.bad || head > len(p.chunk)-24 {
		p.fail()
		return nil
	}
	size := int(binary.LittleEndian.Uint32(p.chunk[head+20:]))
	if size > len(p.chunk)-head-24 {
		p.fail()
		return nil
	}
	if head == p.pos {
		p.bytes(24 + size)
	}
	if d, known := p.definitions[at]; known {
		if d == nil {
			p.fail()
		}
		return d
	}
	p.definitions[at] = nil
	d := &definition{guid: [16]byte(p.chunk[head+4 : head+20])}
	pos, end, within := p.pos, p.end, p.within
	p.pos, p.end, p.within = head+24, head+24+size, true
	d.body = p.document(depth)
	d.body.rest = nil
	p.pos, p.end, p.within = pos, end, within
	if p.bad {
		return nil
	}
	d.text = string(d.canonical())
	p.definitions[at] = d
	return d
}
