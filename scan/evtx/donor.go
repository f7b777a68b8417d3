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

// Donors holds template definitions, of all files of a scan, for records whose
// own definition is lost or in doubt. Which definition stands for a template id
// does not depend on the order in which they came: it is the one that most
// chunks with a sound checksum have, or else most chunks.
type Donors struct {
	byMeaning map[donorKey]*donor
	best      map[templateKey]*donor
}

// donorKey tells definitions apart by what they mean: in which chunk one stands
// makes no difference.
type donorKey struct {
	templateKey
	meaning uint64 // a hash of it
}

// donor is a definition apart from the chunks that it stood in.
type donor struct {
	template *template
	meaning  uint64
	sure     int // chunks with a sound checksum that have it
	unsure   int // other chunks that have it
}

// maxDonors is how many definitions are kept: ten times as many as 905 files
// hold. Beyond it those of the smallest hash stay, whoever saw them first.
const maxDonors = 1 << 13

// better reports whether d is to be taken rather than other.
func (d *donor) better(other *donor) bool {
	return cmp.Or(d.surer(other), cmp.Compare(other.meaning, d.meaning)) > 0
}

// surer compares how sure one can be of two definitions. A damaged one mostly
// knows fewer names, or asks for values that there are not.
func (d *donor) surer(other *donor) int {
	return cmp.Or(cmp.Compare(d.sure, other.sure), cmp.Compare(d.unsure, other.unsure),
		cmp.Compare(len(d.template.items), len(other.template.items)),
		cmp.Compare(other.template.lastValue(), d.template.lastValue()))
}

// prune keeps maxDonors definitions.
func (d *Donors) prune() {
	if len(d.byMeaning) <= maxDonors {
		return
	}
	keys := slices.SortedFunc(maps.Keys(d.byMeaning), func(a, b donorKey) int {
		return cmp.Or(cmp.Compare(a.meaning, b.meaning), cmp.Compare(a.id, b.id), cmp.Compare(a.place, b.place))
	})
	for _, key := range keys[maxDonors:] {
		delete(d.byMeaning, key)
	}
}

// Take adds the definitions that a reader has met since it was made. The reader
// must not be in use.
func (d *Donors) Take(r *Reader) {
	if d.byMeaning == nil {
		d.byMeaning = make(map[donorKey]*donor)
	}
	for key, from := range r.templates.donors.byMeaning {
		if to := d.byMeaning[key]; to != nil {
			to.sure += from.sure
			to.unsure += from.unsure
		} else {
			own := *from
			d.byMeaning[key] = &own
		}
	}
	d.prune()
	d.best = make(map[templateKey]*donor)
	for key, candidate := range d.byMeaning {
		if best := d.best[key.templateKey]; best == nil || candidate.better(best) {
			d.best[key.templateKey] = candidate
		}
	}
}

// find returns the donor of a template id, nil if none is known.
func (d *Donors) find(id uint32, at place) *donor { return d.best[templateKey{id, at}] }

// contradict reports whether t, of a chunk whose checksum does not fit, is
// another definition than the best of its kind, and less sure.
func (d *Donors) contradict(best *donor, t *template) bool {
	if t.donor == nil || t.donor.meaning == best.meaning {
		return false
	}
	known := d.byMeaning[donorKey{templateKey{t.id, t.place}, t.donor.meaning}]
	return known == nil || known.sure == 0 && best.surer(known) > 0
}

// donate offers a definition of the chunk at hand as a donor.
func (tc *templateCache) donate(key templateKey, t *template) {
	if t.failed != nil || t.suspect {
		return
	}
	if t.donor == nil {
		t.donor = tc.donors.put(key, t)
	}
	if tc.unsure {
		t.donor.unsure++
	} else {
		t.donor.sure++
	}
}

// put returns the donor that means what t does.
func (d *Donors) put(key templateKey, t *template) *donor {
	if d.byMeaning == nil {
		d.byMeaning = make(map[donorKey]*donor)
	}
	k := donorKey{key, t.meaning()}
	known := d.byMeaning[k]
	if known == nil {
		known = &donor{template: t.clone(), meaning: k.meaning}
		d.byMeaning[k] = known
		if len(d.byMeaning) > 2*maxDonors {
			d.prune()
		}
	}
	return known
}

// clone returns a copy of t that shares nothing with it.
func (t *template) clone() *template {
	c := *t
	c.raw, c.refs, c.outside = bytes.Clone(t.raw), nil, nil
	c.items, c.embeds, c.parts = slices.Clone(t.items), slices.Clone(t.embeds), slices.Clone(t.parts)
	c.substitutions = slices.Clone(t.substitutions)
	c.listed, c.names = slices.Clone(t.listed), slices.Clone(t.names)
	c.uses, c.usedIn, c.donor, c.borrowed = 0, 0, nil, true
	c.channel, c.origin = event.Value{}, nil
	return &c
}

// meaning returns a hash of where the definition takes what from.
func (t *template) meaning() uint64 {
	b := make([]byte, 0, 1024)
	number := func(n int) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	simple := func(s source) {
		number(int(s.kind))
		switch s.kind {
		case sourceSubstitution:
			number(int(s.index))
		case sourceLiteral:
			number(int(s.text.size))
			b = append(b, t.text(s.text)...)
		}
	}
	add := func(s source) {
		if s.kind != sourceMixed {
			simple(s)
			return
		}
		for i := s.index; ; {
			p := &t.parts[i]
			simple(p.source)
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
