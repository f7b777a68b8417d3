package evtx

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"webshellscan/scan/event"
)

// TemplatePool holds template definitions, of all files of a scan, for records
// whose own definition is lost or in doubt. Which definition stands for a
// template id does not depend on the order in which they came: it is the one
// that most chunks with a sound checksum have, or else most chunks.
type TemplatePool struct {
	byMeaning map[poolKey]*poolEntry
	best      map[templateKey]*poolEntry
}

// poolKey identifies a definition by what it means, in whichever chunk it
// stands.
type poolKey struct {
	templateKey
	meaning uint64 // a hash of it
}

// poolEntry is a definition apart from the chunks that it stood in.
type poolEntry struct {
	template *template
	meaning  uint64
	sure     int // chunks with a sound checksum that have it
	unsure   int // other chunks that have it
}

// maxCandidates is how many definitions are kept: ten times as many as 905
// files hold. Beyond it those of the smallest hash stay, whoever saw them
// first.
const maxCandidates = 1 << 13

// preferredTo reports whether d should be used instead of other.
func (d *poolEntry) preferredTo(other *poolEntry) bool {
	return cmp.Or(d.compareConfidence(other), cmp.Compare(other.meaning, d.meaning)) > 0
}

// compareConfidence compares how well attested two definitions are. A damaged
// one mostly has fewer names, or asks for values that there are not.
func (d *poolEntry) compareConfidence(other *poolEntry) int {
	return cmp.Or(cmp.Compare(d.sure, other.sure), cmp.Compare(d.unsure, other.unsure),
		cmp.Compare(len(d.template.items), len(other.template.items)),
		cmp.Compare(other.template.lastValue(), d.template.lastValue()))
}

// prune keeps maxCandidates definitions.
func (d *TemplatePool) prune() {
	if len(d.byMeaning) <= maxCandidates {
		return
	}
	keys := slices.SortedFunc(maps.Keys(d.byMeaning), func(a, b poolKey) int {
		return cmp.Or(cmp.Compare(a.meaning, b.meaning), cmp.Compare(a.id, b.id), cmp.Compare(a.place, b.place))
	})
	for _, key := range keys[maxCandidates:] {
		delete(d.byMeaning, key)
	}
}

// Merge adds the definitions that a reader has met since it was made. The
// reader must not be in use.
func (d *TemplatePool) Merge(rd *Reader) {
	if d.byMeaning == nil {
		d.byMeaning = make(map[poolKey]*poolEntry)
	}
	for key, from := range rd.dec.templates.pool.byMeaning {
		if to := d.byMeaning[key]; to != nil {
			to.sure += from.sure
			to.unsure += from.unsure
			to.prefer(from.template)
		} else {
			own := *from
			d.byMeaning[key] = &own
		}
	}
	d.prune()
	d.best = make(map[templateKey]*poolEntry)
	for key, candidate := range d.byMeaning {
		if best := d.best[key.templateKey]; best == nil || candidate.preferredTo(best) {
			d.best[key.templateKey] = candidate
		}
	}
}

// find returns the preferred definition of a template id, nil if none is known.
func (d *TemplatePool) find(id uint32, at place) *poolEntry { return d.best[templateKey{id, at}] }

// contradicts reports whether t, of a chunk whose checksum does not fit, is
// another definition than the best of its kind, and less sure.
func (d *TemplatePool) contradicts(best *poolEntry, t *template) bool {
	if t.candidate == nil || t.candidate.meaning == best.meaning {
		return false
	}
	known := d.byMeaning[poolKey{templateKey{t.id, t.place}, t.candidate.meaning}]
	return known == nil || known.sure == 0 && best.compareConfidence(known) > 0
}

// offer offers a definition of the chunk at hand to the pool.
func (tc *templateCache) offer(key templateKey, t *template) {
	if t.failed != nil || t.suspect {
		return
	}
	if t.candidate == nil {
		t.candidate = tc.pool.put(key, t)
	}
	if tc.unsure {
		t.candidate.unsure++
	} else {
		t.candidate.sure++
	}
}

// put returns the entry that means what t does.
func (d *TemplatePool) put(key templateKey, t *template) *poolEntry {
	if d.byMeaning == nil {
		d.byMeaning = make(map[poolKey]*poolEntry)
	}
	k := poolKey{key, t.meaning()}
	known := d.byMeaning[k]
	if known == nil {
		known = &poolEntry{template: t.clone(), meaning: k.meaning}
		d.byMeaning[k] = known
		if len(d.byMeaning) > 2*maxCandidates {
			d.prune()
		}
	} else {
		known.prefer(t)
	}
	return known
}

// prefer makes t the template of the entry if its bytes come first: which of
// those that mean the same stands for all does not depend on the order in which
// they came.
func (d *poolEntry) prefer(t *template) {
	if bytes.Compare(t.canonical(), d.template.canonical()) < 0 {
		d.template = t.clone()
	}
}

// clone returns a copy of t that shares nothing with it.
func (t *template) clone() *template {
	c := *t
	c.raw, c.refs, c.outside = bytes.Clone(t.raw), slices.Clone(t.refs), slices.Clone(t.outside)
	for i := range c.outside {
		c.outside[i].text = bytes.Clone(c.outside[i].text)
	}
	c.items, c.embeds, c.parts = slices.Clone(t.items), slices.Clone(t.embeds), slices.Clone(t.parts)
	c.substitutions = slices.Clone(t.substitutions)
	c.listed, c.names = slices.Clone(t.listed), slices.Clone(t.names)
	c.uses, c.usedIn, c.candidate, c.foreign = 0, 0, nil, true
	c.channel, c.origin, c.looks = event.Value{}, nil, nil
	return &c
}

// meaning returns a hash of where the definition takes what from.
func (t *template) meaning() uint64 {
	b := make([]byte, 0, 1024)
	number := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	simple := func(s textSource) {
		number(int(s.kind))
		switch s.kind {
		case sourceSubstitution:
			number(int(s.index))
		case sourceLiteral:
			number(int(s.text.size))
			b = append(b, t.text(s.text)...)
		}
	}
	add := func(s textSource) {
		if s.kind != sourceMixed {
			simple(s)
			return
		}
		for i := s.index; ; {
			p := &t.parts[i]
			simple(p.textSource)
			number(int(p.char))
			if i = p.next; i == 0 {
				break
			}
		}
		number(-1)
	}
	for _, s := range t.system {
		add(s)
	}
	for _, it := range t.items {
		number(int(it.field))
		add(it.name)
		add(it.value)
	}
	for _, l := range t.listed {
		number(int(l.section)<<16 | len(l.name))
		b = append(b, l.name...)
		if l.names > 0 {
			add(t.names[l.names-1])
		}
		add(l.value)
	}
	for _, e := range t.embeds {
		number(int(e.index)<<8 | int(e.place))
	}
	for _, index := range t.substitutions {
		number(int(index))
	}
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:])
}

// fits reports whether an instance with so many values can be one of t.
func (t *template) fits(values int) bool {
	for _, index := range t.substitutions {
		if int(index) >= values {
			return false
		}
	}
	return true
}

// lastValue returns the largest index of a value that the definition uses.
func (t *template) lastValue() uint16 {
	last := uint16(0)
	for _, index := range t.substitutions {
		last = max(last, index)
	}
	return last
}
