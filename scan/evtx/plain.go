package evtx

import (
	"encoding/binary"

	"webshellscan/scan/event"
)

// plainSystem is what the System element of a record without a template says:
// views of UTF-16LE text.
type plainSystem struct {
	provider, id, time, channel, computer []byte
	end                                   int // of the record's BinXML, from the chunk's start
}

// quickPlain is quick for records without a template. It knows the shape in
// which collectors store what comes from elsewhere; for any other, and for
// anything odd, it returns false and has counted nothing.
func (r *Reading) quickPlain(c *chunkWalk, off, size int) bool {
	s, ok := r.dec.readPlain(c.data, off, size)
	if !ok || uint(off+size-recordTail-s.end) > maxFiller {
		return false
	}
	id, ok := event.Value{Type: event.TypeString, Data: s.id}.Uint()
	if !ok || id > 0xFFFF || r.dec.selectsPlain(&s, uint16(id)) {
		return false
	}
	at, ok := event.Value{Type: event.TypeString, Data: s.time}.Time()
	if !ok || !at.Plausible() {
		return false
	}
	r.countPlain(&s, at)
	r.observeTime(c, off, at)
	c.forget() // a forwarded event's time is that of another clock
	return true
}

// selectsPlain reports whether the event of a record without a template is
// selected.
func (d *Decoder) selectsPlain(s *plainSystem, id uint16) bool {
	if d.sel.wholeProvider || d.sel.hasID(id) {
		if _, ok := d.selectedBy(s.provider, id); ok {
			return true
		}
	}
	if len(d.sel.channels) > 0 {
		_, ok := d.sel.channel(s.channel)
		return ok
	}
	return false
}

// plainScan walks over the tokens of a record without a template. It knows the
// compiler's grammar, but keeps nothing but what it finds in System.
type plainScan struct {
	cur    cursor
	names  *nameCache
	system plainSystem

	stack [maxDepth]struct {
		place place
		word  word
	}
	depth  int
	attr   word
	inAttr bool
	past   bool // System has ended
	odd    bool // what was read is not of the shape that the scan knows
}

// readPlain reads the record at an offset of a chunk, and reports whether it is
// one without a template that is whole and of the usual shape.
func (d *Decoder) readPlain(chunk []byte, off, size int) (plainSystem, bool) {
	p := &d.scan
	p.cur = cursor{data: chunk, pos: off + recordHead, end: off + size - recordTail}
	if size < minRecord+5 || binary.LittleEndian.Uint32(chunk[p.cur.pos:]) != fragmentHeader ||
		chunk[p.cur.pos+4]&^moreFollows != tokenOpenElement {
		return plainSystem{}, false
	}
	p.names = &d.templates.build.names
	p.system, p.depth, p.inAttr, p.past, p.odd = plainSystem{}, 0, false, false, false
	for !p.past && p.cur.err == nil && !p.odd {
		p.token(p.cur.uint8())
	}
	s := &p.system
	if !p.past || s.provider == nil || s.id == nil || s.time == nil || s.channel == nil || s.computer == nil {
		return plainSystem{}, false
	}
	var whole bool
	s.end, whole = skipElements(chunk, p.cur.pos, p.cur.end, p.depth)
	return *s, whole
}

// skipElements reads what follows in a document without a template, some
// elements deep, up to its end token, and reports whether that is well-formed by
// the compiler's grammar. It returns the offset behind the token. At least four
// bytes must follow end, as the size of a record does.
func skipElements(chunk []byte, pos, end, depth int) (int, bool) {
	le := binary.LittleEndian
	inAttr, ok := false, true
	for ok && pos < end {
		token := chunk[pos]
		pos++
		switch token {
		case tokenEOF:
			return pos, depth == 0
		case tokenOpenElement, tokenOpenElement | moreFollows:
			if pos += 4; pos > end || inAttr || depth == maxDepth {
				return 0, false
			}
			pos, ok = skipName(chunk, pos)
			pos += 4 * int(token/moreFollows)
			depth++
		case tokenCloseStart:
			inAttr = false
		case tokenCloseEmpty, tokenEndElement:
			inAttr = false
			depth--
			ok = depth >= 0
		case tokenAttribute, tokenAttribute | moreFollows:
			pos, ok = skipName(chunk, pos)
			inAttr = true
		case tokenEntityRef, tokenEntityRef | moreFollows:
			pos, ok = skipName(chunk, pos)
		case tokenValueText, tokenValueText | moreFollows:
			ok = event.ValueType(chunk[pos]) == event.TypeString
			pos += 3 + 2*int(le.Uint16(chunk[pos+1:]))
		case tokenCDATA, tokenCDATA | moreFollows:
			pos += 2 + 2*int(le.Uint16(chunk[pos:]))
		case tokenCharRef, tokenCharRef | moreFollows:
			pos += 2
		default:
			return 0, false
		}
	}
	return 0, false
}

// skipName returns the offset behind a name reference, and behind the node where
// it is inline, and reports whether there is such a node.
func skipName(chunk []byte, pos int) (int, bool) {
	node := int(binary.LittleEndian.Uint32(chunk[pos:]))
	pos += 4
	if node > len(chunk)-nameNodeHead {
		return pos, false
	}
	size := nameNodeHead + 2*int(binary.LittleEndian.Uint16(chunk[node+6:]))
	if node+size > len(chunk) {
		return pos, false
	}
	if node == pos {
		pos += size + nameNodeTail
	}
	return pos, true
}

// token reads what follows one token.
func (p *plainScan) token(token uint8) {
	switch token {
	case tokenFragmentHeader:
		p.cur.skip(3)
	case tokenOpenElement, tokenOpenElement | moreFollows:
		p.open(token&moreFollows != 0)
	case tokenCloseStart:
		p.inAttr = false
	case tokenCloseEmpty, tokenEndElement:
		p.inAttr = false
		if p.depth--; p.depth < 0 {
			p.odd = true
			return
		}
		p.past = p.stack[p.depth].place == inSystem
	case tokenAttribute, tokenAttribute | moreFollows:
		p.attr, _ = p.names.next(&p.cur)
		p.inAttr = true
	case tokenValueText, tokenValueText | moreFollows:
		p.odd = event.ValueType(p.cur.uint8()) != event.TypeString
		p.text(p.cur.text())
	case tokenCDATA, tokenCDATA | moreFollows:
		p.cur.text()
		p.odd = p.target() != nil
	case tokenCharRef, tokenCharRef | moreFollows:
		p.cur.skip(2)
		p.odd = p.target() != nil
	case tokenEntityRef, tokenEntityRef | moreFollows:
		p.names.next(&p.cur)
		p.odd = p.target() != nil
	default:
		p.odd = true
	}
}

// open reads an open start element token, as the compiler does.
func (p *plainScan) open(attributes bool) {
	p.cur.skip(4)
	w, _ := p.names.next(&p.cur)
	if attributes {
		p.cur.skip(4)
	}
	if p.depth >= maxDepth || p.inAttr {
		p.odd = true
		return
	}
	parent := inDocument
	if p.depth > 0 {
		parent = p.stack[p.depth-1].place
	}
	p.stack[p.depth].place, p.stack[p.depth].word = childPlace(parent, w), w
	p.depth++
}

// text takes a text that belongs to one of the System values. Each of them
// stands there once, and in one piece.
func (p *plainScan) text(text []byte) {
	if to := p.target(); to != nil {
		p.odd = p.odd || *to != nil
		*to = text
	}
}

// target returns the System value that the text in hand belongs to, nil if it
// belongs to none.
func (p *plainScan) target() *[]byte {
	if p.depth < 2 || p.stack[p.depth-2].place != inSystem {
		return nil
	}
	switch w := p.stack[p.depth-1].word; {
	case p.inAttr && w == wordProvider && p.attr == wordName:
		return &p.system.provider
	case p.inAttr && w == wordTimeCreated && p.attr == wordSystemTime:
		return &p.system.time
	case p.inAttr:
		return nil
	case w == wordEventID:
		return &p.system.id
	case w == wordChannel:
		return &p.system.channel
	case w == wordComputer:
		return &p.system.computer
	}
	return nil
}

// plainOrigin counts the records without a template of one computer and channel.
type plainOrigin struct {
	host    string
	records int
	origin  *OriginStats // nil if there are too many
}

// countPlain counts a live record for its host and channel.
func (r *Reading) countPlain(s *plainSystem, at event.Time) {
	rd := r.reader
	rd.scratch = append(append(append(rd.scratch[:0], s.computer...), 0, 0), s.channel...)
	o := rd.plain[string(rd.scratch)]
	if o == nil {
		o = r.newPlain(s)
	}
	o.records++
	if o.origin == nil {
		r.Stats.widen(at)
		return
	}
	o.origin.count(at)
}

// newPlain makes the plainOrigin of a record whose key is in the scratch.
func (r *Reading) newPlain(s *plainSystem) *plainOrigin {
	rd := r.reader
	o := &plainOrigin{host: string(event.AppendUTF16(nil, s.computer))}
	if len(rd.plain) < maxHosts {
		rd.plain[string(rd.scratch)] = o
	} else {
		r.Stats.countHost(o.host, 1)
	}
	r.Stats.countHost(o.host, 0)
	o.origin = r.origin(s.computer, event.Value{Type: event.TypeString, Data: s.channel})
	return o
}

// finishPlain takes the counts into the statistics.
func (r *Reading) finishPlain() {
	for _, o := range r.reader.plain {
		r.Stats.countHost(o.host, o.records)
	}
	clear(r.reader.plain)
}
