package evtxtest_test

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

// token is one BinXML token as the tests' own small walker sees it. It serves
// to take real records apart and knows nothing of the writer.
type token struct {
	code  byte   // without the 'more follows' bit
	name  string // of elements, attributes and entities
	text  string
	index int // of substitutions; the dependency identifier of elements
	typ   byte
}

var errWalk = errors.New("not BinXML that the walker knows")

// walker reads tokens of a chunk.
type walker struct {
	chunk []byte
	at    int
	err   error
}

func (w *walker) u8() int {
	if w.err != nil || w.at+1 > len(w.chunk) {
		w.err = errWalk
		return 0
	}
	w.at++
	return int(w.chunk[w.at-1])
}

func (w *walker) u16() int { return w.u8() | w.u8()<<8 }
func (w *walker) u32() int { return w.u16() | w.u16()<<16 }

func (w *walker) text(units int) string {
	if w.err != nil || w.at+2*units > len(w.chunk) {
		w.err = errWalk
		return ""
	}
	w.at += 2 * units
	return decodeUTF16(w.chunk[w.at-2*units : w.at])
}

func decodeUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

func (w *walker) name() string {
	ref := w.u32()
	node := walker{chunk: w.chunk, at: ref + 6, err: w.err}
	name := node.text(node.u16())
	if node.err != nil {
		w.err = node.err
	}
	if ref == w.at {
		w.at = node.at + 2
	}
	return name
}

// fragment reads tokens up to and with the end of the fragment. It stops before
// a template instance.
func (w *walker) fragment(inTemplate bool) []token {
	var tokens []token
	for w.err == nil {
		if w.at < len(w.chunk) && w.chunk[w.at] == 0x0C {
			return tokens
		}
		code := w.u8()
		t := token{code: byte(code &^ 0x40)}
		switch t.code {
		case 0x00:
			return append(tokens, t)
		case 0x01:
			t.index = 0xFFFF
			if inTemplate {
				t.index = w.u16()
			}
			w.u32()
			t.name = w.name()
			if code&0x40 != 0 {
				w.u32()
			}
		case 0x02, 0x03, 0x04:
		case 0x05:
			w.u8()
			t.text = w.text(w.u16())
		case 0x06, 0x09:
			t.name = w.name()
		case 0x0D, 0x0E:
			t.index = w.u16()
			t.typ = byte(w.u8())
		case 0x0F:
			w.at += 3
		default:
			w.err = errWalk
		}
		tokens = append(tokens, t)
	}
	return nil
}

// rawValue is a value of a real substitution array.
type rawValue struct {
	typ  byte
	data []byte
	at   int
}

// templateInstance is a real template instance.
type templateInstance struct {
	guid   [16]byte
	body   []token
	values []rawValue
}

// instance reads a template instance.
func (w *walker) instance() templateInstance {
	var in templateInstance
	if w.u8() != 0x0C {
		w.err = errWalk
	}
	w.u8()
	id := w.u32()
	definition := w.u32()
	if w.err != nil || definition+24 > len(w.chunk) {
		w.err = errWalk
		return in
	}
	copy(in.guid[:], w.chunk[definition+4:])
	d := walker{chunk: w.chunk, at: definition + 20}
	size := d.u32()
	if uint32(id) != binary.LittleEndian.Uint32(in.guid[:]) {
		w.err = errWalk
		return in
	}
	in.body = d.fragment(true)
	if d.err != nil || d.at != definition+24+size {
		w.err = errWalk
	}
	if definition == w.at {
		w.at = d.at
	}
	in.values = w.values()
	return in
}

// values reads a value specification and the values.
func (w *walker) values() []rawValue {
	count := w.u32()
	if w.err != nil || count > 1024 {
		w.err = errWalk
		return nil
	}
	values := make([]rawValue, count)
	sizes := make([]int, count)
	for i := range values {
		sizes[i] = w.u16()
		values[i].typ = byte(w.u8())
		w.u8()
	}
	for i := range values {
		if w.err != nil || w.at+sizes[i] > len(w.chunk) {
			w.err = errWalk
			return nil
		}
		values[i].at = w.at
		values[i].data = w.chunk[w.at : w.at+sizes[i]]
		w.at += sizes[i]
	}
	return values
}
