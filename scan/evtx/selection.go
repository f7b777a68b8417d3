package evtx

import (
	"slices"
	"strings"

	"webshellscan/scan/event"
)

// Selection says which kinds of event a Reader decodes. It is immutable, and
// goroutines may share it.
type Selection struct {
	// ids has a bit for each event ID that some provider is selected with: the
	// first look at a record.
	ids       [1 << 16 / 64]uint64
	providers []*provider
}

// provider holds the selected event IDs of one provider.
type provider struct {
	name string // in lower case
	ids  []uint16
	keys []int // by index in ids
}

// NewSelection returns a selection of the given kinds of event. Provider names
// must be ASCII, as all of Windows' own are. Event.Key is the index into keys.
func NewSelection(keys []event.Key) *Selection {
	s := new(Selection)
	byName := make(map[string]*provider)
	for i, k := range keys {
		name := strings.ToLower(k.Provider)
		p := byName[name]
		if p == nil {
			p = &provider{name: name}
			byName[name] = p
			s.providers = append(s.providers, p)
		}
		p.ids, p.keys = append(p.ids, k.ID), append(p.keys, i)
		s.ids[k.ID/64] |= 1 << (k.ID % 64)
	}
	return s
}

// hasID reports whether any provider is selected with the event ID.
func (s *Selection) hasID(id uint16) bool { return s.ids[id/64]&(1<<(id%64)) != 0 }

// provider returns the provider of the given UTF-16LE name, nil if nothing of
// it is selected.
func (s *Selection) provider(utf16 []byte) *provider {
	for len(utf16) >= 2 && utf16[len(utf16)-1] == 0 && utf16[len(utf16)-2] == 0 {
		utf16 = utf16[:len(utf16)-2]
	}
	for _, p := range s.providers {
		if equalFoldASCII(utf16, p.name) {
			return p
		}
	}
	return nil
}

// key returns the index of the key of an event ID of p, and whether there is
// one. A nil p has none.
func (p *provider) key(id uint16) (int, bool) {
	if p == nil {
		return 0, false
	}
	if i := slices.Index(p.ids, id); i >= 0 {
		return p.keys[i], true
	}
	return 0, false
}
