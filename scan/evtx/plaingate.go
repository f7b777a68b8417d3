package evtx

import (
	"encoding/binary"
	"strings"

	"webshellscan/scan/event"
)

// plainLook is what the gate asks of the events of one kind and computer where
// records have no template: compiling such a record takes ten times as long as
// looking at it.
type plainLook struct {
	names  []string // of the values as event.FoldName has them; plainChannel for that of System
	admits func(*event.Preview) bool
}

// plainChannel stands for System/Channel: no value of the payload has the name.
const plainChannel = "\x00channel"

// maxPlainComputers bounds the computers whose looks are kept: names are
// evidence.
const maxPlainComputers = 1 << 10

// plainRefuses reports whether the gate does not admit a record without a
// template.
func (d *Decoder) plainRefuses(c *chunkWalk, off int, s *plainSystem, key int, when event.Time) bool {
	if d.gate == nil {
		return false
	}
	look := d.plainLookAt(s.computer, key)
	if look.admits == nil {
		return false
	}
	g := &d.preview
	g.Offset, g.Chunk, g.Time, g.Values = c.base+int64(off), c.base, when, g.Values[:0]
	for _, name := range look.names {
		value := event.Value{}
		if name == plainChannel {
			value = event.Value{Type: event.TypeString, Data: s.channel}
		}
		g.Values = append(g.Values, value)
	}
	return look.read(c.data, s, &d.templates.build.names, g.Values) && !look.admits(g)
}

// plainLookAt returns the look at the events of an Event.Key of a computer.
func (d *Decoder) plainLookAt(computer []byte, key int) *plainLook {
	byKey := d.plainLooks[string(computer)]
	if byKey == nil {
		if d.plainLooks == nil || len(d.plainLooks) == maxPlainComputers {
			d.plainLooks = make(map[string]map[int]*plainLook)
		}
		byKey = make(map[int]*plainLook)
		d.plainLooks[string(computer)] = byKey
	}
	look := byKey[key]
	if look == nil {
		look = newPlainLook(d.gate.Look(key, string(event.AppendUTF16(nil, computer))))
		byKey[key] = look
	}
	return look
}

// newPlainLook returns a look. Where it asks for what is not looked at here,
// every event has to be decoded.
func newPlainLook(ask event.Look) *plainLook {
	l := &plainLook{admits: ask.Admits}
	for _, f := range ask.Fields {
		name := event.FoldName(f.Name)
		switch {
		case f.System && name == "channel":
			name = plainChannel
		case f.System || !isASCII(name):
			l.admits = nil
		}
		l.names = append(l.names, name)
	}
	return l
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

// plainPayload is where in the payload of a record without a template one is.
type plainPayload struct {
	depth  int // open elements: Event is 1, EventData 2, Data 3
	data   bool
	inAttr bool
	attr   word
	named  bool
	value  int // index of the value asked for that the Data element has, -1 for none
}

// read reads the values that are asked for from the payload, which is sound by
// skipElements, and reports whether there is no doubt about them: all stand in
// EventData behind System, each once and in one piece.
func (l *plainLook) read(chunk []byte, s *plainSystem, cache *nameCache, values []event.Value) bool {
	if s.late || s.depth != 1 {
		return false
	}
	p := plainPayload{depth: s.depth, value: -1}
	pos, ok := s.body, true
	for ok {
		token := chunk[pos]
		pos++
		switch token &^ event.MoreFollows {
		case event.TokenEOF:
			return true
		case event.TokenOpenElement:
			var w word
			w, pos, ok = cache.at(chunk, pos+4)
			pos += 4 * int(token/event.MoreFollows)
			ok = ok && p.open(w)
		case event.TokenCloseStart:
			p.inAttr = false
		case event.TokenCloseEmpty, event.TokenEndElement:
			p.inAttr = false
			p.depth--
		case event.TokenAttribute:
			p.attr, pos, ok = cache.at(chunk, pos)
			p.inAttr = true
		case event.TokenValueText:
			end := pos + 3 + 2*int(binary.LittleEndian.Uint16(chunk[pos+1:]))
			ok = p.text(l, values, chunk[pos+3:end:end])
			pos = end
		case event.TokenEntityRef:
			pos, ok = skipName(chunk, pos)
			ok = ok && !p.counts()
		case event.TokenCDATA:
			pos += 2 + 2*int(binary.LittleEndian.Uint16(chunk[pos:]))
			ok = !p.counts()
		case event.TokenCharRef:
			pos += 2
			ok = !p.counts()
		default:
			return false
		}
	}
	return false
}

// open enters an element, and reports whether it is one that EventData has, or
// of the message that a collector renders.
func (p *plainPayload) open(w word) bool {
	p.depth++
	switch {
	case p.depth == 2:
		p.data = w == wordEventData
		return p.data || w == wordRenderingInfo
	case p.data:
		p.named, p.value = false, -1
		return p.depth == 3 && w == wordData
	}
	return true
}

// counts reports whether a text is part of the name or value of a Data element
// that is asked for, or may be.
func (p *plainPayload) counts() bool {
	return p.data && p.depth == 3 && (p.inAttr && p.attr == wordName || !p.inAttr && p.value >= 0)
}

// text reads a text, and reports whether it leaves no doubt.
func (p *plainPayload) text(l *plainLook, values []event.Value, text []byte) bool {
	switch {
	case !p.counts():
		return true
	case !p.inAttr:
		first := values[p.value].IsNull()
		for i, name := range l.names { // it may be asked for more than once
			if name == l.names[p.value] {
				values[i] = event.Value{Type: event.TypeString, Data: text}
			}
		}
		return first
	case p.named:
		return false
	}
	p.named = true
	for i := 1; i < len(text); i += 2 {
		if text[i-1] >= 0x80 || text[i] != 0 {
			return false // it may be equal without case to one that is asked for
		}
	}
	for i, name := range l.names {
		if equalFolded(text, name) {
			p.value = i
		}
	}
	return true
}
