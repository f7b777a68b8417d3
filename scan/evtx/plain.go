package evtx

import (
	"encoding/binary"

	"webshellscan/scan/event"
)

// plainSystem is the System element of a record without a template: views of
// UTF-16LE text.
type plainSystem struct {
	provider, id, time, channel, computer []byte
	recordID                              []byte // nil if the record has none
	body, depth                           int    // where System ends, from the chunk's start, and how many elements are open there
	end                                   int    // of the record's BinXML, from the chunk's start
	late                                  bool   // something stands before System
}

// quickPlain is quick for records without a template. It handles the shape in
// which collectors store what comes from elsewhere; for any other, and for
// anything odd, it returns false and has counted nothing.
func (r *Reading) quickPlain(c *chunkWalk, off, size int) bool {
	s, ok := r.dec.readPlain(c.data, off, size)
	if !ok || uint(off+size-recordTail-s.end) > maxFiller {
		return false
	}
	id, ok := event.Value{Type: event.TypeString, Data: s.id}.Uint()
	if !ok || id > 0xFFFF {
		return false
	}
	at, ok := event.Value{Type: event.TypeString, Data: s.time}.Time()
	if !ok || !at.Plausible() {
		return false
	}
	if key, selected := r.dec.plainKey(&s, uint16(id)); selected && !r.dec.plainRefuses(c, off, &s, key, at) {
		return false
	}
	c.noted = c.noted || r.dec.sel.isNoted(uint16(id))
	r.countPlain(&s, at)
	r.observeTime(c, off, at)
	c.forget() // a forwarded event's time is that of another clock
	return true
}

// plainKey returns the Event.Key of a record without a template, and whether it
// is selected.
func (d *Decoder) plainKey(s *plainSystem, id uint16) (int, bool) {
	if d.sel.wholeProvider || d.sel.hasID(id) {
		if key, ok := d.selectedBy(s.provider, id); ok {
			return key, true
		}
	}
	if len(d.sel.channels) > 0 {
		return d.sel.channel(s.channel)
	}
	return 0, false
}

// readPlain reads the record at an offset of a chunk, and reports whether it is
// one without a template that is whole and of the usual shape.
func (d *Decoder) readPlain(chunk []byte, off, size int) (s plainSystem, ok bool) {
	pos, end := off+recordHead, off+size-recordTail
	if size < minRecord+5 || binary.LittleEndian.Uint32(chunk[pos:]) != fragmentHeader ||
		chunk[pos+4]&^event.MoreFollows != event.TokenOpenElement {
		return s, false
	}
	pos, depth, ok := s.read(chunk, pos+4, end, &d.templates.build.names)
	if !ok || s.provider == nil || s.id == nil || s.time == nil || s.channel == nil || s.computer == nil {
		return s, false
	}
	s.body, s.depth = pos, depth
	s.end, ok = skipElements(chunk, pos, end, depth)
	return s, ok
}

// plainElement is an open element of a record without a template.
type plainElement struct {
	place place
	word  word
}

// read reads elements up to the end of System by the compiler's grammar. It
// returns the offset behind that and how many elements are open there, and
// reports whether all is of the usual shape. What is said of chunk and end at
// skipElements holds here too.
func (s *plainSystem) read(chunk []byte, pos, end int, cache *nameCache) (int, int, bool) {
	var stack [4]plainElement // Event, System, one of its elements
	depth, attr, inAttr, ok := 0, wordNone, false, true
	for ok && pos < end {
		token := chunk[pos]
		pos++
		switch token {
		case event.TokenOpenElement, event.TokenOpenElement | event.MoreFollows:
			if pos += 4; pos > end || inAttr || depth == len(stack) {
				return 0, 0, false
			}
			parent, w := inDocument, wordNone
			if depth > 0 {
				parent = stack[depth-1].place
			}
			w, pos, ok = cache.at(chunk, pos)
			pos += 4 * int(token/event.MoreFollows)
			stack[depth] = plainElement{childPlace(parent, w), w}
			s.late = s.late || depth == 1 && stack[1].place != inSystem
			depth++
		case event.TokenCloseStart:
			inAttr = false
		case event.TokenCloseEmpty, event.TokenEndElement:
			inAttr = false
			if depth--; depth < 0 || stack[depth].place == inSystem {
				return pos, depth, depth >= 0
			}
		case event.TokenAttribute, event.TokenAttribute | event.MoreFollows:
			inAttr = true
			if attr = wordNone; depth > 0 && stack[depth-1].word.hasValueAttribute() {
				attr, pos, ok = cache.at(chunk, pos)
			} else {
				pos, ok = skipName(chunk, pos)
			}
		case event.TokenValueText, event.TokenValueText | event.MoreFollows:
			size := 2 * int(binary.LittleEndian.Uint16(chunk[pos+1:]))
			at := pos + 3
			if pos = at + size; pos > end || event.ValueType(chunk[at-3]) != event.TypeString {
				return 0, 0, false
			}
			if depth == 3 && stack[1].place == inSystem {
				ok = s.set(stack[2].word, attr, inAttr, chunk[at:pos:pos])
			}
		default:
			return 0, 0, false // nothing else stands in System
		}
	}
	return 0, 0, false
}

// hasValueAttribute reports whether it is an attribute that an element of
// System has its value in.
func (w word) hasValueAttribute() bool { return w == wordProvider || w == wordTimeCreated }

// set sets a text of an element of System, or of an attribute of it. It reports
// whether it is the first of that value: each stands there once, in one piece.
func (s *plainSystem) set(element, attr word, inAttr bool, text []byte) bool {
	var to *[]byte
	switch {
	case inAttr && element == wordProvider && attr == wordName:
		to = &s.provider
	case inAttr && element == wordTimeCreated && attr == wordSystemTime:
		to = &s.time
	case inAttr:
		return true
	case element == wordEventID:
		to = &s.id
	case element == wordEventRecordID:
		to = &s.recordID
	case element == wordChannel:
		to = &s.channel
	case element == wordComputer:
		to = &s.computer
	default:
		return true
	}
	first := *to == nil
	*to = text
	return first
}

// skipElements reads what follows in a document without a template, some
// elements deep, up to its end token, and reports whether that is well-formed
// by the compiler's grammar. It returns the offset behind the token. At least
// four bytes must follow end, as the size of a record does.
func skipElements(chunk []byte, pos, end, depth int) (int, bool) {
	le := binary.LittleEndian
	inAttr, ok := false, true
	for ok && pos < end {
		token := chunk[pos]
		pos++
		switch token {
		case event.TokenEOF:
			return pos, depth == 0
		case event.TokenOpenElement, event.TokenOpenElement | event.MoreFollows:
			if pos += 4; pos > end || inAttr || depth == maxDepth {
				return 0, false
			}
			pos, ok = skipName(chunk, pos)
			pos += 4 * int(token/event.MoreFollows)
			depth++
		case event.TokenCloseStart:
			inAttr = false
		case event.TokenCloseEmpty, event.TokenEndElement:
			inAttr = false
			depth--
			ok = depth >= 0
		case event.TokenAttribute, event.TokenAttribute | event.MoreFollows:
			pos, ok = skipName(chunk, pos)
			inAttr = true
		case event.TokenEntityRef, event.TokenEntityRef | event.MoreFollows:
			pos, ok = skipName(chunk, pos)
		case event.TokenValueText, event.TokenValueText | event.MoreFollows:
			ok = event.ValueType(chunk[pos]) == event.TypeString
			pos += 3 + 2*int(le.Uint16(chunk[pos+1:]))
		case event.TokenCDATA, event.TokenCDATA | event.MoreFollows:
			pos += 2 + 2*int(le.Uint16(chunk[pos:]))
		case event.TokenCharRef, event.TokenCharRef | event.MoreFollows:
			pos += 2
		default:
			return 0, false
		}
	}
	return 0, false
}

// skipName returns the offset behind a name reference, and behind the node
// where it is inline, and reports whether there is such a node.
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

// plainOrigin counts the records without a template of one computer and
// channel.
type plainOrigin struct {
	host    string
	records int
	origin  *OriginStats // nil if there are too many
}

// countPlain counts a live record for its host and channel.
func (r *Reading) countPlain(s *plainSystem, at event.Time) {
	o := r.plainOrigin(s)
	o.records++
	if o.origin == nil {
		r.Stats.widen(at)
		return
	}
	o.origin.count(at)
}

// plainOrigin returns what counts a record.
func (r *Reading) plainOrigin(s *plainSystem) *plainOrigin {
	rd := r.reader
	rd.scratch = append(append(append(rd.scratch[:0], s.computer...), 0, 0), s.channel...)
	if o := rd.plain[string(rd.scratch)]; o != nil {
		return o
	}
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

// finishPlain adds the counts to the statistics.
func (r *Reading) finishPlain() {
	for _, o := range r.reader.plain {
		r.Stats.countHost(o.host, o.records)
	}
	clear(r.reader.plain)
}
