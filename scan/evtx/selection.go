package evtx

import (
	"math/bits"
	"slices"
	"strings"

	"webshellscan/scan/event"
)

// Selection says which events a Reader decodes, and which of their fields. It
// is immutable, and goroutines may share it.
type Selection struct {
	// ids has a bit for each event ID that some provider is selected with:
	// the first look at a record.
	ids       [1 << 16 / 64]uint64
	providers []*selectedProvider
	// wholeProvider is set if all of a provider is selected.
	wholeProvider bool
	channels      []wholeChannel

	// noted has a bit for each event ID of a kind that is looked out for,
	// notedKeys is, by Event.Key of what is selected, whether it is one.
	noted     [1 << 16 / 64]uint64
	notedKeys []bool

	// recovered is set if records which are no longer live are selected
	// too.
	recovered bool
	// lists is set if fields are asked for by name; fields are the names,
	// nil for all fields.
	lists  bool
	fields map[string]bool
	// unlisted is how many keys, the first ones, are selected without them.
	unlisted int
}

// selectedProvider holds what is selected of one provider.
type selectedProvider struct {
	name  string       // in lower case
	ids   []selectedID // in the order of keys
	slots []selectedID // ids by their low bits, the next free slot taken; at least half are free
	whole int          // 1 + Event.Key of the whole provider, 0 if it is not selected
}

// selectedID is an event ID of a provider.
type selectedID struct {
	id  uint16
	key int // 1 + Event.Key, 0 in a free slot
}

// wholeChannel is a channel that is selected whole.
type wholeChannel struct {
	name string // in lower case
	key  int
}

// NewSelection returns a selection of the given kinds of event: Select with
// nothing but keys.
func NewSelection(keys []event.Key) *Selection { return Select(event.Want{Keys: keys}) }

// Select returns a selection of what is wanted. Names of providers and channels
// must be ASCII, as all of Windows' own are. Event.Key is described there.
func Select(want event.Want) *Selection {
	s := &Selection{wholeProvider: len(want.Providers) > 0, recovered: want.Recovered, lists: want.Lists(), unlisted: want.Unlisted}
	for i, k := range want.Keys {
		p := s.add(k.Provider)
		p.ids = append(p.ids, selectedID{k.ID, 1 + i})
		s.ids[k.ID/64] |= 1 << (k.ID % 64)
	}
	for _, p := range s.providers {
		p.fillSlots()
	}
	for i, name := range want.Providers {
		if p := s.add(name); p.whole == 0 {
			p.whole = 1 + want.FirstProvider() + i
		}
	}
	for i, name := range want.Channels {
		s.channels = append(s.channels, wholeChannel{strings.ToLower(name), want.FirstChannel() + i})
	}
	for _, k := range want.Noted {
		s.noted[k.ID/64] |= 1 << (k.ID % 64)
	}
	for _, k := range want.Keys {
		s.notedKeys = append(s.notedKeys, slices.ContainsFunc(want.Noted, func(n event.Key) bool {
			return n.ID == k.ID && strings.EqualFold(n.Provider, k.Provider)
		}))
	}
	if !want.AllFields && s.lists {
		s.fields = make(map[string]bool, len(want.Fields))
		for _, name := range want.Fields {
			s.fields[event.FoldName(name)] = true
		}
	}
	return s
}

// add returns what is selected of a provider.
func (s *Selection) add(name string) *selectedProvider {
	name = strings.ToLower(name)
	for _, p := range s.providers {
		if p.name == name {
			return p
		}
	}
	p := &selectedProvider{name: name}
	s.providers = append(s.providers, p)
	return p
}

// hasID reports whether any provider is selected with the event ID.
func (s *Selection) hasID(id uint16) bool { return s.ids[id/64]&(1<<(id%64)) != 0 }

// isNoted reports whether an event of an ID, of any provider, may be of a kind
// of Want.Noted.
func (s *Selection) isNoted(id uint16) bool { return s.noted[id/64]&(1<<(id%64)) != 0 }

// provider returns the provider of the given UTF-16LE name, nil if nothing of
// it is selected.
func (s *Selection) provider(utf16 []byte) *selectedProvider {
	utf16 = trimNUL(utf16)
	for _, p := range s.providers {
		if equalFoldASCII(utf16, p.name) {
			return p
		}
	}
	return nil
}

// channel returns the Event.Key of a channel of the given UTF-16LE name, and
// whether it is selected.
func (s *Selection) channel(utf16 []byte) (int, bool) {
	utf16 = trimNUL(utf16)
	for _, c := range s.channels {
		if equalFoldASCII(utf16, c.name) {
			return c.key, true
		}
	}
	return 0, false
}

// wants reports whether a field of a name is listed.
func (s *Selection) wants(name string) bool {
	var folded [64]byte
	return s.fields == nil || s.fields[string(event.AppendFolded(folded[:0], name))]
}

// fillSlots makes the slots of the IDs.
func (p *selectedProvider) fillSlots() {
	p.slots = make([]selectedID, 1<<bits.Len(uint(2*len(p.ids)-1)))
	for _, s := range p.ids {
		i := int(s.id)
		for p.slots[i&(len(p.slots)-1)].key > 0 {
			i++
		}
		p.slots[i&(len(p.slots)-1)] = s
	}
}

// key returns the number of what selects an event ID of p, and whether it is
// selected. A nil p has none.
func (p *selectedProvider) key(id uint16) (int, bool) {
	if p == nil {
		return 0, false
	}
	for i := int(id); len(p.slots) > 0; i++ {
		slot := &p.slots[i&(len(p.slots)-1)]
		if slot.key == 0 {
			break
		}
		if slot.id == id {
			return slot.key - 1, true
		}
	}
	return p.whole - 1, p.whole > 0
}

// trimNUL returns UTF-16LE text without its trailing NULs.
func trimNUL(utf16 []byte) []byte {
	for len(utf16) >= 2 && utf16[len(utf16)-1] == 0 && utf16[len(utf16)-2] == 0 {
		utf16 = utf16[:len(utf16)-2]
	}
	return utf16
}
