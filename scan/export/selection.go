package export

import (
	"strings"

	"webshellscan/scan/event"
)

// selection is which events are wanted, and what of them.
type selection struct {
	kinds               map[int][]selected // by event ID
	providers, channels []selected
	lists               bool            // fields are asked for by name
	fields              map[string]bool // those names, nil for all
}

// selected is a name that is selected: that of a provider, for a kind of event
// or for all of its events, or that of a channel.
type selected struct {
	name string
	key  int
}

func newSelection(want *event.Want) *selection {
	s := &selection{kinds: make(map[int][]selected), lists: want.Lists()}
	for i, k := range want.Keys {
		s.kinds[int(k.ID)] = append(s.kinds[int(k.ID)], selected{k.Provider, i})
	}
	for i, name := range want.Providers {
		s.providers = append(s.providers, selected{name, want.FirstProvider() + i})
	}
	for i, name := range want.Channels {
		s.channels = append(s.channels, selected{name, want.FirstChannel() + i})
	}
	if !want.AllFields {
		s.fields = make(map[string]bool, len(want.Fields))
		for _, name := range want.Fields {
			s.fields[event.FoldName(name)] = true
		}
	}
	return s
}

// key returns the Event.Key of an event, -1 if it is not wanted.
func (s *selection) key(provider, channel string, id int) int {
	if key := keyOf(s.kinds[id], provider); key >= 0 {
		return key
	}
	if key := keyOf(s.providers, provider); key >= 0 {
		return key
	}
	return keyOf(s.channels, channel)
}

// keyOf returns the key of a name in a list, -1 if it is not there.
func keyOf(list []selected, name string) int {
	for _, l := range list {
		if strings.EqualFold(l.name, name) {
			return l.key
		}
	}
	return -1
}

// wants reports whether a field of a name is listed.
func (s *selection) wants(name []byte) bool {
	var folded [64]byte
	return s.fields == nil || s.fields[string(event.AppendFolded(folded[:0], name))]
}
