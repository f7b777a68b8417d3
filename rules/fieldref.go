package rules

import (
	"bytes"

	"webshellscan/rules/internal/text"
)

// refers reports whether a value of the predicate's field fits one of its other
// field. Sigma modifiers appendix, "fieldref"; an absent field fits nothing.
func (m *Matcher) refers(subject Subject, p *fieldPredicate) bool {
	m.ids = subject.Values(m.ids[:0], p.field)
	m.otherIDs = subject.Values(m.otherIDs[:0], p.other)
	for _, id := range m.ids {
		for _, other := range m.otherIDs {
			if id == other || m.valuesFit(subject, id, other, p) {
				return true
			}
		}
	}
	return false
}

// pairSlot is what is known of two values: whether they fit as a predicate
// asks.
type pairSlot struct {
	predicate *fieldPredicate
	id, other ValueID
	fit       bool
}

const pairSlots = 256 // a power of two

// valuesFit reports whether two values fit, and remembers that: images and
// their parents' come again and again.
func (m *Matcher) valuesFit(subject Subject, id, other ValueID, p *fieldPredicate) bool {
	if (id|other)&Unkept != 0 {
		return m.textsFit(subject.Text(id), subject.Text(other), p)
	}
	slot := &m.pairs[(uint64(id)*31+uint64(other))%pairSlots]
	if slot.predicate != p || slot.id != id || slot.other != other {
		*slot = pairSlot{p, id, other, m.textsFit(subject.Text(id), subject.Text(other), p)}
	}
	return slot.fit
}

// textsFit reports whether one text is equal to another, or begins with it,
// ends with it or contains it, as the predicate asks.
func (m *Matcher) textsFit(whole, piece string, p *fieldPredicate) bool {
	if p.place == wholeField && text.DifferInASCII(whole, piece) {
		return false
	}
	m.pair[0].Reset(whole)
	m.pair[1].Reset(piece)
	a, b := m.pair[0].Form(p.cased, false), m.pair[1].Form(p.cased, false)
	switch p.place {
	case atStart:
		return bytes.HasPrefix(a, b)
	case atEnd:
		return bytes.HasSuffix(a, b)
	case anywhere:
		return bytes.Contains(a, b)
	}
	return bytes.Equal(a, b)
}
