package proctree

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"webshellscan/scan/event"
)

// FacetID numbers a facet: a group of fields that repeat together from record
// to record: the fields of an image, of a logon session, of a parent. Each
// distinct facet is kept once, as a list of field and text, and a record holds
// its number. That makes a record small, and a record's fifteen repeated texts
// cost three look-ups.
type FacetID uint32

// Facet is a group of fields that records share.
type Facet uint8

const (
	FacetOrigin Facet = iota // where a record comes from
	FacetImage               // the program of the process
	FacetLogon               // the logon session that it runs in
	FacetParent              // the program and the user of the parent
	numFacets
)

// FacetOf returns the facet that has a field, false if records have the field
// for themselves.
func FacetOf(field event.FieldID) (Facet, bool) { return facetOf[field], facetOf[field] != numFacets }

// facetFields lists the payload fields of each kind but the first, as Sysmon
// and as the Security log has them.
var facetFields = map[source][numFacets][]event.FieldID{
	sourceSysmon: {
		FacetImage: {
			event.Image, event.FileVersion, event.Description, event.Product, event.Company, event.OriginalFileName,
			event.Hashes, event.RuleName,
		},
		FacetLogon:  {event.User, event.LogonGUID, event.LogonID, event.TerminalSessionID, event.IntegrityLevel},
		FacetParent: {event.ParentImage, event.ParentCommandLine, event.ParentUser},
	},
	sourceSecurity: {
		FacetImage: {event.NewProcessName},
		FacetLogon: {
			event.SubjectUserSID, event.SubjectUserName, event.SubjectDomainName, event.SubjectLogonID,
			event.TargetUserSID, event.TargetUserName, event.TargetDomainName, event.TargetLogonID,
			event.TokenElevationType, event.MandatoryLabel,
		},
		FacetParent: {event.ParentProcessName},
	},
}

// fieldText is one entry of a facet.
type fieldText struct {
	field event.FieldID
	text  TextID
}

const facetEntrySize = 5 // bytes of a fieldText in a facet's encoding

// Texts holds what processes have in common: texts, and facets made of them.
// Goroutines may share it.
type Texts struct {
	*Interner
	facets *Interner
}

// NewTexts returns an empty store.
func NewTexts() *Texts { return &Texts{NewInterner(), NewInterner()} }

// facet returns the number of a facet.
func (t *Texts) facet(entries []fieldText) FacetID {
	var buf [32 * facetEntrySize]byte
	enc := buf[:0]
	for _, e := range entries {
		enc = append(enc, byte(e.field))
		enc = binary.LittleEndian.AppendUint32(enc, uint32(e.text))
	}
	return FacetID(t.facets.Intern(enc))
}

// entryText returns the text of the fieldText that an encoding begins with.
func entryText(enc string) TextID { return TextID(binary.LittleEndian.Uint32([]byte(enc[1:5]))) }

// field returns the text that a facet has for a field, 0 if it has none.
func (t *Texts) field(id FacetID, field event.FieldID) TextID {
	enc := t.facets.Text(TextID(id))
	for ; len(enc) >= facetEntrySize; enc = enc[facetEntrySize:] {
		if enc[0] == byte(field) {
			return entryText(enc)
		}
	}
	return 0
}

// FacetTexts appends the texts of a facet's fields and returns the extended
// slice.
func (t *Texts) FacetTexts(dst []TextID, id FacetID) []TextID {
	enc := t.facets.Text(TextID(id))
	for ; len(enc) >= facetEntrySize; enc = enc[facetEntrySize:] {
		dst = append(dst, entryText(enc))
	}
	return dst
}

// textCache remembers the text that facets have for one field.
type textCache struct {
	texts *Texts
	field event.FieldID
	slots [256]textSlot
}

// textSlot is the text of a facet, and whether it is known.
type textSlot struct {
	facet FacetID
	text  TextID
	known bool
}

func newTextCache(texts *Texts, field event.FieldID) *textCache {
	return &textCache{texts: texts, field: field}
}

// slot returns what a facet has.
func (c *textCache) slot(id FacetID) *textSlot {
	s := &c.slots[(id^id>>8)%FacetID(len(c.slots))]
	if s.facet != id {
		s.facet, s.text = id, c.texts.field(id, c.field)
		s.known = c.texts.Known(s.text)
	}
	return s
}

// known returns the text of a facet, 0 if it is not known.
func (c *textCache) known(id FacetID) TextID {
	if s := c.slot(id); s.known {
		return s.text
	}
	return 0
}

// lookupCache caches, for one collector, the numbers of values of events by
// their bytes in the log, so that a text that was met before is neither
// converted nor looked up among all others. It is direct-mapped: an entry may
// be replaced by another at any time.
type lookupCache struct {
	seed  maphash.Seed
	slots []lookupSlot
}

type lookupSlot struct {
	hash uint64
	key  []byte
	id   uint32
}

const (
	lookupSlots  = 1024    // a power of two
	maxLookupKey = 4 << 10 // longer keys are not kept
)

func newLookupCache() *lookupCache {
	c := &lookupCache{seed: maphash.MakeSeed(), slots: make([]lookupSlot, lookupSlots)}
	clear(c.slots) // writing to fresh memory first is cheaper than reading it first
	return c
}

// A key is a list of values, each as field, type, length and bytes. It is
// hashed and compared where the values lie, and only written down to be kept.

// hash returns the hash of the key that the values of fields make.
func (c *lookupCache) hash(ev *event.Event, fields []event.FieldID) uint64 {
	h := uint64(0)
	for _, f := range fields {
		if v := ev.Value(f); !v.IsNull() {
			h = (bits.RotateLeft64(h, 23) ^ maphash.Bytes(c.seed, v.Data) ^ uint64(f)<<8 ^ uint64(v.Type)) * 0x9E3779B97F4A7C15
		}
	}
	return h ^ h>>29
}

// find returns the slot of a key, and whether it holds that key.
func (c *lookupCache) find(ev *event.Event, fields []event.FieldID) (*lookupSlot, uint64, bool) {
	h := c.hash(ev, fields)
	s := &c.slots[h%lookupSlots]
	return s, h, s.hash == h && s.holds(ev, fields)
}

// holds reports whether the slot's key is that of the values.
func (s *lookupSlot) holds(ev *event.Event, fields []event.FieldID) bool {
	key := s.key
	for _, f := range fields {
		v := ev.Value(f)
		if v.IsNull() {
			continue
		}
		n := len(v.Data)
		if len(key) < 4+n || key[0] != byte(f) || key[1] != byte(v.Type) || key[2] != byte(n) || key[3] != byte(n>>8) ||
			string(key[4:4+n]) != string(v.Data) {
			return false
		}
		key = key[4+n:]
	}
	return len(key) == 0
}

// keep stores a key and its number in the slot.
func (s *lookupSlot) keep(hash uint64, ev *event.Event, fields []event.FieldID, id uint32) {
	size := 0
	for _, f := range fields {
		size += 4 + len(ev.Value(f).Data)
	}
	if size > maxLookupKey {
		return
	}
	key := s.key[:0]
	for _, f := range fields {
		if v := ev.Value(f); !v.IsNull() {
			key = append(key, byte(f), byte(v.Type), byte(len(v.Data)), byte(len(v.Data)>>8))
			key = append(key, v.Data...)
		}
	}
	s.hash, s.id, s.key = hash, id, key
}
